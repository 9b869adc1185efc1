/* part_examples.c - the first examples, and those with the highest loss: what went in, what is true, what the model says. All data
 * is scored, a row at a time, and no row is kept that is not shown. Of one long text the symbols with the highest loss. */
#include <math.h>
#include <string.h>
#include "report/sheet.h"

enum { WORST = 12, MOST_SHOWN = 64, BEFORE = 24 };

typedef struct shown_row {
  int64_t example;
  double bits;              /* a prediction; NaN: not scored */
  text given, truth, guess; /* markup */
} shown_row;

typedef struct examples_part {
  sheet *s;
  shown_row first[MOST_SHOWN], worst[WORST];
  int n_first, n_worst;
  int64_t rows;
  bool scored;
} examples_part;

static void row_free(shown_row *x) {
  text_free(&x->given);
  text_free(&x->truth);
  text_free(&x->guess);
}

/* --- scoring --- */

static void name_of(const sheet *s, text *out, const char *name) {
  int predicted = 0;
  for (int i = 0; i < s->n_variables; i++) predicted += s->variables[i].predicted != 0;
  if (predicted < 2) return;
  html_add(out, "<span class=\"soft\">");
  html_string(out, name);
  html_add(out, "</span> ");
}

static void add_truth(const sheet *s, const unroll_result *r, text *out) {
  for (int i = 0; i < unroll_result_variables(r); i++) {
    const unroll_variable *v = sheet_variable(s, unroll_result_variable(r, i));
    unroll_value x;
    if (!v || !strcmp(v->sort, "end") || !sheet_value(r, 0, v->name, &x)) continue;
    html_add(out, "<div>");
    name_of(s, out, v->name);
    draw_value(s, out, v, &x);
    html_add(out, "</div>");
  }
}

static int take_scored(void *context, const unroll_result *r) {
  examples_part *p = context;
  unroll_row row;
  unroll_value x;
  int64_t n = 0;
  unroll_row_init(&row);
  if (unroll_result_row(r, 0, &row, NULL)) return 0;
  for (int i = 0; i < unroll_result_variables(r); i++)
    if (sheet_value(r, 0, unroll_result_variable(r, i), &x)) n += x.n_log2_p > 0 ? x.n_log2_p : x.steps;
  const double bits = -row.log2_p / (double)(n > 0 ? n : 1);
  p->rows++;
  if (p->n_first < p->s->r->examples && p->n_first < MOST_SHOWN) {
    shown_row *to = &p->first[p->n_first++];
    *to = (shown_row){.example = row.example, .bits = bits};
    add_truth(p->s, r, &to->truth);
  }
  int at = p->n_worst;
  while (at > 0 && !(p->worst[at - 1].bits >= bits) && !isnan(bits)) at--;
  if (at == WORST) return 0;
  if (p->n_worst == WORST)
    row_free(&p->worst[WORST - 1]);
  else
    p->n_worst++;
  memmove(&p->worst[at + 1], &p->worst[at], (size_t)(p->n_worst - 1 - at) * sizeof *p->worst);
  p->worst[at] = (shown_row){.example = row.example, .bits = bits};
  add_truth(p->s, r, &p->worst[at].truth);
  return 0;
}

/* --- the rest of a row --- */

static int64_t last_wanted(const examples_part *p) {
  int64_t last = -1;
  for (int i = 0; i < p->n_first; i++) last = p->first[i].example > last ? p->first[i].example : last;
  for (int i = 0; i < p->n_worst; i++) last = p->worst[i].example > last ? p->worst[i].example : last;
  return last;
}

/* Calls for each shown row of an example. */
static void each(examples_part *p, int64_t example, const unroll_result *r,
                 void (*add)(const sheet *, const unroll_result *, shown_row *)) {
  for (int i = 0; i < p->n_first; i++)
    if (p->first[i].example == example) add(p->s, r, &p->first[i]);
  for (int i = 0; i < p->n_worst; i++)
    if (p->worst[i].example == example) add(p->s, r, &p->worst[i]);
}

