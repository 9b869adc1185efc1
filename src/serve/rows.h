/* rows.h - the rows of a request as a table of the library.
 *
 * A cell of a picture, a recording or the like names a file. No such name comes from a request. A request has the bytes
 * themselves, which stay in memory. */
#ifndef SERVE_ROWS_H
#define SERVE_ROWS_H
#include "serve/server.h"

typedef struct request_rows {
  unroll_table *t;
  int64_t n;
} request_rows;

/* Of {"rows": [{COLUMN: VALUE ...} ...]}, or of CSV. False, and the reply says why. rows_free in any case. */
bool rows_of_json(request_rows *x, const served *model, const json_t *rows, http_reply *out);
bool rows_of_csv(request_rows *x, const served *model, const char *s, size_t size, char separator, http_reply *out);
/* One row: a part for each column. The part "file" is for the only variable that is a file, where nothing else is called so. Parts
 * that are options go to `option` (false: the reply says why), and `model` is passed over. */
bool rows_of_form(request_rows *x, const served *model, const char *type, const char *s, size_t size,
                  bool (*option)(void *context, const char *name, const char *value, bool *is_one, http_reply *out), void *context,
                  http_reply *out);
void rows_free(request_rows *x);
#endif
