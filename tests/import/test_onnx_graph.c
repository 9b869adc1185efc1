/* Graphs of ONNX that once led to wrong nets, or to memory that was free already. */
#include "import/import.h"
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include "onnx_made.h"

typedef struct made {
  text graph;
  layers l;
  imported out;
  unroll_error err;
  unroll_status status;
} made;

static void numbers_in(made *m, int64_t width) { made_value(&m->graph, 11, "x", 1, 3, (int64_t[]){0, 0, width}); }

static void comes_out(made *m, const char *name) { made_value(&m->graph, 12, name, 1, 0, NULL); }

/* Layers, net, weights and a pass. */
static void bring_in(made *m) {
  const import_options how = {.n_modules = 0};
  text file = made_model(&m->graph);
  m->status = import_bytes(&m->l, "made.onnx", file.data, file.length, &how, &m->err);
  if (!m->status) m->status = import_build(&m->out, &m->l, "made.onnx", &how, &m->err);
  if (!m->status) m->status = import_verify(&m->out, &m->l, "made.onnx", &how, &m->err);
  text_free(&file);
}

static void let_go(made *m) {
  imported_free(&m->out);
  layers_free(&m->l);
  *m = (made){.status = UNROLL_OK};
}

/* Of how many weights number `at` is above that. */
static int weights_above(const made *m, int at, float bound) {
  int found = 0;
  for (int i = 0; i < m->out.net.n_weights; i++) found += m->out.net.weights[i].x[at] > bound;
  return found;
}

static void refused(made *m, const char *why) {
  bring_in(m);
  assert_int_equal(m->status, UNROLL_BAD_INPUT);
  if (!strstr(m->err.message, why)) fail_msg("'%s' is not in '%s'", why, m->err.message);
  let_go(m);
}

static const float *weight_of(const made *m, const char *name) {
  for (int i = 0; i < m->out.net.n_weights; i++)
    if (!strcmp(m->out.net.weights[i].name, name)) return m->out.net.weights[i].x;
  fail_msg("there is no weight %s in\n%s", name, m->out.net.text.data);
  return NULL;
}

/* The list of arrays grows, and moves, while layers hold numbers of it. */
static void many_constants(void **state) {
  (void)state;
  made m = {.status = UNROLL_OK};
  numbers_in(&m, 2);
  char in[32] = "x", out[32], name[32];
  for (int i = 0; i < 200; i++) {
    const float c[2] = {(float)i, 1};
    text op, value = {0}, of = {0};
    snprintf(name, sizeof name, "c%d", i);
    snprintf(out, sizeof out, "y%d", i);
    op = made_node("Constant", "", name);
    made_tensor(&of, 5, "", 1, 2, 0, c, 4);
    made_text(&value, 1, "value");
    if (of.data) text_add(&value, of.data, of.length);
    text_free(&of);
    made_piece(&op, 5, &value);
    made_piece(&m.graph, 1, &op);
    char both[80];
    snprintf(both, sizeof both, "%s %s", in, name);
    made_op(&m.graph, "Mul", both, out);
    strcpy(in, out);
  }
  comes_out(&m, in);
  bring_in(&m);
  assert_int_equal(m.status, UNROLL_OK);
  assert_int_equal(weights_above(&m, 1, 0.5f), 200);
  let_go(&m);
}

/* The list of values grows at the very product whose bias is wanted afterwards. */
static void bias_of_gemm(void **state) {
  (void)state;
  for (int before = 40; before < 80; before++) {
    made m = {.status = UNROLL_OK};
    const float w[4] = {1, 2, 3, 4}, b[2] = {5, 6};
    made_value(&m.graph, 11, "x", 1, 2, (int64_t[]){0, 2});
    made_floats(&m.graph, "W", 2, 2, w);
    made_floats(&m.graph, "b", 2, 0, b);
    char in[32] = "x", out[32];
    for (int i = 0; i < before; i++) {
      snprintf(out, sizeof out, "y%d", i);
      made_op(&m.graph, "Identity", in, out);
      strcpy(in, out);
    }
    snprintf(out, sizeof out, "%s W b", in);
    made_op(&m.graph, "Gemm", out, "y");
    comes_out(&m, "y");
    bring_in(&m);
    assert_int_equal(m.status, UNROLL_OK);
    assert_true(weight_of(&m, "b")[0] > 4.5f && weight_of(&m, "b")[0] < 5.5f);
    let_go(&m);
  }
}

