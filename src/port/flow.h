/* flow.h - a net in the order in which other programs compute it: a value for all steps at once, or a recurrence step by step. */
#ifndef PORT_FLOW_H
#define PORT_FLOW_H
#include "graph/graph.h"

typedef struct flow_block { /* a node, or all nodes of one recurrence, in the order of a step */
  int *nodes, n;
  bool loops;
  int axis, dir; /* of a loop */
} flow_block;

typedef struct flow {
  const graph *g;
  arena memory;
  int *block_of; /* [n_nodes]; -1: not needed */
  flow_block *blocks;
  int n_blocks;  /* what a block needs is in earlier ones */
  bool *outside; /* [n_nodes] another block, or the caller, needs it at all steps: not what only asks for the state in the end */
  bool *state;   /* [n_nodes] a SHIFT of its own recurrence hands it to the next step */
} flow;

/* Everything that the roots need. port_flow_free in any case. */
unroll_status port_flow_new(flow *f, const graph *g, const int *roots, int n_roots, unroll_error *err);
void port_flow_free(flow *f);
/* Is EDGE node x the state that a recurrence ends with? */
bool port_flow_is_end(const flow *f, int x);
static inline bool port_flow_within(const flow *f, int block, int x) { return block >= 0 && f->block_of[x] == block; }
/* The node that x is, outside of training, or x: masks are 1 there, and what is held is itself. */
int port_flow_plain(const graph *g, int x);
#endif
