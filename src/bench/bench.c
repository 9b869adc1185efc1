/* bench.c - see bench.h. It goes over one net, a table of cases, or all cells. machine.c measures the machine, case.c a
 * case. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "bench/bench.h"
#include "bench/cells.h"
#include "bench/session.h"

static const bench_spec cases[] = {
    {"language 256", "language", {NULL}, 32, 64, BENCH_TRAIN, PRECISION_FP32, 0},
    {"language 2 x 128", "language", {"hidden=128", "layers=2"}, 50, 50, BENCH_TRAIN, PRECISION_FP32, 0},
    {"language 64", "language", {"hidden=64"}, 16, 100, BENCH_TRAIN, PRECISION_FP32, 0},
    {"language 512", "language", {"hidden=512"}, 64, 64, BENCH_TRAIN, PRECISION_FP32, 0},
    {"language 1024", "language", {"hidden=1024"}, 32, 32, BENCH_TRAIN, PRECISION_FP32, 0},
    {"words 2 x 200", "words", {"hidden=200", "embedding=200"}, 20, 20, BENCH_TRAIN, PRECISION_FP32, 0},
    {"words 2 x 650", "words", {"hidden=650", "embedding=650"}, 20, 35, BENCH_TRAIN, PRECISION_FP32, 0},
    {"sru 512 (cell alone)", "sru", {"hidden=512", "input=512"}, 32, 128, BENCH_TRAIN, PRECISION_FP32, 0},
    {"mingru 512 (cell alone)", "mingru", {"hidden=512", "input=512"}, 32, 128, BENCH_TRAIN, PRECISION_FP32, 0},
    {"indrnn 512 (cell alone)", "indrnn", {"hidden=512", "input=512"}, 32, 128, BENCH_TRAIN, PRECISION_FP32, 0},
    {"forward 512, batch 64", "language", {"hidden=512"}, 64, 64, BENCH_INFER, PRECISION_FP32, 0},
    {"forward 512, batch 1", "language", {"hidden=512"}, 1, 100, BENCH_INFER, PRECISION_FP32, 0},
    {"session 16", "language", {"hidden=16", "embedding=16"}, 1, 1, BENCH_SESSION, PRECISION_FP32, 0},
    {"session 64", "language", {"hidden=64", "embedding=64"}, 1, 1, BENCH_SESSION, PRECISION_FP32, 0},
    {"session 512", "language", {"hidden=512"}, 1, 1, BENCH_SESSION, PRECISION_FP32, 0},
};
enum { N_CASES = sizeof cases / sizeof *cases };

typedef struct bench {
  const bench_options *o;
  bench_machine machine;
  arena memory;
  const char **sets; /* --set, --cell and --shape as settings */
  int n_sets;
  int batch, steps; /* -1: not given */
  json_t **out;
} bench;

/* --- options --- */

static unroll_status add_setting(bench *b, const char *name, const char *value, unroll_error *err) {
  text t = {0};
  text_format(&t, "%s=%s", name, value);
  const char *copy = t.failed ? NULL : arena_text(&b->memory, t.data, t.length);
  text_free(&t);
  if (!copy) return error_memory(err);
  b->sets[b->n_sets++] = copy;
  return UNROLL_OK;
}

/* "32,256,64" or "32,256,64,2" */
static unroll_status read_shape(bench *b, const char *shape, unroll_error *err) {
  long n[4] = {0};
  int count = 0;
  char number[32], *end = NULL;
  for (const char *s = shape; count < 4; s = end + 1) {
    n[count] = *s >= '0' && *s <= '9' ? strtol(s, &end, 10) : 0;
    if (n[count] < 1 || n[count] > 65536) break;
    count++;
    if (*end != ',') break;
  }
  if (count < 3 || !end || *end)
    return error_set(err, UNROLL_USAGE,
                     "option 'shape' takes batch,hidden,steps or batch,hidden,steps,layers, as in 32,256,64, not '%s'", shape);
  if (b->o->batch > 0 || b->o->unroll > 0)
    return error_set(err, UNROLL_USAGE, "option 'shape' says what option 'batch' and option 'unroll' say");
  b->batch = (int)n[0];
  b->steps = (int)n[2];
  snprintf(number, sizeof number, "%ld", n[1]);
  unroll_status s = add_setting(b, "hidden", number, err);
  snprintf(number, sizeof number, "%ld", n[3]);
  if (!s && count == 4) s = add_setting(b, "layers", number, err);
  return s;
}

