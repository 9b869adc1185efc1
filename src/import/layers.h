/* layers.h - what every source is turned into, and what net and weights are written from. It is a list of layers, each
 * with the layers that it reads and its own numbers.
 *
 * A layer reads layers before it only. Matrices are [out, in], rows of embeddings are symbols, pictures are [rows, columns,
 * channels]; whoever fills the list has brought them into this form. Numbers belong to the list's memory. */
#ifndef IMPORT_LAYERS_H
#define IMPORT_LAYERS_H
#include <stdbool.h>
#include <stdint.h>
#include <unroll.h>
#include "base/memory.h"
#include "base/text.h"
#include "import/arrays.h"

enum layer_kind {
  LAYER_NUMBERS,   /* an input: numbers, or a picture */
  LAYER_SYMBOLS,   /* an input: symbols */
  LAYER_EMBED,     /* rows of W by symbol */
  LAYER_RECURRENT, /* `cell`, in one direction; of two that it reads the second is where it starts */
  LAYER_LINEAR,    /* W x + b */
  LAYER_APPLY,     /* `function` of one layer: "tanh(%s)" */
  LAYER_BINARY,    /* "+", "-", "*", "/", "max", "min" of two; or of one and the vector b */
  LAYER_CONCAT,
  LAYER_PART,      /* `width` entries from `first` on */
  LAYER_SHIFT,     /* `first` steps before, zeros before the first */
  LAYER_CLOCK,     /* of 0 and 1: counts from the first 1 on, 1 2 .. `first`, and again */
  LAYER_OVER,      /* last, first, mean, max, sum over the steps; reverse */
  LAYER_NORM,      /* over the width: gain, bias, epsilon */
  LAYER_BATCHNORM, /* gain, bias, mean, variance, epsilon */
  LAYER_CONV,
  LAYER_POOL /* function "max" or "mean" */
};

enum cell_type { CELL_RNN, CELL_LSTM, CELL_GRU };
enum { MOST_WIDTH = 1 << 24 };
enum { GATES = 4, LAYER_INPUTS = 64, NET_OUTPUTS = 8, LAYER_NAME = 40 };

/* The equations of a recurrence, and its numbers, gate after gate. An LSTM has i f g o, a GRU z r c, an RNN one. */
typedef struct cell {
  enum cell_type type;
  int inputs, hidden, out;          /* out < hidden: with a projection */
  bool backward;                    /* from the last step to the first */
  bool reset_after;                 /* GRU: the reset gate comes after the product */
  bool input_forget;                /* LSTM: f = 1 - i */
  bool swapped;                     /* GRU: h = (1 - z) * h[t-1] + z * c */
  bool held;                        /* its second input is 1 where it takes a step, else it stays as it is */
  double clip;                      /* of what goes into an activation; 0: none */
  const char *gate, *act, *out_act; /* "sigmoid(%s)": gates; candidate; of the memory. RNN: act */
  const float *W[GATES];            /* [hidden, inputs] */
  const float *U[GATES];            /* [hidden, out] */
  const float *b[GATES];            /* [hidden] */
  const float *bu;                  /* GRU with reset_after: of U in the candidate, [hidden] */
  const float *p[3];                /* LSTM: peepholes of i f o, [hidden]; NULL: none */
  const float *P;                   /* [out, hidden] */
  const float *h0, *c0;             /* where it starts; NULL: zeros */
} cell;

typedef struct layer {
  enum layer_kind kind;
  char name[LAYER_NAME]; /* of its variable; distinct */
  int in[LAYER_INPUTS], n_in;
  int width;                   /* numbers, or symbols */
  bool steps;                  /* a value at each step */
  int channels, rows, columns; /* of a picture; else 0 */
  int grid[3];                 /* channels, rows, columns of a vector that other programs have as a picture */
  const cell *cell;
  int group; /* recurrences with one number are the layers of one module; 0: alone */
  const float *W, *b;
  const float *gain, *bias, *mean, *variance;
  double epsilon;
  const char *function;
  int late, rate;                /* other programs have only the steps late, late + rate ...; 0: all (around.c) */
  int first;                     /* LAYER_PART, LAYER_SHIFT, LAYER_CLOCK */
  int size, stride, pad, groups; /* LAYER_CONV, LAYER_POOL */
  bool same;                     /* LAYER_CONV: zeros around, as many as leave the size; else `pad` */
} layer;

