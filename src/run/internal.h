/* internal.h - a session of the runner, shared by its files. */
#ifndef RUN_INTERNAL_H
#define RUN_INTERNAL_H
#include "base/threads.h"
#include "kernel/kernel.h"
#include "plan/frozen.h"
#include "run/batch.h"
#include "run/run.h"

typedef struct waiting {
  uint64_t ticks, count;
} waiting;

enum { FETCHES = 128 };

typedef struct worker {
  int number;             /* of the thread, among all of the pass */
  float *slots;           /* scratch of tile programs */
  float *outer;           /* scratch of weight gradients */
  float *column;          /* scratch of attention: a weight for each step, for ATTEND_ROWS rows */
  float *rounded;         /* scratch of rounded operands */
  float *ctc;             /* scratch of alignments; NULL where there are none */
  int32_t *symbols;       /* [max_steps] of an alignment */
  tile_operand *operands; /* resolved operands of the tile program that runs */
  fetch_run *fetches;     /* [FETCHES + 1] what it needs soon */
  struct calls *calls;    /* where to write calls down instead of making them; NULL: make them */
  int sense;
  struct waiting *waiting; /* of barriers inside a stage; NULL: nobody asks */
} worker;

/* Where in time a stage stands: a step of a loop, or all rows at once (t = -1). */
typedef struct where {
  const batch_axis *axis;
  int t;
  bool next; /* the rows have a step t + 1 */
} where;

typedef struct rows { /* a resolved place: row i at p + i * row; p NULL: zeros */
  float *p;
  ptrdiff_t row;
} rows;

/* A pass in windows of steps: which one runs, and where it is. With all steps at once: row, step and after are 0, before is false,
 * begins and ends are true. */
typedef struct window {
  batch batch;
  batch_axis *axes;
  int64_t *first;
  int *at;     /* [n_stages] the window that each ran for last in this sweep; -1: none */
  int number;  /* of the window */
  int64_t row; /* of the whole, where the window begins */
  int step;
  bool before;       /* there are steps before */
  int after;         /* rows that have a step after it */
  bool begins, ends; /* the first, the last window of the sweep */
  bool again;        /* what earlier sweeps computed is computed again */
} window;

/* One call of a list: see calls.h. */
typedef struct call {
  enum { CALL_PRODUCT, CALL_TILE, CALL_ROUND, CALL_COPY, CALL_ROWS, CALL_STAGE } kind;
  enum precision precision;
  union {
    product product;
    struct {
      const stage_tile *t;
      tile_operand *operands;
      int vectors;
    } tile;
    struct {
      float *to;
      const float *from;
      int n;
    } move;
    struct {
      const stage *s;
      rows y, in[4];
      where here;
    } stage;
  };
} call;

typedef struct calls {
  call *list;
  tile_operand *operands; /* of all tile programs */
  product_part *parts;    /* of all products */
  int n, n_operands, n_parts;
} calls;

/* What the units of a gradient are known to be: see touched.c. */
enum { UNIT_ZERO, UNIT_TOUCHED, UNIT_ALWAYS, UNIT_WRITTEN };

struct run {
  struct team *team; /* of a batch in shards: who runs them, shard.c; this has then no arena, carry, gradient and worker. Or NULL */
  bool desk;         /* runs shards of a team: pack belongs to the team; carry, gradient and touched are the shard's */
  struct run *above; /* of a desk: the team's run, if somebody sends gradients meanwhile and this is the thread's last shard */
  const frozen *f;
  const kernels *k;
  void (*product[PRECISIONS])(const product *p); /* by the precision of the factors */
  void (*round_row[PRECISIONS])(float *rounded, const float *x, int n);
  const float *weights;
  pool *workers;
  float *arena, *pack, *carry, *consts, *zeros, *gradient;
  uint8_t *touched; /* see touched.c; NULL without a gradient */
  worker *worker;
  int n_workers;
  barrier meet;
  int *sequence, *length; /* [n_axes, max_rows] for attention: the sequence of each batch row, the steps of each sequence */
  const batch *b;         /* what runs: all steps, or a window of them */
  const batch *whole;     /* all steps */
  window window;
  int training;
  calls calls; /* of every pass, where the batch stays; or none */
};

