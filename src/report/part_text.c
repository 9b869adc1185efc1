/* part_text.c - a text coloured by units of the states that read or write it. Units are ranked by what they follow. What was
 * guessed at each symbol is there too.
 *
 * A net that is fed back has read symbol t at step t + 1: there lies the value that symbol t is coloured by. All units of all
 * states are in the page for as many first symbols as ALL_VALUES allows. Ranked ones are there for all symbols that are
 * shown. */
#include <math.h>
#include <string.h>
#include "report/sheet.h"
#include "report/units.h"

enum { ALL_VALUES = 900000, MOST_STATES = 6, MOST_SHOWN = SHEET_STEPS, RANKED = 3, SNIPPET = 220, GUESSED = 36, LEVELS = 63 };

typedef struct symbol_at { /* of what is shown */
  int64_t row, step;
  int32_t symbol; /* -1: between two examples */
} symbol_at;

typedef struct ranked {
  int state, unit, property;
  double r;
} ranked;

typedef struct coloured {
  sheet *s;
  const unroll_variable *v; /* the text */
  symbol_at *shown;
  int64_t n;
  const char **texts; /* [n] */
  size_t *lengths;
  const unroll_named *states[MOST_STATES];
  double *most[MOST_STATES]; /* [width] the largest absolute value of each unit */
  int n_states;
  unroll_value *values; /* [rows][n_states] */
  int64_t rows;
  ranked best[PROPERTIES * RANKED];
  int n_best;
} coloured;

static const unroll_value *value_of(const coloured *c, int state, int64_t row) { return &c->values[row * c->n_states + state]; }

/* The row of a state's values at a shown symbol; NULL: none. */
static const double *row_at(const coloured *c, int state, int64_t t) {
  const symbol_at *at = &c->shown[t];
  if (at->symbol < 0) return NULL;
  const unroll_value *x = value_of(c, state, at->row);
  const int64_t step = at->step + (c->v->fed_back != 0);
  return x->numbers && step < x->steps ? x->numbers + step * x->width : NULL;
}

typedef struct state_rows {
  const coloured *c;
  int state;
} state_rows;
static const double *row_of(const void *context, int64_t t) {
  const state_rows *x = context;
  return row_at(x->c, x->state, t);
}

/* --- what is shown --- */

static bool is_of(const sheet *s, const unroll_named *x, const unroll_variable *v) {
  const unroll_variable *along = sheet_variable(s, x->along);
  unroll_value value;
  return along && x->is_state && x->width > 0 && !strcmp(along->name, v->name) && sheet_value(s->traced, 0, x->name, &value);
}

/* The text with states along it: one that is predicted before others. */
static const unroll_variable *find_text(const sheet *s) {
  const unroll_variable *found = NULL;
  for (int i = 0; i < s->n_variables; i++) {
    const unroll_variable *v = &s->variables[i];
    bool states = false;
    for (int k = 0; k < s->n_named; k++) states |= is_of(s, &s->named[k], v);
    if (v->symbols && v->has_steps && states && (!found || (v->predicted && !found->predicted))) found = v;
  }
  return found;
}

static unroll_status take_symbols(coloured *c, unroll_error *err) {
  sheet *s = c->s;
  int64_t all = 0;
  unroll_value x;
  c->rows = unroll_result_rows(s->traced);
  for (int64_t row = 0; row < c->rows; row++)
    if (sheet_value(s->traced, row, c->v->name, &x)) all += x.steps + 1;
  if (all > MOST_SHOWN) all = MOST_SHOWN;
  c->shown = mem_zero((size_t)all + 1, sizeof *c->shown);
  c->texts = mem_zero((size_t)all + 1, sizeof *c->texts);
  c->lengths = mem_zero((size_t)all + 1, sizeof *c->lengths);
  if (!c->shown || !c->texts || !c->lengths) return error_memory(err);
  for (int64_t row = 0; row < c->rows; row++) {
    if (!sheet_value(s->traced, row, c->v->name, &x) || !x.symbols) continue;
    for (int64_t t = 0; t <= x.steps && c->n < all; t++) {
      if (t == x.steps && (s->streams || row + 1 == c->rows)) continue;
      c->shown[c->n] = (symbol_at){row, t, t < x.steps ? x.symbols[t] : -1};
      if (t < x.steps) c->texts[c->n] = sheet_label(s, c->v->name, x.symbols[t], &c->lengths[c->n]);
      c->n++;
    }
  }
  return UNROLL_OK;
}

