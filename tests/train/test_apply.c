/* test_apply.c - a cell or net on given tensors: every built-in cell against differences and in both precisions, with ragged
 * lengths, none and one among them; a net of symbols; what is refused; lack of memory. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/random.h"
#include "verify/apply.h"

enum { T = 4, B = 5, N = 3, ROOM = 64, LARGEST = 4096 };

/* --- files made here --- */

typedef struct made {
  tensor_file f;
  tensor tensors[ROOM];
  char names[ROOM][64];
  double *data[ROOM];
} made;

static void made_begin(made *m) {
  memset(m, 0, sizeof *m);
  m->f.tensors = m->tensors;
}

static void made_free(made *m) {
  for (size_t i = 0; i < m->f.count; i++) free(m->data[i]);
}

/* Numbers from -1 to 1 that depend on the name; of a whole type: all 1. */
static tensor *add(made *m, const char *name, enum tensor_type type, int rank, const int64_t *shape) {
  const size_t i = m->f.count++;
  tensor *t = &m->tensors[i];
  assert_true(i < ROOM);
  snprintf(m->names[i], sizeof m->names[i], "%s", name);
  *t = (tensor){.name = m->names[i], .type = type, .rank = rank, .count = 1};
  for (int k = 0; k < rank; k++) t->count *= t->shape[k] = shape[k];
  assert_true(t->count <= LARGEST);
  m->data[i] = calloc((size_t)t->count + 1, sizeof(double));
  assert_non_null(m->data[i]);
  uint64_t key = 7;
  for (const char *c = name; *c; c++) key = key * 31 + (unsigned char)*c;
  for (int64_t k = 0; k < t->count; k++) {
    const double x = 1.6 * random_uniform(key, RANDOM_TEST, 0, (uint32_t)k) - 0.8;
    if (type == TENSOR_F64) m->data[i][k] = x;
    if (type == TENSOR_F32) ((float *)m->data[i])[k] = (float)x;
    if (type == TENSOR_I64) ((int64_t *)m->data[i])[k] = 1;
    if (type == TENSOR_I32) ((int32_t *)m->data[i])[k] = 1;
  }
  t->data = m->data[i];
  return t;
}

#define ADD(m, name, type, ...)                                                                                                    \
  add(m, name, type, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__})

static double *data_of(const made *m, const char *name) {
  for (size_t i = 0; i < m->f.count; i++)
    if (!strcmp(m->names[i], name)) return m->data[i];
  fail_msg("there is no '%s'", name);
  return NULL;
}

static void add_lengths(made *m) {
  static const int64_t lengths[B] = {2, 0, 4, 1, 3};
  memcpy((void *)(uintptr_t)ADD(m, "lengths", TENSOR_I64, B)->data, lengths, sizeof lengths);
}

/* --- running --- */

static const tensor *find(const apply_result *r, const char *name) {
  for (size_t i = 0; i < r->count; i++)
    if (!strcmp(r->tensors[i].name, name)) return &r->tensors[i];
  fail_msg("no tensor '%s' comes out", name);
  return NULL;
}

static double at(const tensor *t, int64_t i) {
  return t->type == TENSOR_F32 ? (double)((const float *)t->data)[i] : ((const double *)t->data)[i];
}

static program *parsed(const char *source, arena *memory) {
  program *p = NULL;
  unroll_error err;
  if (lang_parse(&p, "test", source, memory, &err)) fail_msg("%s", err.message);
  return p;
}

static unroll_status run(const program *net, const made *weights, const made *inputs, bool grad, bool reference, apply_result *r,
                         unroll_error *err) {
  const apply_options o = {.weights_name = "w", .inputs_name = "x", .gradient = grad, .reference = reference};
  *err = (unroll_error){0};
  return apply_net(net, &weights->f, &inputs->f, &o, r, err);
}

/* The number whose gradient is taken: the sum of outputs times cotangents, or without any the sum of the losses. */
static double objective(const program *net, const made *weights, const made *inputs) {
  apply_result r;
  unroll_error err;
  made plain = *inputs;
  double sum = 0;
  bool any = false;
  plain.f.count = 0;
  plain.f.tensors = plain.tensors;
  for (size_t i = 0; i < inputs->f.count; i++) /* all but the cotangents */
    if (strncmp(inputs->names[i], "d.", 2) != 0) plain.tensors[plain.f.count++] = inputs->tensors[i];
  if (run(net, weights, &plain, false, true, &r, &err)) fail_msg("%s", err.message);
  for (size_t i = 0; i < inputs->f.count; i++) {
    if (strncmp(inputs->names[i], "d.", 2) != 0) continue;
    const tensor *y = find(&r, inputs->names[i] + 2);
    for (int64_t k = 0; k < y->count; k++) sum += at(y, k) * inputs->data[i][k];
    any = true;
  }
  for (size_t i = 0; i < r.count && !any; i++)
    if (!strncmp(r.tensors[i].name, "loss.", 5)) sum += at(&r.tensors[i], 0);
  apply_free(&r);
  return sum;
}

