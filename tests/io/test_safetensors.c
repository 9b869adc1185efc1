/* What is saved loads again, at any alignment, and every failing allocation or file operation is survived. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/file.h"
#include "base/memory.h"
#include "io/safetensors.h"

static char folder[200], path[260];

static int setup(void **state) {
  (void)state;
  const char *base = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/unroll-io-XXXXXX", base && strlen(base) < 100 ? base : P_tmpdir);
  if (!mkdtemp(folder)) return 1;
  snprintf(path, sizeof path, "%s/model.safetensors", folder);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  unlink(path);
  return rmdir(folder); /* fails if a temporary file was left */
}

static const float W[6] = {1, -2, 3.5f, 0, 1e-30f, 5};
static const double sum = 0.1;
static const int64_t steps[2] = {INT64_MIN, 7};
static const int32_t ids[1] = {-5};
static const uint8_t odd[3] = {1, 2, 255};
static const uint16_t half[2] = {0x3c00, 0xc000};

static const tensor model[] = {
    {.name = "odd", .type = TENSOR_U8, .rank = 1, .shape = {3}, .data = odd},
    {.name = "gru.Wz", .type = TENSOR_F32, .rank = 2, .shape = {2, 3}, .data = W},
    {.name = "empty", .type = TENSOR_F32, .rank = 3, .shape = {4, 0, 9}, .data = NULL},
    {.name = "sum", .type = TENSOR_F64, .rank = 0, .data = &sum},
    {.name = "\xcf\x83 \"quoted\" \\", .type = TENSOR_I64, .rank = 1, .shape = {2}, .data = steps},
    {.name = "ids", .type = TENSOR_I32, .rank = 4, .shape = {1, 1, 1, 1}, .data = ids},
    {.name = "bf", .type = TENSOR_BF16, .rank = 1, .shape = {2}, .data = half},
    {.name = "hf", .type = TENSOR_F16, .rank = 1, .shape = {2}, .data = half},
};
static const size_t bytes[] = {3, 24, 0, 8, 16, 4, 4, 4};
enum { COUNT = sizeof model / sizeof *model, METADATA = 4 };
static const char *const keys[METADATA] = {"program", "empty", "", "\xe2\x82\xac"};
static const char *const values[METADATA] = {"h = tanh(W x)\n\ttab \x01 \"q\" \\ / \x7f", "", "no key", "\xf0\x9f\x98\x80"};

static unroll_status save(unroll_error *err) { return tensor_file_save(path, model, COUNT, keys, values, METADATA, err); }

static void assert_model(const tensor_file *f) {
  assert_int_equal(f->count, COUNT);
  for (size_t i = 0; i < COUNT; i++) {
    const tensor *t = tensor_find(f, model[i].name);
    assert_non_null(t);
    assert_ptr_equal(t, &f->tensors[i]); /* in the order they were given */
    assert_int_equal(t->type, model[i].type);
    assert_int_equal(t->rank, model[i].rank);
    int64_t count = 1;
    for (int k = 0; k < t->rank; k++) {
      assert_int_equal(t->shape[k], model[i].shape[k]);
      count *= t->shape[k];
    }
    assert_int_equal(t->count, count);
    assert_int_equal(t->bytes, bytes[i]);
    if (bytes[i]) assert_memory_equal(t->data, model[i].data, bytes[i]);
  }
  assert_int_equal(f->metadata, METADATA);
  for (size_t i = 0; i < METADATA; i++) assert_string_equal(tensor_metadata(f, keys[i]), values[i]);
  assert_null(tensor_find(f, "none"));
  assert_null(tensor_metadata(f, "none"));
}

static void saved_is_loaded(void **state) {
  (void)state;
  long live = mem_live();
  unroll_error e;
  if (save(&e)) fail_msg("%s", e.message);
  tensor_file f;
  if (tensor_file_load(&f, path, &e)) fail_msg("%s", e.message);
  assert_model(&f);
  tensor_file_free(&f);
  tensor_file_free(&f); /* twice does nothing */
  assert_int_equal(mem_live(), live);
}

