/* trace.c - behind unroll.h: the values of variables of the equations at each step, for the examples of a table.
 *
 * A variable is a named node of the graph, "h.i" inside a cell too. It is kept by the plan, and read after each pass. What an
 * attention weighs has as many columns as the example has steps there. A variable of the data is what went in; with option
 * 'top' also what was likeliest there. Where only data is asked for, nothing is computed. */
#include <math.h>
#include "api/ask.h"
#include "api/collect.h"
#include "base/text.h"
#include "data/calendar.h"
#include "use/pass.h"

enum { ROWS = 32, STEPS = 256 };

typedef struct traced {
  const char *name;
  int node;        /* -1: of the data */
  int variable;    /* of the data */
  double **values; /* [n] [steps][width] */
  int loss;        /* whose likeliest symbols are wanted; -1: none */
  int n_top;
  int64_t *first; /* [n_sequences + 1] of the loss */
  int32_t *top;   /* [first[n]][n_top] */
  float *top_p;
} traced;

typedef struct tracer {
  ask *a;
  part all;
  int64_t n_examples, n_steps; /* that are wanted; steps: of a stream */
  pass s;
  traced *list;
  int n, *keep, n_keep;
  void *scratch;
  unroll_result *r;
} tracer;

static const graph *graph_of(const tracer *s) { return &s->a->m.g; }

/* --- names --- */

static unroll_status no_value(const graph *g, const char *name, unroll_error *err) {
  const int n = g->n_forward ? g->n_forward : g->n_nodes;
  const char **names = mem_zero((size_t)n + 1, sizeof *names);
  size_t many = 0;
  if (!names) return error_memory(err);
  for (int i = 0; i < n; i++)
    if (g->nodes[i].name) names[many++] = g->nodes[i].name;
  const char *near = text_nearest(name, names, many);
  error_set(err, UNROLL_USAGE, "the equations have no value '%s'%s%s%s", name, near ? "; did you mean '" : "", near ? near : "",
            near ? "'?" : "; 'unroll explain' shows all");
  mem_free(names);
  return UNROLL_USAGE;
}

/* The only value whose name ends so: "c" is "h.c", as the equations are printed. -1: none, or several. */
static int find_short(const graph *g, const char *name, int n) {
  int found = -1;
  for (int i = 0; i < n; i++) {
    const char *full = g->nodes[i].name, *dot = full ? strrchr(full, '.') : NULL;
    if (!dot || strcmp(dot + 1, name) != 0 || g->nodes[i].space == SPACE_PARAM) continue;
    if (found >= 0) return -1;
    found = i;
  }
  return found;
}

static unroll_status find(traced *t, const graph *g, const char *name, unroll_error *err) {
  const int n = g->n_forward ? g->n_forward : g->n_nodes;
  *t = (traced){.name = name, .node = -1, .variable = -1, .loss = -1};
  for (int i = 0; i < g->n_data; i++)
    if (!strcmp(g->data[i].name, name)) {
      t->variable = i;
      return UNROLL_OK;
    }
  for (int i = 0; i < n && t->node < 0; i++)
    if (g->nodes[i].name && !strcmp(g->nodes[i].name, name) && g->nodes[i].space != SPACE_PARAM) t->node = i;
  if (t->node < 0) t->node = find_short(g, name, n);
  return t->node < 0 ? no_value(g, name, err) : UNROLL_OK;
}

static int named_node(const unroll_model *m, int number) {
  const int n = !m ? 0 : m->m.g.n_forward ? m->m.g.n_forward : m->m.g.n_nodes;
  for (int i = 0, k = 0; i < n && number >= 0; i++)
    if (m->m.g.nodes[i].name && m->m.g.nodes[i].space != SPACE_PARAM && k++ == number) return i;
  return -1;
}

const char *unroll_model_value(const unroll_model *m, int number) {
  const int i = named_node(m, number);
  return i >= 0 ? m->m.g.nodes[i].name : NULL;
}

void unroll_named_init_sized(unroll_named *v, size_t size) { api_init(v, size); }