static double difference(const program *net, const made *weights, const made *inputs, double *entry) {
  static const double e = 1e-5; /* small: relu has a kink */
  const double kept = *entry;
  double f[4];
  for (int i = 0; i < 4; i++) {
    *entry = kept + e * (double[]){1, -1, 2, -2}[i];
    f[i] = objective(net, weights, inputs);
  }
  *entry = kept;
  return (8 * (f[0] - f[1]) - (f[2] - f[3])) / (12 * e);
}

/* Three entries of each tensor of a file. */
static void check_against_differences(const char *name, const program *net, made *weights, made *inputs, made *of,
                                      const apply_result *r) {
  for (size_t i = 0; i < of->f.count; i++) {
    char d[80];
    if (of->tensors[i].type != TENSOR_F64 || !strncmp(of->names[i], "d.", 2)) continue;
    snprintf(d, sizeof d, "d.%s", of->names[i]);
    const tensor *t = find(r, d);
    assert_int_equal(t->count, of->tensors[i].count);
    for (int64_t k = 0; k < 3 && k < t->count; k++) {
      const int64_t entry = k * 7919 % t->count;
      const double numeric = difference(net, weights, inputs, &of->data[i][entry]);
      if (fabs(numeric - at(t, entry)) > 1e-6 * fmax(1, fabs(numeric)))
        fail_msg("%s: %s[%d] is %.9g, but the difference is %.9g", name, d, (int)entry, at(t, entry), numeric);
    }
  }
}

static void compare(const char *name, const apply_result *single, const apply_result *exact) {
  assert_int_equal(single->count, exact->count);
  for (size_t i = 0; i < exact->count; i++) {
    const tensor *a = &single->tensors[i], *b = &exact->tensors[i];
    double worst = 0, scale = 1e-3;
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->count, b->count);
    for (int64_t k = 0; k < b->count; k++) {
      scale = fmax(scale, fabs(at(b, k)));
      worst = fmax(worst, fabs(at(a, k) - at(b, k)));
    }
    if (!(worst <= 2e-5 * scale)) fail_msg("%s: '%s' is off by %g in single precision", name, a->name, worst / scale);
  }
}

static void check_both(const char *name, const program *net, made *weights, made *inputs) {
  apply_result exact, single;
  unroll_error err;
  if (run(net, weights, inputs, true, true, &exact, &err)) fail_msg("%s: %s", name, err.message);
  check_against_differences(name, net, weights, inputs, inputs, &exact);
  check_against_differences(name, net, weights, inputs, weights, &exact);
  if (run(net, weights, inputs, true, false, &single, &err)) fail_msg("%s: %s", name, err.message);
  compare(name, &single, &exact);
  apply_free(&exact);
  apply_free(&single);
}

/* --- every cell --- */

/* Weights by the graph; data as wide as the state, so that any cell takes it. */
static void make_cell(const program *cell, made *weights, made *inputs, unroll_error *err) {
  const setting size[] = {{.name = "hidden", .number = N}, {.name = "input", .number = N}};
  graph g;
  graph_init(&g);
  if (graph_build(&g, cell, &(build_options){.settings = size, .n_settings = 2}, err)) fail_msg("%s", err->message);
  for (int i = 0; i < g.n_params; i++) {
    const param *p = &g.params[i];
    add(weights, p->name, TENSOR_F64, p->vector ? 1 : 2, (const int64_t[]){p->rows, p->cols});
  }
  for (int i = 0; i < g.n_data; i++)
    add(inputs, g.data[i].name, TENSOR_F64, g.data[i].space == SPACE_STEP ? 3 : 2,
        g.data[i].space == SPACE_STEP ? (const int64_t[]){T, B, g.data[i].width} : (const int64_t[]){B, g.data[i].width});
  graph_free(&g);
  add_lengths(inputs);
}

