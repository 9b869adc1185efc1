/* text.c - plain text files -> codes: a table of one column, a row a line; or one stream.
 *
 * A text is UTF-8 without NUL for characters and words (a byte order mark is dropped), anything for bytes. With `lines` each
 * line is a sequence that ends with the end symbol. A carriage return before the newline belongs to the newline. The newline of
 * the last line may be missing. Several files follow each other. As a stream they are one, with a newline between two if it is
 * missing (not so of bytes).
 *
 * Lines that cannot be read cut a file into pieces, which are then decoded one after the other. Each has a mark that says where in
 * the file it begins, so that messages name the right line. */
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/dataset.h"
#include "base/hash.h"
#include "read/input.h"
#include "symbols/words.h"

typedef struct piece {
  const input_file *file;
  const char *data;
  size_t size;
  int64_t line; /* of the file, its first one */
  int64_t row;  /* the same, of all files */
} piece;

typedef struct text_reader {
  dataset *d;
  column_values *c; /* its column */
  const data_form *f;
  int64_t lines; /* of the files before */
  piece *list;
  int64_t n, room;
  int64_t codes, sequences; /* room for them, at least */
  int64_t sequence;         /* so many are decoded */
  unroll_error *err;
} text_reader;

/* Of words and bpe the codes number the texts of a lexicon. */
static bool has_words(const text_reader *r) { return unit_has_lexicon(r->f->unit); }

static bool adds_newlines(const data_form *f) { return f->lines || f->unit != UNIT_BYTES; }

/* Codes of one line without its newline. */
static unroll_status check_line(text_reader *r, const input_file *file, size_t begin, size_t end, unroll_error *err) {
  int64_t in_line = 0;
  for (size_t i = begin; i < end;) {
    uint32_t code = (unsigned char)file->data[i];
    int n = 1;
    if (r->f->unit != UNIT_BYTES) {
      if (code >= 0x80) n = utf8_decode(file->data + i, file->size - i, &code);
      if (n == 0)
        return input_bad_at(file->name, file->data, file->size, i, err, "invalid UTF-8; 'bytes' instead of 'chars' reads any file");
      if (code == 0)
        return input_bad_at(file->name, file->data, file->size, i, err,
                            "a NUL in a text; 'bytes' instead of 'chars' reads any file");
    }
    if (++in_line >= MAX_LINE && r->f->lines)
      return input_bad_at(file->name, file->data, file->size, i, err,
                          "a line of more than a million symbols; a long text is a stream: no 'lines'");
    i += (size_t)n;
  }
  r->codes += in_line + 1;
  r->sequences++;
  return UNROLL_OK;
}

static unroll_status add_piece(text_reader *r, const input_file *file, size_t begin, size_t end, int64_t line) {
  if (end <= begin) return UNROLL_OK;
  if (r->n == r->room) {
    const int64_t room = r->room ? 2 * r->room : 4;
    piece *list = mem_resize(r->list, (size_t)room * sizeof *list);
    if (!list) return error_memory(r->err);
    r->list = list;
    r->room = room;
  }
  r->list[r->n++] = (piece){file, file->data + begin, end - begin, line, r->lines + line};
  return UNROLL_OK;
}

static unroll_status set_aside(bad_rows *bad, unroll_error *e, unroll_error *err) {
  const unroll_status status = bad_rows_add(bad, e, err);
  *e = (unroll_error){0};
  return status;
}

