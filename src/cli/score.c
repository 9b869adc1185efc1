/* score.c - `unroll score`: the log-probability of each sequence of data, from its own beginning. */
#include "cli/score.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "use/evaluate.h"
#include "use/score.h"

enum { STREAM_SHOWN = 60 }; /* symbols of a stream in its line */

typedef struct printer {
  const options *o;
  const model *m;
  bool stream;
  json_t *list;
} printer;

/* Without the end symbol. */
static int64_t shown(const scored_part *p) {
  const int32_t end = p->v->words.end;
  return p->n - (p->symbols && end >= 0 && p->n > 0 && p->symbols[p->n - 1] == end);
}

static void add_number(text *out, const scored_part *p, int64_t i) {
  for (int j = 0; j < p->v->width; j++) {
    if (j) text_add(out, ";", 1);
    text_add_number(out, column_unscaled(p->c, p->v, p->from + i, j));
  }
}

static void add_part(text *out, const scored_part *p, int64_t most) {
  if (p->symbols) output_values(out, &p->v->words, p->symbols, shown(p), most);
  for (int64_t i = 0; !p->symbols && i < p->n; i++) {
    if (i) text_add(out, " ", 1);
    add_number(out, p, i);
  }
}

static json_t *per_symbol_json(const scored_part *p) {
  json_t *list = json_array();
  for (int64_t i = 0; i < p->n; i++) json_array_append_new(list, json_number(-(double)p->nats[i] * BITS_PER_NAT));
  return list;
}

/* Of a text as it is, of others with escapes. */
static json_t *value_json(const printer *out, const scored_part *p) {
  text t = {0};
  if (schema_is_text(&out->m->schema))
    vocabulary_add_texts(&p->v->words, p->symbols, shown(p), &t);
  else
    add_part(&t, p, INT64_MAX);
  json_t *j = t.failed ? NULL : output_json_text(t.data ? t.data : "", t.length);
  text_free(&t);
  return j;
}

static unroll_status emit_json(printer *out, const scored *s, unroll_error *err) {
  const bool plain = schema_is_text(&out->m->schema);
  json_t *row = json_object();
  if (plain) json_object_set_new(row, "text", value_json(out, &s->parts[0]));
  json_object_set_new(row, "log2_p", json_number(-s->nats_total * BITS_PER_NAT));
  json_object_set_new(row, "symbols", json_integer((json_int_t)s->n));
  for (int k = 0; k < s->n_parts; k++) {
    const scored_part *p = &s->parts[k];
    json_t *to = plain ? json_incref(row) : json_object();
    if (!plain) json_object_set_new(to, "value", value_json(out, p));
    if (p->nats) json_object_set_new(to, "log2_p_per_symbol", per_symbol_json(p));
    if (!plain) json_object_set(row, p->v->form.name, to);
    json_decref(to);
  }
  return row && json_array_append_new(out->list, row) == 0 ? UNROLL_OK : error_memory(err);
}

/* A line for each symbol or number; of several variables with their names. */
static void add_symbols(text *out, const scored *s, const scored_part *p) {
  for (int64_t i = 0; i < p->n && p->nats; i++) {
    text_add(out, "\t", 1);
    if (s->n_parts > 1) text_format(out, "%s\t", p->v->form.name);
    if (p->symbols)
      output_symbol(out, &p->v->words, p->symbols[i]);
    else
      add_number(out, p, i);
    text_format(out, "\t%.4f\t%.6g\n", 0 - (double)p->nats[i] * BITS_PER_NAT, exp(-(double)p->nats[i]));
  }
}

static unroll_status emit(void *context, const scored *s, unroll_error *err) {
  printer *p = context;
  text line = {0};
  if (p->o->json) return emit_json(p, s, err);
  text_format(&line, "%.4f", 0 - s->nats_total * BITS_PER_NAT);
  for (int k = 0; k < s->n_parts; k++) {
    text_add(&line, "\t", 1);
    add_part(&line, &s->parts[k], p->stream ? STREAM_SHOWN : INT64_MAX);
  }
  text_add(&line, "\n", 1);
  for (int k = 0; k < s->n_parts; k++) add_symbols(&line, s, &s->parts[k]);
  const bool failed = line.failed != 0;
  if (!failed) fwrite(line.data, 1, line.length, stdout);
  text_free(&line);
  if (failed) return error_memory(err);
  return ferror(stdout) ? error_set(err, UNROLL_FAILED, "cannot write to standard output") : UNROLL_OK;
}

json_t *score_total_json(double nats, int64_t symbols, int64_t sequences, double accuracy) {
  const double mean = symbols > 0 ? nats / (double)symbols : (double)NAN;
  json_t *out = json_pack("{s:I, s:I}", "sequences", (json_int_t)sequences, "symbols", (json_int_t)symbols);
  if (!out) return NULL;
  json_object_set_new(out, "loss", json_number(mean));
  json_object_set_new(out, "bits_per_symbol", json_number(mean * BITS_PER_NAT));
  json_object_set_new(out, "perplexity", json_number(exp(mean)));
  if (!isnan(accuracy)) json_object_set_new(out, "accuracy", json_number(accuracy));
  return out;
}

void score_total_print(const char *what, double nats, int64_t symbols, int64_t sequences, double accuracy) {
  char a[32], b[32], share[32] = "";
  const double mean = symbols > 0 ? nats / (double)symbols : (double)NAN;
  if (!isnan(accuracy)) snprintf(share, sizeof share, ", accuracy %.2f %%", 100 * accuracy);
  printf("total: %.4f bits per %s, perplexity %.4f%s, %s %s%s, %s sequence%s\n", mean * BITS_PER_NAT, what, exp(mean), share,
         output_count(symbols, a), what, symbols == 1 ? "" : "s", output_count(sequences, b), sequences == 1 ? "" : "s");
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
  if (!status) status = data_of_model(&d, &m, o, BIND_TRUTH, err);
  p.stream = d.stream;
  if (!status) status = score(&m, &d, workers, &sink, &total, err);
  if (!status && o->json) {
    json_t *out = score_total_json(total.nats, total.symbols, total.sequences, (double)NAN);
    data_report_json(out, &d);
    if (out) json_object_set(out, "scores", p.list);
    status = output_json(out, err);
  } else if (!status) {
    score_total_print(schema_is_text(&m.schema) ? "symbol" : "prediction", total.nats, total.symbols, total.sequences, (double)NAN);
  }
  json_decref(p.list);
  dataset_free(&d);
  model_free(&m);
  pool_free(workers);
  return status;
}
