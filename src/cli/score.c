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
#include "cli/row.h"
#include "cli/terminal.h"

enum { STREAM_SHOWN = 60 }; /* symbols of a stream in its line */

/* The model of one text has symbols of its own. */
static bool is_plain(const unroll_model *m) { return unroll_model_symbols(m) > 0; }

/* Is it one long text, of which the beginning will do? */
static bool is_stream(const unroll_model *m) { return is_plain(m) && unroll_model_end(m) < 0; }

static bool add_value(text *out, const row_printer *p, const unroll_value *v) {
  char *begin = NULL;
  if (!is_stream(p->m) || v->steps <= STREAM_SHOWN) return row_add_value(out, v);
  unroll_value cut = *v;
  if (unroll_model_text(p->m, v->name, v->symbols, STREAM_SHOWN, &begin, &cut.length, NULL)) return false;
  cut.text = begin;
  const bool full = row_add_value(out, &cut);
  unroll_free(begin);
  text_add(out, "...", 3);
  return full && !out->failed;
}

/* A step's numbers. */
static bool add_step(text *out, const unroll_value *v, int64_t i) {
  unroll_value step = *v;
  step.numbers += i * v->width;
  step.steps = 1;
  return row_add_value(out, &step);
}

/* --- JSON --- */

/* Of a text as it is, of others with escapes. */
static json_t *value_json(const row_printer *p, const unroll_value *v) {
  text t = {0};
  if (is_plain(p->m)) return output_json_text(v->text, v->length);
  json_t *j = row_add_value(&t, v) ? output_json_text(t.data ? t.data : "", t.length) : NULL;
  text_free(&t);
  return j;
}

static json_t *per_symbol_json(const unroll_value *v) {
  json_t *list = json_array();
  for (int64_t i = 0; i < v->n_log2_p; i++) json_array_append_new(list, json_number(v->log2_p[i]));
  return list;
}

static int print_json(row_printer *p, const unroll_result *r, const unroll_row *row) {
  json_t *out = json_object();
  unroll_value v;
  int64_t n = 0;
  unroll_value_init(&v);
  for (int k = 0; k < unroll_result_variables(r); k++) {
    unroll_result_value(r, 0, unroll_result_variable(r, k), &v, NULL);
    n += v.n_log2_p;
  }
  if (is_plain(p->m)) json_object_set_new(out, "text", value_json(p, &v));
  json_object_set_new(out, "log2_p", json_number(row->log2_p));
  json_object_set_new(out, "symbols", json_integer(n));
  for (int k = 0; k < unroll_result_variables(r); k++) {
    unroll_result_value(r, 0, unroll_result_variable(r, k), &v, NULL);
    json_t *to = is_plain(p->m) ? json_incref(out) : json_object();
    if (!is_plain(p->m)) json_object_set_new(to, "value", value_json(p, &v));
    if (p->o->per_symbol && v.log2_p) json_object_set_new(to, "log2_p_per_symbol", per_symbol_json(&v));
    if (!is_plain(p->m)) json_object_set(out, v.name, to);
    json_decref(to);
  }
  return row_put_json(p, out);
}

/* --- text --- */

/* A line for each symbol or number; of several variables with their names. */
static void add_symbols(text *out, const row_printer *p, const unroll_value *v, bool named) {
  for (int64_t i = 0; i < v->n_log2_p && v->log2_p; i++) {
    text_add(out, "\n\t", 2);
    if (named) text_format(out, "%s\t", v->name);
    if (v->width)
      out->failed |= !add_step(out, v, i);
    else
      row_add_symbol(out, p->m, v->name, i < v->steps ? v->symbols[i] : unroll_model_end(p->m));
    text_format(out, "\t%.4f\t", v->log2_p[i]);
    text_add_digits(out, exp2(v->log2_p[i]), 6);
  }
}