/* Cuts a file at its bad lines. */
static unroll_status cut_file(text_reader *r, const input_file *file) {
  const size_t mark = r->f->unit != UNIT_BYTES && file->size >= 3 && !memcmp(file->data, "\xef\xbb\xbf", 3) ? 3 : 0;
  unroll_error e = {0};
  size_t from = mark;
  int64_t line = 1, first = 1;
  if (file->size == mark) return error_at(r->err, UNROLL_BAD_INPUT, file->name, NULL, 0, 0, "the file is empty");
  for (size_t at = mark, end; at < file->size; at = end + 1, line++) {
    const char *newline = memchr(file->data + at, '\n', file->size - at);
    end = newline ? (size_t)(newline - file->data) : file->size;
    unroll_status status = check_line(r, file, at, end, bad_rows_place(&r->d->bad, &e));
    if (!status) continue;
    const int32_t why = r->d->bad.n < BAD_SHOWN ? (int32_t)r->d->bad.n : -1;
    status = set_aside(&r->d->bad, &e, r->err);
    if (!status && r->f->lines && r->d->bad.skip) status = dataset_gap(r->d, r->sequences, why, r->err);
    if (!status) status = add_piece(r, file, from, at, first);
    if (status) return status;
    from = end + 1;
    first = line + 1;
  }
  const unroll_status status = add_piece(r, file, from, file->size, first);
  r->lines += line - 1;
  return status;
}

static void end_line(text_reader *r, int64_t start) {
  column_values *c = r->c;
  if (r->f->lines && c->n > start && c->symbols[c->n - 1] == '\r') c->n--;
  c->symbols[c->n++] = END_CODE;
  if (r->f->lines) c->first[++r->sequence] = c->n;
}

static void decode(text_reader *r, const piece *p, bool last) {
  column_values *c = r->c;
  const bool lines = r->f->lines;
  int64_t start = c->n;
  for (size_t i = 0; i < p->size;) {
    uint32_t code = (unsigned char)p->data[i];
    int length = 1;
    if (r->f->unit == UNIT_CHARS && code >= 0x80) length = utf8_decode(p->data + i, p->size - i, &code);
    if (lines && code == '\n') {
      end_line(r, start);
      start = c->n;
    } else
      c->symbols[c->n++] = (int32_t)code;
    i += (size_t)length;
  }
  if (p->data[p->size - 1] != '\n' && adds_newlines(r->f) && (lines || !last)) end_line(r, start);
}

static unroll_status decode_composed(text_reader *r, const piece *p, bool last) {
  text composed = {0};
  if (!r->f->nfc) {
    decode(r, p, last);
    return UNROLL_OK;
  }
  words_compose(p->data, p->size, &composed);
  const bool failed = composed.failed;
  if (!failed) decode(r, &(piece){.file = p->file, .data = composed.data, .size = composed.length}, last);
  text_free(&composed);
  return failed ? error_memory(r->err) : UNROLL_OK;
}

/* --- words --- */

static bool count_word(void *context, const char *s, size_t size) {
  (void)s, (void)size;
  ++*(int64_t *)context;
  return true;
}

static bool add_word(void *context, const char *s, size_t size) {
  column_values *c = ((text_reader *)context)->c;
  const int32_t number = lexicon_add(&c->words, s, size);
  if (number >= 0) c->symbols[c->n++] = number;
  return number >= 0;
}

static bool line_ended(void *context) {
  text_reader *r = context;
  r->c->first[++r->sequence] = r->c->n;
  return true;
}

static unroll_status decode_words(text_reader *r, const piece *p, bool last) {
  const bool fine = words_lines(r->f, p->data, p->size, !last, add_word, r->f->lines ? line_ended : NULL, r);
  return fine ? UNROLL_OK : error_memory(r->err);
}

/* --- the whole --- */

static unroll_status decode_all(text_reader *r) {
  dataset *d = r->d;
  for (int64_t i = 0; i < r->n; i++) {
    const piece *p = &r->list[i];
    const bool last = i + 1 == r->n;
    const int64_t before = r->sequence;
    unroll_status status = dataset_mark(d, p->file->name, d->stream ? r->c->n : p->row, p->line, r->err);
    if (!status) status = has_words(r) ? decode_words(r, p, last) : decode_composed(r, p, last);
    if (status) return status;
    for (int64_t k = before; k < r->sequence; k++) d->row_of[k] = p->row + k - before;
    if (!d->stream) d->row_of[r->sequence] = p->row + r->sequence - before;
  }
  if (d->stream) r->c->first[1] = r->c->n;
  d->n_symbols = r->c->n;
  memcpy(d->first, r->c->first, ((size_t)d->n_sequences + 1) * sizeof *d->first);
  return UNROLL_OK;
}

