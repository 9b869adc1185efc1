/* part_figures.c - the figures of `unroll eval`, from the one list of values: whatever is in it, as tables; and confusion. */
#include <math.h>
#include <string.h>
#include "report/sheet.h"

enum { MOST_ROWS = 60, MOST_COLUMNS = 24 };

/* With a blank for each underscore. */
static void add_name(text *out, const char *name) {
  for (const char *c = name; *c;) {
    const size_t n = strcspn(c, "_");
    html_text(out, c, n);
    c += n;
    if (*c == '_') html_add(out, " "), c++;
  }
}

static void add_figure(text *out, const unroll_figure *f) {
  if (f->word)
    html_string(out, f->word);
  else if (!strcmp(f->unit, "share") && isfinite(f->value))
    text_format(out, "%.2f&nbsp;%%", 100 * f->value);
  else
    html_number(out, f->value);
}

static bool subject(const sheet *s, int number, unroll_subject *x) {
  unroll_subject_init(x);
  return !unroll_result_subject(s->figures, number, x, NULL);
}

static bool figure(const sheet *s, int number, unroll_figure *f) {
  unroll_figure_init(f);
  return !unroll_result_figure(s->figures, number, f, NULL);
}

static bool below(const sheet *s, int of, int top) {
  unroll_subject x;
  while (of > top && subject(s, of, &x)) of = x.parent;
  return of == top;
}

/* A figure's name below a subject, with the names between: "pinball 0.5". */
static void path_name(const sheet *s, int of, int top, const char *name, text *out) {
  unroll_subject x;
  if (of != top && subject(s, of, &x)) path_name(s, x.parent, top, x.name, out), html_add(out, " ");
  html_add(out, name);
}

/* --- tables --- */

typedef struct columns {
  text names[MOST_COLUMNS];
  int n;
} columns;

static int column_of(columns *c, const text *name, bool add) {
  for (int i = 0; i < c->n; i++)
    if (c->names[i].data && name->data && !strcmp(c->names[i].data, name->data)) return i;
  if (!add || c->n == MOST_COLUMNS) return -1;
  html_add(&c->names[c->n], name->data ? name->data : "");
  return c->n++;
}

static void subject_name(text *out, const unroll_subject *x) {
  if (x->is_element)
    html_symbol(out, x->label, x->length);
  else
    add_name(out, x->name);
}

/* Children of a subject as rows, all figures below each as columns. */
static void add_table(sheet *s, int parent) {
  text *out = &s->body;
  columns c = {.n = 0};
  unroll_subject x;
  unroll_figure f;
  int rows;
  for (int pass = 0; pass < 2; pass++) {
    rows = 0;
    if (pass) {
      html_add(out, "<div class=\"wide\"><table><thead><tr><th></th>");
      for (int k = 0; k < c.n; k++) {
        html_add(out, "<th>");
        add_name(out, c.names[k].data ? c.names[k].data : "");
        html_add(out, "</th>");
      }
      html_add(out, "</tr></thead><tbody>\n");
    }
    for (int i = 0; subject(s, i, &x); i++) {
      unroll_figure cells[MOST_COLUMNS];
      bool there[MOST_COLUMNS] = {false};
      if (x.parent != parent || x.is_list || ++rows > MOST_ROWS) continue; /* the others are only counted */
      for (int k = 0; figure(s, k, &f); k++) {
        text name = {0};
        if (!below(s, f.subject, i)) continue;
        path_name(s, f.subject, i, f.name, &name);
        const int at = column_of(&c, &name, !pass);
        text_free(&name);
        if (at >= 0) cells[at] = f, there[at] = true;
      }
      if (!pass) continue;
      html_add(out, "<tr><th scope=\"row\">");
      subject_name(out, &x);
      html_add(out, "</th>");
      for (int k = 0; k < c.n; k++) {
        html_add(out, "<td>");
        if (there[k]) add_figure(out, &cells[k]);
        html_add(out, "</td>");
      }
      html_add(out, "</tr>\n");
    }
  }
  html_add(out, "</tbody></table></div>\n");
  if (rows > MOST_ROWS) text_format(out, "<p class=\"soft\">The first %d of %d.</p>\n", MOST_ROWS, rows);
  for (int k = 0; k < c.n; k++) text_free(&c.names[k]);
}

/* Own figures as tiles. */
static void add_tiles(sheet *s, int of) {
  unroll_figure f;
  bool any = false;
  for (int i = 0; figure(s, i, &f); i++) {
    if (f.subject != of) continue;
    html_add(&s->body, any ? "<div>" : "<div class=\"facts\"><div>");
    html_add(&s->body, "<b>");
    add_figure(&s->body, &f);
    html_add(&s->body, "</b>");
    add_name(&s->body, f.name);
    if (!strncmp(f.unit, "nats", 4)) {
      html_add(&s->body, ", ");
      html_string(&s->body, f.unit);
    }
    html_add(&s->body, "</div>");
    any = true;
  }
  if (any) html_add(&s->body, "</div>\n");
}