static unroll_status take_states(coloured *c, unroll_error *err) {
  sheet *s = c->s;
  for (int i = 0; i < s->n_named && c->n_states < MOST_STATES; i++)
    if (is_of(s, &s->named[i], c->v)) c->states[c->n_states++] = &s->named[i];
  c->values = mem_zero((size_t)(c->rows * c->n_states) + 1, sizeof *c->values);
  if (!c->values) return error_memory(err);
  for (int k = 0; k < c->n_states; k++) {
    c->most[k] = mem_zero((size_t)c->states[k]->width + 1, sizeof **c->most);
    if (!c->most[k]) return error_memory(err);
  }
  for (int64_t row = 0; row < c->rows; row++)
    for (int k = 0; k < c->n_states; k++) {
      unroll_value *x = &c->values[row * c->n_states + k];
      sheet_value(s->traced, row, c->states[k]->name, x);
      for (int64_t i = 0; x->numbers && i < x->steps * x->width; i++)
        if (isfinite(x->numbers[i])) c->most[k][i % x->width] = fmax(c->most[k][i % x->width], fabs(x->numbers[i]));
    }
  return UNROLL_OK;
}

/* --- ranking --- */

static void enter(coloured *c, int from, const ranked *x) {
  int at = c->n_best;
  while (at > from && fabs(c->best[at - 1].r) < fabs(x->r)) at--;
  if (at - from >= RANKED) return;
  if (c->n_best - from < RANKED) c->n_best++;
  memmove(&c->best[at + 1], &c->best[at], (size_t)(c->n_best - 1 - at) * sizeof *c->best);
  c->best[at] = *x;
}

static unroll_status rank_units(coloured *c, unroll_error *err) {
  property list[PROPERTIES] = {{0}};
  double *follows[MOST_STATES] = {0};
  const reading r = {c->texts, c->lengths, c->n, strcmp(c->v->unit, "chars") != 0 && strcmp(c->v->unit, "bytes") != 0};
  bool full = properties_of(list, &r);
  for (int k = 0; k < c->n_states && full; k++) {
    const state_rows rows = {c, k};
    const int width = c->states[k]->width;
    follows[k] = mem_zero((size_t)width * PROPERTIES + 1, sizeof **follows);
    full = follows[k] && units_follow(follows[k], list, c->n, width, row_of, &rows);
  }
  for (int p = 0; p < PROPERTIES && full; p++) {
    const int from = c->n_best;
    for (int k = 0; k < c->n_states && list[p].values; k++)
      for (int u = 0; u < c->states[k]->width; u++) {
        const ranked x = {k, u, p, follows[k][p * c->states[k]->width + u]};
        if (fabs(x.r) >= 0.2) enter(c, from, &x);
      }
  }
  for (int k = 0; k < c->n_states; k++) mem_free(follows[k]);
  properties_free(list);
  return full ? UNROLL_OK : error_memory(err);
}

/* --- out --- */

static void add_symbol(const coloured *c, text *out, int64_t t) {
  if (c->shown[t].symbol < 0)
    html_add(out, "\n");
  else if (c->lengths[t] == 1 && *c->texts[t] == '\n')
    html_add(out, "↵\n");
  else
    html_text(out, c->texts[t], c->lengths[t]);
}

static bool is_words(const coloured *c) { return !strcmp(c->v->unit, "words") || !strcmp(c->v->unit, "labels"); }

