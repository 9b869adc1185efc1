/* testnet.h - what the tests of this room share: nets from text with small widths, random batches and weights, and a table of nets
 * that between them use every way in which time, width and data can be put together. */
#ifndef TESTS_TESTNET_H
#define TESTS_TESTNET_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>
#include "../part.h"
#include "base/memory.h"
#include "verify/random_batch.h"
#include "verify/reference.h"

typedef struct testnet {
  arena memory;
  program *net;
  graph g;
  float *weights;
  double *exact;
} testnet;

typedef struct testtext {
  const char *name, *text;
} testtext;

/* Every built-in cell comes besides these: see testnet_cell. */
static const testtext testnets[] = {
    {"language", "data token : chars\nh = lstm(embed(token[t-1], 4), 6)\ntoken ~ softmax(W h + b)\n"},
    {"one-hot", "hidden = 5\ndata token : chars\nh = tanh(V token[t-1] + U h[t-1] + bh)\ntoken ~ softmax(W h + b)\n"},
    {"attention to the own axis, with a layer norm beside it",
     "data x : numbers\ndata tag : words(5)\nhidden = 7\nc = attend(layernorm(Q h[t-1]), K x, V x)\nh = tanh(A x + B c)\n"
     "tag ~ softmax(W h + b)\n"},
    {"rows further apart than they are wide", /* see matrix_row of plan/frozen.h */
     "data token : chars\nh = mingru(embed(token[t-1], 3), 128)\ntoken ~ softmax(W layernorm(h) + b)\n"},
    {"such rows both ways", "data x : numbers\ndata tag : words(5)\nf = mingru(x, 128)\ng = mingru(x, 128, backward)\n"
                            "tag ~ softmax(W (f + g) + V last(f * g) + b)\n"},
    {"layers", "data token : chars\nh = gru(embed(token[t-1], 3), 5, layers = 3)\ntoken ~ softmax(W h + b)\n"},
    {"dropout", "data token : chars\nh = lstm(embed(token[t-1], 4), 6, layers = 2, dropout = 0.4)\n"
                "token ~ softmax(W dropout(h, 0.25) + b)\n"},
    {"tagging", "data word : words(20)\ndata tag : words(5)\ne = embed(word, 4)\nf = lstm(e, 5)\ng = lstm(e, 3, backward)\n"
                "tag ~ softmax(W [f, g] + b)\n"},
    {"sentiment", "data text : words(20)\ndata label : category\ne = embed(text, 4)\nf = lstm(e, 5)\ng = gru(e, 3, backward)\n"
                  "label ~ softmax(W [last(f), first(g)] + b)\n"},
    {"translate", "hidden = 6\ndata source : words(9)\ndata target : words(8)\ns = lstm(embed(source, 4), 6, backward)\n"
                  "d = lstm(embed(target[t-1], 4), 6, start = s)\ntarget ~ softmax(W tanh(V d + b) + c)\nparam c\n"},
    {"start with a vector",
     "hidden = 6\ndata v : numbers\ndata token : chars\ns = tanh(A v + ba)\nh = rnn(embed(token[t-1], 4), 5, start = s)\n"
     "token ~ softmax(W h + b)\n"},
    {"two steps back",
     "hidden = 5\ndata token : chars\nh = tanh(V token[t-1] + U h[t-1] + R h[t-2] + bh)\ntoken ~ softmax(W h + b)\n"},
    {"windows of the input",
     "hidden = 5\ndata x : numbers\ndata tag : words(6)\nh = tanh(A x + B x[t-1] + C x[t-2] + bh)\ntag ~ softmax(W h + b)\n"},
    {"two loops",
     "data token : chars\nu = rnn(embed(token[t-1], 4), 5)\nh = gru(u * sigmoid(G u + bg), 6)\ntoken ~ softmax(W [h, u] + b)\n"},
    {"equations after two loops",
     "hidden = 5\ndata token : chars\nn = layernorm(A token[t-1] + U h[t-1])\nh = tanh(n)\ng = tanh(B token[t-1] + V g[t-1])\n"
     "token ~ softmax(W [h + g, n * g] + b)\n"},
    {"equations after two loops, each way",
     "hidden = 5\ndata token : chars\nn = layernorm(A token[t-1] + U h[t-1])\nh = tanh(n)\nm = layernorm(B token[t-1] + V g[t-1])\n"
     "g = tanh(m)\ntoken ~ softmax(W [h * m, n * g] + b)\n"},
    {"one loop of two states",
     "hidden = 5\ndata token : chars\nu = tanh(A token[t-1] + B h[t-1] + bu)\nh = tanh(C u + D u[t-1] + bh)\n"
     "token ~ softmax(W h + b)\n"},
    {"no time", "hidden = 6\ndata x : numbers\ndata label : category\nlabel ~ softmax(W relu(V x + bv) + b)\n"},
    {"static into time",
     "hidden = 5\ndata v : numbers\ndata token : chars\nm = tanh(A v + ba)\nh = tanh(V token[t-1] + U h[t-1] + M m + bh)\n"
     "token ~ softmax(W (h * m) + b)\n"},
    {"layernorm",
     "hidden = 5\ndata token : chars\nh = tanh(layernorm(V token[t-1] + U h[t-1]) + bh)\ntoken ~ softmax(W layernorm(h) + b)\n"},
    {"softmax inside", "hidden = 5\ndata token : chars\nh = softmax(V token[t-1] + U h[t-1] + bh)\ntoken ~ softmax(W h + b)\n"},
    {"elementwise",
     "hidden = 5\ndata token : chars\nparam p, q\nh = sqrt(1 + abs(V token[t-1] + p * h[t-1])) + gelu(q) * softplus(U h[t-1])\n"
     "token ~ softmax(W (exp(-h) + min(h, 0.3) - max(p, h) / (2 + h^2)) + b)\n"},
    {"start with layers",
     "data source : words(9)\ndata target : words(8)\ns = gru(embed(source, 4), 5, layers = 2)\n"
     "d = gru(embed(target[t-1], 4), 5, layers = 2, start = s)\ntarget ~ softmax(W [d, embed(target[t-2], 3)] + b)\n"},
    {"two losses", "data word : words(9)\ndata tag : words(5)\ndata y : numbers\nh = gru(embed(word[t-1], 4), 5)\n"
                   "word ~ softmax(W h + b)\ntag ~ softmax(V h + bt)\ny ~ laplace(mean = M h, scale = exp(S last(h) + bs))\n"},
    {"bits", "data notes : numbers\nh = lstm(notes[t-1], 5)\nnotes ~ bernoulli(W h + b)\n"},
    {"zoneout", "hidden = 5\ndata token : chars lines\nn = tanh(V token[t-1] + U h[t-1] + bh)\nh = zoneout(n, h[t-1], 0.3)\n"
                "token ~ softmax(W dropout(h, 0.2, same) + b)\n"},
    {"cells in a cell", "data v : numbers\ndata source : words\ndata token : chars lines\n"
                        "r = rhn(embed(source, 3), 5, start = tanh(A v))\n"
                        "q = rhn(embed(token[t-1], 4), 5, depth = 2, start = r)\ntoken ~ softmax(W q + b)\n"},
    {"mean and max over time", "data x : numbers\ndata y : number\nh = gru(x, 5)\nm = max(x)\n"
                               "y ~ gaussian(mean = W [mean(h), max(h), m * mean(tanh(V h))] + b, scale = 1)\n"},
    {"the same maximum twice", "hidden = 5\ndata token : chars\ndata label : category\nh = relu(E token)\n"
                               "u = rnn(embed(token, 3), 4, start = max(V h - 1))\nlabel ~ softmax(W [max(h), max(u)] + b)\n"},
    {"reversed", "data x : numbers\ndata tag : words(5)\nhidden = 4\ne = tanh(A x)\nh = rnn(reverse(e), 4)\n"
                 "g = reverse(h * gru(e, 4, backward))\nu = rnn([g, reverse(x)], 3)\n"
                 "tag ~ softmax(W [reverse(g[t-1]), u, reverse(reverse(h) + h)] + V last(reverse(u)) + b)\n"},
    {"without a recurrence", "data x : numbers\ndata label : category\nlabel ~ softmax(W mean(x) + V max(x * x) + b)\n"},
    {"its own value before", "hidden = 5\ndata v : numbers\ndata source : words\ndata token : chars\n"
                             "s = rnn(embed(source, 3), 5)\nd = rnn([embed(token[t-1], 3), d[t-1]], 5, start = tanh(A v))\n"
                             "u = gru(V [u[t-1], d, u[t-2]], 5, start = s)\ntoken ~ softmax(W [d, u] + b)\n"},
    {"attention", "data source : words\ndata target : words\ns = rnn(embed(source, 3), 4, backward)\n"
                  "d = rnn(embed(target[t-1], 3), 4, start = s)\na = attend(d, s)\ntarget ~ softmax(W [d, a] + b)\n"},
    {"attention: keys and values, scaled",
     "hidden = 4\ndata source : words\ndata target : words\ne = embed(source, 3)\nf = rnn(e, 3)\ng = rnn(e, 4, backward)\n"
     "d = rnn(embed(target[t-1], 3), 5)\na = attend(Wq d, Wk [f, g], [e[t-1], g], scaled)\n"
     "target ~ softmax(W [d, tanh(a), attend(Wq d, Wk [f, g], f, scaled)] + b)\n"},
    {"attention in the loop",
     "hidden = 3\ndata source : words\ndata target : words\ns = lstm(embed(source, 3), 4, backward)\n"
     "d = lstm([embed(target[t-1], 3), attend(Wq d[t-1], Wk s, s)], 4, start = s)\ntarget ~ softmax(W d + b)\n"},
    {"additive attention in the loop",
     "hidden = 3\nparam v\ndata source : words\ndata target : words\ne = embed(source, 2)\nf = rnn(e, 4)\n"
     "g = rnn(e, 4, backward)\nd = gru([embed(target[t-1], 3), attend(Wd d[t-1], Ws [f, g], [f, g], additive = v)], 4, start = g)\n"
     "target ~ softmax(W d + b)\n"},
    {"additive attention", "hidden = 5\nparam v\ndata source : words\ndata target : words\ns = rnn(embed(source, 3), 5)\n"
                           "d = rnn(embed(target[t-1], 3), 5)\na = attend(d, s[t-1], Wv s, additive = v)\n"
                           "target ~ softmax(W [a, d] + b)\n"},
    {"attention of a question", "data story : words\ndata question : words\ndata answer : category\ns = rnn(embed(story, 3), 5)\n"
                                "q = last(rnn(embed(question, 3), 5))\nanswer ~ softmax(W [q, attend(q, s)] + b)\n"},
    {"attention of a vector", "data x : numbers\ndata label : category\nhidden = 5\nparam p, v\nh = rnn(x, 5)\n"
                              "label ~ softmax(W [attend(p, h), attend(p, tanh(V h), x, additive = v)] + b)\n"},
    {"attention to given steps", "data k : numbers\ndata token : chars\nhidden = 3\n"
                                 "h = rnn([embed(token[t-1], 3), attend(Wq h[t-1], k)], 4)\ntoken ~ softmax(W h + b)\n"},
    {"attention to itself",
     "data word : words\ndata tag : words\nh = rnn(embed(word, 3), 4)\na = attend(Wq h, Wk h, h, scaled)\nhidden = 4\n"
     "u = rnn(a, 3)\ntag ~ softmax(W u + V attend(h[t-1], h[t-1]) + b)\n"},
    {"attention in a stack",
     "hidden = 3\ndata source : words\ndata target : words\ns = rnn(embed(source, 2), 3, backward)\n"
     "d = rnn(embed(target[t-1], 2), 3, start = s)\na = attend(d, s)\nu = rnn([d, a], 3)\nm = rnn([u, attend(Wm m[t-1] + u, s), "
     "attend(Wm m[t-1] + u, s, source_sums)], 3)\nsource_sums = tanh(Wn s)\ntarget ~ softmax(W [u, attend(m, s)] + b)\n"},
    {"ctc", "data sound : numbers\ndata text : chars lines\nf = lstm(sound, 5)\ng = gru(sound, 3, backward)\n"
            "text ~ ctc(W [f, g] + b)\n"},
    {"ctc without a recurrence, beside another loss",
     "data x : numbers\ndata text : words\ndata label : category\ny = V x\nwidth y = 4\ntext ~ ctc(W tanh(y) + b)\n"
     "label ~ softmax(M mean(y) + bm)\n"},
    {"ctc of one symbol", "data x : numbers\ndata label : category\nlabel ~ ctc(W rnn(x, 4, backward) + b)\n"},
    {"forecast", "data y : number\ndata x : numbers\nh = lstm([y[t-1], x], 5, layers = 2)\n"
                 "y ~ gaussian(mean = Wm h + bm, scale = softplus(Ws h + bs))\n"},
    {"picture", "data p : image(2, 5, 4)\ndata label : category\nu = pool(relu(conv(p, 3, 3)), 2)\n"
                "label ~ softmax(W conv(dropout(u, 0.2) + u, 4, 2, valid) + b)\n"},
    {"frames", "data f : image(2, 4, 3)\ndata tag : category\nv = conv(f, 2, 2)\nh = gru(pool(tanh(v * f), 2), 5)\n"
               "tag ~ softmax(W h + V last(conv(v, 3, 1)) + b)\n"},
    {"picture with strides, groups, batches",
     "data p : image(4, 7, 6)\ndata label : category\nu = batchnorm(tanh(conv(p, 6, 3, stride = 2, groups = 2)))\n"
     "v = tanh(pool(u, 3, mean, stride = 1) + pool(u, 3, stride = 1))\nlabel ~ softmax(W conv(v, 3, 1, pad = 0, stride = 2) + "
     "b)\n"},
    {"frames, normalized", "data f : image(2, 4, 3)\ndata tag : category\nv = batchnorm(tanh(conv(f, 4, 2, groups = 2)))\n"
                           "z = tanh(A pool(v, 2, mean, stride = 1))\nwidth z = 3\nh = gru(z, 5)\n"
                           "tag ~ softmax(W h + V last(batchnorm(h)) + b)\n"},
    {"pooled convolutions", /* each is one stage with its relu and its pool: see plan/fuse.c */
     "data p : image(3, 13, 11)\ndata label : category\nu = pool(relu(conv(p, 18, 3)), 2)\nv = pool(conv(u, 6, 3, groups = 2), 3)\n"
     "label ~ softmax(W v + V pool(relu(conv(p, 5, 4, stride = 2)), 3) + b)\n"},
    {"pooled convolutions of frames",
     "data f : image(1, 8, 9)\ndata tag : category\nu = pool(relu(conv(f, 3, 5)), 2)\nr = relu(conv(u, 3, 2))\n"
     "h = gru(pool(relu(conv(r + u[t-1], 4, 3, valid)), 2), 5)\ntag ~ softmax(W h + V relu(conv(r, 3, 2, stride = 2)) + b)\n"},
    {"states that are pictures", /* Shi et al. 2015 */
     "data f : image(2, 4, 3)\ndata tag : category\ni = sigmoid(conv(f, 3, 3) + conv(h[t-1], 3, 3))\n"
     "g = sigmoid(conv(f, 3, 3) + conv(h[t-1], 3, 3) + k * c[t-1])\nc = g * c[t-1] + i * tanh(conv(f, 3, 3) + conv(h[t-1], 3, 3))\n"
     "o = sigmoid(conv(f, 3, 3) + conv(h[t-1], 3, 3))\nh = o * tanh(c)\nwidth h = image(3, 4, 3)\nparam k\n"
     "tag ~ softmax(W h + V last(pool(h, 2)) + M conv(q[t-1] + u, 1, 1) + b)\nq = conv(f[t-1], 4, 2)\nu = K h\nwidth u = image(4, "
     "4, 3)\n"},
    {"convolutions whose numbers go elsewhere, too",
     "data p : image(2, 6, 6)\ndata label : category\nu = conv(p, 4, 3)\nr = relu(u)\ns = relu(conv(p, 4, 2))\n"
     "label ~ softmax(W pool(r, 2) + V pool(r * u, 3) + M pool(s, 2) + K pool(s, 3) + b)\n"},
    {"positions of a picture",
     "data p : image(3, 4, 5)\ndata tag : words(6)\nu = tanh(conv(p, 5, 3))\n"
     "a = blend(softmax(match(Q h[t-1], u)), u)\nh = gru([embed(tag[t-1], 4), a, match(K h[t-1], p)], 6)\n"
     "tag ~ softmax(W h + V match(k, pool(u, 2)) + b)\nk = blend(S (h * h), u)\n"},
    {"positions of frames",
     "data f : image(2, 4, 3)\ndata tag : category\nv = tanh(conv(f, 17, 2))\nk = blend(softmax(G mean(z)), first(v))\n"
     "z = A v\nwidth z = 3\ns = softmax(conv(match(k, v), 2, 2))\nh = gru([blend(P h[t-1], f), s, blend(part(s, 1, 2), v)], 5)\n"
     "tag ~ softmax(W h + V last(s) + b)\n"},
    {"predicting state, backward", "data word : words\ndata tag : words\nf = rnn(embed(word, 3), 8)\n"
                                   "h = rnn(embed(word, 3), 8, backward, start = last(f))\ntag ~ softmax(h)\n"},
    {"table that multiplies", "data token : chars\nwidth e = 5\ne = E token[t-1]\nq = E (E' e)\ntoken ~ softmax(E' tanh(q))\n"},
    {"table before a loop",
     "data token : chars\nwidth e = 5\ne = E token[t-1]\nh = gru(tanh(E' e), 6)\ntoken ~ softmax(W h + b)\n"},
};
enum { TESTNETS = sizeof testnets / sizeof *testnets };

