/* row.c - see row.h. */
#include "cli/row.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "cli/output.h"
#include "cli/terminal.h"

unroll_variable row_variable(const unroll_model *m, const char *name) {
  unroll_variable v;
  unroll_variable_init(&v);
  for (int i = 0; unroll_model_variable(m, i, &v, NULL) == UNROLL_OK && strcmp(v.name, name) != 0; i++) continue;
  return v;
}

/* A list, or {"mean": a list, "quantiles": {"0.1": a list ...}}. */
static json_t *numbers_json(const unroll_value *v) {
  json_t *means = json_array(), *quantiles = json_object();
  for (int64_t i = 0; i < v->steps * v->width; i++) json_array_append_new(means, json_number(v->numbers[i]));
  for (int l = 0; l < v->n_levels; l++) {
    char level[32];
    json_t *list = json_array();
    snprintf(level, sizeof level, "%.15g", v->levels[l]);
    for (int64_t i = 0; i < v->steps; i++)
      for (int j = 0; j < v->width; j++)
        json_array_append_new(list, json_number(v->quantiles[(i * v->n_levels + l) * v->width + j]));
    json_object_set_new(quantiles, level, list);
  }
  if (v->n_levels) return json_pack("{s:o, s:o}", "mean", means, "quantiles", quantiles);
  json_decref(quantiles);
  return means;
}

static json_t *label_json(const unroll_model *m, const char *variable, int32_t symbol) {
  size_t size = 0;
  const char *s = unroll_model_label(m, variable, symbol, &size);
  if (s && !size) return json_string("\n"); /* the end of a text is the end of its line */
  return output_json_text(s ? s : "", size);
}

/* Seconds to the millisecond: a step is longer. */
static json_t *times_json(const unroll_value *v) {
  json_t *list = json_array();
  for (int64_t i = 0; i < v->steps; i++) json_array_append_new(list, json_number(floor(v->times[i] * 1000 + 0.5) / 1000));
  return list;
}

void row_add_symbol(text *out, const unroll_model *m, const char *variable, int32_t symbol) {
  size_t size = 0;
  const char *s = unroll_model_label(m, variable, symbol, &size), *unit = row_variable(m, variable).unit;
  if (!s || !size) s = "\n", size = 1;
  if (!strcmp(unit, "labels")) { /* as it is printed alone */
    for (size_t i = 0; i < size; i++) text_add(out, s[i] == '\n' ? "\\n" : s + i, s[i] == '\n' ? 2 : 1);
    return;
  }
  if (*s == ' ' && !strcmp(unit, "bpe")) {
    text_add(out, "\xe2\x96\x81", 3); /* the mark of a beginning */
    s++, size--;
  }
  output_visible(out, s, size);
}

/* [{"value": a label, "probability": p}, ...], of each step such a list where there are steps. symbols NULL: all, in their order.
 */
static json_t *ranks_json(const unroll_model *m, const unroll_value *v, const int32_t *symbols, const float *p, int n, bool steps) {
  json_t *all = json_array();
  for (int64_t i = 0; i < v->steps; i++) {
    json_t *one = steps ? json_array() : json_incref(all);
    for (int k = 0; k < n; k++)
      json_array_append_new(one, json_pack("{s:o, s:o}", "value", label_json(m, v->name, symbols ? symbols[i * n + k] : k),
                                           "probability", json_number((double)p[i * n + k])));
    if (steps) json_array_append(all, one);
    json_decref(one);
  }
  return all;
}

/* Labels with their probabilities, with tabs between all; those of one step after those of the other. */
static void add_ranks(text *out, const unroll_model *m, const unroll_value *v, const int32_t *symbols, const float *p, int n) {
  for (int64_t i = 0; i < v->steps * n; i++) {
    if (i) text_add(out, "\t", 1);
    row_add_symbol(out, m, v->name, symbols ? symbols[i] : (int32_t)(i % n));
    text_format(out, "\t%.4f", (double)p[i]);
  }
}

/* Has the value steps? Of a model of one text what comes next has none. */
static bool has_steps(const unroll_model *m, const char *name) {
  return row_variable(m, name).has_steps && unroll_model_symbols(m) == 0;
}

