/* bad.h - rows and lines that cannot be read: all are counted, and of the first ones the messages kept. */
#ifndef DATA_BAD_H
#define DATA_BAD_H
#include <stdbool.h>
#include <stdint.h>
#include <unroll.h>

enum { BAD_SHOWN = 10 };

typedef struct bad_rows {
  bool skip;           /* they are left out; else the first is an error that says how many there are */
  bool lines;          /* of a text, not rows of a table */
  int64_t n, rows;     /* an example of several rows counts once in n */
  unroll_error *first; /* [n, at most BAD_SHOWN] */
} bad_rows;

/* Where the message of the next one goes, or NULL when it is only counted. */
unroll_error *bad_rows_place(bad_rows *b, unroll_error *scratch);
/* Counts one, whose message is in `e` (may be NULL). UNROLL_FAILED: out of memory. */
unroll_status bad_rows_add(bad_rows *b, const unroll_error *e, unroll_error *err);
/* The first as an error, unless they are to be left out. */
unroll_status bad_rows_end(const bad_rows *b, unroll_error *err);
void bad_rows_free(bad_rows *b);
#endif
