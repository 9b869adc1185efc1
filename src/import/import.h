/* import.h - models of other programs as nets of Unroll.
 *
 * Each source fills a list of layers (layers.h); one writer makes the net and its weights of it. What is not understood is refused
 * by its name. Nothing of a file is executed. */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H
#include "base/text.h"
#include "import/layers.h"
#include "model/model.h"

typedef struct import_options {
  const char *const *modules; /* "NAME=lstm": what modules are whose names do not tell */
  int n_modules;
  const char *equations;        /* a net, whose weights these are by name; NULL: the one that is written */
  const char *vocabulary;       /* a file with the symbols that are read; NULL: they are numbers */
  const char *labels;           /* a file with those that are predicted */
  const char *predicts;         /* "numbers", "labels", "bits"; NULL: as the file says */
  int width;                    /* numbers a step, where the file leaves that open; 0: that is an error */
  bool last;                    /* what comes out is of the last step */
  const char *inputs, *outputs; /* to compare with; NULL: made-up inputs */
  bool time_first;              /* they are [steps, sequences ...] */
} import_options;

typedef struct imported {
  model m;
  net_text net;      /* the text of the net and its own cells */
  text told;         /* what was understood: lines */
  double difference; /* the largest; NaN: nothing was compared */
} imported;

/* imported_free in any case. */
unroll_status import_files(imported *out, const char *const *files, int n_files, const import_options *o, unroll_error *err);
void imported_free(imported *i);

/* The layers of a file that is in memory, by whatever source its bytes tell. layers_free in any case. */
unroll_status import_bytes(layers *l, const char *path, const char *data, size_t size, const import_options *o, unroll_error *err);

/* --- sources: fill a list of layers --- */

/* torch.c: named arrays as PyTorch has them. */
unroll_status layers_of_modules(layers *l, arrays *a, const import_options *o, unroll_error *err);

/* --- build.c: layers -> a model --- */
unroll_status import_build(imported *out, const layers *l, const char *file, const import_options *o, unroll_error *err);
/* verify.c: layers against arrays, or the plan against the reference. */
unroll_status import_verify(imported *out, const layers *l, const char *file, const import_options *o, unroll_error *err);
#endif
