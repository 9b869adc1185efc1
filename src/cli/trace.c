/* trace.c - `unroll trace`: values inside the equations at every step, as CSV, JSON lines, or a safetensors file. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "io/json.h"
#include "io/safetensors.h"

enum { MOST_NAMES = 256, BLOCK = 1 << 16 };

/* What there is goes out; where something was lost before, nothing does. */
static void put(text *out) {
  if (out->length && !out->failed) fwrite(out->data, 1, out->length, stdout);
  out->length = 0;
}

typedef struct names {
  const char *list[MOST_NAMES];
  int n;
  arena memory;
} names;

static unroll_status split(names *n, const char *s, unroll_error *err) {
  for (size_t length; *s; s += length + (s[length] == ',')) {
    length = strcspn(s, ",");
    if (!length || n->n == MOST_NAMES)
      return error_set(err, UNROLL_USAGE, n->n == MOST_NAMES ? "at most %d values at a time" : "--of has an empty name",
                       MOST_NAMES);
    n->list[n->n] = arena_text(&n->memory, s, length);
    if (!n->list[n->n++]) return error_memory(err);
  }
  return n->n ? UNROLL_OK : error_set(err, UNROLL_USAGE, "--of has no name");
}

/* Everything that the net names outside its cells, and what goes in. */
static unroll_status all_names(names *n, const unroll_model *m, unroll_error *err) {
  for (int i = 0; i < unroll_model_variables(m) && n->n < MOST_NAMES; i++) {
    unroll_variable v;
    unroll_variable_init(&v);
    unroll_model_variable(m, i, &v, NULL);
    if (v.symbols || v.width <= 16) n->list[n->n++] = v.name; /* pictures and the like are too wide to be read */
  }
  for (int i = 0; unroll_model_value(m, i) && n->n < MOST_NAMES; i++)
    if (!strchr(unroll_model_value(m, i), '.')) n->list[n->n++] = unroll_model_value(m, i);
  return n->n ? UNROLL_OK : error_set(err, UNROLL_USAGE, "the equations have no value with a name; say which with --of");
}

/* --- CSV: a row a step --- */

static void csv_header(const unroll_result *r, const int *widths, const int *tops, text *out) {
  text_format(out, "example,step");
  for (int k = 0; k < unroll_result_variables(r); k++) {
    const char *name = unroll_result_variable(r, k);
    if (widths[k] <= 1) text_format(out, ",%s", name);
    for (int i = 0; widths[k] > 1 && i < widths[k]; i++) text_format(out, ",%s%d", name, i + 1);
    for (int i = 0; i < tops[k]; i++) text_format(out, ",%s.top%d,%s.p%d", name, i + 1, name, i + 1);
  }
  text_format(out, "\n");
}

/* What was likeliest, each with its probability: n cells for each, empty where there is no such step. */
static void csv_top(const unroll_model *m, const char *name, const unroll_value *v, int64_t step, int n, text *out) {
  for (int i = 0; i < n; i++) {
    const bool there = step < v->steps && i < v->n_top;
    size_t length = 0;
    const char *symbol = there ? unroll_model_label(m, name, v->top[step * v->n_top + i], &length) : NULL;
    text_add(out, ",", 1);
    if (symbol) text_add_field(out, symbol, length);
    text_add(out, ",", 1);
    if (symbol) text_add_digits(out, (double)v->top_p[step * v->n_top + i], 6);
  }
}

static void csv_cells(const unroll_model *m, const char *name, const unroll_value *v, int64_t step, int width, text *out) {
  const int64_t at = v->steps == 1 ? 0 : step; /* of what has no steps the same everywhere */
  const int cells = width > 1 ? width : 1, n = at < v->steps && v->numbers ? (v->width < cells ? v->width : cells) : 0;
  text_add(out, ",", 1);
  if (at < v->steps && v->symbols) {
    size_t length = 0;
    const char *symbol = unroll_model_label(m, name, v->symbols[at], &length);
    text_add_field(out, symbol, length);
  }
  if (n) text_add_numbers(out, v->numbers + at * v->width, (size_t)n, 9, ",", NULL);
  for (int i = n > 1 ? n : 1; i < cells; i++) text_add(out, ",", 1);
}

