/* graph.h - a net as a graph of operators over rows, and its gradient in the same graph.
 *
 * Layout (the only one after data/): a time axis has sequences b = 0..B-1 in order of decreasing length. Step t has the first
 * active[t] of them. A STEP node is a matrix of R = sum active[t] rows, step after step, each of the node's width. A STATIC
 * node has B rows, a PARAM node one. Recurrence: a cycle of nodes through SHIFT. SHIFT and EDGE are each other's adjoints, so
 * backpropagation through time is nothing but the gradient of SHIFT. h[t-2] is two SHIFTs. */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H
#include <stdbool.h>
#include <stdint.h>
#include <unroll.h>
#include "base/memory.h"
#include "base/text.h"
#include "graph/kinds.h"
#include "lang/lang.h"

enum op {
#define UNARY(name, text, dx, y) OP_##name,
#define BINARY(name, text, da, db, y) OP_##name,
#define OTHER(name, text, inputs, back, form) OP_##name,
#include "graph/ops.def"
#undef UNARY
#undef BINARY
#undef OTHER
  OP_COUNT
};

enum op_kind { OP_KIND_UNARY, OP_KIND_BINARY, OP_KIND_OTHER };
typedef struct op_info {
  const char *name; /* "SIGMOID" */
  const char *text; /* "sigmoid" */
  enum op_kind kind;
  int inputs;
  const char *derivative[2];
} op_info;
extern const op_info graph_ops[OP_COUNT];

enum space { SPACE_PARAM, SPACE_STATIC, SPACE_STEP };
enum {
  NODE_NONE = -1,
  NODE_INPUTS = 4,
  LOSS_ARGS = 4,
  OWN_MEAN_STEPS = 16, /* so far back a net sees its own mean instead of what was not observed; each step is a state */
  GRAPH_MAX_NODES = 1000000,
  GRAPH_STEPS = 1 << 28 /* a width of GRAPH_STEPS + a: a column for each step that the example has on axis a */
};
/* The axis whose steps are the columns, or -1. */
static inline int graph_steps_axis(int width) { return width >= GRAPH_STEPS ? width - GRAPH_STEPS : -1; }

/* The squares of a picture that CONV, POOL and their adjoints look at; the picture is the input of CONV and POOL. Of BATCHNORM and
 * what belongs to it the squares are single pixels. */
typedef struct patches {
  int rows, columns, channels;
  int size;
  int border; /* rows and columns of zeros around the picture, border / 2 of them in front */
  int stride; /* pixels from one square to the next */
  int groups; /* of channels; 1: all see all */
} patches;
/* How many squares lie along a row or column of so many pixels. */
static inline int patches_along(int length, const patches *p) { return (length + p->border - p->size) / p->stride + 1; }

typedef struct node {
  enum op op;
  enum space space;
  int axis;            /* SPACE_STEP: which time axis; EDGE, SUM_TIME, MAX_TIME, LENGTH, CTC: what they go over; else -1 */
  int width;           /* N, or GRAPH_STEPS + an axis */
  int in[NODE_INPUTS]; /* node numbers, NODE_NONE where unused */
  int dir;             /* SHIFT, EDGE: +1 or -1 */
  int param;           /* VECTOR, MATVEC, MATVEC_T, OUTER, EMBED, EMBED_T, CONV, CONV_T, CONV_OUTER, BATCH_STATS, BATCHNORM_GRAD;
                          else -1 */
  int slot; /* INPUT, EMBED, EMBED_T, CROSS_ENTROPY(_GRAD), CTC(_GRAD): number of the input; CARRY: of the carry; MASK: of the mask;
               SETTING: of the setting; else -1 */
  int c0;   /* first column of the matrix (MATVEC, MATVEC_T, OUTER) or of the operand (SLICE, PAD) */
  double value;          /* CONST, MASK; BATCHNORM and what belongs to it: what is added to variances */
  patches patches;       /* CONV .. BATCHNORM_GRAD; else zeros */
  const char *name;      /* "h", "f.i": the variable this node is the value of, or NULL. Gradient nodes of named ones: "dh" */
  const program *source; /* where it was written; NULL for derived nodes */
  span at;
} node;