static void bytes_are_always_the_same(void **state) {
  (void)state;
  static const tensor two[] = {{.name = "b", .type = TENSOR_U8, .rank = 1, .shape = {3}, .data = odd},
                               {.name = "a", .type = TENSOR_I32, .rank = 0, .data = ids}};
  static const char *const k[] = {"z", "y"}, *const v[] = {"1", "2\n"};
  assert_int_equal(tensor_file_save(path, two, 2, k, v, 2, NULL), UNROLL_OK);
  char *data;
  size_t size;
  assert_int_equal(file_read(path, &data, &size, NULL), UNROLL_OK);
  static const char header[] =
      "{\"__metadata__\":{\"z\":\"1\",\"y\":\"2\\u000a\"},\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
      "\"a\":{\"dtype\":\"I32\",\"shape\":[],\"data_offsets\":[3,7]}}";
  size_t padded = (sizeof header - 1 + 7) / 8 * 8;
  assert_int_equal(size, 8 + padded + 7);
  assert_int_equal((unsigned char)data[0], padded);
  assert_int_equal(data[8], '{');
  assert_memory_equal(data + 8, header, sizeof header - 1);
  for (size_t i = 8 + sizeof header - 1; i < 8 + padded; i++) assert_int_equal(data[i], ' ');
  assert_memory_equal(data + 8 + padded, "\1\2\xff\xfb\xff\xff\xff", 7);
  mem_free(data);
  assert_int_equal(tensor_file_save(path, NULL, 0, NULL, NULL, 0, NULL), UNROLL_OK);
  assert_int_equal(file_read(path, &data, &size, NULL), UNROLL_OK);
  assert_int_equal(size, 16);
  assert_memory_equal(data, "\x08\0\0\0\0\0\0\0{}      ", 16);
  mem_free(data);
}

static void any_alignment_will_do(void **state) {
  (void)state;
  char *data;
  size_t size;
  assert_int_equal(save(NULL), UNROLL_OK);
  assert_int_equal(file_read(path, &data, &size, NULL), UNROLL_OK);
  char *place = malloc(size + 8);
  for (size_t shift = 0; shift < 8; shift++) {
    memcpy(place + shift, data, size);
    tensor_file f;
    assert_int_equal(tensor_file_parse(&f, "moved", place + shift, size, NULL), UNROLL_OK);
    assert_model(&f);
    tensor_file_free(&f);
  }
  free(place);
  mem_free(data);
}

static void senseless_tensors_are_not_saved(void **state) {
  (void)state;
  static const struct {
    tensor t[2];
    size_t count;
    const char *expected;
  } rows[] = {
      {{{.name = "", .rank = 0, .data = W}}, 1, "a tensor with the name ''"},
      {{{.name = "a\n", .rank = 0, .data = W}}, 1, "a tensor with the name"},
      {{{.name = "\xff", .rank = 0, .data = W}}, 1, "a tensor with the name"},
      {{{.name = "__metadata__", .rank = 0, .data = W}}, 1, "a tensor with the name '__metadata__'"},
      {{{.name = "a", .rank = 0, .data = W}, {.name = "a", .rank = 0, .data = W}}, 2, "two tensors with the name 'a'"},
      {{{.name = "a", .type = TENSOR_OTHER, .data = W}}, 1, "tensor 'a': its type has no name"},
      {{{.name = "a", .rank = 9, .data = W}}, 1, "tensor 'a': its shape makes no sense"},
      {{{.name = "a", .rank = -1, .data = W}}, 1, "tensor 'a': its shape makes no sense"},
      {{{.name = "a", .rank = 1, .shape = {-1}, .data = W}}, 1, "tensor 'a': its shape makes no sense"},
      {{{.name = "a", .rank = 2, .shape = {INT64_MAX, 2}, .data = W}}, 1, "tensor 'a': its shape makes no sense"},
  };
  static const char *const same[] = {"k", "k"}, *const broken[] = {"\xff", "v"};
  unroll_error e;
  assert_int_equal(save(NULL), UNROLL_OK);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_int_equal(tensor_file_save(path, rows[i].t, rows[i].count, NULL, NULL, 0, &e), UNROLL_FAILED);
    if (!strstr(e.message, rows[i].expected)) fail_msg("'%s' has no '%s'", e.message, rows[i].expected);
    assert_string_equal(e.file, path);
  }
  assert_int_equal(tensor_file_save(path, model, 1, same, same, 2, &e), UNROLL_FAILED);
  assert_int_equal(tensor_file_save(path, model, 1, same, broken, 1, &e), UNROLL_FAILED);
  assert_int_equal(tensor_file_save(path, model, 1, broken, same, 1, &e), UNROLL_FAILED);
  tensor_file f;
  assert_int_equal(tensor_file_load(&f, path, NULL), UNROLL_OK); /* the old file */
  assert_model(&f);
  tensor_file_free(&f);
}