/* The first variable that has the steps of an axis, or whose text a net with ctc reads there. */
static const char *variable_along(const model *m, int axis) {
  for (int i = 0; i < m->schema.n && axis >= 0; i++)
    if (m->schema.list[i].axis == axis) return m->schema.list[i].form.name;
  return NULL;
}

static int is_state(const graph *g, int number) {
  const int n = g->n_forward ? g->n_forward : g->n_nodes;
  for (int i = 0; i < n; i++)
    if (graph_at(g, i)->op == OP_SHIFT && graph_at(g, i)->in[0] == number) return graph_at(g, i)->dir < 0 ? -1 : 1;
  return 0;
}

/* How the positions lie that a node weighs, and which picture they are of: what BLEND takes beside it, back to the data. */
static void find_grid(const graph *g, int number, unroll_named *out) {
  const int n = g->n_forward ? g->n_forward : g->n_nodes;
  int at = NODE_NONE;
  for (int i = 0; i < n && at < 0; i++)
    if (graph_at(g, i)->op == OP_BLEND && graph_at(g, i)->in[0] == number) at = graph_at(g, i)->in[1];
  for (int i = 0; i < n && at >= 0; i++) {
    const node *x = graph_at(g, at);
    const bool squares = x->op == OP_CONV || x->op == OP_POOL || x->op == OP_POOL_MEAN;
    if (squares && !out->rows)
      out->rows = patches_along(x->patches.rows, &x->patches), out->columns = patches_along(x->patches.columns, &x->patches);
    const input *of = x->op == OP_INPUT ? &g->inputs[x->slot] : NULL;
    const data_info *data = of ? &g->data[of->data] : NULL;
    if (data && !out->rows) out->rows = (int)data->args[1], out->columns = (int)data->args[2];
    if (data) out->over = data->name;
    at = data || x->op == OP_SHIFT ? NODE_NONE : x->in[0];
  }
}

unroll_status unroll_model_named(const unroll_model *m, int number, unroll_named *out, unroll_error *err) {
  if (!m || !out) return api_null(err);
  const int i = named_node(m, number);
  if (i < 0) return error_set(err, UNROLL_USAGE, "the equations have no value with the number %d", number);
  const node *x = &m->m.g.nodes[i];
  const int over = graph_steps_axis(x->width);
  unroll_named own = {.name = x->name,
                      .width = over < 0 ? x->width : 0,
                      .along = x->space == SPACE_STEP ? variable_along(&m->m, x->axis) : NULL,
                      .over = variable_along(&m->m, over),
                      .has_steps = x->space == SPACE_STEP,
                      .is_state = is_state(&m->m.g, i),
                      .is_gate = x->op == OP_SIGMOID};
  if (over < 0) find_grid(&m->m.g, i, &own);
  API_GIVE(out, &own);
  return UNROLL_OK;
}

/* --- values --- */

static int64_t shown(const tracer *s, int64_t steps) { return s->a->d.stream && steps > s->n_steps ? s->n_steps : steps; }

static int64_t steps_of(const tracer *s, const traced *t, int64_t example) {
  const node *x = &graph_of(s)->nodes[t->node];
  return x->space == SPACE_STEP ? shown(s, dataset_length(&s->a->d, &s->a->m.schema, x->axis, example)) : 1;
}

static int width_of(const tracer *s, const traced *t, int64_t example) {
  const int width = graph_of(s)->nodes[t->node].width, axis = graph_steps_axis(width);
  return axis >= 0 ? (int)dataset_length(&s->a->d, &s->a->m.schema, axis, example) : width;
}