enum init_kind {
  INIT_DEFAULT,
  INIT_NUMBER,
  INIT_UNIFORM,
  INIT_NORMAL,
  INIT_XAVIER,
  INIT_HE,
  INIT_ORTHOGONAL,
  INIT_IDENTITY,
  INIT_ACROSS,
  INIT_DOWN
};
/* PARAM_PLACE: where the positions of a picture lie, which no step of training moves. */
/* PARAM_RUNNING: means and variances of batches. In the place of their gradient stands what the last batch had. A step of
 * training moves them RUNNING_SHARE of the way there, whatever the optimizer is. */
enum param_role {
  PARAM_BIAS,
  PARAM_VECTOR,
  PARAM_INPUT_MATRIX,
  PARAM_RECURRENT_MATRIX,
  PARAM_EMBEDDING,
  PARAM_RUNNING,
  PARAM_PLACE
};
#define RUNNING_SHARE 0.1f
typedef struct param {
  const char *name; /* "h.Wz", "h.2.Uz" (second layer), "W", "token.embed" */
  int rows, cols;   /* matrix: [out, in]; embedding and matrix on a one-hot: [symbols, N]; vector: rows = N, cols = 1 */
  bool vector;
  enum param_role role;
  int64_t offset; /* in the flat block, in floats */
  enum init_kind init;
  double init_value;
  const program *source;
  span at;
} param;

/* What the batch must bring. (variable, lag) pairs are inputs of their own. token[t-1] is the input {token, lag 1}; its first
 * entry of a sequence is index -1, or in a stream what came before. */
typedef struct input {
  int data;   /* number of the data declaration */
  int lag;    /* 0: the value at t; 1: at t-1 ... */
  bool index; /* symbols (int32) rather than numbers (float) */
  bool seen;  /* not its value, but 1 where it was observed, 0 where not and before the first step */
  int width;  /* number of symbols, or of numbers per row */
  enum space space;
  int axis;
} input;

/* Why data has a value at every step, or one for the whole sequence. */
enum steps_why {
  STEPS_INFERRED, /* from how the equations use it */
  STEPS_OF_KIND,  /* it always has steps */
  STEPS_DECLARED  /* `data c : category each`, or `whole` */
};

typedef struct data_info { /* a `data` line */
  const char *name, *kind; /* "token", "chars" */
  double args[KIND_ARGS];  /* as the kind's row has them */
  int n_args;
  const char *words[KIND_WORDS]; /* "lines", "lower", "spaced"; of `time`: the cycles */
  int n_words;
  int width;            /* symbols or numbers, from the binding */
  const float *weights; /* [width] of symbols that are predicted: of each in the objective; NULL: 1 */
  enum space space;
  int axis; /* -1 when static */
  enum steps_why why;
  bool own_mean; /* at an earlier step that was not observed the net sees what it expected there: the input is then 0 */
  const statement *at;
} data_info;

typedef struct carry { /* a state that a stream hands to its next pass */
  int node;            /* the state's node: its EDGE(-1) becomes the CARRY of the next pass */
  int edge;            /* that EDGE node */
  int width;
  const char *name; /* "h.c" */
} carry;

/* What a distribution is about: any number; 0 or 1; 0, 1, 2 and so on; symbols. SUPPORT_PEN: any numbers, but of three the last
 * is 0 or 1. */
