/* score.c - `unroll score` and `unroll eval`: what a model gives to data. score takes every sequence from its own beginning and
 * prints each; eval runs in parallel and prints the loss only. */
#include "use/score.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "cli/commands.h"
#include "cli/decode.h"
#include "cli/data.h"
#include "cli/output.h"
#include "cli/eval_table.h"
#include "cli/forecast.h"
#include "cli/terminal.h"
#include "use/evaluate.h"

enum { STREAM_SHOWN = 60 }; /* symbols of a stream in its line */

typedef struct printer {
  const options *o;
  const model *m;
  json_t *list;
  int64_t number; /* sequences so far */
} printer;

static unroll_status out_of_memory(text *t, unroll_error *err) {
  text_free(t);
  return error_memory(err);
}

static unroll_status emit_json(printer *p, const scored *s, unroll_error *err) {
  text line = {0};
  const bool end = s->n > 0 && s->symbols[s->n - 1] == p->m->words.end && p->m->words.end >= 0;
  vocabulary_add_texts(&p->m->words, s->symbols, s->n - end, &line);
  if (line.failed) return out_of_memory(&line, err);
  json_t *row = json_pack("{s:o, s:o, s:I}", "text", output_json_text(line.data ? line.data : "", line.length), "log2_p",
                          json_number(-s->nats_total * BITS_PER_NAT), "symbols", (json_int_t)s->n);
  text_free(&line);
  if (row && s->nats) {
    json_t *symbols = json_array();
    for (int64_t i = 0; i < s->n; i++) json_array_append_new(symbols, json_number(-(double)s->nats[i] * BITS_PER_NAT));
    json_object_set_new(row, "log2_p_per_symbol", symbols);
  }
  return row && json_array_append_new(p->list, row) == 0 ? UNROLL_OK : error_memory(err);
}

static unroll_status emit(void *context, const scored *s, unroll_error *err) {
  printer *p = context;
  p->number++;
  if (p->o->json) return emit_json(p, s, err);
  const vocabulary *v = &p->m->words;
  const bool end = v->end >= 0 && s->n > 0 && s->symbols[s->n - 1] == v->end;
  text line = {0};
  output_values(&line, v, s->symbols, s->n - end, v->end >= 0 ? INT64_MAX : STREAM_SHOWN);
  if (line.failed) return out_of_memory(&line, err);
  printf("%.4f\t", 0 - s->nats_total * BITS_PER_NAT);
  output_line(&line);
  text_free(&line);
  for (int64_t i = 0; i < s->n && s->nats; i++) {
    text symbol = {0};
    output_symbol(&symbol, v, s->symbols[i]);
    if (symbol.failed) return out_of_memory(&symbol, err);
    printf("\t%s\t%.4f\t%.6g\n", symbol.data ? symbol.data : "", 0 - (double)s->nats[i] * BITS_PER_NAT, exp(-(double)s->nats[i]));
    text_free(&symbol);
  }
  return ferror(stdout) ? error_set(err, UNROLL_FAILED, "cannot write to standard output") : UNROLL_OK;
}

/* Reads the data as the model wants it. */
static unroll_status read_data(dataset *d, const model *m, const options *o, unroll_error *err) {
  text paths = {0};
  unroll_status status = model_needs_text(m, "scoring", err);
  if (!status) status = data_paths(o, 1, &paths, err);
  if (!status) status = dataset_read(d, &m->form, paths.data, o->skip_bad, err);
  if (!status) status = dataset_encode(d, &m->words, err);
  if (!status) data_report(d);
  text_free(&paths);
  return status;
}

/* accuracy: NaN where it was not counted */
static json_t *total_json(double nats, int64_t symbols, int64_t sequences, double accuracy) {
  const double mean = symbols > 0 ? nats / (double)symbols : (double)NAN;
  json_t *out = json_pack("{s:I, s:I}", "sequences", (json_int_t)sequences, "symbols", (json_int_t)symbols);
  if (!out) return NULL;
  json_object_set_new(out, "loss", json_number(mean));
  json_object_set_new(out, "bits_per_symbol", json_number(mean * BITS_PER_NAT));
  json_object_set_new(out, "perplexity", json_number(exp(mean)));
  if (!isnan(accuracy)) json_object_set_new(out, "accuracy", json_number(accuracy));
  return out;
}

static void total_print(double nats, int64_t symbols, int64_t sequences, double accuracy) {
  char a[32], b[32], share[32] = "";
  const double mean = symbols > 0 ? nats / (double)symbols : (double)NAN;
  if (!isnan(accuracy)) snprintf(share, sizeof share, ", accuracy %.2f %%", 100 * accuracy);
  printf("total: %.4f bits per symbol, perplexity %.4f%s, %s symbol%s, %s sequence%s\n", mean * BITS_PER_NAT, exp(mean), share,
         output_count(symbols, a), symbols == 1 ? "" : "s", output_count(sequences, b), sequences == 1 ? "" : "s");
}

