/* verify.c - behind unroll.h: the check of gradients, a net on given tensors, and made-up data. */
#include <inttypes.h>
#include "api/inspect.h"
#include "api/options.h"
#include "api/result.h"
#include "base/text.h"
#include "data/task.h"
#include "graph/settings.h"
#include "verify/apply.h"
#include "verify/check.h"

typedef struct opened {
  call_options o;
  inspection x;
  arena memory;
  setting *settings;
  int n_settings;
} opened;

static unroll_status open_net(opened *p, const char *net, const unroll_options *o, uint32_t command, unroll_error *err) {
  *p = (opened){0};
  unroll_status status = call_take(&p->o, o, command, err);
  if (!status) status = inspect_parse(&p->x, net, err);
  if (!status) status = settings_parse(&p->settings, &p->n_settings, p->o.sets.items, p->o.sets.n, &p->memory, err);
  return status;
}

static void close_net(opened *p) {
  inspect_close(&p->x);
  arena_free(&p->memory);
}

/* --- check --- */

static bool take_report(unroll_result *r, const check_report *c) {
  figures f = {0};
  figures_add(&f, 0, "passed", FIGURE_FLAG, c->passed);
  figures_add(&f, 0, "worst_difference", FIGURE_NUMBER, c->worst_difference);
  figures_add(&f, 0, "worst_plan", FIGURE_NUMBER, c->worst_plan);
  figures_add(&f, 0, "loss", FIGURE_NATS, c->loss);
  figures_add(&f, 0, "weights", FIGURE_COUNT, (double)c->n_weights);
  figures_add(&f, 0, "sequences", FIGURE_COUNT, c->sequences);
  figures_add(&f, 0, "steps", FIGURE_COUNT, c->steps);
  const int parameters = figures_list(&f, 0, "parameters");
  for (int i = 0; i < c->n_rows; i++) {
    const check_row *w = &c->rows[i];
    const int of = figures_element(&f, parameters, "name", w->name, strlen(w->name));
    figures_add(&f, of, "rows", FIGURE_COUNT, w->rows);
    if (!w->vector) figures_add(&f, of, "columns", FIGURE_COUNT, w->cols);
    figures_add(&f, of, "entries", FIGURE_COUNT, (double)w->entries);
    figures_add(&f, of, "difference", FIGURE_NUMBER, w->difference);
    figures_add(&f, of, "plan", FIGURE_NUMBER, w->plan);
    figures_add(&f, of, "right", FIGURE_FLAG, w->difference < CHECK_DIFFERENCE_LIMIT && w->plan < CHECK_PLAN_LIMIT);
  }
  const int values = figures_list(&f, 0, "values");
  for (int i = 0; i < c->n_values; i++)
    figures_add(&f, figures_element(&f, values, "name", c->values[i].name, strlen(c->values[i].name)), "plan", FIGURE_NUMBER,
                c->values[i].plan);
  const bool full = !f.failed && result_figures(r, &f);
  figures_free(&f);
  return full;
}

unroll_status unroll_check(const char *net, const unroll_options *o, unroll_result **out, unroll_error *err) {
  opened p;
  check_report report = {0};
  if (!out) return api_null(err);
  *out = NULL;
  if (!net) return api_null(err);
  unroll_result *r = result_new(0, NULL);
  unroll_status status = open_net(&p, net, o, IN(check), err);
  const check_options how = {.settings = p.settings,
                             .n_settings = p.n_settings,
                             .find_cell = model_find_cell,
                             .context = &p.x.m,
                             .seed = p.o.seed >= 0 ? (uint64_t)p.o.seed : 1,
                             .dump = p.o.dump};
  if (!status && !r) status = error_memory(err);
  if (!status) status = check_net(p.x.m.net, &how, &report, err);
  if (!status && !take_report(r, &report)) status = error_memory(err);
  check_free(&report);
  close_net(&p);
  if (status)
    unroll_result_free(r);
  else
    *out = r;
  return status;
}