static void add_given(const sheet *s, const unroll_result *r, shown_row *to) {
  for (int i = 0; i < s->n_variables; i++) {
    const unroll_variable *v = &s->variables[i];
    unroll_value x;
    if (v->predicted || !strcmp(v->sort, "part") || !strcmp(v->sort, "time") || !sheet_value(r, 0, v->name, &x)) continue;
    html_add(&to->given, "<div>");
    draw_value(s, &to->given, v, &x);
    html_add(&to->given, "</div>");
  }
}

static int take_given(void *context, const unroll_result *r) {
  examples_part *p = context;
  unroll_row row;
  unroll_row_init(&row);
  if (!unroll_result_row(r, 0, &row, NULL)) each(p, row.example, r, add_given);
  return row.example >= last_wanted(p);
}

static void add_guess(const sheet *s, const unroll_result *r, shown_row *to) {
  if (to->guess.length) return; /* the likeliest is there */
  for (int i = 0; i < unroll_result_variables(r); i++) {
    const unroll_variable *v = sheet_variable(s, unroll_result_variable(r, i));
    unroll_value x;
    if (!v || !strcmp(v->sort, "end") || !sheet_value(r, 0, v->name, &x)) continue;
    html_add(&to->guess, "<div>");
    name_of(s, &to->guess, v->name);
    draw_value(s, &to->guess, v, &x);
    if (x.p && x.steps == 1) text_format(&to->guess, " <span class=\"soft\">%.1f %%</span>", 100 * (double)x.p[0]);
    for (int k = 1; x.steps == 1 && x.top && k < x.n_top && k < 3; k++) {
      size_t n;
      const char *label = sheet_label(s, v->name, x.top[k], &n);
      html_add(&to->guess, "<div class=\"soft\">");
      html_symbol(&to->guess, label, n);
      text_format(&to->guess, " %.1f %%</div>", 100 * (double)x.top_p[k]);
    }
    html_add(&to->guess, "</div>");
  }
}

static int take_guess(void *context, const unroll_result *r) {
  examples_part *p = context;
  unroll_row row;
  unroll_row_init(&row);
  if (!unroll_result_row(r, 0, &row, NULL)) each(p, row.example, r, add_guess);
  return row.example > last_wanted(p);
}

static bool reads_something(const sheet *s) {
  for (int i = 0; i < s->n_variables; i++)
    if (!s->variables[i].predicted) return true;
  return false;
}

static unroll_status fill(examples_part *p, unroll_error *err) {
  sheet *s = p->s;
  unroll_error e = {0};
  unroll_result *r = NULL;
  const char **names = mem_zero((size_t)s->n_variables + 1, sizeof *names);
  unroll_options *o = sheet_options(s, "trace");
  unroll_status status = names && o ? UNROLL_OK : error_memory(err);
  for (int i = 0; i < s->n_variables && names; i++) names[i] = s->variables[i].name;
  unroll_options_set_rows(o, take_given, p);
  if (!status) {
    status = unroll_trace(s->r->m, s->r->t, names, s->n_variables, o, &r, &e);
    unroll_result_free(r);
    r = NULL;
    if (status && err) *err = e;
    status = sheet_failed(s, "what went in", status, &e);
  }
  unroll_options_free(o);
  mem_free(names);
  if (status || !reads_something(s)) return status;
  o = sheet_options(s, "predict");
  if (!o) return error_memory(err);
  bool labels = false, generates = false;
  for (int i = 0; i < s->n_variables; i++) {
    const unroll_variable *v = &s->variables[i];
    labels |= v->predicted && v->distribution && !strcmp(v->distribution, "softmax");
    generates |= v->predicted && v->fed_back;
  }
  if (labels && !generates) sheet_set_number(o, "top", 3);
  if (generates && !labels) sheet_set_number(o, "samples", 1); /* numbers: a draw says more than a mean of everything */
  unroll_options_set_rows(o, take_guess, p);
  status = unroll_predict(s->r->m, s->r->t, o, &r, &e);
  unroll_options_free(o);
  unroll_result_free(r);
  if (status && err) *err = e;
  return sheet_failed(s, "predictions", status, &e);
}

/* --- out --- */

/* Is what is said what is true? Behind it there may be markup, as the share of a label. */
static bool same_text(const text *truth, const text *said) {
  static const char closing[] = "</div>";
  const size_t n = truth->length - (sizeof closing - 1);
  if (truth->length < sizeof closing || said->length < truth->length || memcmp(truth->data, said->data, n) != 0) return false;
  const char *rest = said->data + n;
  return *rest == '<' || !strncmp(rest, " <", 2);
}

