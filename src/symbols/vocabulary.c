/* vocabulary.c - see vocabulary.h. Collecting marks codes in a bitmap over all of Unicode, so it is linear in the text. Looking
 * up is a table for the codes below 256 and a binary search for the rest. */
#include "symbols/vocabulary.h"
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"

enum { N_CODES = 0x110000, N_BYTES = 256 };

static void set_low(vocabulary *v) {
  for (int i = 0; i < N_BYTES; i++) v->low[i] = -1;
  for (int i = 0; i < v->n; i++)
    if (v->codes[i] < N_BYTES) v->low[v->codes[i]] = i;
}

unroll_status vocabulary_collect(vocabulary *v, enum symbol_unit unit, bool lines, const int32_t *const *codes,
                                 const int64_t *counts, int n_texts, unroll_error *err) {
  *v = (vocabulary){.unit = unit, .end = -1};
  const int limit = unit == UNIT_BYTES ? N_BYTES : N_CODES;
  unsigned char *seen = mem_zero((size_t)limit, 1);
  if (!seen) return error_memory(err);
  if (unit == UNIT_BYTES)
    memset(seen, 1, (size_t)limit);
  else
    for (int i = 0; i < n_texts; i++)
      for (int64_t j = 0; j < counts[i]; j++) seen[codes[i][j]] = 1;
  if (lines) seen[END_CODE] = 1;
  for (int i = 0; i < limit; i++) v->n += seen[i];
  v->codes = mem_zero((size_t)v->n + 1, sizeof *v->codes);
  if (!v->codes) {
    mem_free(seen);
    return error_memory(err);
  }
  int n = 0;
  for (int i = 0; i < limit; i++)
    if (seen[i] && !(lines && i == END_CODE)) v->codes[n++] = (uint32_t)i;
  if (lines) {
    v->codes[n] = END_CODE;
    v->end = n;
  }
  mem_free(seen);
  set_low(v);
  return UNROLL_OK;
}

unroll_status vocabulary_set(vocabulary *v, enum symbol_unit unit, bool lines, const uint32_t *codes, size_t n, unroll_error *err) {
  *v = (vocabulary){.unit = unit, .end = -1};
  const uint32_t limit = unit == UNIT_BYTES ? N_BYTES : N_CODES;
  if (n < 1) return error_set(err, UNROLL_BAD_INPUT, "the vocabulary is empty");
  if (n > limit) return error_set(err, UNROLL_BAD_INPUT, "the vocabulary has %zu symbols, more than there are", n);
  if (lines && codes[n - 1] != END_CODE)
    return error_set(err, UNROLL_BAD_INPUT, "the last symbol of the vocabulary is not the end of a line");
  for (size_t i = 0; i < n; i++) {
    const bool end = lines && i == n - 1;
    char name[16];
    vocabulary_name_code(unit, codes[i], name);
    if (codes[i] >= limit || (unit == UNIT_CHARS && codes[i] >= 0xd800 && codes[i] < 0xe000))
      return error_set(err, UNROLL_BAD_INPUT, "symbol %zu of the vocabulary is no character", i);
    if (!end && lines && codes[i] == END_CODE)
      return error_set(err, UNROLL_BAD_INPUT, "the vocabulary has the end of a line twice");
    if (!end && i > 0 && codes[i] <= codes[i - 1])
      return error_set(err, UNROLL_BAD_INPUT, "symbol %zu of the vocabulary, %s, is out of order", i, name);
  }
  v->codes = mem_zero(n, sizeof *v->codes);
  if (!v->codes) return error_memory(err);
  memcpy(v->codes, codes, n * sizeof *codes);
  v->n = (int)n;
  if (lines) v->end = (int32_t)n - 1;
  set_low(v);
  return UNROLL_OK;
}

void vocabulary_free(vocabulary *v) {
  mem_free(v->codes);
  lexicon_free(&v->words);
  mem_free(v->merges);
  mem_free(v->pairs);
  *v = (vocabulary){.end = -1};
}

static int32_t find(const vocabulary *v, uint32_t code) {
  if (code < N_BYTES) return v->low[code];
  int low = 0, high = v->end >= 0 ? v->n - 1 : v->n;
  while (low < high) {
    const int middle = low + (high - low) / 2;
    if (v->codes[middle] < code)
      low = middle + 1;
    else
      high = middle;
  }
  return low < v->n && v->codes[low] == code ? low : -1;
}

int32_t vocabulary_find(const vocabulary *v, uint32_t code) {
  const int32_t number = find(v, code);
  return number < 0 ? v->other - 1 : number;
}

unroll_status vocabulary_open(vocabulary *v, unroll_error *err) {
  v->other = find(v, UNKNOWN_CODE) + 1;
  return v->other ? UNROLL_OK
                  : error_set(err, UNROLL_BAD_INPUT, "the vocabulary lacks U+FFFD, which stands for unknown characters");
}

int32_t vocabulary_unknown(const vocabulary *v) { return v->unit == UNIT_WORDS ? 0 : v->other - 1; }

void vocabulary_add_text(const vocabulary *v, int32_t symbol, text *out) {
  char s[4];
  if (unit_has_lexicon(v->unit)) {
    size_t size;
    const char *word = lexicon_text(&v->words, symbol, &size);
    text_add(out, word, size);
  } else if (v->unit == UNIT_BYTES) {
    s[0] = (char)v->codes[symbol];
    text_add(out, s, 1);
  } else {
    const int n = utf8_encode(v->codes[symbol], s);
    text_add(out, s, (size_t)n);
  }
}

bool vocabulary_texts(const vocabulary *v, lexicon *out) {
  bool full = true;
  for (int i = 0; i < v->n && full; i++) {
    text s = {0};
    vocabulary_add_text(v, i, &s);
    full = !s.failed && lexicon_add(out, s.data ? s.data : "", s.length) == i;
    text_free(&s);
  }
  return full;
}

void vocabulary_name_code(enum symbol_unit unit, uint32_t code, char out[16]) {
  if (unit == UNIT_BYTES)
    snprintf(out, 16, "byte 0x%02x", (unsigned)(code & 0xff));
  else if (code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0xd800 && code < 0xe000) || code >= N_CODES)
    snprintf(out, 16, "U+%04X", (unsigned)code);
  else {
    char s[4];
    const int n = utf8_encode(code, s);
    snprintf(out, 16, "'%.*s'", n, s);
  }
}
