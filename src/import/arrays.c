/* arrays.c - see arrays.h. Sizes are checked against the bytes that are there before anything is taken. */
#include "import/arrays.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"

#define BAD(...) error_at(err, UNROLL_BAD_INPUT, a->file, NULL, 0, 0, __VA_ARGS__)

/* Does the last number lie within the data? *count: how many numbers there are. */
static bool fits(int rank, const int64_t *shape, const array_form *f, size_t size, int64_t *count) {
  int64_t last = 0, bytes, all = 1;
  *count = 1;
  for (int i = 0; i < rank; i++) { /* of an empty one too: strides are products of sizes */
    if (shape[i] < 0 || __builtin_mul_overflow(all, shape[i] ? shape[i] : 1, &all)) return false;
    *count *= shape[i];
  }
  if (!*count) return true;
  if (__builtin_mul_overflow(*count, (int64_t)f->number.bytes, &bytes) || bytes < 0 || (uint64_t)bytes > size) return false;
  for (int i = 0; f->stride && i < rank; i++) {
    int64_t far;
    if (f->stride[i] < 0 || __builtin_mul_overflow(f->stride[i], shape[i] - 1, &far) || __builtin_add_overflow(last, far, &last))
      return false;
  }
  return !f->stride || (last < INT64_MAX / 16 && (uint64_t)((last + 1) * f->number.bytes) <= size);
}

/* Numbers that lie apart. */
static void gather(array *one, const array_form *form, const unsigned char *data) {
  int64_t at[ARRAY_RANK] = {0}, from = 0;
  for (int64_t i = 0; i < one->count; i++) {
    number_floats(one->x + i, data + from * form->number.bytes, 1, &form->number);
    for (int k = one->rank - 1; k >= 0; k--) {
      from += form->stride[k];
      if (++at[k] < one->shape[k]) break;
      from -= form->stride[k] * one->shape[k];
      at[k] = 0;
    }
  }
}

unroll_status arrays_add(arrays *a, const char *name, int rank, const int64_t *shape, const array_form *form, const void *data,
                         size_t size, unroll_error *err) {
  array one = {.rank = rank, .whole = form->number.kind != 'f' && form->number.kind != 'h'};
  if (rank > ARRAY_RANK) return BAD("'%.60s' has %d dimensions", name, rank);
  if (!fits(rank, shape, form, size, &one.count)) return BAD("'%.60s' is larger than its data", name);
  for (int i = 0; i < rank; i++) one.shape[i] = shape[i];
  if (arrays_find(a, name)) return BAD("there are two arrays named '%.60s'", name);
  if (a->n == a->room) {
    array *list = mem_resize(a->list, (size_t)(2 * a->room + 16) * sizeof *list);
    if (!list) return error_memory(err);
    a->list = list;
    a->room = 2 * a->room + 16;
  }
  one.name = arena_text(a->memory, name, strlen(name));
  one.x = arena_alloc(a->memory, (size_t)one.count + 1, sizeof *one.x);
  if (!one.name || !one.x) return error_memory(err);
  if (form->stride)
    gather(&one, form, data);
  else
    number_floats(one.x, data, one.count, &form->number);
  a->list[a->n++] = one;
  return UNROLL_OK;
}

array *arrays_find(const arrays *a, const char *name) {
  for (int i = 0; i < a->n; i++)
    if (!strcmp(a->list[i].name, name)) return &a->list[i];
  return NULL;
}

void arrays_free(arrays *a) {
  mem_free(a->list);
  a->list = NULL;
  a->n = a->room = 0;
}

void array_shape(const array *a, char out[96]) {
  size_t n = 0;
  out[0] = 0;
  for (int i = 0; i < a->rank && n < 80; i++) n += (size_t)snprintf(out + n, 96 - n, "%s%" PRId64, i ? " x " : "", a->shape[i]);
  if (!a->rank) snprintf(out, 96, "one number");
}
