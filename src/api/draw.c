/* draw.c - see draw.h. */
#include "api/draw.h"
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

unroll_status drawing_begin(drawing *d, const model *m, const char *why, unroll_error *err) {
  *d = (drawing){.m = m};
  for (int i = 0; i < m->schema.n && !d->v; i++)
    if (m->schema.list[i].distribution && cell_writes(&m->schema.list[i])) d->v = &m->schema.list[i];
  return d->v ? UNROLL_OK : error_set(err, UNROLL_USAGE, "%s", why);
}

void drawing_free(drawing *d) {
  for (int i = 0; i < d->n; i++) mem_free(d->list[i].numbers);
  mem_free(d->list);
  mem_free(d->prime.numbers);
  *d = (drawing){0};
}

unroll_status drawing_add(drawing *d, const double *numbers, int64_t steps, unroll_error *err) {
  const size_t width = (size_t)d->v->width, begin = (size_t)d->prime.steps * width, drawn = (size_t)steps * width;
  if (d->n == d->room) {
    cell_values *larger = mem_resize(d->list, (size_t)(d->room = d->room ? 2 * d->room : 8) * sizeof *larger);
    if (!larger) return error_memory(err);
    d->list = larger;
  }
  double *all = mem_alloc((begin + drawn + 1) * sizeof *all);
  if (!all) return error_memory(err);
  if (begin) memcpy(all, d->prime.numbers, begin * sizeof *all);
  if (drawn) memcpy(all + begin, numbers, drawn * sizeof *all);
  d->list[d->n++] = (cell_values){all, d->prime.steps + steps};
  return UNROLL_OK;
}

unroll_status drawing_add_decoded(drawing *d, const decoded *x, unroll_error *err) {
  int k = 0;
  while (d->m->g.losses[x->parts[k].loss].data != d->v - d->m->schema.list) k++;
  return drawing_add(d, x->parts[k].numbers, x->n, err);
}

unroll_status drawing_add_predicted(drawing *d, const predicted *x, unroll_error *err) {
  int k = 0;
  while (x->parts[k].v != d->v) k++;
  return drawing_add(d, x->parts[k].numbers, x->parts[k].n, err);
}

unroll_status drawing_write(const drawing *d, const char *path, unroll_error *err) {
  text out = {0};
  unroll_status status = cell_reader_of(&d->v->form)->write(&out, d->v, d->list, d->n, err);
  if (!status) status = file_write(path, out.data, out.length, err);
  text_free(&out);
  return status;
}

/* --- what all begin with --- */

/* One row of a table: cells of some variables. */
typedef struct known_cell {
  const variable *v;
  const char *cell;
} known_cell;

static void add_cell(text *all, const char *s) {
  text_add_quoted(all, s, strlen(s));
  text_add(all, "\t", 1);
}

/* The last field is empty: one field alone would have no tab. */
static unroll_status table_of(table *t, const known_cell *list, int n, unroll_error *err) {
  text all = {0};
  for (int i = 0; i < n; i++) text_format(&all, "%s\t", list[i].v->form.name);
  text_add(&all, "\n", 1);
  for (int i = 0; i < n; i++) add_cell(&all, list[i].cell);
  text_add(&all, "\n", 1);
  if (all.failed) {
    text_free(&all);
    return error_memory(err);
  }
  return table_parse(t, list[n - 1].v->predicted ? "the prime" : "the text", all.data, all.length, err);
}

/* Its numbers in the units of the data. */
static unroll_status keep_prime(drawing *d, const model *m, const dataset *read, unroll_error *err) {
  const column_values *c = &read->columns[d->v - m->schema.list];
  const int width = d->v->width;
  d->prime = (cell_values){mem_alloc(((size_t)c->n * (size_t)width + 1) * sizeof(double)), c->n};
  if (!d->prime.numbers) return error_memory(err);
  for (int64_t i = 0; i < c->n * width; i++) {
    const double x = (double)c->numbers[i];
    d->prime.numbers[i] = d->v->mean ? x * d->v->deviation[i % width] + d->v->mean[i % width] : x;
  }
  return UNROLL_OK;
}

/* What begins a sequence does not end it. */
static void forget_ends(dataset *read, const schema *s) {
  for (int i = 0; i < s->n; i++) {
    const column_values *c = &read->columns[i];
    for (int64_t k = 0; variable_is_end(&s->list[i]) && k < c->n; k++) c->numbers[k] = 0;
  }
}

static unroll_status find_cells(known_cell *list, int *n, const drawing *d, const model *m, const char *given, const char *file,
                                unroll_error *err) {
  const variable *from = NULL, *other = NULL;
  for (int i = 0; i < m->schema.n; i++) {
    const variable *v = &m->schema.list[i];
    if (!v->predicted && from)
      return error_set(err, UNROLL_USAGE, "this model is given several variables: 'predict' takes a table of them");
    if (!v->predicted) from = v;
    if (v->predicted && v != d->v && !variable_is_end(v)) other = v;
  }
  if (given && !from)
    return error_set(err, UNROLL_USAGE,
                     "option 'text' is for models that are given something, and this one generates from nothing");
  if (!given && from)
    return error_set(err, UNROLL_USAGE, "this model generates from '%s': option 'text' gives it", from->form.name);
  if (file && other)
    return error_set(err, UNROLL_USAGE, "option 'prime' is for models that predict one variable, and '%s' is another one",
                     other->form.name);
  if (given) list[(*n)++] = (known_cell){from, given};
  if (file) list[(*n)++] = (known_cell){d->v, file};
  return UNROLL_OK;
}

unroll_status drawing_go_on(drawing *d, const model *m, const char *given, const char *file, const decode_options *how,
                            pool *workers, const decode_sink *sink, unroll_error *err) {
  table t = {0};
  dataset read = {0};
  known_cell cells[2];
  int n = 0;
  unroll_status status = find_cells(cells, &n, d, m, given, file, err);
  if (!status) status = table_of(&t, cells, n, err);
  if (!status) status = dataset_bind(&read, &t, &m->schema, NULL, file ? BIND_TRUTH : BIND_GIVEN, err);
  if (!status) status = dataset_settle(&read, &m->schema, err);
  if (!status) forget_ends(&read, &m->schema);
  if (!status) status = dataset_encode(&read, &m->schema, err);
  if (!status) dataset_measure(&read, &m->schema, &m->g);
  if (!status && file) status = keep_prime(d, m, &read, err);
  if (!status) status = decode_table(m, &read, file ? &d->prime.steps : NULL, how, workers, sink, err);
  dataset_free(&read);
  table_free(&t);
  return status;
}
