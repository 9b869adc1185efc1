/* c_internal.h - what the files of the C writer share.
 *
 * c_plan.c: which node is computed in which function. c_group.c: and in which loop over steps. c_name.c: what things are called.
 * c_operator.c, c_math.c: the helpers. c_loop.c: a node becomes a loop. c_whole.c: so do attention and pictures. c_state.c: states
 * and what comes out. c_file.c: the file around the loops. c_run.c: the function for whole sequences. c_front.c: those that take
 * texts. c_bpe.c: by byte-pair encoding. c_sound.c: and recordings. c_test.c: the self-test. */
#ifndef PORT_C_INTERNAL_H
#define PORT_C_INTERNAL_H
#include "port/port.h"
#include "verify/random_batch.h"
#include "verify/reference.h"

/* A net may have a stream: a time axis whose steps are taken one by one. All else that has steps is read before. */
enum phase {
  PHASE_NONE,     /* not needed */
  PHASE_LEAF,     /* a number or a weight, written where it is used */
  PHASE_CONSTANT, /* of weights only: computed once, here */
  PHASE_START,    /* before the first step of the stream, or all of a net without one */
  PHASE_STEP,
  PHASE_END, /* after the last one */
  N_PHASES
};

enum home {
  HOME_NONE,  /* not stored: part of another loop, a leaf, a view */
  HOME_GIVEN, /* numbers of the caller, as they are */
  HOME_LOCAL,
  HOME_EACH,     /* local to each loop that reads it: what goes in, which is made again more cheaply than kept */
  HOME_STATE,    /* a member of the state */
  HOME_ALL_STEPS /* a member of the state with a row for each step */
};

typedef struct c_data { /* a variable that goes in */
  bool used, scaled;
  int least, most;          /* how many steps ago it is given, and the most that the net looks back */
  const char *name, *whole; /* the parameter, of one step and of all */
  const char *value;        /* numbers as the net takes them */
  const char *center, *spread;
} c_data;

/* A loop over the steps of an axis, in NAME_reset or NAME_run; level -1: none. Loops of a level come after its values without
 * steps, and all of a level after all of the one below. */
typedef struct c_group {
  int level, axis, dir;
} c_group;

typedef struct c_matrix { /* a part of a matrix as bytes, a row for each number of the product */
  int param, c0, k, rows;
  bool turned; /* columns of the matrix are the rows */
  const char *bytes, *scale;
} c_matrix;

typedef struct c_rounded { /* an operand as bytes */
  int node;
  const char *bytes, *scale;
} c_rounded;

enum { TEST_STEPS = 9, USUAL_MOST_STEPS = 128 };

typedef struct c_export {
  port_c *out;
  const model *m;
  const graph *g;
  const char *name, *most_name; /* NAME, for macros */
  arena memory;
  unroll_error *err;
  unsigned char *phase; /* [n_nodes], as all below */
  unsigned char *home;
  bool *inlined; /* it is part of another loop */
  int *uses, *height;
  c_group *group;      /* of what NAME_reset computes */
  const char **names;  /* of what is stored */
  int *order, n_order; /* inputs first */
  bool *weight_used;   /* [n_params] */
  const char **weight_names;
  const char **slot_names;                  /* [n_inputs] of a symbol some steps ago, in loops of NAME_reset */
  c_data *data;                             /* [n_data] */
  c_group *loss_group;                      /* [n_losses] where NAME_reset hands out what is predicted */
  const char *(*outputs)[LOSS_ARGS];        /* [n_losses] names of the parameters that take the arguments */
  const char **steps_names;                 /* [n_axes] of the parameter that says how many */
  const char **most_names;                  /* [n_axes] of the macro that says how many at most */
  bool *axis_used, *axis_bound, *axis_kept; /* [n_axes] at most so many; their number is in the state */
  const char **taken;                       /* names in use */
  int n_taken, n_sums, n_levels;
  bool helper[OP_COUNT];
  int stream;         /* the axis whose steps NAME_step takes; -1: there is none */
  const char *when;   /* the step that is written about: t, or another one */
  enum phase writing; /* the function */
  bool has_state, has_end, has_members;
  c_matrix *matrices; /* [n_nodes] of products of bytes */
  c_rounded *rounded; /* [3 n_nodes + 1]; those of the block that is being written begin at first_rounded */
  text *prelude;      /* what the next loop needs before it */
  int n_matrices, n_rounded, first_rounded;
  int64_t products[2], locals[N_PHASES]; /* multiply-adds at once, and of a step; floats on the stack */
  text body[N_PHASES];
  random_batch batch; /* of the self-test: one sequence, and what the reference makes of it */
  reference values;
} c_export;

/* --- c_operator.c --- What the row of an operator says: `form` has # for the first operand and @ for the second. */
typedef struct c_operator {
  const char *form, *helper;
} c_operator;
extern const c_operator c_operators[OP_COUNT];
void c_number(text *out, double x); /* as a float */
/* A text of C code; without math.h its functions are called by the names of our own. */
void c_code(const c_export *c, const char *code, text *out);
bool c_math_has(const char *name, size_t n); /* c_math.c: is there one of our own for this function of math.h? */
void c_math(const char *source, text *out);  /* those that the source calls */

