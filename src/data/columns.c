/* columns.c - which columns of a table a variable is read from, by its name; see schema.h for what a cell may hold. */
#include "data/columns.h"
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "data/cell.h"

int columns_find(const table *t, const char *name) {
  const size_t n = strlen(name);
  for (int i = 0; i < t->n_columns; i++) {
    const cell *c = table_cell(t, 0, i);
    if (c->size == n && !memcmp(c->text, name, n)) return i;
  }
  return -1;
}

static int find_entry(const table *t, const char *name, int number) {
  char all[96];
  snprintf(all, sizeof all, "%.63s%d", name, number);
  return columns_find(t, all);
}

/* The number of columns NAME1, NAME2 ... or, from *base = 0, NAME0, NAME1 ... */
static int count_entries(const table *t, const char *name, int *base) {
  int n = 0;
  *base = find_entry(t, name, 0) >= 0 ? 0 : 1;
  while (find_entry(t, name, *base + n) >= 0) n++;
  return n;
}

unroll_status columns_none(const table *t, const char *name, unroll_error *err) {
  text all = {0};
  for (int i = 0; i < t->n_columns && all.length < 300; i++) {
    const cell *c = table_cell(t, 0, i);
    if (!c->size && i == t->series) continue; /* the sentence's number, which tagged text has no name for */
    text_format(&all, "%s%.*s", i ? ", " : "", (int)(c->size < 60 ? c->size : 60), c->text);
  }
  const input_file *f = &t->files.files[0];
  const unroll_status status = input_bad_at(f->name, f->data, f->size, table_cell(t, 0, 0)->at, err,
                                            "there is no column '%s'; the columns are: %s", name, all.data ? all.data : "");
  text_free(&all);
  return status;
}

static unroll_status check_once(const table *t, int column, unroll_error *err) {
  const cell *c = table_cell(t, 0, column);
  for (int i = column + 1; i < t->n_columns; i++) {
    const cell *e = table_cell(t, 0, i);
    if (e->size == c->size && !memcmp(e->text, c->text, c->size)) return table_bad(t, 0, i, 0, err, "two columns have this name");
  }
  return UNROLL_OK;
}

/* Of columns NAME1 .. NAME(last): is there one with a larger number? Its name is noted. */
static unroll_status find_lone(dataset *d, const table *t, const char *name, int last, unroll_error *err) {
  const size_t n = strlen(name);
  for (int i = 0; i < t->n_columns && !d->not_read; i++) {
    const cell *c = table_cell(t, 0, i);
    double number;
    if (c->size <= n || c->size > n + 6 || memcmp(c->text, name, n) || strspn(c->text + n, "0123456789") < c->size - n) continue;
    if (text_number(c->text + n, c->size - n, &number) || number <= last) continue;
    if (!(d->not_read = arena_text(&d->names, c->text, c->size))) return error_memory(err);
  }
  return UNROLL_OK;
}

unroll_status columns_of(column_source *out, const variable *v, const table *t, dataset *d, unroll_error *err) {
  const char *name = v->form.from ? v->form.from : v->form.name;
  int base = 0;
  if (v->form.cycles || variable_is_end(v)) return UNROLL_OK; /* from the dates, from the steps of another variable */
  out->n = 1;
  const int column = columns_find(t, name);
  if (column < 0) out->n = v->form.unit == UNIT_NUMBERS ? count_entries(t, name, &base) : 0;
  if (!out->n) return columns_none(t, name, err);
  out->columns = mem_zero((size_t)out->n, sizeof *out->columns);
  if (!out->columns) return error_memory(err);
  unroll_status status = column < 0 ? find_lone(d, t, name, base + out->n - 1, err) : UNROLL_OK;
  for (int i = 0; i < out->n && !status; i++) {
    out->columns[i] = column >= 0 ? column : find_entry(t, name, base + i);
    status = check_once(t, out->columns[i], err);
  }
  if (!status && column < 0 && v->width && v->width != out->n)
    return table_bad(t, 0, out->columns[0], 0, err, "'%s' has %d entries, but there are %d columns for it", name, v->width, out->n);
  return status;
}

unroll_status schema_widths(schema *s, const table *t, unroll_error *err) {
  for (int i = 0; i < s->n; i++) {
    variable *v = &s->list[i];
    int base;
    if (v->form.unit != UNIT_NUMBERS || v->form.n_args) continue; /* the equations say the widths of these */
    v->width = (int)v->form.of->width(v->args, 0, v->form.words);
    if (v->width) continue;
    v->width = 1;
    const int column = columns_find(t, v->form.name);
    if (column < 0) {
      v->width = count_entries(t, v->form.name, &base);
      if (!v->width) return columns_none(t, v->form.name, err);
      continue;
    }
    for (int64_t row = 1; row <= t->n_rows; row++) {
      const cell *c = table_cell(t, row, column);
      size_t at = 0, begin = 0;
      if (t->broken[row] || !cell_next(c, &at, &begin)) continue;
      for (size_t k = begin; k < at; k++) v->width += c->text[k] == ';';
      break;
    }
  }
  return UNROLL_OK;
}

/* Do successive rows share values in this column, each of which comes but once? Two rows a value on average. */
static bool looks_like_series(const table *t, int column, bool *yes) {
  lexicon values = {0};
  int64_t runs = 0;
  bool fine = true;
  *yes = true;
  for (int64_t row = 1; row <= t->n_rows && fine && *yes; row++) {
    const cell *c = table_cell(t, row, column), *before = row > 1 ? table_cell(t, row - 1, column) : NULL;
    if (before && before->size == c->size && !memcmp(before->text, c->text, c->size)) continue;
    const int32_t number = lexicon_add(&values, c->text, c->size);
    fine = number >= 0;
    *yes = c->size && number == runs++ && 2 * runs <= t->n_rows;
  }
  *yes &= runs > 1;
  lexicon_free(&values);
  return fine;
}

/* Where a net has steps and each example has one of them: an unused column that looks like the name of a series. */
unroll_status columns_guess_series(dataset *d, const table *t, const schema *s, const column_source *sources, unroll_error *err) {
  bool *used = mem_zero((size_t)t->n_columns + 1, sizeof *used), one = !d->stepwise, steps = false, fine = used != NULL, yes;
  for (int i = 0; i < s->n && one; i++) {
    const variable *v = &s->list[i];
    for (int k = 0; k < sources[i].n && fine; k++) used[sources[i].columns[k]] = true;
    steps |= v->step && v->form.unit == UNIT_NUMBERS;
    one &= !d->columns[i].there || d->columns[i].n == d->n_sequences;
  }
  for (int i = 0; i < t->n_columns && fine && one && steps && !d->looks_like_series; i++) {
    const cell *c = table_cell(t, 0, i);
    if (used[i]) continue;
    fine = looks_like_series(t, i, &yes);
    if (fine && yes) fine = (d->looks_like_series = arena_text(&d->names, c->text, c->size)) != NULL;
  }
  mem_free(used);
  return fine ? UNROLL_OK : error_memory(err);
}
