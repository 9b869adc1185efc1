/* decode_search.c - from distributions to symbols and numbers: draws, the likeliest, beams. See decode.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/random.h"
#include "use/decoder.h"

/* --- rows --- */

static void copy_history(const decoder *s, rowset *to, int i, const rowset *from, int k) {
  const size_t room = (size_t)s->room, n = (size_t)from->list[k].n;
  to->list[i] = from->list[k];
  for (int h = 0; h < s->n_heads; h++) {
    const values *x = &from->heads[h];
    values *y = &to->heads[h];
    if (x->symbols) {
      memcpy(y->symbols + (size_t)i * room, x->symbols + (size_t)k * room, n * sizeof *y->symbols);
      continue;
    }
    const size_t width = (size_t)s->heads[h].d.width;
    memcpy(y->numbers + (size_t)i * room * width, x->numbers + (size_t)k * room * width, n * width * sizeof *y->numbers);
    memcpy(y->units + (size_t)i * room * width, x->units + (size_t)k * room * width, n * width * sizeof *y->units);
  }
}

/* Row `row` of what goes on is a result. Returns its place. */
static int keep(decoder *s, int row) {
  const int e = s->now.list[row].example, at = e * 2 * s->width + s->n_results[e]++;
  copy_history(s, &s->results, at, &s->now, row);
  return at;
}

static void permute_carries(decoder *s, int n) {
  const float *old = s->carry;
  float *new = s->carry_new;
  const int64_t max = s->carry_rows;
  run_carry_get(s->stepper, s->carry);
  for (int c = 0; c < s->c.decoder.n_carries; c++) {
    const int64_t width = s->c.decoder.carries[c].width;
    for (int i = 0; i < n; i++) memcpy(new + i *width, old + s->from[i] * width, (size_t)width * sizeof *new);
    old += max * width;
    new += max *width;
  }
  run_carry_set(s->stepper, s->carry_new);
}

/* Rows s->from[0..n) become s->now, with their states and histories. */
static void permute(decoder *s, int n) {
  bool same = n == s->now.n, together = same;
  for (int i = 0; i < n && same; i++) same = s->from[i] == i;
  if (same) return;
  for (int i = 0; i < n && together; i++) together = s->now.list[s->from[i]].example == s->now.list[i].example;
  for (int i = 0; i < n; i++) copy_history(s, &s->next, i, &s->now, s->from[i]);
  const rowset old = s->now;
  s->now = s->next;
  s->next = old;
  s->now.n = n;
  permute_carries(s, n);
  if (together || n == 0) return;
  for (int i = 0; i < n; i++) s->feed.rows[i] = (feed_row){.example = s->now.list[i].example, .history = i, .count = 1};
  feed_set_rows(&s->feed, s, n);
}

/* --- one row --- */

static prediction prediction_of(const decoder *s, const head *h, int row) { return distribution_at(&h->d, s->stepper, row, row); }

static void draw_symbol(decoder *s, const head *h, values *v, hypothesis *x, int64_t cell, const prediction *p, uint32_t place,
                        uint64_t sequence, void *scratch) {
  const double u = random_uniform(s->o->seed, RANDOM_SAMPLE, sequence, place);
  const int32_t symbol =
      s->o->samples ? distribution_draw_symbol(&h->d, p, &s->o->choice, u, scratch) : distribution_likeliest(&h->d, p);
  v->symbols[cell] = symbol;
  x->log_p += distribution_log_symbol(&h->d, p, symbol);
  x->closed |= symbol == h->end && h->end >= 0;
}

static void draw_numbers(const decoder *s, const head *h, values *v, hypothesis *x, int64_t cell, const prediction *p,
                         uint32_t place, uint64_t sequence) {
  const draw_place at = {.seed = s->o->seed, .stream = RANDOM_SAMPLE, .step = sequence, .place = place};
  double *y = v->units + cell * h->d.width;
  draw_choice how = s->o->choice;
  if (h->ends) how.biased = false; /* of a bit it is a temperature like others: fewer ends by mistake */
  if (s->o->samples && how.temperature > 0)
    distribution_draw(&h->d, p, &how, &at, y);
  else
    distribution_mode(&h->d, p, y);
  distribution_scaled(&h->d, y, v->numbers + cell * h->d.width);
  x->log_p += distribution_log_density(&h->d, p, y);
  x->marked |= h->ends && y[0] > 0;
}

