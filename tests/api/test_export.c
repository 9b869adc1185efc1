/* test_export.c - models as ONNX files: which operators there are, and, with UNROLL_ONNX=FOLDER, files with what goes in and what
 * the reference makes of it, for tests/cli/onnx.sh. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/memory.h"
#include "import/onnx_proto.h"
#include "port/port.h"
#include "verify/random_batch.h"
#include "verify/reference.h"

enum { ROWS = 3, STEPS = 7 };

static bool is_setting(const program *net, const char *name) {
  for (int i = 0; i < net->n_statements; i++)
    if (net->statements[i].kind == STATEMENT_SETTING && !strcmp(net->statements[i].name, name)) return true;
  return false;
}

typedef struct made {
  model m;
  random_batch batch;
  reference r;
} made;

/* Units of the data that are not those of the net. */
static void scale(made *t) {
  for (int i = 0; i < t->m.schema.n; i++) {
    variable *v = &t->m.schema.list[i];
    const data_info *d = &t->m.g.data[i];
    v->width = d->width;
    if (v->form.unit != UNIT_NUMBERS || v->shape.channels || strstr("box end pen notes time", d->kind)) continue;
    v->mean = mem_zero((size_t)v->width, sizeof *v->mean);
    v->deviation = mem_zero((size_t)v->width, sizeof *v->deviation);
    for (int j = 0; j < v->width; j++) {
      v->mean[j] = t->m.g.losses[0].data == i ? 2 + j : 50 + j;
      v->deviation[j] = 0.5 + j;
    }
  }
}

static void make(made *t, const char *file, const char *net) {
  static const char *const sizes[] = {"hidden", "embedding", "channels", "vocabulary"};
  setting settings[4];
  int n = 0, lengths[ROWS] = {STEPS, STEPS, STEPS};
  unroll_error err = {0};
  memset(t, 0, sizeof *t);
  if (model_begin(&t->m, file, net, &err)) fail_msg("%s: %s", file, err.message);
  for (int i = 0; i < 4; i++)
    if (is_setting(t->m.net, sizes[i])) settings[n++] = (setting){.name = sizes[i], .number = i == 3 ? 20 : 6};
  const build_options options = {.settings = settings, .n_settings = n, .find_cell = model_find_cell, .context = &t->m};
  graph_init(&t->m.g);
  t->m.built = true;
  if (graph_build(&t->m.g, t->m.net, &options, &err)) fail_msg("%s: %s", file, err.message);
  t->m.weights = mem_aligned((size_t)t->m.g.n_weights + 1, sizeof(float));
  random_weights(t->m.weights, &t->m.g, 7);
  for (int i = 0; i < t->m.g.n_params; i++) /* variances */
    for (int j = 0; t->m.g.params[i].role == PARAM_RUNNING && j < t->m.g.params[i].rows; j++)
      t->m.weights[t->m.g.params[i].offset + j] = 0.5f + 0.1f * (float)j;
  assert_int_equal(schema_of_graph(&t->m.schema, &t->m.g, &err), 0); /* shapes of pictures */
  scale(t);
  assert_int_equal(random_batch_new(&t->batch, &t->m.g, ROWS, lengths, 3, &err), 0);
}

static void free_made(made *t) {
  reference_free(&t->r);
  random_batch_free(&t->batch);
  model_free(&t->m);
}

/* --- what onnxruntime is compared with --- */

static void put_numbers(FILE *out, const char *what, const char *name, const char *type, const int64_t *shape, int rank) {
  fprintf(out, "%s %s %s", what, name, type);
  for (int i = 0; i < rank; i++) fprintf(out, " %d", (int)shape[i]);
  fprintf(out, " :");
}