/* Codes at most. */
static unroll_status count_codes(text_reader *r) {
  if (!has_words(r) && !r->f->nfc) return UNROLL_OK; /* counted by check_line */
  r->codes = 0;
  for (int64_t i = 0; i < r->n; i++) {
    const piece *p = &r->list[i];
    int64_t n = 3 * (int64_t)p->size; /* no character becomes more than three */
    if (has_words(r)) n = 0;
    if (has_words(r) && !words_lines(r->f, p->data, p->size, false, count_word, NULL, &n)) return error_memory(r->err);
    r->codes += n + 1;
  }
  return UNROLL_OK;
}

static unroll_status read_files(text_reader *r, const input_files *in) {
  dataset *d = r->d;
  unroll_status status = UNROLL_OK;
  for (int i = 0; i < in->n && !status; i++) {
    if (r->f->unit != UNIT_BYTES)
      status = input_refuse(&in->files[i], "a text ('bytes' instead of 'chars' reads any file)", true, r->err);
    if (!status) status = cut_file(r, &in->files[i]);
    d->bytes += in->files[i].size;
    d->hash = hash_bytes(d->hash, in->files[i].data, in->files[i].size);
  }
  if (!status) status = bad_rows_end(&d->bad, r->err);
  if (!status && !r->n) status = error_at(r->err, UNROLL_BAD_INPUT, d->name, NULL, 0, 0, "not one line can be read");
  if (!status) status = count_codes(r);
  if (status) return status;
  d->n_sequences = d->stream ? 1 : r->sequences;
  const size_t n = (size_t)d->n_sequences + 1;
  r->c->symbols = mem_zero((size_t)r->codes + 1, sizeof *r->c->symbols);
  r->c->first = mem_zero(n, sizeof *r->c->first);
  d->first = mem_zero(n, sizeof *d->first);
  if (!d->stream) d->row_of = mem_zero(n, sizeof *d->row_of);
  if (!r->c->symbols || !r->c->first || !d->first || !(d->stream || d->row_of)) return error_memory(r->err);
  status = decode_all(r);
  if (!status && d->n_symbols == 0) status = error_at(r->err, UNROLL_BAD_INPUT, d->name, NULL, 0, 0, "the file has no words");
  return status;
}

unroll_status dataset_parse_files(dataset *d, const data_form *f, const input_files *in, bool skip, unroll_error *err) {
  text_reader r = {.d = d, .f = f, .err = err};
  *d = (dataset){.plain = true, .stream = !f->lines, .n_columns = 1, .bad = {.skip = skip, .lines = true}};
  d->name = mem_text(in->files[0].name);
  r.c = d->columns = mem_zero(1, sizeof *d->columns);
  if (r.c) r.c->there = true;
  const unroll_status status = d->name && d->columns ? read_files(&r, in) : error_memory(err);
  mem_free(r.list);
  if (status) dataset_free(d);
  return status;
}

unroll_status dataset_parse(dataset *d, const data_form *f, const char *name, const char *data, size_t size, unroll_error *err) {
  input_file file = {.name = (char *)name, .data = (char *)data, .size = size};
  return dataset_parse_files(d, f, &(input_files){.files = &file, .n = 1}, false, err);
}

unroll_status dataset_read_plain(dataset *d, const data_form *f, const char *paths, bool skip, unroll_error *err) {
  input_files in;
  *d = (dataset){0};
  unroll_status status = input_read(&in, paths, err);
  if (!status) status = dataset_parse_files(d, f, &in, skip, err);
  input_free(&in);
  return status;
}
