/* plain.h - plain texts in tests: a schema of one text. */
#ifndef TESTS_DATA_PLAIN_H
#define TESTS_DATA_PLAIN_H
#include "data/schema.h"

/* Borrows the vocabulary. */
static inline variable plain_variable(const data_form *f, const vocabulary *v) {
  return (variable){
      .form = *f, .step = true, .over = -1, .predicted = true, .ends = f->lines, .words = v ? *v : (vocabulary){.end = -1}};
}

static inline unroll_status plain_encode(dataset *d, const data_form *f, const vocabulary *v, unroll_error *err) {
  variable one = plain_variable(f, v);
  return dataset_encode(d, &(schema){.list = &one, .n = 1}, err);
}
#endif
