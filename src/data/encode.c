/* encode.c - codes -> numbers of the vocabularies, and numbers as the net wants them. */
#include <inttypes.h>
#include <string.h>
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "data/gaps.h"
#include "symbols/bpe.h"

/* --- symbols that are not known --- */

/* Says where a symbol is in a text: the line begin .. end - 1 of codes, and its place there. */
static void tell_in_line(const variable *v, const column_values *c, int64_t begin, int64_t end, int64_t at, const char *file,
                         int64_t line, unroll_error *e) {
  char name[16];
  text source = {0};
  if (!e) return;
  for (int64_t i = begin; i < end && i < begin + 150; i++) {
    const uint32_t code = (uint32_t)c->symbols[i];
    char s[4] = {(char)code};
    if (code == '\n') break;
    text_add(&source, s, v->form.unit == UNIT_BYTES ? 1 : (size_t)utf8_encode(code ? code : 1, s));
  }
  vocabulary_name_code(v->form.unit, (uint32_t)c->symbols[at], name);
  const int64_t column = at - begin + 1;
  error_at(e, UNROLL_BAD_INPUT, file, source.data, 1, column < INT32_MAX ? (int)column : INT32_MAX,
           "the model does not know the character %s: it was not in the data it was trained on", name);
  e->line = line < INT32_MAX ? (int)line : INT32_MAX;
  text_free(&source);
}

/* Says where a symbol is in a table: row and column. */
static void tell_in_row(const dataset *d, const variable *v, const column_values *c, int64_t n, int64_t example, unroll_error *e) {
  char name[16];
  const int64_t step = n - c->first[example], row = c->row ? c->row[example] : d->row_of[example] + (d->stepwise ? step : 0);
  const int line = d->line_of[row] < INT32_MAX ? (int)d->line_of[row] : INT32_MAX;
  int64_t shown;
  const char *file = dataset_place(d, row, &shown);
  if (d->by_line) shown = line;
  if (unit_has_lexicon(v->form.unit))
    error_at(e, UNROLL_BAD_INPUT, file, NULL, 1, 0, "row %" PRId64 ", column '%s': the model does not know the label '%.60s'",
             shown, v->form.name, lexicon_text(&c->words, c->symbols[n], NULL));
  else {
    vocabulary_name_code(v->form.unit, (uint32_t)c->symbols[n], name);
    error_at(e, UNROLL_BAD_INPUT, file, NULL, 1, 0,
             "row %" PRId64 ", column '%s', symbol %" PRId64 ": the model does not know the character %s: it was not in the data",
             shown, v->form.name, step + 1, name);
  }
  e->line = line;
}

/* Symbol n of variable i, which is in `example`, is not known. */
static unroll_status unknown(dataset *d, const variable *v, int i, int64_t n, int64_t example, unroll_error *err) {
  const column_values *c = &d->columns[i];
  unroll_error message = {0}, *e = bad_rows_place(&d->bad, &message);
  if (!e || (d->aside && d->aside[example])) return dataset_set_aside(d, example, NULL, err);
  if (d->plain) {
    int64_t line;
    const char *file = dataset_place(d, d->row_of[example], &line);
    tell_in_line(v, c, c->first[example], c->first[example + 1], n, file, line, e);
  } else
    tell_in_row(d, v, c, n, example, e);
  return dataset_set_aside(d, example, e, err);
}

/* A code's number; -1: none. `numbers`: of the lexicon's texts; NULL: codes of characters. */
static int32_t number_of(const variable *v, const int32_t *numbers, int32_t code) {
  if (numbers && code < 0) return code; /* no symbol at this step */
  return numbers ? numbers[code] : vocabulary_find(&v->words, (uint32_t)code);
}

/* The first code from .. to - 1 that has no number, or -1. */
static int64_t unknown_in(const variable *v, const column_values *c, const int32_t *numbers, int64_t from, int64_t to) {
  for (int64_t n = from; n < to; n++)
    if (number_of(v, numbers, c->symbols[n]) < 0 && (!numbers || c->symbols[n] >= 0)) return n;
  return -1;
}

