/* evaluate.c - behind unroll.h: how good predictions are, as figures; and the probability of data, as rows and figures. */
#include <math.h>
#include "api/ask.h"
#include "api/result.h"
#include "use/backtest.h"
#include "use/evaluate.h"
#include "use/evaluation.h"
#include "use/score.h"

enum { ROWS = 32, STEPS = 64, FORECAST_ROWS = 1024, SAMPLES = 200 };

/* --- series --- */

static unroll_status evaluate_series(ask *a, unroll_result *r, unroll_error *err) {
  const call_options *o = &a->o;
  backtest b = {0};
  figures f = {0};
  backtest_options how = {.horizon = (int)ask_or(o->horizon, a->m.schema.time.horizon),
                          .windows = ask_or(o->backtest, 0),
                          .stride = ask_or(o->stride, 0),
                          .season = ask_or(o->season, 0),
                          .samples = ask_or(o->samples, SAMPLES),
                          .seed = ask_seed(o),
                          .rows = (int)ask_or(o->batch, FORECAST_ROWS),
                          .trained = o->trained};
  unroll_status status = ask_levels(o->quantiles, how.levels, &how.n_levels, err);
  if (!status) status = ask_read_series(a, 0, err);
  if (!status) status = backtest_run(&b, &a->m, &a->d, &how, a->workers, a->stop, err);
  if (!status) {
    backtest_figures(&f, &b, &how);
    if (!result_left_out(r, &f, &a->d) || f.failed || !result_figures(r, &f)) status = error_memory(err);
  }
  figures_free(&f);
  backtest_free(&b);
  return status;
}

/* --- examples --- */

/* "1,5,10" */
static unroll_status read_hits(const char *list, rank_metrics *m, unroll_error *err) {
  for (const char *at = list;; at++) {
    int64_t n = 0;
    for (; *at >= '0' && *at <= '9' && n < 1000000000; at++) n = 10 * n + *at - '0';
    if (n < 1 || (*at && *at != ',') || m->n_at == RANK_HITS || (m->n_at && n <= m->at[m->n_at - 1]))
      return error_set(err, UNROLL_USAGE,
                       "option 'hits' takes at most %d whole numbers above 0, increasing, with commas between them, not '%s'",
                       RANK_HITS, list);
    m->at[m->n_at++] = n;
    if (!*at) return UNROLL_OK;
  }
}

static unroll_status evaluate_examples(ask *a, unroll_result *r, unroll_error *err) {
  const call_options *o = &a->o;
  evaluation e = {0};
  decode_options generated;
  search texts = {0};
  rank_metrics ranks = {0};
  references more = {0};
  call_options searching = *o; /* eval has no other options of the decoder */
  searching.best = searching.samples = searching.top_k = searching.seed = -1;
  searching.temperature = searching.bias = searching.top_p = (double)NAN;
  evaluation_options how = {.rows = (int)ask_or(o->batch, ROWS),
                            .steps = (int)ask_or(o->unroll, STEPS),
                            .confusion = o->confusion,
                            .ranks = o->hits ? &ranks : NULL,
                            .decode = o->decode ? &generated : NULL,
                            .references = o->references ? &more : NULL,
                            .crop = ask_or(o->crop, 0),
                            .stop = a->stop};
  unroll_status status = ask_check_eval(a, err);
  if (!status && o->hits) status = read_hits(o->hits, &ranks, err);
  if (!status) status = ask_decode(&searching, &generated, err);
  if (!status) status = ask_search(a, &texts, err);
  how.search = search_asked(&texts);
  if (!status && o->references) status = ask_references(a, &more, err);
  if (!status) status = ask_read(a, BIND_TRUTH, err);
  if (!status) status = evaluation_run(&e, &a->m, &a->d, &how, a->workers, err);
  bool full = true;
  for (int k = 0; k < e.n && !status && full; k++)
    if (e.metrics[k].confusion) {
      const variable *v = &a->m.schema.list[a->m.g.losses[k].data];
      full = result_confusion(r, v->form.name, &v->words, e.metrics[k].confusion, e.n);
    }
  if (!status) full = full && result_left_out(r, &e.figures, &a->d) && !e.figures.failed && result_figures(r, &e.figures);
  if (!status && !full) status = error_memory(err);
  evaluation_free(&e);
  search_free(&texts);
  references_free(&more);
  return status;
}

