/* form.h - what the `data` line of a net asks for. */
#ifndef SYMBOLS_FORM_H
#define SYMBOLS_FORM_H
#include "symbols/vocabulary.h"

enum word_part { PART_NONE, PART_SUFFIX, PART_PREFIX, PART_SHAPE };

typedef struct data_form {
  const char *name;           /* "token"; belongs to the program */
  const char *kind;           /* "chars" */
  const struct data_kind *of; /* its row in graph/kinds.def */
  unsigned words;             /* that follow it: bit i is word i of the row */
  enum symbol_unit unit;
  bool lines;       /* a sequence a line; else one long stream. In a table: texts end with the end symbol */
  bool stream;      /* read in passes of some steps, with its states carried on: it has no end */
  bool lower;       /* words: in small letters */
  bool spaced;      /* words: only white space separates them */
  bool nfc;         /* text is brought into the composed form of Unicode first */
  bool unknown;     /* chars: what the vocabulary lacks is <unk>, not an error */
  const char *from; /* suffix, prefix, shape: the variable of words that they are parts of, in whose column they are; end: the one
                       that ends */
  enum word_part part;
  int letters;     /* of suffix and prefix */
  unsigned cycles; /* of `time`: which; see times.h. Its numbers come from the column of dates */
  int n_args;      /* numbers after the kind, as in words(1000): their values are the graph's to say */
} data_form;
#endif