static void add_subject(sheet *s, int of, int depth) {
  unroll_subject x;
  int plain = 0;
  add_tiles(s, of);
  for (int i = of + 1; subject(s, i, &x); i++) plain += x.parent == of && !x.is_list && depth > 0;
  if (plain > 1) {
    add_table(s, of); /* model, naive ... */
    return;
  }
  for (int i = of + 1; subject(s, i, &x) && depth < 8; i++) {
    if (x.parent != of) continue;
    if (strcmp(x.name, "variables") != 0) {
      html_add(&s->body, "<h3>");
      subject_name(&s->body, &x);
      html_add(&s->body, "</h3>\n");
    }
    if (x.is_list)
      add_table(s, i);
    else
      add_subject(s, i, strcmp(x.name, "variables") ? depth + 1 : depth);
  }
}

/* --- confusion --- */

static int64_t count(const unroll_confusion *c, int i, int j) { return c->counts[(int64_t)i * c->n + j]; }

/* A label that is there, or was predicted. */
static bool occurs(const unroll_confusion *c, int i) {
  for (int j = 0; j < c->n; j++)
    if (count(c, i, j) || count(c, j, i)) return true;
  return false;
}

static void add_row(text *out, const unroll_confusion *c, int i) {
  int64_t all = 0;
  for (int j = 0; j < c->n; j++) all += count(c, i, j);
  html_add(out, "<tr><th scope=\"row\">");
  html_symbol(out, c->labels[i], c->lengths[i]);
  html_add(out, "</th>");
  for (int j = 0; j < c->n; j++) {
    const int64_t n = count(c, i, j);
    if (!occurs(c, j)) continue;
    if (n)
      text_format(out, "<td class=\"%s\" style=\"--A:%.2f\">%lld</td>", i == j ? "cold" : "heat", (double)n / (double)all,
                  (long long)n);
    else
      html_add(out, "<td></td>");
  }
  html_add(out, "</tr>\n");
}

static int occurring(const unroll_confusion *c) {
  int n = 0;
  for (int i = 0; i < c->n; i++) n += occurs(c, i);
  return n;
}

static void add_confusion(sheet *s, const unroll_confusion *c) {
  text *out = &s->body;
  html_add(out, "<h3>Confusion of ");
  html_string(out, c->variable);
  const bool many = occurring(c) > 24;
  html_add(out, many ? "</h3>\n<details><summary>All symbols</summary><div class=\"wide\"><table class=\"matrix\">"
                     : "</h3>\n<div class=\"wide\"><table class=\"matrix\">");
  html_add(out, "<thead><tr><th>true \\ predicted</th>");
  for (int j = 0; j < c->n; j++) {
    if (!occurs(c, j)) continue;
    html_add(out, "<th scope=\"col\"><span>");
    html_symbol(out, c->labels[j], c->lengths[j]);
    html_add(out, "</span></th>");
  }
  html_add(out, "</tr></thead><tbody>\n");
  for (int i = 0; i < c->n; i++)
    if (occurs(c, i)) add_row(out, c, i);
  html_add(out,
           "</tbody></table></div>\n<p class=\"soft\">Shares of each row: blue is right, red is taken for something else.</p>\n");
  html_add(out, many ? "</details>\n" : "");
}

/* How large the largest table would be. */
static int classes(const sheet *s) {
  int labels = 0, symbols = 0;
  for (int i = 0; i < s->n_variables; i++) {
    const unroll_variable *v = &s->variables[i];
    if (!v->predicted || !v->symbols || !v->distribution || strcmp(v->distribution, "softmax") != 0) continue;
    int *most = !strcmp(v->sort, "label") ? &labels : &symbols;
    if (v->symbols > *most) *most = v->symbols;
  }
  return labels ? labels : symbols;
}

unroll_status part_figures(sheet *s, unroll_error *err) {
  unroll_error e = {0};
  unroll_confusion c;
  if (!s->r->t) return UNROLL_OK;
  unroll_options *o = sheet_options(s, "eval");
  const int n = s->timed ? 0 : classes(s);
  if (!o) return error_memory(err);
  if (n > 0 && n <= 4 * SHEET_CLASSES) sheet_set(o, "confusion", NULL);
  unroll_status status = unroll_evaluate(s->r->m, s->r->t, o, &s->figures, &e);
  unroll_options_free(o);
  if (status) {
    if (err) *err = e;
    return sheet_failed(s, "figures", status, &e);
  }
  sheet_part(s, "figures", "Figures");
  add_subject(s, 0, 0);
  unroll_confusion_init(&c);
  for (int i = 0; !unroll_result_confusion(s->figures, i, &c, NULL); i++) {
    if (occurring(&c) <= SHEET_CLASSES)
      add_confusion(s, &c);
    else
      sheet_left_out(s, "a confusion matrix", "it would have too many rows");
  }
  if (n > 4 * SHEET_CLASSES) sheet_left_out(s, "a confusion matrix", "there are too many symbols");
  if (!n) sheet_left_out(s, "a confusion matrix", "no label or symbol is predicted one by one");
  return UNROLL_OK;
}