static unroll_status make_room(tracer *s, traced *t, unroll_error *err) {
  const int64_t n = s->n_examples;
  if (t->loss >= 0) {
    const int words = s->a->m.schema.list[t->variable].words.n;
    size_t all = 0;
    t->n_top = s->a->o.top < words ? (int)s->a->o.top : words;
    t->first = pass_firsts(&s->a->m, &s->a->d, t->loss);
    if (t->first && __builtin_mul_overflow((size_t)t->first[s->a->d.n_sequences] + 1, (size_t)t->n_top, &all)) all = 0;
    t->top = all ? arena_alloc(&s->r->memory, all, sizeof *t->top) : NULL;
    t->top_p = all ? arena_alloc(&s->r->memory, all, sizeof *t->top_p) : NULL;
    if (!t->top || !t->top_p) return error_memory(err);
  }
  if (t->node < 0) return UNROLL_OK;
  t->values = mem_zero((size_t)n + 1, sizeof *t->values);
  if (!t->values) return error_memory(err);
  for (int64_t i = 0; i < n; i++) {
    const size_t steps = (size_t)steps_of(s, t, i), width = (size_t)width_of(s, t, i);
    size_t all;
    if (__builtin_mul_overflow(steps, width, &all)) return error_memory(err);
    t->values[i] = all ? arena_alloc(&s->r->memory, all, sizeof **t->values) : NULL;
    if (all && !t->values[i]) return error_memory(err);
  }
  return UNROLL_OK;
}

static void copy(double *to, const float *from, int n) {
  for (int i = 0; i < n; i++) to[i] = (double)from[i];
}

static void take_value(tracer *s, const traced *t) {
  const node *x = &graph_of(s)->nodes[t->node];
  const examples *e = batcher_examples(s->s.batches);
  ptrdiff_t stride;
  const float *from = run_value(s->s.run, t->node, &stride);
  if (x->space != SPACE_STEP) {
    for (int r = 0; r < e->b.rows; r++) {
      const int64_t example = e->list[r];
      if (t->values[example]) copy(t->values[example], from + r * stride, width_of(s, t, example));
    }
    return;
  }
  const batch_axis *axis = &e->b.axes[x->axis];
  for (int step = 0; step < axis->steps; step++)
    for (int q = 0; q < axis->active[step]; q++) {
      const int row = axis->order ? axis->order[q] : q;
      const int64_t example = e->list[row], at = step + (e->windows ? e->windows[row].from : 0);
      const int width = width_of(s, t, example);
      copy(t->values[example] + at * width, from + (axis->first[step] + q) * stride, width);
    }
}

static unroll_status take_top(tracer *s, const traced *t, unroll_error *err) {
  const distribution *d = &s->s.heads[t->loss];
  const int64_t rows = batcher_loss_rows(s->s.batches, t->loss);
  for (int64_t i = 0; i < rows; i++) {
    const pass_place at = pass_at(&s->s, t->loss, i);
    const prediction p = distribution_at(d, s->s.run, i, at.row);
    const int64_t to = (t->first[at.example] + at.step) * t->n_top;
    if (!distribution_finite(d, &p)) return error_set(err, UNROLL_FAILED, "the model's output is not finite");
    distribution_best(d, &p, t->n_top, t->top + to, s->scratch);
    const double sum = distribution_log_sum(d, &p);
    for (int k = 0; k < t->n_top; k++) t->top_p[to + k] = (float)exp((double)p.args[0][t->top[to + k]] - sum);
  }
  return UNROLL_OK;
}

static unroll_status take(void *context, unroll_error *err) {
  tracer *s = context;
  unroll_status status = UNROLL_OK;
  for (int i = 0; i < s->n && !status; i++) {
    if (s->list[i].node >= 0) take_value(s, &s->list[i]);
    if (s->list[i].loss >= 0) status = take_top(s, &s->list[i], err);
  }
  return status;
}

