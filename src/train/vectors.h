/* vectors.h - --vectors while a file of them is read. */
#ifndef TRAIN_VECTORS_H
#define TRAIN_VECTORS_H
#include "base/file.h"
#include "train/symbol_dims.h"
#include "train/trainer.h"

/* The symbols of one variable, and what they have got so far. */
typedef struct reading {
  trainer *t;
  const char *name;
  const variable *v;
  const symbol_dims *dims;
  int data;        /* of v */
  lexicon symbols; /* texts of v's symbols, by number */
  bool *there;     /* [v->words.n] has its row */
  float *row;      /* [width] */
  int width;       /* 0: not known yet */
  int64_t line, found;
} reading;

/* How many numbers a vector has: r->row gets its room. */
unroll_status vectors_width(reading *r, int64_t width, unroll_error *err);
/* r->row is the vector of the symbol. The first one counts. */
void vectors_row(reading *r, int symbol);

/* vectors_bin.c: the forms of word2vec and fastText that are no text. *is: the file, whose first bytes these are, has one of them,
 * and it was read. */
unroll_status vectors_binary(reading *r, const file_source *f, const char *data, size_t n, bool *is, unroll_error *err);
#endif
