/* import.c - behind unroll.h: models of other programs. */
#include "import/import.h"
#include <stdio.h>
#include "api/api.h"
#include "api/options.h"
#include "base/file.h"

/* The net, and in its folder the cells that only it has. */
static unroll_status write_net(const net_text *n, const char *path, unroll_error *err) {
  unroll_status status = file_write(path, n->text.data, n->text.length, err);
  for (int i = 0; i < n->n_cells && !status; i++) {
    char file[48];
    snprintf(file, sizeof file, "%s.cell", n->cells[i].name);
    char *beside = file_beside(path, file, strlen(file));
    status = beside ? file_write(beside, n->cells[i].text.data, n->cells[i].text.length, err) : error_memory(err);
    mem_free(beside);
  }
  return status;
}

static unroll_status take_model(unroll_model **out, imported *i, unroll_error *err) {
  unroll_model *m = mem_zero(1, sizeof *m);
  if (!m) return error_memory(err);
  m->m = i->m;
  i->m = (model){0};
  const unroll_status status = api_symbols(m, err);
  if (status)
    unroll_model_free(m);
  else
    *out = m;
  return status;
}

unroll_status unroll_import(unroll_model **out, const char *const *files, int n, const unroll_options *o, char **notes,
                            unroll_error *err) {
  call_options c;
  imported i = {0};
  char *inputs = NULL, *newline = NULL;
  if (out) *out = NULL;
  if (notes) *notes = NULL;
  if (!files || n < 1 || !files[0]) return api_null(err);
  unroll_status status = call_take(&c, o, IN(import), err);
  if (status) return status;
  if (c.verify) {
    inputs = mem_text(c.verify);
    if (!inputs) return error_memory(err);
    newline = strchr(inputs, '\n');
    if (newline) *newline++ = 0;
  }
  const import_options how = {.modules = c.modules.items,
                              .n_modules = c.modules.n,
                              .equations = c.equations,
                              .vocabulary = c.vocabulary,
                              .labels = c.labels,
                              .predicts = c.predicts,
                              .width = (int)c.width,
                              .last = c.last,
                              .inputs = inputs,
                              .outputs = newline,
                              .time_first = c.time_first};
  status = import_files(&i, files, n, &how, err);
  if (!status && c.output) status = model_save(&i.m, c.output, err);
  if (!status && c.net_to) status = write_net(&i.net, c.net_to, err);
  if (!status && notes && !(*notes = mem_text(i.told.data ? i.told.data : ""))) status = error_memory(err);
  if (!status && out) status = take_model(out, &i, err);
  if (status && notes) {
    mem_free(*notes);
    *notes = NULL;
  }
  imported_free(&i);
  mem_free(inputs);
  return status;
}