/* Where the unit changes most over a stretch of symbols. */
static int64_t liveliest(const coloured *c, const ranked *x) {
  int64_t best = 0;
  double most = -1;
  for (int64_t from = 0; from < c->n; from += SNIPPET) {
    double change = 0, last = 0;
    for (int64_t t = from; t < c->n && t < from + SNIPPET; t++) {
      const double *row = row_at(c, x->state, t), y = row && isfinite(row[x->unit]) ? row[x->unit] : last;
      if (t > from && fabs(y - last) > 0.3 * c->most[x->state][x->unit]) change += 1;
      last = y;
    }
    if (change > most) most = change, best = from;
  }
  return best;
}

static void add_snippet(const coloured *c, const ranked *x) {
  text *out = &c->s->body;
  const int64_t from = liveliest(c, x);
  html_add(out, is_words(c) ? "<div class=\"tokens words\">" : "<div class=\"tokens\">");
  for (int64_t t = from; t < c->n && t < from + SNIPPET; t++) {
    const double *row = row_at(c, x->state, t);
    const double most = c->most[x->state][x->unit], y = row && isfinite(row[x->unit]) && most > 0 ? row[x->unit] / most : 0;
    if (fabs(y) < 0.03)
      html_add(out, "<span>");
    else
      text_format(out, "<span class=\"%s\" style=\"--A:%.2f\">", y > 0 ? "heat" : "cold", fmin(1, fabs(y)));
    add_symbol(c, out, t);
    html_add(out, "</span>");
  }
  html_add(out, "</div>\n");
}

static const char *property_name(int number) {
  static const char *const said[PROPERTIES] = {
      "inside quotes",   "inside brackets", "place in the line", "last letter of a word", "blanks",
      "capital letters", "digits",          "end of a sentence", "place in the text"};
  return said[number];
}

static void add_ranks(const coloured *c) {
  text *out = &c->s->body;
  if (!c->n_best) {
    html_add(
        out,
        "<p class=\"soft\">No unit follows quotes, brackets, lines, ends of words or digits here (no correlation of 0.2).</p>\n");
    return;
  }
  html_add(out,
           "<h3>Units that follow something</h3>\n<div class=\"wide\"><table class=\"words\"><thead><tr><th>what</th><th>unit</th>"
           "<th>correlation</th></tr></thead><tbody>\n");
  for (int i = 0; i < c->n_best; i++) {
    const ranked *x = &c->best[i];
    text_format(out, "<tr><td>%s</td><td><button type=\"button\" data-state=\"%d\" data-unit=\"%d\">", property_name(x->property),
                x->state, x->unit);
    html_string(out, c->states[x->state]->name);
    text_format(out, " %d</button></td><td class=\"n\">%.2f</td></tr>\n", x->unit + 1, x->r);
  }
  html_add(out, "</tbody></table></div>\n");
  for (int i = 0; i < c->n_best; i++) {
    const ranked *x = &c->best[i];
    if (i && c->best[i - 1].property == x->property) continue;
    text_format(out, "<h3>%s: ", property_name(x->property));
    html_string(out, c->states[x->state]->name);
    text_format(out, " %d, correlation %.2f</h3>\n", x->unit + 1, x->r);
    add_snippet(c, x);
  }
}

static char level_of(double x, double most) {
  return html_level(isfinite(x) && most > 0 ? (int)lround((x / most + 1) / 2 * LEVELS) : LEVELS / 2 + 1);
}

static void add_series(const coloured *c, text *out, int state, int unit, int64_t n) {
  text_add(out, "\"", 1);
  for (int64_t t = 0; t < n; t++) {
    const double *row = row_at(c, state, t);
    const char level = level_of(row ? row[unit] : 0, c->most[state][unit]);
    text_add(out, &level, 1);
  }
  text_add(out, "\"", 1);
}

