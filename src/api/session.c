/* session.c - behind unroll.h: a sequence under way, one symbol at a time.
 *
 * The net is built once more with its data as one stream, planned for one row and one step, and without losses; the carried states
 * are what is remembered. A step is one pass, and allocates nothing. The log-softmax waits until somebody asks for it: with a small
 * net and many symbols it takes longer than the step. */
#include <math.h>
#include <string.h>
#include "api/api.h"
#include "base/error.h"
#include "data/examples.h"
#include "run/make.h"

enum { HISTORY = 256 }; /* the oldest symbol that an equation may look back to, as in token[t-256] */

struct unroll_session {
  const unroll_model *m;
  const variable *v; /* of its text */
  arena memory;
  graph g, planned; /* planned: a view of g that computes no loss */
  plan *p;
  run *r;
  examples e; /* one step of the only example, `history` */
  column_values column;
  dataset d;
  int64_t first[2];
  int memory_of;                /* how many symbols back the equations look */
  bool looked;                  /* log_p is that of the last step */
  const float *x;               /* [symbols] what the softmax gets */
  int32_t history[HISTORY + 1]; /* the last symbols, -1 before the beginning; the next one is not known: -1 */
  float *log_p;                 /* [symbols] */
};

static void advance(unroll_session *s) {
  for (int i = 0; i < s->g.n_inputs; i++) s->e.index[i][0] = s->history[HISTORY - s->g.inputs[i].lag];
  run_pass(s->r, &s->e.b, 0);
  s->looked = false;
}

/* ln softmax of the prediction, with the sum in double. */
static void look(unroll_session *s) {
  const int n = s->v->words.n;
  const float *x = s->x;
  double largest = (double)x[0], sum = 0;
  for (int i = 1; i < n; i++) largest = (double)x[i] > largest ? (double)x[i] : largest;
  for (int i = 0; i < n; i++) sum += exp((double)x[i] - largest);
  const double log_sum = log(sum);
  for (int i = 0; i < n; i++) s->log_p[i] = (float)((double)x[i] - largest - log_sum);
  s->looked = true;
}

static unroll_status prepare(unroll_session *s, unroll_error *err) {
  if (!(s->v = model_text(&s->m->m, "a session", err))) return UNROLL_USAGE;
  unroll_status status = model_stream_graph(&s->m->m, &s->g, &s->memory, err);
  if (status) return status;
  if (s->g.n_losses != 1 || s->g.losses[0].distribution->support != SUPPORT_SYMBOLS || !s->g.losses[0].distribution->aligned ||
      s->g.nodes[s->g.losses[0].prediction].space != SPACE_STEP)
    return error_set(err, UNROLL_USAGE, "the model does not predict symbols one after the other");
  const plan_options options = {
      .precision = s->m->m.precision, .max_rows = 1, .max_steps = 1, .keep = &s->g.losses[0].prediction, .n_keep = 1};
  s->planned = s->g;
  s->planned.n_losses = 0;
  for (int i = 0; i < s->g.n_inputs; i++)
    if (s->g.inputs[i].lag > s->memory_of) s->memory_of = s->g.inputs[i].lag;
  if (s->memory_of > HISTORY)
    return error_set(err, UNROLL_USAGE, "a session looks back at most %d symbols, the net %d", HISTORY, s->memory_of);
  status = run_make(&s->r, &s->p, &s->planned, &options, s->m->m.weights, NULL, err);
  s->column = (column_values){.there = true, .first = s->first, .symbols = s->history};
  s->d = (dataset){.plain = true, .stream = true, .n_sequences = 1, .columns = &s->column, .n_columns = 1};
  if (!status) status = examples_init(&s->e, &s->g, &s->m->m.schema, &s->d, 1, 1, 1, true, err);
  if (status) return status;
  s->e.windows[0] = (series_window){.from = HISTORY, .count = 1};
  examples_fill(&s->e, 1);
  status = run_stay(s->r, &s->e.b, err);
  if (status) return status;
  s->log_p = mem_zero((size_t)s->v->words.n, sizeof *s->log_p);
  if (!s->log_p) return error_memory(err);
  ptrdiff_t row;
  s->x = run_value(s->r, s->g.losses[0].prediction, &row);
  return UNROLL_OK;
}

unroll_status unroll_session_new(unroll_session **out, const unroll_model *m, unroll_error *err) {
  *out = NULL;
  unroll_session *s = mem_zero(1, sizeof *s);
  if (!s) return error_memory(err);
  s->m = m;
  const unroll_status status = prepare(s, err);
  if (status) {
    unroll_session_free(s);
    return status;
  }
  unroll_session_reset(s);
  *out = s;
  return UNROLL_OK;
}

void unroll_session_free(unroll_session *s) {
  if (!s) return;
  examples_free(&s->e);
  run_free(s->r);
  plan_free(s->p);
  graph_free(&s->g);
  arena_free(&s->memory);
  mem_free(s->log_p);
  mem_free(s);
}

const float *unroll_session_log_p(const unroll_session *s) {
  if (!s->looked) look((unroll_session *)s); /* made by unroll_session_new, so it is not const; and it belongs to one thread */
  return s->log_p;
}

unroll_status unroll_session_feed(unroll_session *s, int symbol, unroll_error *err) {
  if (symbol < 0 || symbol >= s->v->words.n)
    return error_set(err, UNROLL_USAGE, "there is no symbol %d; the model knows 0 to %d", symbol, s->v->words.n - 1);
  int32_t *const first = s->history + HISTORY - s->memory_of;
  for (int i = 0; i + 1 < s->memory_of; i++) first[i] = first[i + 1];
  if (s->memory_of) s->history[HISTORY - 1] = symbol;
  advance(s);
  return UNROLL_OK;
}

void unroll_session_reset(unroll_session *s) {
  for (int i = 0; i <= HISTORY; i++) s->history[i] = -1;
  run_carry_reset(s->r);
  advance(s);
}
