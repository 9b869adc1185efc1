/* lexicon.c - see lexicon.h. */
#include "symbols/lexicon.h"
#include <stdbool.h>
#include <string.h>
#include "base/memory.h"
#include "base/hash.h"

const char *lexicon_text(const lexicon *l, int32_t number, size_t *size) {
  if (size) *size = l->start[number + 1] - l->start[number] - 1;
  return l->bytes.data + l->start[number];
}

/* The slot that holds the text, or the free one where it would go. */
static size_t slot_of(const lexicon *l, const char *s, size_t n) {
  size_t i = (size_t)hash_bytes(0, s, n) & (l->n_slots - 1);
  for (; l->slots[i]; i = (i + 1) & (l->n_slots - 1)) {
    size_t size;
    const char *t = lexicon_text(l, l->slots[i] - 1, &size);
    if (size == n && !memcmp(s, t, n)) break;
  }
  return i;
}

static bool grow_slots(lexicon *l) {
  lexicon bigger = *l;
  bigger.n_slots = l->n_slots ? 2 * l->n_slots : 64;
  bigger.slots = mem_zero(bigger.n_slots, sizeof *bigger.slots);
  if (!bigger.slots) return false;
  for (int32_t i = 0; i < l->n; i++) {
    size_t size;
    const char *s = lexicon_text(l, i, &size);
    bigger.slots[slot_of(&bigger, s, size)] = i + 1;
  }
  mem_free(l->slots);
  *l = bigger;
  return true;
}

static bool grow_list(lexicon *l) {
  if (l->room > INT32_MAX / 4) return false;
  const int32_t room = l->room ? 2 * l->room : 64;
  size_t *start = mem_resize(l->start, ((size_t)room + 1) * sizeof *start);
  if (!start) return false;
  if (!l->start) start[0] = 0;
  l->start = start;
  int64_t *count = mem_resize(l->count, (size_t)room * sizeof *count);
  if (!count) return false;
  l->count = count;
  l->room = room;
  return true;
}

int32_t lexicon_add(lexicon *l, const char *s, size_t n) {
  if ((size_t)l->n * 3 / 2 + 1 >= l->n_slots && !grow_slots(l)) return -1;
  const size_t i = slot_of(l, s, n);
  if (l->slots[i]) {
    l->count[l->slots[i] - 1]++;
    return l->slots[i] - 1;
  }
  if (l->n == l->room && !grow_list(l)) return -1;
  text_add(&l->bytes, s, n);
  text_add(&l->bytes, "", 1);
  if (l->bytes.failed) return -1;
  l->start[l->n + 1] = l->bytes.length;
  l->count[l->n] = 1;
  l->slots[i] = ++l->n;
  return l->n - 1;
}

int32_t lexicon_find(const lexicon *l, const char *s, size_t n) { return l->n_slots ? l->slots[slot_of(l, s, n)] - 1 : -1; }

static bool before(const lexicon *l, int32_t a, int32_t b, int frequent) {
  size_t n, m;
  if (frequent && l->count[a] != l->count[b]) return l->count[a] > l->count[b];
  const char *s = lexicon_text(l, a, &n), *t = lexicon_text(l, b, &m);
  const int order = memcmp(s, t, n < m ? n : m);
  return order ? order < 0 : n < m;
}

static void sift(const lexicon *l, int32_t *a, int32_t root, int32_t n, int frequent) {
  const int32_t top = a[root];
  for (int32_t child; (child = 2 * root + 1) < n; root = child) {
    if (child + 1 < n && before(l, a[child], a[child + 1], frequent)) child++;
    if (!before(l, top, a[child], frequent)) break;
    a[root] = a[child];
    a[child] = top;
  }
}

void lexicon_sort(const lexicon *l, int32_t *a, int32_t n, int frequent) { /* heapsort: nothing is allocated */
  for (int32_t i = n / 2; i-- > 0;) sift(l, a, i, n, frequent);
  for (int32_t i = n; i-- > 1;) {
    const int32_t last = a[0];
    a[0] = a[i];
    a[i] = last;
    sift(l, a, 0, i, frequent);
  }
}

void lexicon_free(lexicon *l) {
  text_free(&l->bytes);
  mem_free(l->start);
  mem_free(l->count);
  mem_free(l->slots);
  *l = (lexicon){0};
}