/* A bias that one reader adds is not one of the other. */
static void shared_product(void **state) {
  (void)state;
  made m = {.status = UNROLL_OK};
  const float w[2] = {1, 1}, b[1] = {5};
  numbers_in(&m, 2);
  made_floats(&m.graph, "W", 2, 1, w);
  made_floats(&m.graph, "b", 1, 0, b);
  made_floats(&m.graph, "b2", 2, 0, (float[]){5, 7});
  made_floats(&m.graph, "V", 2, 2, (float[]){1, 2, 3, 4});
  made_op(&m.graph, "MatMul", "x V", "v");
  made_op(&m.graph, "Add", "v b2", "sum");
  made_op(&m.graph, "Tanh", "v", "t");
  comes_out(&m, "sum");
  comes_out(&m, "t");
  bring_in(&m);
  assert_int_equal(m.status, UNROLL_OK);
  const layer *sum = &m.l.list[m.l.outputs[0].layer], *t = &m.l.list[m.l.outputs[1].layer];
  assert_int_equal(t->kind, LAYER_APPLY);
  assert_non_null(sum->b);
  assert_null(m.l.list[t->in[0]].b);
  let_go(&m);
}

static void empty_operator(void **state) {
  (void)state;
  made m = {.status = UNROLL_OK};
  numbers_in(&m, 2);
  made_op(&m.graph, "", "x", "y");
  comes_out(&m, "y");
  refused(&m, "is not understood");
}

static void two_tables(void **state) {
  (void)state;
  static const float x[40];
  made m = {.status = UNROLL_OK};
  made_value(&m.graph, 11, "x", 7, 2, (int64_t[]){0, 0});
  made_floats(&m.graph, "A", 5, 2, x);
  made_floats(&m.graph, "B", 9, 2, x);
  made_op(&m.graph, "Gather", "A x", "a");
  made_op(&m.graph, "Gather", "B x", "b");
  made_op(&m.graph, "Add", "a b", "y");
  comes_out(&m, "y");
  refused(&m, "table of another size");
}

/* Symbols with axes upon axes, to each of which a table adds one. */
static void too_many_axes(void **state) {
  (void)state;
  static const float x[4];
  for (int more = 2; more < 7; more++) {
    made m = {.status = UNROLL_OK};
    char in[32] = "x", out[32];
    made_value(&m.graph, 11, "x", 7, 2, (int64_t[]){0, 0});
    made_floats(&m.graph, "A", 2, 2, x);
    made_tensor(&m.graph, 5, "zero", 7, 1, 0, (int64_t[]){0}, 8);
    for (int i = 0; i < more; i++) {
      char both[80];
      snprintf(out, sizeof out, "y%d", i);
      snprintf(both, sizeof both, "%s zero", in);
      made_op(&m.graph, "Unsqueeze", both, out);
      strcpy(in, out);
    }
    char both[80];
    snprintf(both, sizeof both, "A %s", in);
    made_op(&m.graph, "Gather", both, "y");
    comes_out(&m, "y");
    bring_in(&m);
    if (more > 4) assert_int_equal(m.status, UNROLL_BAD_INPUT);
    let_go(&m);
  }
}

/* Four times eight times 2^20 numbers are no int. */
static void too_wide(void **state) {
  (void)state;
  made m = {.status = UNROLL_OK};
  numbers_in(&m, 1 << 20);
  char in[160] = "x x x x x x x x", out[16];
  for (int i = 0; i < 4; i++) {
    snprintf(out, sizeof out, "y%d", i);
    text op = made_node("Concat", in, out);
    made_attribute(&op, "axis", 2);
    made_piece(&m.graph, 1, &op);
    snprintf(in, sizeof in, "%s %s %s %s %s %s %s %s", out, out, out, out, out, out, out, out);
  }
  comes_out(&m, out);
  refused(&m, "too many numbers");
}

static void wholes_in(text *g, const char *name, int64_t n, const int64_t *x) { made_tensor(g, 5, name, 7, n, 0, x, 8); }