/* What went in: symbols with their text, or numbers in the units of the data. */
static bool add_given(tracer *s, unroll_value *v, int number, int64_t example) {
  const variable *of = &s->a->m.schema.list[number];
  const column_values *c = &s->a->d.columns[number];
  if (!c->there) return true;
  const bool stream = s->a->d.stream;
  const int64_t from = stream ? 0 : c->first[example], n = stream ? shown(s, c->n) : c->first[example + 1] - from;
  v->steps = n;
  if (c->symbols) {
    const bool end = n > 0 && of->ends && c->symbols[from + n - 1] == of->words.end; /* which is not counted */
    return result_symbols(s->r, v, &of->words, c->symbols + from, n - end);
  }
  double *x = n > 0 && c->numbers ? result_alloc(s->r, (size_t)n * (size_t)of->width, sizeof *x) : NULL;
  if (!x) return n == 0 || !c->numbers;
  for (int64_t i = 0; i < n * of->width; i++)
    x[i] = column_seen(c, from + i / of->width) ? column_unscaled(c, of, from + i / of->width, (int)(i % of->width)) : (double)NAN;
  v->width = of->width;
  v->numbers = x;
  return true;
}

static bool add_times(tracer *s, result_row *row, int64_t example, int64_t steps) {
  const char **times = result_alloc(s->r, (size_t)steps + 1, sizeof *times);
  bool full = times != NULL;
  for (int64_t i = 0; i < steps && full; i++) {
    char at[TIME_TEXT];
    calendar_write(&s->a->d, example, i, at);
    full = (times[i] = collect_text(s->r, at)) != NULL;
  }
  row->row.times = times;
  row->row.series = collect_text(s->r, calendar_name(&s->a->d, example));
  return full && row->row.series;
}

static bool add_row(tracer *s, result_row *row, int64_t example) {
  bool full = row != NULL;
  int64_t steps = 0;
  if (full) row->row.example = example;
  for (int k = 0; k < s->n && full; k++) {
    const traced *t = &s->list[k];
    unroll_value *v = &row->values[k];
    if (t->node >= 0) {
      v->steps = steps_of(s, t, example);
      v->width = width_of(s, t, example);
      v->numbers = t->values[example];
    } else {
      full = add_given(s, v, t->variable, example);
    }
    if (t->loss >= 0) {
      const int64_t n = shown(s, t->first[example + 1] - t->first[example]);
      if (!s->a->d.columns[t->variable].there) v->steps = n;
      v->n_top = t->n_top;
      v->top = t->top + t->first[example] * t->n_top;
      v->top_p = t->top_p + t->first[example] * t->n_top;
    }
    steps = v->steps > steps ? v->steps : steps;
  }
  return full && (!s->a->m.schema.time.time || add_times(s, row, example, steps));
}

static unroll_status add_rows(tracer *s, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  for (int64_t i = 0; i < s->n_examples && !status; i++)
    status = add_row(s, result_add(s->r), i) ? result_hand(s->r) : error_memory(err);
  return s->r->enough ? UNROLL_OK : status;
}

/* Which loss predicts each variable whose likeliest symbols are wanted. */
static unroll_status find_losses(tracer *s, unroll_error *err) {
  const graph *g = graph_of(s);
  bool any = s->a->o.top <= 0;
  for (int i = 0; i < s->n && s->a->o.top > 0; i++)
    for (int k = 0; k < g->n_losses && s->list[i].variable >= 0; k++) {
      const variable *v = &s->a->m.schema.list[s->list[i].variable];
      if (g->losses[k].data != s->list[i].variable || v->form.unit == UNIT_NUMBERS || v->over >= 0) continue;
      s->list[i].loss = k;
      any = true;
    }
  return any ? UNROLL_OK
             : error_set(err, UNROLL_USAGE,
                         "option 'top' is for labels and symbols that are predicted one by one: name such a variable");
}

/* Known before anything is computed. */
static unroll_status check_most(const tracer *s, unroll_error *err) {
  double all = 0;
  for (int i = 0; i < s->n; i++)
    for (int64_t row = 0; row < s->n_examples && s->list[i].node >= 0; row++)
      all += (double)steps_of(s, &s->list[i], row) * width_of(s, &s->list[i], row);
  if (s->a->o.most <= 0 || all <= (double)s->a->o.most) return UNROLL_OK;
  return error_set(err, UNROLL_USAGE, "these are %.0f numbers, and at most %lld are computed", all, (long long)s->a->o.most);
}

