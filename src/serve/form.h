/* form.h - the parts of a form as browsers and curl send it (RFC 7578, multipart/form-data). They stay where the body is. */
#ifndef SERVE_FORM_H
#define SERVE_FORM_H
#include <stdbool.h>
#include <stddef.h>

typedef struct form {
  const char *at, *end;
  char boundary[76]; /* CR LF and two hyphens, and what the type says */
} form;

typedef struct form_part {
  char name[256];
  bool is_file; /* it came with the name of a file */
  const char *bytes;
  size_t size;
} form_part;

/* `type`: of the content. False: it has no boundary, or the body does not begin with one. */
bool form_begin(form *f, const char *type, const char *body, size_t size);
/* 1: there is a part; 0: that was all; -1: the body is cut off, or a part has no name. */
int form_next(form *f, form_part *out);
#endif
