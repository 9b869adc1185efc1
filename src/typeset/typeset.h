/* typeset.h - equations as a lecture prints them: LaTeX, MathML, and a drawing of what depends on what.
 *
 * What comes in are the lines of exact notation (graph_print_forward_exact), one equation each: h[t] = tanh(W x[t] + U h[t-1] +
 * b). They are read into a tree, which each form writes in its way. A capital letter or a `b` with a tail, as in Wi or bf, has
 * the tail as an index below. Digits at the end are such an index too. Greek letters are known by their names. h.c is c with
 * (h) above. */
#ifndef TYPESET_TYPESET_H
#define TYPESET_TYPESET_H
#include <unroll.h>
#include "base/memory.h"
#include "base/text.h"

enum term_kind {
  TERM_NUMBER,
  TERM_NAME,       /* text */
  TERM_DERIVATIVE, /* of the name that is its child */
  TERM_DOTS,       /* ... */
  TERM_ADD,
  TERM_SUB,
  TERM_MUL,
  TERM_DIV,
  TERM_EQUAL,
  TERM_DRAWN, /* ~ */
  TERM_NEGATE,
  TERM_APPLY, /* side by side: W x */
  TERM_POWER,
  TERM_TRANSPOSE,
  TERM_INDEX, /* the first child, and what stands in its [ ] */
  TERM_RANGE, /* 0:5, and : alone without children */
  TERM_CALL,  /* text(children) */
  TERM_LIST,  /* [children] */
  TERM_GROUP, /* (child) */
  TERM_SUM,   /* text: what the sum goes over */
  TERM_KINDS
};

typedef struct term {
  enum term_kind kind;
  const char *text;
  int n; /* bytes of text */
  struct term *first, *next;
} term;

/* One line. NULL: not a line of this notation, or no memory. */
term *typeset_read(const char *line, size_t length, arena *memory);

/* A name in its parts: `base` with `below` and `above` it, each may be empty. */
typedef struct name_parts {
  char base[64], below[64], above[64];
  const char *greek; /* of the base, as LaTeX spells it without \, or NULL */
} name_parts;
void typeset_name(const char *name, int n, name_parts *out);
const char *typeset_letter(const char *greek); /* the letter itself, UTF-8 */

/* What `lines` has becomes, appended to *out: an align* environment; a <math> element a line, names as <mi data-name="h.c">;
 * a digraph. A line that cannot be read stands as it is, as text. */
void typeset_latex(const char *lines, text *out);
void typeset_mathml(const char *lines, text *out);
void typeset_dot(const char *title, const char *lines, text *out);
#endif