static void every_allocation_fails(void **state) {
  (void)state;
  assert_int_equal(save(NULL), UNROLL_OK);
  long live = mem_live();
  for (int forever = 0; forever < 2; forever++) {
    int n = 1;
    for (;; n++) {
      unroll_error e;
      tensor_file f;
      mem_fail_after(n, forever);
      unroll_status status = tensor_file_load(&f, path, &e);
      mem_fail_after(0, 0);
      if (!status) {
        assert_model(&f);
        tensor_file_free(&f);
        break;
      }
      assert_int_equal(status, UNROLL_FAILED);
      assert_string_equal(e.message, "out of memory");
      assert_string_equal(e.file, path);
      assert_null(f.owner);
      assert_int_equal(mem_live(), live);
    }
    assert_true(n > 20);
    assert_int_equal(mem_live(), live);
    for (n = 1;; n++) {
      unroll_error e;
      mem_fail_after(n, forever);
      unroll_status status = save(&e);
      mem_fail_after(0, 0);
      assert_int_equal(mem_live(), live);
      if (!status) break;
      assert_int_equal(status, UNROLL_FAILED);
      assert_string_equal(e.message, "out of memory");
    }
    assert_true(n > 3);
  }
}

/* Each failing file operation leaves a whole file: the old one, or the new one once it was renamed. */
static void every_file_operation_fails(void **state) {
  (void)state;
  long live = mem_live();
  for (int forever = 0; forever < 2; forever++) {
    assert_int_equal(tensor_file_save(path, model, 1, NULL, NULL, 0, NULL), UNROLL_OK);
    for (int n = 1;; n++) {
      unroll_error e;
      tensor_file f;
      file_fail_after(n, forever);
      unroll_status status = save(&e);
      file_fail_after(0, 0);
      assert_int_equal(tensor_file_load(&f, path, NULL), UNROLL_OK);
      if (status == UNROLL_OK || f.count != 1) assert_model(&f);
      tensor_file_free(&f);
      assert_int_equal(mem_live(), live);
      if (!status) {
        assert_true(n > 12);
        break;
      }
      assert_int_equal(status, UNROLL_FAILED);
      assert_string_equal(e.file, path);
    }
    for (int n = 1;; n++) {
      tensor_file f;
      file_fail_after(n, forever);
      unroll_status status = tensor_file_load(&f, path, NULL);
      file_fail_after(0, 0);
      tensor_file_free(&f);
      assert_int_equal(mem_live(), live);
      if (!status) break;
      assert_int_equal(status, UNROLL_BAD_INPUT);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(saved_is_loaded),        cmocka_unit_test(bytes_are_always_the_same),
      cmocka_unit_test(any_alignment_will_do),  cmocka_unit_test(senseless_tensors_are_not_saved),
      cmocka_unit_test(every_allocation_fails), cmocka_unit_test(every_file_operation_fails),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
