/* net.c - behind unroll.h: a net or cell that is looked into, not trained. */
#include <math.h>
#include "api/inspect.h"
#include "api/options.h"
#include "api/result.h"
#include "base/text.h"
#include "graph/settings.h"
#include "kernel/kernel.h"

enum { BATCH = 32, STEPS = 64 };

struct unroll_net {
  inspection x;
  arena memory;
  plan *p;
  int batch, steps, shards;       /* shards: 0: what net and batch bear */
  int64_t workers;                /* that a step is reckoned for; below 1: none */
  const char *link;               /* bits a second; NULL: 10G */
  text equations, gradient, plan; /* of p */
};

/* --- making one --- */

static unroll_status build(unroll_net *n, const char *name, const char *const *sets, int n_sets, unroll_error *err) {
  setting *settings = NULL;
  int many = 0;
  unroll_status status = inspect_parse(&n->x, name, err);
  if (!status) status = settings_parse(&settings, &many, sets, n_sets, &n->memory, err);
  if (!status) status = inspect_build(&n->x, settings, many, err);
  if (status) return status;
  graph_print_forward(n->x.g, &n->equations);
  graph_print_gradient(n->x.g, &n->gradient);
  return n->equations.failed || n->gradient.failed ? error_memory(err) : UNROLL_OK;
}

static unroll_net *new_net(int64_t batch, int64_t steps, int64_t shards) {
  unroll_net *n = mem_zero(1, sizeof *n);
  if (!n) return NULL;
  n->batch = batch > 0 ? (int)batch : BATCH;
  n->steps = steps > 0 ? (int)steps : STEPS;
  n->shards = shards > 0 ? (int)shards : 0;
  return n;
}

unroll_status unroll_net_new(unroll_net **out, const char *name, const unroll_options *o, unroll_error *err) {
  call_options how;
  if (!out) return api_null(err);
  *out = NULL;
  if (!name) return api_null(err);
  unroll_status status = call_take(&how, o, IN(explain), err);
  if (status) return status;
  unroll_net *n = new_net(how.batch, how.unroll, how.shards);
  if (!n) return error_memory(err);
  n->workers = how.workers;
  n->link = how.link ? arena_text(&n->memory, how.link, strlen(how.link)) : NULL;
  status = how.link && !n->link ? error_memory(err) : build(n, name, how.sets.items, how.sets.n, err);
  if (status)
    unroll_net_free(n);
  else
    *out = n;
  return status;
}

void unroll_net_free(unroll_net *n) {
  if (!n) return;
  plan_free(n->p);
  inspect_close(&n->x);
  text_free(&n->equations);
  text_free(&n->gradient);
  text_free(&n->plan);
  arena_free(&n->memory);
  mem_free(n);
}

/* --- what it is --- */

static const char *said(const text *t) { return t->data ? t->data : ""; }

const char *unroll_net_file(const unroll_net *n) { return n && n->x.m.net_file ? n->x.m.net_file : ""; }
int64_t unroll_net_weights(const unroll_net *n) { return n ? n->x.g->n_weights : 0; }
int unroll_net_settings(const unroll_net *n) { return n ? n->x.g->n_settings : 0; }
int unroll_net_parameters(const unroll_net *n) { return n ? n->x.g->n_params : 0; }
const char *unroll_net_equations(const unroll_net *n) { return n ? said(&n->equations) : NULL; }
const char *unroll_net_gradient(const unroll_net *n) { return n ? said(&n->gradient) : NULL; }

void unroll_setting_init_sized(unroll_setting *s, size_t size) { api_init(s, size); }

unroll_status unroll_net_setting(const unroll_net *n, int number, unroll_setting *out, unroll_error *err) {
  if (!n || !out) return api_null(err);
  if (number < 0 || number >= n->x.g->n_settings) return error_set(err, UNROLL_USAGE, "there is no setting %d", number);
  const setting *s = &n->x.g->settings[number];
  const unroll_setting own = {.name = s->name, .word = s->word, .number = s->word ? (double)NAN : s->number};
  API_GIVE(out, &own);
  return UNROLL_OK;
}

unroll_status unroll_net_parameter(const unroll_net *n, int number, unroll_parameter *out, unroll_error *err) {
  if (!n || !out) return api_null(err);
  if (number < 0 || number >= n->x.g->n_params) return error_set(err, UNROLL_USAGE, "there is no parameter %d", number);
  const param *p = &n->x.g->params[number];
  const unroll_parameter own = {.name = p->name,
                                .rows = p->rows,
                                .columns = p->cols,
                                .data = n->x.m.weights ? n->x.m.weights + p->offset : NULL,
                                .is_vector = p->vector};
  API_GIVE(out, &own);
  return UNROLL_OK;
}

/* --- its plan --- */

unroll_status unroll_net_plan(unroll_net *n, unroll_error *err) {
  if (!n) return api_null(err);
  if (n->p) return UNROLL_OK;
  const unroll_status status = inspect_plan(&n->x, n->batch, n->steps, n->shards, &n->p, err);
  if (status) return status;
  plan_print(n->p, &n->plan);
  return n->plan.failed ? error_memory(err) : UNROLL_OK;
}

const char *unroll_net_plan_text(const unroll_net *n) { return n && n->p ? said(&n->plan) : NULL; }

