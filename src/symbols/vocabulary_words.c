/* vocabulary_words.c - vocabularies of words and of labels: texts instead of codes. */
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "symbols/vocabulary.h"

static const char END_TEXT[] = "\n"; /* no word has white space in it */

static unroll_status finish(vocabulary *v, bool failed, unroll_error *err) {
  if (failed) {
    vocabulary_free(v);
    return error_memory(err);
  }
  v->n = v->words.n;
  return UNROLL_OK;
}

unroll_status vocabulary_of_words(vocabulary *v, enum symbol_unit unit, bool lines, const lexicon *l, int most, unroll_error *err) {
  const bool words = unit == UNIT_WORDS;
  *v = (vocabulary){.unit = unit, .end = -1};
  int32_t *order = mem_zero((size_t)l->n + 1, sizeof *order);
  if (!order) return error_memory(err);
  for (int32_t i = 0; i < l->n; i++) order[i] = i;
  lexicon_sort(l, order, l->n, words);
  bool failed = words && lexicon_add(&v->words, UNKNOWN_WORD, strlen(UNKNOWN_WORD)) < 0;
  for (int32_t i = 0; i < l->n && !failed; i++) {
    size_t size;
    const char *s = lexicon_text(l, order[i], &size);
    if (words && most > 0 && v->words.n + lines >= most) break;
    if (most > 0 && v->words.n == most) {
      vocabulary_free(v);
      mem_free(order);
      return error_set(err, UNROLL_BAD_INPUT, "more than %d labels: '%.60s' is one too many", most, s);
    }
    failed = lexicon_add(&v->words, s, size) < 0;
  }
  mem_free(order);
  if (lines && !failed) failed = (v->end = lexicon_add(&v->words, END_TEXT, 1)) < 0;
  return finish(v, failed, err);
}

unroll_status vocabulary_set_words(vocabulary *v, enum symbol_unit unit, bool lines, const char *const *texts, const size_t *sizes,
                                   size_t n, unroll_error *err) {
  *v = (vocabulary){.unit = unit, .end = -1};
  unroll_status status = UNROLL_OK;
  if (n < 1 || n > INT32_MAX / 4) return error_set(err, UNROLL_BAD_INPUT, "a vocabulary of %zu symbols", n);
  if (unit == UNIT_WORDS && strcmp(texts[0], UNKNOWN_WORD))
    return error_set(err, UNROLL_BAD_INPUT, "the first word of the vocabulary is not %s", UNKNOWN_WORD);
  if (lines && strcmp(texts[n - 1], END_TEXT))
    return error_set(err, UNROLL_BAD_INPUT, "the last symbol of the vocabulary is not the end of a line");
  for (size_t i = 0; i < n && !status; i++) {
    const int32_t number = lexicon_add(&v->words, texts[i], sizes[i]);
    if (number < 0)
      status = error_memory(err);
    else if ((size_t)number != i)
      status = error_set(err, UNROLL_BAD_INPUT, "the vocabulary has '%.60s' twice", texts[i]);
  }
  if (lines) v->end = (int32_t)n - 1;
  if (status) {
    vocabulary_free(v);
    return status;
  }
  return finish(v, false, err);
}

bool vocabulary_count_words(lexicon *all, const lexicon *l, bool lines) {
  for (int32_t w = 0; w < l->n; w++) {
    size_t size;
    const char *s = lexicon_text(l, w, &size);
    if (!strcmp(s, UNKNOWN_WORD) || (lines && !strcmp(s, END_TEXT))) continue;
    if (!l->count[w]) continue; /* only in rows that were left out */
    const int32_t number = lexicon_add(all, s, size);
    if (number < 0) return false;
    all->count[number] += l->count[w] - 1;
  }
  return true;
}

/* Newlines need no spaces around them. */
static bool is_newline(const vocabulary *v, int32_t symbol) { return !strcmp(lexicon_text(&v->words, symbol, NULL), END_TEXT); }

/* Each line begins with a space that is not in the text. */
static void add_pieces(const vocabulary *v, const int32_t *symbols, int64_t n, text *out) {
  bool begins = true;
  for (int64_t i = 0; i < n; i++) {
    size_t size;
    const char *s = lexicon_text(&v->words, symbols[i], &size);
    if (!size) continue;
    const size_t skip = begins && *s == ' ';
    text_add(out, s + skip, size - skip);
    begins = s[size - 1] == '\n';
  }
}

void vocabulary_add_texts(const vocabulary *v, const int32_t *symbols, int64_t n, text *out) {
  if (v->unit == UNIT_BPE) {
    add_pieces(v, symbols, n, out);
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    if (v->unit == UNIT_WORDS && i > 0 && !is_newline(v, symbols[i - 1]) && !is_newline(v, symbols[i])) text_add(out, " ", 1);
    vocabulary_add_text(v, symbols[i], out);
  }
}

int32_t vocabulary_find_word(const vocabulary *v, const char *s, size_t n) {
  const int32_t number = lexicon_find(&v->words, s, n);
  return number < 0 && v->unit == UNIT_WORDS ? 0 : number;
}