static void add_states(const coloured *c, text *out) {
  int64_t units = 0;
  for (int k = 0; k < c->n_states; k++) units += c->states[k]->width;
  const int64_t n = units && c->n > ALL_VALUES / units ? ALL_VALUES / units : c->n;
  html_add(out, "\"states\":[");
  for (int k = 0; k < c->n_states; k++) {
    html_add(out, k ? ",{\"name\":" : "{\"name\":");
    html_json(out, c->states[k]->name, strlen(c->states[k]->name));
    text_format(out, ",\"width\":%d,\"most\":[", c->states[k]->width);
    for (int u = 0; u < c->states[k]->width; u++) text_format(out, u ? ",%.4g" : "%.4g", c->most[k][u]);
    html_add(out, "],\"units\":[");
    for (int u = 0; u < c->states[k]->width; u++) {
      if (u) html_add(out, ",");
      add_series(c, out, k, u, n);
    }
    html_add(out, "],\"whole\":[");
    bool any = false;
    for (int i = 0; i < c->n_best && n < c->n; i++) {
      bool known = c->best[i].state != k;
      for (int j = 0; j < i; j++) known |= c->best[j].state == k && c->best[j].unit == c->best[i].unit;
      if (known) continue;
      text_format(out, "%s{\"unit\":%d,\"values\":", any ? "," : "", c->best[i].unit);
      add_series(c, out, k, c->best[i].unit, c->n);
      html_add(out, "}");
      any = true;
    }
    html_add(out, "]}");
  }
  html_add(out, "]");
}

/* Symbols get new numbers: those that occur. */
static int number_of(int *numbers, int *n, int symbol) {
  if (!numbers[symbol]) numbers[symbol] = ++*n;
  return numbers[symbol];
}

static unroll_status add_data(coloured *c, unroll_error *err) {
  text *out = &c->s->body, shown = {0}, guesses = {0}, p = {0}, names = {0};
  int *numbers = mem_zero((size_t)c->v->symbols + 1, sizeof *numbers), n = 0, top = 0;
  unroll_value x;
  if (!numbers) return error_memory(err);
  if (sheet_value(c->s->traced, 0, c->v->name, &x)) top = x.n_top;
  for (int64_t t = 0; t < c->n; t++) {
    const symbol_at *at = &c->shown[t];
    text_format(&shown, "%s%d", t ? "," : "", at->symbol < 0 ? 0 : number_of(numbers, &n, at->symbol));
    if (!top) continue;
    const bool there =
        sheet_value(c->s->traced, at->row, c->v->name, &x) && at->symbol >= 0 && at->step < x.steps && x.n_top == top;
    for (int k = 0; k < top; k++) {
      const char level = html_level(there ? (int)lround((double)x.top_p[at->step * top + k] * LEVELS) : 0);
      text_format(&guesses, "%s%d", t || k ? "," : "", there ? number_of(numbers, &n, x.top[at->step * top + k]) : 0);
      text_add(&p, &level, 1);
    }
  }
  /* In the order of their numbers; 0 is what stands between examples. */
  int *order = mem_zero((size_t)n + 1, sizeof *order);
  for (int i = 0; order && i < c->v->symbols; i++)
    if (numbers[i]) order[numbers[i]] = i;
  html_add(&names, "\"\\n\"");
  for (int i = 1; order && i <= n; i++) {
    size_t length;
    const char *label = sheet_label(c->s, c->v->name, order[i], &length);
    html_add(&names, ",");
    html_json(&names, length ? label : "∅", length ? length : 3);
  }
  text_format(out, "<script type=\"application/json\" id=\"data\">{\"words\":%s,\"symbols\":[", is_words(c) ? "true" : "false");
  if (names.data) html_add(out, names.data);
  html_add(out, "],\"shown\":[");
  if (shown.data) html_add(out, shown.data);
  text_format(out, "],\"k\":%d,\"guessed\":%lld,\"guesses\":[", top, top ? (long long)c->n : 0);
  if (guesses.data) html_add(out, guesses.data);
  html_add(out, "],\"p\":\"");
  if (p.data) html_add(out, p.data);
  html_add(out, "\",");
  add_states(c, out);
  html_add(out, "}</script>\n");
  out->failed |= shown.failed || guesses.failed || p.failed || names.failed || !order;
  text_free(&shown);
  text_free(&guesses);
  text_free(&p);
  text_free(&names);
  mem_free(order);
  mem_free(numbers);
  return UNROLL_OK;
}