json_t *row_value_json(const unroll_model *m, const unroll_value *v, bool generated) {
  if (v->width) return numbers_json(v);
  const unroll_variable x = row_variable(m, v->name);
  json_t *value = NULL;
  if (x.has_steps && !strcmp(x.unit, "labels")) {
    value = json_array();
    for (int64_t i = 0; i < v->steps; i++) json_array_append_new(value, label_json(m, v->name, v->symbols[i]));
  } else if (unroll_model_symbols(m) > 0 && v->steps == 1 && !generated) {
    value = label_json(m, v->name, v->symbols[0]);
  } else {
    value = output_json_text(v->text, v->length);
  }
  json_t *j = json_pack("{s:o}", "value", value);
  if (v->times) json_object_set_new(j, "times", times_json(v));
  if (generated || (!v->p && v->steps)) return j;
  json_t *shares = json_array();
  for (int64_t i = 0; i < v->steps; i++) json_array_append_new(shares, json_number((double)v->p[i]));
  json_object_set_new(j, "probability", shares);
  if (v->n_top) json_object_set_new(j, "top", ranks_json(m, v, v->top, v->top_p, v->n_top, has_steps(m, v->name)));
  if (v->n_probabilities)
    json_object_set_new(j, "probabilities", ranks_json(m, v, NULL, v->probabilities, v->n_probabilities, has_steps(m, v->name)));
  return j;
}

bool row_add_value(text *out, const unroll_value *v) {
  char *line;
  if (unroll_value_line(v, &line, NULL)) return false;
  text_format(out, "%s", line);
  unroll_free(line);
  return !out->failed;
}

int row_put(row_printer *p, text *line) {
  if (line->failed)
    p->broken = true;
  else
    output_line(line);
  text_free(line);
  p->n++;
  p->broken |= ferror(stdout) != 0;
  return p->broken;
}

int row_put_json(row_printer *p, json_t *row) {
  p->broken |= json_array_append_new(p->list, row) != 0;
  p->n++;
  return p->broken;
}

unroll_status row_status(const row_printer *p, unroll_status status, unroll_error *err) {
  if (status || !p->broken) return status;
  return ferror(stdout) ? error_set(err, UNROLL_FAILED, "cannot write to standard output") : error_memory(err);
}

/* Is the value of what the row is of? What is predicted beside a text that is generated is not. */
static bool has_value(const unroll_value *v) { return v->text || v->width; }

static json_t *row_json(const row_printer *p, const unroll_result *r, const unroll_row *row) {
  const bool generated = !isnan(row->log2_p);
  json_t *out = json_object();
  unroll_value v;
  unroll_value_init(&v);
  for (int k = 0; k < unroll_result_variables(r); k++) {
    unroll_result_value(r, 0, unroll_result_variable(r, k), &v, NULL);
    if (has_value(&v)) json_object_set_new(out, v.name, row_value_json(p->m, &v, generated));
  }
  if (!generated) return out;
  json_object_set_new(out, "example", json_integer(row->example + 1));
  json_object_set_new(out, "log2_p", json_number(row->log2_p));
  json_object_set_new(out, "ended", json_boolean(row->ended));
  return out;
}

/* What a line says of a variable: without steps its first rank is its value. */
static bool add_value(text *out, const unroll_model *m, const unroll_value *v) {
  const bool steps = has_steps(m, v->name), ranked = v->n_top && !steps, next = unroll_model_symbols(m) > 0;
  if (next && !ranked) row_add_symbol(out, m, v->name, v->symbols[0]);
  if (!next && !ranked && !row_add_value(out, v)) return false;
  for (int64_t i = 0; v->times && i < v->steps; i++) text_format(out, "%c%.3f", i ? ' ' : '\t', v->times[i]);
  if (v->p && !steps && !ranked) text_format(out, "\t%.4f", (double)v->p[0]);
  if (v->n_top && !ranked) text_add(out, "\t", 1);
  if (v->n_top) add_ranks(out, m, v, v->top, v->top_p, v->n_top);
  if (v->n_probabilities) text_add(out, "\t", 1);
  if (v->n_probabilities) add_ranks(out, m, v, NULL, v->probabilities, v->n_probabilities);
  return !out->failed;
}

int row_print(void *context, const unroll_result *r) {
  row_printer *p = context;
  char probability[32];
  text line = {0};
  unroll_row row;
  unroll_value v;
  unroll_row_init(&row);
  unroll_value_init(&v);
  unroll_result_row(r, 0, &row, NULL);
  if (row.left_out)
    return p->list ? row_put_json(p, json_pack("{s:o}", "error", output_json_text(row.left_out, strlen(row.left_out))))
                   : row_put(p, &line);
  if (p->list) return row_put_json(p, row_json(p, r, &row));
  if (p->numbered) text_format(&line, "%" PRId64 "\t", row.example + 1);
  if (p->o->top > 0 && !isnan(row.log2_p)) text_format(&line, "%" PRId64 "\t%.4f\t", row.example + 1, row.log2_p);
  if (p->o->probability) text_format(&line, "%s\t", output_probability(row.log2_p * log(2), probability));
  for (int k = 0, shown = 0; k < unroll_result_variables(r); k++) {
    unroll_result_value(r, 0, unroll_result_variable(r, k), &v, NULL);
    if (!has_value(&v)) continue;
    if (shown++) text_add(&line, "\t", 1);
    line.failed |= !add_value(&line, p->m, &v);
  }
  return row_put(p, &line);
}
