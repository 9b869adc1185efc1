/* error.h - fills a caller-owned unroll_error. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H
#include <unroll.h>

/* Each returns `code`, so that a failing function can end with `return error_set(...)`. `err` may be NULL. */
unroll_status error_set(unroll_error *err, unroll_status code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* With a place. `text` (or NULL) is the whole file's text, from which the line is copied. */
unroll_status error_at(unroll_error *err, unroll_status code, const char *file, const char *text, int line, int column,
                       const char *format, ...) __attribute__((format(printf, 7, 8)));
/* "out of memory" as UNROLL_FAILED. */
unroll_status error_memory(unroll_error *err);
#endif
