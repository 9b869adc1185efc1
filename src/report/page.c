/* page.c - see page.h: gathers what the parts look at, and puts the page together. */
#include "report/page.h"
#include <string.h>
#include "report/files.h"
#include "report/sheet.h"

enum { MOST_NUMBERS = 1 << 24 }; /* of all traced values together */

/* --- what there is --- */

static unroll_status find_variables(sheet *s, unroll_error *err) {
  const unroll_model *m = s->r->m;
  unroll_series series;
  unroll_series_init(&series);
  s->n_variables = unroll_model_variables(m);
  s->variables = mem_zero((size_t)s->n_variables + 1, sizeof *s->variables);
  s->named = mem_zero(SHEET_NAMED, sizeof *s->named);
  if (!s->variables || !s->named) return error_memory(err);
  for (int i = 0; i < s->n_variables; i++) {
    unroll_variable_init(&s->variables[i]);
    const unroll_status status = unroll_model_variable(m, i, &s->variables[i], err);
    if (status) return status;
  }
  for (int i = 0; unroll_model_value(m, i) && s->n_named < SHEET_NAMED; i++) {
    unroll_named *x = &s->named[s->n_named];
    unroll_named_init(x);
    if (!unroll_model_named(m, i, x, NULL) && (x->has_steps || x->over)) s->n_named++;
  }
  s->timed = !unroll_model_series(m, &series, NULL) && series.time;
  s->is_text = s->n_variables == 1 && !strcmp(s->variables->sort, "text") && s->variables->predicted;
  return UNROLL_OK;
}

/* The data comes first: where it cannot be read there is no page. */
static unroll_status read_data(sheet *s, unroll_error *err) {
  const char **names = mem_zero((size_t)s->n_variables + 1, sizeof *names);
  unroll_options *o = sheet_options(s, "trace");
  unroll_status status = names && o ? UNROLL_OK : error_memory(err);
  for (int i = 0; i < s->n_variables && names; i++) names[i] = s->variables[i].name;
  if (!s->timed) sheet_set_number(o, "first", s->is_text ? SHEET_STEPS : s->r->examples);
  if (!status) status = unroll_trace(s->r->m, s->r->t, names, s->n_variables, o, &s->data, err);
  s->streams = s->is_text && unroll_model_end(s->r->m) < 0;
  unroll_options_free(o);
  mem_free(names);
  return status;
}

static int64_t longest(const sheet *s) {
  int64_t most = 1;
  for (int64_t row = 0; row < unroll_result_rows(s->data); row++)
    for (int i = 0; i < s->n_variables; i++) {
      unroll_value v;
      if (sheet_value(s->data, row, s->variables[i].name, &v) && v.steps > most) most = v.steps;
    }
  return most;
}

/* Values of the equations: of a stream fewer steps, where it has many values. */
static unroll_status trace_values(sheet *s, unroll_error *err) {
  const char **names = mem_zero((size_t)s->n_variables + SHEET_NAMED + 1, sizeof *names);
  unroll_options *o = sheet_options(s, "trace");
  int n = 0;
  int64_t numbers = 0, first = s->r->examples;
  bool top = false;
  unroll_status status = names && o ? UNROLL_OK : error_memory(err);
  for (int i = 0; i < s->n_variables && names; i++) {
    names[n++] = s->variables[i].name;
    top |= s->variables[i].predicted && s->variables[i].distribution && !strcmp(s->variables[i].distribution, "softmax");
  }
  const int64_t steps = longest(s);
  for (int i = 0; i < s->n_named && names; i++) {
    const int64_t width = s->named[i].width ? s->named[i].width : steps, all = numbers + width;
    if (all > MOST_NUMBERS / (s->is_text ? 2000 : steps)) continue;
    numbers = all;
    names[n++] = s->named[i].name;
  }
  if (s->is_text)
    first = numbers && s->streams && SHEET_STEPS > MOST_NUMBERS / numbers ? MOST_NUMBERS / numbers : s->streams ? SHEET_STEPS : 200;
  if (!s->is_text && numbers && first > MOST_NUMBERS / (numbers * steps)) first = 1 + MOST_NUMBERS / (numbers * steps);
  sheet_set_number(o, "first", first);
  if (top) sheet_set_number(o, "top", SHEET_TOP);
  if (!status) status = unroll_trace(s->r->m, s->r->t, names, n, o, &s->traced, &s->untraced);
  if (status) status = sheet_failed(s, "values inside the equations", status, &s->untraced);
  if (status && err) *err = s->untraced;
  unroll_options_free(o);
  mem_free(names);
  return status;
}

