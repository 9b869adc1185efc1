/* text.c - plain text files -> codes: a table of one column, a row a line; or one stream.
 *
 * A text is UTF-8 without NUL for characters and words (a byte order mark is dropped), anything for bytes. Its lines are read by
 * the reader of the kind (cell.h), as cells of a table are. With `lines` each line is a sequence that ends with the end symbol. A
 * carriage return before the newline belongs to the newline. The newline of the last line may be missing. Several files follow each
 * other. As a stream they are one, with a newline between two if it is missing (not so of bytes).
 *
 * Lines that cannot be read are left out. What follows them has a mark that says where in the file it begins, so that messages
 * name the right line. */
#include <string.h>
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/cell.h"
#include "read/input.h"

typedef struct text_reader {
  dataset *d;
  column_values *c; /* its column */
  const data_form *f;
  const cell_reader *reader;
  table t;                  /* the line that is being read, in row 1 */
  cell_place p;             /* of it */
  int64_t lines, sequences; /* of the files before; decoded */
  bool open;                /* what was read last has no newline yet */
  unroll_error *err;
} text_reader;

static bool adds_newlines(const data_form *f) { return f->lines || f->unit != UNIT_BYTES; }

/* Is it text without its newline, and not too long? */
static unroll_status check_line(const text_reader *r, const input_file *file, size_t begin, size_t end, unroll_error *err) {
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
  return UNROLL_OK;
}

/* Where what follows comes from. */
static unroll_status mark(text_reader *r, const input_file *file, int64_t line) {
  unroll_status status = UNROLL_OK;
  if (r->open) status = cell_add_end(&r->p);
  r->open = false;
  return status ? status : dataset_mark(r->d, file->name, r->d->stream ? r->c->n : r->lines + line, line, r->err);
}

/* One line; `end` is where its newline is, or the end of the file. */
static unroll_status take_line(text_reader *r, const input_file *file, size_t begin, size_t end, int64_t line, unroll_error *err) {
  column_values *c = r->c;
  const int64_t before = c->n;
  const bool lines = r->f->lines, newline = end < file->size;
  const size_t stop = !lines ? end + newline : end > begin && file->data[end - 1] == '\r' ? end - 1 : end;
  r->t.cells[1] = (cell){.text = file->data + begin, .size = stop - begin, .at = begin};
  r->p.err = err;
  unroll_status status = r->reader->cell(&r->p);
  r->p.err = r->err;
  if (status == UNROLL_BAD_INPUT) cell_take_back(&r->p, before);
  if (!status && lines) status = cell_add_end(&r->p);
  r->open = !newline && !lines && adds_newlines(r->f);
  if (status || !lines) return status;
  r->d->row_of[r->sequences] = r->lines + line;
  r->d->row_of[r->sequences + 1] = r->lines + line + 1;
  c->first[++r->sequences] = c->n;
  return UNROLL_OK;
}

static unroll_status set_aside(text_reader *r, const unroll_error *e) {
  bad_rows *bad = &r->d->bad;
  const int32_t why = bad->n < BAD_SHOWN ? (int32_t)bad->n : -1;
  const unroll_status status = bad_rows_add(bad, e, r->err);
  return !status && r->f->lines && bad->skip ? dataset_gap(r->d, r->sequences, why, r->err) : status;
}

static unroll_status read_file(text_reader *r, const input_file *file, bool *any) {
  const size_t begin = r->f->unit != UNIT_BYTES && file->size >= 3 && !memcmp(file->data, "\xef\xbb\xbf", 3) ? 3 : 0;
  int64_t line = 1;
  bool fresh = true; /* what is read next has no mark yet */
  if (file->size == begin) return error_at(r->err, UNROLL_BAD_INPUT, file->name, NULL, 0, 0, "the file is empty");
  r->t.files = (input_files){.files = (input_file *)file, .n = 1};
  for (size_t at = begin, end; at < file->size; at = end + 1, line++) {
    unroll_error e = {0}, *place = bad_rows_place(&r->d->bad, &e);
    const char *newline = memchr(file->data + at, '\n', file->size - at);
    end = newline ? (size_t)(newline - file->data) : file->size;
    unroll_status status = check_line(r, file, at, end, place);
    if (!status && fresh && mark(r, file, line)) return UNROLL_FAILED;
    if (!status) status = take_line(r, file, at, end, line, place);
    if (status == UNROLL_FAILED) return error_memory(r->err);
    fresh = status != UNROLL_OK;
    *any |= !status;
    if (status && set_aside(r, &e)) return UNROLL_FAILED;
  }
  r->lines += line - 1;
  return UNROLL_OK;
}

