/* table_tagged.c - tagged text as a table: a token a line, its fields apart by white space, empty lines between sentences.
 * CoNLL-U is the same with ten fields apart by tabs. It has comments, lines that begin with #. They are passed over, and so are
 * lines of several tokens (1-2) or of none (1.1).
 *
 * The last column has no name and holds "0" and "1" in turn, so that its value changes with every sentence. The row of names is not
 * in the file; its cells say that they are at its beginning. */
#include <inttypes.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "read/table_form.h"

/* The next field of a line, which ends at `end`. */
static bool next_field(const char *data, size_t *at, size_t end, size_t *begin) {
  while (*at < end && white_byte(data[*at])) ++*at;
  *begin = *at;
  while (*at < end && !white_byte(data[*at])) ++*at;
  return *at > *begin;
}

/* The same with a tab between fields, which may be empty. */
static bool next_between_tabs(const char *data, size_t *at, size_t end, size_t *begin) {
  if (*at > end) return false;
  *begin = *at;
  while (*at < end && data[*at] != '\t') ++*at;
  return true;
}

typedef struct tagged {
  const char *columns;
  bool conllu;
} tagged;

static size_t line_end(const input_file *f, size_t at) {
  const char *end = memchr(f->data + at, '\n', f->size - at);
  return end ? (size_t)(end - f->data) : f->size;
}

/* Names with commas between them, into row 0. */
static unroll_status read_names(table *t, const char *columns, unroll_error *err) {
  int i = 0;
  for (const char *s = columns;; s++) {
    const size_t n = strcspn(s, ",");
    if (!n) return error_set(err, UNROLL_USAGE, "the names of the columns are '%s': one is missing", columns);
    t->cells[i++] = (cell){.text = t->unquoted + (s - columns), .size = n};
    s += n;
    if (!*s) break;
  }
  t->cells[i] = (cell){.text = ""};
  return UNROLL_OK;
}

static void read_row(table *t, const tagged *x, const input_file *f, size_t at, size_t end, int64_t line, bool odd) {
  const int fields = t->n_columns - 1;
  const size_t begin = at;
  size_t from;
  int32_t n = 0;
  cell *c = &t->cells[(t->n_rows + 1) * t->n_columns];
  if (x->conllu && end > at && f->data[end - 1] == '\r') end--;
  if (at == end) return;
  for (; x->conllu ? next_between_tabs(f->data, &at, end, &from) : next_field(f->data, &at, end, &from); n++, at += x->conllu)
    if (n < fields) c[n] = (cell){.text = f->data + from, .size = (at < end ? at : end) - from, .at = from};
  if (!n) return;
  t->lines[++t->n_rows] = line;
  c[fields] = (cell){.text = odd ? "1" : "0", .size = 1, .at = begin};
  if (n == fields) return;
  t->broken[t->n_rows] = n;
  for (int k = 0; k < fields; k++) c[k] = (cell){.text = "", .at = begin};
}

/* Is a line of CoNLL-U no token: a comment, several words as one (1-2), a word that is not written (1.1)? */
static bool is_passed_over(const input_file *f, size_t at, size_t end) {
  if (at < end && f->data[at] == '#') return true;
  const size_t begin = at;
  while (at < end && f->data[at] >= '0' && f->data[at] <= '9') at++;
  return at > begin && at < end && (f->data[at] == '-' || f->data[at] == '.');
}

static unroll_status read_rows(table *t, const tagged *x, int i, int64_t *sentence, unroll_error *err) {
  const input_file *f = &t->files.files[i];
  size_t at = text_begin(f);
  const unroll_status status = text_of_table(f, at, err);
  if (status) return status;
  int64_t line = 1;
  bool open = false;
  t->first_row[i] = t->n_rows + 1;
  for (size_t end; at < f->size; at = end + 1, line++) {
    const int64_t before = t->n_rows;
    end = line_end(f, at);
    if (x->conllu && is_passed_over(f, at, end)) continue;
    read_row(t, x, f, at, end, line, *sentence % 2 != 0);
    if (t->n_rows == before) *sentence += open;
    open = t->n_rows > before;
  }
  *sentence += open;
  t->first_row[i + 1] = t->n_rows + 1;
  if (t->first_row[i] <= t->n_rows) return UNROLL_OK;
  return error_at(err, UNROLL_BAD_INPUT, f->name, NULL, 0, 0, "the file has no rows");
}

static unroll_status parse(table *t, const tagged *x, unroll_error *err) {
  const char *columns = x->columns;
  size_t lines = 2, n = 2, cells;
  for (int i = 0; i < t->files.n; i++) {
    lines++;
    for (size_t k = 0; k < t->files.files[i].size; k++) lines += t->files.files[i].data[k] == '\n';
  }
  for (const char *s = columns; *s; s++) n += *s == ',';
  if (n > TABLE_MAX_COLUMNS) return error_set(err, UNROLL_USAGE, "too many columns");
  if (__builtin_mul_overflow(lines, n, &cells)) return error_memory(err);
  t->n_columns = (int)n;
  t->series = (int)n - 1;
  t->by_line = true;
  t->cells = mem_zero(cells, sizeof *t->cells);
  t->lines = mem_zero(lines, sizeof *t->lines);
  t->broken = mem_zero(lines, sizeof *t->broken);
  t->unquoted = mem_text(columns); /* the names */
  if (!t->cells || !t->lines || !t->broken || !t->unquoted) return error_memory(err);
  unroll_status status = read_names(t, columns, err);
  int64_t sentence = 0;
  for (int i = 0; i < t->files.n && !status; i++) status = read_rows(t, x, i, &sentence, err);
  return status;
}

unroll_status tagged_parse(table *t, const table_options *o, unroll_error *err) {
  return parse(t, &(tagged){.columns = o->tagged}, err);
}

/* The first line that is no comment has ten fields, the first of which is a 1. */
bool conllu_fits(const input_file *f) {
  size_t at = text_begin(f), end = at;
  for (; at < f->size; at = end + 1) {
    end = line_end(f, at);
    if (f->data[at] != '#') break;
  }
  int tabs = 0;
  if (at + 1 >= f->size || f->data[at] != '1' || (f->data[at + 1] != '\t' && f->data[at + 1] != '-')) return false;
  for (; at < end; at++) tabs += f->data[at] == '\t';
  return tabs == 9;
}

unroll_status conllu_parse(table *t, const table_options *o, unroll_error *err) {
  (void)o;
  return parse(t, &(tagged){.columns = "id,form,lemma,upos,xpos,feats,head,deprel,deps,misc", .conllu = true}, err);
}
