/* cells.h - is a recurrence one of the cells that other programs have as an operator? A row of cells.c has the equations. */
#ifndef PORT_CELLS_H
#define PORT_CELLS_H
#include "port/flow.h"

enum { CELL_GATES = 4, CELL_PEEPHOLES = 3, CELL_TERMS = 16 };

typedef struct cell_sum {           /* into a gate: matrices times what comes from outside, a matrix times the state, biases */
  int inputs[CELL_TERMS], n_inputs; /* nodes, MATVEC */
  int biases[CELL_TERMS], n_biases; /* nodes, VECTOR */
  int recurrent;                    /* MATVEC, or NODE_NONE */
} cell_sum;

enum cell_kind { CELL_LSTM, CELL_GRU, CELL_RNN };
typedef struct cell_row {
  enum cell_kind kind;
  const char *gates[CELL_GATES];         /* names in `text`, in the order of ONNX */
  const char *peepholes[CELL_PEEPHOLES]; /* vectors, likewise */
  const char *activation;                /* of an RNN */
  bool reset_after;                      /* a GRU whose reset comes after the product */
  bool turned;                           /* a GRU whose z is 1 - z of ONNX */
  bool coupled;                          /* an LSTM with f = 1 - i */
  const char *text;
} cell_row;

typedef struct cell_match {
  const cell_row *row;
  int h, c;                          /* nodes; c NODE_NONE: there is no memory */
  int shift_h, shift_c;              /* SHIFTs of them */
  cell_sum gates[CELL_GATES], inner; /* inner: of reset_after, what r is multiplied by */
  int peepholes[CELL_PEEPHOLES];     /* parameters, or -1 */
} cell_match;

/* Which recurrences are operators, and what is left to be written beside them. */
typedef struct cell_plan {
  cell_match **list; /* [blocks]; NULL: no operator */
  bool *live;        /* [n_nodes] something that is written reads it */
} cell_plan;
/* takes: the rows that there is an operator for; NULL: all. Lives in `memory`. */
unroll_status cell_plan_new(cell_plan *p, const flow *f, bool (*takes)(const cell_row *row), arena *memory, unroll_error *err);

/* What the matrices of the gates are multiplied by, each once. */
typedef struct cell_operands {
  int list[CELL_GATES * CELL_TERMS], n, width;
} cell_operands;
cell_operands cell_operands_of(const cell_match *m, const graph *g);

/* The weights as ONNX has them: gates in the order of the row, one after the other. */
typedef struct cell_arrays {
  float *W, *R, *B, *P; /* [gates, hidden, inputs], [gates, hidden, hidden], [2, gates, hidden], [3, hidden] */
  int gates, hidden, inputs;
  bool biased, peeps;
} cell_arrays;
unroll_status cell_arrays_new(cell_arrays *a, const cell_match *m, const graph *g, const float *weights, unroll_error *err);
void cell_arrays_free(cell_arrays *a); /* in any case */
#endif
