/* torch_modules.h - modules of PyTorch while they are read. */
#ifndef IMPORT_TORCH_MODULES_H
#define IMPORT_TORCH_MODULES_H
#include "import/import.h"

enum module_kind { M_NONE, M_EMBEDDING, M_LINEAR, M_RNN, M_RNN_RELU, M_LSTM, M_GRU, M_LAYERNORM, M_BATCHNORM, M_CONV };
enum { MOST_MODULES = 64, MOST_LAYERS = 64 };

typedef struct module {
  const char *name;
  enum module_kind kind;
  int in, out;
  array *weight, *bias, *mean, *variance;
  int layers, hidden;
  bool both;                       /* directions */
  const char *ih, *hh, *bih, *bhh; /* "weight_ih", or "w_ih" of hand-written ones */
  bool one;                        /* a cell: no "_l0" */
} module;

typedef struct torch {
  arrays *a;
  layers *l;
  const import_options *o;
  module list[MOST_MODULES];
  int n;
  unroll_error *err;
} torch;

#define BAD(t, ...) error_at((t)->err, UNROLL_BAD_INPUT, (t)->a->file, NULL, 0, 0, __VA_ARGS__)

/* How many numbers it gives. */
static inline int out_of(const module *m) { return m->both ? 2 * m->out : m->out; }
/* One layer of a recurrence, in one direction, that reads `in` numbers. */
unroll_status torch_fill_cell(torch *t, const module *m, int number, bool reverse, int in, cell *c);
void torch_tell(torch *t, const module *m);
/* torch_spare.c: all modules by the names that a net of the caller has for them. */
unroll_status torch_spare_all(torch *t);
#endif