enum support { SUPPORT_REAL, SUPPORT_BIT, SUPPORT_COUNT, SUPPORT_PEN, SUPPORT_SYMBOLS };
static inline enum support support_of_entry(enum support s, int width, int entry) {
  return s != SUPPORT_PEN ? s : width == 3 && entry == 2 ? SUPPORT_BIT : SUPPORT_REAL;
}
enum { DISTRIBUTION_ARGS = 3 };
typedef struct distribution_argument {
  const char *name;
  bool positive;
} distribution_argument;
typedef struct distribution_row { /* of distributions.def */
  const char *name;               /* "softmax" */
  enum support support;
  bool aligned;                                  /* predicts the data step by step; not so ctc */
  distribution_argument args[DISTRIBUTION_ARGS]; /* none: numbers and then a vector */
  int n_args;
} distribution_row;
enum {
#define SYMBOLS(name, aligned, arguments, term) DISTRIBUTION_##name,
#define NUMBERS(name, support, arguments, mean, equations) DISTRIBUTION_##name,
#define VECTORS(name, support) DISTRIBUTION_##name,
#include "graph/distributions.def"
#undef SYMBOLS
#undef NUMBERS
#undef VECTORS
  DISTRIBUTION_COUNT
};
extern const distribution_row graph_distributions[DISTRIBUTION_COUNT];

typedef struct loss {  /* a `~` line */
  int data;            /* what is predicted */
  int slot;            /* its input (lag 0) */
  int seen;            /* where it may not be observed: the input that says so (lag 0); else -1 */
  int node;            /* [1]: nats per row */
  int objective;       /* [1]: what training minimises: `node` with its weights and smoothing; `node` itself without these */
  int prediction;      /* the distribution's first argument: logits ... */
  int args[LOSS_ARGS]; /* all of them, as docs/language.md lists them; width 1: the same for all entries */
  int n_args;
  const double *numbers; /* quantile: the levels; mixture: the number of components */
  int n_numbers;
  int weight; /* the value of `weight =`, or NODE_NONE */
  const distribution_row *distribution;
  const statement *at;
} loss;

typedef struct gradient { /* a contribution to a parameter's gradient; contributions add up in this order */
  int param, node;        /* OUTER or EMBED_T node, or a PARAM-space node of the parameter's width */
} gradient;

typedef struct setting {
  const char *name;
  double number;
  const char *word; /* not NULL: a word rather than a number */
} setting;

typedef struct graph {
  arena memory;
  const program *net;
  node *nodes;
  int n_nodes, cap_nodes;
  param *params;
  int n_params, cap_params;
  input *inputs;
  int n_inputs, cap_inputs;
  data_info *data;
  int n_data;
  carry *carries;
  int n_carries, cap_carries;
  loss *losses;
  int n_losses, cap_losses;
  gradient *gradients;
  int n_gradients, cap_gradients;
  setting *settings;
  int n_settings;  /* as in force, for the model file; those of cells by their full names, where they were asked for */
  double *varying; /* [n_varying] values of the settings that vary: may be changed between passes, plans and runs follow */
  const char **varying_names;
  int n_varying;
  const char **own_names; /* of the builder: the names of what was asked for */
  int n_axes, n_masks;
  int n_forward;      /* nodes below this number are the forward graph; the rest its gradient. 0 before graph_differentiate */
  int64_t n_weights;  /* floats in the flat block */
  const char *output; /* cells built alone: name of the output */
  int output_node;
  void *index; /* hash table for sharing common subexpressions */
} graph;

/* --- building blocks (graph.c) --- all return a node number or NODE_NONE when out of memory (sticky: graph_failed). Equal
 * nodes are shared, constants folded (x*1, x+0, x*0, number op number, neg neg). Elementwise nodes get the larger space of
 * their inputs. A STATIC side of a STEP node is wrapped in SPREAD. Width 1 against N is a repetition over the width. */
void graph_init(graph *g);
void graph_free(graph *g);
bool graph_failed(const graph *g);
int graph_most_nodes(void); /* more fail: base/budget.h */
int graph_const(graph *g, double value);
int graph_unary(graph *g, enum op op, int x);
int graph_binary(graph *g, enum op op, int a, int b);
int graph_node(graph *g, node n); /* any node, complete; shared if equal to another (name, at ignored). INPUT.. leaves too */
int graph_shift(graph *g, int x, int dir, int init);
int graph_spread(graph *g, int x, int axis);  /* x itself when it is a STEP node already */
int graph_param(graph *g, param p);           /* gives the offset: params follow each other without gaps in order of creation */
int graph_input(graph *g, int data, int lag); /* finds or adds */
int graph_seen(graph *g, int data, int lag);  /* the same: whether it was observed */
const node *graph_at(const graph *g, int number);