static enum precision precision_given(const bench_options *o) {
  return o->precision ? (enum precision)precision_of(o->precision) : PRECISION_FP32;
}

static unroll_status read_options(bench *b, unroll_error *err) {
  const bench_options *o = b->o;
  const int modes = o->cases + o->cells + o->sessions;
  if (modes > 1 || (modes && o->net))
    return error_set(err, UNROLL_USAGE, "give a net, option 'cases', option 'sessions', or option 'cells'");
  if (modes && o->forward) return error_set(err, UNROLL_USAGE, "option 'forward' is for one net");
  if (o->cells && (o->cell || o->n_sets))
    return error_set(err, UNROLL_USAGE, "option 'cells' takes no option 'cell' and no option 'set'");
  if (precision_given(o) == PRECISION_INT8 && !o->forward && !o->sessions)
    return error_set(err, UNROLL_USAGE, "nothing trains in int8; it goes with option 'forward' and option 'sessions'");
  if (o->cells && o->precision) return error_set(err, UNROLL_USAGE, "option 'cells' is in single precision");
  if ((o->cases || o->sessions) && (o->shape || o->batch > 0 || o->unroll > 0))
    return error_set(err, UNROLL_USAGE, "the shapes of option 'cases' are fixed");
  b->sets = arena_alloc(&b->memory, (size_t)o->n_sets + 4, sizeof *b->sets);
  if (!b->sets) return error_memory(err);
  for (int i = 0; i < o->n_sets; i++) b->sets[b->n_sets++] = o->sets[i];
  b->batch = o->batch > 0 ? (int)o->batch : 32;
  b->steps = o->unroll > 0 ? (int)o->unroll : 64;
  unroll_status s = o->cell && !o->cases && !o->sessions ? add_setting(b, "cell", o->cell, err) : UNROLL_OK;
  if (!s && o->shape) s = read_shape(b, o->shape, err);
  if (!s && o->cells && b->n_sets > 1) s = error_set(err, UNROLL_USAGE, "option 'cells' takes no number of layers");
  return s;
}

/* --- one net --- */

static unroll_status measure_one(bench *b, unroll_error *err) {
  const bench_options *o = b->o;
  const char *net = o->net ? o->net : "language";
  const bench_spec spec = {.name = net,
                           .net = net,
                           .batch = b->batch,
                           .steps = b->steps,
                           .mode = o->forward ? BENCH_INFER : BENCH_TRAIN,
                           .precision = precision_given(o),
                           .shards = o->shards > 0 ? (int)o->shards : 0};
  bench_case c;
  unroll_status s = bench_case_open(&c, &spec, b->sets, b->n_sets, &b->machine, err);
  if (!s && c.x.cell) s = error_set(err, UNROLL_USAGE, "'%s' is a cell; option 'cell' measures it in a net", net);
  if (!s) s = bench_case_measure(&c, isnan(o->seconds) ? 5 : o->seconds, err);
  if (!s && o->json) {
    json_t *j = bench_case_json(&c);
    json_object_set_new(j, "machine", bench_machine_json(&b->machine));
    *b->out = j;
  } else if (!s) {
    bench_machine_print(&b->machine);
    bench_case_print(&c);
    if (o->roofline) bench_case_print_roofline(&c);
  }
  bench_case_close(&c);
  return s;
}

/* --- the table of cases --- */

static unroll_status append(json_t *list, json_t *j, unroll_error *err) {
  return json_array_append_new(list, j) ? error_memory(err) : UNROLL_OK;
}

static unroll_status one_session(bench *b, const bench_spec *spec, double seconds, json_t *list, unroll_error *err) {
  bench_session session;
  const unroll_status s = bench_session_measure(&session, spec, b->sets, b->n_sets, &b->machine, seconds, err);
  if (s) return s;
  if (list) return append(list, bench_session_json(&session), err);
  bench_session_print(&session);
  return UNROLL_OK;
}

