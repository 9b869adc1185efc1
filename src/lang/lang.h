/* lang.h - text of a cell or net -> statements and expressions, each with its place.
 *
 * This room knows syntax only: what a name means, widths and time are the graph room's business (graph/build.h).
 * Grammar in docs/language.md. Newlines end statements except inside ( ) and [ ]. */
#ifndef LANG_LANG_H
#define LANG_LANG_H
#include <unroll.h>
#include <stdbool.h>
#include "base/memory.h"
#include "base/text.h"

typedef struct span {
  int line, column; /* from 1; column counts characters */
  int length;       /* characters, at least 1 */
} span;

enum expr_kind {
  EXPR_NUMBER, /* number */
  EXPR_NAME,   /* name, shift: h[t-1] has shift -1, h[t-2] -2, x or x[t] 0. A capital name that some statement of the
                  file defines is a name too; any other capital name before an operand is EXPR_MATRIX */
  EXPR_MATRIX, /* name applied to args[0]: `Wz x`, `W [a, b]`, `U (r * h[t-1])`; transposed: `W' x` */
  EXPR_NEGATE, /* -args[0] */
  EXPR_ADD,
  EXPR_SUB,
  EXPR_MUL,
  EXPR_DIV,   /* elementwise, args[0] and args[1] */
  EXPR_POWER, /* args[0] ^ number, the exponent being a (possibly negative) literal in `number` */
  EXPR_CALL,  /* name(args...), arg_names[i] is NULL for a positional argument; positional ones come first */
  EXPR_CONCAT /* [args...] */
};

typedef struct expr {
  enum expr_kind kind;
  span at; /* of the name, number or operator: where an error about this node points */
  const char *name;
  double number;
  int shift;
  const char *back; /* EXPR_NAME: a setting, so many steps further back: h[t-season] has shift -1, h[t-season-1] -2; NULL: none */
  bool transposed;
  int n_args;
  struct expr **args;
  const char **arg_names; /* NULL unless EXPR_CALL */
  span *arg_at;           /* places of the argument names; NULL unless EXPR_CALL */
} expr;

enum statement_kind {
  STATEMENT_SETTING,      /* name = NUMBER (number), or name = a bare lower-case word that nothing in the file defines and
                             that is not used with an index: `cell = lstm` (word) */
  STATEMENT_DEFINE,       /* name = value */
  STATEMENT_DISTRIBUTION, /* name ~ value, value being EXPR_CALL */
  STATEMENT_DATA,         /* data name : kind [word ...], value being EXPR_NAME or EXPR_CALL: chars, words(20000), image(3, 32, 32);
                             words[] holds what follows, as in `data token : chars lines` */
  STATEMENT_PARAM,        /* param names[] */
  STATEMENT_INIT,         /* init names[] = value (NUMBER, NAME or CALL) */
  STATEMENT_OUTPUT,       /* output name */
  STATEMENT_WIDTH,        /* width name = value */
  STATEMENT_START         /* name[0] = value */
};

typedef struct statement {
  enum statement_kind kind;
  span at; /* of the name */
  const char *name;
  double number;    /* STATEMENT_SETTING */
  const char *word; /* STATEMENT_SETTING: not NULL when the value is a word; STATEMENT_DISTRIBUTION etc.: NULL */
  expr *value;
  int n_names; /* STATEMENT_PARAM, STATEMENT_INIT; STATEMENT_DATA: the words after the kind */
  const char **names;
  span *names_at;
} statement;

typedef struct program {
  const char *file;    /* as given, for messages */
  const char *text;    /* the whole source */
  const char *comment; /* the text of the first comment block, for `list` and docs; "" if none */
  int n_statements;
  statement *statements;
} program;

/* Parses `text` (NUL-terminated, UTF-8). Everything lives in `memory`. Checked here: syntax, UTF-8, and caps. The caps are on
 * size (1 MiB), nesting (64), the height of an expression's tree (512), names (63 bytes), statements (32768) and nodes (120000).
 * Refused are also a name defined twice, `t` used as a name, positional after named arguments, and a named argument twice.
 * Errors: UNROLL_BAD_INPUT with line, column, source line, and what was expected. */
unroll_status lang_parse(program **out, const char *file, const char *text, arena *memory, unroll_error *err);
/* One expression, for the derivatives in ops.def. */
unroll_status lang_parse_expr(expr **out, const char *text, arena *memory, unroll_error *err);

/* Canonical text, in plain notation and with no parentheses but the needed ones: it parses back to the same statements and
 * expressions (places aside). */
void lang_print(const program *p, text *out);
void lang_print_expr(const expr *e, text *out);

/* An error at a place of a program: adds file, source line and column. */
unroll_status lang_error(const program *p, span at, unroll_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The built-in files, put into the program by the build. NULL when there is none of that name. */
typedef struct builtin {
  const char *name; /* "lstm" */
  const char *file; /* "cells/lstm.cell" */
  const char *text;
} builtin;
const builtin *lang_builtin_cell(const char *name);
const builtin *lang_builtin_net(const char *name);
extern const builtin lang_cells[], lang_nets[]; /* sorted by name, ending with a row of NULLs */
#endif