unroll_status unroll_evaluate(const unroll_model *m, const unroll_table *t, const unroll_options *o, unroll_result **out,
                              unroll_error *err) {
  ask a;
  if (!out) return api_null(err);
  *out = NULL;
  if (!m || !t) return api_null(err);
  unroll_result *r = result_new(0, NULL);
  unroll_status status = ask_begin(&a, m, t, o, IN(eval), err);
  if (!status && !r) status = error_memory(err);
  if (!status) status = ask_check_series(&a, false, err);
  if (!status) status = a.m.schema.time.time ? evaluate_series(&a, r, err) : evaluate_examples(&a, r, err);
  ask_end(&a);
  if (status)
    unroll_result_free(r);
  else
    *out = r;
  return status;
}

/* --- probabilities --- */

/* Without the end symbol. */
static int64_t shown(const scored_part *p) {
  const int32_t end = p->v->words.end;
  return p->n - (p->symbols && end >= 0 && p->n > 0 && p->symbols[p->n - 1] == end);
}

static bool take_part(unroll_result *r, unroll_value *v, const scored_part *p) {
  const size_t n = (size_t)p->n, numbers = p->symbols ? 0 : n * (size_t)p->v->width;
  bool full = true;
  v->steps = p->n;
  if (p->symbols) full = result_symbols(r, v, &p->v->words, p->symbols, shown(p));
  double *x = numbers ? result_alloc(r, numbers, sizeof *x) : NULL, *log2_p = NULL;
  if (p->nats && n) log2_p = result_alloc(r, n, sizeof *log2_p);
  full &= (x || !numbers) && (log2_p || !n || !p->nats);
  for (size_t i = 0; i < numbers && full; i++) {
    const int64_t width = p->v->width, at = (int64_t)i;
    x[i] = column_unscaled(p->c, p->v, p->from + at / width, (int)(at % width));
  }
  for (size_t i = 0; log2_p && i < n; i++) log2_p[i] = 0 - (double)p->nats[i] * BITS_PER_NAT;
  v->width = p->symbols ? 0 : p->v->width;
  v->numbers = x;
  v->log2_p = log2_p;
  v->n_log2_p = p->n;
  return full;
}

static unroll_status take_scored(void *context, const scored *s, unroll_error *err) {
  unroll_result *r = context;
  result_row *row = result_add(r);
  bool full = row != NULL;
  if (full) {
    row->row.example = s->number;
    row->row.log2_p = 0 - s->nats_total * BITS_PER_NAT;
  }
  for (int k = 0; k < s->n_parts && full; k++) full = take_part(r, &row->values[k], &s->parts[k]);
  return full ? result_hand(r) : error_memory(err);
}

static bool add_total(unroll_result *r, const score_total *t, const dataset *d) {
  figures f = {0};
  const double mean = t->symbols > 0 ? t->nats / (double)t->symbols : (double)NAN;
  figures_add(&f, 0, "sequences", FIGURE_COUNT, (double)t->sequences);
  figures_add(&f, 0, "symbols", FIGURE_COUNT, (double)t->symbols);
  figures_add(&f, 0, "loss", FIGURE_NATS, mean);
  figures_add(&f, 0, "bits_per_symbol", FIGURE_NUMBER, mean * BITS_PER_NAT);
  figures_add(&f, 0, "perplexity", FIGURE_NUMBER, exp(mean));
  const bool full = result_left_out(r, &f, d) && !f.failed && result_figures(r, &f);
  figures_free(&f);
  return full;
}

unroll_status unroll_score_table(const unroll_model *m, const unroll_table *t, const unroll_options *o, unroll_result **out,
                                 unroll_error *err) {
  ask a;
  score_total total;
  if (!out) return api_null(err);
  *out = NULL;
  if (!m || !t) return api_null(err);
  unroll_result *r = result_new(m->m.g.n_losses, o);
  unroll_status status = ask_begin(&a, m, t, o, IN(score), err);
  bool full = r != NULL;
  for (int k = 0; full && k < m->m.g.n_losses; k++) full = result_name(r, k, m->m.g.data[m->m.g.losses[k].data].name);
  if (!status && !full) status = error_memory(err);
  const score_sink sink = {.context = r, .emit = take_scored, .per_symbol = true, .stop = a.stop};
  if (!status) status = ask_read(&a, BIND_TRUTH, err);
  if (!status) status = score(&a.m, &a.d, a.workers, &sink, &total, err);
  if (status && r && r->enough) status = UNROLL_OK;
  if (!status && !add_total(r, &total, &a.d)) status = error_memory(err);
  ask_end(&a);
  if (status)
    unroll_result_free(r);
  else
    *out = r;
  return status;
}
