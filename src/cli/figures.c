/* figures.c - see figures.h. How a figure is said in a sentence is a row of `phrases`; one without a row is in JSON only. */
#include "cli/figures.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/memory.h"
#include "cli/output.h"
#include "cli/terminal.h"

/* --- reading --- */

bool figure_find(const unroll_result *r, int of, const char *name, unroll_figure *out) {
  unroll_figure_init(out);
  for (int i = 0; i < unroll_result_figures(r); i++)
    if (!unroll_result_figure(r, i, out, NULL) && out->subject == of && !strcmp(out->name, name)) return true;
  return false;
}

double figure_value(const unroll_result *r, int of, const char *name) {
  unroll_figure f;
  return figure_find(r, of, name, &f) ? f.value : (double)NAN;
}

bool figure_subject(const unroll_result *r, int number, unroll_subject *out) {
  unroll_subject_init(out);
  return !unroll_result_subject(r, number, out, NULL);
}

int figure_part(const unroll_result *r, int of, const char *name) {
  unroll_subject s;
  for (int i = 0; of >= 0 && figure_subject(r, i, &s); i++)
    if (s.parent == of && !s.is_element && !strcmp(s.name, name)) return i;
  return -1;
}

/* --- JSON --- */

static json_t *value_json(const unroll_figure *x) {
  if (x->word) return output_json_text(x->word, strlen(x->word));
  if (!strcmp(x->unit, "flag")) return json_boolean(x->value != 0);
  return !strcmp(x->unit, "count") ? json_integer((json_int_t)x->value) : json_number(x->value);
}

/* Puts the JSON of subject i where it belongs. */
static void place(json_t **all, const unroll_subject *s, int i) {
  all[i] = s->is_list ? json_array() : json_object();
  if (s->parent < 0) return;
  if (s->is_element) {
    json_array_append_new(all[s->parent], all[i]);
    json_object_set_new(all[i], s->name, output_json_text(s->label, s->length));
  } else {
    json_object_set_new(all[s->parent], s->name, all[i]);
  }
}

json_t *figures_json(const unroll_result *r) {
  const int n = unroll_result_figures(r);
  json_t **all = mem_zero((size_t)unroll_result_subjects(r) + 1, sizeof *all);
  unroll_subject s;
  unroll_figure x;
  int next = 0;
  unroll_figure_init(&x);
  for (int i = 0; all && i <= n; i++) {
    for (; figure_subject(r, next, &s) && s.before <= i; next++) place(all, &s, next);
    if (i < n && !unroll_result_figure(r, i, &x, NULL)) json_object_set_new(all[x.subject], x.name, value_json(&x));
  }
  json_t *whole = all ? all[0] : NULL;
  mem_free(all);
  return whole;
}

/* --- text --- */

const char *figures_percent(double share, char out[16]) {
  if (isnan(share)) return strcpy(out, "-");
  snprintf(out, 16, "%.2f", 100 * share);
  return out;
}

static const struct phrase { /* in the order of a sentence */
  const char *part, *name;   /* the figure; of that part, or of the subject itself */
  const char *before, *after;
  const char *digits; /* NULL: a percentage */
  const char *unless; /* left out beside this figure */
} phrases[] = {
    {NULL, "bleu", "BLEU ", "", NULL, NULL},
    {NULL, "chrf", "chrF ", "", NULL, NULL},
    {NULL, "rouge_1", "ROUGE-1 ", "", NULL, NULL},
    {NULL, "rouge_l", "ROUGE-L ", "", NULL, NULL},
    {NULL, "accuracy", "accuracy ", " %", NULL, NULL},
    {"wer", "rate", "WER ", " %", NULL, NULL},
    {"cer", "rate", "CER ", " %", NULL, NULL},
    {"ones", "f1", "F1 of ones ", " %", NULL, NULL},
    {"spans", "f1", "span F1 ", " %", NULL, NULL},
    {NULL, "macro_f1", "macro F1 ", " %", NULL, NULL},
    {NULL, "weighted_f1", "weighted F1 ", " %", NULL, NULL},
    {NULL, "exact", "", " %", NULL, NULL},
    {NULL, "perplexity", "perplexity ", "", "%.4f", "macro_f1"},
    {NULL, "iou", "mean IoU ", "", "%.4f", NULL},
    {NULL, "above_half", "above one half ", " %", NULL, NULL},
    {NULL, "centre_error", "centre error ", "", "%.4g", NULL},
    {"stays", "iou", "IoU of a box that stays ", "", "%.4f", NULL},
    {"goes_on", "iou", "of one that goes on at its speed ", "", "%.4f", NULL},
    {NULL, "error_to_signal", "error to signal ", "", "%.4g", NULL},
    {NULL, "mse", "mean squared error ", "", "%.6g", NULL},
    {NULL, "loss", "", "", "%.4f", NULL},
};

