/* symbol_dims.h - which rows and columns of parameters stand for symbols of the data. */
#ifndef TRAIN_SYMBOL_DIMS_H
#define TRAIN_SYMBOL_DIMS_H
#include "graph/graph.h"

typedef struct symbol_dims {
  int rows, cols; /* a row (column) is a symbol of this data line; -1: it is not */
  bool blank;     /* and the last row is the blank of ctc */
  bool table;     /* rows are looked up: an embedding, or a matrix on symbols */
} symbol_dims;

/* out has room for g->n_params. */
unroll_status symbol_dims_of(const graph *g, symbol_dims *out, unroll_error *err);
#endif
