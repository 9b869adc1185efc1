/* ask.h - what functions with a table and options share: the options as the rooms below take them, and the data read. */
#ifndef API_ASK_H
#define API_ASK_H
#include "api/options.h"
#include "api/table.h"
#include "base/threads.h"
#include "use/decode.h"
#include "use/references.h"
#include "use/search.h"

enum { ASK_LEVELS = 32 };

typedef struct ask {
  call_options o;
  model m; /* borrows all, but has the precision that is asked for, and the columns of series */
  table_source source;
  pool *workers;
  dataset d;
  volatile sig_atomic_t *stop; /* or NULL */
} ask;

/* ask_end in any case. t may be NULL. */
unroll_status ask_begin(ask *a, const unroll_model *m, const unroll_table *t, const unroll_options *o, uint32_t command,
                        unroll_error *err);
unroll_status ask_read(ask *a, enum bind_wanted wanted, unroll_error *err);
/* What option 'references' names, of the same rows; references_free in any case. */
unroll_status ask_references(const ask *a, references *r, unroll_error *err);
/* Reads the table for a model of series with dates, and `future` steps after the known ones. */
unroll_status ask_read_series(ask *a, int future, unroll_error *err);
/* Lines of a text, of each of which the next symbol is wanted. */
unroll_status ask_read_next(ask *a, unroll_error *err);
void ask_end(ask *a);

/* The option named does not fit: UNROLL_USAGE. */
unroll_status ask_check_series(const ask *a, bool quantiles, unroll_error *err);
unroll_status ask_check_alone(const ask *a, unroll_error *err); /* of nets that generate nothing */
unroll_status ask_check_next(const ask *a, unroll_error *err);  /* of the next symbols of texts */
unroll_status ask_check_eval(const ask *a, unroll_error *err);
unroll_status ask_decode(const call_options *o, decode_options *d, unroll_error *err);
/* How texts of ctc are found; search_free in any case. */
unroll_status ask_search(const ask *a, search *s, unroll_error *err);
/* "0.1,0.5,0.9"; NULL: these. */
unroll_status ask_levels(const char *list, double levels[ASK_LEVELS], int *n, unroll_error *err);
static inline int64_t ask_or(int64_t given, int64_t usual) { return given > 0 ? given : usual; }
static inline uint64_t ask_seed(const call_options *o) { return o->seed >= 0 ? (uint64_t)o->seed : 1; }
#endif
