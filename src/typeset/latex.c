/* latex.c - equations as an align* environment of amsmath. */
#include <string.h>
#include "typeset/form.h"

enum { LINE = 70 }; /* about so many letters of an equation stand on one line */

static const form latex;

/* Bytes that mean something to LaTeX. */
static void escaped(const char *s, size_t n, text *out) {
  for (size_t i = 0; i < n; i++) {
    if (s[i] && strchr("#$%&_{}", s[i]))
      text_format(out, "\\%c", s[i]);
    else if (s[i] == '\\' || s[i] == '^' || s[i] == '~')
      text_format(out, "\\char%d{}", s[i]);
    else
      text_add(out, s + i, 1);
  }
}

static void italic(const char *s, text *out) {
  const size_t n = strlen(s);
  if (n > 1) form_put(out, "\\mathit{");
  escaped(s, n, out);
  if (n > 1) form_put(out, "}");
}

static void name(const name_parts *p, const term *index, bool derivative, const char *full, int n, text *out) {
  (void)full, (void)n;
  if (derivative) form_put(out, "\\partial ");
  if (p->greek)
    text_format(out, "\\%s", p->greek);
  else
    italic(p->base, out);
  if (*p->above) {
    form_put(out, "^{(");
    italic(p->above, out);
    form_put(out, ")}");
  }
  if (!*p->below && !index) return;
  form_put(out, "_{");
  italic(p->below, out);
  if (*p->below && index) form_put(out, ",");
  form_list(&latex, index, ",", out);
  form_put(out, "}");
}

static void word(const char *s, int n, text *out) { text_add(out, s, (size_t)n); }

static void function(const char *s, int n, text *out) {
  static const char *const known[] = {"tanh", "exp", "log", "max", "min"};
  if (form_word_is(s, n, "sigmoid")) {
    form_put(out, "\\sigma");
    return;
  }
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (form_word_is(s, n, known[i])) {
      text_format(out, "\\%s", known[i]);
      return;
    }
  form_put(out, "\\operatorname{");
  escaped(s, (size_t)n, out);
  form_put(out, "}");
}

static void over(const char *s, int n, text *out) {
  if (n > 1)
    text_format(out, "\\text{%.*s}} ", n, s);
  else
    text_format(out, "%.*s} ", n, s);
}

static const form latex = {.rows = {[TERM_DOTS] = {"\\ldots", "", ""},
                                    [TERM_ADD] = {"", " + ", ""},
                                    [TERM_SUB] = {"", " - ", ""},
                                    [TERM_MUL] = {"", " \\odot ", ""},
                                    [TERM_DIV] = {"\\frac{", "}{", "}"},
                                    [TERM_EQUAL] = {"", " = ", ""},
                                    [TERM_DRAWN] = {"", " \\sim ", ""},
                                    [TERM_NEGATE] = {"-", "", ""},
                                    [TERM_APPLY] = {"", "\\,", ""},
                                    [TERM_POWER] = {"{", "}^{", "}"},
                                    [TERM_TRANSPOSE] = {"{", "", "}^{\\top}"},
                                    [TERM_RANGE] = {"", ":", ""},
                                    [TERM_CALL] = {"", ",\\, ", ""},
                                    [TERM_LIST] = {"[", ";\\, ", "]"},
                                    [TERM_GROUP] = {"(", "", ")"},
                                    [TERM_SUM] = {"\\sum_{", "", ""}},
                           .index = {"{", "}_{", "}"},
                           .times = " \\cdot ",
                           .name = name,
                           .word = word,
                           .function = function,
                           .over = over};

/* About how wide a term is: its letters. */
static int width(const term *x) {
  int n = x->kind == TERM_NAME || x->kind == TERM_NUMBER || x->kind == TERM_CALL ? (x->n < 8 ? x->n : 8) + 1 : 1;
  for (const term *c = x->first; c; c = c->next) n += width(c);
  return n;
}

static int broken(const term *x, int full, text *out);

/* Children one after the other, each of which may be broken. */
static int parts(const term *x, const char *open, const char *between, const char *close, int full, text *out) {
  form_put(out, open);
  for (const term *c = x->first; c; c = c->next) {
    full = broken(c, full + 1, out);
    if (c->next) form_put(out, between);
  }
  form_put(out, close);
  return full;
}

static int new_line(text *out) {
  form_put(out, " \\\\\n  &\\quad");
  return 0;
}

/* Terms one after the other, with a new line before one that would leave the line. What is longer than a line by itself is broken
 * within. Returns how far the line is full. */
static int broken(const term *x, int full, text *out) {
  const form_row *row = &latex.rows[x->kind];
  const bool fits = full + width(x) <= LINE;
  if (x->kind == TERM_ADD || x->kind == TERM_SUB) {
    full = broken(x->first, full, out);
    if (full + width(x->first->next) > LINE) full = new_line(out);
    form_put(out, row->between);
    return broken(x->first->next, full, out);
  }
  if (!fits && x->kind == TERM_TRANSPOSE && x->first && x->first->kind == TERM_GROUP)
    return parts(x->first, "(", "", ")^{\\top}", full, out); /* no braces around it: a line may not end within them */
  const bool product = x->kind == TERM_MUL && x->first->kind == TERM_GROUP && x->first->next->kind != TERM_DIV;
  if (!fits && (x->kind == TERM_GROUP || x->kind == TERM_APPLY || product))
    return parts(x, row->open, row->between, row->close, full, out);
  if (!fits && x->kind == TERM_SUM) {
    form_put(out, row->open);
    over(x->text, x->n, out);
    return parts(x, "", "", row->close, full + 1, out);
  }
  if (!fits && x->kind == TERM_CALL && x->first) {
    function(x->text, x->n, out);
    return parts(x, "(", row->between, ")", full + x->n, out);
  }
  form_write(&latex, x, out);
  return full + width(x);
}

static void equation(const term *x, const char *line, size_t n, bool last, text *out) {
  form_put(out, "  ");
  if (x && (x->kind == TERM_EQUAL || x->kind == TERM_DRAWN)) {
    form_write(&latex, x->first, out);
    form_put(out, x->kind == TERM_EQUAL ? " &= " : " &\\sim ");
    broken(x->first->next, width(x->first), out);
  } else {
    form_put(out, "&\\text{");
    escaped(line, n, out);
    form_put(out, "}");
  }
  form_put(out, last ? "\n" : " \\\\\n");
}

void typeset_latex(const char *lines, text *out) {
  form_put(out, "\\begin{align*}\n");
  form_lines(lines, out, equation);
  form_put(out, "\\end{align*}\n");
}
