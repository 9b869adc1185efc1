/* references.c - see references.h. The data is read once more for each column, with a schema of which only the text is there. */
#include "use/references.h"
#include <string.h>
#include "base/error.h"

/* The text that the net generates, which no other variable shares its steps with. */
static unroll_status find_text(references *r, const schema *s, unroll_error *err) {
  int n = 0;
  for (int i = 0; i < s->n; i++) {
    const variable *v = &s->list[i];
    if (!v->predicted || !v->fed_back || !v->step) continue;
    r->data = i;
    n += unit_is_text(v->form.unit) ? 1 : 2;
  }
  for (int i = 0; i < s->n && n == 1; i++) n += i != r->data && s->list[i].axis == s->list[r->data].axis;
  if (n == 1) return UNROLL_OK;
  return error_set(err, UNROLL_USAGE,
                   "option 'references' is for nets that generate one text, and nothing else at each of its steps");
}

/* Standard input is there once. */
static bool is_input(const char *paths) {
  for (const char *at = paths; at; at = strchr(at, '\n'), at += at != NULL)
    if (*at == '-' && (!at[1] || at[1] == '\n')) return true;
  return false;
}

/* As data that is given, which the text is and nothing else. The list is for mem_free; the rest is borrowed. */
static unroll_status only_text(schema *out, const schema *s, int data, unroll_error *err) {
  *out = *s;
  out->list = mem_alloc((size_t)s->n * sizeof *out->list);
  if (!out->list) return error_memory(err);
  memcpy(out->list, s->list, (size_t)s->n * sizeof *out->list);
  for (int i = 0; i < s->n; i++) {
    variable *v = &out->list[i];
    v->predicted = i != data;
    if (i != data) v->axis = -1;
  }
  return UNROLL_OK;
}

/* One column, of a name with `size` bytes. */
static unroll_status read_one(references *r, const model *m, const schema *s, const char *paths, const data_options *how,
                              const char *column, size_t size, unroll_error *err) {
  const data_form *f = &s->list[r->data].form;
  text columns = {0};
  data_options one = *how;
  text_format(&columns, "%s%s%s=%.*s", how->columns ? how->columns : "", how->columns && *how->columns ? "\n" : "",
              f->from ? f->from : f->name, (int)size, column);
  one.wanted = BIND_GIVEN;
  one.columns = columns.data;
  one.codes = false;
  const unroll_status status = columns.failed ? error_memory(err) : model_read_codes(&r->list[r->n++], m, s, paths, &one, err);
  text_free(&columns);
  return status;
}

unroll_status references_read(references *r, const model *m, const char *paths, const data_options *how, const char *columns,
                              unroll_error *err) {
  schema s = {0};
  size_t most = 1;
  *r = (references){0};
  for (const char *c = columns; *c; c++) most += *c == ',';
  if (how->folders) return error_set(err, UNROLL_USAGE, "option 'references' is for tables, and folders of texts have no columns");
  if (paths && is_input(paths))
    return error_set(err, UNROLL_USAGE, "option 'references' reads the data more than once, and standard input is there only once");
  unroll_status status = find_text(r, &m->schema, err);
  if (!status) status = only_text(&s, &m->schema, r->data, err);
  if (!status && !(r->list = mem_zero(most, sizeof *r->list))) status = error_memory(err);
  for (const char *at = columns; !status; at++) {
    const size_t size = strcspn(at, ",");
    status = size ? read_one(r, m, &s, paths, how, at, size, err)
                  : error_set(err, UNROLL_USAGE, "option 'references' takes names of columns with commas between them, not '%.60s'",
                              columns);
    at += size;
    if (!*at) break;
  }
  mem_free(s.list);
  return status;
}

int64_t references_example(const references *r, int k, const dataset *d, int64_t example) {
  const dataset *e = &r->list[k];
  const int64_t row = d->row_of[example];
  int64_t low = 0, high = e->n_sequences;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (e->row_of[middle] < row)
      low = middle + 1;
    else
      high = middle;
  }
  return low < e->n_sequences && e->row_of[low] == row ? low : -1;
}

void references_free(references *r) {
  for (int i = 0; i < r->n; i++) dataset_free(&r->list[i]);
  mem_free(r->list);
  *r = (references){0};
}
