/* torch_write.h - what the files of the PyTorch writer share. torch_write.c: the module, what goes in and comes out;
 * torch_weights.c: which modules hold the weights; torch_ops.c: an operator becomes an expression; torch_loop.c: recurrences. */
#ifndef PORT_TORCH_WRITE_H
#define PORT_TORCH_WRITE_H
#include "io/safetensors.h"
#include "port/cells.h"
#include "port/flow.h"
#include "port/port.h"

/* How tightly an expression holds together: what it is put into may need brackets. */
enum torch_level { LEVEL_COMPARE, LEVEL_SUM, LEVEL_PRODUCT, LEVEL_SIGN, LEVEL_WHOLE };

/* A value may have fewer axes than its node, and one column for all, as numbers of Python have. */
typedef struct torch_value {
  const char *text; /* NULL: it was not written yet */
  int rank;         /* 0: [columns], 1: [batch, columns], 2: [steps, batch, columns] */
  int columns;
  enum torch_level level;
  bool number; /* of Python */
} torch_value;

typedef struct torch_picture { /* the same as [pictures, channels, rows, columns] */
  const char *text;
  int channels, rows, columns;
} torch_picture;

enum torch_home { HOME_NONE, HOME_PLAIN, HOME_LINEAR, HOME_EMBEDDING, HOME_CONV };

typedef struct torch_export {
  const model *m;
  const graph *g;
  flow f;
  cell_plan cells;
  arena memory;
  unroll_error *err;
  unroll_status status; /* sticky */
  text init, forward;
  int block, indent; /* whose step is being written; -1: all steps at once */
  torch_value *values, *inner;
  torch_picture *pictures, *inside;
  int *uses, *user;                 /* [n_nodes] how often it is read, and by which node last; -1: the caller */
  const char **ends;                /* [n_nodes] the last value of a state */
  const char **given;               /* [n_inputs] */
  const char **means, **deviations; /* [n_data] the attributes, once they are read */
  const char **steps;               /* [n_axes] */
  bool batch, zeros, looks_up;      /* are they needed? */
  enum torch_home *homes;           /* [n_params] */
  const char **held;                /* [n_params] the attribute, "self.W" */
  int *bias_of;                     /* [n_params] of a Linear or Conv2d: the vector that is its bias; -1: none */
  const char **names;               /* in use, of variables and attributes */
  int n_names, cap_names;
  tensor *tensors;
  int n_tensors, cap_tensors;
  text arguments, states, results; /* of forward(), and what it returns */
} torch_export;

/* --- torch_write.c --- */
void torch_fail_memory(torch_export *o);
void torch_cannot(torch_export *o, int x, const char *why);
const char *torch_named(torch_export *o, const char *wanted);
const char *torch_attribute(torch_export *o, const char *wanted); /* the same for what is behind self. */
const char *torch_format(torch_export *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
void torch_line(torch_export *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
void torch_tensor(torch_export *o, const char *name, enum tensor_type type, const int64_t *shape, int rank, const void *data);
torch_value torch_see(torch_export *o, int x);
/* The value of x is this expression: kept for who reads it, or given a name. */
void torch_set(torch_export *o, int x, int rank, int columns, enum torch_level level, const char *text);
void torch_same(torch_export *o, int x, int as);
const char *torch_arg(torch_export *o, int x, enum torch_level least); /* in brackets where it is looser */
const char *torch_full(torch_export *o, int x, enum space space, int axis);
const char *torch_wide(torch_export *o, int x);
const char *torch_whole(torch_export *o, int x);
const char *torch_steps(torch_export *o, int axis);
const char *torch_picture_of(torch_export *o, int x, const patches *p);
void torch_set_picture(torch_export *o, int x, const char *text, int channels, int rows, int columns);
const torch_picture *torch_only_picture(torch_export *o, int x);
const char *torch_start(torch_export *o, int x, const char **end);
/* --- torch_weights.c --- */
void torch_find_homes(torch_export *o);
/* --- torch_ops.c --- */
bool torch_knows(enum op op);
void torch_write_node(torch_export *o, int x);
/* --- torch_loop.c --- */
void torch_write_block(torch_export *o, int block);
void torch_write_shift(torch_export *o, int x);
#endif