/* What was flattened has its numbers channel after channel, and a layer pixel after pixel: also as the first of several. */
static void flat_beside_another(void **state) {
  (void)state;
  static const int64_t axes[1] = {1};
  for (int turned = 0; turned < 2; turned++) {
    made m = {.status = UNROLL_OK};
    made_value(&m.graph, 11, "x", 1, 4, (int64_t[]){0, 2, 1, 3});
    made_op(&m.graph, "Flatten", "x", "f");
    wholes_in(&m.graph, "one", 1, axes);
    wholes_in(&m.graph, "from", 1, (int64_t[]){0});
    wholes_in(&m.graph, "to", 1, (int64_t[]){2});
    made_op(&m.graph, "Slice", "f from to one", "s"); /* the first channel's first two pixels */
    text op = made_node("Concat", turned ? "s f" : "f s", "y");
    made_attribute(&op, "axis", 1);
    made_piece(&m.graph, 1, &op);
    comes_out(&m, "y");
    bring_in(&m);
    assert_int_equal(m.status, UNROLL_OK);
    const layer *y = &m.l.list[m.l.outputs[0].layer];
    assert_int_equal(y->kind, LAYER_CONCAT);
    const layer *all = &m.l.list[y->in[turned]]; /* entry 1 there is pixel 1 of channel 0: entry 2 of the layer */
    assert_int_equal(all->kind, LAYER_LINEAR);
    assert_true(all->W[1 * 6 + 2] > 0.5f && all->W[1 * 6 + 1] < 0.5f);
    let_go(&m);
  }
}

/* x[:, steps - 1]: how many steps there are is not known, and the first one is not meant. */
static void step_not_known(void **state) {
  (void)state;
  made m = {.status = UNROLL_OK};
  numbers_in(&m, 2);
  wholes_in(&m.graph, "one", 1, (int64_t[]){1});
  made_op(&m.graph, "Shape", "x", "sizes");
  made_op(&m.graph, "Gather", "sizes one", "steps");
  made_op(&m.graph, "Sub", "steps one", "last");
  text op = made_node("Gather", "x last", "y");
  made_attribute(&op, "axis", 1);
  made_piece(&m.graph, 1, &op);
  comes_out(&m, "y");
  refused(&m, "another step than the first and the last");
}

/* An input that is there and no constant is not one that is left out. */
static void bound_not_constant(void **state) {
  (void)state;
  static const char *const in[] = {"x - h", "x h"};
  for (int i = 0; i < 2; i++) {
    made m = {.status = UNROLL_OK};
    numbers_in(&m, 2);
    made_value(&m.graph, 11, "h", 1, 1, (int64_t[]){1});
    made_op(&m.graph, "Clip", in[i], "y");
    comes_out(&m, "y");
    refused(&m, "no constant where only a constant");
  }
}

