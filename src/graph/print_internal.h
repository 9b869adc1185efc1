/* print_internal.h - what prints a graph: names and whole graphs (print.c), expressions (print_node.c). */
#ifndef GRAPH_PRINT_INTERNAL_H
#define GRAPH_PRINT_INTERNAL_H
#include "graph/graph.h"

enum { LEVEL_SENTENCE, LEVEL_SUM, LEVEL_PRODUCT, LEVEL_SIGN, LEVEL_APPLY, LEVEL_POWER, LEVEL_WORD };
enum { MAX_DEPTH = 100, MAX_PIECES = 400, LONG = 20 }; /* of one expression; then "..." */

typedef struct printer {
  const graph *g;
  text *out;
  int root; /* printed in full although it may have a name */
  int depth, pieces;
  const char *prefix; /* "h." to be left out, or NULL */
  size_t prefix_length;
  const char **plain; /* names without a dot, sorted */
  size_t n_plain;
  int logits, dlogits; /* nodes that are called so for want of a name */
  int *numbered;       /* [n_nodes], may be NULL: shared expressions that are called u1, u2 ...; 0: not */
  bool exact;          /* for typesetting: h[t] for what has steps, and a derivative begins with GRAPH_DERIVATIVE */
} printer;

/* print.c */
const char *print_derivative(const printer *p);        /* what stands before a name: d, or the sign of exact notation */
void print_full_name(printer *p, const char *full);    /* without the prefix, where that is unambiguous */
void print_adjoint_name(printer *p, const char *full); /* dh, dc for the adjoints of h, h.c */
void print_index(printer *p, int offset);              /* nothing for 0 */
void print_time(printer *p, int offset);               /* the same of what has steps: in exact notation also for 0 */
void print_number(printer *p, double value);
void print_data_name(printer *p, int slot, int offset);

/* print_node.c */
void print_expression(printer *p, int x, int offset, int level); /* node x, `offset` steps on, in brackets if it binds less */
void print_name(printer *p, int x);
bool print_has_name(const printer *p, int x);
void print_matrix(printer *p, int number_of_param, int c0, int columns);
bool print_is_leaf(const node *n);
bool print_is_weights(const node *n);
#endif