static unroll_status run_all(tracer *s, unroll_error *err) {
  const dataset *d = &s->a->d;
  const pass_options how = {.rows = d->stream ? 1 : (int)ask_or(s->a->o.batch, ROWS),
                            .steps = STEPS,
                            .cold = true,
                            .keep = s->keep,
                            .n_keep = s->n_keep,
                            .heads = s->a->o.top > 0};
  size_t scratch = 1;
  unroll_status status = part_whole(&s->all, d, err);
  if (status) return status;
  if (d->stream) s->all.end = shown(s, s->all.end);
  if (!d->stream) s->all.n = s->n_examples;
  status = check_most(s, err);
  for (int i = 0; i < s->n && !status; i++) status = make_room(s, &s->list[i], err);
  if (!status) status = pass_init(&s->s, &s->a->m, s->a->m.weights, &s->all, &how, s->a->workers, err);
  for (int k = 0; !status && how.heads && k < graph_of(s)->n_losses; k++)
    if (distribution_is_symbols(&s->s.heads[k]) && distribution_scratch(&s->s.heads[k]) > scratch)
      scratch = distribution_scratch(&s->s.heads[k]);
  if (!status && !(s->scratch = mem_alloc(scratch))) status = error_memory(err);
  return status ? status : pass_all(&s->s, take, s, s->a->stop, err);
}

static unroll_status trace(tracer *s, const char *const *names, const unroll_options *o, unroll_error *err) {
  const graph *g = graph_of(s);
  const bool timed = s->a->m.schema.time.time != NULL;
  unroll_status status = UNROLL_OK;
  s->list = mem_zero((size_t)s->n + 1, sizeof *s->list);
  s->keep = mem_zero((size_t)s->n + 1, sizeof *s->keep);
  s->r = result_new(s->n, o);
  if (!s->list || !s->keep || !s->r) return error_memory(err);
  for (int i = 0; i < s->n && !status; i++) {
    status = names[i] ? find(&s->list[i], g, names[i], err) : api_null(err);
    if (!status && s->list[i].node >= 0) s->keep[s->n_keep++] = s->list[i].node;
    if (!status && !result_name(s->r, i, names[i])) status = error_memory(err);
  }
  if (!status) status = find_losses(s, err);
  if (!status && timed && (s->n_keep || s->a->o.top > 0))
    status = error_set(err, UNROLL_USAGE, "this model is for series with dates, of which windows are predicted");
  if (!status) status = timed ? ask_read_series(s->a, 0, err) : ask_read(s->a, decode_is_for(g) ? BIND_TRUTH : BIND_GIVEN, err);
  if (status) return status;
  const int64_t most = ask_or(s->a->o.first, INT64_MAX), all = s->a->d.n_sequences;
  s->n_steps = most;
  s->n_examples = s->a->d.stream || all < most ? all : most;
  if (s->n_keep || s->a->o.top > 0) status = run_all(s, err);
  return status ? status : add_rows(s, err);
}

unroll_status unroll_trace(const unroll_model *m, const unroll_table *t, const char *const *names, int n_names,
                           const unroll_options *o, unroll_result **out, unroll_error *err) {
  ask a;
  tracer s = {.a = &a, .n = n_names};
  if (!out) return api_null(err);
  *out = NULL;
  if (!m || !t || !names) return api_null(err);
  if (n_names < 1) return error_set(err, UNROLL_USAGE, "no names of values");
  unroll_status status = ask_begin(&a, m, t, o, o && o->bit == IN(trace) ? IN(trace) : IN(predict), err);
  if (!status) status = trace(&s, names, o, err);
  pass_free(&s.s);
  part_free(&s.all);
  for (int i = 0; i < s.n && s.list; i++) {
    mem_free(s.list[i].values);
    mem_free(s.list[i].first);
  }
  mem_free(s.list);
  mem_free(s.keep);
  mem_free(s.scratch);
  ask_end(&a);
  if (status)
    unroll_result_free(s.r);
  else
    *out = s.r;
  return status;
}
