/* lex.h - text -> tokens. Private to this room.
 *
 * Textbook notation ends here: `h_{t-1}`, `W_f`, `σ(`, `⊙` leave the lexer as the tokens that plain text gives. What cannot be a
 * token becomes TOKEN_BAD and lexing goes on, so that the parser meets errors in the order of the file. */
#ifndef LANG_LEX_H
#define LANG_LEX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lang/lang.h"

enum {
  LEX_TEXT = 1 << 20,   /* bytes of a file */
  LEX_TOKENS = 1 << 18, /* tokens of a file */
  LEX_NAME = 63,        /* bytes of a name */
  LEX_SHIFT = 1000      /* h[t-1000] */
};

enum token_kind {
  TOKEN_END,
  TOKEN_NEWLINE,
  TOKEN_BAD,
  TOKEN_NAME,
  TOKEN_NUMBER,
  TOKEN_PLUS,
  TOKEN_MINUS,
  TOKEN_STAR,
  TOKEN_DOT, /* · is nothing after a matrix, and * elsewhere */
  TOKEN_SLASH,
  TOKEN_CARET,
  TOKEN_OPEN,
  TOKEN_CLOSE,
  TOKEN_OPEN_INDEX, /* [ */
  TOKEN_CLOSE_INDEX,
  TOKEN_COMMA,
  TOKEN_COLON,
  TOKEN_EQUALS,
  TOKEN_TILDE
};

typedef struct token {
  enum token_kind kind;
  bool space;       /* something other than a token stands before it */
  bool first;       /* first on its line */
  bool capital;     /* NAME: starts with a capital */
  bool transposed;  /* NAME: W' */
  bool timed;       /* NAME: carries an index in itself, x_t or h_{t-1} */
  bool elementwise; /* STAR: the sign of a product of two vectors, never of a matrix: a circle */
  int shift;        /* NAME: of that index, 0 or less */
  span at;
  size_t start; /* bytes in the text */
  size_t end;
  const char *name; /* NAME: without subscript signs, in the arena */
  double number;
} token;

typedef struct lexer {
  const char *file;
  const char *text;
  size_t size;
  arena *memory;
  token *tokens; /* ends with TOKEN_NEWLINE, TOKEN_END; mem_free */
  int n_tokens, capacity;
  unroll_error problem; /* what the first TOKEN_BAD is about */
  /* where it stands */
  size_t position;
  int line, column;
  int depth;       /* of open brackets: no newlines inside */
  uint64_t square; /* a bit for each of them, the innermost last: is it '['? */
  bool space, first;
} lexer;

/* Fills l->tokens. Fails only for lack of memory, bytes that are not UTF-8, and sizes beyond the caps. */
unroll_status lex(lexer *l, const char *file, const char *text, arena *memory, unroll_error *err);
void lex_free(lexer *l);
/* "name 'x'", "number 2", "end of line": for "found ...". Cut to fit. */
const char *lex_describe(const lexer *l, const token *t, char out[100]);

/* lex_name.c: reads a name, with its subscripts, at the present place; there is a letter. */
unroll_status lex_name(lexer *l, unroll_error *err);

/* lex_latex.c: what begins with a backslash. */
unroll_status lex_command(lexer *l, unroll_error *err);

/* For lex.c, lex_name.c and lex_latex.c. */
unroll_status lex_no_room(const lexer *l);                    /* lex_add failed: the status that goes with what it set */
uint32_t lex_peek(const lexer *l, size_t ahead, int *length); /* code point `ahead` bytes further; 0 at the end */
void lex_step(lexer *l, int length);                          /* one character on */
/* Adds a token from `start` to the present place; NULL with *err set when there is no room. */
token *lex_add(lexer *l, enum token_kind kind, size_t start, int column, unroll_error *err);
/* Adds a TOKEN_BAD; its message is kept if it is the first. */
unroll_status lex_bad(lexer *l, size_t start, int column, unroll_error *err, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* letters.c */
bool letter(uint32_t code);
bool letter_capital(uint32_t code);
bool digit(uint32_t code); /* 0 to 9 */
#endif
