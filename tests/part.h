/* part.h - a part of the rows of a long table, for builds where a row takes long.
 *
 * UNROLL_PART=K/N takes the rows K, K + N, K + 2 N and so on; without it all rows are taken. scripts/test takes all rows with the
 * binary that users get, and with every other build another part of them. */
#ifndef TESTS_PART_H
#define TESTS_PART_H
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static inline int part_of(int *first) {
  const char *said = getenv("UNROLL_PART");
  int k, n;
  *first = 0;
  if (!said) return 1;
  if (sscanf(said, "%d/%d", &k, &n) != 2 || k < 0 || n < 1 || k >= n) {
    fprintf(stderr, "UNROLL_PART is K/N with 0 <= K < N, not '%s'\n", said);
    exit(1);
  }
  *first = k;
  return n;
}

static inline bool part_takes(int row) {
  int first;
  const int n = part_of(&first);
  return row % n == first;
}

/* Are all rows taken? */
static inline bool part_is_all(void) {
  int first;
  return part_of(&first) == 1;
}
#endif