/* A thread's part of a pass, for run_pass and for the profile. `one` runs a shard, or the whole batch, of a run with `threads`
 * threads. */
typedef void shard_visit(void *context, run *r, worker *w, int thread, int threads);
void run_each_shard(run *r, shard_visit *one, void *context, int thread, int threads);
void run_add_shards(run *r, int thread, int threads); /* once all threads have returned from there: the shards' gradients */

/* shard.c: a run whose plan has several shards. */
unroll_status team_new(run *r, const int range[2], unroll_error *err); /* of these shards; the others are another process's */
void team_free(run *r);
void team_begin(run *r);
worker *team_worker(const run *r, int thread); /* scratch of a thread outside passes */
void team_set_kernels(run *r, const kernels *k);
void team_run(run *r, shard_visit *one, void *context, int thread, int threads);
void team_add(run *r, int thread, int threads);
/* Units of a gradient that no stage of a pass changes after stage `after`: see final.c. */
typedef struct run_piece {
  int64_t from, end;
  int after;
} run_piece;
/* All units, in pieces of `least` units or more, the first that are final first; for mem_free. NULL: out of memory. */
run_piece *run_final_pieces(const frozen *f, int64_t least, int *n);
/* While a pass goes on, its first thread calls `look` between stages, and between the steps of loops. */
typedef void team_look(void *context);
void team_set_look(run *r, const run_piece *pieces, int n, team_look *look, void *context);
/* Is the piece final in all shards that are run here? It is then added up, once in a pass, by the thread that asks. Pieces are
 * asked for in order. */
bool team_is_final(run *r, int piece);
void team_passed(run *desk, const worker *w, int number); /* a thread has done a stage of its last shard */
static inline void run_look(run *desk, const worker *w, int number) {
  if (desk->above) team_passed(desk->above, w, number);
}
float *team_gradient(const run *r);
const uint8_t *team_touched(const run *r);
double *team_losses(const run *r, int number); /* [n_losses] of a shard */
/* Of the subtree of shards that begins with `number`, which is this run's; -1: of all. */
float *team_slope(const run *r, int number, uint8_t **touched);
/* n units of one gradient, of which `left` numbers are left, are added to another. */
void run_add_units(float *to, uint8_t *touched, const float *from, const uint8_t *more, int64_t n, int64_t left);
double team_loss(const run *r, int number);
const float *team_value(const run *r, int keep);
void team_carry_reset(run *r);
float *team_carry(const run *r, int row, int64_t *own); /* the carries of the shard of a row of the batch, and which row there */

/* A run with memory of its own for one shard at a time, or for the whole batch. */
unroll_status run_alone(run **out, const frozen *f, const float *weights, pool *workers, int n_workers, float *pack,
                        unroll_error *err);

/* cut.c: a shard's part of a batch, as a batch. */
typedef struct cutting {
  batch b;
  batch_axis *axes;
  int **active, **order, **whole;
  int64_t **first;
  int32_t **index;
  float **number;
} cutting;
bool cutting_init(cutting *c, const frozen *f); /* false: out of memory; cutting_free in any case */
void cutting_free(cutting *c, const frozen *f);
void cutting_make(cutting *c, const frozen *f, const batch *whole, int shard);

/* The parts of a pass. */
void run_begin(run *r, const batch *b, int training);
uint8_t *run_touched_new(const frozen *f); /* for mem_free; NULL: out of memory */
void run_clear_gradient(run *r, int thread, int threads);
/* Rows of a table of embeddings that get something. */
void run_touch(const run *r, int64_t table, int width, const int32_t *index, int64_t n);
void run_stage(run *r, worker *w, const stage *s, int thread, int threads);
void run_keep_carries(const run *r, const worker *w);
/* All of them, window by window where a pass has some, and the carries; `visit` runs a stage, and the threads meet after it. */
typedef void stage_visit(void *context, run *r, worker *w, int number, int thread, int threads);
void run_walk(run *r, worker *w, stage_visit *visit, void *context, int thread, int threads);
stage_visit run_visit; /* runs it, no more */
bool run_window_memory(run *r);
void run_window_free(run *r);
bool run_in_windows(const run *r);
void run_windows(run *r, worker *w, stage_visit *visit, void *context, int thread, int threads); /* all stages */
/* Rows that the window before (shift 1), after (-1) or this one (0) has left. */
rows run_bound(const run *r, const place *at, int shift, int64_t row);
/* Rows that have a step t + 1. */
static inline int64_t run_next(const run *r, const batch_axis *a, int t) {
  return t + 1 < a->steps ? a->active[t + 1] : r->window.after;
}
/* All threads of a loop meet. */
void run_meet(run *r, worker *w, int threads);

