/* eval_table.c - `unroll eval` of a model that reads tables: for each line with ~ the loss and what fits, as text or JSON. */
#include "cli/eval_table.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "cli/data.h"
#include "cli/decode.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "metrics/edits.h"
#include "metrics/label.h"
#include "use/predict.h"

enum { ROWS = 32, SHOWN = 60 /* classes in a text; JSON has all */ };

typedef struct report {
  const options *o;
  const model *m;
  dataset d;
  int n;                  /* lines with ~ */
  predict_total *totals;  /* [n] */
  label_metrics *metrics; /* [n] of symbols; of numbers and of ctc empty */
  struct text_edits {
    edits words, characters;
  } * texts;             /* [n] of ctc */
  decode_total *decoded; /* [n] with --decode, the first n_decoded of them */
  int n_decoded;
  double mean, exact; /* loss of a prediction; in single precision, where m is not */
} report;

static const variable *variable_of(const report *r, int k) { return &r->m->table.list[r->m->g.losses[k].data]; }
static bool is_symbols(const report *r, int k) { return variable_of(r, k)->form.unit != UNIT_NUMBERS; }
static bool is_labels(const report *r, int k) { return variable_of(r, k)->form.unit == UNIT_LABELS; }
static bool is_bernoulli(const predict_total *t) { return t->distribution->support == SUPPORT_BIT; }
static bool is_ctc(const report *r, int k) { return variable_of(r, k)->over >= 0; }
static double loss_of(const predict_total *t) { return t->n ? t->nats / (double)t->n : (double)NAN; }

static unroll_status compare_texts(struct text_edits *e, const predicted_part *p, unroll_error *err) {
  text drawn = {0}, truth = {0};
  vocabulary_add_texts(&p->v->words, p->symbols, p->n, &drawn);
  vocabulary_add_texts(&p->v->words, p->truth, p->n_truth, &truth);
  unroll_status status = drawn.failed || truth.failed ? error_memory(err) : UNROLL_OK;
  if (!status) status = edits_add_words(&e->words, drawn.data, drawn.length, truth.data, truth.length, err);
  if (!status) status = edits_add_characters(&e->characters, drawn.data, drawn.length, truth.data, truth.length, err);
  text_free(&drawn);
  text_free(&truth);
  return status;
}

static unroll_status take(void *context, const predicted *p, unroll_error *err) {
  report *r = context;
  unroll_status status = UNROLL_OK;
  for (int k = 0; k < p->n && !status; k++) {
    const predicted_part *one = &p->parts[k];
    if (!one->truth) continue;
    if (is_ctc(r, k))
      status = compare_texts(&r->texts[k], one, err);
    else
      label_metrics_add(&r->metrics[k], one->truth, one->symbols, one->n);
  }
  return status;
}

/* --- text --- */

/* A share as a percentage; "-" where it is not defined. */
static const char *percent(double x, char out[16]) {
  if (isnan(x)) return strcpy(out, "-");
  snprintf(out, 16, "%.2f", 100 * x);
  return out;
}

static void print_name(const char *name, int width) {
  int n = 0;
  for (const char *s = name; *s; s++) n += (*s & 0xc0) != 0x80;
  printf("  %s%*s", name, n < width ? width - n : 0, "");
}

static void print_count(const char *name, const class_count *c) {
  char a[16], b[16], f[16];
  print_name(name, 14);
  printf("%11s%10s%10s%10" PRId64 "\n", percent(count_precision(c), a), percent(count_recall(c), b), percent(count_f1(c), f),
         c->support);
}

static void print_head(const char *name) {
  print_name(name, 14);
  printf("%11s%10s%10s%10s\n", "precision", "recall", "F1", "support");
}

/* What label i is called in a line of text. */
static const char *label_name(const vocabulary *v, int32_t i, text *t) {
  t->length = 0;
  output_symbol(t, v, i);
  return t->failed ? "?" : t->data;
}

static void print_classes(const report *r, int k) {
  const label_metrics *m = &r->metrics[k];
  const label_summary s = label_metrics_summary(m);
  const vocabulary *v = &variable_of(r, k)->words;
  text name = {0};
  if (s.classes > SHOWN) {
    printf("  %d labels; --json has the figures of each\n", s.classes);
    return;
  }
  print_head("label");
  for (int i = 0; i < m->n; i++)
    if (m->list[i].support || m->list[i].predicted) print_count(label_name(v, i, &name), &m->list[i]);
  text_free(&name);
}

