/* generate.h - draws texts from a model that needs no data: sequences from nothing or from a beginning. The decoder (decode.h)
 * does it. Numbers are a function of (seed, number of the sequence, place). So the result depends neither on how many sequences
 * run side by side nor on threads. */
#ifndef USE_GENERATE_H
#define USE_GENERATE_H
#include <signal.h>
#include "base/threads.h"
#include "data/dataset.h"
#include "model/model.h"

/* What all texts of a model of one text begin with. */
typedef struct prime {
  const variable *v; /* of the model */
  const int32_t *symbols;
  int64_t n;
  dataset data;
  int32_t *all; /* [room] what prime_text joins */
  int64_t room;
} prime;
/* UTF-8 (bytes for a model of bytes); NULL: nothing. prime_free in any case. */
unroll_status prime_read(prime *p, const model *m, const char *source, size_t size, unroll_error *err);
/* Appends the text of the prime and n drawn symbols, which p->all holds one after the other until the next call. */
unroll_status prime_text(prime *p, const int32_t *drawn, int64_t n, text *out, unroll_error *err);
void prime_free(prime *p);

typedef struct generate_options {
  int64_t n;         /* sequences */
  const char *prime; /* UTF-8 (bytes for a model of bytes) that every sequence begins with; NULL: nothing */
  size_t prime_size;
  double temperature; /* 0: always the likeliest symbol */
  int top_k;          /* draw from the k likeliest only; 0: from all */
  double top_p;       /* of the likeliest that together have this probability; 0: from all */
  uint64_t seed;
  int64_t length; /* symbols to draw: exactly so many for a stream, at most for a line */
} generate_options;
void generate_defaults(generate_options *o, const model *m); /* 1 sequence, temperature 1, length 1000, seed 1 */

typedef struct generated {
  int64_t number;         /* from 0 */
  const int32_t *symbols; /* prime and drawn ones; a line's end symbol is not among them */
  int64_t n;
  const char *text; /* the same as text, NUL-terminated */
  size_t size;
  bool ended;             /* a line that came to its end symbol before `length` */
  double log_probability; /* nats; of the drawn symbols (and the end symbol) given the prime, at temperature 1 */
} generated;

/* Calls emit for each sequence in order. What it gets is valid during the call. A status other than OK from it ends generation
 * and is returned. stop (or NULL) set: UNROLL_INTERRUPTED. */
typedef struct generate_sink {
  void *context;
  unroll_status (*emit)(void *context, const generated *g, unroll_error *err);
  volatile sig_atomic_t *stop;
} generate_sink;
unroll_status generate(const model *m, const generate_options *o, pool *workers, const generate_sink *sink, unroll_error *err);

/* The distribution of the symbol after `prefix`: probabilities, [symbols]. */
unroll_status generate_next(const model *m, const char *prefix, size_t size, double *probabilities, unroll_error *err);
#endif