/* Symbols get 7, 8, 9 ... of them, `numbers` a width of 3 if they say none. Returns what graph_build said. */
static inline unroll_status testnet_build(testnet *n, const char *source, int differentiate, unroll_error *err) {
  binding bindings[8];
  build_options o = {.bindings = bindings};
  *n = (testnet){0};
  graph_init(&n->g);
  unroll_status s = lang_parse(&n->net, "test.net", source, &n->memory, err);
  if (s != UNROLL_OK) return s;
  for (int i = 0; i < n->net->n_statements && o.n_bindings < 8; i++) {
    const statement *d = &n->net->statements[i];
    if (d->kind != STATEMENT_DATA || d->value->n_args) continue;
    const char *kind = d->value->name;
    const int width = strcmp(kind, "number") == 0    ? 1
                      : strcmp(kind, "numbers") == 0 ? 3
                      : strcmp(kind, "box") == 0     ? 4
                                                     : 7 + o.n_bindings;
    bindings[o.n_bindings++] = (binding){.name = d->name, .width = width};
  }
  s = graph_build(&n->g, n->net, &o, err);
  if (s == UNROLL_OK && differentiate) s = graph_differentiate(&n->g, err);
  if (s != UNROLL_OK) return s;
  n->weights = mem_zero((size_t)n->g.n_weights + 1, sizeof *n->weights);
  n->exact = mem_zero((size_t)n->g.n_weights + 1, sizeof *n->exact);
  assert_true(n->weights && n->exact);
  random_weights(n->weights, &n->g, 11);
  for (int64_t i = 0; i < n->g.n_weights; i++) n->exact[i] = (double)n->weights[i];
  return UNROLL_OK;
}