static unroll_status gather(sheet *s, unroll_error *err) {
  unroll_status status = find_variables(s, err);
  if (status) return status;
  if (!s->r->t) {
    sheet_left_out(s, "examples, errors and values", "the report was asked for without data");
    return UNROLL_OK;
  }
  status = read_data(s, err);
  if (!status && s->timed)
    sheet_left_out(s, "values inside the equations", "of series with dates windows are predicted, each scaled by itself");
  if (!status && !s->timed) status = trace_values(s, err);
  return status;
}

/* --- the page --- */

static void add_file(text *out, const char *name) {
  for (const embedded_file *f = report_files; f->name; f++)
    if (!strcmp(f->name, name)) text_add(out, f->bytes, f->size);
}

static void assemble(const sheet *s, text *out) {
  html_add(out,
           "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
           "<meta name=\"referrer\" content=\"no-referrer\">\n"
           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
           "script-src 'unsafe-inline'\">\n<title>");
  html_string(out, s->r->title);
  html_add(out, "</title>\n<style>\n");
  add_file(out, "page.css");
  html_add(out, "</style>\n</head>\n<body>\n<header>\n<h1>");
  html_string(out, s->r->title);
  html_add(out, "</h1>\n<nav aria-label=\"Contents\">");
  if (s->nav.length) text_add(out, s->nav.data, s->nav.length);
  html_add(out, "</nav>\n</header>\n<main>\n");
  if (s->body.length) text_add(out, s->body.data, s->body.length);
  if (s->left_out.length) {
    html_add(out, "<h2 id=\"not-shown\">Not shown</h2>\n<ul class=\"plain soft\">\n");
    text_add(out, s->left_out.data, s->left_out.length);
    html_add(out, "</ul>\n");
  }
  html_add(out, "</main>\n<footer class=\"soft\"><p>Written by unroll ");
  html_string(out, unroll_version());
  html_add(out, ".</p></footer>\n<script>\n");
  add_file(out, "page.js");
  html_add(out, "</script>\n</body>\n</html>\n");
  out->failed |= s->body.failed || s->nav.failed || s->left_out.failed;
}

unroll_status report_page(const report_request *r, text *out, unroll_error *err) {
  static unroll_status (*const parts[])(sheet *, unroll_error *) = {part_figures,  part_net,    part_training,  part_flow,
                                                                    part_text,     part_values, part_attention, part_boxes,
                                                                    part_examples, part_series, part_samples};
  sheet s = {.r = r, .failures = mem_failures()};
  unroll_status status = gather(&s, err);
  for (size_t i = 0; i < sizeof parts / sizeof *parts && !status; i++) {
    status = r->stop && *r->stop ? error_set(err, UNROLL_INTERRUPTED, "interrupted") : parts[i](&s, err);
  }
  if (!status) assemble(&s, out);
  if (!status && (out->failed || mem_failures() > s.failures)) status = error_memory(err);
  unroll_result_free(s.data);
  unroll_result_free(s.traced);
  unroll_result_free(s.figures);
  mem_free(s.variables);
  mem_free(s.named);
  text_free(&s.body);
  text_free(&s.nav);
  text_free(&s.left_out);
  return status;
}
