/* part_values.c - values inside the equations over an example. Each name has a strip, units from top to bottom, steps from left
 * to right. It also shows how open gates are (Karpathy, Johnson & Fei-Fei 2015, figure 3). */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "report/sheet.h"

enum { MOST_STEPS = 200, MOST_UNITS = 256, MOST_LABELS = 80 };

/* --- strips --- */

/* The symbols along the steps, where there are few enough to be read. */
static void add_along(sheet *s, int64_t row, const char *name, int64_t steps) {
  const unroll_variable *v = sheet_variable(s, name);
  unroll_value x;
  if (!v || !v->symbols || steps > MOST_LABELS || !sheet_value(s->traced, row, name, &x) || !x.symbols) return;
  html_add(&s->body, "<div class=\"along\" aria-hidden=\"true\">");
  for (int64_t t = 0; t < steps; t++) {
    size_t n = 0;
    const char *label = t < x.steps ? sheet_label(s, name, x.symbols[t], &n) : "";
    html_add(&s->body, "<span>");
    if (n) html_symbol(&s->body, label, n);
    html_add(&s->body, "</span>");
  }
  html_add(&s->body, "</div>");
}

static void add_strip(sheet *s, const unroll_named *x) {
  text *out = &s->body;
  unroll_value v;
  if (!sheet_value(s->traced, 0, x->name, &v) || !v.numbers || v.steps < 1 || v.width < 1) return;
  const int64_t most = v.width > 7 && x->along && sheet_variable(s, x->along)->symbols ? MOST_LABELS : MOST_STEPS;
  const int64_t steps = v.steps < most ? v.steps : most;
  double least = (double)INFINITY, largest = -(double)INFINITY;
  for (int64_t i = 0; i < steps * v.width; i++)
    if (isfinite(v.numbers[i])) least = fmin(least, v.numbers[i]), largest = fmax(largest, v.numbers[i]);
  html_add(out, "<figure class=\"strip\" id=\"v-");
  html_id(out, x->name);
  text_format(out, "\" data-rows=\"%d\" data-columns=\"%lld\"><figcaption><b>", v.width < MOST_UNITS ? v.width : MOST_UNITS,
              (long long)steps);
  html_string(out, x->name);
  text_format(out, "</b> %d %s × %lld %s, ", v.width, v.width == 1 ? "unit" : "units", (long long)v.steps,
              v.steps == 1 ? "step" : "steps");
  if (least <= largest) {
    html_number(out, least);
    html_add(out, " to ");
    html_number(out, largest);
  } else {
    html_add(out, "not finite");
  }
  if (steps < v.steps) text_format(out, "; the first %lld steps", (long long)steps);
  if (v.width > MOST_UNITS) text_format(out, "; the first %d units", MOST_UNITS);
  html_add(out, "<span class=\"at\"></span></figcaption><div class=\"frame\"><div class=\"inner\"");
  text_format(out, " style=\"width:%s\">",
              steps > 60   ? "max(100%,48rem)"
              : steps > 24 ? "max(min(100%,48rem),36rem)"
                           : "min(100%,24rem)");
  draw_heat(out, v.numbers, steps, v.width, x->is_gate ? 0.5 : 0, x->name);
  add_along(s, 0, x->along, steps);
  html_add(out, "</div></div></figure>\n");
}

/* --- gates --- */

/* A point a unit: how often it is shut, and how often open. */
static void add_gate(sheet *s, const unroll_named *x) {
  unroll_value v;
  int width = 0;
  int64_t n = 0;
  for (int64_t row = 0; sheet_value(s->traced, row, x->name, &v); row++) {
    if (v.numbers && v.width > width) width = v.width;
    n += v.steps;
  }
  double *shut = mem_zero((size_t)width + 1, 2 * sizeof *shut), *open = shut ? shut + width : NULL;
  s->body.failed |= !shut;
  for (int64_t row = 0; shut && n && sheet_value(s->traced, row, x->name, &v); row++)
    for (int64_t i = 0; v.numbers && i < v.steps * v.width; i++) {
      shut[i % v.width] += (v.numbers[i] < 0.1) / (double)n;
      open[i % v.width] += (v.numbers[i] > 0.9) / (double)n;
    }
  const svg_line units = {.x = shut, .y = open, .n = (size_t)width, .dots = true, .colour = 4};
  if (shut)
    svg_chart(&s->body, &units, 1, &(svg_form){.title = x->name, .x_name = "shut", .width = 270, .height = 270, .square = true});
  mem_free(shut);
}

/* The mean of all units of each gate over the first example. */
static void add_means(sheet *s) {
  double *all = mem_zero((size_t)MOST_STEPS, 8 * sizeof *all), *steps = all ? all + (ptrdiff_t)7 * MOST_STEPS : NULL;
  svg_line lines[7];
  int n = 0;
  unroll_value v;
  s->body.failed |= !all;
  for (int64_t t = 0; all && t < MOST_STEPS; t++) steps[t] = (double)t + 1;
  for (int i = 0; all && i < s->n_named && n < 7; i++) {
    if (!s->named[i].is_gate || !sheet_value(s->traced, 0, s->named[i].name, &v) || !v.numbers || v.steps < 3) continue;
    const int64_t shown = v.steps < MOST_STEPS ? v.steps : MOST_STEPS;
    double *mean = all + (ptrdiff_t)n * MOST_STEPS;
    for (int64_t k = 0; k < shown * v.width; k++) mean[k / v.width] += v.numbers[k] / v.width;
    lines[n] = (svg_line){.name = s->named[i].name, .x = steps, .y = mean, .n = (size_t)shown, .colour = n};
    n++;
  }
  svg_chart(&s->body, lines, n, &(svg_form){.title = "mean of all units", .x_name = "step of the first example", .width = 620});
  mem_free(all);
}

unroll_status part_values(sheet *s, unroll_error *err) {
  bool any = false, gates = false;
  unroll_value v;
  (void)err;
  if (!s->traced) return UNROLL_OK;
  if (!unroll_result_rows(s->traced)) {
    sheet_left_out(s, "values inside the equations", "the data has no example");
    return UNROLL_OK;
  }
  for (int i = 0; i < s->n_named; i++) any |= sheet_value(s->traced, 0, s->named[i].name, &v) && v.steps > 0;
  if (!any) {
    sheet_left_out(s, "values inside the equations", "the equations name no value that has steps");
    return UNROLL_OK;
  }
  sheet_part(s, "values", "Values over the first example");
  html_add(&s->body, "<p class=\"soft\">Units from top to bottom, steps from left to right. Blue is below 0, red above; of gates "
                     "below and above 0.5.</p>\n");
  for (int i = 0; i < s->n_named; i++) add_strip(s, &s->named[i]);
  for (int i = 0; i < s->n_named; i++) {
    if (!s->named[i].is_gate || !sheet_value(s->traced, 0, s->named[i].name, &v)) continue;
    if (!gates) {
      sheet_part(s, "gates", "Gates");
      html_add(&s->body,
               "<p class=\"soft\">Each point is a unit: to the right the share of steps at which it is below 0.1, upwards "
               "above 0.9.</p>\n<div class=\"grid3\">\n");
    }
    gates = true;
    add_gate(s, &s->named[i]);
  }
  if (gates) {
    html_add(&s->body, "</div>\n");
    add_means(s);
  } else {
    sheet_left_out(s, "gates", "no named value is a sigmoid");
  }
  return UNROLL_OK;
}
