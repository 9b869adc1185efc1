/* picture_array.c - see picture_array.h. */
#include "read/picture_array.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "io/npy.h"
#include "io/number.h"
#include "io/safetensors.h"

static bool is_npy(const char *data, size_t size) { return size >= 6 && !memcmp(data, "\x93NUMPY", 6); }
bool picture_array_is(const char *data, size_t size) { return is_npy(data, size) || tensor_file_is(data, size); }

/* How many numbers a row has; 0: there are no rows. */
static int64_t row_of(const npy *a) {
  int64_t n = a->rank > 1;
  for (int i = 1; i < a->rank; i++) n *= a->shape[i]; /* the product of all sizes was checked */
  return n;
}

static unroll_status of_npy(npy *a, const picture_shape *s, const char *name, const char *data, size_t size, unroll_error *err) {
  const int64_t each = (int64_t)s->channels * s->rows * s->columns;
  const unroll_status status = npy_read(a, name, data, size, err);
  if (status || row_of(a) == each) return status;
  return error_set(err, UNROLL_BAD_INPUT, "a row of the array has %" PRId64 " numbers, and %d x %d x %d are wanted", row_of(a),
                   s->rows, s->columns, s->channels);
}

/* A tensor as an array; false: its numbers cannot be read. */
static bool as_array(npy *a, const tensor *t) {
  const number_form form = number_of_tensor(t->type);
  *a = (npy){.kind = form.kind, .bytes = form.bytes, .rank = t->rank, .data = t->data, .size = t->bytes};
  int64_t stride = 1;
  for (int k = t->rank - 1; k >= 0; k--) {
    a->shape[k] = t->shape[k];
    a->stride[k] = stride;
    if (a->shape[k]) stride *= a->shape[k];
  }
  return a->kind != 0;
}

static unroll_status of_tensors(npy *a, const tensor_file *f, const picture_shape *s, unroll_error *err) {
  const int64_t each = (int64_t)s->channels * s->rows * s->columns;
  int found = 0;
  for (size_t i = 0; i < f->count; i++) {
    npy one;
    if (!as_array(&one, &f->tensors[i]) || row_of(&one) != each) continue;
    *a = one;
    found++;
  }
  if (found == 1) return UNROLL_OK;
  return error_set(err, UNROLL_BAD_INPUT, "%s tensor has rows of %d x %d x %d numbers", found ? "more than one" : "no", s->rows,
                   s->columns, s->channels);
}

static unroll_status row(float *out, const npy *a, int64_t number, unroll_error *err) {
  const number_form form = {a->kind, a->bytes, a->swap};
  int64_t index[NPY_RANK] = {0}, at;
  if (number < 0) return error_set(err, UNROLL_BAD_INPUT, "an array holds many pictures: say which one, as in FILE#0");
  if (number >= a->shape[0])
    return error_set(err, UNROLL_BAD_INPUT, "there is no picture %" PRId64 ": the array has %" PRId64 " (0 is the first)", number,
                     a->shape[0]);
  for (const int64_t n = row_of(a); n > 0;) {
    at = number * a->stride[0];
    for (int k = 1; k < a->rank; k++) at += index[k] * a->stride[k];
    *out = (float)number_real(a->data + at * a->bytes, &form);
    if (!isfinite(*out++)) return error_set(err, UNROLL_BAD_INPUT, "picture %" PRId64 " has a number that is not finite", number);
    int k = a->rank - 1;
    while (k > 0 && ++index[k] == a->shape[k]) index[k--] = 0;
    if (!k) break;
  }
  return UNROLL_OK;
}

unroll_status picture_array_row(float *out, const picture_shape *shape, const char *name, const char *data, size_t size,
                                int64_t number, unroll_error *err) {
  tensor_file f = {0};
  npy a = {0};
  unroll_status status;
  if (is_npy(data, size)) {
    status = of_npy(&a, shape, name, data, size, err);
  } else {
    status = tensor_file_parse(&f, name, data, size, err);
    if (!status) status = of_tensors(&a, &f, shape, err);
  }
  if (!status) status = row(out, &a, number, err);
  tensor_file_free(&f);
  return status;
}
