/* check.c - `unroll check`: is the gradient right, for every parameter? The comparison is in verify/check.h. */
#include "verify/check.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "api/inspect.h"
#include "graph/settings.h"
#include "base/error.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/terminal.h"

static void print_report(const char *name, const check_report *r, bool quiet) {
  printf("%s: %s: gradient %.1e, plan %.1e (%" PRId64 " weights, %d sequences, %d steps, loss %.4f)\n", name,
         r->passed ? "right" : "WRONG", r->worst_difference, r->worst_plan, r->n_weights, r->sequences, r->steps, r->loss);
  if (quiet) return;
  printf("  %-24s %12s %8s %12s %12s\n", "parameter", "shape", "entries", "difference", "plan");
  for (int i = 0; i < r->n_rows; i++) {
    const check_row *w = &r->rows[i];
    char shape[48];
    if (w->vector)
      snprintf(shape, sizeof shape, "%d", w->rows);
    else
      snprintf(shape, sizeof shape, "%d x %d", w->rows, w->cols);
    printf("  %-24s %12s %8" PRId64 " %12.1e %12.1e%s\n", w->name, shape, w->entries, w->difference, w->plan,
           w->difference < CHECK_DIFFERENCE_LIMIT && w->plan < CHECK_PLAN_LIMIT ? "" : "  <- wrong");
  }
  for (int i = 0; i < r->n_values; i++) printf("  %-24s %12s %8s %12s %12.1e\n", r->values[i].name, "", "", "", r->values[i].plan);
}

static json_t *report_json(const char *name, const check_report *r) {
  json_t *list = json_array(), *values = json_array();
  for (int i = 0; i < r->n_rows; i++) {
    const check_row *w = &r->rows[i];
    json_t *shape = w->vector ? json_pack("[i]", w->rows) : json_pack("[i, i]", w->rows, w->cols);
    json_array_append_new(list,
                          json_pack("{s:s, s:o, s:I, s:o, s:o}", "name", w->name, "shape", shape, "entries", (json_int_t)w->entries,
                                    "difference", json_number(w->difference), "plan", json_number(w->plan)));
  }
  for (int i = 0; i < r->n_values; i++)
    json_array_append_new(values, json_pack("{s:s, s:o}", "name", r->values[i].name, "plan", json_number(r->values[i].plan)));
  return json_pack("{s:s, s:b, s:o, s:o, s:o, s:I, s:o, s:o}", "name", name, "passed", r->passed, "worst_difference",
                   json_number(r->worst_difference), "worst_plan", json_number(r->worst_plan), "loss", json_number(r->loss),
                   "weights", (json_int_t)r->n_weights, "parameters", list, "values", values);
}

typedef struct checking {
  const options *o;
  const setting *settings;
  int n_settings;
  json_t *list;
  int right, wrong;
} checking;

static unroll_status check_one(checking *c, const char *name, unroll_error *err) {
  inspection x;
  check_report r = {0};
  unroll_status status = inspect_parse(&x, name, err);
  check_options how = {.settings = c->settings,
                       .n_settings = c->n_settings,
                       .find_cell = model_find_cell,
                       .context = &x.m,
                       .seed = c->o->seed >= 0 ? (uint64_t)c->o->seed : 1,
                       .dump = c->o->dump};
  if (!status) status = check_net(x.m.net, &how, &r, err);
  if (!status && c->o->json && json_array_append_new(c->list, report_json(name, &r))) status = error_memory(err);
  if (!status && !c->o->json) print_report(name, &r, c->o->quiet);
  if (!status && !r.passed) c->wrong++;
  if (!status && r.passed) c->right++;
  check_free(&r);
  inspect_close(&x);
  return status;
}

static unroll_status check_all(checking *c, const builtin *list, unroll_error *err) {
  for (const builtin *b = list; b->name && !*signals_flag(); b++) {
    const unroll_status status = check_one(c, b->name, err);
    if (status) return status;
    fflush(stdout);
  }
  return *signals_flag() ? error_set(err, UNROLL_INTERRUPTED, "interrupted") : UNROLL_OK;
}

unroll_status command_check(const options *o, unroll_error *err) {
  arena memory = {0};
  setting *settings = NULL;
  checking c = {.o = o, .list = o->json ? json_array() : NULL};
  if (o->all == (o->n_arguments > 0)) return error_set(err, UNROLL_USAGE, "give a net, a cell, or --all");
  if (o->all && o->dump) return error_set(err, UNROLL_USAGE, "--dump writes one run; give one net or cell");
  unroll_status status = settings_parse(&settings, &c.n_settings, o->sets.items, o->sets.n, &memory, err);
  c.settings = settings;
  if (!status && o->all) {
    status = check_all(&c, lang_cells, err);
    if (!status) status = check_all(&c, lang_nets, err);
  } else if (!status) {
    status = check_one(&c, o->arguments[0], err);
  }
  if (!status && o->all && !o->json) printf("%d right, %d wrong\n", c.right, c.wrong);
  if (!status && o->json) status = output_json(json_pack("{s:b, s:O}", "passed", c.wrong == 0, "checks", c.list), err);
  if (!status && c.wrong) status = error_set(err, UNROLL_FAILED, "a gradient is wrong");
  json_decref(c.list);
  arena_free(&memory);
  return status;
}
