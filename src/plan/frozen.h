/* frozen.h - what a frozen plan is made of: stages over matrices in one arena. The planner writes it, the runner walks it.
 * Nothing here knows names, equations or the graph. */
#ifndef PLAN_FROZEN_H
#define PLAN_FROZEN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/text.h"
#include "kernel/kernel.h"

/* Where a stage finds or puts a matrix. Offsets are floats. */
enum place_base {
  PLACE_NOTHING, /* zeros */
  PLACE_ARENA,
  PLACE_CONST, /* the pool of constants */
  PLACE_PACK,  /* packed vectors of the weights */
  PLACE_CARRY, /* states kept between passes */
  PLACE_SLOT   /* a slot of the thread's scratch: [block rows, unit] */
};
enum place_rows {
  ROWS_STEP,  /* row first[t] + b */
  ROWS_BATCH, /* row b: static matrices, and matrices that only live during one step of a loop */
  ROWS_ONE    /* the same row for all */
};
typedef struct place {
  enum place_base base;
  enum place_rows rows;
  int shift;                 /* ROWS_STEP: 0; +1: the rows of step t - 1; -1: those of step t + 1 */
  bool splat;                /* width 1, repeated over the lanes */
  int64_t offset;            /* of row 0, column 0; PLACE_SLOT: number of the slot */
  int64_t row;               /* floats between rows */
  enum place_base init_base; /* shift != 0: the rows where there is no step t - shift; ROWS_BATCH */
  int64_t init_offset;
  int64_t init_row;
  bool whole;    /* ROWS_STEP: rows of all steps, also where a window is run */
  int slots;     /* shift != 0: rows of steps outside the window are in `slots` slots at `bound`, by turns of windows; 0: nowhere */
  int64_t bound; /* in the arena */
} place;

/* One call of the product kernel per unit tile: the same operand for several sums, `gates` of them side by side. */
typedef struct stage_call {
  place operand;
  int k;
  enum precision precision; /* of the factors */
  factors lie;              /* how they do */
  int64_t rounded;          /* where the rounded operand is in a thread's scratch, tile_rows rows; not for fp32 */
  bool goes_on;             /* with the sums of the call before, all of them: one product computes both, in parts */
  int gates;
  int64_t pack; /* packed panels, tile after tile of lie.depth * gates * unit floats */
  struct {
    place init; /* what the sum starts from: the sum itself to go on */
    place out;
  } gate[PANEL_VECTORS];
} stage_call;

/* Products and the elementwise equations on their results, unit tile by unit tile. */
typedef struct stage_tile {
  int width; /* N */
  int unit;  /* vectors of a unit tile: 1, 2 or 4 */
  int n_calls;
  stage_call *calls;
  int n_code;
  tile_instruction *code;
  int n_operands;
  place *operands;
  uint8_t *written; /* [n_operands] does an instruction write it? */
  int n_slots;
  int block; /* rows at a time */
} stage_tile;

/* Gradients of weights: all pairs (dy, x) over the same rows at once, and the sums over these rows that vectors need. */
typedef struct stage_outer {
  int n_dy, n_x, n_pairs, n_dots;
  int64_t work; /* of all dy; 0: pairs add to the same numbers, whose rows must be the same thread's */
  struct outer_dy {
    int id;
    place at;
    int width;
    int64_t sum;          /* [N] of the sum over rows in the arena, or -1 */
    int64_t work, before; /* that LANES columns are, and that all dy before this one are */
  } * dy;
  struct outer_x {
    int id;
    place at;
    int width;
  } * x;
  struct outer_pair {
    int dy, x;
    int64_t accumulator; /* [N, outer_kept] in the arena */
    int64_t target;
    int target_row;
    bool straight; /* nothing else adds to these numbers of the gradient, so whole vectors of sums are the gradient's own */
    bool late;     /* a STAGE_ADD adds it to the gradient, after others that add to the same rows one by one */
  } * pairs;
  struct outer_dot { /* sum over rows of a * b, elementwise: the diagonal of what a matrix would get */
    place a, b;
    int width;
    int64_t sum; /* [N] in the arena */
  } * dots;
} stage_outer;

