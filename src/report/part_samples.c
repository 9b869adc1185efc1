/* part_samples.c - what a model that needs no data draws by itself: texts, drawings, music. */
#include <string.h>
#include "report/sheet.h"

enum { TEXTS = 3, TEXT_LENGTH = 400, PIECES = 8, PIECE_LENGTH = 120 };

unroll_status part_samples(sheet *s, unroll_error *err) {
  unroll_error e = {0};
  unroll_result *r = NULL;
  bool reads = false, media = false, keys = false;
  for (int i = 0; i < s->n_variables; i++) {
    reads |= !s->variables[i].predicted;
    media |= draw_is_media(&s->variables[i]);
    keys |= !strcmp(s->variables[i].sort, "keys");
  }
  if (reads || s->timed) {
    sheet_left_out(s, "samples", "the net draws nothing without data");
    return UNROLL_OK;
  }
  unroll_options *o = sheet_options(s, "sample");
  if (!o) return error_memory(err);
  sheet_set_number(o, "number", s->streams || !s->is_text ? media ? PIECES : TEXTS : 20);
  sheet_set_number(o, "length", s->is_text ? TEXT_LENGTH : PIECE_LENGTH);
  const unroll_status status = unroll_generate(s->r->m, o, &r, &e);
  unroll_options_free(o);
  if (!status) {
    text *out = &s->body;
    sheet_part(s, "samples", "Samples");
    html_add(out, keys ? "<div class=\"drawings rolls\">\n" : media ? "<div class=\"drawings\">\n" : "");
    for (int64_t row = 0; row < unroll_result_rows(r); row++) {
      html_add(out, media ? "<figure>" : "");
      for (int i = 0; i < unroll_result_variables(r); i++) {
        const unroll_variable *v = sheet_variable(s, unroll_result_variable(r, i));
        unroll_value x;
        if (!v || !strcmp(v->sort, "end") || !sheet_value(r, row, v->name, &x)) continue;
        if (x.text) {
          html_add(out, "<pre>");
          html_text(out, x.text, x.length);
          html_add(out, "</pre>\n");
        } else {
          draw_value(s, out, v, &x);
        }
      }
      html_add(out, media ? "</figure>\n" : "");
    }
    html_add(out, media ? "</div>\n" : "");
  }
  unroll_result_free(r);
  if (status && err) *err = e;
  return sheet_failed(s, "samples", status, &e);
}
