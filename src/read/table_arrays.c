/* table_arrays.c - arrays of NumPy (.npy) and tensors of safetensors files as columns of numbers.
 *
 * An array is a column: of a .npy it has the name of the file, of a safetensors file that of the tensor. The first axis counts
 * the rows, so all have as many. The axes that are left say what a cell is: a number (none), a vector (one), steps of vectors
 * (two), or a picture. A picture has three or more; all its numbers are one vector. The arrays are written as CSV, which is
 * what messages count in, and read as such. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/npy.h"
#include "io/number.h"
#include "io/safetensors.h"
#include "read/table_form.h"

enum { MAX_RANK = NPY_RANK };

typedef struct array {
  const char *file, *name; /* name[size] */
  size_t size;
  number_form form;
  int rank;
  int64_t shape[MAX_RANK], stride[MAX_RANK]; /* in numbers */
  const unsigned char *data;
} array;

typedef struct reader {
  array *list;
  int n, room;
  tensor_file *tensors; /* [n_files] */
  unroll_error *err;
} reader;

#define BAD(file, ...) error_at(r->err, UNROLL_BAD_INPUT, file, NULL, 0, 0, __VA_ARGS__)

static unroll_status add(reader *r, const array *a) {
  if (a->rank < 1) return BAD(a->file, "'%.*s' is one number, and a column has an axis of rows", (int)a->size, a->name);
  for (int i = 1; i < a->rank; i++)
    if (!a->shape[i]) return BAD(a->file, "'%.*s' has rows without numbers", (int)a->size, a->name);
  if (!a->size || a->size > 200) return BAD(a->file, "an array needs a name of at most 200 bytes");
  for (int i = 0; i < r->n; i++)
    if (r->list[i].size == a->size && !memcmp(r->list[i].name, a->name, a->size))
      return BAD(a->file, "a second array with the name '%.*s': its rows do not follow those of the first", (int)a->size, a->name);
  if (r->n && a->shape[0] != r->list[0].shape[0])
    return BAD(a->file, "'%.*s' has %" PRId64 " rows, but '%.*s' has %" PRId64, (int)a->size, a->name, a->shape[0],
               (int)r->list[0].size, r->list[0].name, r->list[0].shape[0]);
  if (r->n == r->room) {
    array *list = mem_resize(r->list, (size_t)(2 * r->room + 8) * sizeof *list);
    if (!list) return error_memory(r->err);
    r->list = list;
    r->room = 2 * r->room + 8;
  }
  r->list[r->n++] = *a;
  return UNROLL_OK;
}

/* --- .npy --- */

static unroll_status read_npy(reader *r, const input_file *f) {
  npy head;
  const unroll_status status = npy_read(&head, f->name, f->data, f->size, r->err);
  if (status) return status;
  array a = {.file = f->name, .form = {head.kind, head.bytes, head.swap}, .rank = head.rank, .data = head.data};
  memcpy(a.shape, head.shape, sizeof a.shape);
  memcpy(a.stride, head.stride, sizeof a.stride);
  const char *slash = strrchr(f->name, '/'), *name = slash ? slash + 1 : f->name;
  a.name = name;
  a.size = unpack_name(name);
  if (a.size > 4 && !memcmp(name + a.size - 4, ".npy", 4)) a.size -= 4;
  return add(r, &a);
}

/* --- safetensors --- */

static unroll_status read_tensors(reader *r, const input_file *f, tensor_file *tensors) {
  unroll_status status = tensor_file_parse(tensors, f->name, f->data, f->size, r->err);
  if (!status && tensor_file_is_model(tensors)) return input_refuse(f, "a table", false, r->err);
  for (size_t i = 0; i < tensors->count && !status; i++) {
    const tensor *t = &tensors->tensors[i];
    array a = {.file = f->name, .name = t->name, .size = strlen(t->name), .rank = t->rank, .data = t->data};
    a.form = number_of_tensor(t->type);
    if (!a.form.kind) return BAD(f->name, "tensor '%s' has a type whose numbers cannot be read", t->name);
    int64_t stride = 1;
    for (int k = t->rank - 1; k >= 0; k--) {
      a.shape[k] = t->shape[k];
      a.stride[k] = stride;
      if (a.shape[k]) stride *= a.shape[k];
    }
    status = add(r, &a);
  }
  if (!status && !tensors->count) return BAD(f->name, "there are no tensors in the file");
  return status;
}

/* --- as CSV --- */

static void write_number(text *out, const array *a, int64_t at) {
  const unsigned char *x = a->data + at * a->form.bytes;
  if (a->form.kind == 'f' || a->form.kind == 'h')
    text_add_digits(out, number_real(x, &a->form), a->form.bytes == 8 ? 17 : 9);
  else if (a->form.kind == 'i')
    text_format(out, "%" PRId64, number_whole(x, &a->form));
  else
    text_format(out, "%" PRIu64, (uint64_t)number_whole(x, &a->form));
}

/* What an array has in a row; `axis` goes from 1. Before the last axis of two the steps are apart by spaces. */
static void write_cell(text *out, const array *a, int axis, int64_t at) {
  if (axis == a->rank) {
    write_number(out, a, at);
    return;
  }
  for (int64_t i = 0; i < a->shape[axis]; i++) {
    if (i) text_add(out, a->rank == 3 && axis == 1 ? " " : ";", 1);
    write_cell(out, a, axis + 1, at + i * a->stride[axis]);
  }
}

static unroll_status write_csv(const reader *r, text *out) {
  for (int i = 0; i < r->n; i++) {
    if (i) text_add(out, ",", 1);
    text_add_quoted(out, r->list[i].name, r->list[i].size);
  }
  for (int64_t row = 0; row < r->list[0].shape[0] && !out->failed; row++)
    for (int i = 0; i < r->n; i++) {
      text_add(out, i ? "," : "\n", 1);
      write_cell(out, &r->list[i], 1, row * r->list[i].stride[0]);
    }
  text_add(out, "\n", 1);
  return out->failed ? error_memory(r->err) : UNROLL_OK;
}

/* --- files --- */

static bool is_npy(const input_file *f) { return f->size >= 6 && !memcmp(f->data, "\x93NUMPY", 6); }

bool arrays_fit(const input_file *f) { return is_npy(f) || tensor_file_is(f->data, f->size); }

unroll_status arrays_parse(table *t, const table_options *o, unroll_error *err) {
  (void)o;
  reader r = {.tensors = mem_zero((size_t)t->files.n, sizeof *r.tensors), .err = err};
  unroll_status status = r.tensors ? UNROLL_OK : error_memory(err);
  for (int i = 0; i < t->files.n && !status; i++) {
    const input_file *f = &t->files.files[i];
    status = is_npy(f) ? read_npy(&r, f) : read_tensors(&r, f, &r.tensors[i]);
  }
  text csv = {0};
  if (!status) status = write_csv(&r, &csv);
  for (int i = 0; r.tensors && i < t->files.n; i++) tensor_file_free(&r.tensors[i]);
  mem_free(r.tensors);
  mem_free(r.list);
  if (status) {
    text_free(&csv);
    return status;
  }
  for (int i = 0; i < t->files.n; i++) {
    input_file *f = &t->files.files[i];
    mem_free(f->data);
    f->data = NULL;
    if (i) mem_free(f->name);
  }
  t->files.n = 1;
  t->files.files[0].data = csv.data;
  t->files.files[0].size = csv.length;
  return csv_parse(t, &(table_options){.separator = ','}, err);
}