double unroll_net_operations(const unroll_net *n) { return n && n->p ? plan_operations(n->p, (int64_t)n->batch * n->steps) : 0; }

int64_t unroll_net_bytes(const unroll_net *n) { return n && n->p ? plan_arena_bytes(n->p) : 0; }

/* --- many workers --- */

/* "10G", "2.5G", "100M": bits a second. */
static bool read_rate(const char *s, double *rate) {
  const size_t n = strlen(s);
  const double unit = n && s[n - 1] == 'G' ? 1e9 : n && s[n - 1] == 'M' ? 1e6 : 0;
  if (!(unit > 0) || text_number(s, n - 1, rate) || !(*rate > 0)) return false;
  *rate *= unit;
  return true;
}

void unroll_scaling_init_sized(unroll_scaling *s, size_t size) { api_init(s, size); }

unroll_status unroll_net_scaling(const unroll_net *n, unroll_scaling *out, unroll_error *err) {
  const double message = 20e-6, share = 0.75; /* seconds for a message; of the peak */
  const plan_options o = {.max_rows = n ? n->batch : 1, .max_steps = n ? n->steps : 1, .gradient = 1};
  unroll_scaling s = {.size = sizeof s};
  double rate;
  if (!n || !out) return api_null(err);
  if (n->workers < 1 || !n->p) return error_set(err, UNROLL_USAGE, n->p ? "how many? Option 'workers'" : "there is no plan");
  if (!read_rate(n->link ? n->link : "10G", &rate))
    return error_set(err, UNROLL_USAGE, "option 'link' is bits a second, as in 10G or 100M, not '%.40s'", n->link);
  const unroll_status status = plan_shards(&s.shards, n->shards, n->x.g, &o, err);
  if (status) return status;
  s.workers = (int)n->workers;
  const int busy = s.workers < s.shards ? s.workers : s.shards;
  s.bytes = 2.0 * (busy - 1) / busy * 4 * (double)n->x.g->n_weights;
  s.sending = busy > 1 ? s.bytes * 8 / rate + 2 * (busy - 1) * message : 0;
  s.one = unroll_net_operations(n) / (share * kernel_table()->peak(0.05) * 1e9);
  s.computing = s.one * ((s.shards + busy - 1) / busy) / s.shards;
  s.speedup = s.one / (s.computing + s.sending);
  API_GIVE(out, &s);
  return UNROLL_OK;
}

unroll_status unroll_net_text(const unroll_net *n, char **out, unroll_error *err) {
  text t = {0};
  if (!out) return api_null(err);
  *out = NULL;
  if (!n) return api_null(err);
  inspect_print(&n->x, n->p, &t);
  if (t.failed) {
    text_free(&t);
    return error_memory(err);
  }
  *out = t.data;
  return UNROLL_OK;
}

/* A net by settings, for one text of it. *n is NULL after a failure. */
static unroll_status once(unroll_net **n, const char *net, const char *const *settings, int n_settings, unroll_error *err) {
  *n = NULL;
  if (!net || n_settings < 0 || (n_settings && !settings)) return api_null(err);
  for (int i = 0; i < n_settings; i++)
    if (!settings[i]) return api_null(err);
  unroll_net *made = new_net(BATCH, STEPS, 0);
  if (!made) return error_memory(err);
  const unroll_status status = build(made, net, settings, n_settings, err);
  if (status)
    unroll_net_free(made);
  else
    *n = made;
  return status;
}

unroll_status unroll_explain(const char *net, const char *const *settings, int n_settings, char **out, unroll_error *err) {
  unroll_net *n;
  if (!out) return api_null(err);
  *out = NULL;
  unroll_status status = once(&n, net, settings, n_settings, err);
  if (!status) status = unroll_net_plan(n, err);
  if (!status) status = unroll_net_text(n, out, err);
  unroll_net_free(n);
  return status;
}

unroll_status unroll_typeset(const char *net, const char *const *settings, int n_settings, const char *form, char **out,
                             unroll_error *err) {
  unroll_net *n;
  if (!out) return api_null(err);
  *out = NULL;
  if (!form) return api_null(err);
  unroll_status status = once(&n, net, settings, n_settings, err);
  if (!status) status = inspect_typeset(&n->x, net, form, out, err);
  unroll_net_free(n);
  return status;
}

/* A copy, for building the graph once more writes into the model, which other threads may share. */
unroll_status unroll_model_typeset(const unroll_model *m, const char *form, char **out, unroll_error *err) {
  if (!out) return api_null(err);
  *out = NULL;
  if (!m || !form) return api_null(err);
  inspection x = {.m = m->m};
  x.m.memory = (arena){0};
  unroll_status status = model_graph(&x.m, &x.own, true, err);
  x.g = &x.own;
  if (!status) status = inspect_typeset(&x, x.m.net_file, form, out, err);
  graph_free(&x.own);
  arena_free(&x.m.memory);
  return status;
}

/* Its data has a reader, and every operator can run. */
int unroll_net_trains(const char *name) {
  const builtin *b = name ? lang_builtin_net(name) : NULL;
  unroll_net *n = NULL;
  model m;
  if (!b) return 0;
  bool can = model_begin(&m, b->file, b->text, NULL) == UNROLL_OK;
  model_free(&m);
  can = can && !unroll_net_new(&n, name, NULL, NULL) && !unroll_net_plan(n, NULL);
  unroll_net_free(n);
  return can;
}