rows run_at(const run *r, const worker *w, const place *at, const where *here, int64_t row);
/* The part of 0..n-1 that is a thread's, in multiples of `unit`. */
void run_share(int64_t n, int64_t unit, int thread, int threads, int64_t *from, int64_t *to);
/* Rows of a stage that is not in a loop. */
int64_t run_rows(const run *r, const stage *s);
/* The step that row `row` of a STEP matrix belongs to. */
int run_step_of(const batch_axis *a, int64_t row);

void run_tile(const run *r, worker *w, const stage *s, const where *here, int64_t row0, int64_t row1, int tile0, int tile1);
int run_tiles(const stage *s); /* unit tiles of a tile program */
void run_loop(run *r, worker *w, const stage *s, int thread, int threads);
void run_outer(const run *r, worker *w, const stage *s, int thread, int threads);
void run_by_rows(const run *r, const worker *w, const stage *s, const where *here, int64_t row0,
                 int64_t row1); /* STAGE_SOFTMAX .. POOL_GRAD */
void run_rows_of(const run *r, const worker *w, const stage *s, rows y, const rows in[4], const where *here, int64_t row0,
                 int n); /* the same, with its places known */
/* STAGE_DOTS .. WEIGHTS_GRAD: rows of a step of a loop, or all of them, by sequences. */
void run_attend(const run *r, const worker *w, const stage *s, const where *here, int64_t row0, int64_t row1);
void run_attend_all(const run *r, const worker *w, const stage *s, int thread, int threads);
void run_whole(const run *r, const worker *w, const stage *s, int thread, int threads); /* STAGE_GATHER .. */
void run_ctc(const run *r, const worker *w, const stage *s, int thread, int threads);   /* STAGE_CTC, CTC_GRAD: by sequences */
/* picture.c: n rows from those given on; weight gradients: all rows */
void run_conv(const run *r, const worker *w, const stage *s, rows y, const rows in[4], int64_t n);
void run_conv_pool(const run *r, const worker *w, const stage *s, rows y, const rows in[4], int64_t n);
void run_conv_pool_back(const run *r, const worker *w, const stage *s, rows dx, const rows in[4], int64_t n);
void run_pool(const run *r, const stage *s, rows y, rows x, int64_t n);
void run_pool_grad(const run *r, const stage *s, rows dx, const rows in[4], int64_t n);
void run_pool_mean_grad(const run *r, const stage *s, rows dx, rows dy, int64_t n);
void run_batchnorm(const run *r, const worker *w, const stage *s, rows y, const rows in[4], int64_t n);
void run_batchnorm_grad(const run *r, const worker *w, const stage *s, rows dx, const rows in[4], int64_t n);
void run_batch_stats(const run *r, const worker *w, const stage *s, rows y, rows x, int64_t n, int thread, int threads);
void run_batch_sums(const run *r, const worker *w, const stage *s, rows y, const rows in[3], int64_t n, int thread, int threads);
void run_conv_outer(const run *r, const worker *w, const stage *s, rows dy, rows x, int64_t n, int thread, int threads);
/* in: the gradient of the pool's result, x, the result with its picks. */
void run_conv_pool_outer(const run *r, const worker *w, const stage *s, const rows in[3], int64_t n, int thread, int threads);
void run_pool_positions(const run *r, const stage *s, rows y, rows dy, rows picks, int64_t n, int c0, int c1);
void run_sum_positions(const run *r, const stage *s, rows y, rows x, int64_t n, int c0, int c1);
#endif
