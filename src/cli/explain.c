/* explain.c - `unroll explain`: parameters, equations, their gradient, the plan. The text is made in api/inspect.c. */
#include <stdio.h>
#include <string.h>
#include "api/inspect.h"
#include "graph/settings.h"
#include "base/error.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/terminal.h"

static json_t *lines_json(void (*print)(const graph *g, text *out), const graph *g) {
  text t = {0};
  json_t *list = json_array();
  print(g, &t);
  for (const char *s = t.data; s && *s;) {
    const size_t n = strcspn(s, "\n");
    if (n) json_array_append_new(list, output_json_text(s, n));
    s += n + (s[n] == '\n');
  }
  text_free(&t);
  return list;
}

static unroll_status print_json(const inspection *x, const plan *p, int64_t cells, unroll_error *err) {
  const graph *g = x->g;
  json_t *out = json_object(), *settings = json_object(), *parameters = json_array();
  for (int i = 0; i < g->n_settings; i++)
    json_object_set_new(settings, g->settings[i].name,
                        g->settings[i].word ? json_string(g->settings[i].word) : json_number(g->settings[i].number));
  for (int i = 0; i < g->n_params; i++) {
    const param *w = &g->params[i];
    json_t *shape = w->vector ? json_pack("[i]", w->rows) : json_pack("[i, i]", w->rows, w->cols);
    json_array_append_new(parameters, json_pack("{s:s, s:o, s:I}", "name", w->name, "shape", shape, "weights",
                                                (json_int_t)((int64_t)w->rows * w->cols)));
  }
  if (out) {
    json_object_set_new(out, "file", json_string(x->m.net_file ? x->m.net_file : ""));
    json_object_set_new(out, "settings", settings);
    json_object_set_new(out, "parameters", parameters);
    json_object_set_new(out, "weights", json_integer(g->n_weights));
    json_object_set_new(out, "equations", lines_json(graph_print_forward, g));
    json_object_set_new(out, "gradient", lines_json(graph_print_gradient, g));
  }
  if (out && p) {
    text t = {0};
    plan_print(p, &t);
    json_object_set_new(out, "plan", output_json_text(t.data ? t.data : "", t.length));
    json_object_set_new(out, "operations_per_step", json_number(plan_operations(p, cells)));
    json_object_set_new(out, "arena_bytes", json_integer(plan_arena_bytes(p)));
    text_free(&t);
  }
  return output_json(out, err);
}

static unroll_status print_text(const inspection *x, const plan *p, unroll_error *err) {
  text t = {0};
  inspect_print(x, p, &t);
  if (!t.failed && t.data) fputs(t.data, stdout);
  const bool failed = t.failed != 0;
  text_free(&t);
  return failed ? error_memory(err) : UNROLL_OK;
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
  inspection x;
  arena memory = {0};
  setting *settings = NULL;
  int n_settings = 0;
  plan *p = NULL;
  const int batch = o->batch > 0 ? (int)o->batch : 32, steps = o->unroll > 0 ? (int)o->unroll : 64;
  unroll_status status = inspect_parse(&x, o->arguments[0], err);
  if (!status) status = settings_parse(&settings, &n_settings, o->sets.items, o->sets.n, &memory, err);
  if (!status) status = inspect_build(&x, settings, n_settings, err);
  if (!status) {
    status = inspect_plan(&x, batch, steps, o->shards > 0 ? (int)o->shards : 0, &p,
                          err); /* refused by the planner: the rest is shown all the same */
    const unroll_status printed = o->json ? print_json(&x, p, (int64_t)batch * steps, err) : print_text(&x, p, err);
    if (printed) status = printed;
  }
  plan_free(p);
  inspect_close(&x);
  arena_free(&memory);
  return status;
}