enum predicts { PREDICTS_NUMBERS, PREDICTS_SYMBOLS, PREDICTS_BITS };

typedef struct layers {
  arena memory;
  layer *list;
  int n, room;
  struct {
    int layer; /* of a softmax or sigmoid its argument */
    enum predicts predicts;
  } outputs[NET_OUTPUTS];
  int n_outputs;
  int open_width;      /* of an input whose width the file leaves open; 0: not known */
  bool channels_first; /* so do arrays have their pictures */
  const char *source;  /* "PyTorch state dict" */
  text told;           /* what was understood: lines */
  struct spare {       /* weights of modules that stand in no layer, for a net of the caller: by their names there */
    const char *name;
    int rows, cols; /* cols 0: a vector */
    const float *x;
  } * spare;
  int n_spare, spare_room;
} layers;

void layers_free(layers *l);
/* A new layer that reads `in` (or -1), with its width, steps and shape; its number, or -1 when out of memory. The variable is
 * called after `name`. */
int layers_add(layers *l, enum layer_kind kind, const char *name, int in);
/* The last layer that was added with this number, for filling. */
static inline layer *layers_at(layers *l, int number) { return &l->list[number]; }
/* The layer of this number is a vector of `width`. */
layer *layers_vector(layers *l, int number, int width);
/* The layer gets `more` numbers. False: that are more than 2^24. */
bool layers_widen(layer *l, int64_t more);
/* The layer is a picture of so many channels, rows and columns. False: these are no sizes, or more than 2^24 numbers. */
bool layers_picture(layer *l, int64_t channels, int64_t rows, int64_t columns);
/* x `steps` before; a negative number: behind. Zeros where there are none. -1: out of memory. */
int layers_shift(layers *l, const char *name, int from, int steps);
/* Side by side `size` steps, each `dilation` behind the one before, the first of them `before` steps before. `size` is at most
 * LAYER_INPUTS, and all numbers are at most MOST_WIDTH. -1: out of memory. around.c */
int layers_around(layers *l, const char *name, int from, int before, int size, int dilation);
/* 1 at the steps that other programs have of a layer, else 0. -1: out of memory. */
int layers_ticks(layers *l, int at);
/* The largest, or the mean, of `size` such steps up to this one. -1: out of memory. */
int layers_window(layers *l, const char *name, int at, int size, bool mean);
bool layers_spare(layers *l, const char *name, int rows, int cols, const float *x);
/* "sigmoid" of other programs -> "sigmoid(%s)"; "" for one that changes nothing; NULL: not known. */
const char *layers_function(const char *name);
/* Memory for so many numbers of the list, zeroed. */
float *layers_numbers(layers *l, int64_t n);
/* [cols, rows] -> [rows, cols]; NULL: out of memory. */
float *layers_turned(layers *l, const float *x, int rows, int cols);

/* --- the net (write.c) --- */

typedef struct net_weight {
  char name[96];
  int rows, cols; /* cols 0: a vector */
  const float *x;
} net_weight;

typedef struct net_cell {
  char name[40];
  text text;
} net_cell;

typedef struct net_symbols { /* of a variable of the net */
  const char *variable;
  const char *kind; /* "chars", "words spaced", "category" */
  const char *const *texts;
  int n;
} net_symbols;

typedef struct net_text {
  text text;
  net_weight *weights;
  int n_weights, weights_room;
  net_cell *cells;
  int n_cells;
} net_text;

typedef struct write_options {
  bool plain;             /* as it is, for comparing: symbols by number, what comes out as numbers */
  bool language;          /* symbols are predicted from those before */
  const char *input_kind; /* of symbols that are read: "category each", "chars", "words spaced" */
  const char *file;       /* that it came from */
} write_options;

unroll_status net_write(net_text *out, const layers *l, const write_options *o, unroll_error *err);
void net_free(net_text *n);
/* Is it a text model: symbols in, at every step a softmax over as many out, and nothing that looks ahead? */
bool layers_are_language(const layers *l);
#endif
