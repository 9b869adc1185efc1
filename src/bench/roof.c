/* roof.c - the least time that a step can take on this machine, by the roofline model (Williams, Waterman & Patterson 2009).
 * Each stage needs the slower of its products at the measured peak and its bytes at the rate of the nearest cache that holds
 * them. Equations cost nothing here, so what they take counts as lost. */
#include "bench/case.h"
#include "plan/frozen.h"

/* Threads that a stage keeps busy; see run_loop for the loops. */
static double threads_of(const bench_case *c, const stage *s, bool *shares_weights) {
  const int all = c->machine->threads, rows = c->spec.batch;
  const bool scan = s->kind == STAGE_LOOP && s->n_body == 1 && s->body[0].kind == STAGE_TILE && !s->body[0].tile.n_calls;
  const int64_t mine = s->kind == STAGE_LOOP || !s->of_steps ? rows : c->symbols;
  *shares_weights = s->kind == STAGE_LOOP && !scan && rows < 8 * all && s->work * rows > 2e5;
  if (*shares_weights || scan || s->kind == STAGE_OUTER) return all;
  return (double)(mine < all ? mine : all);
}

static void add_stage(const bench_case *c, const stage *s, roof *r) {
  const bench_machine *m = c->machine;
  const stage_cost cost = plan_stage_cost(s, c->spec.batch, c->spec.steps);
  bool shared;
  const double threads = threads_of(c, s, &shared), busy = threads / m->threads;
  const double peak = busy * (m->threads == threads ? c->peak.median : m->peak_one * m->threads) * 1e9;
  const double visits = s->kind == STAGE_LOOP ? c->spec.steps : 1;
  const int near = bench_level(m, cost.weights / visits / (shared ? threads : 1), 1);
  const int far = bench_level(m, (double)plan_arena_bytes(c->p), m->threads);
  const double products = cost.products / peak;
  const double weights = cost.weights / ((shared ? m->read[near].all * busy : m->read[near].one) * 1e9);
  const double matrices = cost.matrices / (m->read[far].all * busy * 1e9);
  const double slowest = products > weights && products > matrices ? products : weights > matrices ? weights : matrices;
  r->seconds += slowest;
  if (slowest <= products)
    r->products += slowest;
  else
    r->read[slowest <= weights ? near : far] += slowest;
}

/* Adam reads the weight, its derivative and two moments, and writes three of them. */
static void add_update(const bench_case *c, roof *r) {
  const double bytes = (double)c->x.g->n_weights * sizeof(float);
  const int level = bench_level(c->machine, 4 * bytes, c->machine->threads);
  const double seconds = 7 * bytes / (c->machine->read[level].all * 1e9);
  r->seconds += seconds;
  r->read[level] += seconds;
}

roof bench_roof(const bench_case *c) {
  const frozen *f = plan_frozen(c->p);
  roof r = {0};
  for (int i = 0; i < f->n_stages; i++) add_stage(c, &f->stages[i], &r);
  if (c->spec.mode == BENCH_TRAIN) add_update(c, &r);
  return r;
}

const char *bench_bound(const bench_case *c, const roof *r) {
  const double *s = c->part.seconds;
  enum profile_kind most = 0;
  int level = 0;
  for (int i = 1; i < PROFILE_KINDS; i++)
    if (s[i] > s[most]) most = (enum profile_kind)i;
  for (int i = 1; i < LEVELS; i++)
    if (r->read[i] > r->read[level]) level = i;
  const double largest = (most == PROFILE_PRODUCT ? s[PROFILE_PRODUCT] + s[PROFILE_GRADIENT] : s[most]) / c->machine->threads;
  const bool moves = most == PROFILE_PRODUCT ? r->read[level] > r->products && r->read[level] > 0.5 * largest
                                             : most != PROFILE_WAIT && most != PROFILE_WALK && r->read[level] > 0.6 * largest;
  return level && moves ? bench_level_name(level) : most == PROFILE_GRADIENT ? "products" : profile_kind_name(most);
}
