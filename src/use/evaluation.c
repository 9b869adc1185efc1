/* evaluation.c - see evaluation.h. The one place that lists which figures a variable has. */
#include "use/evaluation.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include "base/error.h"
#include "metrics/edits.h"
#include "metrics/follow.h"
#include "use/decode_eval.h"
#include "use/evaluate.h"

typedef struct text_edits {
  edits words, characters;
} text_edits;

typedef struct job {
  evaluation *e;
  const model *m;
  const dataset *d;
  const evaluation_options *o;
  predict_total *totals, *exact; /* [n]; in single precision, where m is not */
  text_edits *texts;             /* [n] of ctc */
  follow_metrics *boxes;         /* [n] of boxes */
  decode_total *decoded;         /* [n], the first n_decoded of them */
  int n_decoded;
} job;

static const variable *variable_of(const job *j, int k) { return &j->m->schema.list[j->m->g.losses[k].data]; }

static bool is_ctc(const job *j, int k) { return variable_of(j, k)->over >= 0; }

static bool is_box(const job *j, int k) { return variable_of(j, k)->form.of->sort == KIND_BOX; }

static unroll_status compare_texts(text_edits *e, const predicted_part *p, unroll_error *err) {
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
  const job *j = context;
  unroll_status status = UNROLL_OK;
  for (int k = 0; k < p->n && !status; k++) {
    const predicted_part *one = &p->parts[k];
    if (is_box(j, k)) follow_add(&j->boxes[k], one->true_numbers, one->numbers, one->n);
    if (!one->truth) continue;
    if (is_ctc(j, k))
      status = compare_texts(&j->texts[k], one, err);
    else
      label_metrics_add(&j->e->metrics[k], one->truth, one->symbols, one->n);
  }
  return status;
}

/* Which symbols --confusion is about: labels, or where there are none whatever is predicted. */
static bool is_confused(const job *j, int k) {
  bool labels = false;
  for (int i = 0; i < j->e->n; i++) labels |= variable_of(j, i)->form.unit == UNIT_LABELS;
  return j->o->confusion && (!labels || variable_of(j, k)->form.unit == UNIT_LABELS);
}

/* Steps of a stream in a pass: fewer where logits of many symbols would take much memory. */
static int fitting_steps(const job *j) {
  enum { LOGITS = 4 << 20 };
  int steps = j->o->steps;
  for (int k = 0; k < j->e->n; k++) {
    const int64_t each = (int64_t)variable_of(j, k)->words.n * j->o->rows;
    while (steps > 1 && each * steps > LOGITS) steps /= 2;
  }
  return steps;
}

static unroll_status measure(job *j, pool *workers, unroll_error *err) {
  const evaluation_options *o = j->o;
  const int steps = fitting_steps(j);
  const bool totals = schema_is_text(&j->m->schema) && !o->confusion; /* nobody looks at single symbols */
  predict_sink sink = {
      .context = j, .emit = totals ? NULL : take, .stop = o->stop, .search = o->search, .ranks = o->ranks, .crop = o->crop};
  unroll_status status = UNROLL_OK;
  for (int k = 0; k < j->e->n && !status; k++) {
    const variable *v = variable_of(j, k);
    if (v->form.unit != UNIT_NUMBERS && !is_ctc(j, k) && !totals)
      status = label_metrics_init(&j->e->metrics[k], &v->words, v->step, is_confused(j, k), err);
  }
  if (!status) status = predict(j->m, j->d, true, o->rows, steps, workers, &sink, j->totals, err);
  if (!status && j->m->precision != PRECISION_FP32) {
    model single = *j->m; /* borrows all */
    single.precision = PRECISION_FP32;
    sink.emit = NULL;
    sink.ranks = NULL;
    status = predict(&single, j->d, true, o->rows, steps, workers, &sink, j->exact, err);
  }
  if (!status && o->decode)
    status = decode_eval(j->m, j->d, o->references, o->decode, workers, o->stop, j->decoded, &j->n_decoded, err);
  return status;
}

/* --- figures --- */

static void add_count(figures *f, int of, const class_count *c) {
  figures_add(f, of, "precision", FIGURE_SHARE, count_precision(c));
  figures_add(f, of, "recall", FIGURE_SHARE, count_recall(c));
  figures_add(f, of, "f1", FIGURE_SHARE, count_f1(c));
  figures_add(f, of, "support", FIGURE_COUNT, (double)c->support);
  figures_add(f, of, "predicted", FIGURE_COUNT, (double)c->predicted);
  figures_add(f, of, "correct", FIGURE_COUNT, (double)c->correct);
}

/* Adds the figures of the classes that occur or are predicted. */
static void add_counts(figures *f, int list, const char *what, const lexicon *names, const class_count *counts, int n) {
  for (int i = 0; i < n; i++) {
    size_t size;
    if (!counts[i].support && !counts[i].predicted) continue;
    const char *name = lexicon_text(names, i, &size);
    add_count(f, figures_element(f, list, what, name, size), &counts[i]);
  }
}

