/* part_net.c - the net itself: equations and gradient, parameters, what its training wrote down, and how its gradient flows.
 * Each name in an equation leads to its strip of values. */
#include <math.h>
#include <string.h>
#include "report/run_log.h"
#include "report/sheet.h"

enum { GRADIENT_LINES = 30 };

/* --- equations --- */

/* The traced value that a name of the equations is, in full: "c" is h.c where no other cell has a c. A derivative leads to what it
 * is the derivative of. NULL: it has no strip. */
static const char *strip_of(const sheet *s, const char *name, size_t n) {
  const char *found = NULL;
  unroll_value v;
  for (int i = 0; s->traced && i < s->n_named; i++) {
    const char *full = s->named[i].name, *dot = strrchr(full, '.');
    if (!sheet_value(s->traced, 0, full, &v) || v.steps < 1) continue;
    if (strlen(full) == n && !strncmp(full, name, n)) return full;
    if (!dot || strlen(dot + 1) != n || strncmp(dot + 1, name, n) != 0) continue;
    if (found) return NULL;
    found = full;
  }
  return found;
}

/* <mi data-name="h.c">c</mi> gets a link inside, where h.c has a strip. */
static void link_names(const sheet *s, const char *markup, text *out) {
  static const char begin[] = "<mi data-name=\"", closing[] = "</mi>";
  for (const char *at = markup, *found;; at = found) {
    found = strstr(at, begin);
    if (!found) {
      html_add(out, at);
      return;
    }
    const char *name = found + sizeof begin - 1, *quote = strchr(name, '"');
    const char *inside = quote ? strchr(quote, '>') : NULL, *end = inside ? strstr(inside, closing) : NULL;
    if (!end) {
      html_add(out, at);
      return;
    }
    text_add(out, at, (size_t)(inside + 1 - at));
    const char *strip = strip_of(s, name, (size_t)(quote - name));
    if (strip) {
      html_add(out, "<a href=\"#v-");
      html_id(out, strip);
      html_add(out, "\">");
      text_add(out, inside + 1, (size_t)(end - inside - 1));
      html_add(out, "</a>");
    } else {
      text_add(out, inside + 1, (size_t)(end - inside - 1));
    }
    found = end;
  }
}

/* The lines of MathML are those of the equations, then those of the gradient, which begin with a derivative. */
static const char *gradient_of(const char *markup) {
  static const char sign[] = "<mo rspace=\"0\">∂</mo>";
  for (const char *line = markup; line && *line;) {
    const char *end = strchr(line, '\n'), *first = strstr(line, "<mi"), *derivative = strstr(line, sign);
    if (derivative && (!first || derivative < first) && (!end || derivative < end)) return line;
    line = end ? end + 1 : NULL;
  }
  return NULL;
}

static void add_parameters(sheet *s) {
  text *out = &s->body;
  unroll_parameter p;
  unroll_parameter_init(&p);
  html_add(out,
           "<details><summary>Parameters</summary><div class=\"wide\"><table><thead><tr><th>name</th><th>shape</th><th>weights</th>"
           "<th>mean</th><th>deviation</th><th>largest</th></tr></thead><tbody>\n");
  for (int i = 0; !unroll_model_parameter(s->r->m, i, &p, NULL); i++) {
    const int64_t n = (int64_t)p.rows * p.columns;
    double sum = 0, squares = 0, most = 0;
    for (int64_t k = 0; p.data && k < n; k++) {
      const double x = (double)p.data[k];
      sum += x;
      squares += x * x;
      most = fmax(most, fabs(x));
    }
    html_add(out, "<tr><th scope=\"row\">");
    html_string(out, p.name);
    if (p.is_vector)
      text_format(out, "</th><td>%d</td>", p.rows);
    else
      text_format(out, "</th><td>%d × %d</td>", p.rows, p.columns);
    text_format(out, "<td>%lld</td>", (long long)n);
    const double each = n ? (double)n : 1, mean = sum / each;
    const double shown[] = {mean, sqrt(fmax(0, squares / each - mean * mean)), most};
    for (int k = 0; k < 3; k++) {
      html_add(out, "<td>");
      html_number(out, p.data ? shown[k] : (double)NAN);
      html_add(out, "</td>");
    }
    html_add(out, "</tr>\n");
  }
  html_add(out, "</tbody></table></div></details>\n");
}