static void put_inputs(const made *t, FILE *out) {
  for (int i = 0; i < t->m.g.n_inputs; i++) {
    const input *in = &t->m.g.inputs[i];
    const variable *v = &t->m.schema.list[in->data];
    const picture_shape *p = &v->shape;
    char name[128];
    const char *data = t->m.g.data[in->data].name;
    const batch_axis *a = in->space == SPACE_STEP ? &t->batch.axes[in->axis] : NULL;
    if (in->seen || (a && (a->steps != STEPS || a->first[STEPS] != STEPS * ROWS))) continue; /* texts of ctc are shorter */
    snprintf(name, sizeof name, in->lag == 0 ? "%s" : in->lag == 1 ? "%s_before" : "%s_%d_before", data, in->lag);
    const bool steps = in->space == SPACE_STEP;
    const int rows = steps ? STEPS * ROWS : ROWS;
    int64_t shape[6] = {STEPS, ROWS, in->width};
    int rank = in->index ? 2 : 3;
    if (p->channels) shape[2] = p->channels, shape[3] = p->rows, shape[4] = p->columns, rank = 5;
    put_numbers(out, "in", name, in->index ? "i" : "f", shape + !steps, rank - !steps);
    for (int r = 0; r < rows; r++) {
      if (in->index) fprintf(out, " %d", (int)t->batch.index[i][r]);
      for (int j = 0; j < in->width && !in->index; j++) {
        const int pixels = p->rows * p->columns, at = p->channels ? j % pixels * p->channels + j / pixels : j;
        const double x = (double)t->batch.number[i][r * in->width + at];
        if (in->lag && r / ROWS < in->lag)
          fprintf(out, " nan");
        else
          fprintf(out, " %.9g", v->mean ? x * v->deviation[j] + v->mean[j] : x);
      }
    }
    fprintf(out, "\n");
  }
}

/* As many numbers as the file hands out. */
static void put_output(const made *t, const loss *l, int k, FILE *out) {
  const graph *g = &t->m.g;
  const node *n = &g->nodes[l->args[k]];
  const variable *v = &t->m.schema.list[l->data];
  const bool symbols = l->distribution->support == SUPPORT_SYMBOLS, bits = l->distribution->support == SUPPORT_BIT;
  const char *arg = symbols || bits ? "p" : k < l->distribution->n_args ? l->distribution->args[k].name : l->distribution->name;
  const bool place = !strcmp(arg, "mean") || !strcmp(arg, "location"), spread = !strcmp(arg, "scale");
  const int width = symbols || !l->distribution->n_args ? n->width : g->data[l->data].width;
  const bool steps = n->space == SPACE_STEP || (g->data[l->data].space == SPACE_STEP && l->distribution->aligned);
  const int64_t shape[] = {STEPS, ROWS, width};
  char name[128];
  snprintf(name, sizeof name, l->distribution->n_args ? "%s_%s" : "%s_%s%d", g->data[l->data].name, arg, k + 1);
  put_numbers(out, "out", name, "f", shape + !steps, 3 - !steps);
  for (int r = 0; r < (steps ? STEPS * ROWS : ROWS); r++) {
    const double *x = n->op == OP_CONST ? &n->value : t->r.values[l->args[k]];
    double sum = 0;
    if (n->space != SPACE_PARAM) x += (n->space == SPACE_STEP ? r : r % ROWS) * n->width;
    for (int j = 0; j < width; j++) sum += exp(x[n->width == 1 ? 0 : j] - x[0]);
    for (int j = 0; j < width; j++) {
      double y = x[n->width == 1 ? 0 : j];
      if (symbols) y = exp(y - x[0]) / sum;
      if (bits) y = 1 / (1 + exp(-y));
      if (v->mean && (place || spread)) y = y * v->deviation[j] + (place ? v->mean[j] : 0);
      fprintf(out, " %.9g", y);
    }
  }
  fprintf(out, "\n");
}

static void dump(made *t, const char *name, const text *onnx, const char *folder) {
  const graph *g = &t->m.g;
  double *weights = mem_zero((size_t)g->n_weights + 1, sizeof *weights);
  unroll_error err = {0};
  char path[512];
  for (int64_t i = 0; i < g->n_weights; i++) weights[i] = (double)t->m.weights[i];
  if (reference_pass(&t->r, g, weights, &t->batch.b, NULL, 0, &err)) fail_msg("%s: %s", name, err.message);
  mem_free(weights);
  snprintf(path, sizeof path, "%s/%s.onnx", folder, name);
  FILE *out = fopen(path, "wb");
  assert_non_null(out);
  assert_int_equal(fwrite(onnx->data, 1, onnx->length, out), onnx->length);
  assert_int_equal(fclose(out), 0);
  char weights_path[512];
  snprintf(weights_path, sizeof weights_path, "%s/%s.safetensors", folder, name);
  port_torch torch = {.weights_path = weights_path, .weights_name = strrchr(weights_path, '/') + 1};
  if (port_write_torch(&torch, &t->m, &err)) fail_msg("%s: %s", name, err.message);
  snprintf(path, sizeof path, "%s/%s.py", folder, name);
  out = fopen(path, "w");
  assert_non_null(out);
  assert_int_equal(fwrite(torch.source.data, 1, torch.source.length, out), torch.source.length);
  assert_int_equal(fclose(out), 0);
  text_free(&torch.source);
  snprintf(path, sizeof path, "%s/%s.txt", folder, name);
  out = fopen(path, "w");
  assert_non_null(out);
  put_inputs(t, out);
  for (int i = 0; i < g->n_losses; i++)
    for (int k = 0; k < g->losses[i].n_args; k++) put_output(t, &g->losses[i], k, out);
  assert_int_equal(fclose(out), 0);
}

