/* parser.h - the state that the parser's two halves share: statement.c and expression.c. Private to this room.
 *
 * Recursive descent: a function per rule of the grammar (docs/language.md), named after it. A function that fails has set
 * p->status and *p->err and returns NULL or false. Nothing is cleaned up on the way, since all results live in the arena. */
#ifndef LANG_PARSER_H
#define LANG_PARSER_H
#include "lang/lang.h"
#include "lang/lex.h"

enum {
  PARSER_NESTING = 64, /* brackets and signs within each other */
  PARSER_HEIGHT = 512, /* of an expression's tree: a + b + c ... is as high as it is long */
  PARSER_NODES = 120000,
  PARSER_STATEMENTS = 32768,
  PARSER_ARGUMENTS = 64
};

/* A statement that gives a name its meaning, found before the parsing proper. */
typedef struct definition {
  const char *name;
  enum statement_kind kind;
  int token;
} definition;

/* A part of a list while its length is unknown. */
typedef struct item {
  expr *value;
  const char *name;
  span at;
} item;

typedef struct parser {
  lexer lex;
  int at;       /* the present token */
  int open;     /* token of the innermost open bracket, or -1 */
  int depth;    /* against PARSER_NESTING */
  bool indexed; /* the name parsed last had an index */
  int height;   /* of the expression parsed last */
  int nodes;
  definition *definitions; /* sorted by name, `init` last among equals, then by token */
  int n_definitions, cap_definitions;
  item *items; /* a stack */
  int n_items, cap_items;
  statement *statements;
  int n_statements, cap_statements;
  arena *memory;
  unroll_status status;
  unroll_error *err;
} parser;

const token *parser_now(const parser *p);
const token *parser_ahead(const parser *p, int n); /* n tokens on, the last one at most */
bool parser_is(const parser *p, enum token_kind kind);
const token *parser_take(parser *p); /* the present token; the next one becomes the present one */

/* All return NULL. An error at the present or another token; "expected ..., found ..."; what is wrong behind a whole expression
 * that `what` should follow; no memory. The first error stays. */
void *parser_fail(parser *p, const token *t, const char *format, ...) __attribute__((format(printf, 3, 4)));
void *parser_expected(parser *p, const char *what);
void *parser_expected_after(parser *p, const char *what);
void *parser_no_memory(parser *p);

bool parser_push(parser *p, expr *value, const char *name, span at); /* onto p->items */

/* Does a statement (other than `init`) define the name? The first that does, or NULL. */
const definition *parser_defined(const parser *p, const char *name);

/* lang.c: the first block of comment lines, without '#'; "" if none stands before the first statement. NULL: no memory. */
const char *lang_comment(const char *source, arena *memory);

/* expression.c */
expr *parse_expression(parser *p);
expr *parse_operand(parser *p); /* what a matrix may be applied to */
expr *parse_call(parser *p);    /* NAME "(" [arguments] ")" */
bool parse_index(parser *p, int *shift, const char **back);
expr *parser_node(parser *p, enum expr_kind kind, const token *at);
#endif
