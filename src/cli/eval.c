/* eval.c - `unroll eval`: for each line with ~ the loss and what fits, as text or JSON; of a text the loss in bits. */
#include <inttypes.h>
#include <stdio.h>
#include "base/error.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/decode.h"
#include "cli/figures.h"
#include "cli/forecast.h"
#include "cli/output.h"
#include "cli/score.h"
#include "cli/terminal.h"
#include "use/evaluate.h"
#include "use/evaluation.h"

enum { ROWS = 32, STEPS = 64, SHOWN = 60 /* classes in a text; JSON has all */ };

static const vocabulary *labels_of(const model *m, int k) { return &m->schema.list[m->g.losses[k].data].words; }

/* --- text --- */

static void print_name(const char *before, const vocabulary *v, int32_t i) {
  text name = {0};
  output_symbol(&name, v, i);
  printf("%s%s", before, name.failed ? "?" : name.data);
  text_free(&name);
}

static void print_confusion(const label_metrics *m, const vocabulary *v) {
  printf("  true\\predicted");
  for (int i = 0; i < m->n; i++) print_name("\t", v, i);
  printf("\n");
  for (int i = 0; i < m->n; i++) {
    print_name("  ", v, i);
    for (int j = 0; j < m->n; j++) printf("\t%" PRId64, m->confusion[(int64_t)i * m->n + j]);
    printf("\n");
  }
}

static void print_variable(const evaluation *e, const model *m, int k) {
  const figures *f = &e->figures;
  const int of = e->variables[k], labels = figures_find_part(f, of, "labels"), generated = figures_find_part(f, of, "generated");
  const int spans = figures_find_part(f, generated >= 0 ? generated : of, "spans");
  printf("%s: ", f->subjects[of].name);
  figures_print_sentence(f, of);
  printf("\n");
  if (labels >= 0) figures_print_counts(f, labels, "label", NULL, SHOWN);
  if (spans >= 0 && generated < 0) figures_print_counts(f, figures_find_part(f, spans, "types"), "span", "all spans", INT32_MAX);
  if (e->metrics[k].confusion) print_confusion(&e->metrics[k], labels_of(m, k));
  if (generated < 0) return;
  printf("  generated: ");
  figures_print_sentence(f, generated);
  printf("\n");
  if (spans >= 0) figures_print_counts(f, figures_find_part(f, spans, "types"), "span", "all spans", INT32_MAX);
}

/* Of a text: one line. */
static void print_text(const figures *f, const model *m) {
  const double n = figures_value(f, 0, "symbols"), nats = figures_value(f, 0, "loss");
  score_total_print("symbol", nats * n, (int64_t)n, (int64_t)figures_value(f, 0, "sequences"), figures_value(f, 0, "accuracy"));
  if (figures_find(f, 0, "loss_fp32"))
    output_rounding(m->precision, nats * BITS_PER_NAT, figures_value(f, 0, "loss_fp32") * BITS_PER_NAT, "bits per symbol");
}

static void print_report(const evaluation *e, const model *m) {
  const figures *f = &e->figures;
  if (schema_is_text(&m->schema)) {
    if (e->metrics[0].confusion) print_confusion(&e->metrics[0], labels_of(m, 0));
    print_text(f, m);
    return;
  }
  char a[32], b[32];
  const double n = figures_value(f, 0, "symbols"), examples = figures_value(f, 0, "sequences"), nats = figures_value(f, 0, "loss");
  for (int k = 0; k < e->n; k++) print_variable(e, m, k);
  printf("total: %.4f nats per prediction, %s prediction%s, %s example%s\n", nats, output_count((int64_t)n, a), n == 1 ? "" : "s",
         output_count((int64_t)examples, b), examples == 1 ? "" : "s");
  if (figures_find(f, 0, "loss_fp32")) output_rounding(m->precision, nats, figures_value(f, 0, "loss_fp32"), "nats per prediction");
}

/* --- JSON --- */

static void label_text(text *out, const vocabulary *v, int32_t i) {
  size_t size;
  const char *name = v->unit == UNIT_LABELS ? lexicon_text(&v->words, i, &size) : NULL;
  if (name)
    text_add(out, name, size);
  else
    output_symbol(out, v, i);
}

static json_t *confusion_json(const label_metrics *m, const vocabulary *v) {
  json_t *labels = json_array(), *rows = json_array();
  for (int i = 0; i < m->n; i++) {
    json_t *row = json_array();
    text name = {0};
    label_text(&name, v, i);
    for (int j = 0; j < m->n; j++) json_array_append_new(row, json_integer((json_int_t)m->confusion[(int64_t)i * m->n + j]));
    json_array_append_new(rows, row);
    json_array_append_new(labels, output_json_text(name.data, name.length));
    text_free(&name);
  }
  return json_pack("{s:o, s:o}", "labels", labels, "rows", rows);
}

static json_t *report_json(const evaluation *e, const model *m, const dataset *d) {
  json_t *out = figures_json(&e->figures), *all = json_object_get(out, "variables");
  for (int k = 0; k < e->n; k++) {
    json_t *one = all ? json_object_get(all, e->figures.subjects[e->variables[k]].name) : out; /* of a text there is one only */
    if (e->metrics[k].confusion) json_object_set_new(one, "confusion", confusion_json(&e->metrics[k], labels_of(m, k)));
  }
  data_report_json(out, d);
  return out;
}

/* --- the command --- */

static unroll_status check(const model *m, const options *o, unroll_error *err) {
  return decode_check_eval(o, decode_is_for(&m->g) && !schema_is_text(&m->schema), decode_ctc(m), err);
}

static unroll_status eval_examples(const model *m, const options *o, pool *workers, unroll_error *err) {
  evaluation e = {0};
  dataset d = {0};
  decode_options search;
  ctc_search prefixes;
  const evaluation_options how = {.rows = o->batch > 0 ? (int)o->batch : ROWS,
                                  .steps = o->unroll > 0 ? (int)o->unroll : STEPS,
                                  .confusion = o->confusion,
                                  .decode = o->decode ? &search : NULL,
                                  .search = decode_search(&prefixes, o),
                                  .stop = signals_flag()};
  unroll_status status = check(m, o, err);
  if (!status) status = decode_eval_options(&search, o, err);
  if (!status) status = data_of_model(&d, m, o, BIND_TRUTH, err);
  if (!status) status = evaluation_run(&e, m, &d, &how, workers, err);
  if (!status && o->json)
    status = output_json(report_json(&e, m, &d), err);
  else if (!status)
    print_report(&e, m);
  evaluation_free(&e);
  dataset_free(&d);
  return status;
}

unroll_status command_eval(const options *o, unroll_error *err) {
  model m = {0};
  pool *workers = pool_new(o->threads > 0 ? (int)o->threads : 0);
  unroll_status status = workers ? model_load(&m, o->arguments[0], false, err) : error_memory(err);
  if (!status) status = model_set_precision(&m, o->precision, err);
  if (!status) status = forecast_check(&m, o, false, err);
  if (!status) status = m.schema.time.time ? forecast_eval(&m, o, workers, err) : eval_examples(&m, o, workers, err);
  model_free(&m);
  pool_free(workers);
  return status;
}
