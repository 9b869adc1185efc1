/* sheet.c - see sheet.h. */
#include "report/sheet.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

unroll_options *sheet_options(const sheet *s, const char *command) {
  unroll_options *o = unroll_options_new(command);
  const bool scored = !strcmp(command, "eval") || !strcmp(command, "predict"); /* only of forecasts a seed means something */
  for (int i = 0; o && i < s->r->n_asked; i++) {
    if (scored && !s->timed && !strcmp(s->r->asked[i].name, "seed")) continue;
    const unroll_status status = unroll_options_set(o, s->r->asked[i].name, s->r->asked[i].value, NULL);
    if (status && status != UNROLL_USAGE) { /* another command's option is none of this one */
      unroll_options_free(o);
      return NULL;
    }
  }
  unroll_options_set_stop(o, s->r->stop);
  return o;
}

void sheet_set(unroll_options *o, const char *name, const char *value) {
  if (o) unroll_options_set(o, name, value, NULL);
}

void sheet_set_number(unroll_options *o, const char *name, int64_t value) {
  char digits[32];
  snprintf(digits, sizeof digits, "%" PRId64, value);
  sheet_set(o, name, digits);
}

void sheet_part(sheet *s, const char *id, const char *title) {
  text_format(&s->nav, "<a href=\"#%s\">%s</a>", id, title);
  text_format(&s->body, "<h2 id=\"%s\">%s</h2>\n", id, title);
}

void sheet_left_out(sheet *s, const char *what, const char *why) {
  text_format(&s->left_out, "<li>%s: ", what);
  html_string(&s->left_out, why);
  html_add(&s->left_out, "</li>\n");
}

unroll_status sheet_failed(sheet *s, const char *what, unroll_status status, const unroll_error *err) {
  if (!status || status == UNROLL_INTERRUPTED || mem_failures() > s->failures) return status;
  sheet_left_out(s, what, err->message);
  return UNROLL_OK;
}

const unroll_variable *sheet_variable(const sheet *s, const char *name) {
  for (int i = 0; name && i < s->n_variables; i++)
    if (!strcmp(s->variables[i].name, name)) return &s->variables[i];
  return NULL;
}

bool sheet_value(const unroll_result *r, int64_t row, const char *name, unroll_value *v) {
  unroll_value_init(v);
  return r && name && !unroll_result_value(r, row, name, v, NULL);
}

const char *sheet_label(const sheet *s, const char *variable, int symbol, size_t *length) {
  const char *label = unroll_model_label(s->r->m, variable, symbol, length);
  if (!label) *length = 0;
  return label ? label : "";
}
