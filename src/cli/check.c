/* check.c - `unroll check`: is the gradient right, for every parameter? */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include "base/error.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/figures.h"
#include "cli/terminal.h"
#include "lang/lang.h"

/* "12 x 6", or "6" of a vector. */
static const char *shape_text(const unroll_result *r, int of, char out[48]) {
  const double rows = figure_value(r, of, "rows"), columns = figure_value(r, of, "columns");
  if (isnan(columns))
    snprintf(out, 48, "%d", (int)rows);
  else
    snprintf(out, 48, "%d x %d", (int)rows, (int)columns);
  return out;
}

static void print_report(const char *name, const unroll_result *r, bool quiet) {
  const int parameters = figure_part(r, 0, "parameters"), values = figure_part(r, 0, "values");
  char shape[48];
  unroll_subject s;
  printf("%s: %s: gradient %.1e, plan %.1e (%" PRId64 " weights, %d sequences, %d steps, loss %.4f)\n", name,
         figure_value(r, 0, "passed") != 0 ? "right" : "WRONG", figure_value(r, 0, "worst_difference"),
         figure_value(r, 0, "worst_plan"), (int64_t)figure_value(r, 0, "weights"), (int)figure_value(r, 0, "sequences"),
         (int)figure_value(r, 0, "steps"), figure_value(r, 0, "loss"));
  if (quiet) return;
  printf("  %-24s %12s %8s %12s %12s\n", "parameter", "shape", "entries", "difference", "plan");
  for (int i = 0; figure_subject(r, i, &s); i++)
    if (s.parent == parameters)
      printf("  %-24s %12s %8" PRId64 " %12.1e %12.1e%s\n", s.label, shape_text(r, i, shape),
             (int64_t)figure_value(r, i, "entries"), figure_value(r, i, "difference"), figure_value(r, i, "plan"),
             figure_value(r, i, "right") != 0 ? "" : "  <- wrong");
  for (int i = 0; figure_subject(r, i, &s); i++)
    if (s.parent == values) printf("  %-24s %12s %8s %12s %12.1e\n", s.label, "", "", "", figure_value(r, i, "plan"));
}

static json_t *parameter_json(const unroll_result *r, int of, const char *name) {
  const double rows = figure_value(r, of, "rows"), columns = figure_value(r, of, "columns");
  json_t *shape = isnan(columns) ? json_pack("[i]", (int)rows) : json_pack("[i, i]", (int)rows, (int)columns);
  return json_pack("{s:s, s:o, s:I, s:o, s:o}", "name", name, "shape", shape, "entries", (json_int_t)figure_value(r, of, "entries"),
                   "difference", json_number(figure_value(r, of, "difference")), "plan", json_number(figure_value(r, of, "plan")));
}

static json_t *report_json(const char *name, const unroll_result *r) {
  const int parameters = figure_part(r, 0, "parameters"), values = figure_part(r, 0, "values");
  json_t *list = json_array(), *more = json_array();
  unroll_subject s;
  for (int i = 0; figure_subject(r, i, &s); i++) {
    if (s.parent == parameters) json_array_append_new(list, parameter_json(r, i, s.label));
    if (s.parent == values)
      json_array_append_new(more, json_pack("{s:s, s:o}", "name", s.label, "plan", json_number(figure_value(r, i, "plan"))));
  }
  return json_pack("{s:s, s:b, s:o, s:o, s:o, s:I, s:o, s:o}", "name", name, "passed", figure_value(r, 0, "passed") != 0,
                   "worst_difference", json_number(figure_value(r, 0, "worst_difference")), "worst_plan",
                   json_number(figure_value(r, 0, "worst_plan")), "loss", json_number(figure_value(r, 0, "loss")), "weights",
                   (json_int_t)figure_value(r, 0, "weights"), "parameters", list, "values", more);
}

typedef struct checking {
  const options *o;
  unroll_options *how;
  json_t *list;
  int right, wrong;
} checking;

static unroll_status check_one(checking *c, const char *name, unroll_error *err) {
  unroll_result *r = NULL;
  unroll_status status = unroll_check(name, c->how, &r, err);
  const bool passed = !status && figure_value(r, 0, "passed") != 0;
  if (!status && c->o->json && json_array_append_new(c->list, report_json(name, r))) status = error_memory(err);
  if (!status && !c->o->json) print_report(name, r, c->o->quiet);
  if (!status && !passed) c->wrong++;
  if (!status && passed) c->right++;
  unroll_result_free(r);
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
  checking c = {.o = o, .list = o->json ? json_array() : NULL};
  if (o->all == (o->n_arguments > 0)) return error_set(err, UNROLL_USAGE, "give a net, a cell, or --all");
  if (o->all && o->dump) return error_set(err, UNROLL_USAGE, "--dump writes one run; give one net or cell");
  unroll_status status = data_options_typed(&c.how, "check", o, err);
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
  unroll_options_free(c.how);
  return status;
}
