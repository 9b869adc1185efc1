/* text.c - plain text files -> codes and sequences.
 *
 * A text is UTF-8 without NUL for characters and words (a byte order mark is dropped), anything for bytes. With `lines` each line
 * is a sequence that ends with the end symbol; a carriage return before the newline belongs to the newline; the newline of the last
 * line may be missing. Several files follow each other; as a stream they are one, where a newline is put between two if it is
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
#include "data/words_text.h"

typedef struct piece {
  const input_file *file;
  const char *data;
  size_t size;
  int64_t line; /* of the file, its first one */
} piece;

/* Of words and bpe the codes number the texts of a lexicon. */
static bool has_words(const dataset *d) { return unit_has_lexicon(d->unit); }

typedef struct text_reader {
  dataset *d;
  const data_form *f;
  piece *list;
  int64_t n, room;
  int64_t codes, sequences; /* room for them, at least */
  int64_t sequence;         /* so many are decoded */
  unroll_error *err;
} text_reader;

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
  r->list[r->n++] = (piece){file, file->data + begin, end - begin, line};
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
    status = set_aside(&r->d->bad, &e, r->err);
    if (!status) status = add_piece(r, file, from, at, first);
    if (status) return status;
    from = end + 1;
    first = line + 1;
  }
  return add_piece(r, file, from, file->size, first);
}

static void end_line(text_reader *r, int64_t start) {
  dataset *d = r->d;
  if (d->lines && d->n_symbols > start && d->symbols[d->n_symbols - 1] == '\r') d->n_symbols--;
  d->symbols[d->n_symbols++] = END_CODE;
  if (d->lines) d->first[++r->sequence] = d->n_symbols;
}

static void decode(text_reader *r, const piece *p, bool last) {
  dataset *d = r->d;
  int64_t start = d->n_symbols;
  for (size_t i = 0; i < p->size;) {
    uint32_t code = (unsigned char)p->data[i];
    int length = 1;
    if (d->unit == UNIT_CHARS && code >= 0x80) length = utf8_decode(p->data + i, p->size - i, &code);
    if (d->lines && code == '\n') {
      end_line(r, start);
      start = d->n_symbols;
    } else
      d->symbols[d->n_symbols++] = (int32_t)code;
    i += (size_t)length;
  }
  if (p->data[p->size - 1] != '\n' && adds_newlines(r->f) && (d->lines || !last)) end_line(r, start);
}

static unroll_status decode_composed(text_reader *r, const piece *p, bool last) {
  text composed = {0};
  if (!r->f->nfc) {
    decode(r, p, last);
    return UNROLL_OK;
  }
  words_compose(p->data, p->size, &composed);
  const bool failed = composed.failed;
  if (!failed) decode(r, &(piece){p->file, composed.data, composed.length, p->line}, last);
  text_free(&composed);
  return failed ? error_memory(r->err) : UNROLL_OK;
}

static unroll_status decode_all(text_reader *r) {
  dataset *d = r->d;
  for (int64_t i = 0; i < r->n; i++) {
    const piece *p = &r->list[i];
    const bool last = i + 1 == r->n;
    unroll_status status = dataset_mark(d, p->file->name, d->lines ? r->sequence : d->n_symbols, p->line, r->err);
    if (!status && has_words(d))
      status = words_read(d, r->f, p->data, p->size, !last, &r->sequence, r->err);
    else if (!status)
      status = decode_composed(r, p, last);
    if (status) return status;
  }
  if (!d->lines) d->first[1] = d->n_symbols;
  return UNROLL_OK;
}

static unroll_status read_files(text_reader *r, const input_files *in) {
  dataset *d = r->d;
  unroll_status status = UNROLL_OK;
  for (int i = 0; i < in->n && !status; i++) {
    if (d->unit != UNIT_BYTES)
      status = input_refuse(&in->files[i], "a text ('bytes' instead of 'chars' reads any file)", true, r->err);
    if (!status) status = cut_file(r, &in->files[i]);
    d->bytes += in->files[i].size;
    d->hash = hash_bytes(d->hash, in->files[i].data, in->files[i].size);
  }
  if (!status) status = bad_rows_end(&d->bad, r->err);
  if (!status && !r->n) status = error_at(r->err, UNROLL_BAD_INPUT, d->name, NULL, 0, 0, "not one line can be read");
  if (status) return status;
  if (has_words(d) || r->f->nfc) r->codes = 0;
  for (int64_t i = 0; i < r->n; i++) {
    const int64_t n = has_words(d) ? words_count(r->f, r->list[i].data, r->list[i].size) : 0;
    if (n < 0) return error_memory(r->err);
    if (has_words(d)) r->codes += n + 1;
    if (!has_words(d) && r->f->nfc) r->codes += 3 * (int64_t)r->list[i].size + 1; /* no character becomes more than three */
  }
  d->n_sequences = d->lines ? r->sequences : 1;
  d->symbols = mem_zero((size_t)r->codes + 1, sizeof *d->symbols);
  d->first = mem_zero((size_t)d->n_sequences + 1, sizeof *d->first);
  if (!d->symbols || !d->first) return error_memory(r->err);
  status = decode_all(r);
  if (!status && d->n_symbols == 0) status = error_at(r->err, UNROLL_BAD_INPUT, d->name, NULL, 0, 0, "the file has no words");
  return status;
}

static unroll_status parse(dataset *d, const data_form *f, const input_files *in, bool skip, unroll_error *err) {
  text_reader r = {.d = d, .f = f, .err = err};
  *d = (dataset){.unit = f->unit, .lines = f->lines, .bad = {.skip = skip, .lines = true}};
  d->name = mem_text(in->files[0].name);
  const unroll_status status = d->name ? read_files(&r, in) : error_memory(err);
  mem_free(r.list);
  if (status) dataset_free(d);
  return status;
}

unroll_status dataset_parse(dataset *d, const data_form *f, const char *name, const char *data, size_t size, unroll_error *err) {
  input_file file = {.name = (char *)name, .data = (char *)data, .size = size};
  return parse(d, f, &(input_files){.files = &file, .n = 1}, false, err);
}

unroll_status dataset_read(dataset *d, const data_form *f, const char *paths, bool skip, unroll_error *err) {
  input_files in;
  *d = (dataset){0};
  unroll_status status = input_read(&in, paths, err);
  if (!status) status = parse(d, f, &in, skip, err);
  input_free(&in);
  return status;
}