/* --- c_plan.c --- */
/* The node that x is another view of, or NODE_NONE. */
int c_alias(const c_export *c, int x);
int c_root(const c_export *c, int x);       /* the last of these */
bool c_gathers(enum op op);                 /* one row of all steps, by and by: an edge, a sum, a maximum */
bool c_reads_all(const node *n, int k);     /* does it read all steps of its operand k at each of its own? */
bool c_has_steps(const c_export *c, int x); /* has it a row for each step of what NAME_reset reads? */
bool c_is_symbols(const loss *l);
bool c_takes_symbols(const c_export *c, int data);
bool c_is_streamed(const c_export *c, int data); /* does NAME_step take it? */
bool c_has_loss_steps(const c_export *c, const loss *l);
int c_loss_axis(const c_export *c, const loss *l);
enum phase c_loss_phase(const c_export *c, const loss *l);

/* --- c_group.c, c_name.c --- */
unroll_status c_groups(c_export *c);
static inline bool c_same_group(c_group a, c_group b) { return a.level == b.level && a.axis == b.axis && a.dir == b.dir; }
/* Is x = n.in[0] of a SHIFT n at hand in the loop of n, so that it is carried from a step to the next? */
bool c_carried(const c_export *c, int shift);
unroll_status c_name_all(c_export *c);
const char *c_name(c_export *c, const char *wanted, const char *suffix); /* an identifier that is not taken; NULL: no memory */

/* --- c_loop.c --- */
/* An element of x; what it needs before goes to `before`. */
void c_operand(c_export *c, int x, const char *at, text *before, text *out);
void c_operand_when(c_export *c, int x, const char *when, const char *at, text *before, text *out);
/* Row x as a pointer, or nothing where it lies nowhere. */
bool c_pointer(c_export *c, int x, text *out);
void c_begin_loop(text *out, const char *of, const char *count);
void c_begin_loop_number(text *out, const char *of, int count);
/* `to`[first + i] = an element of x, for all of `width`. */
void c_assign(c_export *c, text *out, const char *to, const char *first, int x, int width);
void c_loop(c_export *c, int x, text *out);                    /* the loop of node x */
const char *c_count(c_export *c, enum phase phase, int width); /* a width as text: a number, or how many steps there are */
const char *c_room(c_export *c, int width);                    /* the same for the size of an array */
const char *c_weight(c_export *c, int number);
void c_comment(c_export *c, int x, const char *margin, text *out);
bool c_whole(c_export *c, text *out, const char *to, int x); /* c_whole.c: false: another operator */

/* --- c_bytes.c --- */
extern const char *const c_bytes_helper;
bool c_is_bytes(const c_export *c, int x); /* is it a product of bytes? */
void c_bytes_product(c_export *c, int x, const char *at, const char *sum, text *before, text *out);
int64_t c_bytes_weights(const c_export *c, text *out);
unroll_status c_bytes_reference(c_export *c, const double *const *numbers); /* of the self-test: what the library has */

/* --- c_state.c --- */
void c_start(c_export *c); /* the loops of NAME_reset, or NAME_run */
void c_step(c_export *c);
void c_end(c_export *c);
int c_loss_width(const c_export *c, const loss *l, int k);
/* What the data's unit is to argument k: its place (mean), its size (scale), or nothing. */
enum c_unit { UNIT_OF_NOTHING, UNIT_OF_PLACE, UNIT_OF_SPREAD };
enum c_unit c_loss_unit(const c_export *c, const loss *l, int k);

/* --- c_front.c --- functions that make symbols of texts. */
bool c_has_front(const c_export *c, int data);
void c_front_header(const c_export *c, text *out);
void c_front_signature(const c_export *c, int data, text *out);
void c_front(c_export *c, text *out);
/* The numbers 0 .. n - 1 in order; equal ones stay as they are. NULL: out of memory. */
int *c_sorted(c_export *c, int n, bool (*after)(const void *context, int a, int b), const void *context);

/* --- c_bpe.c --- */
extern const char *const c_bpe_code;
void c_bpe(c_export *c, int data, text *out); /* the function of a variable, but for what comes after the text */

/* --- c_sound.c --- functions that make numbers of recordings. */
bool c_has_sound(const c_export *c, int data);
void c_sound_header(c_export *c, text *out);
void c_sound(c_export *c, text *out);
void c_sound_test(c_export *c, text *before, text *inside); /* declarations, and lines of its main */

/* --- c_test.c --- */
/* c_given: the number that input `slot` has at step t, as the data has it. c_value: the value of a node, or NAN where the
 * reference made none. */
double c_given(const c_export *c, int slot, int t, int j);
double c_value(const c_export *c, int x, int t, int j);
unroll_status c_reference(c_export *c);
void c_test(c_export *c, text *out);
void c_run(c_export *c, text *out); /* c_run.c */

/* --- c_file.c --- The parameters of a function, by the calls of its phase. */
typedef struct c_parameter {
  int data, loss, k; /* data -1: argument k of a loss; -2: how many steps */
  int axis;          /* of steps, where it has a row for each; else -1 */
  int width;         /* 0: a symbol */
} c_parameter;
const char *c_parameter_name(const c_export *c, const c_parameter *p);
c_parameter *c_parameter_room(c_export *c);
int c_parameters(const c_export *c, enum phase phase, c_parameter *list);
/* Of the function that takes all at once; those of its three phases one after the other, lengths first. */
int c_run_parameters(const c_export *c, c_parameter *list);
void c_signature(c_export *c, enum phase phase, text *out);
void c_run_signature(c_export *c, text *out);
const char *c_function(const c_export *c, enum phase phase); /* "reset", "step", "end" or "run" */
bool c_is_bound(const c_export *c);                          /* may a sequence be too long? */
unroll_status c_file(c_export *c);
#endif
