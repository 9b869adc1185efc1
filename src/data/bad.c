/* bad.c - see bad.h. */
#include "data/bad.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"

unroll_error *bad_rows_place(bad_rows *b, unroll_error *scratch) { return b->n < BAD_SHOWN ? scratch : NULL; }

unroll_status bad_rows_add(bad_rows *b, const unroll_error *e, unroll_error *err) {
  if (!b->first && !(b->first = mem_zero(BAD_SHOWN, sizeof *b->first))) return error_memory(err);
  if (b->n < BAD_SHOWN && e) b->first[b->n] = *e;
  b->n++;
  b->rows++;
  return UNROLL_OK;
}

unroll_status bad_rows_end(const bad_rows *b, unroll_error *err) {
  if (!b->n || b->skip) return UNROLL_OK;
  if (!err) return UNROLL_BAD_INPUT;
  *err = b->first[0];
  const size_t used = strlen(err->message);
  if (b->rows > 1)
    snprintf(err->message + used, sizeof err->message - used,
             "; %" PRId64 " more %s%s cannot be read (option 'skip-bad' leaves them out)", b->rows - 1, b->lines ? "line" : "row",
             b->rows > 2 ? "s" : "");
  return UNROLL_BAD_INPUT;
}

void bad_rows_free(bad_rows *b) {
  mem_free(b->first);
  b->first = NULL;
  b->n = b->rows = 0;
}