/* A first run says which states there are: they get values before the first step and cotangents after the last. */
static void add_states(const program *cell, made *weights, made *inputs) {
  apply_result r;
  unroll_error err;
  char name[80];
  if (run(cell, weights, inputs, false, true, &r, &err)) fail_msg("%s", err.message);
  for (size_t i = 0; i < r.count; i++) {
    const tensor *t = &r.tensors[i];
    snprintf(name, sizeof name, "d.%s", t->name);
    add(inputs, name, TENSOR_F64, t->rank, t->shape);
    const size_t n = strlen(t->name);
    if (n < 4 || strcmp(t->name + n - 3, "[T]") != 0) continue;
    snprintf(name, sizeof name, "%.*s[0]", (int)(n - 3), t->name);
    add(inputs, name, TENSOR_F64, t->rank, t->shape);
  }
  apply_free(&r);
}

static void every_cell(void **unused) {
  (void)unused;
  for (const builtin *b = lang_cells; b->name; b++) {
    arena memory = {0};
    made weights, inputs;
    unroll_error err;
    const program *cell = parsed(b->text, &memory);
    made_begin(&weights);
    made_begin(&inputs);
    make_cell(cell, &weights, &inputs, &err);
    apply_result r;
    const unroll_status s = run(cell, &weights, &inputs, false, true, &r, &err);
    apply_free(&r);
    if (s != UNROLL_OK) fail_msg("%s: %s", b->name, err.message);
    add_states(cell, &weights, &inputs);
    check_both(b->name, cell, &weights, &inputs);
    made_free(&weights);
    made_free(&inputs);
    arena_free(&memory);
  }
}

/* --- what comes out --- */

/* h = x + h[t-1]: sums by hand. */
static void by_hand(void **unused) {
  (void)unused;
  arena memory = {0};
  made weights, inputs;
  unroll_error err;
  apply_result r;
  const program *cell = parsed("h = x + h[t-1]\n", &memory);
  made_begin(&weights);
  made_begin(&inputs);
  for (int reference = 0; reference < 2; reference++) {
    inputs.f.count = 0;
    ADD(&inputs, "x", TENSOR_F64, T, B, 1);
    ADD(&inputs, "h[0]", TENSOR_F64, B, 1);
    ADD(&inputs, "d.h", TENSOR_F64, T, B, 1);
    ADD(&inputs, "d.h[T]", TENSOR_F64, B, 1);
    add_lengths(&inputs);
    const double *x = data_of(&inputs, "x"), *h0 = data_of(&inputs, "h[0]"), *dh = data_of(&inputs, "d.h"),
                 *dhT = data_of(&inputs, "d.h[T]");
    if (run(cell, &weights, &inputs, true, reference != 0, &r, &err)) fail_msg("%s", err.message);
    assert_int_equal(r.count, 4);
    for (int b = 0; b < B; b++) {
      const int length = (const int[B]){2, 0, 4, 1, 3}[b];
      double h = h0[b], d = dhT[b];
      for (int t = 0; t < T; t++) {
        if (t < length) h += x[t * B + b];
        assert_true(fabs(at(find(&r, "h"), t * B + b) - (t < length ? h : 0)) < 1e-6);
      }
      assert_true(fabs(at(find(&r, "h[T]"), b) - h) < 1e-6);
      for (int t = T; t-- > 0;) {
        if (t < length) d += dh[t * B + b];
        assert_true(fabs(at(find(&r, "d.x"), t * B + b) - (t < length ? d : 0)) < 1e-6);
      }
      assert_true(fabs(at(find(&r, "d.h[0]"), b) - d) < 1e-6);
    }
    apply_free(&r);
    made_free(&inputs);
  }
  arena_free(&memory);
}

/* x[t-1] and h[t-2]: gradients of what is read late. */
static void late_reads(void **unused) {
  (void)unused;
  static const char *const texts[] = {
      "h = tanh(W x + V x[t-1] + U h[t-2] + b)\n",
      "h = tanh(W [x, x[t-2]] + 0.5 * h[t-1])\n",
      ("data x : numbers\ndata y : numbers(2)\nhidden = 3\nh = tanh(W x[t-1] + V h[t-1] + Q y[t-1])\n"
       "g = rnn(x[t-1], 3, backward)\ny ~ gaussian(mean = U [h, g], scale = softplus(S h))\n"),
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    arena memory = {0};
    made weights, inputs;
    const program *net = parsed(texts[i], &memory);
    made_begin(&weights);
    made_begin(&inputs);
    ADD(&inputs, "x", TENSOR_F64, T, B, 2);
    add_lengths(&inputs);
    ADD(&weights, "W", TENSOR_F64, 3, i == 1 ? 4 : 2);
    if (i == 0) ADD(&inputs, "h[-1]", TENSOR_F64, B, 3);
    if (i < 2) ADD(&inputs, "h[0]", TENSOR_F64, B, 3), ADD(&inputs, "d.h", TENSOR_F64, T, B, 3);
    if (i == 0) ADD(&weights, "V", TENSOR_F64, 3, 2), ADD(&weights, "U", TENSOR_F64, 3, 3), ADD(&weights, "b", TENSOR_F64, 3);
    if (i == 2) {
      ADD(&inputs, "y", TENSOR_F64, T, B, 2);
      ADD(&weights, "V", TENSOR_F64, 3, 3);
      ADD(&weights, "U", TENSOR_F64, 2, 6);
      ADD(&weights, "S", TENSOR_F64, 2, 3);
      ADD(&weights, "g.Wxh", TENSOR_F64, 3, 2);
      ADD(&weights, "Q", TENSOR_F64, 3, 2);
      ADD(&weights, "g.Whh", TENSOR_F64, 3, 3);
      ADD(&weights, "g.b", TENSOR_F64, 3);
    }
    check_both(texts[i], net, &weights, &inputs);
    made_free(&weights);
    made_free(&inputs);
    arena_free(&memory);
  }
}

