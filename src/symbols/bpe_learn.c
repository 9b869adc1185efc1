/* bpe_learn.c - the merges of a byte-pair encoding from the chunks of a text and their counts.
 *
 * Each distinct chunk is kept once, as a list of symbols. A table has the count of every pair and the chunks it was seen in, a
 * heap the pairs by count. An entry of the heap may be too high, because a pair loses occurrences when its neighbours are
 * merged. Then it is put back with what it has. So a merge costs what the chunks with its pair are long, not the length of the
 * text. */
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "symbols/bpe.h"
#include "base/hash.h"

typedef struct pair {
  int32_t left, right;
  int64_t count;
  int64_t seen; /* the first node of its chunks, 0: none */
} pair;

typedef struct node {
  int32_t chunk;
  int64_t next;
} node;

typedef struct entry {
  int64_t count;
  int32_t left, right;
  int64_t pair;
} entry;

typedef struct learner {
  const lexicon *chunks;
  int32_t *symbols; /* of all chunks */
  int64_t *first;   /* [chunks->n + 1] where a chunk begins */
  int *length;      /* [chunks->n] symbols that are left of it */
  int *bytes;       /* [256 + merges] bytes of a symbol */
  pair *pairs;
  int64_t n_pairs, pair_room;
  int64_t *slots; /* number of the pair + 1 */
  size_t n_slots;
  node *nodes; /* from 1 */
  int64_t n_nodes, node_room;
  entry *heap;
  int64_t n_heap, heap_room;
  bool failed; /* out of memory */
} learner;

static bool room_for(void **list, int64_t n, int64_t *room, size_t size) {
  if (n < *room) return true;
  const int64_t more = *room ? 2 * *room : 1024;
  void *larger = more > INT64_MAX / 64 ? NULL : mem_resize(*list, (size_t)more * size);
  if (!larger) return false;
  *list = larger;
  *room = more;
  return true;
}

static size_t slot_of(const learner *x, int32_t left, int32_t right) {
  size_t i = (size_t)hash_mix((uint64_t)left << 32 | (uint32_t)right) & (x->n_slots - 1);
  for (; x->slots[i]; i = (i + 1) & (x->n_slots - 1)) {
    const pair *p = &x->pairs[x->slots[i] - 1];
    if (p->left == left && p->right == right) break;
  }
  return i;
}

static bool grow_slots(learner *x) {
  int64_t *old = x->slots;
  const size_t n = x->n_slots ? 2 * x->n_slots : 4096;
  int64_t *slots = mem_zero(n, sizeof *slots);
  if (!slots) return false;
  x->slots = slots;
  x->n_slots = n;
  for (int64_t i = 0; i < x->n_pairs; i++) x->slots[slot_of(x, x->pairs[i].left, x->pairs[i].right)] = i + 1;
  mem_free(old);
  return true;
}

/* --- the heap: most frequent first, then lowest numbers --- */

static bool before(const entry *a, const entry *b) {
  if (a->count != b->count) return a->count > b->count;
  return a->left != b->left ? a->left < b->left : a->right < b->right;
}

static void push(learner *x, int64_t number) {
  const pair *p = &x->pairs[number];
  if (!room_for((void **)&x->heap, x->n_heap, &x->heap_room, sizeof *x->heap)) {
    x->failed = true;
    return;
  }
  const entry e = {p->count, p->left, p->right, number};
  int64_t i = x->n_heap++;
  for (; i > 0 && before(&e, &x->heap[(i - 1) / 2]); i = (i - 1) / 2) x->heap[i] = x->heap[(i - 1) / 2];
  x->heap[i] = e;
}

static entry pop(learner *x) {
  const entry top = x->heap[0], last = x->heap[--x->n_heap];
  int64_t i = 0;
  for (int64_t child; (child = 2 * i + 1) < x->n_heap; i = child) {
    if (child + 1 < x->n_heap && before(&x->heap[child + 1], &x->heap[child])) child++;
    if (!before(&x->heap[child], &last)) break;
    x->heap[i] = x->heap[child];
  }
  x->heap[i] = last;
  return top;
}

/* --- counting --- */

/* Adds occurrences of a pair in a chunk, or takes them away. The chunk is noted if the pair is `fresh` there. */
static void count_pair(learner *x, int32_t left, int32_t right, int32_t chunk, int64_t by, bool fresh) {
  if ((size_t)x->n_pairs * 2 >= x->n_slots && !grow_slots(x)) x->failed = true;
  if (x->failed) return;
  const size_t slot = slot_of(x, left, right);
  if (!x->slots[slot]) {
    x->failed = !room_for((void **)&x->pairs, x->n_pairs, &x->pair_room, sizeof *x->pairs);
    if (x->failed) return;
    x->pairs[x->n_pairs] = (pair){.left = left, .right = right};
    x->slots[slot] = ++x->n_pairs;
  }
  pair *p = &x->pairs[x->slots[slot] - 1];
  p->count += by;
  if (!fresh || (p->seen && x->nodes[p->seen].chunk == chunk)) return;
  x->failed = !room_for((void **)&x->nodes, x->n_nodes + 1, &x->node_room, sizeof *x->nodes);
  if (x->failed) return;
  x->nodes[++x->n_nodes] = (node){chunk, p->seen};
  p->seen = x->n_nodes;
}