static int print(void *context, const unroll_result *r) {
  row_printer *p = context;
  text line = {0};
  unroll_row row;
  unroll_value v;
  const int n = unroll_result_variables(r);
  unroll_row_init(&row);
  unroll_value_init(&v);
  unroll_result_row(r, 0, &row, NULL);
  if (p->list) return print_json(p, r, &row);
  text_format(&line, "%.4f", row.log2_p);
  for (int k = 0; k < n; k++) {
    unroll_result_value(r, 0, unroll_result_variable(r, k), &v, NULL);
    text_add(&line, "\t", 1);
    line.failed |= !add_value(&line, p, &v);
  }
  for (int k = 0; k < n && p->o->per_symbol; k++) {
    unroll_result_value(r, 0, unroll_result_variable(r, k), &v, NULL);
    add_symbols(&line, p, &v, n > 1);
  }
  return row_put(p, &line);
}

/* --- the last line --- */

json_t *score_total_json(double nats, int64_t symbols, int64_t sequences, double accuracy) {
  const double mean = symbols > 0 ? nats / (double)symbols : (double)NAN;
  json_t *out = json_pack("{s:I, s:I}", "sequences", (json_int_t)sequences, "symbols", (json_int_t)symbols);
  if (!out) return NULL;
  json_object_set_new(out, "loss", json_number(mean));
  json_object_set_new(out, "bits_per_symbol", json_number(mean / log(2)));
  json_object_set_new(out, "perplexity", json_number(exp(mean)));
  if (!isnan(accuracy)) json_object_set_new(out, "accuracy", json_number(accuracy));
  return out;
}

void score_total_print(const char *what, double nats, int64_t symbols, int64_t sequences, double accuracy) {
  char a[32], b[32], share[32] = "";
  const double mean = symbols > 0 ? nats / (double)symbols : (double)NAN;
  if (!isnan(accuracy)) snprintf(share, sizeof share, ", accuracy %.2f %%", 100 * accuracy);
  printf("total: %.4f bits per %s, perplexity %.4f%s, %s %s%s, %s sequence%s\n", mean / log(2), what, exp(mean), share,
         text_count(symbols, a), what, symbols == 1 ? "" : "s", text_count(sequences, b), sequences == 1 ? "" : "s");
}

/* The figures of the whole. */
static json_t *total_json(const unroll_result *r) {
  json_t *out = json_object();
  unroll_figure f;
  unroll_figure_init(&f);
  for (int i = 0; i < unroll_result_figures(r); i++) {
    unroll_result_figure(r, i, &f, NULL);
    json_object_set_new(out, f.name, strcmp(f.unit, "count") ? json_number(f.value) : json_integer((json_int_t)f.value));
  }
  return out;
}

static void print_total(const unroll_result *r, bool plain) {
  const double n = unroll_result_find(r, NULL, "symbols");
  score_total_print(plain ? "symbol" : "prediction", unroll_result_find(r, NULL, "loss") * n, (int64_t)n,
                    (int64_t)unroll_result_find(r, NULL, "sequences"), (double)NAN);
}

unroll_status command_score(const options *o, unroll_error *err) {
  unroll_model *m = NULL;
  unroll_options *how = NULL;
  unroll_table *t = NULL;
  unroll_result *r = NULL;
  row_printer p = {.o = o, .list = o->json ? json_array() : NULL};
  unroll_status status = unroll_model_load(&m, o->arguments[0], err);
  p.m = m;
  if (!status) status = data_options_of(&how, "score", o, err);
  if (!status) status = data_table(&t, o, 1, err);
  if (!status) unroll_options_set_rows(how, print, &p);
  if (!status) status = row_status(&p, unroll_score_table(m, t, how, &r, err), err);
  if (r) data_left_out(r);
  if (!status && o->json) {
    json_t *out = total_json(r);
    json_object_set(out, "scores", p.list);
    status = output_json(out, err);
  } else if (!status) {
    print_total(r, is_plain(m));
  }
  json_decref(p.list);
  unroll_result_free(r);
  unroll_table_free(t);
  unroll_options_free(how);
  unroll_model_free(m);
  return status;
}