static void add_spans(figures *f, int of, const span_metrics *m) {
  const int spans = figures_part(f, of, "spans");
  add_count(f, spans, &m->all);
  add_counts(f, figures_list(f, spans, "types"), "type", &m->types, m->list, m->types.n);
}

static void add_edits(figures *f, int of, const edits *e) {
  figures_add(f, of, "rate", FIGURE_SHARE, edits_rate(e));
  figures_add(f, of, "hits", FIGURE_COUNT, (double)e->hits);
  figures_add(f, of, "substitutions", FIGURE_COUNT, (double)e->substitutions);
  figures_add(f, of, "deletions", FIGURE_COUNT, (double)e->deletions);
  figures_add(f, of, "insertions", FIGURE_COUNT, (double)e->insertions);
}

static void add_ranks(figures *f, int of, const rank_metrics *m) {
  char name[32];
  const int hits = figures_part(f, of, "hits");
  for (int i = 0; i < m->n_at; i++) {
    snprintf(name, sizeof name, "%" PRId64, m->at[i]);
    figures_add(f, hits, figures_name(f, name), FIGURE_SHARE, rank_metrics_hits(m, i));
  }
  figures_add(f, of, "mrr", FIGURE_SHARE, rank_metrics_mrr(m));
}

static void add_symbols(figures *f, int of, const job *j, int k, double nats) {
  const label_metrics *m = &j->e->metrics[k];
  const label_summary s = label_metrics_summary(m);
  const variable *v = variable_of(j, k);
  figures_add(f, of, "accuracy", FIGURE_SHARE, s.accuracy);
  figures_add(f, of, "perplexity", FIGURE_NUMBER, exp(nats));
  if (j->o->ranks) add_ranks(f, of, &j->totals[k].ranks);
  if (v->step) {
    figures_add(f, of, "sequences", FIGURE_COUNT, (double)m->sequences);
    figures_add(f, of, "exact", FIGURE_SHARE, s.exact);
  }
  if (v->form.unit == UNIT_LABELS) {
    figures_add(f, of, "macro_precision", FIGURE_SHARE, s.macro_precision);
    figures_add(f, of, "macro_recall", FIGURE_SHARE, s.macro_recall);
    figures_add(f, of, "macro_f1", FIGURE_SHARE, s.macro_f1);
    figures_add(f, of, "weighted_f1", FIGURE_SHARE, s.weighted_f1);
    add_counts(f, figures_list(f, of, "labels"), "label", &v->words.words, m->list, m->n);
  }
  if (m->tagged) add_spans(f, of, &m->spans);
}

static void add_generated(figures *f, int of, const decode_total *t) {
  static const char *const shorter[BLEU_ORDER - 1] = {"bleu_1", "bleu_2", "bleu_3"};
  const text_metrics *m = &t->text;
  if (t->v->form.unit == UNIT_NUMBERS) {
    figures_add(f, of, "mse", FIGURE_NUMBER, t->entries ? t->squared / (double)t->entries : (double)NAN);
    return;
  }
  figures_add(f, of, "sequences", FIGURE_COUNT, (double)m->n);
  figures_add(f, of, "exact", FIGURE_SHARE, text_metrics_exact(m));
  if (t->v->form.unit == UNIT_LABELS) {
    figures_add(f, of, "accuracy", FIGURE_SHARE, t->steps ? (double)t->correct / (double)t->steps : (double)NAN);
    if (t->tagged) add_spans(f, of, &t->spans);
    return;
  }
  figures_add(f, of, "bleu", FIGURE_SHARE, text_metrics_bleu(m, BLEU_ORDER));
  for (int order = 1; order < BLEU_ORDER; order++)
    figures_add(f, of, shorter[order - 1], FIGURE_SHARE, text_metrics_bleu(m, order));
  figures_add(f, of, "chrf", FIGURE_SHARE, text_metrics_chrf(m));
  figures_add(f, of, "rouge_1", FIGURE_SHARE, text_metrics_rouge_1(m));
  figures_add(f, of, "rouge_l", FIGURE_SHARE, text_metrics_rouge_l(m));
}

static void add_box(figures *f, int of, const follow_metrics *m, enum follow_kind kind) {
  figures_add(f, of, "iou", FIGURE_NUMBER, follow_overlap(m, kind));
  figures_add(f, of, "above_half", FIGURE_SHARE, follow_above(m, kind));
  figures_add(f, of, "centre_error", FIGURE_NUMBER, follow_distance(m, kind));
}

/* Beside a box that stays, and one that goes on at its speed. */
static void add_boxes(const job *j, int of, int k) {
  figures *f = &j->e->figures;
  add_box(f, of, &j->boxes[k], FOLLOW_MODEL);
  if (!variable_of(j, k)->step) return;
  add_box(f, figures_part(f, of, "stays"), &j->boxes[k], FOLLOW_STAYS);
  add_box(f, figures_part(f, of, "goes_on"), &j->boxes[k], FOLLOW_GOES_ON);
}

