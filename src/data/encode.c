/* encode.c - codes of a text -> numbers of the vocabulary. */
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "symbols/bpe.h"
#include "data/dataset.h"

static unroll_status too_long(const dataset *d, int64_t sequence, unroll_error *err) {
  int64_t line;
  const char *file = dataset_place(d, sequence, &line);
  return error_at(err, UNROLL_BAD_INPUT, file, NULL, line < INT32_MAX ? (int)line : INT32_MAX, 0,
                  "a line of more than a million symbols; a long text is a stream: no 'lines'");
}

int32_t *words_numbers(const lexicon *l, const vocabulary *v) {
  int32_t *numbers = mem_zero((size_t)l->n + 1, sizeof *numbers);
  for (int32_t w = 0; numbers && w < l->n; w++) {
    size_t size;
    const char *s = lexicon_text(l, w, &size);
    numbers[w] = vocabulary_find_word(v, s, size);
  }
  return numbers;
}

static unroll_status encode_words(dataset *d, const vocabulary *v, unroll_error *err) {
  int32_t *numbers = words_numbers(&d->words, v);
  if (!numbers) return error_memory(err);
  for (int64_t i = 0; i < d->n_symbols; i++) d->symbols[i] = numbers[d->symbols[i]];
  mem_free(numbers);
  return UNROLL_OK;
}

/* Chunks become their symbols: there are more of these. */
static unroll_status encode_chunks(dataset *d, const vocabulary *v, unroll_error *err) {
  bpe_codes c;
  int64_t n = 0, mark = 0;
  unroll_status status = bpe_codes_of(&c, &d->words, v, err);
  for (int64_t i = 0; i < d->n_symbols && !status; i++) n += c.first[d->symbols[i] + 1] - c.first[d->symbols[i]];
  int32_t *symbols = status ? NULL : mem_zero((size_t)n + 1, sizeof *symbols);
  if (!status && !symbols) status = error_memory(err);
  n = 0;
  for (int64_t sequence = 0; sequence < d->n_sequences && !status; sequence++) {
    const int64_t begin = d->first[sequence], end = d->first[sequence + 1];
    d->first[sequence] = n;
    for (int64_t i = begin; i < end; i++) {
      for (; !d->lines && mark < d->n_marks && d->marks[mark].from == i; mark++) d->marks[mark].from = n;
      const int64_t from = c.first[d->symbols[i]], many = c.first[d->symbols[i] + 1] - from;
      memcpy(symbols + n, c.symbols + from, (size_t)many * sizeof *symbols);
      n += many;
    }
    if (d->lines && n - d->first[sequence] >= MAX_LINE) status = too_long(d, sequence, err);
  }
  if (!status) {
    d->first[d->n_sequences] = d->n_symbols = n;
    mem_free(d->symbols);
    d->symbols = symbols;
  } else
    mem_free(symbols);
  bpe_codes_free(&c);
  return status;
}

/* A line of a text, its newline or end symbol included; of a stream the rest behind the last newline too. */
typedef struct text_line {
  int64_t index; /* of the sequence; streams: of the line */
  int64_t begin, end;
  int64_t mark, number; /* which mark it is behind, and its line in that file */
} text_line;

static bool next_line(const dataset *d, text_line *l) {
  l->begin = l->end;
  l->index++;
  if (l->begin >= d->n_symbols) return false;
  if (d->lines)
    l->end = d->first[l->index + 1];
  else
    while (l->end < d->n_symbols && d->symbols[l->end++] != '\n') continue;
  l->number++;
  if (l->mark + 1 < d->n_marks && d->marks[l->mark + 1].from == (d->lines ? l->index : l->begin))
    l->number = d->marks[++l->mark].line;
  return true;
}

/* The first symbol of a line that the vocabulary lacks, or -1. */
static int64_t unknown_in(const dataset *d, const vocabulary *v, const text_line *l) {
  for (int64_t i = l->begin; i < l->end; i++)
    if (vocabulary_find(v, (uint32_t)d->symbols[i]) < 0) return i;
  return -1;
}

static void report_unknown(const dataset *d, const text_line *l, int64_t at, unroll_error *err) {
  char name[16];
  text source = {0};
  if (!err) return;
  for (int64_t i = l->begin; i < l->end && i < l->begin + 150; i++) {
    const uint32_t code = (uint32_t)d->symbols[i];
    char s[4] = {(char)code};
    if (code == '\n') break;
    text_add(&source, s, d->unit == UNIT_BYTES ? 1 : (size_t)utf8_encode(code ? code : 1, s));
  }
  vocabulary_name_code(d->unit, (uint32_t)d->symbols[at], name);
  const int64_t column = at - l->begin + 1;
  error_at(err, UNROLL_BAD_INPUT, d->marks[l->mark].file, source.data, 1, column < INT32_MAX ? (int)column : INT32_MAX,
           "the model does not know the character %s: it was not in the data it was trained on", name);
  err->line = l->number < INT32_MAX ? (int)l->number : INT32_MAX;
  text_free(&source);
}

/* Takes out the lines with unknown symbols; marks are made anew. */
static unroll_status drop_unknown(dataset *d, const vocabulary *v, unroll_error *err) {
  dataset kept = {.lines = d->lines}; /* marks and names only */
  text_line l = {.index = -1, .mark = -1};
  unroll_error e = {0};
  int64_t n = 0, sequences = 0, mark = -1;
  bool gap = false;
  unroll_status status = UNROLL_OK;
  while (!status && next_line(d, &l)) {
    const int64_t bad = unknown_in(d, v, &l);
    if (bad >= 0) {
      report_unknown(d, &l, bad, bad_rows_place(&d->bad, &e));
      status = bad_rows_add(&d->bad, &e, err);
      gap = true;
      continue;
    }
    if (gap || l.mark != mark) status = dataset_mark(&kept, d->marks[l.mark].file, d->lines ? sequences : n, l.number, err);
    gap = false;
    mark = l.mark;
    memmove(d->symbols + n, d->symbols + l.begin, (size_t)(l.end - l.begin) * sizeof *d->symbols);
    n += l.end - l.begin;
    if (d->lines) d->first[++sequences] = n;
  }
  if (!status) status = bad_rows_end(&d->bad, err);
  if (!status && n == 0) status = error_at(err, UNROLL_BAD_INPUT, d->name, NULL, 0, 0, "not one line can be read");
  mem_free(d->marks);
  arena_free(&d->names);
  d->marks = kept.marks;
  d->names = kept.names;
  d->n_marks = kept.n_marks;
  d->mark_room = kept.mark_room;
  d->n_symbols = n;
  if (d->lines)
    d->n_sequences = sequences;
  else
    d->first[1] = n;
  return status;
}

unroll_status dataset_encode(dataset *d, const vocabulary *v, unroll_error *err) {
  int64_t bad = 0;
  if (d->unit == UNIT_WORDS) return encode_words(d, v, err);
  if (d->unit == UNIT_BPE) return encode_chunks(d, v, err);
  while (bad < d->n_symbols && vocabulary_find(v, (uint32_t)d->symbols[bad]) >= 0) bad++;
  const unroll_status status = bad < d->n_symbols ? drop_unknown(d, v, err) : UNROLL_OK;
  for (int64_t i = 0; i < d->n_symbols && !status; i++) d->symbols[i] = vocabulary_find(v, (uint32_t)d->symbols[i]);
  return status;
}