static unroll_status one_case(bench *b, const bench_spec *spec, double seconds, json_t *list, unroll_error *err) {
  bench_case c;
  if (spec->mode == BENCH_SESSION) return one_session(b, spec, seconds, list, err);
  unroll_status s = bench_case_open(&c, spec, b->sets, b->n_sets, &b->machine, err);
  if (!s) s = bench_case_measure(&c, seconds, err);
  if (!s && list) s = append(list, bench_case_json(&c), err);
  if (!s && !list) bench_table_row(&c);
  if (!s && !list && b->o->roofline) {
    bench_case_print_roofline(&c);
    printf("\n");
  }
  bench_case_close(&c);
  return s;
}

/* With --cell: this cell in every net, and alone where a cell is. */
static unroll_status with_cell(bench *b, bench_spec *spec, unroll_error *err) {
  b->n_sets = b->o->n_sets;
  if (!b->o->cell) return UNROLL_OK;
  if (lang_builtin_net(spec->net)) return add_setting(b, "cell", b->o->cell, err);
  spec->net = b->o->cell;
  return UNROLL_OK;
}

static unroll_status measure_cases(bench *b, unroll_error *err) {
  json_t *list = b->o->json ? json_array() : NULL;
  const double seconds = isnan(b->o->seconds) ? 2 : b->o->seconds;
  unroll_status s = UNROLL_OK;
  if (!list) {
    bench_machine_print(&b->machine);
    printf("\n");
    if (!b->o->sessions) bench_table_head();
  }
  for (int i = 0; i < N_CASES && !s; i++) {
    bench_spec spec = cases[i];
    spec.precision = precision_given(b->o);
    spec.shards = b->o->shards > 0 ? (int)b->o->shards : 0;
    if (b->o->sessions && spec.mode != BENCH_SESSION) continue;
    if (b->o->cell && i > 0 && lang_builtin_cell(spec.net) && lang_builtin_cell(cases[i - 1].net))
      continue; /* the same one again */
    s = with_cell(b, &spec, err);
    if (!s) s = one_case(b, &spec, seconds, list, err);
  }
  if (s || !list) {
    json_decref(list);
    return s;
  }
  *b->out = json_pack("{s:o, s:o}", "machine", bench_machine_json(&b->machine), "cases", list);
  return UNROLL_OK;
}

/* All cells get the same sizes: x is as wide as the state. */
static unroll_status measure_cells(bench *b, unroll_error *err) {
  char width[32] = "input=256";
  const char *hidden = b->n_sets ? b->sets[0] : "hidden=256";
  snprintf(width, sizeof width, "input=%s", strchr(hidden, '=') + 1);
  const bench_spec shape = {.batch = b->batch, .steps = b->steps, .mode = BENCH_TRAIN, .settings = {width, hidden}};
  json_t *list = b->o->json ? json_array() : NULL;
  if (!list) bench_machine_print(&b->machine);
  unroll_status s = bench_cells(&shape, &b->machine, isnan(b->o->seconds) ? 0.5 : b->o->seconds, list, err);
  if (s || !list) {
    json_decref(list);
    return s;
  }
  *b->out = json_pack("{s:o, s:i, s:i, s:i, s:o}", "machine", bench_machine_json(&b->machine), "batch", b->batch, "unroll",
                      b->steps, "hidden", atoi(strchr(hidden, '=') + 1), "cells", list);
  return UNROLL_OK;
}

unroll_status bench_run(const bench_options *o, json_t **out, unroll_error *err) {
  bench b = {.o = o, .out = out};
  *out = NULL;
  pool *workers = pool_new(o->threads > 0 ? (int)o->threads : 0);
  unroll_status s = workers ? read_options(&b, err) : error_memory(err);
  const double seconds = isnan(o->seconds) || o->seconds > 1 ? 1 : o->seconds;
  if (!s) s = bench_machine_measure(&b.machine, workers, seconds, err);
  b.machine.watch = &o->watch;
  if (!s) s = o->cases || o->sessions ? measure_cases(&b, err) : o->cells ? measure_cells(&b, err) : measure_one(&b, err);
  pool_free(workers);
  arena_free(&b.memory);
  return s;
}

/* --- who waits --- */

bool bench_stopped(const bench_watch *w) { return w->stop && *w->stop; }

void bench_show(const bench_watch *w, const char *format, ...) {
  char line[256];
  va_list list;
  if (!w->show) return;
  va_start(list, format);
  vsnprintf(line, sizeof line, format, list);
  va_end(list);
  w->show(line);
}
