/* kinds.c - see kinds.h. */
#include "graph/kinds.h"
#include <math.h>
#include <string.h>
#include "base/text.h"

static double product(const double *args, int n) {
  double x = 1;
  for (int i = 0; i < n; i++) x *= args[i];
  return x;
}

#define A(i) a[i]
#define N n
#define ALL product(a, n)
#define WORDS __builtin_popcount(words)
#define HAS(i) (words >> (i)&1)
#define KIND(name, sort, steps, usual, width, ...)                                                                                 \
  static double width_##name(const double *a, int n, unsigned words) {                                                             \
    (void)a, (void)n, (void)words, (void)product;                                                                                  \
    return width;                                                                                                                  \
  }
#include "graph/kinds.def"
#undef KIND

const data_kind data_kinds[KINDS] = {
#define KIND(name, sort, steps, usual, width, args, least, words, unit, reader, value)                                             \
  {#name, sort, steps, usual, least, args, words, value, width_##name},
#include "graph/kinds.def"
#undef KIND
};

const data_kind *kind_find(const char *name) {
  for (int i = 0; i < KINDS; i++)
    if (!strcmp(data_kinds[i].name, name)) return &data_kinds[i];
  return NULL;
}

const char *kind_word(const char *list, int i, size_t *size, double *value) {
  for (const char *at = list; *at; at += strcspn(at, " "), at += *at == ' ') {
    if (i-- > 0) continue;
    *size = strcspn(at, " =");
    if (value && (at[*size] != '=' || text_number(at + *size + 1, strcspn(at + *size + 1, " "), value))) *value = (double)NAN;
    return at;
  }
  return NULL;
}

int kind_words(const char *list) {
  size_t size;
  int n = 0;
  while (kind_word(list, n, &size, NULL)) n++;
  return n;
}

int kind_place(const char *list, const char *word) {
  size_t size;
  const char *at;
  for (int i = 0; (at = kind_word(list, i, &size, NULL)); i++)
    if (strlen(word) == size && !memcmp(at, word, size)) return i;
  return -1;
}

bool kind_has_values(const data_kind *k) { return strchr(k->args, '=') != NULL; }