unroll_status part_net(sheet *s, unroll_error *err) {
  text *out = &s->body;
  unroll_error e = {0};
  char *markup = NULL, digits[32];
  sheet_part(s, "net", "The net");
  text_format(out, "<p class=\"soft\">%s weights.", text_count(unroll_model_weights(s->r->m), digits));
  html_add(out, s->traced ? " A name with a dotted line leads to its values.</p>\n" : "</p>\n");
  const unroll_status status = unroll_model_typeset(s->r->m, "mathml", &markup, &e);
  if (status) {
    if (err) *err = e;
    return sheet_failed(s, "equations", status, &e);
  }
  const char *gradient = gradient_of(markup);
  text part = {0};
  text_add(&part, markup, gradient ? (size_t)(gradient - markup) : strlen(markup));
  html_add(out, "<div class=\"equations\" id=\"equations\">\n");
  link_names(s, part.data ? part.data : "", out);
  html_add(out, "</div>\n");
  if (gradient) { /* a long one is open only where it is wanted */
    int lines = 0;
    for (const char *at = gradient; *at; at++) lines += *at == '\n';
    text_format(out, "<details%s><summary>Gradient, %d lines</summary><div class=\"equations\" id=\"gradient\">\n",
                lines <= GRADIENT_LINES ? " open" : "", lines);
    link_names(s, gradient, out);
    html_add(out, "</div></details>\n");
  }
  out->failed |= part.failed;
  text_free(&part);
  unroll_free(markup);
  html_add(out, "<details><summary>As it was written</summary><pre>");
  html_string(out, unroll_model_equations(s->r->m));
  html_add(out, "</pre></details>\n");
  add_parameters(s);
  return UNROLL_OK;
}

/* --- training --- */

static void add_curves(sheet *s, const run_log *log, const char *const *names, const char *const *said, int n, const char *title,
                       bool log_y) {
  const log_column *steps = run_log_column(log, "step");
  svg_line lines[4];
  int found = 0;
  for (int i = 0; i < n; i++) {
    const log_column *c = run_log_column(log, names[i]);
    if (c) lines[found++] = (svg_line){.name = said[i], .x = steps->values, .y = c->values, .n = log->n_records, .colour = i};
  }
  /* A validation comes with few records: its points are a line of their own. */
  for (int i = 0; i < found; i++) {
    size_t k = 0;
    double *x = mem_zero(2 * log->n_records + 1, sizeof *x), *y = x ? x + log->n_records : NULL;
    for (size_t j = 0; x && j < log->n_records; j++)
      if (isfinite(lines[i].y[j])) x[k] = lines[i].x[j], y[k++] = lines[i].y[j];
    lines[i].x = x;
    lines[i].y = y;
    lines[i].n = k;
    s->body.failed |= !x;
  }
  if (!s->body.failed) svg_chart(&s->body, lines, found, &(svg_form){.title = title, .x_name = "step", .log = log_y});
  for (int i = 0; i < found; i++) mem_free((double *)(uintptr_t)lines[i].x);
}

static void add_asked(sheet *s, const run_log *log) {
  text *out = &s->body;
  if (!log->n_asked) return;
  html_add(out, "<details><summary>Options of the run</summary><div class=\"wide\"><table class=\"words\"><tbody>\n");
  for (int i = 0; i < log->n_asked; i++) {
    html_add(out, "<tr><th scope=\"row\">");
    html_string(out, log->asked[i].name);
    html_add(out, "</th><td>");
    html_short(out, log->asked[i].value, strlen(log->asked[i].value), 200);
    html_add(out, "</td></tr>\n");
  }
  html_add(out, "</tbody></table></div></details>\n");
}

unroll_status part_training(sheet *s, unroll_error *err) {
  static const char *const losses[] = {"loss", "valid_loss", "test_loss"}, *const said[] = {"training", "validation", "test"};
  static const char *const rate[] = {"lr"}, *const norm[] = {"grad_norm"}, *const speed[] = {"symbols_per_second"};
  run_log log = {0};
  unroll_error e = {0};
  if (!s->r->log) {
    sheet_left_out(s, "training", "there is no log.jsonl beside the model");
    return UNROLL_OK;
  }
  const unroll_status status = run_log_read(&log, s->r->log, &e);
  if (!status && run_log_column(&log, "step")) {
    sheet_part(s, "training", "Training");
    html_add(&s->body, "<div class=\"grid2\">\n");
    add_curves(s, &log, losses, said, 3, "loss, nats", false);
    add_curves(s, &log, rate, (const char *const[]){"rate"}, 1, "learning rate", false);
    add_curves(s, &log, norm, (const char *const[]){"norm"}, 1, "norm of the gradient", true);
    add_curves(s, &log, speed, (const char *const[]){"speed"}, 1, "symbols a second", false);
    html_add(&s->body, "</div>\n");
    add_asked(s, &log);
  } else if (!status) {
    sheet_left_out(s, "training", "its log has no steps");
  }
  run_log_free(&log);
  if (status && err) *err = e;
  return sheet_failed(s, "training", status, &e);
}

