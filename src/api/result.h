/* result.h - what calls of unroll.h hand out: rows of values, and figures. Built by predict.c, evaluate.c and trace.c. */
#ifndef API_RESULT_H
#define API_RESULT_H
#include "api/api.h"
#include "api/options.h"
#include "data/dataset.h"
#include "metrics/figures.h"
#include "symbols/vocabulary.h"

typedef struct result_row {
  unroll_row row;
  unroll_value *values; /* [n_names] */
} result_row;

struct unroll_result {
  arena memory;
  arena passing;         /* of the row that is handed over */
  unroll_row_call *call; /* or NULL: rows are kept */
  void *context;
  bool enough;        /* the caller said so */
  const char **names; /* [n_names] of the variables */
  int n_names;
  result_row *rows;
  int64_t n, room;
  figures figures;
  const char **paths; /* [figures.n_subjects] made by result_figures */
  unroll_confusion *confusions;
  int n_confusions;
  const unroll_error *left_out; /* [n_left_out] */
  int n_left_out;
};

/* The options, or NULL, say who gets the rows. NULL: out of memory. */
unroll_result *result_new(int n_names, const unroll_options *o);
bool result_name(unroll_result *r, int number, const char *name);
/* A new row, cleared, with values of the names; NULL: out of memory. Valid until the next one. */
result_row *result_add(unroll_result *r);
/* The last row is complete. UNROLL_FAILED with nothing in the error: the caller has enough. */
unroll_status result_hand(unroll_result *r);
/* Takes the last row back. */
void result_drop(unroll_result *r);
/* Takes from the row's memory. */
void *result_alloc(unroll_result *r, size_t n, size_t size);
/* Copies of arrays, of what is handed over at once the arrays themselves; NULL: out of memory, or there is none (n or from 0). */
void *result_copy(unroll_result *r, const void *from, size_t n, size_t size, bool *full);
/* The text of symbols, into v; `symbols` are copied too. */
bool result_symbols(unroll_result *r, unroll_value *v, const vocabulary *words, const int32_t *symbols, int64_t n);
/* Appends the value as unroll_value_line has it. */
bool result_line(const unroll_value *v, text *out);
/* The result takes over the figures. */
bool result_figures(unroll_result *r, figures *f);
/* What was left out of the data: messages, and the figure "bad_rows", which goes to `f`. */
bool result_left_out(unroll_result *r, figures *f, const dataset *d);
/* A table [v->n][v->n], which is copied. `most`: so many are there at most, for the same in each call. */
bool result_confusion(unroll_result *r, const char *name, const vocabulary *v, const int64_t *counts, int most);
#endif