static void print_confusion(const report *r, int k) {
  const label_metrics *m = &r->metrics[k];
  const vocabulary *v = &variable_of(r, k)->words;
  text name = {0};
  printf("  true\\predicted");
  for (int i = 0; i < m->n; i++) printf("\t%s", label_name(v, i, &name));
  printf("\n");
  for (int i = 0; i < m->n; i++) {
    printf("  %s", label_name(v, i, &name));
    for (int j = 0; j < m->n; j++) printf("\t%" PRId64, m->confusion[(int64_t)i * m->n + j]);
    printf("\n");
  }
  text_free(&name);
}

static void print_spans(const span_metrics *m) {
  print_head("span");
  for (int i = 0; i < m->types.n; i++)
    if (m->list[i].support || m->list[i].predicted) print_count(lexicon_text(&m->types, i, NULL), &m->list[i]);
  print_count("all spans", &m->all);
}

static void print_symbols(const report *r, int k) {
  const label_metrics *m = &r->metrics[k];
  const label_summary s = label_metrics_summary(m);
  char a[16], b[16], c[16];
  printf("accuracy %s %%, ", percent(s.accuracy, a));
  if (m->tagged) printf("span F1 %s %%%s, ", percent(count_f1(&m->spans.all), a), r->n_decoded ? " given the true tags" : "");
  if (is_labels(r, k)) printf("macro F1 %s %%, weighted F1 %s %%, ", percent(s.macro_f1, b), percent(s.weighted_f1, c));
  if (variable_of(r, k)->step)
    printf("%s %% of %s sequence%s exact, ", percent(s.exact, a), output_count(m->sequences, (char[32]){0}),
           m->sequences == 1 ? "" : "s");
  if (!is_labels(r, k)) printf("perplexity %.4f, ", exp(loss_of(&r->totals[k])));
}

static void print_edits(const char *name, const edits *e) {
  char rate[16], count[32];
  const int64_t truth = e->hits + e->substitutions + e->deletions;
  printf("%s %s %% (%" PRId64 " substituted, %" PRId64 " deleted, %" PRId64 " inserted of %s), ", name,
         percent(edits_rate(e), rate), e->substitutions, e->deletions, e->insertions, output_count(truth, count));
}

static void print_report(const report *r) {
  char a[32], b[32];
  for (int k = 0; k < r->n; k++) {
    const predict_total *t = &r->totals[k];
    printf("%s: ", t->name);
    if (is_ctc(r, k)) {
      print_edits("WER", &r->texts[k].words);
      print_edits("CER", &r->texts[k].characters);
    } else if (is_symbols(r, k))
      print_symbols(r, k);
    else if (is_bernoulli(t))
      printf("accuracy %.2f %%, ", 100 * t->correct);
    else
      printf("mean squared error %.6g, ", t->squared);
    printf("%.4f %s per %s\n", loss_of(t), t->pinball ? "pinball loss" : "nats", is_ctc(r, k) ? "symbol" : "prediction");
    if (is_symbols(r, k) && is_labels(r, k) && !is_ctc(r, k)) print_classes(r, k);
    if (r->metrics[k].tagged && !r->n_decoded) print_spans(&r->metrics[k].spans); /* else those of what is generated */
    if (r->metrics[k].confusion) print_confusion(r, k);
    for (int i = 0; i < r->n_decoded; i++)
      if (r->decoded[i].loss == k) {
        decode_total_print(&r->decoded[i]);
        if (r->decoded[i].tagged) print_spans(&r->decoded[i].spans);
      }
  }
  printf("total: %.4f nats per prediction, %s prediction%s, %s example%s\n", r->mean, output_count(r->d.n_symbols, a),
         r->d.n_symbols == 1 ? "" : "s", output_count(r->d.n_sequences, b), r->d.n_sequences == 1 ? "" : "s");
  if (r->m->precision != PRECISION_FP32) output_rounding(r->m->precision, r->mean, r->exact, "nats per prediction");
}

/* --- JSON --- */

