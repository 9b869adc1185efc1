/* runs.c - see runs.h. */
#include "report/runs.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"

static const double bits_per_nat = 1.4426950408889634;

char runs_letter(int run) { return (char)(run < 26 ? 'a' + run : run < 52 ? 'A' + run - 26 : '*'); }

/* --- what runs differ in --- */

static const char *asked_value(const run_log *log, const char *name) {
  for (int i = 0; i < log->n_asked; i++)
    if (!strcmp(log->asked[i].name, name)) return log->asked[i].value;
  return "";
}

/* Whether the name is asked for first by this run, and not by all in the same way. */
static bool differs(const run_log *logs, int n, int run, const char *name) {
  for (int r = 0; r < run; r++)
    for (int i = 0; i < logs[r].n_asked; i++)
      if (!strcmp(logs[r].asked[i].name, name)) return false;
  for (int r = 0; r < n; r++)
    if (strcmp(asked_value(&logs[r], name), asked_value(&logs[run], name)) != 0) return true;
  return false;
}

/* --- the table: columns of texts, then widths, then lines --- */

enum { MAX_TABLE = 24 };

typedef struct table {
  int n;
  char title[MAX_TABLE][24];
  const char *asked[MAX_TABLE]; /* NULL: a column of figures */
  size_t width[MAX_TABLE];
} table;

static const char *const figures[] = {"",           "steps",   "epochs",    "time",      "loss bits",
                                      "valid bits", "at step", "test bits", "per second"};
enum { N_FIGURES = sizeof figures / sizeof *figures };

static void number(double x, const char *format, text *out) {
  if (!isnan(x)) text_format(out, format, x);
}