typedef struct draw_job {
  decoder *s;
  int level;
} draw_job;

static void draw_work(void *context, int thread, int threads) {
  const draw_job *job = context;
  decoder *s = job->s;
  void *scratch = s->scratch + (size_t)thread * s->scratch_size;
  for (int i = thread; i < s->now.n; i += threads) {
    hypothesis *x = &s->now.list[i];
    /* the first example is numbered as one that stands alone */
    const uint64_t sequence = (uint64_t)(s->first + x->example) * 0x9E3779B97F4A7C15u + (uint64_t)x->number;
    for (int k = 0; k < s->n_heads; k++) {
      const head *h = &s->heads[k];
      if (h->level != job->level) continue;
      const prediction p = prediction_of(s, h, i);
      const uint32_t place = (uint32_t)(x->n * s->n_heads + k);
      if (s->sink->probabilities && i + k + x->n == 0) distribution_probabilities(&h->d, &p, s->sink->probabilities);
      if (!distribution_finite(&h->d, &p))
        s->bad[thread] = true;
      else if (h->words)
        draw_symbol(s, h, &s->now.heads[k], x, i * s->room + x->n, &p, place, sequence, scratch);
      else
        draw_numbers(s, h, &s->now.heads[k], x, i * s->room + x->n, &p, place, sequence);
    }
  }
}

/* The 2 * width best continuations of each row. */
static void rank_work(void *context, int thread, int threads) {
  decoder *s = ((const draw_job *)context)->s;
  const head *h = &s->heads[0];
  for (int i = thread; i < s->now.n; i += threads) {
    const prediction p = prediction_of(s, h, i);
    const float *logits = p.args[0];
    const double total = distribution_log_sum(&h->d, &p);
    candidate *best = s->best + (int64_t)i * 2 * s->width;
    int n = 0;
    if (!isfinite(total)) s->bad[thread] = true;
    for (int32_t k = 0; k < h->d.width; k++) {
      const double log_p = s->now.list[i].log_p + ((double)logits[k] - total);
      if (n == 2 * s->width && !(log_p > best[n - 1].log_p)) continue;
      int at = n < 2 * s->width ? n++ : n - 1;
      for (; at > 0 && log_p > best[at - 1].log_p; at--) best[at] = best[at - 1];
      best[at] = (candidate){log_p, i, k};
    }
    for (; n < 2 * s->width; n++) best[n] = (candidate){-(double)INFINITY, i, -1};
  }
}

/* --- one step --- */

static void forget_step(decoder *s) {
  for (int i = 0; i < s->now.n; i++)
    for (int k = 0; k < s->n_heads; k++) {
      const int64_t cell = i * s->room + s->now.list[i].n;
      const int width = s->heads[k].d.width;
      if (s->heads[k].words)
        s->now.heads[k].symbols[cell] = -1;
      else
        memset(s->now.heads[k].numbers + cell * width, 0, (size_t)width * sizeof(float));
    }
}

static void pass(decoder *s) {
  for (int i = 0; i < s->now.n; i++) {
    feed_row *r = &s->feed.rows[i];
    *r = (feed_row){
        .example = s->now.list[i].example, .history = i, .from = s->known[s->now.list[i].example] + s->now.list[i].n, .count = 1};
  }
  feed_set_steps(&s->feed, s);
  run_pass(s->stepper, &s->feed.b, 0);
}

/* One pass for each level, each from the states before the step; the last one leaves states that have seen all. */
static unroll_status step(decoder *s, void (*work)(void *, int, int), unroll_error *err) {
  if (s->again) {
    forget_step(s);
    run_carry_get(s->stepper, s->carry);
  }
  for (int level = 0; level < s->levels; level++) {
    if (level) run_carry_set(s->stepper, s->carry);
    pass(s);
    draw_job job = {s, level};
    pool_run(s->workers, work, &job);
  }
  if (s->again) {
    run_carry_set(s->stepper, s->carry);
    pass(s);
  }
  const int threads = s->workers ? pool_threads(s->workers) : 1;
  for (int i = 0; i < threads; i++)
    if (s->bad[i])
      return error_set(err, UNROLL_FAILED, "the model's output is not finite at step %lld", (long long)s->now.list[0].n + 1);
  return UNROLL_OK;
}

