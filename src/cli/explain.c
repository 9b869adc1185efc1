/* explain.c - `unroll explain`: parameters, equations, their gradient, the plan. */
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/output.h"
#include "cli/terminal.h"

static json_t *lines_json(const char *s) {
  json_t *list = json_array();
  while (*s) {
    const size_t n = strcspn(s, "\n");
    if (n) json_array_append_new(list, output_json_text(s, n));
    s += n + (s[n] == '\n');
  }
  return list;
}

static unroll_status print_json(const unroll_net *net, bool workers, unroll_error *err) {
  json_t *out = json_object(), *settings = json_object(), *parameters = json_array();
  const char *plan = unroll_net_plan_text(net);
  unroll_setting s;
  unroll_parameter w;
  unroll_setting_init(&s);
  unroll_parameter_init(&w);
  for (int i = 0; !unroll_net_setting(net, i, &s, NULL); i++)
    json_object_set_new(settings, s.name, s.word ? json_string(s.word) : json_number(s.number));
  for (int i = 0; !unroll_net_parameter(net, i, &w, NULL); i++) {
    json_t *shape = w.is_vector ? json_pack("[i]", w.rows) : json_pack("[i, i]", w.rows, w.columns);
    json_array_append_new(parameters, json_pack("{s:s, s:o, s:I}", "name", w.name, "shape", shape, "weights",
                                                (json_int_t)((int64_t)w.rows * w.columns)));
  }
  json_object_set_new(out, "file", json_string(unroll_net_file(net)));
  json_object_set_new(out, "settings", settings);
  json_object_set_new(out, "parameters", parameters);
  json_object_set_new(out, "weights", json_integer(unroll_net_weights(net)));
  json_object_set_new(out, "equations", lines_json(unroll_net_equations(net)));
  json_object_set_new(out, "gradient", lines_json(unroll_net_gradient(net)));
  if (plan) {
    json_object_set_new(out, "plan", output_json_text(plan, strlen(plan)));
    json_object_set_new(out, "operations_per_step", json_number(unroll_net_operations(net)));
    json_object_set_new(out, "arena_bytes", json_integer(unroll_net_bytes(net)));
  }
  if (workers) {
    unroll_scaling x;
    unroll_scaling_init(&x);
    const unroll_status status = unroll_net_scaling(net, &x, err);
    if (status) {
      json_decref(out);
      return status;
    }
    json_object_set_new(out, "scaling",
                        json_pack("{s:i, s:i, s:f, s:f, s:f, s:f, s:f}", "workers", x.workers, "shards", x.shards, "bytes_sent",
                                  x.bytes, "seconds_sending", x.sending, "seconds_on_one", x.one, "seconds_computing", x.computing,
                                  "speedup", x.speedup));
  }
  return output_json(out, err);
}

static void print_scaling(const unroll_scaling *x) {
  printf("\n%d workers (reckoned; %d shard%s):\n", x->workers, x->shards, x->shards == 1 ? "" : "s");
  printf("  each sends and receives  %.3g MB a step, %.3g ms\n", x->bytes * 1e-6, x->sending * 1e3);
  printf("  each computes            %.3g ms, one alone %.3g ms (at 75 %% of the peak that this machine has now)\n",
         x->computing * 1e3, x->one * 1e3);
  printf("  speed-up                 %.3g\n", x->speedup);
}

static unroll_status print_text(const unroll_net *net, bool workers, unroll_error *err) {
  char *page = NULL;
  unroll_scaling x;
  unroll_scaling_init(&x);
  const unroll_status scaled = workers ? unroll_net_scaling(net, &x, err) : UNROLL_OK;
  if (scaled) return scaled; /* a rate that is none: nothing is printed */
  const unroll_status status = unroll_net_text(net, &page, err);
  if (!status) fputs(page, stdout);
  unroll_free(page);
  if (!status && workers) print_scaling(&x);
  return status;
}

static unroll_status print_typeset(const options *o, const char *form, unroll_error *err) {
  char *page = NULL;
  const unroll_status status = unroll_typeset(o->arguments[0], o->sets.items, (int)o->sets.n, form, &page, err);
  if (!status) fputs(page, stdout);
  unroll_free(page);
  return status;
}

unroll_status command_explain(const options *o, unroll_error *err) {
  if (o->latex + o->mathml + o->dot + o->json > 1)
    return error_set(err, UNROLL_USAGE, "--latex, --mathml, --dot and --json exclude each other");
  if (o->latex || o->mathml || o->dot) return print_typeset(o, o->latex ? "latex" : o->mathml ? "mathml" : "dot", err);
  unroll_options *how = NULL;
  unroll_net *net = NULL;
  unroll_status status = data_options_typed(&how, "explain", o, err);
  if (!status) status = unroll_net_new(&net, o->arguments[0], how, err);
  if (!status && o->link && o->workers < 1) status = error_set(err, UNROLL_USAGE, "--link goes with --workers");
  if (!status) {
    status = unroll_net_plan(net, err); /* refused by the planner: the rest is shown all the same */
    const bool workers = o->workers > 0 && !status;
    const unroll_status printed = o->json ? print_json(net, workers, err) : print_text(net, workers, err);
    if (printed) status = printed;
  }
  unroll_net_free(net);
  unroll_options_free(how);
  return status;
}