/* --- from a program (build.c) --- */
typedef struct binding { /* facts about the data, known once it was read */
  const char *name;
  int width; /* symbols, or numbers per row */
} binding;
typedef struct class_weights {
  const char *name;    /* of the variable */
  const float *values; /* [symbols] the weight of each in the objective; copied */
} class_weights;
typedef struct build_options {
  const binding *bindings;
  const class_weights *weights; /* of variables that are predicted; those that are not there weigh 1 */
  int n_weights;
  int n_bindings; /* a data line without one gets a default width: 65 symbols, 1 number */
  const setting *settings;
  int n_settings; /* --set; a cell's by its full name, "h.s" or, of one layer, "h.2.s" */
  /* Names of settings that change while plans of the graph run: they are nodes, and may stand in equations only. */
  const char *const *varying;
  int n_varying;
  /* --init: "h.Uz=uniform(0.1)". A name may have '*', or be a word for many (all, matrices, recurrent, inputs, embeddings,
   * biases, vectors). A value alone is for all matrices. Later ones come over earlier ones, all of them over the files' `init`
   * lines. */
  const char *const *inits;
  int n_inits;
  /* Numbers that are predicted at every step may not be observed at some. No loss counts there, and at earlier steps the net sees
   * its own mean instead, where the distribution has one. The parameters are the same. */
  bool gaps;
  /* finds a cell by name: built-in, or a file beside the net; NULL: only built-in ones. Returns text in `memory`, or NULL */
  const char *(*find_cell)(void *context, const char *name, arena *memory, const char **file);
  void *context;
} build_options;
/* Forward graph with losses. A cell file alone can be built too. Its input is a data variable x of width `--set input=N`
 * (default 5), its size `--set hidden=N` (default 7). g->output_node is then its output. */
unroll_status graph_build(graph *g, const program *net, const build_options *options, unroll_error *err);

/* --- gradient (diff.c) --- adds the gradient of sum over losses of LOSS_SCALE * loss to the same graph, for all parameters. */
unroll_status graph_differentiate(graph *g, unroll_error *err);
/* The same for d(sum of seeds[i].value * node), used for cells alone: cotangent nodes are INPUTs of the caller. */
typedef struct seed {
  int node, cotangent;
} seed;
unroll_status graph_differentiate_from(graph *g, const seed *seeds, int n_seeds, unroll_error *err);
/* Adds also the adjoints of n nodes that no gradient of a parameter needs, INPUTs for instance. No wanted[i] is a SHIFT.
 * adjoints[i] is a node of its size, or NODE_NONE where nothing flows back. */
unroll_status graph_differentiate_wanting(graph *g, const seed *seeds, int n_seeds, const int *wanted, int *adjoints, int n,
                                          unroll_error *err);

/* --- printing (print.c) --- in the notation of the language. A gradient node of a named node n prints as "dn". */
void graph_print_node(const graph *g, int number, text *out); /* the expression of a node, named inputs by name */
void graph_print_forward(const graph *g, text *out);          /* all named nodes, a line each: h = tanh(Wxh x + Whh h[t-1] + b) */
void graph_print_gradient(const graph *g, text *out);         /* dh = ..., dWhh = sum over t of ... */
/* The same for typesetting: what has steps always has its index, h[t], and a derivative begins with GRAPH_DERIVATIVE for d. */
#define GRAPH_DERIVATIVE "\xe2\x88\x82"
void graph_print_forward_exact(const graph *g, text *out);
void graph_print_gradient_exact(const graph *g, text *out);
#endif
