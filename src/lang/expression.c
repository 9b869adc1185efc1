/* expression.c - the grammar of expressions, from the loosest binding to the tightest.
 *
 * Two caps keep every later walk over a tree short. One is on brackets within each other. One is on the height of the tree: a
 * long sum reaches it without any bracket. */
#include <stdio.h>
#include <string.h>
#include "lang/parser.h"

expr *parser_node(parser *p, enum expr_kind kind, const token *at) {
  if (++p->nodes > PARSER_NODES)
    return parser_fail(p, at, "the file is too long: more than %d names, numbers and operators", PARSER_NODES);
  expr *e = arena_alloc(p->memory, 1, sizeof *e);
  if (!e) return parser_no_memory(p);
  e->kind = kind;
  e->at = at->at;
  p->height = 1;
  return e;
}

/* A node of the given kind on p->items[first ...], which leave the stack. `height` is that of the highest one. */
static expr *node_of(parser *p, enum expr_kind kind, const token *at, int first, int height) {
  expr *e = parser_node(p, kind, at);
  if (!e) return NULL;
  if (height >= PARSER_HEIGHT)
    return parser_fail(p, at, "more than %d operators in a row: give a part of the expression a name of its own", PARSER_HEIGHT);
  int n = p->n_items - first;
  if (n > 0 && !(e->args = arena_alloc(p->memory, (size_t)n, sizeof *e->args))) return parser_no_memory(p);
  for (int i = 0; i < n; i++) e->args[i] = p->items[first + i].value;
  e->n_args = n;
  p->n_items = first;
  p->height = height + 1;
  return e;
}

static expr *node_on(parser *p, enum expr_kind kind, const token *at, expr *a, expr *b, int height) {
  int first = p->n_items;
  if (!parser_push(p, a, NULL, at->at) || (b && !parser_push(p, b, NULL, at->at))) return NULL;
  return node_of(p, kind, at, first, height);
}

static bool enter(parser *p, const token *at) {
  if (++p->depth <= PARSER_NESTING) return true;
  parser_fail(p, at, "nested deeper than %d levels: give a part of the expression a name of its own", PARSER_NESTING);
  return false;
}

static expr *leave(parser *p, expr *e) {
  p->depth--;
  return e;
}

static int higher(int a, int b) { return a > b ? a : b; }

/* A capital name that the file does not define is a matrix. */
static bool is_matrix(const parser *p, const token *t) {
  return t->kind == TOKEN_NAME && t->capital && !parser_defined(p, t->name);
}

static void *no_operand(parser *p) {
  char before[100], found[100], what[160];
  if (p->at == 0 || parser_now(p)[-1].kind == TOKEN_NEWLINE) return parser_expected(p, "an expression");
  snprintf(what, sizeof what, "an expression after %s", lex_describe(&p->lex, parser_now(p) - 1, before));
  if (parser_is(p, TOKEN_NEWLINE) && p->open < 0)
    return parser_fail(p, parser_now(p), "expected %s, found %s; it goes on in the next line only inside brackets", what,
                       lex_describe(&p->lex, parser_now(p), found));
  return parser_expected(p, what);
}

static bool is_integer(const parser *p, const token *t) {
  if (t->kind != TOKEN_NUMBER) return false;
  for (size_t i = t->start; i < t->end; i++)
    if (!digit((unsigned char)p->lex.text[i])) return false;
  return true;
}

/* One thing that is taken from t: a number of steps, or once a setting. */
static bool parse_back(parser *p, int *shift, const char **back) {
  static const char allowed[] = "an index is [t], [t-1], [t-2] and so on";
  char found[100];
  parser_take(p);
  const token *t = parser_now(p);
  const bool named = t->kind == TOKEN_NAME && !t->timed && !t->capital && back && !*back && strcmp(t->name, "t");
  if (!named && !is_integer(p, t)) {
    parser_fail(p, t, "%s: expected a whole number, found %s", allowed, lex_describe(&p->lex, t, found));
    return false;
  }
  if (!named && t->number - *shift > LEX_SHIFT) {
    parser_fail(p, t, "an index goes back at most %d steps", LEX_SHIFT);
    return false;
  }
  if (named)
    *back = t->name;
  else
    *shift -= (int)t->number;
  parser_take(p);
  return true;
}

