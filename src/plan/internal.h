/* internal.h - the planner's own view of a graph, shared by its files. lower.c makes it, schedule.c orders it. phase.c finds
 * what may be cut into windows of steps, and window.c what that takes. group.c forms stages, memory.c finds room in the arena.
 * emit.c, tile.c and pack.c write the frozen plan.
 *
 * A value is a node of the graph after three rewritings. Sums with their products are one value (SUM). Cheap equations used
 * both forward and backward are computed twice. What a loop need not compute step by step is taken out of it. */
#ifndef PLAN_INTERNAL_H
#define PLAN_INTERNAL_H
#include "graph/graph.h"
#include "plan/plan.h"
#include "plan/frozen.h"

#define PLAN_FLOATS_MAX ((int64_t)1 << 40)

enum value_kind {
  VALUE_DEAD,
  VALUE_CONST,  /* CONST, LOSS_SCALE */
  VALUE_VECTOR, /* a parameter vector, read where it is packed */
  VALUE_CARRY,
  VALUE_ELEMENT, /* elementwise: part of a tile program */
  VALUE_SUM,     /* products plus terms: part of a tile program */
  VALUE_VIEW,    /* SHIFT, SPREAD: another value's rows, copied only for those who cannot look through it */
  VALUE_ORDER,   /* a STATIC value in the order of a time axis */
  VALUE_STAGE    /* everything else: a stage of its own */
};

typedef struct plan_other { /* a row of others.def; elementwise operators share one */
  enum value_kind value;
  enum stage_kind stage;
  bool in_loop, onto_operand;
  int steps_operand;
} plan_other;
extern const plan_other *const plan_others[OP_COUNT];

/* From so many rows on a step of a loop, or a shard, has work enough for the product kernel. */
enum { ROWS_FILL_KERNEL = 16 };

typedef struct value_product {
  int operand, param, c0, k;
  bool transposed;
} value_product;

typedef struct value {
  enum value_kind kind;
  enum op op;
  enum space space;
  int node; /* the graph's node, or that it was made for */
  int axis, width, dir;
  int over; /* the axis whose steps are the columns, of CTC that of the symbols, or -1 */
  int in[NODE_INPUTS];
  int n_products, n_terms;
  value_product *products;
  int *terms;
  int component; /* of the graph of values; those of a loop share it */
  int loop;      /* number of the loop it runs in, or -1 */
  int level;     /* order among stages; inside a loop: among the stages of the body */
  bool relu;     /* CONV: of its result */
  bool picks;    /* CONV with a pool: its rows are twice as long, with where each number came from */
  int pool;      /* CONV and its gradients: the number of the pool's node + 1, where fuse.c took it in */
  bool copied;   /* VALUE_VIEW: some reader needs a copy */
  bool copy_made;
  int n_readers, first_reader; /* in plan.readers */
  /* memory */
  bool stored;   /* has a matrix in the arena */
  bool per_step; /* needed during one step only */
  int home;      /* the value in whose matrix this one is written, where that is read for the last time; -1: its own */
  int64_t offset, row, floats;
  int born, dies;      /* top-level stages */
  int slot;            /* of scratch while its tile program is emitted */
  int stage;           /* top-level stage that computes it */
  int phase;           /* see phase.c */
  int64_t pack;        /* VALUE_VECTOR: where it is packed; -1 before */
  bool outlives;       /* the sweeps: shares its matrix with nothing */
  struct value_bound { /* rows that neighbour windows look at: [0] of the last step, [1] of the first; slots 0: none */
    int64_t offset;
    int slots;
  } bound[2], left; /* MAX_TIME_GRAD: what each window has not given to its steps */
} value;

typedef struct loop {
  int component, dir, axis, level;
  int n_members;
  int *members; /* in an order in which a step can compute them */
} loop;

/* Values that become one stage. */
typedef struct group {
  enum { GROUP_STAGE, GROUP_TILE, GROUP_LOOP, GROUP_OUTER, GROUP_GRADIENT } kind;
  int phase, level, n, loop;
  unsigned again; /* bit s: computed again for each window of sweep s */
  int *members;
} group;

/* A piece of the arena that some stage needs. */
typedef struct request {
  int64_t floats, *offset;
  int born, dies;
} request;