/* Zeros that were added before the steps are none behind a sigmoid, a sum, a product with a bias. */
static void changed_zeros(void **state) {
  (void)state;
  static const struct {
    const char *op, *in, *why;
  } rows[] = {{"Sigmoid", "p", "zeros were added"}, {"Add", "p c", "zeros were added"}, {"Gemm", "p W c", "zeros were added"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    made m = {.status = UNROLL_OK};
    numbers_in(&m, 2);
    made_floats(&m.graph, "c", 2, 0, (float[]){1, 2});
    made_floats(&m.graph, "W", 2, 2, (float[]){1, 2, 3, 4});
    wholes_in(&m.graph, "pads", 6, (int64_t[]){0, 1, 0, 0, 0, 0});
    made_op(&m.graph, "Pad", "x pads", "p");
    made_op(&m.graph, rows[i].op, rows[i].in, "y");
    comes_out(&m, "y");
    refused(&m, rows[i].why);
  }
}

static void whole_numbers(void **state) {
  (void)state;
  made m = {.status = UNROLL_OK};
  numbers_in(&m, 2);
  text op = made_node("Cast", "x", "y");
  made_attribute(&op, "to", 7);
  made_piece(&m.graph, 1, &op);
  comes_out(&m, "y");
  refused(&m, "makes whole numbers");
}

/* Axes that are named twice would lead out of the numbers of a constant. */
static void axes_twice(void **state) {
  (void)state;
  static const struct {
    const char *op, *in;
    bool perm;
  } rows[] = {{"Slice", "c starts ends axes", false}, {"Unsqueeze", "c axes", false}, {"Transpose", "c", true}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    made m = {.status = UNROLL_OK};
    static const float c[512];
    numbers_in(&m, 1);
    made_floats(&m.graph, "c", 512, 1, c);
    wholes_in(&m.graph, "starts", 2, (int64_t[]){500, 500});
    wholes_in(&m.graph, "ends", 2, (int64_t[]){512, 512});
    wholes_in(&m.graph, "axes", 2, (int64_t[]){0, 0});
    text op = made_node(rows[i].op, rows[i].in, "y");
    text perm = {0};
    if (rows[i].perm) {
      made_text(&perm, 1, "perm");
      made_whole(&perm, 8, 0);
      made_whole(&perm, 8, 0);
      made_piece(&op, 5, &perm);
    }
    made_piece(&m.graph, 1, &op);
    made_op(&m.graph, "Add", "x y", "z");
    comes_out(&m, "z");
    refused(&m, "do not go together");
  }
}

/* 2^21 x 2^21 positions of 2^20 channels, from four numbers: the product of all is no int64. */
static void too_many_positions(void **state) {
  (void)state;
  enum { CHANNELS = 1 << 20, PAD = (1 << 20) - 1 };
  float *w = mem_zero(CHANNELS, sizeof *w);
  made m = {.status = UNROLL_OK};
  assert_non_null(w);
  made_value(&m.graph, 11, "x", 1, 4, (int64_t[]){0, 1, 2, 2});
  text k = {0}, pads = {0};
  made_whole(&k, 1, CHANNELS);
  for (int i = 0; i < 3; i++) made_whole(&k, 1, 1);
  made_whole(&k, 2, 1);
  made_text(&k, 8, "W");
  made_bytes(&k, 9, w, CHANNELS * sizeof *w);
  made_piece(&m.graph, 5, &k);
  text op = made_node("Conv", "x W", "y");
  made_text(&pads, 1, "pads");
  for (int i = 0; i < 4; i++) made_whole(&pads, 8, PAD);
  made_piece(&op, 5, &pads);
  made_piece(&m.graph, 1, &op);
  comes_out(&m, "y");
  refused(&m, "larger than is understood");
  mem_free(w);
}

/* A window of 2^16 x 2^16 is no int. */
static void too_large_window(void **state) {
  (void)state;
  made m = {.status = UNROLL_OK};
  made_value(&m.graph, 11, "x", 1, 4, (int64_t[]){0, 1, 2, 2});
  text op = made_node("MaxPool", "x", "y"), size = {0}, pads = {0};
  made_text(&size, 1, "kernel_shape");
  for (int i = 0; i < 2; i++) made_whole(&size, 8, 1 << 16);
  made_piece(&op, 5, &size);
  made_text(&pads, 1, "pads");
  for (int i = 0; i < 4; i++) made_whole(&pads, 8, (1 << 16) - 1);
  made_piece(&op, 5, &pads);
  made_piece(&m.graph, 1, &op);
  comes_out(&m, "y");
  refused(&m, "another form than is understood");
}

/* Five numbers in two parts: three and two. */
static void uneven_parts(void **state) {
  (void)state;
  made m = {.status = UNROLL_OK};
  numbers_in(&m, 3);
  made_floats(&m.graph, "c", 5, 0, (float[]){1, 2, 3, 4, 5});
  made_op(&m.graph, "Split", "c", "a b");
  made_op(&m.graph, "Mul", "x a", "y");
  comes_out(&m, "y");
  bring_in(&m);
  assert_int_equal(m.status, UNROLL_OK);
  assert_int_equal(weights_above(&m, 2, 2.5f), 1);
  let_go(&m);
}

static void too_large_constant(void **state) {
  (void)state;
  made m = {.status = UNROLL_OK};
  numbers_in(&m, 1);
  wholes_in(&m.graph, "shape", 2, (int64_t[]){1 << 14, 1 << 14});
  made_op(&m.graph, "ConstantOfShape", "shape", "c");
  made_op(&m.graph, "Add", "x c", "y");
  comes_out(&m, "y");
  refused(&m, "a constant of more than 2^26 numbers");
}

static void made_real(text *op, const char *name, float x) {
  text m = {0};
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  made_text(&m, 1, name);
  made_varint(&m, 7 << 3 | 5);
  for (int i = 0; i < 4; i++) text_add(&m, &(char){(char)(bits >> 8 * i)}, 1);
  made_piece(op, 5, &m);
}

static void settings_of_functions(void **state) {
  (void)state;
  static const char *const names[] = {"activation_alpha", "activation_beta"};
  static const float w[1];
  for (int i = 0; i < 2; i++) {
    made m = {.status = UNROLL_OK};
    numbers_in(&m, 1);
    made_floats(&m.graph, "c", 1, 1, w);
    wholes_in(&m.graph, "shape", 3, (int64_t[]){1, 1, 1});
    made_op(&m.graph, "Reshape", "c shape", "W");
    text op = made_node("RNN", "x W W", "y");
    made_real(&op, names[i], 0.5f);
    made_attribute(&op, "layout", 1);
    made_attribute(&op, "hidden_size", 1);
    made_piece(&m.graph, 1, &op);
    comes_out(&m, "y");
    refused(&m, names[i]);
  }
}

/* One number a step: all steps of all sequences below each other are no sequences of one step. */
static void one_number_a_step(void **state) {
  (void)state;
  made m = {.status = UNROLL_OK};
  numbers_in(&m, 1);
  wholes_in(&m.graph, "flat", 2, (int64_t[]){-1, 1});
  wholes_in(&m.graph, "three", 3, (int64_t[]){-1, 7, 2});
  made_floats(&m.graph, "W", 1, 2, (float[]){1, 2});
  made_op(&m.graph, "Reshape", "x flat", "r");
  made_op(&m.graph, "MatMul", "r W", "p");
  made_op(&m.graph, "Reshape", "p three", "y");
  comes_out(&m, "y");
  bring_in(&m);
  assert_int_equal(m.status, UNROLL_OK);
  assert_int_equal(m.l.list[m.l.outputs[0].layer].width, 2); /* of each step */
  assert_true(m.l.list[m.l.outputs[0].layer].steps);
  let_go(&m);
}

/* A mean of windows of two, of three pixels with a zero on each side. With ceil_mode no window has more than these. */
static void mean_beyond_zeros(void **state) {
  (void)state;
  made m = {.status = UNROLL_OK};
  made_value(&m.graph, 11, "x", 1, 4, (int64_t[]){0, 1, 1, 4});
  text op = made_node("AveragePool", "x", "y"), size = {0}, pads = {0}, strides = {0};
  made_text(&size, 1, "kernel_shape");
  made_whole(&size, 8, 1);
  made_whole(&size, 8, 3);
  made_piece(&op, 5, &size);
  made_text(&strides, 1, "strides");
  made_whole(&strides, 8, 1);
  made_whole(&strides, 8, 2);
  made_piece(&op, 5, &strides);
  made_text(&pads, 1, "pads");
  for (int i = 0; i < 4; i++) made_whole(&pads, 8, i % 2);
  made_piece(&op, 5, &pads);
  made_attribute(&op, "ceil_mode", 1);
  made_attribute(&op, "count_include_pad", 1);
  made_piece(&m.graph, 1, &op);
  comes_out(&m, "y");
  bring_in(&m);
  assert_int_equal(m.status, UNROLL_OK);
  const layer *y = &m.l.list[m.l.outputs[0].layer];
  assert_int_equal(y->width, 3); /* zero 0 1, 1 2 3, 3 zero and what is none */
  assert_float_equal(y->W[0], 1.0 / 3, 1e-6);
  assert_float_equal(y->W[2 * 4 + 3], 1.0 / 2, 1e-6);
  let_go(&m);
}

static void never_read(void **state) {
  (void)state;
  static const struct {
    const char *op, *why;
  } rows[] = {{"Scan", "'r' (Scan) repeats a graph"},
              {"Loop", "'r' (Loop) repeats a graph"},
              {"DynamicQuantizeLSTM", "'r' (DynamicQuantizeLSTM) has quantized numbers"},
              {"QLinearMatMul", "'r' (QLinearMatMul) has quantized numbers"},
              {"DequantizeLinear", "'r' (DequantizeLinear) has quantized numbers"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    made m = {.status = UNROLL_OK};
    numbers_in(&m, 2);
    text op = made_node(rows[i].op, "x", "y");
    made_text(&op, 3, "r");
    made_piece(&m.graph, 1, &op);
    comes_out(&m, "y");
    refused(&m, rows[i].why);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(many_constants),     cmocka_unit_test(bias_of_gemm),        cmocka_unit_test(shared_product),
      cmocka_unit_test(empty_operator),     cmocka_unit_test(two_tables),          cmocka_unit_test(too_many_axes),
      cmocka_unit_test(too_wide),           cmocka_unit_test(flat_beside_another), cmocka_unit_test(step_not_known),
      cmocka_unit_test(bound_not_constant), cmocka_unit_test(changed_zeros),       cmocka_unit_test(whole_numbers),
      cmocka_unit_test(axes_twice),         cmocka_unit_test(too_many_positions),  cmocka_unit_test(too_large_window),
      cmocka_unit_test(uneven_parts),       cmocka_unit_test(too_large_constant),  cmocka_unit_test(settings_of_functions),
      cmocka_unit_test(one_number_a_step),  cmocka_unit_test(mean_beyond_zeros),   cmocka_unit_test(never_read)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