static json_t *count_json(const char *key, json_t *name, const class_count *c) {
  return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:I}", key, name, "precision", json_number(count_precision(c)), "recall",
                   json_number(count_recall(c)), "f1", json_number(count_f1(c)), "support", (json_int_t)c->support, "predicted",
                   (json_int_t)c->predicted, "correct", (json_int_t)c->correct);
}

static json_t *name_json(const lexicon *l, int32_t i) {
  size_t size;
  const char *s = lexicon_text(l, i, &size);
  return json_stringn(s, size);
}

static json_t *classes_json(const label_metrics *m, const vocabulary *v) {
  json_t *list = json_array();
  for (int i = 0; i < m->n; i++)
    if (m->list[i].support || m->list[i].predicted)
      json_array_append_new(list, count_json("label", name_json(&v->words, i), &m->list[i]));
  return list;
}

static json_t *spans_json(const span_metrics *m) {
  json_t *list = json_array();
  for (int i = 0; i < m->types.n; i++)
    if (m->list[i].support || m->list[i].predicted)
      json_array_append_new(list, count_json("type", name_json(&m->types, i), &m->list[i]));
  json_t *all = count_json("type", json_null(), &m->all);
  json_object_set_new(all, "types", list);
  json_object_del(all, "type");
  return all;
}

static json_t *confusion_json(const label_metrics *m, const vocabulary *v) {
  json_t *labels = json_array(), *rows = json_array();
  for (int i = 0; i < m->n; i++) {
    json_t *row = json_array();
    for (int j = 0; j < m->n; j++) json_array_append_new(row, json_integer((json_int_t)m->confusion[(int64_t)i * m->n + j]));
    json_array_append_new(rows, row);
    json_array_append_new(labels, name_json(&v->words, i));
  }
  return json_pack("{s:o, s:o}", "labels", labels, "rows", rows);
}

static void add_symbols(json_t *one, const report *r, int k) {
  const label_metrics *m = &r->metrics[k];
  const label_summary s = label_metrics_summary(m);
  const vocabulary *v = &variable_of(r, k)->words;
  json_object_set_new(one, "accuracy", json_number(s.accuracy));
  json_object_set_new(one, "perplexity", json_number(exp(loss_of(&r->totals[k]))));
  if (variable_of(r, k)->step) {
    json_object_set_new(one, "sequences", json_integer((json_int_t)m->sequences));
    json_object_set_new(one, "exact", json_number(s.exact));
  }
  if (is_labels(r, k)) {
    json_object_set_new(one, "macro_precision", json_number(s.macro_precision));
    json_object_set_new(one, "macro_recall", json_number(s.macro_recall));
    json_object_set_new(one, "macro_f1", json_number(s.macro_f1));
    json_object_set_new(one, "weighted_f1", json_number(s.weighted_f1));
    json_object_set_new(one, "labels", classes_json(m, v));
  }
  if (m->tagged) json_object_set_new(one, "spans", spans_json(&m->spans));
  if (m->confusion) json_object_set_new(one, "confusion", confusion_json(m, v));
}

static json_t *edits_json(const edits *e) {
  return json_pack("{s:o, s:I, s:I, s:I, s:I}", "rate", json_number(edits_rate(e)), "hits", (json_int_t)e->hits, "substitutions",
                   (json_int_t)e->substitutions, "deletions", (json_int_t)e->deletions, "insertions", (json_int_t)e->insertions);
}

static json_t *report_json(const report *r) {
  json_t *all = json_object();
  for (int k = 0; k < r->n; k++) {
    const predict_total *t = &r->totals[k];
    json_t *one = json_pack("{s:I, s:o}", "predictions", (json_int_t)t->n, "loss", json_number(loss_of(t)));
    if (is_ctc(r, k)) {
      json_object_set_new(one, "wer", edits_json(&r->texts[k].words));
      json_object_set_new(one, "cer", edits_json(&r->texts[k].characters));
    } else if (is_symbols(r, k))
      add_symbols(one, r, k);
    else if (is_bernoulli(t))
      json_object_set_new(one, "accuracy", json_number(t->correct));
    else
      json_object_set_new(one, "mse", json_number(t->squared));
    for (int i = 0; i < r->n_decoded; i++)
      if (r->decoded[i].loss == k) {
        json_t *generated = decode_total_json(&r->decoded[i]);
        if (r->decoded[i].tagged) json_object_set_new(generated, "spans", spans_json(&r->decoded[i].spans));
        json_object_set_new(one, "generated", generated);
      }
    json_object_set_new(all, t->name, one);
  }
  json_t *out = json_pack("{s:I, s:I, s:o, s:o}", "sequences", (json_int_t)r->d.n_sequences, "symbols", (json_int_t)r->d.n_symbols,
                          "loss", json_number(r->mean), "variables", all);
  if (r->m->precision != PRECISION_FP32) output_rounding_json(out, r->m->precision, r->mean, r->exact);
  data_report_json(out, &r->d);
  return out;
}