/* What the errors of words or characters consist of. */
static void print_edits(const unroll_result *r, int of) {
  static const char *const names[] = {"substitutions", "deletions", "insertions", "hits"};
  int64_t n[4];
  char truth[32];
  for (int i = 0; i < 4; i++) n[i] = (int64_t)figure_value(r, of, names[i]);
  printf(" (%" PRId64 " substituted, %" PRId64 " deleted, %" PRId64 " inserted of %s)", n[0], n[1], n[2],
         text_count(n[0] + n[1] + n[3], truth));
}

static void print_phrase(const unroll_result *r, int of, const struct phrase *p, const unroll_figure *x) {
  char number[32];
  unroll_subject s;
  const bool generated = figure_subject(r, of, &s) && !strcmp(s.name, "generated");
  if (p->digits)
    snprintf(number, sizeof number, p->digits, x->value);
  else
    figures_percent(x->value, number);
  printf("%s%s%s", p->before, number, p->after);
  if (!strcmp(x->unit, "nats")) printf(" nats per prediction");
  if (!strcmp(x->unit, "nats per symbol")) printf(" nats per symbol");
  if (!strcmp(x->unit, "pinball")) printf(" pinball loss per prediction");
  if (!strcmp(p->name, "rate")) print_edits(r, x->subject);
  if (!strcmp(p->name, "f1") && figure_part(r, of, "generated") >= 0) printf(" given the true tags");
  if (!strcmp(p->name, "exact")) {
    const double n = figure_value(r, of, "sequences");
    printf(" of %s%s exact", text_count((int64_t)n, number), generated ? "" : n == 1 ? " sequence" : " sequences");
  }
}

void figures_print_sentence(const unroll_result *r, int of) {
  bool first = true;
  for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
    const struct phrase *p = &phrases[i];
    unroll_figure x, other;
    const int from = p->part ? figure_part(r, of, p->part) : of;
    if (from < 0 || (p->unless && figure_find(r, of, p->unless, &other)) || !figure_find(r, from, p->name, &x)) continue;
    if (!first) printf(", ");
    print_phrase(r, of, p, &x);
    first = false;
  }
}

void figures_print_hits(const unroll_result *r, int of) {
  const int hits = figure_part(r, of, "hits");
  unroll_figure f;
  char share[16];
  unroll_figure_init(&f);
  if (hits < 0) return;
  printf("  ");
  for (int i = 0; !unroll_result_figure(r, i, &f, NULL); i++)
    if (f.subject == hits) printf("hits@%s %s %%, ", f.name, figures_percent(f.value, share));
  printf("MRR %.4f\n", figure_value(r, of, "mrr"));
}

static void print_name(const char *name, int width) {
  int n = 0;
  for (const char *s = name; *s; s++) n += (*s & 0xc0) != 0x80;
  printf("  %s%*s", name, n < width ? width - n : 0, "");
}

static void print_count(const unroll_result *r, int of, const char *name) {
  char precision[16], recall[16], f1[16];
  print_name(name, 14);
  printf("%11s%10s%10s%10" PRId64 "\n", figures_percent(figure_value(r, of, "precision"), precision),
         figures_percent(figure_value(r, of, "recall"), recall), figures_percent(figure_value(r, of, "f1"), f1),
         (int64_t)figure_value(r, of, "support"));
}

void figures_print_counts(const unroll_result *r, int list, const char *what, const char *all, int most) {
  int n = 0;
  text name = {0};
  unroll_subject s;
  for (int i = 0; figure_subject(r, i, &s); i++) n += s.parent == list;
  if (n > most) {
    printf("  %d %ss; --json has the figures of each\n", n, what);
    return;
  }
  print_name(what, 14);
  printf("%11s%10s%10s%10s\n", "precision", "recall", "F1", "support");
  for (int i = 0; figure_subject(r, i, &s); i++) {
    if (s.parent != list) continue;
    name.length = 0;
    output_visible(&name, s.label, s.length);
    print_count(r, i, name.failed || !name.length ? "" : name.data);
  }
  if (all && figure_subject(r, list, &s)) print_count(r, s.parent, all);
  text_free(&name);
}
