/* session.c - see session.h. The model is made in memory; from then on only unroll.h is used. */
#include "bench/session.h"
#include <stdio.h>
#include <string.h>
#include "api/api.h"
#include "graph/settings.h"
#include "base/error.h"
#include "base/memory.h"
#include "plan/frozen.h"
#include "run/make.h"

enum { SYMBOLS = 64, MOST = 4096, CALLS = 100000 };

static unroll_status make_model(unroll_model *m, const bench_spec *spec, const char *const *settings, int n_settings, arena *memory,
                                unroll_error *err) {
  const char *all[BENCH_SETTINGS + 256], *file, *source;
  uint32_t codes[SYMBOLS];
  setting *list;
  int n = 0;
  for (int i = 0; i < SYMBOLS; i++) codes[i] = (uint32_t)(' ' + i);
  while (n < BENCH_SETTINGS && spec->settings[n]) all[n] = spec->settings[n], n++;
  for (int i = 0; i < n_settings && i < 256; i++) all[n++] = settings[i];
  unroll_status s = settings_parse(&list, &n, all, n, memory, err);
  if (!s) s = model_find_net(spec->net, memory, &file, &source, err);
  if (!s) s = model_begin(&m->m, file, source, err);
  if (!s && !model_text(&m->m, "a session", err)) s = UNROLL_USAGE;
  variable *v = m->m.schema.list;
  if (!s) s = vocabulary_set(&v->words, v->form.unit, v->form.lines, codes, SYMBOLS, err);
  if (!s) s = model_build(&m->m, list, n, false, err);
  return s ? s : model_init(&m->m, 1, err);
}

/* What a step reads: the packed weights of the plan that a session makes. */
static unroll_status count(bench_session *b, const model *m, const bench_machine *machine, unroll_error *err) {
  arena memory = {0};
  graph g = {0};
  plan *p = NULL;
  run *r = NULL;
  unroll_status s = model_stream_graph(m, &g, &memory, err);
  const plan_options o = {
      .max_rows = 1, .max_steps = 1, .precision = m->precision, .keep = s ? NULL : &g.losses[0].prediction, .n_keep = 1};
  if (!s) s = run_make(&r, &p, &g, &o, m->weights, NULL, err);
  if (!s) {
    b->weights = g.n_weights;
    b->packed = plan_frozen(p)->pack * (int64_t)sizeof(float);
    b->operations = plan_operations(p, 1);
    b->level = bench_level(machine, (double)b->packed, 1);
    b->reading = (double)b->packed / (machine->read[b->level].one * 1e9);
  }
  run_free(r);
  plan_free(p);
  graph_free(&g);
  arena_free(&memory);
  return s;
}

typedef struct caller {
  unroll_session *s;
  const unroll_model *m;
  float sum;
} caller;

static void feed(caller *c, int calls) {
  for (int i = 0; i < calls; i++) unroll_session_feed(c->s, i * 7 % SYMBOLS, NULL);
}
static void feed_and_look(caller *c, int calls) {
  for (int i = 0; i < calls; i++) {
    unroll_session_feed(c->s, i * 7 % SYMBOLS, NULL);
    c->sum += unroll_session_log_p(c->s)[i % SYMBOLS];
  }
}
static void call_nothing(caller *c, int calls) {
  int64_t (*volatile nothing)(const unroll_model *) = unroll_model_weights;
  for (int i = 0; i < calls; i++) c->sum += (float)nothing(c->m);
}

/* One turn of so many calls that it takes about a fifth of a millisecond. */
static double turn(caller *c, void (*call)(caller *, int), int *calls) {
  double seconds;
  for (;;) {
    const double start = time_now();
    call(c, *calls);
    seconds = time_now() - start;
    if (seconds > 1e-4 || *calls >= CALLS) return seconds / *calls;
    *calls *= 2;
  }
}

static unroll_status measure(bench_session *b, caller *c, double seconds, unroll_error *err) {
  static void (*const calls[])(caller *, int) = {feed, feed_and_look, call_nothing};
  spread *const out[] = {&b->step, &b->with_log_p, &b->empty};
  double *times = mem_zero(3 * MOST, sizeof *times);
  int n = 0, many[] = {1, 1, 1};
  if (!times) return error_memory(err);
  const double start = time_now();
  for (; n < MOST && (n < 5 || time_now() - start < seconds); n++) /* in turns, so that all three see the same machine */
    for (int i = 0; i < 3; i++) times[i * MOST + n] = turn(c, calls[i], &many[i]);
  for (int i = 0; i < 3; i++) *out[i] = bench_spread(times + i * MOST, n);
  mem_free(times);
  return UNROLL_OK;
}

unroll_status bench_session_measure(bench_session *b, const bench_spec *spec, const char *const *settings, int n_settings,
                                    const bench_machine *machine, double seconds, unroll_error *err) {
  arena memory = {0};
  *b = (bench_session){.name = spec->name, .precision = spec->precision};
  unroll_model *m = mem_zero(1, sizeof *m);
  caller c = {.m = m};
  if (!m) return error_memory(err);
  unroll_status s = make_model(m, spec, settings, n_settings, &memory, err);
  if (!s) s = unroll_model_set_precision(m, precision_name(spec->precision), err);
  if (!s) s = count(b, &m->m, machine, err);
  if (!s) s = unroll_session_new(&c.s, m, err);
  if (!s) s = measure(b, &c, seconds, err);
  unroll_session_free(c.s);
  unroll_model_free(m);
  arena_free(&memory);
  return s;
}

void bench_session_print(const bench_session *s) {
  printf(
      "%-26s %9.3f us (%.3f - %.3f), with log_p %.3f us, an empty call %.4f us; %.2f GFLOP/s; reading %.0f kB from %s: %.3f us\n",
      s->name, s->step.median * 1e6, s->step.low * 1e6, s->step.high * 1e6, s->with_log_p.median * 1e6, s->empty.median * 1e6,
      s->operations / s->step.median * 1e-9, (double)s->packed * 1e-3, bench_level_name(s->level), s->reading * 1e6);
  fflush(stdout);
}

json_t *bench_session_json(const bench_session *s) {
  return json_pack("{s:s, s:s, s:s, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:s, s:f}", "name", s->name, "precision",
                   precision_name(s->precision), "mode", "session", "weights", (json_int_t)s->weights, "packed_bytes",
                   (json_int_t)s->packed, "operations", s->operations, "seconds_per_step", s->step.median, "seconds_per_step_p10",
                   s->step.low, "seconds_per_step_p90", s->step.high, "seconds_with_log_p", s->with_log_p.median,
                   "seconds_empty_call", s->empty.median, "gflops", s->operations / s->step.median * 1e-9, "level",
                   bench_level_name(s->level), "seconds_of_reading", s->reading);
}
