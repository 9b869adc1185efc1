/* sheet.h - what the parts of a page share. */
#ifndef REPORT_SHEET_H
#define REPORT_SHEET_H
#include "base/error.h"
#include "base/memory.h"
#include "report/html.h"
#include "report/page.h"
#include "report/svg.h"

enum { SHEET_STEPS = 10000, SHEET_TOP = 5, SHEET_CLASSES = 60, SHEET_NAMED = 64 };

typedef struct sheet {
  const report_request *r;
  text body, nav, left_out;
  unroll_variable *variables;
  int n_variables;
  unroll_named *named; /* those that are traced */
  int n_named;
  bool timed;            /* series with dates */
  bool is_text, streams; /* one text and nothing else; that is one example */
  unroll_result *data;   /* variables of the data of the first examples; NULL: no data */
  unroll_result *traced; /* named values too, and what was likeliest; NULL: see `untraced` */
  unroll_error untraced;
  unroll_result *figures; /* of unroll_evaluate; or NULL */
  long failures;          /* of memory, before */
} sheet;

/* Options of another command that were asked for of this one. NULL: out of memory. */
unroll_options *sheet_options(const sheet *s, const char *command);
void sheet_set(unroll_options *o, const char *name, const char *value); /* o may be NULL */
void sheet_set_number(unroll_options *o, const char *name, int64_t value);
/* Begins a part: a heading and its place in the list of contents. */
void sheet_part(sheet *s, const char *id, const char *title);
/* What is not shown, and why. */
void sheet_left_out(sheet *s, const char *what, const char *why);
/* The same of a call that failed: UNROLL_OK if the page can go on without it; else, without memory or interrupted, `status`. */
unroll_status sheet_failed(sheet *s, const char *what, unroll_status status, const unroll_error *err);

const unroll_variable *sheet_variable(const sheet *s, const char *name); /* NULL: none */
/* The value of a row; false: there is none. */
bool sheet_value(const unroll_result *r, int64_t row, const char *name, unroll_value *v);
/* A symbol as it is read: the text of it, "" for the end. */
const char *sheet_label(const sheet *s, const char *variable, int symbol, size_t *length);

/* A value of a variable, as a cell or a card: text, number, curve, picture, drawing, roll, heat map. */
void draw_value(const sheet *s, text *out, const unroll_variable *v, const unroll_value *x);
bool draw_is_media(const unroll_variable *v); /* it is drawn rather than read */
/* A picture as a data URI; false, and nothing is added: its channels are no colours. */
bool draw_picture(text *out, const unroll_variable *v, const double *x);
/* [steps][width] numbers as a heat map: units from top to bottom. What is `middle` has no colour. */
void draw_heat(text *out, const double *x, int64_t steps, int width, double middle, const char *alt);
/* The same of what goes in at each step; of a recording low tones are at the bottom. */
void draw_heard(text *out, const unroll_variable *v, const double *x, int64_t steps, int width);

/* The parts, in the order of the page. Each returns UNROLL_OK unless the page cannot be finished. */
unroll_status part_figures(sheet *s, unroll_error *err);
unroll_status part_net(sheet *s, unroll_error *err);
unroll_status part_training(sheet *s, unroll_error *err);
unroll_status part_flow(sheet *s, unroll_error *err);
unroll_status part_text(sheet *s, unroll_error *err);
unroll_status part_values(sheet *s, unroll_error *err);
unroll_status part_attention(sheet *s, unroll_error *err);
unroll_status part_boxes(sheet *s, unroll_error *err);
unroll_status part_examples(sheet *s, unroll_error *err);
unroll_status part_series(sheet *s, unroll_error *err);
unroll_status part_samples(sheet *s, unroll_error *err);
#endif
