/* table.c - behind unroll.h: rows from files, or columns in memory. Columns are cells of text, and are read as a CSV file would be:
 * one way for all data, and messages count its rows. */
#include "api/table.h"
#include <math.h>
#include "base/held.h"
#include "base/text.h"

typedef struct column {
  char *name;
  text cells;
  size_t *ends;      /* [rows] of each cell */
  held_file **files; /* [rows] that the cells name; NULL: none */
} column;

struct unroll_table {
  text paths; /* with newlines between them */
  column *list;
  int n, room;
  int64_t rows;
};

unroll_table *unroll_table_new(void) { return mem_zero(1, sizeof(unroll_table)); }

static void files_free(held_file **list, int64_t n) {
  for (int64_t i = 0; list && i < n; i++) held_free(list[i]);
  mem_free(list);
}

void unroll_table_free(unroll_table *t) {
  if (!t) return;
  for (int i = 0; i < t->n; i++) {
    files_free(t->list[i].files, t->rows);
    mem_free(t->list[i].name);
    mem_free(t->list[i].ends);
    text_free(&t->list[i].cells);
  }
  mem_free(t->list);
  text_free(&t->paths);
  mem_free(t);
}

unroll_status unroll_table_read(unroll_table *t, const char *path, unroll_error *err) {
  if (!t || !path) return api_null(err);
  if (t->n) return error_set(err, UNROLL_USAGE, "the table has columns, and cannot have files too");
  if (!*path || strchr(path, '\n')) return error_set(err, UNROLL_USAGE, "the name of a file is empty or has a newline in it");
  text_format(&t->paths, "%s%s", t->paths.length ? "\n" : "", path);
  return t->paths.failed ? error_memory(err) : UNROLL_OK;
}

/* --- columns --- */

static unroll_status check_column(const unroll_table *t, const char *name, int64_t n, unroll_error *err) {
  if (t->paths.length) return error_set(err, UNROLL_USAGE, "the table has files, and cannot have columns too");
  if (!*name) return error_set(err, UNROLL_USAGE, "a column without a name");
  for (int i = 0; i < t->n; i++)
    if (!strcmp(t->list[i].name, name)) return error_set(err, UNROLL_USAGE, "the table has a column '%s' already", name);
  if (n < 1 || (t->n && n != t->rows))
    return error_set(err, UNROLL_USAGE, "the column '%s' has %lld rows, and %s%lld", name, (long long)n,
                     t->n ? "the others have " : "there must be at least ", t->n ? (long long)t->rows : 1LL);
  return UNROLL_OK;
}

/* Adds the columns with what `write` says of each cell. */
typedef unroll_status cell_writer(const void *context, int64_t row, text *out, unroll_error *err);
static unroll_status add_column(unroll_table *t, const char *name, int64_t n, cell_writer *write, const void *context,
                                unroll_error *err) {
  unroll_status status = check_column(t, name, n, err);
  if (status) return status;
  if (t->n == t->room) {
    column *list = mem_resize(t->list, (size_t)(2 * t->room + 8) * sizeof *list);
    if (!list) return error_memory(err);
    t->list = list;
    t->room = 2 * t->room + 8;
  }
  column c = {.name = mem_text(name), .ends = mem_zero((size_t)n, sizeof *c.ends)};
  status = c.name && c.ends ? UNROLL_OK : error_memory(err);
  for (int64_t i = 0; i < n && !status; i++) {
    status = write(context, i, &c.cells, err);
    c.ends[i] = c.cells.length;
  }
  if (!status && c.cells.failed) status = error_memory(err);
  if (status) {
    mem_free(c.name);
    mem_free(c.ends);
    text_free(&c.cells);
    return status;
  }
  t->list[t->n++] = c;
  t->rows = n;
  return UNROLL_OK;
}

typedef struct texts {
  const char *const *list;
  const size_t *lengths;
  const char *name;
} texts;

static unroll_status write_text(const void *context, int64_t row, text *out, unroll_error *err) {
  const texts *x = context;
  const char *s = x->list[row];
  if (!s) return error_set(err, UNROLL_USAGE, "column '%s', row %lld: a text is missing", x->name, (long long)row);
  const size_t n = x->lengths ? x->lengths[row] : strlen(s);
  if (memchr(s, 0, n)) return error_set(err, UNROLL_USAGE, "column '%s', row %lld: a text with a NUL", x->name, (long long)row);
  text_add(out, s, n);
  return UNROLL_OK;
}

unroll_status unroll_table_add_texts(unroll_table *t, const char *name, const char *const *list, const size_t *lengths, int64_t n,
                                     unroll_error *err) {
  if (!t || !name || !list) return api_null(err);
  return add_column(t, name, n, write_text, &(texts){list, lengths, name}, err);
}

typedef struct numbers {
  const double *x;
  const float *f;
  const int64_t *first; /* steps; NULL: one a row */
  int width;
  const char *name;
} numbers;

static unroll_status not_finite(const numbers *x, int64_t row, unroll_error *err) {
  return error_set(err, UNROLL_USAGE, "column '%s', row %lld: a number that is not finite", x->name, (long long)row);
}

static unroll_status write_number(const void *context, int64_t row, text *out, unroll_error *err) {
  const numbers *x = context;
  if (isnan(x->x[row])) return UNROLL_OK;
  if (!isfinite(x->x[row])) return not_finite(x, row, err);
  text_add_digits(out, x->x[row], 17);
  return UNROLL_OK;
}

unroll_status unroll_table_add_numbers(unroll_table *t, const char *name, const double *x, int64_t n, unroll_error *err) {
  if (!t || !name || !x) return api_null(err);
  return add_column(t, name, n, write_number, &(numbers){.x = x, .name = name}, err);
}

