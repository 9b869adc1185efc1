/* number.h - how numbers lie in the files of other programs, and their values. */
#ifndef IO_NUMBER_H
#define IO_NUMBER_H
#include <stdbool.h>
#include <stdint.h>
#include "io/safetensors.h"

typedef struct number_form {
  char kind; /* f, i, u, b (bool), h (bf16); 0: numbers that are not read */
  int bytes; /* of a number, 1 to 8 */
  bool swap; /* the high byte comes first */
} number_form;

/* Of a tensor in a safetensors file. */
number_form number_of_tensor(enum tensor_type type);
/* The value; whole numbers of 64 bits beyond 2^53 are rounded. */
double number_real(const unsigned char *at, const number_form *f);
/* i, u and b: the whole number; of u the bits of it. */
int64_t number_whole(const unsigned char *at, const number_form *f);
/* n numbers that lie side by side, as floats. */
void number_floats(float *out, const unsigned char *at, int64_t n, const number_form *f);
#endif
