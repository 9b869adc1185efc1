/* cut.h - cuts a net for running it step by step: what is fed back becomes a graph of its own.
 *
 * Take the time axis of a variable that is predicted from its own earlier values. The nodes that a step needs are the decoder.
 * All else that they read is the boundary: the values of an encoder, copied over. Such are a sentence's states for attention, a
 * vector that is the same at every step, a recurrence that runs backward. In the decoder the boundary is inputs, and the
 * recurrences start from carries, so that one pass can be continued by the next. What a carry holds before the first pass is
 * the encoder's to say too (`start =`). A net of one text has an empty boundary. */
#ifndef GRAPH_CUT_H
#define GRAPH_CUT_H
#include "graph/graph.h"

typedef struct cut_boundary {
  int node; /* of the whole graph */
  int slot; /* input of the decoder: numbers of the node's space, axis and width */
} cut_boundary;

typedef struct cut {
  int axis;      /* what is decoded step by step */
  graph encoder; /* the whole graph without its losses and carries: a view, not to be freed */
  graph decoder; /* same axes, data and parameters as the whole, which must outlive it; no losses. An axis more where all steps of
                    the decoded axis are read at each: its steps are those of the whole's `axis` */
  cut_boundary *boundary;
  int n_boundary;
  int *starts; /* [decoder.n_carries] node of the whole graph: STATIC or PARAM; NODE_NONE: zeros */
  graph heads; /* a view of the decoder with a loss for each of the whole on the axis. The loss's arguments are nodes of the
                * decoder, its `node` is NODE_NONE. Not to be planned */
  int *losses; /* [heads.n_losses] their numbers in the whole */
  bool *fed;   /* [whole's n_data] predicted on the axis: its earlier values are inputs */
} cut;

/* The axis of all variables that are predicted and fed back; -1: there are none. UNROLL_USAGE where they are on several. */
unroll_status cut_axis(int *axis, const graph *g, unroll_error *err);
/* UNROLL_USAGE for what no order of steps can draw: a prediction that needs later steps of another. cut_free in any case. */
unroll_status cut_graph(cut *c, const graph *g, int axis, unroll_error *err);
void cut_free(cut *c);
#endif