/* index = "[" "t" {"-" (INTEGER | NAME)} "]", a name at most once; back NULL: never. */
bool parse_index(parser *p, int *shift, const char **back) {
  static const char allowed[] = "an index is [t], [t-1], [t-2] and so on";
  char found[100];
  parser_take(p);
  const token *t = parser_now(p);
  *shift = 0;
  if (t->kind != TOKEN_NAME || strcmp(t->name, "t") || t->timed) {
    parser_fail(p, t, "%s: expected 't', found %s", allowed, lex_describe(&p->lex, t, found));
    return false;
  }
  parser_take(p);
  t = parser_now(p);
  if (t->kind == TOKEN_PLUS) {
    parser_fail(p, t, "the future is not known: use 'backward' for a recurrence that reads from the end");
    return false;
  }
  for (int n = 0; n < 2 && parser_now(p)->kind == TOKEN_MINUS; n++)
    if (!parse_back(p, shift, back)) return false;
  t = parser_now(p);
  if (t->kind != TOKEN_CLOSE_INDEX) {
    parser_fail(p, t, "%s: expected ']', found %s", allowed, lex_describe(&p->lex, t, found));
    return false;
  }
  parser_take(p);
  if (back && *back) --*shift;
  return true;
}

/* NAME [index] */
static expr *parse_name(parser *p) {
  const token *t = parser_take(p);
  if (!strcmp(t->name, "t")) return parser_fail(p, t, "'t' is the step and not a name: it stands only in an index, as in h[t-1]");
  if (t->transposed)
    return parser_fail(p, t, "'%s' is defined on line %d, so it is not a matrix and has no transpose", t->name,
                       p->lex.tokens[parser_defined(p, t->name)->token].at.line);
  if (t->timed && t->shift == 0 && t->name[0] == 'b' && !parser_defined(p, t->name))
    return parser_fail(p, t, "a bias is the same at every step: '%s' has no index", t->name);
  expr *e = parser_node(p, EXPR_NAME, t);
  if (!e) return NULL;
  e->name = t->name;
  e->shift = t->shift;
  p->indexed = t->timed;
  const token *open = parser_now(p);
  if (open->kind == TOKEN_OPEN_INDEX && !open->space) {
    if (t->timed) return parser_fail(p, open, "this name has an index already");
    if (!parse_index(p, &e->shift, &e->back)) return NULL;
    p->indexed = true;
  }
  return e;
}

/* argument = "backward" | NAME "=" expression | expression */
static bool parse_argument(parser *p, int first, int *n_named) {
  const token *t = parser_now(p), *next = parser_ahead(p, 1);
  bool flag = t->kind == TOKEN_NAME && !strcmp(t->name, "backward") && (next->kind == TOKEN_COMMA || next->kind == TOKEN_CLOSE);
  bool named = flag || (t->kind == TOKEN_NAME && next->kind == TOKEN_EQUALS);
  if (p->n_items - first == PARSER_ARGUMENTS) {
    parser_fail(p, t, "more than %d arguments", PARSER_ARGUMENTS);
    return false;
  }
  if (!named) {
    if (*n_named > 0) {
      parser_fail(p, t, "arguments without a name come before '%s'", p->items[p->n_items - *n_named].name);
      return false;
    }
    expr *e = parse_expression(p);
    return e && parser_push(p, e, NULL, e->at);
  }
  if (!strcmp(t->name, "t")) {
    parser_fail(p, t, "'t' is the step and not a name");
    return false;
  }
  for (int i = p->n_items - *n_named; i < p->n_items; i++)
    if (!strcmp(p->items[i].name, t->name)) {
      parser_fail(p, t, "argument '%s' is given twice", t->name);
      return false;
    }
  parser_take(p);
  expr *e;
  if (flag) {
    if ((e = parser_node(p, EXPR_NUMBER, t))) e->number = 1;
  } else {
    parser_take(p);
    e = parse_expression(p);
  }
  (*n_named)++;
  return e && parser_push(p, e, t->name, t->at);
}