/* The symbols of the beginning, and below each what was likeliest there. */
static void add_guesses(const coloured *c) {
  text *out = &c->s->body;
  unroll_value x;
  const int64_t from = c->s->streams && c->n > 3 * GUESSED ? 2 * GUESSED : 0;
  if (!sheet_value(c->s->traced, 0, c->v->name, &x) || !x.n_top) return;
  const int top = x.n_top;
  html_add(
      out,
      "<h3>What it guessed</h3>\n<p class=\"soft\">Below each symbol those that were likeliest, given all before it; the darker, "
      "the likelier.</p>\n<div class=\"wide\"><table class=\"guesses\"><tbody>\n<tr><td>was</td>");
  for (int64_t t = from; t < c->n && t < from + GUESSED; t++) {
    html_add(out, "<td>");
    if (c->shown[t].symbol >= 0) html_symbol(out, c->texts[t], c->lengths[t]);
    html_add(out, "</td>");
  }
  html_add(out, "</tr>\n");
  for (int k = 0; k < top; k++) {
    text_format(out, "<tr><td>%d.</td>", k + 1);
    for (int64_t t = from; t < c->n && t < from + GUESSED; t++) {
      const symbol_at *at = &c->shown[t];
      size_t n;
      if (at->symbol < 0 || !sheet_value(c->s->traced, at->row, c->v->name, &x) || at->step >= x.steps || x.n_top != top) {
        html_add(out, "<td></td>");
        continue;
      }
      const int32_t guess = x.top[at->step * top + k];
      const char *label = sheet_label(c->s, c->v->name, guess, &n);
      text_format(out, "<td class=\"heat%s\" style=\"--A:%.2f\">", guess == at->symbol ? " hit" : "",
                  (double)x.top_p[at->step * top + k]);
      html_symbol(out, label, n);
      html_add(out, "</td>");
    }
    html_add(out, "</tr>\n");
  }
  html_add(out, "</tbody></table></div>\n");
}

static void add_tokens(const coloured *c) {
  text *out = &c->s->body;
  html_add(
      out,
      "<div class=\"tools js\"><label>state <select id=\"state\"></select></label> <label>unit <input id=\"unit\" type=\"number\" "
      "min=\"1\" value=\"1\"></label> <span class=\"soft\" id=\"unitsays\"></span></div>\n");
  html_add(out, "<p id=\"guess\" class=\"mono\" aria-live=\"polite\"></p>\n<div class=\"tokens\" id=\"tokens\" role=\"region\" "
                "aria-label=\"the text\">");
  for (int64_t t = 0; t < c->n; t++) {
    add_symbol(c, out, t);
    if (is_words(c) && c->shown[t].symbol >= 0) html_add(out, " ");
  }
  html_add(out, "</div>\n");
}

unroll_status part_text(sheet *s, unroll_error *err) {
  coloured c = {.s = s};
  if (!s->traced) return UNROLL_OK;
  c.v = find_text(s);
  if (!c.v) {
    sheet_left_out(s, "a text coloured by units", "no state goes along a text");
    return UNROLL_OK;
  }
  unroll_status status = take_symbols(&c, err);
  if (!status && !c.n) {
    sheet_left_out(s, "a text coloured by units", "the text has no symbols");
  } else if (!status) {
    status = take_states(&c, err);
    if (!status) status = rank_units(&c, err);
    if (!status) {
      sheet_part(s, "text", "The text, by units");
      html_add(&s->body, "<p class=\"soft\">Each symbol has the colour of a unit's value once it was read.</p>\n");
      add_tokens(&c);
      add_ranks(&c);
      add_guesses(&c);
      status = add_data(&c, err);
    }
  }
  mem_free(c.shown);
  mem_free(c.texts);
  mem_free(c.lengths);
  mem_free(c.values);
  for (int k = 0; k < c.n_states; k++) mem_free(c.most[k]);
  return status;
}
