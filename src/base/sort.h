/* sort.h - sorts 64-bit keys in place without allocating. Equal keys do not matter: callers put a place into the low bits. */
#ifndef BASE_SORT_H
#define BASE_SORT_H
#include <stddef.h>
#include <stdint.h>

/* Moves keys[root] down until the heap [0, n) is in order again (largest on top). */
static inline void sort_sift(uint64_t *keys, size_t root, size_t n) {
  const uint64_t key = keys[root];
  for (size_t child; (child = 2 * root + 1) < n; root = child) {
    if (child + 1 < n && keys[child + 1] > keys[child]) child++;
    if (keys[child] <= key) break;
    keys[root] = keys[child];
  }
  keys[root] = key;
}

/* Heapsort, increasing: n log n at worst, whatever the input. */
static inline void sort_keys(uint64_t *keys, size_t n) {
  for (size_t i = n / 2; i-- > 0;) sort_sift(keys, i, n);
  for (size_t i = n; i-- > 1;) {
    const uint64_t top = keys[0];
    keys[0] = keys[i];
    keys[i] = top;
    sort_sift(keys, 0, i);
  }
}
#endif
