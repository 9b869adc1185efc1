/* c_internal.h - what the files of the C writer share. c_plan.c: which node is computed when; c_loop.c: a node becomes a loop;
 * c_file.c: the file around the loops; c_test.c: its self-test. */
#ifndef PORT_C_INTERNAL_H
#define PORT_C_INTERNAL_H
#include "port/port.h"
#include "verify/random_batch.h"
#include "verify/reference.h"

enum phase {
  PHASE_NONE,     /* not needed */
  PHASE_LEAF,     /* a number or a weight, written where it is used */
  PHASE_CONSTANT, /* of weights only: computed once, here */
  PHASE_START,    /* before the first step */
  PHASE_STEP,
  PHASE_END, /* after the last one */
  N_PHASES
};

typedef struct c_data { /* a variable that goes in */
  bool used, scaled;
  int least, most;          /* how many steps ago it is given, and the most that the net looks back */
  const char *name, *value; /* the parameter; numbers as the net takes them */
  const char *center, *spread;
} c_data;

enum { TEST_STEPS = 9 };

typedef struct c_export {
  port_c *out;
  const model *m;
  const graph *g;
  const char *name;
  arena memory;
  unroll_error *err;
  unsigned char *phase; /* [n_nodes], as all below */
  bool *inlined, *kept; /* it is part of another loop; it is a member of the state */
  int *uses, *height;
  const char **names;  /* of what is stored */
  int *order, n_order; /* inputs first */
  bool *weight_used;   /* [n_params] */
  const char **weight_names;
  c_data *data;                      /* [n_data] */
  const char *(*outputs)[LOSS_ARGS]; /* [n_losses] names of the parameters that take the arguments */
  const char **taken;                /* names in use */
  int n_taken, n_sums;
  bool helper[OP_COUNT];
  int axis; /* along which the steps go; -1: there are none */
  bool has_steps, has_end;
  int64_t products, locals[N_PHASES]; /* multiply-adds of a step; floats on the stack */
  text body[N_PHASES];
  random_batch batch; /* of the self-test: one sequence, and what the reference makes of it */
  reference values;
} c_export;

/* What the row of an operator says: `form` has # for the first operand and @ for the second. */
typedef struct c_operator {
  const char *form, *helper;
} c_operator;
extern const c_operator c_operators[OP_COUNT];

#define INFINITE_TEXT "HUGE_VALF"
void c_number(text *out, double x);                                      /* as a float */
const char *c_name(c_export *c, const char *wanted, const char *suffix); /* an identifier that is not taken; NULL: no memory */
/* The node that x is another view of, or NODE_NONE. */
int c_alias(const c_export *c, int x);
/* An element of x; what it needs before goes to `before`. */
void c_operand(c_export *c, int x, const char *at, text *before, text *out);
void c_loop(c_export *c, int x); /* the loop of node x, into the text of its phase */
void c_states(c_export *c);      /* what a step leaves behind */
void c_outputs(c_export *c);     /* into the texts of their phases */
enum phase c_loss_phase(const c_export *c, const loss *l);
int c_loss_width(const c_export *c, const loss *l, int k);
/* What the data's unit is to argument k: its place (mean), its size (scale), or nothing. */
enum c_unit { UNIT_OF_NOTHING, UNIT_OF_PLACE, UNIT_OF_SPREAD };
enum c_unit c_loss_unit(const c_export *c, const loss *l, int k);
/* c_given: the number that input `slot` has at step t, as the data has it. c_value: the value of a node, or NAN where the
 * reference made none. */
double c_given(const c_export *c, int slot, int t, int j);
double c_value(const c_export *c, int x, int t, int j);
bool c_is_symbols(const loss *l);
unroll_status c_reference(c_export *c);
void c_test(c_export *c, text *out);
/* The parameters of a function, by the calls of its phase. */
typedef struct c_parameter {
  int data, loss, k; /* data -1: argument k of a loss */
  int width;         /* 0: a symbol */
} c_parameter;
int c_parameters(const c_export *c, enum phase phase, c_parameter *list); /* [n_data + LOSS_ARGS * n_losses] */
unroll_status c_file(c_export *c);
#endif
