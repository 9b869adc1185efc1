/* bpe.c - see bpe.h: chunks, and chunks to symbols. */
#include "symbols/bpe.h"
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "base/hash.h"
#include "symbols/words.h"

/* --- chunks --- */

enum chunk_class { CHUNK_SPACE, CHUNK_LETTER, CHUNK_DIGIT, CHUNK_SIGN };

static enum chunk_class class_at(const char *s, size_t size, size_t at, size_t *bytes) {
  uint32_t c;
  const int n = utf8_decode(s + at, size - at, &c);
  *bytes = n ? (size_t)n : 1;
  if (!n) return CHUNK_SIGN;
  if (c == ' ') return CHUNK_SPACE;
  return c >= '0' && c <= '9' ? CHUNK_DIGIT : word_letter(c) ? CHUNK_LETTER : CHUNK_SIGN;
}

const char *bpe_chunk(const char *s, size_t size, size_t *at, size_t *length) {
  const size_t begin = *at;
  size_t i = begin, n;
  if (begin >= size) return NULL;
  while (i < size && s[i] == ' ' && i - begin < BPE_CHUNK) i++;
  if (i - begin > 1 && i < size && s[i] != ' ')
    i--; /* the last space belongs to what follows */
  else if (i < size && s[i] != ' ') {
    const enum chunk_class kind = class_at(s, size, i, &n);
    while (i < size && class_at(s, size, i, &n) == kind && i + n - begin <= BPE_CHUNK) i += n;
  }
  *at = i;
  *length = i - begin;
  return s + begin;
}

/* --- the vocabulary --- */

static size_t slot_of(const vocabulary *v, int32_t left, int32_t right) {
  const size_t mask = v->n_pairs - 1;
  size_t i = (size_t)hash_mix((uint64_t)left << 32 | (uint32_t)right) & mask;
  for (; v->pairs[i]; i = (i + 1) & mask) {
    const bpe_merge *m = &v->merges[v->pairs[i] - 1];
    if (m->left == left && m->right == right) break;
  }
  return i;
}

/* Texts may be equal: another pair may join to the same bytes. */
static unroll_status add_symbol_text(vocabulary *v, const char *s, size_t n, const char *more, size_t m, unroll_error *err) {
  lexicon *l = &v->words;
  text_add(&l->bytes, s, n);
  text_add(&l->bytes, more, m);
  text_add(&l->bytes, "", 1);
  l->start[++l->n] = l->bytes.length;
  return l->bytes.failed ? error_memory(err) : UNROLL_OK;
}

static unroll_status add_merge(vocabulary *v, int32_t k, text *joined, unroll_error *err) {
  const bpe_merge *m = &v->merges[k];
  size_t n, o;
  if (m->left < 0 || m->right < 0 || m->left >= BPE_BYTES + k || m->right >= BPE_BYTES + k)
    return error_set(err, UNROLL_BAD_INPUT, "merge %d is of symbols that are not there yet", (int)k);
  const size_t slot = slot_of(v, m->left, m->right);
  if (v->pairs[slot]) return error_set(err, UNROLL_BAD_INPUT, "merge %d is there twice", (int)k);
  v->pairs[slot] = k + 1;
  lexicon_text(&v->words, m->left, &n);
  lexicon_text(&v->words, m->right, &o);
  if (n + o > BPE_SYMBOL) return error_set(err, UNROLL_BAD_INPUT, "merge %d is longer than %d bytes", (int)k, BPE_SYMBOL);
  joined->length = 0; /* the texts move when the lexicon grows */
  text_add(joined, lexicon_text(&v->words, m->left, NULL), n);
  text_add(joined, lexicon_text(&v->words, m->right, NULL), o);
  return joined->failed ? error_memory(err) : add_symbol_text(v, joined->data, n, joined->data + n, o, err);
}

unroll_status vocabulary_set_merges(vocabulary *v, bool lines, const bpe_merge *merges, size_t n, unroll_error *err) {
  *v = (vocabulary){.unit = UNIT_BPE, .end = -1};
  if (n > (size_t)1 << 24) return error_set(err, UNROLL_BAD_INPUT, "a vocabulary of %zu merges", n);
  v->n_merges = (int)n;
  v->n_pairs = 64;
  while (v->n_pairs < 2 * n) v->n_pairs *= 2;
  v->merges = mem_zero(n + 1, sizeof *v->merges);
  v->pairs = mem_zero(v->n_pairs, sizeof *v->pairs);
  v->words.start = mem_zero(BPE_BYTES + n + 2, sizeof *v->words.start);
  unroll_status status = v->merges && v->pairs && v->words.start ? UNROLL_OK : error_memory(err);
  text joined = {0};
  if (!status && n) memcpy(v->merges, merges, n * sizeof *merges);
  for (int i = 0; i < BPE_BYTES && !status; i++) status = add_symbol_text(v, &(char){(char)i}, 1, "", 0, err);
  for (int32_t k = 0; k < v->n_merges && !status; k++) status = add_merge(v, k, &joined, err);
  if (!status && lines) {
    v->end = v->words.n;
    status = add_symbol_text(v, "\n", 1, "", 0, err);
  }
  v->n = v->words.n;
  text_free(&joined);
  if (status) vocabulary_free(v);
  return status;
}

/* --- encoding --- */

int bpe_encode(const vocabulary *v, const char *chunk, size_t size, int32_t *out) {
  int n = 0;
  if (v->end >= 0 && size == 1 && *chunk == '\n') return out[0] = v->end, 1;
  for (; n < (int)size && n < BPE_CHUNK; n++) out[n] = (unsigned char)chunk[n];
  for (;;) { /* the earliest merge that there is, everywhere */
    int32_t best = INT32_MAX;
    for (int i = 0; i + 1 < n; i++) {
      const int32_t k = v->pairs[slot_of(v, out[i], out[i + 1])];
      if (k && k < best) best = k;
    }
    if (best == INT32_MAX) return n;
    const bpe_merge m = v->merges[best - 1];
    int kept = 0;
    for (int i = 0; i < n; i++) {
      const bool pair = i + 1 < n && out[i] == m.left && out[i + 1] == m.right;
      out[kept++] = pair ? BPE_BYTES + best - 1 : out[i];
      i += pair;
    }
    n = kept;
  }
}

unroll_status bpe_codes_of(bpe_codes *c, const lexicon *chunks, const vocabulary *v, unroll_error *err) {
  int32_t out[BPE_CHUNK];
  *c = (bpe_codes){.first = mem_zero((size_t)chunks->n + 1, sizeof *c->first)};
  if (!c->first) return error_memory(err);
  c->symbols = mem_zero(chunks->bytes.length + 1, sizeof *c->symbols); /* a symbol has at least one byte */
  if (!c->symbols) return error_memory(err);
  for (int32_t i = 0; i < chunks->n; i++) {
    size_t size;
    const char *s = lexicon_text(chunks, i, &size);
    const int n = bpe_encode(v, s, size, out);
    memcpy(c->symbols + c->first[i], out, (size_t)n * sizeof *out);
    c->first[i + 1] = c->first[i] + n;
  }
  return UNROLL_OK;
}

void bpe_codes_free(bpe_codes *c) {
  mem_free(c->first);
  mem_free(c->symbols);
  *c = (bpe_codes){0};
}
