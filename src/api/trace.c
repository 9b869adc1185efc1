/* trace.c - behind unroll.h: the values of variables of the equations at each step, for the examples of a table.
 *
 * A variable is a named node of the graph, "h.i" inside a cell too. It is kept by the plan, and read after each pass. What an
 * attention weighs has as many columns as the example has steps there. A variable of the data is what went in. */
#include "api/ask.h"
#include "api/result.h"
#include "base/text.h"
#include "use/pass.h"

enum { ROWS = 32, STEPS = 256 };

typedef struct traced {
  const char *name;
  int node;        /* -1: of the data */
  int variable;    /* of the data */
  double **values; /* [n_sequences] [steps][width] */
} traced;

typedef struct tracer {
  ask *a;
  part all;
  pass s;
  traced *list;
  int n, *keep;
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
  *t = (traced){.name = name, .node = -1, .variable = -1};
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

const char *unroll_model_value(const unroll_model *m, int number) {
  const int n = !m ? 0 : m->m.g.n_forward ? m->m.g.n_forward : m->m.g.n_nodes;
  for (int i = 0, k = 0; i < n && number >= 0; i++)
    if (m->m.g.nodes[i].name && m->m.g.nodes[i].space != SPACE_PARAM && k++ == number) return m->m.g.nodes[i].name;
  return NULL;
}

/* --- values --- */

static int64_t steps_of(const tracer *s, const traced *t, int64_t example) {
  const node *x = &graph_of(s)->nodes[t->node];
  return x->space == SPACE_STEP ? dataset_length(&s->a->d, &s->a->m.schema, x->axis, example) : 1;
}

static int width_of(const tracer *s, const traced *t, int64_t example) {
  const int width = graph_of(s)->nodes[t->node].width, axis = graph_steps_axis(width);
  return axis >= 0 ? (int)dataset_length(&s->a->d, &s->a->m.schema, axis, example) : width;
}

static unroll_status make_room(tracer *s, traced *t, unroll_error *err) {
  const int64_t n = s->a->d.n_sequences;
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

static unroll_status take(void *context, unroll_error *err) {
  tracer *s = context;
  (void)err;
  for (int i = 0; i < s->n; i++)
    if (s->list[i].node >= 0) take_value(s, &s->list[i]);
  return UNROLL_OK;
}

/* What went in: symbols with their text, or numbers in the units of the data. */
static bool add_given(tracer *s, unroll_value *v, int number, int64_t example) {
  const variable *of = &s->a->m.schema.list[number];
  const column_values *c = &s->a->d.columns[number];
  if (!c->there) return true;
  const int64_t from = s->a->d.stream ? 0 : c->first[example], n = s->a->d.stream ? c->n : c->first[example + 1] - from;
  v->steps = n;
  if (c->symbols) {
    const bool end = n > 0 && of->ends && c->symbols[from + n - 1] == of->words.end; /* which is not counted */
    return result_symbols(s->r, v, &of->words, c->symbols + from, n - end);
  }
  double *x = n > 0 && c->numbers ? arena_alloc(&s->r->memory, (size_t)n * (size_t)of->width, sizeof *x) : NULL;
  if (!x) return n == 0 || !c->numbers;
  for (int64_t i = 0; i < n * of->width; i++)
    x[i] = variable_unscaled(of, (int)(i % of->width), (double)c->numbers[from * of->width + i]);
  v->width = of->width;
  v->numbers = x;
  return true;
}

static unroll_status add_rows(tracer *s, unroll_error *err) {
  for (int64_t i = 0; i < s->a->d.n_sequences; i++) {
    result_row *row = result_add(s->r);
    if (!row) return error_memory(err);
    for (int k = 0; k < s->n; k++) {
      unroll_value *v = &row->values[k];
      if (s->list[k].node < 0) {
        if (!add_given(s, v, s->list[k].variable, i)) return error_memory(err);
        continue;
      }
      v->steps = steps_of(s, &s->list[k], i);
      v->width = width_of(s, &s->list[k], i);
      v->numbers = s->list[k].values[i];
    }
  }
  return UNROLL_OK;
}

static unroll_status trace(tracer *s, const char *const *names, unroll_error *err) {
  const graph *g = graph_of(s);
  unroll_status status = UNROLL_OK;
  int kept = 0;
  s->list = mem_zero((size_t)s->n + 1, sizeof *s->list);
  s->keep = mem_zero((size_t)s->n + 1, sizeof *s->keep);
  s->r = result_new(s->n, NULL);
  if (!s->list || !s->keep || !s->r) return error_memory(err);
  for (int i = 0; i < s->n && !status; i++) {
    status = names[i] ? find(&s->list[i], g, names[i], err) : api_null(err);
    if (!status && s->list[i].node >= 0) s->keep[kept++] = s->list[i].node;
    if (!status && !result_name(s->r, i, names[i])) status = error_memory(err);
  }
  const call_options *o = &s->a->o;
  pass_options how = {.rows = (int)ask_or(o->batch, ROWS), .steps = STEPS, .cold = true, .keep = s->keep, .n_keep = kept};
  if (!status && s->a->m.schema.time.time)
    status = error_set(err, UNROLL_USAGE, "this model is for series with dates, of which windows are predicted");
  if (!status) status = ask_read(s->a, decode_is_for(g) ? BIND_TRUTH : BIND_GIVEN, err);
  if (!status) status = part_whole(&s->all, &s->a->d, err);
  for (int i = 0; i < s->n && !status; i++) status = make_room(s, &s->list[i], err);
  if (s->a->d.stream) how.rows = 1;
  if (!status) status = pass_init(&s->s, &s->a->m, s->a->m.weights, &s->all, &how, s->a->workers, err);
  if (!status) status = pass_all(&s->s, take, s, NULL, err);
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
  if (!status) status = trace(&s, names, err);
  pass_free(&s.s);
  part_free(&s.all);
  for (int i = 0; i < s.n && s.list; i++) mem_free(s.list[i].values);
  mem_free(s.list);
  mem_free(s.keep);
  ask_end(&a);
  if (status)
    unroll_result_free(s.r);
  else
    *out = s.r;
  return status;
}
