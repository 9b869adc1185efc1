/* mathml.c - equations as MathML Core, an element each. */
#include <string.h>
#include "typeset/form.h"

static const form mathml;

static void escaped(const char *s, size_t n, text *out) {
  for (size_t i = 0; i < n; i++) {
    if (s[i] == '<')
      form_put(out, "&lt;");
    else if (s[i] == '>')
      form_put(out, "&gt;");
    else if (s[i] == '&')
      form_put(out, "&amp;");
    else if (s[i] == '"')
      form_put(out, "&quot;");
    else
      text_add(out, s + i, 1);
  }
}

static void element(const char *tag, const char *s, size_t n, text *out) {
  text_format(out, "<%s>", tag);
  escaped(s, n, out);
  text_format(out, "</%s>", tag);
}

static void name(const name_parts *p, const term *index, bool derivative, const char *full, int n, text *out) {
  const bool below = *p->below || index, above = *p->above != 0;
  if (derivative) form_put(out, "<mrow><mo rspace=\"0\">∂</mo>");
  if (below || above) form_put(out, below && above ? "<msubsup>" : below ? "<msub>" : "<msup>");
  form_put(out, "<mi data-name=\"");
  escaped(full, (size_t)n, out);
  form_put(out, "\">");
  escaped(p->greek ? typeset_letter(p->greek) : p->base, strlen(p->greek ? typeset_letter(p->greek) : p->base), out);
  form_put(out, "</mi>");
  if (below) {
    form_put(out, "<mrow>");
    if (*p->below) element("mi", p->below, strlen(p->below), out);
    if (*p->below && index) form_put(out, "<mo>,</mo>");
    form_list(&mathml, index, "<mo>,</mo>", out);
    form_put(out, "</mrow>");
  }
  if (above) {
    form_put(out, "<mrow><mo>(</mo>");
    element("mi", p->above, strlen(p->above), out);
    form_put(out, "<mo>)</mo></mrow>");
  }
  if (below || above) form_put(out, below && above ? "</msubsup>" : below ? "</msub>" : "</msup>");
  if (derivative) form_put(out, "</mrow>");
}

static void word(const char *s, int n, text *out) { element(*s >= '0' && *s <= '9' ? "mn" : "mi", s, (size_t)n, out); }

static void function(const char *s, int n, text *out) {
  if (form_word_is(s, n, "sigmoid"))
    form_put(out, "<mi>σ</mi>");
  else
    element("mi", s, (size_t)n, out);
  form_put(out, "<mo>&#x2061;</mo>");
}

static void over(const char *s, int n, text *out) {
  element(n > 1 ? "mtext" : "mi", s, (size_t)n, out);
  form_put(out, "</munder>");
}

static const form mathml = {
    .rows = {[TERM_DOTS] = {"<mo>…</mo>", "", ""},
             [TERM_ADD] = {"<mrow>", "<mo>+</mo>", "</mrow>"},
             [TERM_SUB] = {"<mrow>", "<mo>−</mo>", "</mrow>"},
             [TERM_MUL] = {"<mrow>", "<mo>⊙</mo>", "</mrow>"},
             [TERM_DIV] = {"<mfrac>", "", "</mfrac>"},
             [TERM_EQUAL] = {"<mrow>", "<mo>=</mo>", "</mrow>"},
             [TERM_DRAWN] = {"<mrow>", "<mo>∼</mo>", "</mrow>"},
             [TERM_NEGATE] = {"<mrow><mo>−</mo>", "", "</mrow>"},
             [TERM_APPLY] = {"<mrow>", "<mspace width=\"0.17em\"></mspace>", "</mrow>"},
             [TERM_POWER] = {"<msup>", "", "</msup>"},
             [TERM_TRANSPOSE] = {"<msup>", "", "<mo>⊤</mo></msup>"},
             [TERM_RANGE] = {"<mrow>", "<mo>:</mo>", "</mrow>"},
             [TERM_CALL] = {"<mrow>", "<mo>,</mo>", "</mrow>"},
             [TERM_LIST] = {"<mrow><mo>[</mo>", "<mo>;</mo>", "<mo>]</mo></mrow>"},
             [TERM_GROUP] = {"<mrow><mo lspace=\"0\" rspace=\"0\">(</mo>", "", "<mo lspace=\"0\" rspace=\"0\">)</mo></mrow>"},
             [TERM_SUM] = {"<mrow><munder><mo>∑</mo>", "", "</mrow>"}},
    .index = {"<msub>", "<mrow>", "</mrow></msub>"},
    .times = "<mo>·</mo>",
    .name = name,
    .word = word,
    .function = function,
    .over = over};

static void equation(const term *x, const char *line, size_t n, bool last, text *out) {
  (void)last;
  form_put(out, "<math xmlns=\"http://www.w3.org/1998/Math/MathML\" display=\"block\">");
  if (x)
    form_write(&mathml, x, out);
  else
    element("mtext", line, n, out);
  form_put(out, "</math>\n");
}

void typeset_mathml(const char *lines, text *out) { form_lines(lines, out, equation); }
