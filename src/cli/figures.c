/* figures.c - see figures.h. How a figure is said in a sentence is a row of `phrases`; one without a row is in JSON only. */
#include "cli/figures.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "cli/output.h"
#include "cli/terminal.h"

/* --- JSON --- */

static json_t *value_json(const figure *x) {
  if (x->unit == FIGURE_WORD) return output_json_text(x->word, strlen(x->word));
  if (x->unit == FIGURE_FLAG) return json_boolean(x->value != 0);
  return x->unit == FIGURE_COUNT ? json_integer((json_int_t)x->value) : json_number(x->value);
}

/* Puts the JSON of subject i where it belongs. */
static void place(json_t **all, const figures *f, int i) {
  const subject *s = &f->subjects[i];
  all[i] = s->kind == SUBJECT_LIST ? json_array() : json_object();
  if (s->parent < 0) return;
  if (s->kind == SUBJECT_ELEMENT) {
    json_array_append_new(all[s->parent], all[i]);
    json_object_set_new(all[i], s->name, output_json_text(s->label, s->size));
  } else {
    json_object_set_new(all[s->parent], s->name, all[i]);
  }
}

json_t *figures_json(const figures *f) {
  json_t **all = mem_zero((size_t)f->n_subjects + 1, sizeof *all);
  int next = 0;
  for (int i = 0; all && i <= f->n; i++) {
    for (; next < f->n_subjects && f->subjects[next].at <= i; next++) place(all, f, next);
    if (i < f->n) json_object_set_new(all[f->list[i].of], f->list[i].name, value_json(&f->list[i]));
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
    {NULL, "mse", "mean squared error ", "", "%.6g", NULL},
    {NULL, "loss", "", "", "%.4f", NULL},
};

/* What the errors of words or characters consist of. */
static void print_edits(const figures *f, int of) {
  static const char *const names[] = {"substitutions", "deletions", "insertions", "hits"};
  int64_t n[4];
  char truth[32];
  for (int i = 0; i < 4; i++) n[i] = (int64_t)figures_value(f, of, names[i]);
  printf(" (%" PRId64 " substituted, %" PRId64 " deleted, %" PRId64 " inserted of %s)", n[0], n[1], n[2],
         output_count(n[0] + n[1] + n[3], truth));
}

static void print_phrase(const figures *f, int of, const struct phrase *p, const figure *x) {
  char number[32];
  const bool generated = f->subjects[of].name && !strcmp(f->subjects[of].name, "generated");
  if (p->digits)
    snprintf(number, sizeof number, p->digits, x->value);
  else
    figures_percent(x->value, number);
  printf("%s%s%s", p->before, number, p->after);
  if (x->unit == FIGURE_NATS) printf(" nats per prediction");
  if (x->unit == FIGURE_SYMBOL_NATS) printf(" nats per symbol");
  if (x->unit == FIGURE_PINBALL) printf(" pinball loss per prediction");
  if (!strcmp(p->name, "rate")) print_edits(f, x->of);
  if (!strcmp(p->name, "f1") && figures_find_part(f, of, "generated") >= 0) printf(" given the true tags");
  if (!strcmp(p->name, "exact")) {
    const double n = figures_value(f, of, "sequences");
    printf(" of %s%s exact", output_count((int64_t)n, number), generated ? "" : n == 1 ? " sequence" : " sequences");
  }
}

void figures_print_sentence(const figures *f, int of) {
  bool first = true;
  for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
    const struct phrase *p = &phrases[i];
    const int from = p->part ? figures_find_part(f, of, p->part) : of;
    const figure *x = from < 0 || (p->unless && figures_find(f, of, p->unless)) ? NULL : figures_find(f, from, p->name);
    if (!x) continue;
    if (!first) printf(", ");
    print_phrase(f, of, p, x);
    first = false;
  }
}

static void print_name(const char *name, int width) {
  int n = 0;
  for (const char *s = name; *s; s++) n += (*s & 0xc0) != 0x80;
  printf("  %s%*s", name, n < width ? width - n : 0, "");
}

static void print_count(const figures *f, int of, const char *name) {
  char precision[16], recall[16], f1[16];
  print_name(name, 14);
  printf("%11s%10s%10s%10" PRId64 "\n", figures_percent(figures_value(f, of, "precision"), precision),
         figures_percent(figures_value(f, of, "recall"), recall), figures_percent(figures_value(f, of, "f1"), f1),
         (int64_t)figures_value(f, of, "support"));
}

void figures_print_counts(const figures *f, int list, const char *what, const char *all, int most) {
  int n = 0;
  text name = {0};
  for (int i = 0; i < f->n_subjects; i++) n += f->subjects[i].parent == list;
  if (n > most) {
    printf("  %d %ss; --json has the figures of each\n", n, what);
    return;
  }
  print_name(what, 14);
  printf("%11s%10s%10s%10s\n", "precision", "recall", "F1", "support");
  for (int i = 0; i < f->n_subjects; i++) {
    if (f->subjects[i].parent != list) continue;
    name.length = 0;
    output_visible(&name, f->subjects[i].label, f->subjects[i].size);
    print_count(f, i, name.failed || !name.length ? "" : name.data);
  }
  if (all) print_count(f, f->subjects[list].parent, all);
  text_free(&name);
}