/* --- a net of symbols --- */

static void make_net(made *weights, made *inputs) {
  made_begin(weights);
  made_begin(inputs);
  const tensor *t = ADD(inputs, "token", TENSOR_I64, T, B);
  for (int64_t i = 0; i < t->count; i++) ((int64_t *)(uintptr_t)t->data)[i] = i * 5 % 9 - 1;
  add_lengths(inputs);
  ADD(weights, "token.embed", TENSOR_F64, 8, 2);
  ADD(weights, "h.Wxh", TENSOR_F64, N, 2);
  ADD(weights, "h.Whh", TENSOR_F64, N, N);
  ADD(weights, "h.b", TENSOR_F64, N);
  ADD(weights, "W", TENSOR_F64, 8, N);
  ADD(weights, "b", TENSOR_F64, 8);
}

static const char net_text[] = "data token : chars\nh = rnn(embed(token[t-1], 2), 3)\ntoken ~ softmax(W h + b)\n";

static void symbols(void **unused) {
  (void)unused;
  arena memory = {0};
  made weights, inputs;
  apply_result r;
  unroll_error err;
  const program *net = parsed(net_text, &memory);
  make_net(&weights, &inputs);
  check_both("losses", net, &weights, &inputs); /* no cotangent: the gradient of the losses */
  if (run(net, &weights, &inputs, false, false, &r, &err)) fail_msg("%s", err.message);
  assert_int_equal(find(&r, "loss.token")->rank, 0);
  assert_int_equal(find(&r, "output.token")->shape[2], 8);
  assert_int_equal(find(&r, "h")->shape[2], N);
  assert_int_equal(find(&r, "h[T]")->rank, 2);
  apply_free(&r);
  ADD(&inputs, "d.output.token", TENSOR_F64, T, B, 8);
  ADD(&inputs, "h[0]", TENSOR_F64, B, N);
  check_both("logits", net, &weights, &inputs);
  made_free(&weights);
  made_free(&inputs);
  arena_free(&memory);
}

/* --- refusals --- */

static void wide(made *w, made *x) {
  (void)w;
  data_of(x, "token");
  ((int64_t *)(uintptr_t)x->tensors[0].data)[2] = 8;
}
static void late(made *w, made *x) {
  (void)w;
  ((int64_t *)data_of(x, "lengths"))[3] = 5;
}
static void below_zero(made *w, made *x) {
  (void)w;
  ((int64_t *)data_of(x, "lengths"))[0] = -1;
}
static void no_weight(made *w, made *x) {
  (void)x;
  w->tensors[2].name = "h.Whx";
}
static void extra_weight(made *w, made *x) {
  (void)x;
  ADD(w, "momentum", TENSOR_F64, 3);
}
static void narrow_weight(made *w, made *x) {
  (void)x;
  w->tensors[3].rank = 2;
}
static void whole_weight(made *w, made *x) {
  (void)x;
  w->tensors[3].type = TENSOR_I64;
}
static void no_data(made *w, made *x) {
  (void)w;
  x->tensors[0].name = "tokens";
}
static void flat_data(made *w, made *x) {
  (void)w;
  x->tensors[0].rank = 1;
}
static void float_data(made *w, made *x) {
  (void)w;
  x->tensors[0].type = TENSOR_F64;
}
static void extra_data(made *w, made *x) {
  (void)w;
  ADD(x, "word", TENSOR_F64, 3);
}
static void long_state(made *w, made *x) {
  (void)w;
  ADD(x, "h[0]", TENSOR_F64, B, N + 1);
}
static void short_cotangent(made *w, made *x) {
  (void)w;
  ADD(x, "d.h", TENSOR_F64, T - 1, B, N);
}
static void no_sequences(made *w, made *x) {
  (void)w;
  x->tensors[0].shape[1] = 0;
}