/* Takes out the lines of a stream that have unknown symbols; marks are made anew. */
static unroll_status drop_lines(dataset *d, const variable *v, unroll_error *err) {
  dataset kept = {0}; /* marks and names only */
  column_values *c = &d->columns[0];
  unroll_error e = {0};
  int64_t n = 0, mark = -1, line = 0, marked = -1;
  bool gap = false;
  unroll_status status = UNROLL_OK;
  for (int64_t begin = 0, end; begin < c->n && !status; begin = end) {
    end = begin;
    while (end < c->n && c->symbols[end++] != '\n') continue;
    line++;
    if (mark + 1 < d->n_marks && d->marks[mark + 1].from == begin) line = d->marks[++mark].line;
    const char *file = d->marks[mark].file;
    const int64_t bad = unknown_in(v, c, NULL, begin, end);
    if (bad >= 0) {
      tell_in_line(v, c, begin, end, bad, file, line, bad_rows_place(&d->bad, &e));
      status = bad_rows_add(&d->bad, &e, err);
      gap = true;
      continue;
    }
    if (gap || mark != marked) status = dataset_mark(&kept, file, n, line, err);
    gap = false;
    marked = mark;
    memmove(c->symbols + n, c->symbols + begin, (size_t)(end - begin) * sizeof *c->symbols);
    n += end - begin;
  }
  if (!status) status = bad_rows_end(&d->bad, err);
  if (!status && n == 0) status = error_at(err, UNROLL_BAD_INPUT, d->name, NULL, 0, 0, "not one line can be read");
  mem_free(d->marks);
  arena_free(&d->names);
  d->marks = kept.marks;
  d->names = kept.names;
  d->n_marks = kept.n_marks;
  d->mark_room = kept.mark_room;
  c->first[1] = c->n = n;
  return status;
}

/* --- variables --- */

/* [l->n] the vocabulary's number of each text, -1 where it has none; a block for mem_free, or NULL. */
static int32_t *words_numbers(const lexicon *l, const vocabulary *v) {
  int32_t *numbers = mem_zero((size_t)l->n + 1, sizeof *numbers);
  for (int32_t w = 0; numbers && w < l->n; w++) {
    size_t size;
    const char *s = lexicon_text(l, w, &size);
    numbers[w] = vocabulary_find_word(v, s, size);
  }
  return numbers;
}

/* Examples with an unknown symbol are set aside, lines of a stream left out. */
static unroll_status encode_symbols(dataset *d, const variable *v, int i, const int32_t *numbers, unroll_error *err) {
  column_values *c = &d->columns[i];
  unroll_status status = UNROLL_OK;
  if (d->stream && unknown_in(v, c, numbers, 0, c->n) >= 0) status = drop_lines(d, v, err);
  for (int64_t e = 0; e < d->n_sequences && !status; e++) {
    const int64_t bad = d->stream ? -1 : unknown_in(v, c, numbers, c->first[e], c->first[e + 1]);
    if (bad >= 0) status = unknown(d, v, i, bad, e, err);
    for (int64_t n = c->first[e]; n < c->first[e + 1] && !status; n++) {
      const int32_t symbol = number_of(v, numbers, c->symbols[n]);
      c->symbols[n] = symbol < 0 && !(numbers && c->symbols[n] < 0) ? 0 : symbol;
    }
  }
  return status;
}

/* Floats only now: a level of 1e8 and steps of 1 are one number as floats. */
static unroll_status encode_numbers(const variable *v, column_values *c, unroll_error *err) {
  if (c->exact && !(c->numbers = mem_alloc(((size_t)c->n * (size_t)v->width + 1) * sizeof *c->numbers))) return error_memory(err);
  const int64_t stored = c->place ? c->stored : c->n;
  for (int64_t n = 0; n < stored; n++)
    for (int j = 0; j < v->width; j++) {
      float *x = &c->numbers[n * v->width + j];
      const double exact = c->exact ? c->exact[n * v->width + j] : (double)*x;
      *x = (float)(v->mean ? (exact - v->mean[j]) / v->deviation[j] : exact);
    }
  if (v->predicted) return UNROLL_OK;
  mem_free(c->exact);
  c->exact = NULL;
  return UNROLL_OK;
}