static unroll_status print_csv(const unroll_model *m, const unroll_result *r, unroll_error *err) {
  const int n = unroll_result_variables(r);
  int widths[MOST_NAMES] = {0}, tops[MOST_NAMES] = {0};
  text out = {0};
  for (int pass = 0; pass < 2; pass++) {
    for (int64_t row = 0; row < unroll_result_rows(r); row++) {
      unroll_value values[MOST_NAMES];
      int64_t steps = 0;
      for (int k = 0; k < n; k++) {
        unroll_value_init(&values[k]);
        unroll_result_value(r, row, unroll_result_variable(r, k), &values[k], NULL);
        if (values[k].steps > steps) steps = values[k].steps;
        if (!values[k].symbols && values[k].width > widths[k]) widths[k] = values[k].width;
        if (values[k].n_top > tops[k]) tops[k] = values[k].n_top;
      }
      for (int64_t step = 0; pass && step < steps; step++) {
        text_add_whole(&out, row + 1);
        text_add(&out, ",", 1);
        text_add_whole(&out, step + 1);
        for (int k = 0; k < n; k++) {
          csv_cells(m, unroll_result_variable(r, k), &values[k], step, widths[k], &out);
          csv_top(m, unroll_result_variable(r, k), &values[k], step, tops[k], &out);
        }
        text_add(&out, "\n", 1);
        if (out.length >= BLOCK) put(&out);
      }
    }
    if (!pass) csv_header(r, widths, tops, &out);
  }
  put(&out);
  const bool failed = out.failed;
  text_free(&out);
  return failed ? error_memory(err) : UNROLL_OK;
}

/* --- JSON lines: written as they come, for there may be millions of numbers --- */

static void json_value(const unroll_value *v, text *out) {
  if (v->symbols) {
    json_add(out, output_json_text(v->text, v->length));
    return;
  }
  for (int64_t t = 0; t < v->steps; t++) {
    text_add(out, t ? ", [" : "[[", t ? 3 : 2);
    if (v->numbers) text_add_numbers(out, v->numbers + t * v->width, (size_t)v->width, 9, ", ", "null");
    text_add(out, "]", 1);
    if (out->length >= BLOCK) put(out);
  }
  text_add(out, v->steps > 0 ? "]" : "[]", v->steps > 0 ? 1 : 2);
}

/* "token.top": of each step a list. */
static void json_top(const unroll_model *m, const char *name, const unroll_value *v, text *out) {
  text_add(out, "[", 1);
  for (int64_t t = 0; t < v->steps; t++) {
    text_add(out, t ? ", [" : "[", t ? 3 : 1);
    for (int i = 0; i < v->n_top; i++) {
      size_t length = 0;
      const char *symbol = unroll_model_label(m, name, v->top[t * v->n_top + i], &length);
      text_format(out, "%s{\"value\": ", i ? ", " : "");
      json_add(out, output_json_text(symbol ? symbol : "", length));
      text_format(out, ", \"probability\": ");
      json_add_number(out, (double)v->top_p[t * v->n_top + i], 9);
      text_add(out, "}", 1);
    }
    text_add(out, "]", 1);
  }
  text_add(out, "]", 1);
}

static unroll_status print_json(const unroll_model *m, const unroll_result *r, unroll_error *err) {
  text out = {0}, key = {0};
  for (int64_t row = 0; row < unroll_result_rows(r); row++) {
    text_format(&out, "{\"example\": %lld", (long long)row + 1);
    for (int k = 0; k < unroll_result_variables(r); k++) {
      unroll_value v;
      unroll_value_init(&v);
      unroll_result_value(r, row, unroll_result_variable(r, k), &v, NULL);
      for (int top = 0; top < (v.n_top ? 2 : 1); top++) {
        key.length = 0;
        text_format(&key, top ? "%s.top" : "%s", unroll_result_variable(r, k));
        text_add(&out, ", ", 2);
        json_add(&out, output_json_text(key.data ? key.data : "", key.length));
        text_add(&out, ": ", 2);
        if (top)
          json_top(m, v.name, &v, &out);
        else
          json_value(&v, &out);
      }
    }
    text_add(&out, "}\n", 2);
    if (out.failed || key.failed) break;
    put(&out);
  }
  const bool failed = out.failed || key.failed;
  text_free(&out);
  text_free(&key);
  return failed ? error_memory(err) : UNROLL_OK;
}