static inline void testnet_free(testnet *n) {
  mem_free(n->weights);
  mem_free(n->exact);
  graph_free(&n->g);
  arena_free(&n->memory);
  *n = (testnet){0};
}

static inline void testnet_say(const char *name, const unroll_error *err) {
  fprintf(stderr, "%s: %s:%d:%d: %s\n%s\n", name, err->file, err->line, err->column, err->message, err->source);
}

/* A net around a built-in cell, with a data line for each input that the cell has, as wide as the cell asks for. */
static inline const char *testnet_cell(char out[512], const char *cell, int hidden) {
  arena memory = {0};
  program *alone;
  graph g;
  char data[200] = "", inputs[100] = "";
  const setting size = {.name = "hidden", .number = hidden};
  graph_init(&g);
  assert_int_equal(lang_parse(&alone, cell, lang_builtin_cell(cell)->text, &memory, NULL), UNROLL_OK);
  assert_int_equal(graph_build(&g, alone, &(build_options){.settings = &size, .n_settings = 1}, NULL), UNROLL_OK);
  for (int i = 0; i < g.n_data; i++) {
    snprintf(data + strlen(data), sizeof data - strlen(data), "data %s : numbers(%d)\n", g.data[i].name, g.data[i].width);
    snprintf(inputs + strlen(inputs), sizeof inputs - strlen(inputs), "%s, ", g.data[i].name);
  }
  graph_free(&g);
  arena_free(&memory);
  snprintf(out, 512, "%sdata predicted : numbers\nh = %s(%s%d)\npredicted ~ gaussian(mean = W h + b, scale = 1)\n", data, cell,
           inputs, hidden);
  return out;
}

static inline double testnet_loss(const reference *r, const batch *b) {
  double sum = 0;
  for (int i = 0; i < r->g->n_losses; i++) sum += reference_loss(r, i);
  return b->loss_scale * sum;
}

/* Shapes of batches: lengths in the order of batch rows, ending with -1. */
static const int testlengths[][12] = {{1, -1},          {4, -1},   {1, 1, 1, -1}, {5, 1, 4, 6, 3, -1}, {9, 8, 8, 7, 5, 3, 2, 1, -1},
                                      {2, 0, 3, 1, -1}, {0, 0, -1}};
enum { TESTLENGTHS = sizeof testlengths / sizeof *testlengths };
static inline int testlengths_rows(int k) {
  int n = 0;
  while (testlengths[k][n] >= 0) n++;
  return n;
}
#endif
