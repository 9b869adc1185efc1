/* test_golden.c - cells and attention against PyTorch: outputs, final states and all gradients of every file in tests/golden/,
 * which tools/golden.py wrote. In single precision within 1e-5 of each tensor's largest entry, by the reference within 1e-10. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "verify/apply.h"

#define FOLDER UNROLL_SOURCE_DIR "/tests/golden"
enum { CASES = 34 };

/* The tensors of a file whose names begin with `prefix`, without it. */
static tensor_file part(const tensor_file *f, const char *prefix) {
  tensor_file p = {.tensors = calloc(f->count + 1, sizeof *p.tensors)};
  assert_non_null(p.tensors);
  for (size_t i = 0; i < f->count; i++) {
    if (strncmp(f->tensors[i].name, prefix, strlen(prefix)) != 0) continue;
    p.tensors[p.count] = f->tensors[i];
    p.tensors[p.count++].name += strlen(prefix);
  }
  return p;
}

static double value(const tensor *t, int64_t i) {
  float f;
  double d;
  if (t->type == TENSOR_F32) return memcpy(&f, (const char *)t->data + (size_t)i * sizeof f, sizeof f), (double)f;
  assert_int_equal(t->type, TENSOR_F64);
  return memcpy(&d, (const char *)t->data + (size_t)i * sizeof d, sizeof d), d;
}

static double error_of(const tensor *got, const tensor *want) {
  double worst = 0, scale = 0;
  assert_int_equal(got->rank, want->rank);
  for (int i = 0; i < got->rank; i++) assert_int_equal(got->shape[i], want->shape[i]);
  for (int64_t i = 0; i < want->count; i++) {
    scale = fmax(scale, fabs(value(want, i)));
    worst = fmax(worst, fabs(value(got, i) - value(want, i)));
  }
  return worst / scale;
}

static void compare(const char *name, const tensor_file *want, const apply_result *got, bool reference, double limit) {
  for (size_t i = 0; i < want->count; i++) {
    const tensor *t = NULL;
    for (size_t k = 0; k < got->count; k++)
      if (!strcmp(got->tensors[k].name, want->tensors[i].name)) t = &got->tensors[k];
    if (!t) fail_msg("%s: no tensor '%s' comes out", name, want->tensors[i].name);
    assert_int_equal(t->type, reference ? TENSOR_F64 : TENSOR_F32);
    const double e = error_of(t, &want->tensors[i]);
    if (!(e < limit))
      fail_msg("%s: '%s' is off by %g of its largest entry (%s)", name, t->name, e, reference ? "double" : "single");
  }
}

static void check_file(const char *name) {
  char path[512];
  tensor_file f;
  unroll_error err = {0};
  arena memory = {0};
  program *net = NULL;
  snprintf(path, sizeof path, "%s/%s", FOLDER, name);
  if (tensor_file_load(&f, path, &err)) fail_msg("%s: %s", name, err.message);
  const char *cell = tensor_metadata(&f, "cell"), *source = tensor_metadata(&f, "net");
  const builtin *b = cell ? lang_builtin_cell(cell) : NULL;
  if (cell && !b) fail_msg("%s: there is no cell '%s'", name, cell);
  if (lang_parse(&net, name, cell ? b->text : source, &memory, &err)) fail_msg("%s: %s", name, err.message);
  tensor_file weights = part(&f, "weight:"), inputs = part(&f, "input:"), want = part(&f, "output:");
  for (int reference = 0; reference < 2; reference++) {
    const apply_options o = {.weights_name = name, .inputs_name = name, .gradient = true, .reference = reference != 0};
    apply_result got;
    if (apply_net(net, &weights, &inputs, &o, &got, &err)) fail_msg("%s: %s", name, err.message);
    compare(name, &want, &got, reference != 0, reference ? 1e-10 : 1e-5);
    apply_free(&got);
  }
  free(weights.tensors);
  free(inputs.tensors);
  free(want.tensors);
  tensor_file_free(&f);
  arena_free(&memory);
}

static void all_files(void **state) {
  (void)state;
  DIR *d = opendir(FOLDER);
  int n = 0;
  assert_non_null(d);
  for (struct dirent *e; (e = readdir(d));) {
    const char *end = strstr(e->d_name, ".safetensors");
    if (!end || e->d_name[0] == '.') continue;
    check_file(e->d_name);
    n++;
  }
  closedir(d);
  assert_int_equal(n, CASES);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(all_files)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