static unroll_status write_steps(const void *context, int64_t row, text *out, unroll_error *err) {
  const numbers *x = context;
  const int64_t from = x->first ? x->first[row] : row, to = x->first ? x->first[row + 1] : row + 1;
  for (int64_t i = from; i < to; i++)
    for (int j = 0; j < x->width; j++) {
      const double y = (double)x->f[i * x->width + j];
      if (!isfinite(y)) return not_finite(x, row, err);
      if (j || i > from) text_add(out, j ? ";" : " ", 1);
      text_add_digits(out, y, 9);
    }
  return UNROLL_OK;
}

static unroll_status add_floats(unroll_table *t, const numbers *x, int64_t n, unroll_error *err) {
  if (!t || !x->name || !x->f) return api_null(err);
  if (x->width < 1) return error_set(err, UNROLL_USAGE, "column '%s': vectors of %d numbers", x->name, x->width);
  if (n >= 0 && x->first && x->first[0] != 0) return error_set(err, UNROLL_USAGE, "column '%s': first[0] is not 0", x->name);
  for (int64_t i = 0; x->first && i < n; i++)
    if (x->first[i + 1] < x->first[i])
      return error_set(err, UNROLL_USAGE, "column '%s': first[%lld] is below the one before", x->name, (long long)(i + 1));
  return add_column(t, x->name, n, write_steps, x, err);
}

unroll_status unroll_table_add_vectors(unroll_table *t, const char *name, const float *x, int64_t n, int width, unroll_error *err) {
  return add_floats(t, &(numbers){.f = x, .width = width, .name = name}, n, err);
}

unroll_status unroll_table_add_sequences(unroll_table *t, const char *name, const float *x, const int64_t *first, int64_t n,
                                         int width, unroll_error *err) {
  if (!first) return api_null(err);
  return add_floats(t, &(numbers){.f = x, .first = first, .width = width, .name = name}, n, err);
}

/* --- files in memory: cells with the names of held ones --- */

static unroll_status write_name(const void *context, int64_t row, text *out, unroll_error *err) {
  held_file *const *list = context;
  (void)err;
  if (list[row]) text_format(out, "%s", held_name(list[row]));
  return UNROLL_OK;
}

unroll_status unroll_table_add_files(unroll_table *t, const char *name, const void *const *bytes, const size_t *sizes, int64_t n,
                                     unroll_error *err) {
  if (!t || !name || !bytes || !sizes) return api_null(err);
  unroll_status status = check_column(t, name, n, err);
  if (status) return status;
  held_file **list = mem_zero((size_t)n, sizeof *list);
  if (!list) return error_memory(err);
  for (int64_t i = 0; i < n && !status; i++)
    if (bytes[i]) status = held_new(&list[i], bytes[i], sizes[i], err);
  if (!status) status = add_column(t, name, n, write_name, list, err);
  if (status)
    files_free(list, n);
  else
    t->list[t->n - 1].files = list;
  return status;
}

/* --- as a file --- */

static const char *cell_of(const column *c, int64_t row, size_t *size) {
  const size_t from = row ? c->ends[row - 1] : 0;
  *size = c->ends[row] - from;
  return c->cells.data ? c->cells.data + from : "";
}

static void write_csv(const unroll_table *t, text *out) {
  for (int i = 0; i < t->n; i++) {
    if (i) text_add(out, ",", 1);
    text_add_quoted(out, t->list[i].name, strlen(t->list[i].name));
  }
  for (int64_t row = 0; row < t->rows; row++)
    for (int i = 0; i < t->n; i++) {
      size_t size;
      const char *s = cell_of(&t->list[i], row, &size);
      text_add(out, i ? "," : "\n", 1);
      text_add_quoted(out, s, size);
    }
  text_add(out, "\n", 1);
}

/* A line a row: of the column of this name, or the only one. */
static unroll_status write_lines(const unroll_table *t, const data_form *f, text *out, unroll_error *err) {
  const column *c = t->n == 1 ? t->list : NULL;
  for (int i = 0; i < t->n; i++)
    if (!strcmp(t->list[i].name, f->name)) c = &t->list[i];
  if (!c) return error_set(err, UNROLL_USAGE, "the table has no column '%s', and more than one", f->name);
  for (int64_t row = 0; row < t->rows; row++) {
    size_t size;
    const char *s = cell_of(c, row, &size);
    if (f->lines && memchr(s, '\n', size))
      return error_set(err, UNROLL_USAGE, "row %lld has more than one line, and so is not one sequence", (long long)row);
    text_add(out, s, size);
    if (f->lines || row + 1 < t->rows) text_add(out, "\n", 1);
  }
  return UNROLL_OK;
}

unroll_status table_source_of(table_source *out, const unroll_table *t, const schema *s, unroll_error *err) {
  *out = (table_source){.paths = t->paths.data};
  if (out->paths) return UNROLL_OK;
  if (!t->n) return error_set(err, UNROLL_USAGE, "the table is empty");
  const bool plain = schema_is_text(s);
  unroll_status status = UNROLL_OK;
  if (plain)
    status = write_lines(t, &s->list->form, &out->own, err);
  else
    write_csv(t, &out->own);
  if (!status && out->own.failed) status = error_memory(err);
  out->memory = (data_memory){plain ? "the table" : "table.csv", out->own.data ? out->own.data : "", out->own.length};
  return status;
}

const char *table_files(const unroll_table *t) { return t->paths.data; }

void table_source_free(table_source *s) {
  text_free(&s->own);
  *s = (table_source){0};
}
