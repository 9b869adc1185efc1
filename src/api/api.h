/* api.h - what the files behind unroll.h share. */
#ifndef API_API_H
#define API_API_H
#include "model/model.h"

struct unroll_model {
  model m;
  char **symbols; /* [unroll_model_symbols] the text of each, NUL-terminated */
  size_t *lengths;
};
#endif
