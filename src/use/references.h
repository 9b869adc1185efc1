/* references.h - further true texts of what a net generates, from other columns of the same rows. */
#ifndef USE_REFERENCES_H
#define USE_REFERENCES_H
#include "model/model.h"

typedef struct references {
  int data;      /* the variable */
  dataset *list; /* [n] of it as codes, and of nothing else; what a message counts as left out is that of the first reading */
  int n;
} references;

/* columns: "a,b". The rows are those that `how` reads. references_free in any case. */
unroll_status references_read(references *r, const model *m, const char *paths, const data_options *how, const char *columns,
                              unroll_error *err);
/* The example of reference k whose rows begin where those of example `example` of d do; -1: it was left out. */
int64_t references_example(const references *r, int k, const dataset *d, int64_t example);
void references_free(references *r);
#endif