/* call = NAME "(" [argument {"," argument}] ")" */
expr *parse_call(parser *p) {
  const token *name = parser_take(p);
  int first = p->n_items, n_named = 0, height = 0, open = p->open;
  if (!strcmp(name->name, "t")) return parser_fail(p, name, "'t' is the step and not a function");
  p->open = p->at;
  if (!enter(p, parser_take(p))) return NULL;
  while (!(parser_is(p, TOKEN_CLOSE) && p->n_items == first)) {
    if (!parse_argument(p, first, &n_named)) return NULL;
    height = higher(height, p->height);
    if (!parser_is(p, TOKEN_COMMA)) break;
    parser_take(p);
  }
  if (!parser_is(p, TOKEN_CLOSE)) return parser_expected_after(p, "',' or ')'");
  parser_take(p);
  p->open = open;
  int n = p->n_items - first;
  const char **names = NULL;
  span *places = NULL;
  if (n > 0) {
    names = arena_alloc(p->memory, (size_t)n, sizeof *names);
    places = arena_alloc(p->memory, (size_t)n, sizeof *places);
    if (!names || !places) return parser_no_memory(p);
  }
  for (int i = 0; i < n; i++) {
    names[i] = p->items[first + i].name;
    places[i] = p->items[first + i].at;
  }
  expr *e = node_of(p, EXPR_CALL, name, first, height);
  if (!e) return NULL;
  e->name = name->name;
  e->arg_names = names;
  e->arg_at = places;
  return leave(p, e);
}

/* concat = "[" expression {"," expression} "]" */
static expr *parse_concat(parser *p) {
  int first = p->n_items, height = 0, open = p->open;
  const token *at = parser_now(p);
  p->open = p->at;
  parser_take(p);
  if (!enter(p, at)) return NULL;
  for (;;) {
    expr *e = parse_expression(p);
    if (!e || !parser_push(p, e, NULL, e->at)) return NULL;
    height = higher(height, p->height);
    if (!parser_is(p, TOKEN_COMMA)) break;
    parser_take(p);
  }
  if (!parser_is(p, TOKEN_CLOSE_INDEX)) return parser_expected_after(p, "',' or ']'");
  parser_take(p);
  p->open = open;
  return leave(p, node_of(p, EXPR_CONCAT, at, first, height));
}

/* group = "(" expression ")" */
static expr *parse_group(parser *p) {
  int open = p->open;
  p->open = p->at;
  if (!enter(p, parser_take(p))) return NULL;
  expr *e = parse_expression(p);
  if (!e) return NULL;
  if (!parser_is(p, TOKEN_CLOSE)) return parser_expected_after(p, "')'");
  parser_take(p);
  p->open = open;
  return leave(p, e);
}

/* primary = NUMBER | NAME [index] | call | group | concat */
static expr *parse_primary(parser *p) {
  const token *t = parser_now(p);
  switch (t->kind) {
  case TOKEN_NUMBER: {
    parser_take(p);
    expr *e = parser_node(p, EXPR_NUMBER, t);
    if (e) e->number = t->number;
    return e;
  }
  case TOKEN_NAME:
    return parser_ahead(p, 1)->kind == TOKEN_OPEN && !t->capital && !t->timed ? parse_call(p) : parse_name(p);
  case TOKEN_OPEN:
    return parse_group(p);
  case TOKEN_OPEN_INDEX:
    return parse_concat(p);
  default:
    return no_operand(p);
  }
}

/* power = primary ["^" exponent]
 * exponent = ["-"] NUMBER | "(" ["-"] NUMBER ")" */
static expr *parse_power(parser *p) {
  expr *base = parse_primary(p);
  if (!base || !parser_is(p, TOKEN_CARET)) return base;
  const token *at = parser_take(p);
  int height = p->height;
  bool group = parser_is(p, TOKEN_OPEN);
  if (group) parser_take(p);
  bool minus = parser_is(p, TOKEN_MINUS);
  if (minus) parser_take(p);
  if (!parser_is(p, TOKEN_NUMBER)) return parser_expected(p, "a number as the exponent, as in x^2");
  double number = parser_take(p)->number;
  if (group && !parser_is(p, TOKEN_CLOSE)) return parser_expected(p, "')': an exponent is one number, as in x^(-1)");
  if (group) parser_take(p);
  expr *e = node_on(p, EXPR_POWER, at, base, NULL, height);
  if (e) e->number = minus ? -number : number;
  return e;
}

