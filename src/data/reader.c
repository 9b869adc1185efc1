/* reader.c - bytes of a text file -> codes and sequences.
 *
 * `kinds` says which kind of data is read by what; a further reader is a row and a function. A text is UTF-8 without NUL for
 * characters (a byte order mark is dropped), anything for bytes. With `lines` each line is a sequence that ends with the end
 * symbol; a carriage return before the newline belongs to the newline; the newline of the last line may be missing. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/dataset.h"
#include "data/hash.h"
#include "data/times.h"
#include "data/words.h"

typedef struct data_kind {
  const char *name;
  int max_args;
  bool read; /* is there a reader? */
  enum symbol_unit unit;
} data_kind;

static const data_kind kinds[] = {
    {"chars", 0, true, UNIT_CHARS},
    {"bytes", 0, true, UNIT_BYTES},
    {"words", 1, true, UNIT_WORDS},
    {"category", 1, true, UNIT_LABELS},
    {"number", 0, true, UNIT_NUMBERS},
    {"numbers", 1, true, UNIT_NUMBERS},
    {"time", 0, true, UNIT_NUMBERS},
    {"bpe", 1, false, 0},
    {"image", 3, false, 0},
    {"audio", 2, false, 0},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static unroll_status unknown_kind(const program *net, const expr *value, unroll_error *err) {
  const char *names[N_KINDS];
  for (int i = 0; i < N_KINDS; i++) names[i] = kinds[i].name;
  const char *near = text_nearest(value->name, names, N_KINDS);
  return lang_error(net, value->at, err, "unknown kind of data '%s'%s%s%s", value->name, near ? "; did you mean '" : "",
                    near ? near : "", near ? "'?" : "; expected chars, bytes, words ...");
}

static unroll_status form_of_statement(data_form *f, const program *net, const statement *s, unroll_error *err) {
  const data_kind *kind = NULL;
  if (!s->value || !s->value->name) return lang_error(net, s->at, err, "'data %s' has no kind", s->name);
  for (int i = 0; i < N_KINDS; i++)
    if (!strcmp(kinds[i].name, s->value->name)) kind = &kinds[i];
  if (!kind) return unknown_kind(net, s->value, err);
  if (s->value->n_args > kind->max_args)
    return lang_error(net, s->value->at, err, "data kind '%s' takes %d argument%s", kind->name, kind->max_args,
                      kind->max_args == 1 ? "" : "s");
  if (!kind->read) {
    lang_error(net, s->value->at, err, "data kind '%s' has no reader yet", kind->name);
    if (err) err->code = UNROLL_USAGE;
    return UNROLL_USAGE;
  }
  *f = (data_form){.name = s->name, .kind = kind->name, .unit = kind->unit, .n_args = s->value->n_args};
  for (int i = 0; i < s->n_names; i++) {
    const int cycle = strcmp(kind->name, "time") ? 0 : time_cycle(s->names[i]);
    if (cycle) {
      f->cycles |= (unsigned)cycle;
      continue; /* the graph has the rest to say about them */
    }
    const bool words = kind->unit == UNIT_WORDS;
    const char *given = s->names[i];
    bool *word = !strcmp(given, "lines")             ? &f->lines
                 : words && !strcmp(given, "lower")  ? &f->lower
                 : words && !strcmp(given, "spaced") ? &f->spaced
                                                     : NULL;
    if (!word)
      return lang_error(net, s->names_at[i], err, "unknown word '%s' after 'data %s : %s'; expected 'lines'%s", given, s->name,
                        kind->name, words ? ", 'lower' or 'spaced'" : "");
    if (*word) return lang_error(net, s->names_at[i], err, "'%s' is there twice", given);
    *word = true;
  }
  return UNROLL_OK;
}

unroll_status data_forms_of(data_form list[MAX_FORMS], int *n, const program *net, unroll_error *err) {
  *n = 0;
  for (int i = 0; i < net->n_statements; i++) {
    const statement *s = &net->statements[i];
    if (s->kind != STATEMENT_DATA) continue;
    if (*n == MAX_FORMS) return lang_error(net, s->at, err, "more than %d data lines", MAX_FORMS);
    const unroll_status status = form_of_statement(&list[(*n)++], net, s, err);
    if (status) return status;
  }
  if (*n) return UNROLL_OK;
  return error_at(err, UNROLL_BAD_INPUT, net->file, NULL, 0, 0, "the net has no 'data' line, so no data can be bound to it");
}

bool data_is_text(const data_form *list, int n) { return n == 1 && list->unit <= UNIT_WORDS; }

unroll_status data_bad_at(const char *name, const char *data, size_t size, size_t at, unroll_error *err, const char *format, ...) {
  int line = 1, column = 1;
  size_t start = 0;
  for (size_t i = 0; i < at; i++)
    if (data[i] == '\n') {
      line += line < INT32_MAX;
      start = i + 1;
    }
  for (size_t i = start; i < at;) {
    uint32_t code;
    const int n = utf8_decode(data + i, size - i, &code);
    i += n ? (size_t)n : 1;
    column += column < INT32_MAX;
  }
  char source[sizeof err->source], what[sizeof err->message]; /* the line up to a NUL, which may come before the place itself */
  size_t n = 0;
  while (start + n < size && n + 1 < sizeof source && data[start + n] != '\n') n++;
  memcpy(source, data + start, n);
  for (size_t i = 0; i < n; i++)
    if (!source[i]) source[i] = 1;
  source[n] = 0;
  va_list list;
  va_start(list, format);
  vsnprintf(what, sizeof what, format, list);
  va_end(list);
  error_at(err, UNROLL_BAD_INPUT, name, source, 1, column, "%s", what);
  if (err) err->line = line;
  return UNROLL_BAD_INPUT;
}

/* Number of codes and sequences that decode() will write; checks the bytes on the way. */
static unroll_status count(const data_form *f, const char *name, const char *data, size_t size, size_t begin, int64_t *codes,
                           int64_t *sequences, unroll_error *err) {
  int64_t in_line = 0;
  *codes = *sequences = 0;
  for (size_t i = begin; i < size;) {
    uint32_t code = (unsigned char)data[i];
    int n = 1;
    if (f->unit != UNIT_BYTES) {
      if (code >= 0x80) n = utf8_decode(data + i, size - i, &code);
      if (n == 0) return data_bad_at(name, data, size, i, err, "invalid UTF-8; 'bytes' instead of 'chars' reads any file");
      if (code == 0) return data_bad_at(name, data, size, i, err, "a NUL in a text; 'bytes' instead of 'chars' reads any file");
    }
    if (f->lines && code == '\n') {
      ++*sequences;
      in_line = 0;
    } else if (f->lines && ++in_line >= MAX_LINE)
      return data_bad_at(name, data, size, i, err, "a line of more than a million symbols; a long text is a stream: no 'lines'");
    ++*codes;
    i += (size_t)n;
  }
  if (!f->lines)
    *sequences = 1;
  else if (size > begin && data[size - 1] != '\n') { /* the last newline is missing: its end symbol is added */
    ++*sequences;
    ++*codes;
  }
  return UNROLL_OK;
}

static void decode(dataset *d, const char *data, size_t size, size_t begin) {
  int64_t n = 0, sequence = 0, start = 0;
  d->first[0] = 0;
  for (size_t i = begin; i < size;) {
    uint32_t code = (unsigned char)data[i];
    int length = 1;
    if (d->unit == UNIT_CHARS && code >= 0x80) length = utf8_decode(data + i, size - i, &code);
    if (d->lines && code == '\n') {
      if (n > start && d->symbols[n - 1] == '\r') n--;
      d->symbols[n++] = END_CODE;
      d->first[++sequence] = start = n;
    } else
      d->symbols[n++] = (int32_t)code;
    i += (size_t)length;
  }
  if (d->lines && size > begin && data[size - 1] != '\n') {
    if (n > start && d->symbols[n - 1] == '\r') n--;
    d->symbols[n++] = END_CODE;
    d->first[++sequence] = n;
  }
  if (!d->lines) d->first[1] = n;
  d->n_symbols = n;
}

unroll_status dataset_parse(dataset *d, const data_form *f, const char *name, const char *data, size_t size, unroll_error *err) {
  *d = (dataset){.unit = f->unit, .lines = f->lines};
  const size_t begin = f->unit != UNIT_BYTES && size >= 3 && !memcmp(data, "\xef\xbb\xbf", 3) ? 3 : 0;
  int64_t codes;
  if (size == begin) return error_at(err, UNROLL_BAD_INPUT, name, NULL, 0, 0, "the file is empty");
  unroll_status status = count(f, name, data, size, begin, &codes, &d->n_sequences, err);
  if (status) return status;
  if (f->unit == UNIT_WORDS) codes = words_count(f, data + begin, size - begin);
  d->name = mem_text(name);
  d->symbols = mem_zero((size_t)codes + 1, sizeof *d->symbols);
  d->first = mem_zero((size_t)d->n_sequences + 1, sizeof *d->first);
  if (!d->name || !d->symbols || !d->first) {
    dataset_free(d);
    return error_memory(err);
  }
  d->bytes = size;
  d->hash = hash_bytes(0, data, size);
  if (f->unit == UNIT_WORDS)
    status = words_read(d, f, data + begin, size - begin, err);
  else
    decode(d, data, size, begin);
  if (!status && d->n_symbols == 0) status = error_at(err, UNROLL_BAD_INPUT, name, NULL, 0, 0, "the file has no words");
  if (status) dataset_free(d);
  return status;
}

unroll_status dataset_read(dataset *d, const data_form *f, const char *path, unroll_error *err) {
  char *data;
  size_t size;
  *d = (dataset){0};
  unroll_status status = file_read(path, &data, &size, err);
  if (status) return status;
  status = dataset_parse(d, f, strcmp(path, "-") ? path : "standard input", data, size, err);
  mem_free(data);
  return status;
}