/* --- the command --- */

static unroll_status begin(report *r, unroll_error *err) {
  r->totals = mem_zero((size_t)r->n + 1, sizeof *r->totals);
  r->metrics = mem_zero((size_t)r->n + 1, sizeof *r->metrics);
  r->decoded = mem_zero((size_t)r->n + 1, sizeof *r->decoded);
  r->texts = mem_zero((size_t)r->n + 1, sizeof *r->texts);
  unroll_status status = r->totals && r->metrics && r->decoded && r->texts ? UNROLL_OK : error_memory(err);
  for (int k = 0; k < r->n && !status; k++) {
    const variable *v = variable_of(r, k);
    const bool confusion = r->o->confusion && is_labels(r, k);
    if (is_symbols(r, k) && !is_ctc(r, k)) status = label_metrics_init(&r->metrics[k], &v->words, v->step, confusion, err);
  }
  return status;
}

/* Nats of a prediction, all lines with ~ together. */
static double mean_of(const report *r) {
  double nats = 0;
  for (int k = 0; k < r->n; k++) nats += r->totals[k].nats;
  return nats / (double)r->d.n_symbols;
}

/* r->exact: the same data once more. */
static unroll_status in_single_precision(report *r, pool *workers, unroll_error *err) {
  model single = *r->m; /* borrows all */
  report again = {.n = r->n, .d = r->d, .totals = mem_zero((size_t)r->n + 1, sizeof *again.totals)};
  const predict_sink sink = {.stop = signals_flag()};
  single.precision = PRECISION_FP32;
  if (!again.totals) return error_memory(err);
  const unroll_status status =
      predict(&single, &r->d, true, r->o->batch > 0 ? (int)r->o->batch : ROWS, workers, &sink, again.totals, err);
  r->exact = mean_of(&again);
  mem_free(again.totals);
  return status;
}

unroll_status eval_table(const model *m, const options *o, pool *workers, unroll_error *err) {
  report r = {.o = o, .m = m, .n = m->g.n_losses};
  ctc_search search;
  const predict_sink sink = {.context = &r, .emit = take, .stop = signals_flag(), .search = decode_search(&search, o)};
  text paths = {0};
  unroll_status status = decode_check_eval(o, decode_is_for(&m->g), decode_ctc(m), err);
  if (!status) status = begin(&r, err);
  if (!status) status = data_paths(o, 1, &paths, err);
  if (!status)
    status = predict_read(
        &r.d, m, paths.data,
        &(predict_table){
            .series = o->series, .tagged = o->tagged, .folders = o->folders, .codes = o->decode, .skip_bad = o->skip_bad},
        true, err);
  if (!status) data_report(&r.d);
  if (!status) status = predict(m, &r.d, true, o->batch > 0 ? (int)o->batch : ROWS, workers, &sink, r.totals, err);
  if (!status && m->precision != PRECISION_FP32) status = in_single_precision(&r, workers, err);
  if (!status && o->decode) status = eval_decoded(m, &r.d, o, workers, r.decoded, &r.n_decoded, err);
  if (!status) {
    r.mean = mean_of(&r);
    if (o->json)
      status = output_json(report_json(&r), err);
    else
      print_report(&r);
  }
  for (int k = 0; r.metrics && k < r.n; k++) label_metrics_free(&r.metrics[k]);
  mem_free(r.metrics);
  decode_totals_free(r.decoded, r.n);
  mem_free(r.decoded);
  mem_free(r.texts);
  text_free(&paths);
  mem_free(r.totals);
  dataset_free(&r.d);
  return status;
}