static int64_t count_lines(const input_file *file) {
  int64_t n = 1;
  for (const char *at = file->data, *end = at + file->size; (at = memchr(at, '\n', (size_t)(end - at))); at++) n++;
  return n;
}

static unroll_status make_room(text_reader *r, const input_files *in) {
  dataset *d = r->d;
  size_t n = 2;
  int64_t bytes = in->n;
  for (int i = 0; i < in->n; i++) {
    if (r->f->lines) n += (size_t)count_lines(&in->files[i]);
    bytes += (int64_t)in->files[i].size;
  }
  r->c->first = mem_zero(n, sizeof *r->c->first);
  d->first = mem_zero(n, sizeof *d->first);
  if (!d->stream) d->row_of = mem_zero(n, sizeof *d->row_of);
  if (!r->c->first || !d->first || !(d->stream || d->row_of)) return error_memory(r->err);
  return unit_has_lexicon(r->f->unit) ? UNROLL_OK : cell_room(&r->p, bytes);
}

static unroll_status read_files(text_reader *r, const input_files *in) {
  dataset *d = r->d;
  bool any = false;
  unroll_status status = make_room(r, in);
  for (int i = 0; i < in->n && !status; i++) {
    if (r->f->unit != UNIT_BYTES)
      status = input_refuse(&in->files[i], "a text ('bytes' instead of 'chars' reads any file)", true, r->err);
    if (!status) status = read_file(r, &in->files[i], &any);
    d->bytes += in->files[i].size;
    d->hash = hash_bytes(d->hash, in->files[i].data, in->files[i].size);
  }
  if (!status) status = bad_rows_end(&d->bad, r->err);
  if (!status && !any) status = error_at(r->err, UNROLL_BAD_INPUT, d->name, NULL, 0, 0, "not one line can be read");
  if (status) return status;
  d->n_sequences = d->stream ? 1 : r->sequences;
  d->n_symbols = r->c->n;
  if (d->stream) r->c->first[1] = r->c->n;
  memcpy(d->first, r->c->first, ((size_t)d->n_sequences + 1) * sizeof *d->first);
  return d->n_symbols ? UNROLL_OK : error_at(r->err, UNROLL_BAD_INPUT, d->name, NULL, 0, 0, "the file has no %ss", r->f->of->value);
}

unroll_status dataset_parse_files(dataset *d, const data_form *f, const input_files *in, bool skip, unroll_error *err) {
  static const int column = 0;
  const variable v = {.form = *f, .step = true, .ends = f->lines, .axis = -1, .over = -1};
  cell line[2] = {{.text = f->name, .size = strlen(f->name)}};
  int64_t numbers[2] = {1, 1}, first[2] = {1, 2};
  int32_t broken[2] = {0, 0};
  cell_scratch scratch = {0};
  text_reader r = {.d = d, .f = f, .reader = cell_reader_of(f), .err = err};
  r.t = (table){.first_row = first, .n_columns = 1, .series = -1, .n_rows = 1, .cells = line, .lines = numbers, .broken = broken};
  r.t.plain = true;
  *d = (dataset){.plain = true, .stream = !f->lines, .n_columns = 1, .bad = {.skip = skip, .lines = true}};
  d->name = mem_text(in->files[0].name);
  r.c = d->columns = mem_zero(1, sizeof *d->columns);
  if (r.c) r.c->there = true;
  r.p = (cell_place){.v = &v,
                     .out = r.c,
                     .t = &r.t,
                     .row = 1,
                     .columns = &column,
                     .n_columns = 1,
                     .stream = d->stream,
                     .scratch = &scratch,
                     .err = err};
  unroll_status status = d->name && d->columns ? UNROLL_OK : error_memory(err);
  if (!status && r.reader->begin) status = r.reader->begin(&r.p.state, &v, err);
  if (!status) status = read_files(&r, in);
  if (r.reader->end) r.reader->end(r.p.state);
  cell_scratch_free(&scratch);
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