/* --- run --- */

static unroll_status save(const inspection *x, const apply_result *result, const char *path, unroll_error *err) {
  const char *const keys[] = {"unroll", "layout", "net"};
  const char *const values[] = {"run", "[T, B, N]; beyond a sequence's length: 0", x->m.net_text};
  return tensor_file_save(path, result->tensors, result->count, keys, values, 3, err);
}

unroll_status unroll_run(const char *net, const unroll_options *o, unroll_error *err) {
  opened p;
  tensor_file weights = {0}, inputs = {0};
  apply_result result = {0};
  if (!net || !o) return api_null(err);
  unroll_status status = open_net(&p, net, o, IN(run), err);
  const char *lacks = !p.o.weights ? "weights" : !p.o.inputs ? "inputs" : !p.o.output ? "output" : NULL;
  if (!status && lacks) status = error_set(err, UNROLL_USAGE, "option '%s' is missing", lacks);
  if (!status) status = tensor_file_load(&weights, p.o.weights, err);
  if (!status) status = tensor_file_load(&inputs, p.o.inputs, err);
  const apply_options how = {.settings = p.settings,
                             .n_settings = p.n_settings,
                             .find_cell = model_find_cell,
                             .context = &p.x.m,
                             .weights_name = p.o.weights,
                             .inputs_name = p.o.inputs,
                             .gradient = p.o.gradient,
                             .reference = p.o.reference};
  if (!status) status = apply_net(p.x.m.net, &weights, &inputs, &how, &result, err);
  if (!status) status = save(&p.x, &result, p.o.output, err);
  apply_free(&result);
  tensor_file_free(&inputs);
  tensor_file_free(&weights);
  close_net(&p);
  return status;
}

/* --- task --- */

static unroll_status no_task(const char *name, unroll_error *err) {
  const char *names[16];
  size_t n = 0;
  for (const task *t = tasks; t->name && n < 16; t++) names[n++] = t->name;
  const char *near = text_nearest(name, names, n);
  if (near) return error_set(err, UNROLL_USAGE, "there is no task '%s'; did you mean '%s'?", name, near);
  text all = {0};
  for (size_t i = 0; i < n; i++) text_format(&all, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " and ", names[i]);
  const unroll_status status =
      all.failed ? error_memory(err) : error_set(err, UNROLL_USAGE, "there is no task '%s'; there are %s", name, all.data);
  text_free(&all);
  return status;
}

unroll_status unroll_task(const char *name, const unroll_options *o, int64_t first, int64_t n, char **out, size_t *length,
                          unroll_error *err) {
  call_options how;
  text all = {0};
  if (!out) return api_null(err);
  *out = NULL;
  if (!name) return api_null(err);
  const unroll_status status = call_take(&how, o, IN(task), err);
  const task *t = task_find(name);
  if (status) return status;
  if (!t) return no_task(name, err);
  if (first < 0 || n < 0 || n > INT64_MAX - first) return error_set(err, UNROLL_USAGE, "sequences are counted from 0");
  if (!t->length && how.length >= 0) return error_set(err, UNROLL_USAGE, "the task '%s' has no length to choose", name);
  if (how.length >= 0 && how.length < t->least)
    return error_set(err, UNROLL_USAGE, "option 'length' of the task '%s' is at least %d, not %" PRId64, name, t->least,
                     how.length);
  text_format(&all, "%s", first ? "" : t->header);
  for (int64_t i = first; i < first + n && !all.failed; i++)
    task_sequence(t, how.seed >= 0 ? (uint64_t)how.seed : 1, i, how.length >= 0 ? (int)how.length : t->length, &all);
  if (all.failed) {
    text_free(&all);
    return error_memory(err);
  }
  *out = all.data;
  if (length) *length = all.length;
  return UNROLL_OK;
}