static unroll_status too_long(const dataset *d, int64_t example, unroll_error *err) {
  int64_t line;
  if (!d->plain) return error_at(err, UNROLL_BAD_INPUT, d->name, NULL, 0, 0, "more than a million steps");
  const char *file = dataset_place(d, d->row_of[example], &line);
  return error_at(err, UNROLL_BAD_INPUT, file, NULL, line < INT32_MAX ? (int)line : INT32_MAX, 0,
                  "a line of more than a million symbols; a long text is a stream: no 'lines'");
}

/* Chunks of bpe become their symbols: there are more of these. */
static unroll_status encode_chunks(dataset *d, const variable *v, int i, unroll_error *err) {
  column_values *c = &d->columns[i];
  bpe_codes codes;
  int64_t n = 0, mark = 0;
  unroll_status status = bpe_codes_of(&codes, &c->words, &v->words, err);
  for (int64_t k = 0; k < c->n && !status; k++) n += codes.first[c->symbols[k] + 1] - codes.first[c->symbols[k]];
  int32_t *symbols = status ? NULL : mem_zero((size_t)n + 1, sizeof *symbols);
  if (!status && !symbols) status = error_memory(err);
  n = 0;
  for (int64_t e = 0; e < d->n_sequences && !status; e++) {
    const int64_t begin = c->first[e], end = c->first[e + 1];
    c->first[e] = n;
    for (int64_t k = begin; k < end; k++) {
      for (; d->stream && mark < d->n_marks && d->marks[mark].from == k; mark++) d->marks[mark].from = n;
      const int64_t from = codes.first[c->symbols[k]], many = codes.first[c->symbols[k] + 1] - from;
      memcpy(symbols + n, codes.symbols + from, (size_t)many * sizeof *symbols);
      n += many;
    }
    if (!d->stream && n - c->first[e] >= (v->form.stream ? MAX_STREAM : MAX_LINE)) status = too_long(d, e, err);
  }
  if (!status) {
    c->first[d->n_sequences] = c->n = c->room = n;
    mem_free(c->symbols);
    c->symbols = symbols;
  } else
    mem_free(symbols);
  bpe_codes_free(&codes);
  return status;
}

static unroll_status encode_variable(dataset *d, const variable *v, int i, unroll_error *err) {
  column_values *c = &d->columns[i];
  int32_t *numbers = NULL;
  if (v->form.unit == UNIT_NUMBERS) {
    return encode_numbers(v, c, err);
  }
  if (v->form.unit == UNIT_BPE) return encode_chunks(d, v, i, err);
  if (unit_has_lexicon(v->form.unit)) {
    numbers = words_numbers(&c->words, &v->words);
    if (!numbers) return error_memory(err);
  }
  if (d->keep_codes && v->form.unit == UNIT_WORDS) {
    c->codes = mem_alloc(((size_t)c->n + 1) * sizeof *c->codes);
    if (!c->codes) {
      mem_free(numbers);
      return error_memory(err);
    }
    if (c->n) memcpy(c->codes, c->symbols, (size_t)c->n * sizeof *c->codes);
  }
  const unroll_status status = encode_symbols(d, v, i, numbers, err);
  mem_free(numbers);
  return status;
}

/* The symbols of a text are what it predicts, until a graph says otherwise (dataset_measure). */
static void count_symbols(dataset *d) {
  memcpy(d->first, d->columns[0].first, ((size_t)d->n_sequences + 1) * sizeof *d->first);
  d->n_symbols = d->columns[0].n;
}

unroll_status dataset_encode(dataset *d, const schema *s, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  dataset_fill(d, s);
  for (int i = 0; i < s->n && !status; i++)
    if (d->columns[i].there) status = encode_variable(d, &s->list[i], i, err);
  if (!status) status = dataset_set_unfit_aside(d, s, err);
  if (!status) status = dataset_settle(d, s, err);
  if (!status && d->plain) count_symbols(d);
  return status;
}

uint64_t dataset_hash_files(const dataset *d, const schema *s) {
  uint64_t hash = 0;
  for (int i = 0; i < d->n_columns; i++) {
    const column_values *c = &d->columns[i];
    if (!c->place || !c->numbers) continue;
    hash = hash_bytes(hash, c->place, (size_t)c->n * sizeof *c->place);
    hash = hash_bytes(hash, c->numbers, (size_t)c->stored * (size_t)s->list[i].width * sizeof *c->numbers);
  }
  return hash;
}