/* All pairs of a chunk; those with the symbol `made` are fresh. */
static void count_chunk(learner *x, int32_t chunk, int64_t by, int32_t made) {
  const int32_t *s = x->symbols + x->first[chunk];
  for (int i = 0; i + 1 < x->length[chunk]; i++) count_pair(x, s[i], s[i + 1], chunk, by, s[i] == made || s[i + 1] == made);
}

static bool begin(learner *x, int most) {
  const lexicon *l = x->chunks;
  x->symbols = mem_zero(l->bytes.length + 1, sizeof *x->symbols);
  x->first = mem_zero((size_t)l->n + 1, sizeof *x->first);
  x->length = mem_zero((size_t)l->n + 1, sizeof *x->length);
  x->bytes = mem_zero((size_t)most + 1, sizeof *x->bytes);
  if (!x->symbols || !x->first || !x->length || !x->bytes) return false;
  for (int i = 0; i < BPE_BYTES; i++) x->bytes[i] = 1;
  for (int32_t i = 0; i < l->n; i++) {
    size_t size;
    const char *s = lexicon_text(l, i, &size);
    x->first[i + 1] = x->first[i] + (int64_t)size;
    x->length[i] = l->count[i] > 0 ? (int)size : 0;
    for (size_t k = 0; k < size; k++) x->symbols[x->first[i] + (int64_t)k] = (unsigned char)s[k];
    for (int k = 0; k + 1 < x->length[i]; k++)
      count_pair(x, x->symbols[x->first[i] + k], x->symbols[x->first[i] + k + 1], i, l->count[i], true);
  }
  for (int64_t i = 0; i < x->n_pairs && !x->failed; i++) push(x, i);
  return !x->failed;
}

static void merge_in(learner *x, int32_t chunk, int32_t left, int32_t right, int32_t joined) {
  int32_t *s = x->symbols + x->first[chunk];
  const int n = x->length[chunk];
  int kept = 0, found = 0;
  for (int i = 0; i + 1 < n; i++) found |= s[i] == left && s[i + 1] == right;
  if (!found) return;
  count_chunk(x, chunk, -x->chunks->count[chunk], -1);
  for (int i = 0; i < n; i++) {
    const bool pair_here = i + 1 < n && s[i] == left && s[i + 1] == right;
    s[kept++] = pair_here ? joined : s[i];
    i += pair_here;
  }
  x->length[chunk] = kept;
  count_chunk(x, chunk, x->chunks->count[chunk], joined);
}

/* The next pair to merge; false: none is left that is worth it. */
static bool next_pair(learner *x, entry *out) {
  while (x->n_heap > 0 && !x->failed) {
    *out = pop(x);
    pair *p = &x->pairs[out->pair];
    if (out->count != p->count) {
      if (p->count > 1) push(x, out->pair);
      continue;
    }
    if (p->count < 2) return false;
    if (x->bytes[p->left] + x->bytes[p->right] <= BPE_SYMBOL) return true;
  }
  return false;
}

static void learner_free(learner *x) {
  mem_free(x->symbols);
  mem_free(x->first);
  mem_free(x->length);
  mem_free(x->bytes);
  mem_free(x->pairs);
  mem_free(x->slots);
  mem_free(x->nodes);
  mem_free(x->heap);
}

unroll_status vocabulary_of_chunks(vocabulary *v, bool lines, const lexicon *chunks, int most, unroll_error *err) {
  bpe_merge *merges;
  int n;
  unroll_status status = bpe_learn(chunks, most, lines, &merges, &n, err);
  if (!status) status = vocabulary_set_merges(v, lines, merges, (size_t)n, err);
  mem_free(merges);
  return status;
}

unroll_status bpe_learn(const lexicon *chunks, int most, bool lines, bpe_merge **merges, int *n, unroll_error *err) {
  learner x = {.chunks = chunks};
  const int room = most - BPE_BYTES - lines;
  *n = 0;
  *merges = NULL;
  if (room < 0)
    return error_set(err, UNROLL_BAD_INPUT, "bpe(%d): there are at least %d symbols, one for each byte%s", most, BPE_BYTES + lines,
                     lines ? " and the end" : "");
  *merges = mem_zero((size_t)room + 1, sizeof **merges);
  entry best;
  bool fine = *merges && begin(&x, most);
  while (fine && *n < room && next_pair(&x, &best)) {
    const int32_t joined = BPE_BYTES + *n;
    const int64_t known = x.n_pairs;
    x.bytes[joined] = x.bytes[best.left] + x.bytes[best.right];
    (*merges)[(*n)++] = (bpe_merge){best.left, best.right};
    for (int64_t k = x.pairs[best.pair].seen; k && !x.failed; k = x.nodes[k].next)
      merge_in(&x, x.nodes[k].chunk, best.left, best.right, joined);
    for (int64_t i = known; i < x.n_pairs && !x.failed; i++) push(&x, i); /* only pairs with the new symbol become more frequent */
    fine = !x.failed;
  }
  fine = fine && !x.failed;
  learner_free(&x);
  if (fine) return UNROLL_OK;
  mem_free(*merges);
  *merges = NULL;
  return error_memory(err);
}