static unroll_status step_draw(decoder *s, unroll_error *err) {
  const unroll_status status = step(s, draw_work, err);
  int n = 0;
  for (int i = 0; i < s->now.n && !status; i++) {
    hypothesis *x = &s->now.list[i];
    x->n++;
    x->over = x->marked || x->n >= s->limit[x->example];
    if (x->closed || x->over)
      keep(s, i);
    else
      s->from[n++] = i;
  }
  if (!status) permute(s, n);
  return status;
}

/* --- beams --- */

double decoder_score(const decoder *s, const hypothesis *h) {
  return s->o->penalty > 0 ? h->log_p / pow((5 + (double)h->n) / 6, s->o->penalty) : h->log_p;
}

static int by_log_p(const void *a, const void *b) {
  const candidate *x = a, *y = b;
  if (x->log_p != y->log_p) return x->log_p > y->log_p ? -1 : 1;
  if (x->row != y->row) return x->row - y->row;
  return (x->symbol > y->symbol) - (x->symbol < y->symbol);
}

/* Can nothing that goes on be among the best any more? */
static bool settled(const decoder *s, int e, double most) {
  int better = 0;
  if (s->n_results[e] >= s->width) return true;
  const hypothesis bound = {.log_p = most, .n = s->limit[e]};
  for (int i = 0; i < s->n_results[e]; i++) {
    const hypothesis *h = &s->results.list[e * 2 * s->width + i];
    better += h->closed && decoder_score(s, h) >= decoder_score(s, &bound);
  }
  return better >= s->o->best;
}

/* The continuations of rows from .. to - 1, those of one example. Those that go on are written from s->from[n] on, their
 * symbols and log P into s->best from place n on. Behind it nothing is read any more. Returns how many there are. */
static int continue_example(decoder *s, int from, int to, int n) {
  const int e = s->now.list[from].example, many = 2 * s->width;
  candidate *all = s->best + (int64_t)from * many;
  const size_t count = (size_t)(to - from) * (size_t)many;
  int alive = 0;
  qsort(all, count, sizeof *all, by_log_p);
  for (size_t i = 0; i < count && alive < s->width; i++) {
    const candidate c = all[i];
    if (c.symbol < 0 || !(c.log_p > -(double)INFINITY)) break;
    const bool ends = c.symbol == s->heads[0].end;
    if (ends && i >= (size_t)s->width) continue;
    if (!ends && s->now.list[c.row].n + 1 < s->limit[e]) {
      s->from[n + alive] = c.row;
      s->best[n + alive++] = c; /* n + alive <= from * many + i: never ahead of what is read */
      continue;
    }
    if (!ends) alive++; /* it counts, but cannot go on */
    if (s->n_results[e] == many) continue;
    const int at = keep(s, c.row);
    hypothesis *h = &s->results.list[at];
    s->results.heads[0].symbols[at * s->room + h->n++] = c.symbol;
    h->log_p = c.log_p;
    h->closed = ends;
    h->over = !ends;
  }
  if (s->now.list[from].n + 1 >= s->limit[e]) return 0;
  return alive > 0 && settled(s, e, s->best[n].log_p) ? 0 : alive;
}

static unroll_status step_beam(decoder *s, unroll_error *err) {
  const unroll_status status = step(s, rank_work, err);
  int n = 0;
  if (status) return status;
  for (int from = 0, to; from < s->now.n; from = to) {
    for (to = from; to < s->now.n && s->now.list[to].example == s->now.list[from].example;) to++;
    n += continue_example(s, from, to, n);
  }
  permute(s, n);
  for (int i = 0; i < n; i++) {
    hypothesis *h = &s->now.list[i];
    s->now.heads[0].symbols[i * s->room + h->n++] = s->best[i].symbol;
    h->log_p = s->best[i].log_p;
  }
  return UNROLL_OK;
}

unroll_status decoder_run(decoder *s, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  while (s->now.n > 0 && !status) {
    if (s->sink->stop && *s->sink->stop) return error_set(err, UNROLL_INTERRUPTED, "interrupted");
    status = !s->o->samples && s->width > 1 ? step_beam(s, err) : step_draw(s, err);
  }
  return status;
}
