/* form.h - a form of writing as rows: what stands before, between and behind the children of a term of each kind. */
#ifndef TYPESET_FORM_H
#define TYPESET_FORM_H
#include "typeset/typeset.h"

typedef struct form_row {
  const char *open, *between, *close;
} form_row;

typedef struct form {
  form_row rows[TERM_KINDS];
  form_row index;    /* of anything but a name */
  const char *times; /* between the sides of a product with a plain number */
  void (*name)(const name_parts *p, const term *index, bool derivative, const char *full, int n, text *out);
  void (*word)(const char *s, int n, text *out);     /* a number, or a letter that is no variable: t, n */
  void (*function)(const char *s, int n, text *out); /* its name */
  void (*over)(const char *s, int n, text *out);     /* below the sign of a sum */
} form;

void form_write(const form *f, const term *x, text *out);
void form_list(const form *f, const term *x, const char *between, text *out); /* x and what follows it */
void form_put(text *out, const char *s);
bool form_word_is(const char *s, int n, const char *word);
/* Calls equation for each line, with NULL for one that cannot be read. */
void form_lines(const char *lines, text *out, void (*equation)(const term *x, const char *line, size_t n, bool last, text *out));
#endif
