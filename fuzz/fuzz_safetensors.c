/* fuzz_safetensors.c - reads anything as a safetensors file.
 *
 * Each input is read as it is; then with the header's length set to end at the last brace, since a mutation rarely keeps the
 * length true; then once more with an allocation that fails. What is accepted must keep the promises of io/safetensors.h. */
#include "base/memory.h"
#include "io/safetensors.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int promise) {
  if (!promise) abort();
}

static void check_accepted(const tensor_file *f, const char *data, size_t size) {
  size_t sum = 0;
  for (size_t i = 0; i < f->count; i++) {
    const tensor *t = &f->tensors[i];
    int64_t count = 1;
    require(t->rank >= 0 && t->rank <= 8 && t->name[0] && tensor_find(f, t->name) == t);
    for (int k = 0; k < t->rank; k++) count *= t->shape[k];
    require(count == t->count);
    const char *at = t->data;
    require(at >= data && at <= data + size && t->bytes <= (size_t)(data + size - at));
    sum += t->bytes;
  }
  if (f->count) require((const char *)f->tensors[0].data + sum == data + size); /* they tile the data */
  for (size_t i = 0; i < f->metadata; i++) require(tensor_metadata(f, f->keys[i]) == f->values[i]);
}

static void read_once(const char *data, size_t size) {
  tensor_file f;
  unroll_error err;
  long live = mem_live();
  unroll_status status = tensor_file_parse(&f, "input", data, size, &err);
  if (status == UNROLL_OK)
    check_accepted(&f, data, size);
  else
    require(err.code == status && err.message[0] && !f.owner);
  tensor_file_free(&f);
  require(mem_live() == live);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  read_once((const char *)data, size);
  if (size <= 8) return 0;
  size_t end = size;
  while (end > 8 && data[end - 1] != '}') end--;
  char *copy = malloc(size);
  if (!copy) return 0;
  memcpy(copy, data, size);
  for (int i = 0; i < 8; i++) copy[i] = (char)((uint64_t)(end - 8) >> 8 * i);
  read_once(copy, size);
  mem_fail_after(1 + (data[0] | data[1] << 8) % 40, data[2] & 1);
  read_once(copy, size);
  mem_fail_after(0, 0);
  free(copy);
  return 0;
}