/* CONV and its adjoint: every row is a picture [rows, columns, groups * channels] with a border around it. It becomes
 * [out_rows, out_columns, groups * out_channels]. POOL, POOL_MEAN and their adjoints: squares. Batch normalization: positions
 * and channels.
 */
typedef struct stage_picture {
  int rows, columns, channels;
  int out_rows, out_columns, out_channels;
  int size, before;   /* of the patch; rows and columns of zeros in front of the picture */
  int stride, groups; /* of the patches; channels above are those of one group */
  int spread;         /* pixels from one of x to the next when zeros lie between them; 1: none do */
  bool im2col;   /* CONV, CONV_POOL: patches are written out, since with few channels their lines are too short for the kernel */
  bool relu;     /* CONV: its result's */
  int pool;      /* CONV_POOL and its gradients: rows and columns of a square of the result; out_rows and out_columns are so many
                    whole squares */
  int64_t picks; /* and the column in a row of their result where its picks begin; 0: none are kept */
  int64_t pack;  /* a group after the other: panels of up to 4 vectors of out_channels: [size * size * channels, vectors * 16] */
} stage_picture;

/* Rows or columns of a picture with its border, as far as so many patches look at it. */
static inline int stage_framed(int out, const stage_picture *q) { return (out - 1) * q->stride + q->size; }

enum stage_kind {
#define STAGE(name, text, way, rest, writes, products) STAGE_##name,
#include "plan/stages.def"
  STAGE_KINDS
};
enum stage_way { WAY_TILE, WAY_LOOP, WAY_OUTER, WAY_ROWS, WAY_ATTEND, WAY_CTC, WAY_WHOLE };
enum stage_rest { REST_WALK, REST_GRADIENT, REST_ROWS, REST_MOVE };
enum stage_products { PRODUCTS_NONE, PRODUCTS_TILE, PRODUCTS_OUTER, PRODUCTS_CONV, PRODUCTS_LOOP };
typedef struct stage_row { /* a row of stages.def */
  const char *name;
  enum stage_way way;
  enum stage_rest rest;
  bool writes;
  enum stage_products products;
} stage_row;
extern const stage_row stage_rows[STAGE_KINDS];

typedef struct stage {
  enum stage_kind kind;
  int phase;      /* see plan/phase.c */
  unsigned again; /* bit s: run again for each window of sweep s */
  int n_bounds;   /* what neighbour windows look at, kept when the stage has run in its sweep */
  struct stage_bound {
    int64_t from, to, row; /* matrix, slots, floats of a row */
    int slots;
    bool first; /* rows of the window's first step; else of its last */
  } * bounds;
  bool of_steps; /* rows are those of `axis` (R), else those of the batch (B), or one when `one` */
  bool one;
  int axis;
  int width; /* of the result */
  place out, in[4];
  int in_width;
  int over;                        /* attention, CTC: the other axis, or -1: the other side has one row an example */
  int column, out_column, columns; /* STAGE_COPY_COLUMNS: from, to, how many; out_width is cleared first when `clear` */
  bool clear;
  int slot, dir;
  bool back; /* sums over rows go from the last to the first: the stage is in a sweep that goes back */
  double value;
  const float *table; /* CLASS_WEIGHT: [symbols] in the plan's memory; NULL: 1 each */
  int64_t weight;     /* offset in the flat block: GATHER table, SCATTER, CONV_OUTER, GRADIENT and ADD target, running means of
                         BATCH_STATS, gain of BATCHNORM_GRAD */
  stage_tile tile;
  stage_outer outer;
  stage_picture picture;
  /* loop */
  int n_body;
  struct stage *body;
  bool split;  /* some place has shift -1: rows with and without a step t + 1 are run one after the other */
  double work; /* multiply-adds per row and step */
} stage;

typedef struct pack_job {
  enum precision precision;
  bool vector, by_rows; /* vector: copy of count floats; by_rows: lanes are rows of the matrix, else columns */
  int64_t out;
  int64_t weight; /* offset of the matrix in the flat block */
  int row;        /* its columns */
  int vectors, v, first, count, k0, k;
} pack_job;

/* A number that changes with what the fields mean. */
enum { FROZEN_VERSION = 3 };

