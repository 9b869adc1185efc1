/* dot.c - what depends on what, as a digraph for Graphviz. An arrow comes from each name that an equation reads, with the
 * matrix that it goes through. It is dashed where it comes from another step. Names that no equation defines are data, in
 * boxes. */
#include <stdio.h>
#include <string.h>
#include "typeset/form.h"

typedef struct drawing {
  text *out;
  const term *to; /* what the equation defines */
} drawing;

static void quoted(const char *s, int n, text *out) {
  form_put(out, "\"");
  for (int i = 0; i < n; i++) text_format(out, s[i] == '"' || s[i] == '\\' ? "\\%c" : "%c", s[i]);
  form_put(out, "\"");
}

/* A name with its index, or without one, as it is: the name, or NULL. */
static const term *name_of(const term *x) {
  if (x->kind == TERM_INDEX) x = x->first;
  return x->kind == TERM_NAME ? x : NULL;
}

/* The distance in time: -1 for h[t-1]. */
static bool shifted(const term *x, char sign[24]) {
  const term *at = x->kind == TERM_INDEX ? x->first->next : NULL;
  if (!at || (at->kind != TERM_ADD && at->kind != TERM_SUB) || at->first->next->kind != TERM_NUMBER) return false;
  snprintf(sign, 24, "t%c%.*s", at->kind == TERM_ADD ? '+' : '-', at->first->next->n < 12 ? at->first->next->n : 12,
           at->first->next->text);
  return true;
}

static bool has_time(const term *x) {
  const term *at = x->kind == TERM_INDEX ? x->first->next : NULL;
  const term *t = at && (at->kind == TERM_ADD || at->kind == TERM_SUB) ? at->first : at;
  return t && t->kind == TERM_NAME && form_word_is(t->text, t->n, "t");
}

/* All that x reads. `through`: the matrix in front of it, or NULL. What has no time is a weight, unless something defines it. */
static void arrows(const drawing *d, const term *x, const term *through) {
  char when[24];
  if (has_time(x) && name_of(x)) {
    const bool dashed = shifted(x, when);
    form_put(d->out, "  ");
    quoted(name_of(x)->text, name_of(x)->n, d->out);
    form_put(d->out, " -> ");
    quoted(d->to->text, d->to->n, d->out);
    form_put(d->out, " [label=\"");
    if (through) text_format(d->out, "%.*s", through->n, through->text);
    if (dashed) text_format(d->out, "%s%s\" style=\"dashed\" constraint=\"false", through ? ", " : "", when);
    form_put(d->out, "\"]\n");
    return;
  }
  if (x->kind == TERM_APPLY) {
    const term *matrix = x->first->kind == TERM_TRANSPOSE ? x->first->first : x->first;
    arrows(d, x->first->next, name_of(matrix) ? name_of(matrix) : through);
    if (!name_of(matrix)) arrows(d, matrix, through);
    return;
  }
  for (const term *c = x->first; c; c = c->next) arrows(d, c, through);
}

static void equation(const term *x, const char *line, size_t n, bool last, text *out) {
  (void)line, (void)n, (void)last;
  const term *to = x && (x->kind == TERM_EQUAL || x->kind == TERM_DRAWN) ? name_of(x->first) : NULL;
  if (!to) return;
  const drawing d = {out, to};
  form_put(out, "  ");
  quoted(to->text, to->n, out);
  form_put(out, x->kind == TERM_DRAWN ? " [shape=doubleoctagon]\n" : " [shape=ellipse]\n");
  arrows(&d, x->first->next, NULL);
}

void typeset_dot(const char *title, const char *lines, text *out) {
  form_put(out, "digraph ");
  quoted(title, (int)strlen(title), out);
  form_put(out, " {\n  rankdir=BT\n  node [shape=box fontname=\"sans-serif\"]\n  edge [fontname=\"sans-serif\" fontsize=10]\n");
  form_lines(lines, out, equation);
  form_put(out, "}\n");
}