static void add_markup(text *out, const text *x) {
  if (x->length) text_add(out, x->data, x->length);
  out->failed |= x->failed;
}

static void add_cards(sheet *s, const shown_row *list, int n) {
  text *out = &s->body;
  bool keys = false;
  for (int i = 0; i < s->n_variables; i++) keys |= !strcmp(s->variables[i].sort, "keys");
  html_add(out, keys ? "<div class=\"pictures drawings rolls\">\n" : "<div class=\"pictures drawings\">\n");
  for (int i = 0; i < n; i++) {
    html_add(out, "<figure>");
    add_markup(out, &list[i].given);
    if (!list[i].given.length) add_markup(out, &list[i].truth);
    html_add(out, "<figcaption>");
    text_format(out, "example %lld", (long long)list[i].example + 1);
    if (isfinite(list[i].bits)) text_format(out, ", %.3g bits", list[i].bits);
    if (list[i].given.length && list[i].truth.length) {
      html_add(out, "<div>true: ");
      add_markup(out, &list[i].truth);
      html_add(out, "</div>");
    }
    if (list[i].guess.length) {
      html_add(out, same_text(&list[i].truth, &list[i].guess) ? "<div class=\"right\">says: " : "<div>says: ");
      add_markup(out, &list[i].guess);
      html_add(out, "</div>");
    }
    html_add(out, "</figcaption></figure>\n");
  }
  html_add(out, "</div>\n");
}

static void add_rows(sheet *s, const shown_row *list, int n) {
  text *out = &s->body;
  bool given = false, guess = false;
  for (int i = 0; i < n; i++) given |= list[i].given.length > 0, guess |= list[i].guess.length > 0;
  html_add(out, "<div class=\"wide\"><table class=\"words\"><thead><tr><th>example</th>");
  html_add(out, given ? "<th>given</th>" : "");
  html_add(out, guess ? "<th>true</th><th>the model says</th>" : "<th>true</th>");
  html_add(out, "<th>bits a prediction</th></tr></thead><tbody>\n");
  for (int i = 0; i < n; i++) {
    text_format(out, "<tr><td>%lld</td>", (long long)list[i].example + 1);
    if (given) {
      html_add(out, "<td class=\"text\">");
      add_markup(out, &list[i].given);
      html_add(out, "</td>");
    }
    html_add(out, "<td class=\"text\">");
    add_markup(out, &list[i].truth);
    if (guess) {
      html_add(out, same_text(&list[i].truth, &list[i].guess) ? "</td><td class=\"text right\">" : "</td><td class=\"text\">");
      add_markup(out, &list[i].guess);
    }
    html_add(out, "</td><td class=\"n\">");
    html_number(out, list[i].bits);
    html_add(out, "</td></tr>\n");
  }
  html_add(out, "</tbody></table></div>\n");
}

static void add_list(sheet *s, const shown_row *list, int n) {
  bool media = false;
  for (int i = 0; i < s->n_variables; i++) media |= draw_is_media(&s->variables[i]);
  if (media)
    add_cards(s, list, n);
  else
    add_rows(s, list, n);
}

/* --- one long text: its worst symbols --- */

typedef struct worst_symbol {
  int64_t at;
  double bits;
  text markup;
} worst_symbol;

typedef struct stream_part {
  sheet *s;
  worst_symbol list[WORST];
  int n;
} stream_part;

static void tell_symbol(const sheet *s, const unroll_value *x, const char *name, worst_symbol *w) {
  const int64_t from = w->at > BEFORE ? w->at - BEFORE : 0;
  const unroll_variable *v = sheet_variable(s, name);
  const bool words = v && !strcmp(v->unit, "words");
  text *out = &w->markup;
  size_t n;
  for (int64_t t = from; t <= w->at; t++) {
    const char *label = sheet_label(s, name, x->symbols[t], &n);
    if (t == w->at) html_add(out, "<b class=\"wrong\">");
    html_symbol(out, label, n);
    if (t == w->at) html_add(out, "</b>");
    if (words) html_add(out, " ");
  }
}