static void duration(double seconds, text *out) {
  if (isnan(seconds)) return;
  const long s = lround(seconds);
  if (s >= 3600)
    text_format(out, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  else
    text_format(out, "%ld:%02ld", s / 60, s % 60);
}

static void cell(const run_log *log, int run, const table *t, int column, text *out) {
  size_t at = 0;
  const char letter = runs_letter(run);
  if (t->asked[column]) {
    const char *value = asked_value(log, t->asked[column]);
    text_add(out, value, strlen(value));
    return;
  }
  switch (column) {
  case 0:
    text_add(out, &letter, 1);
    break;
  case 1:
    number(run_log_last(log, "step", NULL), "%.0f", out);
    break;
  case 2:
    number(run_log_last(log, "epoch", NULL), "%.0f", out);
    break;
  case 3:
    duration(run_log_last(log, "seconds", NULL), out);
    break;
  case 4:
    number(run_log_last(log, "loss", NULL) * bits_per_nat, "%.4f", out);
    break;
  case 5:
    number(run_log_least(log, "valid_bits", NULL), "%.4f", out);
    break;
  case 6:
    if (!isnan(run_log_least(log, "valid_bits", &at))) number(run_log_column(log, "step")->values[at], "%.0f", out);
    break;
  case 7:
    number(run_log_last(log, "test_bits", NULL), "%.4f", out);
    break;
  case 8:
    number(run_log_last(log, "symbols_per_second", NULL), "%.3g", out);
    break;
  default:
    break;
  }
}

/* Letters of a text, for its width. */
static size_t letters(const char *s) {
  size_t n = 0;
  for (; *s; s++) n += ((unsigned char)*s & 0xc0) != 0x80;
  return n;
}

static void padded(const char *s, size_t width, bool last, text *out) {
  text_format(out, "%s", s);
  if (!last) text_format(out, "%*s", (int)(width - letters(s)) + 2, "");
}

static void measure(table *t, const run_log *logs, int n, text *out) {
  for (int c = 0; c < t->n; c++) {
    bool any = false;
    t->width[c] = letters(t->title[c]);
    for (int r = 0; r < n; r++) {
      text s = {0};
      cell(&logs[r], r, t, c, &s);
      if (s.length) any = true;
      if (s.data && letters(s.data) > t->width[c]) t->width[c] = letters(s.data);
      if (s.failed) out->failed = 1;
      text_free(&s);
    }
    if (!any) t->width[c] = 0; /* left out */
  }
}

void runs_table(const run_log *logs, int n, text *out) {
  table t = {.n = N_FIGURES};
  for (int c = 0; c < N_FIGURES; c++) snprintf(t.title[c], sizeof t.title[c], "%s", figures[c]);
  for (int r = 0; r < n; r++)
    for (int i = 0; i < logs[r].n_asked && t.n < MAX_TABLE; i++) {
      const char *name = logs[r].asked[i].name;
      if (!differs(logs, n, r, name)) continue;
      t.asked[t.n] = name;
      snprintf(t.title[t.n++], sizeof t.title[0], "%.23s", name);
    }
  measure(&t, logs, n, out);
  for (int c = 0; c < t.n; c++)
    if (t.width[c] || !c) padded(t.title[c], t.width[c], false, out);
  text_format(out, "run\n");
  for (int r = 0; r < n; r++) {
    for (int c = 0; c < t.n; c++) {
      text s = {0};
      if (!t.width[c]) continue;
      cell(&logs[r], r, &t, c, &s);
      padded(s.data ? s.data : "", t.width[c], false, out);
      if (s.failed) out->failed = 1;
      text_free(&s);
    }
    text_format(out, "%s\n", logs[r].name);
  }
}

/* --- curves --- */

static bool has(const run_log *logs, int n, const char *name, bool all) {
  int found = 0;
  for (int r = 0; r < n; r++) found += !isnan(run_log_last(&logs[r], name, NULL));
  return all ? found == n : found > 0;
}

static unroll_status no_column(const run_log *logs, int n, const char *of, unroll_error *err) {
  text names = {0};
  for (int r = 0; r < n; r++)
    for (int i = 0; i < logs[r].n_columns; i++) {
      bool before = false;
      for (int q = 0; q < r; q++) before |= run_log_column(&logs[q], logs[r].columns[i].name) != NULL;
      if (!before) text_format(&names, "%s%s", names.length ? ", " : "", logs[r].columns[i].name);
    }
  const unroll_status status = error_set(err, UNROLL_USAGE, "no run has '%s' in its log; there are %.300s", of, names.data);
  text_free(&names);
  return status;
}

/* A column as a curve; loss of training in bits, as validation is. */
static curve make_curve(const run_log *log, const char *name, char letter, double *scaled) {
  const log_column *c = run_log_column(log, name);
  curve out = {.label = letter, .x = run_log_column(log, "step")->values, .y = c ? c->values : NULL, .n = c ? log->n_records : 0};
  if (!c || strcmp(name, "loss") != 0) return out;
  for (size_t i = 0; i < log->n_records; i++) scaled[i] = c->values[i] * bits_per_nat;
  out.y = scaled;
  return out;
}

unroll_status runs_chart(const run_log *logs, int n, const char *of, const chart_form *form, text *out, unroll_error *err) {
  const bool both = !of && n == 1 && has(logs, n, "valid_bits", true);
  const int count = both ? 2 : n;
  const char *name = of ? of : !both && has(logs, n, "valid_bits", true) ? "valid_bits" : "loss";
  if (!has(logs, n, name, false)) return no_column(logs, n, name, err);
  curve *curves = mem_zero((size_t)count, sizeof *curves);
  double **scaled = mem_zero((size_t)n, sizeof *scaled);
  bool good = curves && scaled;
  for (int r = 0; good && r < n; r++) {
    scaled[r] = mem_zero(logs[r].n_records + 1, sizeof *scaled[r]);
    good = scaled[r] != NULL;
    if (good) curves[r] = make_curve(&logs[r], name, n == 1 ? (char)(both ? 't' : 0) : runs_letter(r), scaled[r]);
  }
  if (good && both) curves[1] = make_curve(&logs[0], "valid_bits", 'v', NULL);
  if (good) {
    if (both)
      text_format(out, "bits per symbol: t training, v validation\n");
    else
      text_format(out, "%s%s\n", name, strcmp(name, "loss") ? "" : " of training, bits per symbol");
    chart_draw(curves, count, form, out);
  }
  for (int r = 0; scaled && r < n; r++) mem_free(scaled[r]);
  mem_free(scaled);
  mem_free(curves);
  return good && !out->failed ? UNROLL_OK : error_memory(err);
}