typedef struct frozen {
  int max_rows, max_steps; /* of a shard */
  int64_t max_cells;
  int shards;     /* S, a power of two: row b of the batch belongs to shard b % S, which runs with matrices of its own */
  int whole_rows; /* of the batch, all shards together */
  int64_t whole_cells;
  int n_axes, n_inputs;
  struct frozen_input {
    bool index, of_steps;
    int axis, width;
  } * inputs;
  int cut;      /* the time axis that has sweeps (phase.c), or -1 */
  int window;   /* steps of a window or chunk; 0: a pass has all steps at once */
  int n_sweeps; /* of a pass in windows */
  int64_t n_weights;
  int n_tables; /* parameters that are only looked up: their gradient is zero but in the rows of the batch */
  struct frozen_table {
    int64_t offset, n;
  } * tables;
  int n_stages;
  stage *stages;
  int64_t arena; /* floats */
  int64_t pack;
  int n_packs;
  pack_job *packs;
  int n_consts; /* constants; number 0 is zero, number 1 is the loss scale, then come the settings that vary */
  float *consts;
  int n_varying; /* settings that vary: their values come with each batch */
  int64_t carry; /* floats of all carries */
  int n_carries;
  struct frozen_carry {
    int64_t offset;
    int width;
    int64_t row;
    place edge;
  } * carries;
  int n_losses;
  struct frozen_loss {
    place at;
    int axis;
    bool of_steps;
  } * losses;
  int n_keep;
  struct frozen_keep {
    int node;
    place at;
    int axis, width;
  } * keep;
  enum precision precision;
  int64_t rounded; /* floats of scratch a thread needs for operands that are rounded or copied */
  int slots;       /* floats of scratch a thread needs for tile programs */
  int64_t outer;   /* floats of scratch a thread needs for weight gradients and pictures */
  int64_t ctc;     /* and for the alignments of a sequence */
  int widest;      /* the largest width of a matrix */
  int n_operands;  /* the most operands of a tile program */
  bool gradient;
} frozen;

/* Rows of a block of weight gradients, and columns of dy that stay in the second-level cache while the panels of x go by. */
enum { OUTER_ROWS = 512, OUTER_COLUMNS = 256 };
enum { MOST_SHARDS = 1024 };
enum { CONST_ZERO = 0, CONST_SCALE = 1, CONST_VARYING = 2 };

/* Rows whose operands stay in the second-level cache while the panels of a tile program go by. */
static inline int64_t tile_rows(const stage_tile *t) {
  int k = 0;
  for (int i = 0; i < t->n_calls; i++)
    if (t->calls[i].k > k) k = t->calls[i].k;
  const int64_t rows = k ? 98304 / k / t->block * t->block : t->block;
  return rows < t->block ? t->block : rows;
}

static inline int64_t padded(int64_t width) { return (width + LANES - 1) / LANES * LANES; }
/* Floats from row to row of a matrix: rows multiples of 512 bytes apart would share few sets of the first-level cache. */
enum { APART = 128 };
static inline int64_t matrix_row(int64_t width) { return padded(width) % APART ? padded(width) : padded(width) + LANES; }

/* How many columns of sums a pair (dy, x), x of this width, keeps outside the gradient: all, or those of a vector's last
 * part. */
static inline int outer_kept(const struct outer_pair *pair, int width) {
  return pair->straight ? width % LANES ? LANES : 0 : (int)padded(width);
}

/* Alignments keep a forward row for every so many of T steps: about sqrt(T), so that these and those between are fewest. */
static inline int ctc_segment(int T) {
  int n = 1;
  while ((int64_t)n * n < T) n++;
  return n;
}
static inline int64_t ctc_scratch(int T) { return padded(T) + 3 * ctc_section(T) + (2 * (int64_t)ctc_segment(T) + 4) * ctc_row(T); }

/* Bytes of all that a run takes beside the weights. Threads that have a shard each have an arena each. */
int64_t frozen_bytes(const frozen *f, int threads);

struct plan;
const struct frozen *plan_frozen(const struct plan *p);
/* All of it as text, for eyes and tests: a stage a line, with its places. The first line has FROZEN_VERSION. */
void frozen_print(const frozen *f, text *out);
#endif