/* application = MATRIX ["·" | "*"] application | power */
static expr *parse_application(parser *p) {
  const token *t = parser_now(p);
  if (!is_matrix(p, t)) return parse_power(p);
  char found[100];
  parser_take(p);
  const token *next = parser_now(p);
  if (t->timed || (next->kind == TOKEN_OPEN_INDEX && !next->space && parser_ahead(p, 1)->kind == TOKEN_NAME &&
                   !strcmp(parser_ahead(p, 1)->name, "t")))
    return parser_fail(p, t, "matrix '%s' is the same at every step and has no index; nothing defines a variable '%s'", t->name,
                       t->name);
  if (next->kind == TOKEN_STAR && next->elementwise)
    return parser_fail(p, next,
                       "'%s' is a matrix, and this is the product of two vectors: for weights of a vector write 'param %s' in a "
                       "line of its own; a matrix is applied by '%s x'",
                       t->name, t->name, t->name);
  if (next->kind == TOKEN_DOT || next->kind == TOKEN_STAR) next = (parser_take(p), parser_now(p));
  if (next->kind == TOKEN_CARET)
    return parser_fail(p, t, "matrix '%s' needs an operand before '^'; its transpose is written %s'", t->name, t->name);
  if (next->kind != TOKEN_NAME && next->kind != TOKEN_NUMBER && next->kind != TOKEN_OPEN && next->kind != TOKEN_OPEN_INDEX)
    return parser_fail(p, t, "matrix '%s' needs an operand, as in '%s x'; found %s", t->name, t->name,
                       lex_describe(&p->lex, next, found));
  if (!enter(p, t)) return NULL;
  expr *operand = parse_application(p);
  if (!operand) return NULL;
  expr *e = node_on(p, EXPR_MATRIX, t, operand, NULL, p->height);
  if (!e) return NULL;
  e->name = t->name;
  e->transposed = t->transposed;
  return leave(p, e);
}

expr *parse_operand(parser *p) { return parse_application(p); }

/* factor = "-" factor | application */
static expr *parse_factor(parser *p) {
  if (!parser_is(p, TOKEN_MINUS)) return parse_application(p);
  const token *at = parser_take(p);
  if (!enter(p, at)) return NULL;
  expr *e = parse_factor(p);
  if (e) e = node_on(p, EXPR_NEGATE, at, e, NULL, p->height);
  return leave(p, e);
}

/* term = factor {("*" | "/") factor} */
static expr *parse_term(parser *p) {
  expr *left = parse_factor(p);
  while (left && (parser_is(p, TOKEN_STAR) || parser_is(p, TOKEN_DOT) || parser_is(p, TOKEN_SLASH))) {
    const token *at = parser_take(p);
    if (at->kind == TOKEN_DOT && p->open >= 0 && p->lex.tokens[p->open].kind == TOKEN_OPEN_INDEX)
      return parser_fail(p, at,
                         "a dot in brackets can be read in two ways: [a, b] puts one after the other, [a * b] is their elementwise "
                         "product");
    int height = p->height;
    expr *right = parse_factor(p);
    if (!right) return NULL;
    left = node_on(p, at->kind == TOKEN_SLASH ? EXPR_DIV : EXPR_MUL, at, left, right, higher(height, p->height));
  }
  return left;
}

/* expression = term {("+" | "-") term} */
expr *parse_expression(parser *p) {
  expr *left = parse_term(p);
  while (left && (parser_is(p, TOKEN_PLUS) || parser_is(p, TOKEN_MINUS))) {
    const token *at = parser_take(p);
    int height = p->height;
    expr *right = parse_term(p);
    if (!right) return NULL;
    left = node_on(p, at->kind == TOKEN_PLUS ? EXPR_ADD : EXPR_SUB, at, left, right, higher(height, p->height));
  }
  return left;
}