/* --- what is in the file --- */

static int count_nodes(const text *onnx, const char *op) {
  proto graph_message = proto_piece((proto){(const unsigned char *)onnx->data, onnx->length}, 7);
  proto_field f;
  bool bad = false;
  int n = 0;
  while (proto_next(&graph_message, &f, &bad))
    if (f.number == 1 && f.type == 2) {
      const proto own = proto_piece(f.piece, 4);
      n += !op || (own.size == strlen(op) && !memcmp(own.at, op, strlen(op)));
    }
  assert_false(bad);
  return n;
}

/* Is it an output? */
static bool hands_out(const text *onnx, const char *name) {
  proto graph_message = proto_piece((proto){(const unsigned char *)onnx->data, onnx->length}, 7);
  proto_field f;
  bool bad = false, found = false;
  while (proto_next(&graph_message, &f, &bad))
    if (f.number == 12 && f.type == 2) {
      const proto own = proto_piece(f.piece, 1);
      found |= own.size == strlen(name) && !memcmp(own.at, name, own.size);
    }
  return found;
}

/* The net as ONNX: how often `op` is there. */
static int exported(const char *name, const char *file, const char *net, const char *op) {
  made t;
  text onnx = {0};
  unroll_error err = {0};
  make(&t, file, net);
  if (port_write_onnx(&onnx, &t.m, NULL, "1", &err)) fail_msg("%s: %s", name, err.message);
  const int n = count_nodes(&onnx, op);
  if (!strcmp(name, "taken")) assert_true(hands_out(&onnx, "y_mean"));
  if (getenv("UNROLL_ONNX")) dump(&t, name, &onnx, getenv("UNROLL_ONNX"));
  text_free(&onnx);
  free_made(&t);
  return n;
}

static void test_nets(void **state) {
  (void)state;
  for (const builtin *b = lang_nets; b->name; b++) {
    char name[128];
    snprintf(name, sizeof name, "net_%s", b->name);
    assert_true(exported(name, b->file, b->text, NULL) > 2);
  }
}

/* Each cell forwards, in layers, backwards, from another's end. Which of them are operators of ONNX is a fact of the equations. */
static void test_cells(void **state) {
  static const char *const known[][2] = {
      {"lstm", "LSTM"},    {"lstm_peephole", "LSTM"}, {"lstm_cifg", "LSTM"}, {"elman_output", "RNN"},    {"lstm_b", "LSTM"},
      {"lstm_np", "LSTM"}, {"lstm_steep", "LSTM"},    {"gru", "GRU"},        {"gru_reset_after", "GRU"}, {"mgu", "GRU"},
      {"rnn", "RNN"},      {"rnn_relu", "RNN"},       {"irnn", "RNN"}};
  (void)state;
  for (const builtin *b = lang_cells; b->name; b++) {
    char name[128], net[1024];
    const char *op = "Scan";
    if (!strcmp(b->name, "rnn_image")) continue; /* of two inputs: the net caption has it */
    if (!strcmp(b->name, "highway")) continue;   /* no recurrence: below */
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
      if (!strcmp(known[i][0], b->name)) op = known[i][1];
    snprintf(name, sizeof name, "cell_%s", b->name);
    const bool plain = strcmp(op, "Scan") != 0; /* some of the others want x as wide as h */
    snprintf(
        net, sizeof net,
        "data x : numbers(3)\ndata y : numbers\n%sh = %s(%s, 6)\ng = %s(%s, 6, layers = 2, backward)\nd = %s(%s, 6, start = h)\n"
        "y ~ gaussian(V last(h) + W d + U first(g) + b, 1)\n",
        plain ? "" : "e = tanh(P x)\nwidth e = 6\nq = tanh(Q [h, x])\nwidth q = 6\nr = tanh(R [h, g])\nwidth r = 6\n", b->name,
        plain ? "x" : "e", b->name, plain ? "[h, x]" : "q", b->name, plain ? "[h, g]" : "r");
    if (exported(name, "cell.net", net, op) < 4) fail_msg("%s: not as %s", b->name, op);
  }
}

