/* eval.c - `unroll eval`: figures as text or JSON. For each line with ~ the loss and what fits; of a text the loss in bits; of
 * series with dates a table of back-tests. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "cli/backtest.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/figures.h"
#include "cli/output.h"
#include "cli/score.h"
#include "cli/terminal.h"

enum { SHOWN = 60 /* classes in a text; JSON has all */ };

/* --- text --- */

static void print_name(const char *before, const unroll_confusion *c, int i) {
  text name = {0};
  output_visible(&name, c->labels[i], c->lengths[i]);
  printf("%s%s", before, name.failed ? "?" : name.data ? name.data : "");
  text_free(&name);
}

static void print_confusion(const unroll_confusion *c) {
  printf("  true\\predicted");
  for (int i = 0; i < c->n; i++) print_name("\t", c, i);
  printf("\n");
  for (int i = 0; i < c->n; i++) {
    print_name("  ", c, i);
    for (int j = 0; j < c->n; j++) printf("\t%" PRId64, c->counts[(int64_t)i * c->n + j]);
    printf("\n");
  }
}

/* Of a variable; NULL: of each. */
static void print_confusions(const unroll_result *r, const char *name) {
  unroll_confusion c;
  unroll_confusion_init(&c);
  for (int i = 0; !unroll_result_confusion(r, i, &c, NULL); i++)
    if (!name || !strcmp(c.variable, name)) print_confusion(&c);
}

static void print_variable(const unroll_result *r, int of, const char *name) {
  const int labels = figure_part(r, of, "labels"), generated = figure_part(r, of, "generated");
  const int spans = figure_part(r, generated >= 0 ? generated : of, "spans");
  printf("%s: ", name);
  figures_print_sentence(r, of);
  printf("\n");
  figures_print_hits(r, of);
  if (labels >= 0) figures_print_counts(r, labels, "label", NULL, SHOWN);
  if (spans >= 0 && generated < 0) figures_print_counts(r, figure_part(r, spans, "types"), "span", "all spans", INT32_MAX);
  print_confusions(r, name);
  if (generated < 0) return;
  printf("  generated: ");
  figures_print_sentence(r, generated);
  printf("\n");
  if (spans >= 0) figures_print_counts(r, figure_part(r, spans, "types"), "span", "all spans", INT32_MAX);
}

/* All lines with ~ together; of a text in bits of a symbol. */
static void print_total(const unroll_result *r) {
  unroll_figure f;
  char a[32], b[32];
  const double nats = figure_value(r, 0, "loss"), n = figure_value(r, 0, "symbols"), all = figure_value(r, 0, "sequences");
  const bool bits = figure_find(r, 0, "bits_per_symbol", &f);
  const double scale = bits ? BITS_PER_NAT : 1;
  if (bits)
    score_total_print("symbol", nats * n, (int64_t)n, (int64_t)all, figure_value(r, 0, "accuracy"));
  else
    printf("total: %.4f nats per prediction, %s prediction%s, %s example%s\n", nats, text_count((int64_t)n, a), n == 1 ? "" : "s",
           text_count((int64_t)all, b), all == 1 ? "" : "s");
  figures_print_hits(r, 0);
  if (!figure_find(r, 0, "precision", &f)) return;
  const double exact = figure_value(r, 0, "loss_fp32") * scale, cost = nats * scale - exact;
  printf("in single precision: %.4f %s; %s costs %+.4f", exact, bits ? "bits per symbol" : "nats per prediction", f.word, cost);
  if (exact > 0) printf(" (%+.2f %%)", 100 * cost / exact);
  printf("\n");
}

static void print_report(const unroll_result *r) {
  const int variables = figure_part(r, 0, "variables");
  unroll_subject s;
  if (variables < 0) print_confusions(r, NULL);
  for (int i = 0; variables >= 0 && figure_subject(r, i, &s); i++)
    if (s.parent == variables) print_variable(r, i, s.name);
  print_total(r);
}

/* --- JSON --- */

static json_t *confusion_json(const unroll_confusion *c, bool escaped) {
  json_t *labels = json_array(), *rows = json_array();
  for (int i = 0; i < c->n; i++) {
    json_t *row = json_array();
    text name = {0};
    if (escaped) output_visible(&name, c->labels[i], c->lengths[i]);
    for (int j = 0; j < c->n; j++) json_array_append_new(row, json_integer((json_int_t)c->counts[(int64_t)i * c->n + j]));
    json_array_append_new(rows, row);
    json_array_append_new(labels,
                          escaped ? output_json_text(name.data, name.length) : output_json_text(c->labels[i], c->lengths[i]));
    text_free(&name);
  }
  return json_pack("{s:o, s:o}", "labels", labels, "rows", rows);
}

/* Labels are written as they are, symbols of texts so that they can be seen. */
static bool is_labels(const unroll_model *m, const char *name) {
  unroll_variable v;
  unroll_variable_init(&v);
  for (int i = 0; !unroll_model_variable(m, i, &v, NULL); i++)
    if (!strcmp(v.name, name)) return !strcmp(v.unit, "labels");
  return false;
}

static json_t *report_json(const unroll_model *m, const unroll_result *r) {
  json_t *out = figures_json(r), *all = json_object_get(out, "variables");
  unroll_confusion c;
  unroll_confusion_init(&c);
  for (int i = 0; !unroll_result_confusion(r, i, &c, NULL); i++)
    json_object_set_new(all ? json_object_get(all, c.variable) : out, "confusion", confusion_json(&c, !is_labels(m, c.variable)));
  return out;
}

unroll_status command_eval(const options *o, unroll_error *err) {
  unroll_model *m = NULL;
  unroll_table *t = NULL;
  unroll_options *how = NULL;
  unroll_result *r = NULL;
  unroll_status status = data_options_of(&how, "eval", o, err);
  if (!status) status = unroll_model_load(&m, o->arguments[0], err);
  if (!status) status = data_table(&t, o, 1, err);
  if (!status) status = unroll_evaluate(m, t, how, &r, err);
  if (!status) data_left_out(r);
  if (!status && o->json)
    status = output_json(report_json(m, r), err);
  else if (!status && !isnan(unroll_result_find(r, "", "windows")))
    backtest_print(r);
  else if (!status)
    print_report(r);
  unroll_result_free(r);
  unroll_options_free(how);
  unroll_table_free(t);
  unroll_model_free(m);
  return status;
}