static int take_stream(void *context, const unroll_result *r) {
  stream_part *p = context;
  const char *name = unroll_result_variable(r, 0);
  unroll_value x;
  if (!sheet_value(r, 0, name, &x) || !x.symbols || !x.log2_p) return 0;
  for (int64_t t = 0; t < x.steps && t < x.n_log2_p; t++) {
    int at = p->n;
    const double bits = -x.log2_p[t];
    while (at > 0 && p->list[at - 1].bits < bits) at--;
    if (at == WORST || isnan(bits)) continue;
    if (p->n < WORST) p->n++;
    memmove(&p->list[at + 1], &p->list[at], (size_t)(p->n - 1 - at) * sizeof *p->list);
    p->list[at] = (worst_symbol){.at = t, .bits = bits};
  }
  for (int i = 0; i < p->n; i++) tell_symbol(p->s, &x, name, &p->list[i]);
  return 0;
}

static unroll_status part_stream(sheet *s, unroll_error *err) {
  stream_part p = {.s = s};
  unroll_error e = {0};
  unroll_result *r = NULL;
  unroll_options *o = sheet_options(s, "score");
  if (!o) return error_memory(err);
  unroll_options_set_rows(o, take_stream, &p);
  const unroll_status status = unroll_score_table(s->r->m, s->r->t, o, &r, &e);
  unroll_options_free(o);
  unroll_result_free(r);
  if (!status && p.n) {
    sheet_part(s, "errors", "Errors");
    html_add(&s->body, "<p class=\"soft\">Symbols with the highest loss, each with what came before it.</p>\n<div class=\"wide\">"
                       "<table class=\"words\"><thead><tr><th>place</th><th>text</th><th>bits</th></tr></thead><tbody>\n");
    for (int i = 0; i < p.n; i++) {
      text_format(&s->body, "<tr><td>%lld</td><td class=\"text mono\">", (long long)p.list[i].at + 1);
      add_markup(&s->body, &p.list[i].markup);
      text_format(&s->body, "</td><td class=\"n\">%.2f</td></tr>\n", p.list[i].bits);
    }
    html_add(&s->body, "</tbody></table></div>\n");
  }
  for (int i = 0; i < p.n; i++) text_free(&p.list[i].markup);
  if (status && err) *err = e;
  return sheet_failed(s, "errors", status, &e);
}

unroll_status part_examples(sheet *s, unroll_error *err) {
  unroll_error e = {0};
  unroll_result *r = NULL;
  if (!s->r->t || s->timed) return UNROLL_OK;
  if (s->streams) return part_stream(s, err);
  examples_part *p = mem_zero(1, sizeof *p);
  unroll_options *o = sheet_options(s, "score");
  unroll_status status = p && o ? UNROLL_OK : error_memory(err);
  if (!status) {
    p->s = s;
    unroll_options_set_rows(o, take_scored, p);
    status = unroll_score_table(s->r->m, s->r->t, o, &r, &e);
    unroll_result_free(r);
    p->scored = !status;
    if (status && err) *err = e;
    status = sheet_failed(s, "losses of examples", status, &e);
    if (!p->scored && !status) /* without what is true: what goes in and what comes out */
      for (int64_t i = 0; i < unroll_result_rows(s->data) && i < MOST_SHOWN && i < s->r->examples; i++)
        p->first[p->n_first++] = (shown_row){.example = i, .bits = (double)NAN};
  }
  if (!status && !s->is_text && p->n_first) status = fill(p, err);
  if (!status && p->n_first) {
    sheet_part(s, "examples", "Examples");
    add_list(s, p->first, p->n_first);
    if (p->scored && p->rows > p->n_first) {
      sheet_part(s, "errors", "Errors");
      html_add(&s->body, "<p class=\"soft\">The examples with the highest loss, in bits a prediction.</p>\n");
      add_list(s, p->worst, p->n_worst);
    }
  } else if (!status) {
    sheet_left_out(s, "examples", "there are none");
  }
  for (int i = 0; p && i < p->n_first; i++) row_free(&p->first[i]);
  for (int i = 0; p && i < p->n_worst; i++) row_free(&p->worst[i]);
  unroll_options_free(o);
  mem_free(p);
  return status;
}