static void add_variable(const job *j, int of, int k) {
  figures *f = &j->e->figures;
  const predict_total *t = &j->totals[k];
  const int one = j->e->variables[k] = figures_part(f, of, t->name);
  const double nats = t->n ? t->nats / (double)t->n : (double)NAN;
  figures_add(f, one, "predictions", FIGURE_COUNT, (double)t->n);
  figures_add(f, one, "loss", t->pinball ? FIGURE_PINBALL : is_ctc(j, k) ? FIGURE_SYMBOL_NATS : FIGURE_NATS, nats);
  switch (t->distribution->support) {
  case SUPPORT_SYMBOLS:
    if (is_ctc(j, k)) {
      add_edits(f, figures_part(f, one, "wer"), &j->texts[k].words);
      add_edits(f, figures_part(f, one, "cer"), &j->texts[k].characters);
    } else
      add_symbols(f, one, j, k, nats);
    break;
  case SUPPORT_BIT:
    figures_add(f, one, "accuracy", FIGURE_SHARE, t->correct);
    add_count(f, figures_part(f, one, "ones"), &t->ones);
    break;
  case SUPPORT_REAL:
  case SUPPORT_COUNT:
  case SUPPORT_PEN:
    if (is_box(j, k)) add_boxes(j, one, k);
    if (variable_of(j, k)->form.of == &data_kinds[KIND_audio])
      figures_add(f, one, "error_to_signal", FIGURE_NUMBER, t->signal > 0 ? t->squared / t->signal : (double)NAN);
    figures_add(f, one, "mse", FIGURE_NUMBER, t->squared);
    break;
  }
  for (int i = 0; i < j->n_decoded; i++)
    if (j->decoded[i].loss == k) add_generated(f, figures_part(f, one, "generated"), &j->decoded[i]);
}

/* Nats of a prediction, all lines with ~ together. */
static double mean_of(const job *j, const predict_total *totals) {
  double nats = 0;
  for (int k = 0; k < j->e->n; k++) nats += totals[k].nats;
  return nats / (double)j->d->n_symbols;
}

static unroll_status add_all(const job *j, unroll_error *err) {
  figures *f = &j->e->figures;
  const double nats = mean_of(j, j->totals), exact = mean_of(j, j->exact);
  figures_add(f, 0, "sequences", FIGURE_COUNT, (double)j->d->n_sequences);
  figures_add(f, 0, "symbols", FIGURE_COUNT, (double)j->d->n_symbols);
  figures_add(f, 0, "loss", FIGURE_NATS, nats);
  if (schema_is_text(&j->m->schema)) {
    figures_add(f, 0, "bits_per_symbol", FIGURE_NUMBER, nats * BITS_PER_NAT);
    figures_add(f, 0, "perplexity", FIGURE_NUMBER, exp(nats));
    figures_add(f, 0, "accuracy", FIGURE_SHARE, j->totals[0].correct);
    if (j->o->ranks) add_ranks(f, 0, &j->totals[0].ranks);
  } else {
    const int variables = figures_part(f, 0, "variables");
    for (int k = 0; k < j->e->n; k++) add_variable(j, variables, k);
  }
  if (j->m->precision != PRECISION_FP32) {
    figures_add_word(f, 0, "precision", precision_name(j->m->precision));
    figures_add(f, 0, "loss_fp32", FIGURE_NATS, exact);
    figures_add(f, 0, "loss_of_rounding", FIGURE_NATS, nats - exact);
  }
  return f->failed ? error_memory(err) : UNROLL_OK;
}

unroll_status evaluation_run(evaluation *e, const model *m, const dataset *d, const evaluation_options *o, pool *workers,
                             unroll_error *err) {
  const size_t n = (size_t)m->g.n_losses + 1;
  job j = {.e = e, .m = m, .d = d, .o = o};
  *e = (evaluation){.n = m->g.n_losses};
  e->metrics = mem_zero(n, sizeof *e->metrics);
  e->variables = mem_zero(n, sizeof *e->variables);
  j.totals = mem_zero(n, sizeof *j.totals);
  j.exact = mem_zero(n, sizeof *j.exact);
  j.decoded = mem_zero(n, sizeof *j.decoded);
  j.texts = mem_zero(n, sizeof *j.texts);
  j.boxes = mem_zero(n, sizeof *j.boxes);
  const bool full = j.boxes && j.texts && e->metrics && e->variables && j.totals && j.exact && j.decoded;
  unroll_status status = full ? measure(&j, workers, err) : error_memory(err);
  if (!status) status = add_all(&j, err);
  decode_totals_free(j.decoded, e->n);
  mem_free(j.decoded);
  mem_free(j.totals);
  mem_free(j.exact);
  mem_free(j.texts);
  mem_free(j.boxes);
  return status;
}

void evaluation_free(evaluation *e) {
  for (int k = 0; e->metrics && k < e->n; k++) label_metrics_free(&e->metrics[k]);
  mem_free(e->metrics);
  mem_free(e->variables);
  figures_free(&e->figures);
  *e = (evaluation){0};
}
