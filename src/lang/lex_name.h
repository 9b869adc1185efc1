/* lex_name.h - a name while it is read: shared by lex_name.c and lex_latex.c. */
#ifndef LANG_LEX_NAME_H
#define LANG_LEX_NAME_H
#include "lang/lex.h"

typedef struct name {
  char text[LEX_NAME + 1];
  size_t length;
  bool too_long;
  bool timed;
  int shift;
  const char *problem; /* about the subscript */
} name;

/* lex_name.c */
void name_append(name *n, const char *s, size_t length);
void name_append_code(name *n, uint32_t code);
/* Undoes `x_t`, and `W_f` of matrices and biases; `call`: in front of '(', where `_t` stays. */
void name_unscript(name *n, bool capital, bool call);
/* "t" ["-" digits] or letters and digits, up to `close`, which stays. */
void name_index(lexer *l, name *n, uint32_t close);

/* lex_latex.c: true if there was one here. */
bool name_command(lexer *l, name *n); /* \sigma, \mathbf{h}, \tilde{c} */
bool name_superscript(lexer *l, name *n, bool capital, bool *transposed);
bool name_before_call(const lexer *l);
#endif
