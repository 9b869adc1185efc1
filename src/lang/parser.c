/* parser.c - tokens, errors and lists for the two halves of the parser. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "lang/parser.h"

const token *parser_now(const parser *p) { return &p->lex.tokens[p->at]; }

const token *parser_ahead(const parser *p, int n) {
  int last = p->lex.n_tokens - 1;
  return &p->lex.tokens[n < last - p->at ? p->at + n : last];
}

bool parser_is(const parser *p, enum token_kind kind) { return parser_now(p)->kind == kind; }

const token *parser_take(parser *p) {
  const token *t = parser_now(p);
  if (t->kind != TOKEN_END) p->at++;
  return t;
}

void *parser_fail(parser *p, const token *t, const char *format, ...) {
  if (p->status) return NULL;
  p->status = UNROLL_BAD_INPUT;
  if (parser_is(p, TOKEN_BAD)) { /* what is no token at all explains the rest */
    if (p->err) *p->err = p->lex.problem;
    return NULL;
  }
  char message[400];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  error_at(p->err, UNROLL_BAD_INPUT, p->lex.file, p->lex.text, t->at.line, t->at.column, "%s", message);
  return NULL;
}

/* A bracket that is still open where its line should go on is more likely the mistake than the line that follows. */
static bool unclosed(parser *p, const char *what) {
  const token *t = parser_now(p);
  if (p->open < 0 || !(t->first || t->kind == TOKEN_NEWLINE || t->kind == TOKEN_END)) return false;
  const token *open = &p->lex.tokens[p->open];
  char found[100];
  const char *sign = open->kind == TOKEN_OPEN ? "(" : "[";
  if (t->kind == TOKEN_NEWLINE || t->kind == TOKEN_END)
    parser_fail(p, open, "this '%s' is not closed: expected %s before the end of the file", sign, what);
  else
    parser_fail(p, open, "this '%s' is not closed: expected %s before %s on line %d", sign, what, lex_describe(&p->lex, t, found),
                t->at.line);
  return true;
}

void *parser_expected(parser *p, const char *what) {
  char found[100];
  if (!unclosed(p, what)) parser_fail(p, parser_now(p), "expected %s, found %s", what, lex_describe(&p->lex, parser_now(p), found));
  return NULL;
}

void *parser_expected_after(parser *p, const char *what) {
  const token *t = parser_now(p), *last = p->at > 0 ? t - 1 : t;
  if (unclosed(p, what)) return NULL;
  const definition *d = last->kind == TOKEN_NAME && last->capital ? parser_defined(p, last->name) : NULL;
  switch (t->kind) {
  case TOKEN_OPEN_INDEX:
    if (!t->space && last->kind == TOKEN_CLOSE)
      return parser_fail(p, t, "only a name has an index: give the expression a name of its own, then write name[t-1]");
    if (t->space && last->kind == TOKEN_NAME && !last->capital)
      return parser_fail(p, t,
                         "expected an operator, found '['; an index follows its name without a space, as in h[t-1]; for the "
                         "elementwise product write a * b; matrices start with a capital");
    /* fall through */
  case TOKEN_NAME:
  case TOKEN_NUMBER:
  case TOKEN_OPEN: {
    char found[100];
    lex_describe(&p->lex, t, found);
    if (d)
      return parser_fail(p, t, "expected an operator, found %s; '%s' is defined on line %d, so it is not a matrix", found,
                         last->name, p->lex.tokens[d->token].at.line);
    bool word = last->kind == TOKEN_NAME && !last->capital && !parser_defined(p, last->name);
    return parser_fail(p, t,
                       "expected an operator, found %s; for the elementwise product write a * b; matrices start with a capital%s",
                       found, word ? "; a function takes parentheses, as in tanh(x)" : "");
  }
  case TOKEN_CARET:
    return parser_fail(p, t, "a power has one exponent: write (x^2)^3");
  case TOKEN_CLOSE:
  case TOKEN_CLOSE_INDEX:
    if (p->open < 0) return parser_fail(p, t, "this '%s' closes nothing: expected %s", t->kind == TOKEN_CLOSE ? ")" : "]", what);
    return parser_fail(p, t, "expected %s, found '%s'; the '%s' in line %d, column %d is open", what,
                       t->kind == TOKEN_CLOSE ? ")" : "]", p->lex.tokens[p->open].kind == TOKEN_OPEN ? "(" : "[",
                       p->lex.tokens[p->open].at.line, p->lex.tokens[p->open].at.column);
  default:
    return parser_expected(p, what);
  }
}

void *parser_no_memory(parser *p) {
  if (!p->status) p->status = error_memory(p->err);
  return NULL;
}

bool parser_push(parser *p, expr *value, const char *name, span at) {
  if (p->n_items == p->cap_items) {
    int capacity = p->cap_items ? 2 * p->cap_items : 64;
    item *items = mem_resize(p->items, (size_t)capacity * sizeof *items);
    if (!items) {
      parser_no_memory(p);
      return false;
    }
    p->items = items;
    p->cap_items = capacity;
  }
  p->items[p->n_items++] = (item){.value = value, .name = name, .at = at};
  return true;
}

const definition *parser_defined(const parser *p, const char *name) {
  int low = 0, high = p->n_definitions; /* the first that is not below */
  while (low < high) {
    int middle = low + (high - low) / 2;
    if (strcmp(p->definitions[middle].name, name) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == p->n_definitions) return NULL;
  const definition *d = p->definitions + low;
  return !strcmp(d->name, name) && d->kind != STATEMENT_INIT ? d : NULL;
}