unroll_status command_score(const options *o, unroll_error *err) {
  model m = {0};
  dataset d = {0};
  score_total total = {0};
  printer p = {.o = o, .m = &m, .list = o->json ? json_array() : NULL};
  const score_sink sink = {.context = &p, .emit = emit, .per_symbol = o->per_symbol, .stop = signals_flag()};
  pool *workers = pool_new(o->threads > 0 ? (int)o->threads : 0);
  unroll_status status = workers ? model_load(&m, o->arguments[0], false, err) : error_memory(err);
  if (!status) status = model_set_precision(&m, o->precision, err);
  if (!status) status = read_data(&d, &m, o, err);
  if (!status) status = score(&m, &d, workers, &sink, &total, err);
  if (!status && o->json) {
    json_t *out = total_json(total.nats, total.symbols, total.sequences, (double)NAN);
    data_report_json(out, &d);
    if (out) json_object_set(out, "scores", p.list);
    status = output_json(out, err);
  } else if (!status) {
    total_print(total.nats, total.symbols, total.sequences, (double)NAN);
  }
  json_decref(p.list);
  dataset_free(&d);
  model_free(&m);
  pool_free(workers);
  return status;
}

/* The mean loss of p in nats; with the accuracy where somebody asks. */
static unroll_status eval_part(const model *m, const part *p, const options *o, pool *workers, double *mean, double *accuracy,
                               unroll_error *err) {
  evaluator *e = NULL;
  const int many = o->batch > 0 ? (int)o->batch : 32, steps = o->unroll > 0 ? (int)o->unroll : 64;
  const unroll_status status = accuracy ? evaluator_new_accuracy(&e, m, m->weights, p, many, steps, workers, err)
                                        : evaluator_new(&e, m, m->weights, p, many, steps, 0, workers, err);
  if (!status) {
    *mean = evaluator_run(e);
    if (accuracy) *accuracy = evaluator_accuracy(e);
  }
  evaluator_free(e);
  return status;
}

static unroll_status eval_text(const model *m, const options *o, pool *workers, unroll_error *err) {
  dataset d = {0};
  part p = {0};
  double mean = 0, exact = 0, accuracy = 0;
  const bool rounded = m->precision != PRECISION_FP32;
  model single = *m; /* borrows all */
  single.precision = PRECISION_FP32;
  unroll_status status = read_data(&d, m, o, err);
  if (!status) status = part_whole(&p, &d, err);
  if (!status) status = eval_part(m, &p, o, workers, &mean, &accuracy, err);
  if (!status && rounded) status = eval_part(&single, &p, o, workers, &exact, NULL, err);
  const double nats = mean * (double)d.n_symbols;
  if (!status && o->json) {
    json_t *out = total_json(nats, d.n_symbols, d.n_sequences, accuracy);
    if (rounded) output_rounding_json(out, m->precision, mean, exact);
    data_report_json(out, &d);
    status = output_json(out, err);
  } else if (!status) {
    total_print(nats, d.n_symbols, d.n_sequences, accuracy);
    if (rounded) output_rounding(m->precision, mean * BITS_PER_NAT, exact * BITS_PER_NAT, "bits per symbol");
  }
  part_free(&p);
  dataset_free(&d);
  return status;
}

unroll_status command_eval(const options *o, unroll_error *err) {
  model m = {0};
  pool *workers = pool_new(o->threads > 0 ? (int)o->threads : 0);
  unroll_status status = workers ? model_load(&m, o->arguments[0], false, err) : error_memory(err);
  if (!status) status = model_set_precision(&m, o->precision, err);
  const bool is_table = !status && m.table.n;
  if (!status) status = forecast_check(&m, o, false, err);
  if (!status && is_table) status = m.table.time.time ? forecast_eval(&m, o, workers, err) : eval_table(&m, o, workers, err);
  if (!status && !is_table) status = decode_check_eval(o, false, false, err);
  if (!status && !is_table && (o->series || o->tagged || o->confusion || o->folders))
    status = error_set(err, UNROLL_USAGE, "--%s is for tables, and this model reads a text",
                       o->series    ? "series"
                       : o->tagged  ? "tagged"
                       : o->folders ? "labels-from-folders"
                                    : "confusion");
  if (!status && !is_table) status = eval_text(&m, o, workers, err);
  model_free(&m);
  pool_free(workers);
  return status;
}