/* --- safetensors: NAME [all steps, width], and NAME.first [examples + 1] where each example begins --- */

static unroll_status add_tensor(tensor *list, const unroll_result *r, const char *name, arena *memory, unroll_error *err) {
  const int64_t rows = unroll_result_rows(r);
  int64_t steps = 0, width = 0, at = 0;
  unroll_value v;
  bool symbols = false;
  for (int64_t i = 0; i < rows; i++) {
    unroll_value_init(&v);
    unroll_result_value(r, i, name, &v, NULL);
    steps += v.steps;
    symbols |= v.symbols != NULL;
    if (v.width > width) width = v.width;
  }
  if (symbols) width = 1;
  int64_t *first = arena_alloc(memory, (size_t)rows + 1, sizeof *first);
  float *x = arena_alloc(memory, (size_t)(steps * width) + 1, sizeof *x);
  text called = {0};
  text_format(&called, "%s.first", name);
  char *copy = called.failed ? NULL : arena_text(memory, called.data, called.length);
  text_free(&called);
  if (!first || !x || !copy) return error_memory(err);
  for (int64_t i = 0; i < rows; i++) {
    unroll_value_init(&v);
    unroll_result_value(r, i, name, &v, NULL);
    for (int64_t t = 0; t < v.steps; t++)
      for (int64_t k = 0; k < width; k++)
        x[(at + t) * width + k] = symbols                    ? (float)v.symbols[t]
                                  : k < v.width && v.numbers ? (float)v.numbers[t * v.width + k]
                                                             : NAN;
    first[i + 1] = at += v.steps;
  }
  list[0] = (tensor){.name = name, .type = TENSOR_F32, .rank = 2, .shape = {steps, width}, .data = x};
  list[1] = (tensor){.name = copy, .type = TENSOR_I64, .rank = 1, .shape = {rows + 1}, .data = first};
  return UNROLL_OK;
}

static unroll_status write_tensors(const unroll_result *r, const char *path, unroll_error *err) {
  const int n = unroll_result_variables(r);
  arena memory = {0};
  tensor *list = arena_alloc(&memory, 2 * (size_t)n + 1, sizeof *list);
  unroll_status status = list ? UNROLL_OK : error_memory(err);
  for (int k = 0; k < n && !status; k++) status = add_tensor(list + 2 * k, r, unroll_result_variable(r, k), &memory, err);
  if (!status) status = tensor_file_save(path, list, 2 * (size_t)n, NULL, NULL, 0, err);
  arena_free(&memory);
  return status;
}

unroll_status command_trace(const options *o, unroll_error *err) {
  unroll_model *m = NULL;
  unroll_options *how = NULL;
  unroll_table *t = NULL;
  unroll_result *r = NULL;
  names n = {.n = 0};
  unroll_status status = UNROLL_OK;
  if (o->json && o->output) status = error_set(err, UNROLL_USAGE, "--json and --output exclude each other");
  if (!status) status = unroll_model_load(&m, o->arguments[0], err);
  if (!status) status = o->column_of ? split(&n, o->column_of, err) : all_names(&n, m, err);
  if (!status) status = data_options_of(&how, "trace", o, err);
  if (!status) status = data_table(&t, o, 1, err);
  if (!status) status = unroll_trace(m, t, n.list, n.n, how, &r, err);
  if (r) data_left_out(r);
  if (!status) status = o->output ? write_tensors(r, o->output, err) : o->json ? print_json(m, r, err) : print_csv(m, r, err);
  arena_free(&n.memory);
  unroll_result_free(r);
  unroll_table_free(t);
  unroll_options_free(how);
  unroll_model_free(m);
  return status;
}
