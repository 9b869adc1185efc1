/* api.h - what the files behind unroll.h share. */
#ifndef API_API_H
#define API_API_H
#include <string.h>
#include "base/error.h"
#include "model/model.h"

typedef struct symbol_texts { /* of a variable */
  char **texts;               /* [n] NUL-terminated; NULL: numbers */
  size_t *lengths;
  int n;
} symbol_texts;

struct unroll_model {
  model m;
  symbol_texts *symbols; /* [m.schema.n] */
};

unroll_status api_symbols(unroll_model *m, unroll_error *err); /* fills m->symbols, once m->m is whole */
unroll_status api_null(unroll_error *err);                     /* an argument that must not be NULL is */
int api_variable(const model *m, const char *name);            /* its number, or -1 */
/* The text that symbols make together; labels have spaces between them. */
void api_text(const vocabulary *v, const int32_t *symbols, int64_t n, text *out);
unroll_status api_no_variable(const model *m, const char *name, unroll_error *err);

/* Structs of the caller begin with their size: what he knows of them is copied, and no more. */
#define API_TAKE(to, from) api_copy((to), sizeof *(to), (from), (from)->size)
#define API_GIVE(to, from) api_copy((to), (to)->size, (from), sizeof *(from))
/* The smaller part; the size of `to` stays. */
static inline void api_copy(void *to, size_t to_size, const void *from, size_t from_size) {
  const size_t size = to_size < from_size ? to_size : from_size, head = sizeof(size_t);
  if (size > head) memcpy((char *)to + head, (const char *)from + head, size - head);
}
/* Clears as much as the caller has, and sets its size. */
static inline void api_init(void *to, size_t size) {
  if (!to || size < sizeof size) return;
  memset(to, 0, size);
  memcpy(to, &size, sizeof size);
}
#endif