struct plan {
  arena memory;
  const graph *g;
  plan_options options;
  value *values;
  int n_values, cap_values;
  int *order; /* values such that each comes after what it needs, loops as one */
  int n_order;
  loop *loops;
  int n_loops;
  int *readers;  /* who reads a value directly, value after value */
  group *groups; /* the top-level stages to be */
  int n_groups;
  int cut;   /* the time axis that may be cut into windows, or -1 */
  int uncut; /* a value for which another one may not, and why */
  const char *uncut_why;
  bool keeps; /* windows are chunks: what a later sweep reads is kept for all steps, and nothing is computed again */
  request *requests;
  int n_requests, cap_requests;
  frozen out;
  int n_hoisted, n_kept_in, n_sunk, n_copied_twice; /* for explain */
  int const_capacity;
  int *first_sum, *next_sum; /* emit.c: [n_params], [n_values] the values that add to the gradient of a matrix, -1 ends */
  int *bounded, n_bounded;   /* values with rows that neighbour windows look at */
};

/* Each returns UNROLL_OK or an error. */
unroll_status plan_lower(struct plan *p, unroll_error *err);
/* For plan_reads: collects into a reads_list. */
typedef struct reads_list {
  int *to, n;
} reads_list;
void plan_add_read(void *context, int reader, int read);
/* fuse.c: convolutions with what follows them become one value. */
unroll_status plan_fuse(struct plan *p, const bool *kept, unroll_error *err);
/* component.c: value.component of all, and how many there are. */
unroll_status plan_find_components(struct plan *p, int *n_components, unroll_error *err);
unroll_status plan_schedule(struct plan *p, unroll_error *err);
unroll_status plan_phases(struct plan *p, unroll_error *err);
unroll_status plan_group(struct plan *p, unroll_error *err);
/* window.c: is a pass in windows possible, what is computed again (after plan_group), rows between windows (requests). */
unroll_status plan_window_check(struct plan *p, unroll_error *err);
unroll_status plan_windows(struct plan *p, unroll_error *err);
/* Of a finished plan: the steps of a chunk that may be worth while, 0: none. `fast` says whether it is so small that it is
 * fast. */
int plan_chunk(const struct plan *p, bool *fast);
unroll_status plan_window_memory(struct plan *p, unroll_error *err);
bool plan_outlives_sweeps(const struct plan *p, int number); /* once it is known when it dies */
unroll_status plan_memory(struct plan *p, unroll_error *err);
unroll_status plan_emit(struct plan *p, unroll_error *err);
/* The stage of a convolution, or a gradient of it, that has a pool. */
enum stage_kind plan_pooled_stage(enum op op);
/* The rest of a stage of pictures. */
unroll_status plan_emit_picture(struct plan *p, const value *v, stage *s, unroll_error *err);
/* Emits one tile program; `members` in an order in which they can be computed. */
unroll_status plan_emit_tile(struct plan *p, const int *members, int n, stage *out, unroll_error *err);
/* Where `reader`, in a stage of the given width (0: takes the value as it is), finds a value. */
place plan_place_of(const struct plan *p, int reader, int number, int width);
place plan_store_of(const struct plan *p, int number);
int64_t plan_constant(struct plan *p, double value);
unroll_status plan_request(struct plan *p, int64_t floats, int64_t *offset, int born, int dies, unroll_error *err);
unroll_status plan_assign(struct plan *p, unroll_error *err); /* gives all requests their offsets */
bool plan_kept(const struct plan *p, int number);
/* Whether a reader sees a view's rows where they are; otherwise it reads a copy. */
bool plan_reads_through(const struct plan *p, int reader, int view);
unroll_status plan_add_pack(struct plan *p, const pack_job *job, unroll_error *err);
unroll_status plan_order_packs(struct plan *p, unroll_error *err);

/* Is it a matrix of the steps of the axis that is cut; is it one result of all of them? */
bool plan_in_windows(const struct plan *p, const value *v);
bool plan_reduces(const struct plan *p, const value *v);

int plan_value(struct plan *p, value v); /* appends; -1 when out of memory */
/* Calls visit for every value that v reads. */
typedef void plan_visit(void *context, int reader, int read);
void plan_reads(const struct plan *p, int v, plan_visit *visit, void *context);
unroll_status plan_find_readers(struct plan *p, unroll_error *err);

static inline bool value_in_tile(const value *v) { return v->kind == VALUE_ELEMENT || v->kind == VALUE_SUM; }
static inline bool value_always_there(const value *v) {
  return v->kind == VALUE_CONST || v->kind == VALUE_VECTOR || v->kind == VALUE_CARRY;
}
/* Tile programs of one stage share these. */
static inline bool value_same_tile(const value *a, const value *b) {
  return a->space == b->space && a->axis == b->axis && a->width == b->width && a->loop == b->loop && a->phase == b->phase;
}
#endif