/* --- flow --- */

static void add_matrices(sheet *s, const unroll_result *r) {
  static const char *const names[] = {"spectral_radius", "least", "largest"};
  text *out = &s->body;
  const double exponent = unroll_result_find(r, "", "exponent");
  unroll_figure f;
  bool any = false;
  unroll_figure_init(&f);
  for (int i = 0; !unroll_result_figure(r, i, &f, NULL); i++) {
    if (strcmp(f.name, names[0]) != 0 || strncmp(f.of, "matrices/", 9) != 0) continue;
    if (!any)
      html_add(
          out,
          "<div class=\"wide\"><table><thead><tr><th>matrix on a state</th><th>spectral radius</th><th>least singular value</th>"
          "<th>largest</th></tr></thead><tbody>\n");
    any = true;
    html_add(out, "<tr><th scope=\"row\">");
    html_string(out, f.of + 9);
    html_add(out, "</th>");
    for (int k = 0; k < 3; k++) {
      html_add(out, "<td>");
      html_number(out, unroll_result_find(r, f.of, names[k]));
      html_add(out, "</td>");
    }
    html_add(out, "</tr>\n");
  }
  if (any) html_add(out, "</tbody></table></div>\n");
  if (!isfinite(exponent)) return;
  text_format(out, "<p>A small change of the state %s: times %.3g a step (largest Lyapunov exponent %.3g).</p>\n",
              exponent > 0.005    ? "grows"
              : exponent < -0.005 ? "fades"
                                  : "stays",
              exp(exponent), exponent);
}

static void add_flow(sheet *s, const unroll_result *r) {
  const int64_t n = unroll_result_rows(r) < 8 ? unroll_result_rows(r) : 8;
  svg_line lines[8] = {0};
  int64_t lags = 0;
  for (int64_t i = 0; i < n; i++) {
    unroll_row row;
    unroll_value v;
    unroll_row_init(&row);
    unroll_result_row(r, i, &row, NULL);
    if (!sheet_value(r, i, "norms", &v)) continue;
    lines[i] = (svg_line){.name = row.series, .y = v.numbers, .n = (size_t)v.steps, .colour = (int)i % 7};
    lags = v.steps > lags ? v.steps : lags;
  }
  double *x = mem_zero((size_t)lags + 1, sizeof *x);
  s->body.failed |= !x;
  for (int64_t k = 0; x && k < lags; k++) x[k] = (double)k;
  for (int64_t i = 0; i < n; i++) lines[i].x = x;
  if (x && !svg_chart(&s->body, lines, (int)n, &(svg_form){.title = "|dL[t] / ds[t-k]|", .x_name = "k, steps back", .log = true}))
    html_add(&s->body, "<p class=\"soft\">No gradient reaches a state: all norms are 0 or not finite.</p>\n");
  mem_free(x);
}

unroll_status part_flow(sheet *s, unroll_error *err) {
  unroll_error e = {0};
  unroll_result *r = NULL;
  unroll_options *o = sheet_options(s, "flow");
  if (!o) return error_memory(err);
  const unroll_status status = unroll_flow(s->r->m, s->timed ? NULL : s->r->t, o, &r, &e);
  unroll_options_free(o);
  if (!status) {
    sheet_part(s, "flow", "Gradient flow");
    html_add(&s->body, "<p class=\"soft\">How the derivative of one loss by each state fades or grows over the steps before it");
    html_add(&s->body, s->r->t && !s->timed ? ", on this data.</p>\n" : ", on made-up data.</p>\n");
    html_add(&s->body, "<div class=\"grid2\"><div>\n");
    add_flow(s, r);
    html_add(&s->body, "</div><div>\n");
    add_matrices(s, r);
    html_add(&s->body, "</div></div>\n");
  }
  unroll_result_free(r);
  if (status && err) *err = e;
  return sheet_failed(s, "gradient flow", status, &e);
}
