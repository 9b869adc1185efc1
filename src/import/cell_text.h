/* cell_text.h - the equations of a recurrence as a cell: a built-in one where they are the same, else a text of its own. */
#ifndef IMPORT_CELL_TEXT_H
#define IMPORT_CELL_TEXT_H
#include "import/layers.h"

typedef struct cell_parameter {
  char name[8];
  int rows, cols; /* cols 0: a vector */
  const float *x;
} cell_parameter;

typedef struct cell_parameters {
  cell_parameter list[24];
  int n;
} cell_parameters;

/* All that the cell's text has, by the names that it has there. */
cell_parameters cell_parameters_of(const cell *c);
/* Do both have the same equations and sizes, so that one call has them as layers? */
bool cell_same(const cell *a, const cell *b);
/* The name to call it by; a text that is needed for it is added to the net. False: out of memory. */
bool cell_name(const cell *c, net_text *net, char out[40]);
#endif