/* What no built-in net has. */
static const struct {
  const char *name, *op, *net;
} others[] = {
    {"lags", "Scan",
     "data x : numbers(2)\ndata y : numbers\nh = tanh(W [x[t-1], x[t-3], y[t-1], y[t-2]] + U h[t-1] + V h[t-3] + b)\nwidth h = 5\n"
     "y ~ student_t(A h[t-2] + ba, softplus(B h + bc), 2 + softplus(C h + bd))\n"},
    {"starts", "Scan",
     "data x : numbers(2)\ndata v : numbers(2) whole\ndata y : number each\nwidth n = 1\nn = n[t-1] + 1 + 0 * part(x, 1, 2)\nn[0] "
     "= 5\n"
     "h = highway(tanh(E x), 4)\nwidth h = 4\ns = s[t-1] + h\ns[0] = tanh(S v)\nr = reverse(s)\n"
     "y ~ gumbel(W [s, r] + 0.1 * n + b, 0.5)\n"},
    {"norms", "LayerNormalization",
     "data x : numbers(4)\ndata c : category\nu = batchnorm(x)\nv = layernorm(W u + b)\nwidth v = 5\nw = softmax(v) * rmsnorm(v) + "
     "l2norm(v)\n"
     "m = max(w) + mean(w) + 0.1 * sum(w) + first(w)\nc ~ softmax(A m + ba)\n"},
    {"functions", "Erf",
     "data x : numbers(4)\ndata y : number\na = gelu(x) + hard_sigmoid(x) + softplus(x) + abs(x) + sign(x) + step(x)\n"
     "b = sin(x) + cos(x) + sqrt(1 + square(x)) + exp(-x) + log(2 + x * x) + less(x, 0.1) + min(x, 0.3) + max(x, -0.2)\n"
     "c = elu(x) + selu(x) + silu(x) + mish(x) + softsign(x) + normal_cdf(x) / 2\ny ~ laplace(W last([a, b, c]) + bd, 0.3)\n"},
    {"pictures", "Conv",
     "data p : image(2, 9, 8)\ndata c : category\nu = relu(batchnorm(conv(p, 4, 3, stride = 2)))\n"
     "v = pool(conv(u, 6, 3, groups = 2), 2, mean)\nc ~ softmax(W [v, pool(u, 2)] + b)\n"},
    {"films", "Conv",
     "data p : image(2, 6, 7) each\ndata c : category each\nu = relu(batchnorm(conv(p, 4, 3)))\nh = gru(pool(u, 2), 5)\n"
     "c ~ softmax(W h + b)\n"},
    {"attention", "Einsum",
     "data a : words\ndata q : numbers(3)\ndata c : category\ndata v : words\nparam w\ne = embed(a, 5)\nh = lstm(e, 4)\n"
     "k = attend(Wq q, h)\nl = attend(Wl q, u, e, additive = w)\nu = Ul [h, e]\nwidth u = 6\nd = gru(embed(v[t-1], 4), 4, start = "
     "tanh(S k))\n"
     "m = attend(D d, attend(A h, h))\nv ~ softmax(W [d, m] + b)\nc ~ softmax(X [k, l] + bx)\n"},
    {"counts", "Scan",
     "data x : number each\ndata n : number each\ndata k : number each\nh = mut1(x, 3)\nn ~ negative_binomial(softplus(W h + b), "
     "softplus(V "
     "h + bc))\nx ~ quantile(0.1, 0.5, 0.9, Q h[t-1] + bq)\nk ~ bernoulli(B h + be)\n"},
    /* names that others have: of a buffer, of an output */
    {"taken", "Tanh",
     "data x : numbers(2)\ndata y : number\nparam x_mean\nh = tanh(W x + x_mean)\nwidth h = 2\ny_mean = V (h * x_mean) + b\n"
     "width y_mean = 1\ny ~ gaussian(y_mean, 1)\n"},
};

static void test_others(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (!exported(others[i].name, "other.net", others[i].net, others[i].op))
      fail_msg("%s: not as %s", others[i].name, others[i].op);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_nets), cmocka_unit_test(test_cells), cmocka_unit_test(test_others)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