static const struct refusal {
  void (*change)(made *weights, made *inputs);
  bool grad;
  const char *message, *file;
} refusals[] = {
    {wide, false, "the tensor 'token' has the symbol 8 at [0, 2]; the net knows 0 to 7", "x"},
    {late, false, "the tensor 'lengths' has the length 5 at [3]; it must be from 0 to 4", "x"},
    {below_zero, false, "has the length -1 at [0]", "x"},
    {no_weight, false, "the tensor 'h.Whh' [3, 3] is missing", "w"},
    {extra_weight, false, "the tensor 'momentum' is of no use here", "w"},
    {narrow_weight, false, "the tensor 'h.b' is [3, 0], but must be [3]", "w"},
    {whole_weight, false, "the tensor 'h.b' must be of type F32 or F64", "w"},
    {no_data, false, "the tensor 'token' [T, B] is missing", "x"},
    {flat_data, false, "the tensor 'token' is [4], but must be [T, B]", "x"},
    {float_data, false, "the tensor 'token' must be of type I32, I64 or U8", "x"},
    {extra_data, false, "the tensor 'word' is of no use here", "x"},
    {long_state, false, "the tensor 'h[0]' is [5, 4], but must be [5, 3]", "x"},
    {short_cotangent, true, "the tensor 'd.h' is [3, 5, 3], but must be [4, 5, 3]", "x"},
    {short_cotangent, false, "the tensor 'd.h' is of no use here: cotangents are for option 'grad'", "x"},
    {no_sequences, false, "the tensor 'token' has 0 sequences", "x"},
};

static void refused(void **unused) {
  (void)unused;
  arena memory = {0};
  const program *net = parsed(net_text, &memory);
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    made weights, inputs;
    apply_result r;
    unroll_error err;
    make_net(&weights, &inputs);
    refusals[i].change(&weights, &inputs);
    assert_int_equal(run(net, &weights, &inputs, refusals[i].grad, false, &r, &err), UNROLL_BAD_INPUT);
    if (!strstr(err.message, refusals[i].message)) fail_msg("'%s' instead of '%s'", err.message, refusals[i].message);
    assert_string_equal(err.file, refusals[i].file);
    apply_free(&r);
    made_free(&weights);
    made_free(&inputs);
  }
  arena_free(&memory);
}

/* A cell alone has no losses: its cotangent must be there. */
static void no_cotangent(void **unused) {
  (void)unused;
  arena memory = {0};
  made weights, inputs;
  apply_result r;
  unroll_error err;
  const program *cell = parsed("h = tanh(W x + U h[t-1])\n", &memory);
  made_begin(&weights);
  made_begin(&inputs);
  ADD(&inputs, "x", TENSOR_F32, T, B, 2);
  ADD(&weights, "W", TENSOR_F32, 9, 2);
  ADD(&weights, "U", TENSOR_F32, 9, 9);
  assert_int_equal(run(cell, &weights, &inputs, true, false, &r, &err), UNROLL_BAD_INPUT);
  assert_non_null(strstr(err.message, "the tensor 'd.h' [4, 5, 9] is missing"));
  apply_free(&r);
  assert_int_equal(run(cell, &weights, &inputs, false, false, &r, &err), UNROLL_OK);
  apply_free(&r);
  made_free(&weights);
  made_free(&inputs);
  arena_free(&memory);
}

/* --- memory --- */

static void lack_of_memory(void **unused) {
  (void)unused;
  arena memory = {0};
  made weights, inputs;
  apply_result r;
  unroll_error err;
  const program *net = parsed(net_text, &memory);
  make_net(&weights, &inputs);
  for (int reference = 0; reference < 2; reference++) {
    unroll_status s = UNROLL_FAILED;
    for (long n = 1; s != UNROLL_OK && n < 100000; n++) {
      const long live = mem_live();
      mem_fail_after(n, 0);
      s = run(net, &weights, &inputs, true, reference != 0, &r, &err);
      mem_fail_after(0, 0);
      apply_free(&r);
      assert_int_equal(mem_live(), live);
      if (s != UNROLL_OK && s != UNROLL_FAILED) fail_msg("allocation %ld: %s", n, err.message);
    }
    assert_int_equal(s, UNROLL_OK);
  }
  made_free(&weights);
  made_free(&inputs);
  arena_free(&memory);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(by_hand),      cmocka_unit_test(late_reads), cmocka_unit_test(symbols),        cmocka_unit_test(refused),
      cmocka_unit_test(no_cotangent), cmocka_unit_test(every_cell), cmocka_unit_test(lack_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
