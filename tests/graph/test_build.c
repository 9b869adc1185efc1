/* test_build.c - programs become graphs: parameters, time, states, widths, settings.
 *
 * Every graph built here goes through check_graph, which looks at what the rooms below rely on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "graph/graph.h"
#include "graph/idle.h"

typedef struct built {
  arena memory;
  program *net;
  graph g;
} built;

static unroll_status build_with(built *t, const char *source, const build_options *o, unroll_error *err) {
  *t = (built){0};
  graph_init(&t->g);
  unroll_status s = lang_parse(&t->net, "test.net", source, &t->memory, err);
  return s == UNROLL_OK ? graph_build(&t->g, t->net, o, err) : s;
}

static void drop(built *t) {
  graph_free(&t->g);
  arena_free(&t->memory);
}

/* --- what must hold for every graph --- */

static bool fits(const node *n, const node *x) { return x->width == n->width || x->width == 1; }

static void check_node(const graph *g, int i) {
  const node *n = &g->nodes[i], *x = graph_at(g, n->in[0]), *y = graph_at(g, n->in[1]);
  const param *p = n->param >= 0 ? &g->params[n->param] : NULL;
  assert_true(n->width >= 1);
  assert_true(n->in[3] == NODE_NONE || n->op == OP_BATCHNORM);
  assert_non_null(n->op == OP_CONST || n->op == OP_CARRY ? (const void *)"" : (const void *)n->source);
  for (int k = 0; k < NODE_INPUTS; k++) {
    assert_true(n->in[k] >= NODE_NONE && n->in[k] < g->n_nodes);
    if (n->in[k] > i) assert_true((n->op == OP_SHIFT && k < 2) || n->op == OP_CONCAT);
  }
  if (n->space == SPACE_STEP) assert_true(n->axis >= 0 && n->axis < g->n_axes);
  if (graph_ops[n->op].kind != OP_KIND_OTHER) {
    assert_true(fits(n, x) && x->space <= n->space);
    if (graph_ops[n->op].inputs == 2)
      assert_true(fits(n, y) && y->space <= n->space && (x->width == n->width || y->width == n->width));
  }
  switch (n->op) {
  case OP_SHIFT:
    assert_true(n->dir == 1 || n->dir == -1);
    assert_true(x->space == SPACE_STEP && x->axis == n->axis && x->width == n->width);
    if (n->in[1] != NODE_NONE) assert_true(y->space == SPACE_STATIC && y->width == n->width);
    break;
  case OP_DOTS:
  case OP_ADDITIVE:
    assert_true(x->space == n->space && x->axis == n->axis && y->space == SPACE_STEP && x->width == y->width);
    assert_int_equal(graph_steps_axis(n->width), y->axis);
    break;
  case OP_MIX:
    assert_true(x->space == n->space && x->axis == n->axis && y->space == SPACE_STEP && y->width == n->width);
    assert_int_equal(graph_steps_axis(x->width), y->axis);
    break;
  case OP_EDGE:
    assert_true(x->space == SPACE_STEP && x->axis == n->axis && x->width == n->width && n->space == SPACE_STATIC);
    break;
  case OP_MATVEC:
    assert_true(p && p->rows == n->width && n->c0 + x->width <= p->cols && x->space == n->space && x->space != SPACE_PARAM);
    break;
  case OP_MATVEC_T:
    assert_true(p && p->rows == x->width && n->c0 + n->width <= p->cols && x->space == n->space);
    break;
  case OP_EMBED:
    assert_true(p && p->cols == n->width && p->rows == g->inputs[n->slot].width && g->inputs[n->slot].index);
    break;
  case OP_VECTOR:
    assert_true(p && p->vector && p->rows == n->width && n->space == SPACE_PARAM);
    break;
  case OP_CONCAT:
    assert_true(x->width + y->width == n->width && x->space == n->space && y->space == n->space);
    break;
  case OP_CROSS_ENTROPY:
    assert_true(x->space == n->space && x->width == g->inputs[n->slot].width && n->width == 1);
    break;
  default:
    break;
  }
}

static void check_graph(const graph *g) {
  int64_t offset = 0;
  for (int i = 0; i < g->n_nodes; i++) check_node(g, i);
  for (int i = 0; i < g->n_params; i++) {
    assert_true(g->params[i].offset == offset);
    offset += (int64_t)g->params[i].rows * g->params[i].cols;
    for (int k = 0; k < i; k++) assert_string_not_equal(g->params[i].name, g->params[k].name);
  }
  assert_true(offset == g->n_weights);
  for (int i = 0; i < g->n_losses; i++) {
    const loss *l = &g->losses[i];
    assert_true(graph_at(g, l->node)->width == 1 && g->inputs[l->slot].data == l->data && g->inputs[l->slot].lag == 0);
    assert_true(l->prediction >= 0);
    if (l->distribution->aligned) assert_true(graph_at(g, l->node)->space == g->data[l->data].space);
  }
  for (int i = 0; i < g->n_carries; i++) {
    const carry *c = &g->carries[i];
    assert_true(graph_at(g, c->edge)->op == OP_EDGE && graph_at(g, c->edge)->dir == -1 && graph_at(g, c->edge)->in[0] == c->node);
    assert_true(graph_at(g, c->node)->width == c->width && c->name);
  }
}

static void build_or_fail(built *t, const char *source, const build_options *o) {
  unroll_error err;
  if (build_with(t, source, o, &err) != UNROLL_OK)
    fail_msg("%s\n%s:%d:%d: %s\n%s", source, err.file, err.line, err.column, err.message, err.source);
  check_graph(&t->g);
}

/* --- all that is built in --- */

static void test_builtin(void **state) {
  (void)state;
  for (int nets = 0; nets < 2; nets++)
    for (const builtin *f = nets ? lang_nets : lang_cells; f->name; f++) {
      built t;
      build_or_fail(&t, f->text, NULL);
      assert_true(nets ? t.g.n_losses > 0 : t.g.output_node >= 0 && t.g.n_losses == 0);
      if (!nets && !strcmp(f->name, "lstm")) assert_int_equal(graph_at(&t.g, t.g.output_node)->width, 7);
      drop(&t);
    }
  assert_int_equal(mem_live(), 0);
}

/* The settings that built-in nets have in common, where they make sense: each alone and all together make a net. */
static const struct net_settings {
  const char *net, *settings;
} net_settings[] = {
    {"answer", "hidden cell layers drop embedding vocabulary"},
    {"bag", "drop embedding vocabulary"},
    {"caption", "hidden layers drop embedding vocabulary"},
    {"caption_attend", "hidden cell drop embedding vocabulary"},
    {"classify", "hidden cell layers drop"},
    {"clicks", "hidden cell layers drop embedding vocabulary"},
    {"forecast", "hidden cell layers drop"},
    {"forecast_given", "hidden cell layers drop"},
    {"handwriting", "hidden cell layers drop"},
    {"handwriting_read", "hidden cell drop"},
    {"handwriting_text", "hidden cell drop embedding"},
    {"image", "drop"},
    {"language", "hidden cell layers drop embedding"},
    {"music", "hidden cell layers drop"},
    {"names", "hidden cell layers drop embedding"},
    {"regress", "hidden cell layers drop"},
    {"sentiment", "hidden cell layers drop embedding vocabulary"},
    {"speech", "hidden cell layers drop"},
    {"summarise", "hidden cell layers drop embedding vocabulary"},
    {"tag", "hidden cell layers drop embedding vocabulary"},
    {"track", "hidden cell"},
    {"translate", "hidden cell layers drop embedding vocabulary"},
    {"translate_align", "hidden cell layers drop embedding vocabulary"},
    {"translate_plain", "hidden cell layers drop embedding vocabulary"},
    {"video", "hidden cell layers drop"},
    {"vqa", "hidden cell layers drop embedding vocabulary"},
    {"words", "hidden cell layers drop embedding vocabulary"},
    {"words_tied", "hidden cell layers drop vocabulary"},
};

static void test_net_settings(void **state) {
  (void)state;
  static const setting values[] = {{.name = "hidden", .number = 24},    {.name = "cell", .word = "rnn"},
                                   {.name = "layers", .number = 5},     {.name = "drop", .number = 0.25},
                                   {.name = "embedding", .number = 12}, {.name = "vocabulary", .number = 50}};
  enum { N = sizeof values / sizeof *values };
  int nets = 0;
  for (const builtin *f = lang_nets; f->name; f++) nets++;
  assert_int_equal(nets, sizeof net_settings / sizeof *net_settings);
  for (int i = 0; i < nets; i++) {
    const struct net_settings *row = &net_settings[i];
    setting all[N];
    int n = 0;
    built plain, t;
    build_or_fail(&plain, lang_builtin_net(row->net)->text, NULL);
    for (int k = 0; k < N; k++) {
      const bool has = strstr(row->settings, values[k].name) != NULL;
      unroll_error err;
      const unroll_status status =
          build_with(&t, lang_builtin_net(row->net)->text, &(build_options){.settings = &values[k], .n_settings = 1}, &err);
      if (status != (has ? UNROLL_OK : UNROLL_USAGE)) fail_msg("%s, %s: %s", row->net, values[k].name, err.message);
      const bool other =
          has && (t.g.n_weights != plain.g.n_weights || t.g.n_masks > plain.g.n_masks || t.g.n_nodes != plain.g.n_nodes);
      if (has && !other && !plain.g.n_masks) /* another probability is the same graph */
        fail_msg("%s: %s changes nothing", row->net, values[k].name);
      if (has) all[n++] = values[k];
      drop(&t);
    }
    build_or_fail(&t, lang_builtin_net(row->net)->text, &(build_options){.settings = all, .n_settings = n});
    drop(&t);
    drop(&plain);
  }
}

/* Every cell in a net, forward and backward, in layers. A cell alone shows how many further inputs it has. */
static void test_cells_in_nets(void **state) {
  (void)state;
  for (const builtin *f = lang_cells; f->name; f++) {
    built t;
    char source[400], extra[40] = "";
    build_or_fail(&t, f->text, NULL);
    for (int i = 1; i < t.g.n_data; i++) strcat(extra, "v, ");
    drop(&t);
    snprintf(source, sizeof source,
             "data x : numbers\ndata v : numbers\ndata y : numbers\nf = %s(x, %s5, layers = 2)\n"
             "g = %s(f, %s5, backward, dropout = 0.5)\ny ~ gaussian(mean = W [f, g] + A v + b, scale = 1)\n",
             f->name, extra, f->name, extra);
    const binding bindings[] = {{"x", 5}, {"y", 2}, {"v", 4}};
    build_options o = {.bindings = bindings, .n_bindings = 3};
    build_or_fail(&t, source, &o);
    assert_int_equal(t.g.n_masks, 1);
    drop(&t);
  }
}

/* --- parameters --- */

static const struct shape {
  const char *name;
  int rows, cols;
  enum param_role role;
} language[] = {
    {"token.embed", 65, 64, PARAM_EMBEDDING},
    {"h.Wi", 256, 64, PARAM_INPUT_MATRIX},
    {"h.Ui", 256, 256, PARAM_RECURRENT_MATRIX},
    {"h.bi", 256, 1, PARAM_BIAS},
    {"h.Wf", 256, 64, PARAM_INPUT_MATRIX},
    {"h.Uf", 256, 256, PARAM_RECURRENT_MATRIX},
    {"h.bf", 256, 1, PARAM_BIAS},
    {"h.Wg", 256, 64, PARAM_INPUT_MATRIX},
    {"h.Ug", 256, 256, PARAM_RECURRENT_MATRIX},
    {"h.bg", 256, 1, PARAM_BIAS},
    {"h.Wo", 256, 64, PARAM_INPUT_MATRIX},
    {"h.Uo", 256, 256, PARAM_RECURRENT_MATRIX},
    {"h.bo", 256, 1, PARAM_BIAS},
    {"W", 65, 256, PARAM_INPUT_MATRIX},
    {"b", 65, 1, PARAM_BIAS},
};
enum { N_LANGUAGE = sizeof language / sizeof *language };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void test_language(void **state) {
  (void)state;
  built t;
  const double start = now();
  build_or_fail(&t, lang_builtin_net("language")->text, NULL);
  assert_true(now() - start < 0.05); /* 0.1 ms on an idle machine; room for sanitizers */
  assert_int_equal(t.g.n_params, N_LANGUAGE);
  for (int i = 0; i < N_LANGUAGE; i++) {
    const param *p = &t.g.params[i];
    assert_string_equal(p->name, language[i].name);
    assert_int_equal(p->rows, language[i].rows);
    assert_int_equal(p->cols, language[i].cols);
    assert_int_equal(p->role, language[i].role);
    assert_int_equal(p->vector, language[i].role == PARAM_BIAS);
    assert_int_equal(p->init, strcmp(p->name, "h.bf") ? INIT_DEFAULT : INIT_NUMBER);
  }
  assert_int_equal(t.g.n_weights, 349569);
  assert_int_equal(t.g.n_carries, 2);
  drop(&t);
}

/* --- a table: net -> parameters, data, carries --- */

static const struct row {
  const char *source, *expected; /* NAME[rows,cols] ... | data:s(tatic) or its axis ... | carries | masks */
} rows[] = {
    /* scopes */
    {"data token : chars lines\nhidden = 4\nh = gru(embed(token[t-1], 3), hidden, layers = 2)\ntoken ~ softmax(W h + b)\n",
     "token.embed[65,3] h.1.Wz[4,3] h.1.Uz[4,4] h.1.bz[4] h.1.Wr[4,3] h.1.Ur[4,4] h.1.br[4] h.1.Wc[4,3] h.1.Uc[4,4] h.1.bc[4] "
     "h.2.Wz[4,4] h.2.Uz[4,4] h.2.bz[4] h.2.Wr[4,4] h.2.Ur[4,4] h.2.br[4] h.2.Wc[4,4] h.2.Uc[4,4] h.2.bc[4] W[65,4] b[65] "
     "| token:0 | | 0"},
    {"data token : chars lines\ntoken ~ softmax(W rnn(rnn(embed(token[t-1], 3), 4), 5) + b)\n",
     "token.embed[65,3] rnn.Wxh[4,3] rnn.Whh[4,4] rnn.b[4] rnn2.Wxh[5,4] rnn2.Whh[5,5] rnn2.b[5] W[65,5] b[65] | token:0 | | 0"},
    {"data token : chars\nh = rnn(embed(token[t-1], 3) + embed(token[t-2], 3), 4)\ntoken ~ softmax(W h)\n",
     "token.embed[65,3] token.embed2[65,3] h.Wxh[4,3] h.Whh[4,4] h.b[4] W[65,4] | token:0 | h | 0"},
    {"data token : chars\nh = stacked(embed(token[t-1], 3), 4)\ntoken ~ softmax(W h)\n",
     "token.embed[65,3] h.low.Wxh[4,3] h.low.Whh[4,4] h.low.b[4] h.h.Wxh[4,4] h.h.Whh[4,4] h.h.b[4] W[65,4] | token:0 "
     "| h.low h.h | 0"},
    /* the same matrix twice; a matrix of symbols; weight tying */
    {"data x : numbers\nx ~ gaussian(mean = W tanh(W x[t-1]), scale = exp(bs))\n", "W[1,1] bs[1] | x:0 | | 0"},
    {"data token : chars\nh = rnn(E token[t-1], 4)\ne = V h\ntoken ~ softmax(E' e + b)\nhidden = 6\n",
     "E[65,6] h.Wxh[4,6] h.Whh[4,4] h.b[4] V[6,4] b[65] | token:0 | h | 0"},
    {"data token : chars\nh = rnn(token[t-1], 4)\ntoken ~ softmax(W h)\n",
     "h.Wxh[65,4] h.Whh[4,4] h.b[4] W[65,4] | token:0 | h | 0"},
    /* net-level recurrences */
    {"data token : chars\nhidden = 4\nh = tanh(V token[t-1] + U h[t-1] + bh)\ntoken ~ softmax(W h)\n",
     "V[65,4] U[4,4] bh[4] W[65,4] | token:0 | h | 0"},
    {"data y : number\ns = 0.9 * s[t-1] + 0.1 * y[t-1]\ny ~ gaussian(mean = s, scale = 1)\n", "| y:0 | | 0"},
    {"data x : numbers\ndata label : category\nhidden = 4\nh = tanh(V x + U h[t-1])\nlabel ~ softmax(W last(h))\n",
     "V[4,1] U[4,4] W[65,4] | x:0 label:s | | 0"},
    {"data token : chars\nn = n[t-1] + 1\nh = rnn(embed(token[t-1], 3) / n, 4)\ntoken ~ softmax(W h)\n",
     "token.embed[65,3] h.Wxh[4,3] h.Whh[4,4] h.b[4] W[65,4] | token:0 | n h | 0"},
    /* definitions in any order, other names */
    {"data token : chars\nh = rnn(e, 4)\nf = token\ne = embed(f[t-1], 3)\ntoken ~ softmax(W h)\n",
     "token.embed[65,3] h.Wxh[4,3] h.Whh[4,4] h.b[4] W[65,4] | token:0 | h | 0"},
    /* static and stepped */
    {"data word : words(20)\ndata tag : category\ne = embed(word, 3)\nf = rnn(e, 4)\ng = rnn(e, 5, backward)\ntag ~ softmax(W [f, "
     "g] + b)\n",
     "word.embed[20,3] f.Wxh[4,3] f.Whh[4,4] f.b[4] g.Wxh[5,3] g.Whh[5,5] g.b[5] W[65,9] b[65] | word:0 tag:0 | | 0"},
    {"data text : words(20)\ndata label : category\ne = embed(text, 3)\nf = rnn(e, 4)\nlabel ~ softmax(W [last(f), first(f)] + "
     "b)\n",
     "text.embed[20,3] f.Wxh[4,3] f.Whh[4,4] f.b[4] W[65,8] b[65] | text:0 label:s | | 0"},
    {"data y : number\ndata x : numbers\nh = rnn([y[t-1], x], 4)\ny ~ gaussian(mean = Wm h + bm, scale = softplus(Ws h + bs))\n",
     "h.Wxh[4,2] h.Whh[4,4] h.b[4] Wm[1,4] bm[1] Ws[1,4] bs[1] | y:0 x:0 | | 0"},
    {"data v : numbers\ndata word : words(9)\nh = rnn_image(embed(word[t-1], 3), v, 4)\nword ~ softmax(W h)\n",
     "word.embed[9,3] h.Wxh[4,3] h.Whh[4,4] h.Wih[4,1] h.b[4] W[9,4] | v:s word:0 | | 0"},
    /* pictures: rows and columns stay, `valid` and pool make them fewer; frames of a recurrence have steps */
    {"data p : image(3, 8, 6)\ndata label : category\nu = pool(relu(conv(p, 5, 3)), 2)\nlabel ~ softmax(W conv(u, 4, 2, valid))\n",
     "u.conv[5,27] u.conv_bias[5] conv[4,20] conv_bias[4] W[65,24] | p:s label:s | | 0"},
    {"data p : image(1, 4, 5)\ndata label : category\nu = conv(p, 2, 1) + conv(p, 2, kernel = 2)\nlabel ~ softmax(W pool(u, 3))\n",
     "u.conv[2,1] u.conv_bias[2] u.conv2[2,4] u.conv2_bias[2] W[65,2] | p:s label:s | | 0"},
    {"data p : image(4, 9, 7)\ndata label : category\nu = batchnorm(conv(p, 6, 3, stride = 2, groups = 2))\nlabel ~ softmax(W "
     "pool(conv(u, 5, 4, valid, stride = 3), 1, mean) + V pool(conv(p, 5, 2, pad = 1), 3, stride = 2) + A conv(p, 2, 3, pad = "
     "0))\n",
     "u.conv[6,18] u.conv_bias[6] u.batchnorm[6] u.batchnorm_bias[6] u.batchnorm_mean[6] u.batchnorm_variance[6] conv[5,96] "
     "conv_bias[5] W[65,5] conv2[5,16] conv2_bias[5] V[65,60] conv3[2,36] conv3_bias[2] A[65,70] | p:s label:s | | 0"},
    {"data p : image(2, 4, 4)\ndata label : category\nh = rnn(pool(conv(p, 3, 3), 2), 4)\nlabel ~ softmax(W h)\n",
     "h.conv[3,18] h.conv_bias[3] h.Wxh[4,12] h.Whh[4,4] h.b[4] W[65,4] | p:0 label:0 | | 0"},
    {"data source : words(9)\ndata target : words(8)\ns = lstm(embed(source, 3), 2, backward)\nd = rnn(embed(target[t-1], 3), 2, "
     "start = s)\n"
     "target ~ softmax(W d)\n",
     "source.embed[9,3] s.Wi[2,3] s.Ui[2,2] s.bi[2] s.Wf[2,3] s.Uf[2,2] s.bf[2] s.Wg[2,3] s.Ug[2,2] s.bg[2] s.Wo[2,3] s.Uo[2,2] "
     "s.bo[2] "
     "target.embed[8,3] d.Wxh[2,3] d.Whh[2,2] d.b[2] W[8,2] | source:0 target:1 | | 0"},
    {"data x : numbers\ndata label : category\nlabel ~ softmax(W x + b)\n", "W[65,1] b[65] | x:s label:s | | 0"},
    /* what the data has not said yet decides nothing: symbols, numbers, a most of symbols */
    {"data c : category\ndata y : category\nh = rnn(embed(c, 8), 3)\ny ~ softmax(h)\n",
     "c.embed[65,8] h.Wxh[3,8] h.Whh[3,3] h.b[3] | c:0 y:0 | | 0"},
    {"data c : words(9)\ndata y : words(9)\nh = rnn(embed(c, 8), 3)\ny ~ softmax(h)\n",
     "c.embed[9,8] h.Wxh[3,8] h.Whh[3,3] h.b[3] | c:0 y:0 | | 0"},
    {"data x : numbers\ndata y : numbers\nh = rnn(x, 3)\ny ~ gaussian(mean = h, scale = 1)\n",
     "h.Wxh[3,1] h.Whh[3,3] h.b[3] | x:0 y:0 | | 0"},
    {"data x : numbers\ndata y : numbers\nh = mut1(x, 4)\ny ~ gaussian(mean = V h, scale = 1)\n",
     "h.Wxz[4,4] h.bz[4] h.Wxr[4,4] h.Whr[4,4] h.br[4] h.Whh[4,4] h.bh[4] V[1,4] | x:0 y:0 | | 0"},
    /* a category in a recurrence of the net is one for the sequence, unless the data line says otherwise; so is what enters a cell
     */
    {"data c : category(9)\ndata y : category(5)\nhidden = 4\nh = tanh(embed(c, 4) + U h[t-1])\ny ~ softmax(W h)\n",
     "c.embed[9,4] U[4,4] W[5,4] | c:s y:0 | | 0"},
    {"data c : category(9) each\ndata y : category(5)\nhidden = 4\nh = tanh(embed(c, 4) + U h[t-1])\ny ~ softmax(W h)\n",
     "c.embed[9,4] U[4,4] W[5,4] | c:0 y:0 | | 0"},
    {"data c : category(9) each\ndata y : category(5)\ny ~ softmax(W embed(c, 4))\n", "c.embed[9,4] W[5,4] | c:0 y:0 | | 0"},
    {"data c : category(9) whole\ndata y : words(5)\nh = rnn([embed(c, 3), embed(y[t-1], 2)], 4)\ny ~ softmax(W h)\n",
     "c.embed[9,3] y.embed[5,2] h.Wxh[4,5] h.Whh[4,4] h.b[4] W[5,4] | c:s y:0 | | 0"},
    {"data p : image(1, 2, 2) each\ndata y : category(5) each\ny ~ softmax(W p)\n", "W[5,4] | p:0 y:0 | | 0"},
    {"data token : chars\ntoken ~ softmax(b)\n", "b[65] | token:0 | | 0"},
    /* masks */
    {"data token : chars lines\nh = rnn(embed(token[t-1], 3), 4, layers = 2, dropout = 0.5)\ntoken ~ softmax(W dropout(h, 0.1, "
     "same))\n",
     "token.embed[65,3] h.1.Wxh[4,3] h.1.Whh[4,4] h.1.b[4] h.2.Wxh[4,4] h.2.Whh[4,4] h.2.b[4] W[65,4] | token:0 | | 3"},
    {"data token : chars lines\nh = rnn(dropout(embed(token[t-1], 3), 0), 4, dropout = 0)\ntoken ~ softmax(W h)\n",
     "token.embed[65,3] h.Wxh[4,3] h.Whh[4,4] h.b[4] W[65,4] | token:0 | | 0"},
    /* widths of inner products in a cell and in a net */
    {"data x : numbers\nh = mlp(x[t-1], 4)\nx ~ gaussian(mean = V h, scale = 1)\n", "h.W[4,1] h.V[4,4] h.p[4] V[1,4] | x:0 | | 0"},
    {"data x : numbers(3)\ny = [x[t-1], tanh(V x[t-1])]\nx ~ gaussian(mean = W y, scale = [1, 2, s])\nparam s\nhidden = 5\n",
     "V[5,3] W[3,8] s[1] | x:0 | | 0"},
    /* start with a vector; states of cells in cells */
    {"data token : chars lines\nparam p\nh = rnn(embed(token[t-1], 3), 4, start = p)\ntoken ~ softmax(W h)\n",
     "token.embed[65,3] p[4] h.Wxh[4,3] h.Whh[4,4] h.b[4] W[65,4] | token:0 | | 0"},
    {"data a : chars lines\ndata token : chars lines\ns = stacked(embed(a, 3), 4)\nh = stacked(embed(token[t-1], 3), 4, start = "
     "s)\n"
     "token ~ softmax(W h)\n",
     "a.embed[65,3] s.low.Wxh[4,3] s.low.Whh[4,4] s.low.b[4] s.h.Wxh[4,4] s.h.Whh[4,4] s.h.b[4] token.embed[65,3] "
     "h.low.Wxh[4,3] "
     "h.low.Whh[4,4] h.low.b[4] h.h.Wxh[4,4] h.h.Whh[4,4] h.h.b[4] W[65,4] | a:0 token:1 | | 0"},
    /* settings of cells */
    {"data x : numbers\nh = leaky(x[t-1], 4, rate = 0.25, act = relu)\nx ~ gaussian(mean = V h, scale = 1)\n",
     "h.W[4,1] V[1,4] | x:0 | | 0"},
    /* powers */
    {"data x : numbers\nparam p\nx ~ laplace(mean = p^2 + p^3 + p^-1 + p^0.5 + p^2.5 + p^0 * x[t-1]^2, scale = 1)\n",
     "p[1] | x:0 | | 0"},
};

static const char *const own_cells[][2] = {
    {"stacked", "low = rnn(x, 4)\nh = rnn(low, 4)\n"},
    {"mlp", "param p\nh = tanh(V relu(W x) + p * h[t-1])\n"},
    {"leaky", "rate = 0.5\nact = tanh\nh = rate * h[t-1] + act(W x)\n"},
};

static const char *find_own(void *context, const char *name, arena *memory, const char **file) {
  (void)context;
  (void)memory;
  (void)file;
  for (size_t i = 0; i < sizeof own_cells / sizeof *own_cells; i++)
    if (!strcmp(own_cells[i][0], name)) return own_cells[i][1];
  return NULL;
}

static void summarize(const graph *g, text *out) {
  for (int i = 0; i < g->n_params; i++) {
    text_format(out, "%s[%d", g->params[i].name, g->params[i].rows);
    if (g->params[i].vector)
      text_format(out, "] ");
    else
      text_format(out, ",%d] ", g->params[i].cols);
  }
  text_format(out, "| ");
  for (int i = 0; i < g->n_data; i++) {
    if (g->data[i].space == SPACE_STATIC)
      text_format(out, "%s:s ", g->data[i].name);
    else
      text_format(out, "%s:%d ", g->data[i].name, g->data[i].axis);
  }
  text_format(out, "| ");
  for (int i = 0; i < g->n_carries; i++) text_format(out, "%s ", g->carries[i].name);
  text_format(out, "| %d", g->n_masks);
}

static void test_rows(void **state) {
  (void)state;
  build_options o = {.find_cell = find_own};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    built t;
    text found = {0};
    build_or_fail(&t, rows[i].source, &o);
    summarize(&t.g, &found);
    if (strcmp(found.data, rows[i].expected))
      fail_msg("%s\nexpected %s\nfound    %s", rows[i].source, rows[i].expected, found.data);
    text_free(&found);
    drop(&t);
  }
  assert_int_equal(mem_live(), 0);
}

/* --- nodes --- */

static int count_op(const graph *g, enum op op) {
  int n = 0;
  for (int i = 0; i < g->n_nodes; i++) n += g->nodes[i].op == op;
  return n;
}

static int find_name(const graph *g, const char *name) {
  for (int i = 0; i < g->n_nodes; i++)
    if (g->nodes[i].name && !strcmp(g->nodes[i].name, name)) return i;
  return NODE_NONE;
}

/* Once the data is known, its widths count: the same net with as many labels as the state is wide, and with more. */
static void test_bound_widths(void **state) {
  (void)state;
  static const char net[] = "data c : category\ndata y : category\nh = rnn(embed(c, 8), 3)\ny ~ softmax(h)\n";
  built t;
  unroll_error err;
  binding bindings[] = {{"c", 5}, {"y", 3}};
  build_or_fail(&t, net, &(build_options){.bindings = bindings, .n_bindings = 2});
  assert_int_equal(t.g.data[1].width, 3);
  drop(&t);
  build_or_fail(&t, net, NULL);
  assert_int_equal(t.g.data[1].width, 3); /* what would fit */
  assert_int_equal(t.g.data[0].width, 65);
  drop(&t);
  bindings[1].width = 4;
  assert_int_equal(build_with(&t, net, &(build_options){.bindings = bindings, .n_bindings = 2}, &err), UNROLL_BAD_INPUT);
  assert_string_equal(err.message, "'h' is 3 wide (the size of rnn in line 3), but must be 4 wide (the symbols of y)");
  drop(&t);
}

/* What training cannot move: NAME of what nothing depends on, NAME? of what no gradient comes to. */
static void test_idle(void **state) {
  (void)state;
  static const struct {
    const char *net, *idle;
  } rows_idle[] = {
      {"data token : chars\nh = gru(embed(token[t-1], 3), 4)\ntoken ~ softmax(W h + b)\n", ""},
      {"data x : numbers\nhidden = 3\nh = tanh(V x[t-1] + U h[t-1] + bh)\ng = tanh(A h + ba)\nx ~ gaussian(mean = W h, scale = "
       "1)\n",
       "A ba "},
      {"data x : numbers\nhidden = 3\nh = tanh(V x[t-1]) * step(G x[t-1] + bg)\nx ~ gaussian(mean = W h, scale = 1)\n", "G? bg? "},
      {"data x : numbers\nhidden = 3\nh = hold(V x[t-1])\nx ~ gaussian(mean = W h, scale = 1)\n", "V? "},
      {"data x : numbers\nhidden = 3\nx ~ gaussian(mean = 0 * (V tanh(U x[t-1])) + b, scale = 1)\n", "U V "},
      {"data x : numbers\ndata y : numbers\nx ~ gaussian(mean = A x[t-1], scale = 1)\n"
       "y ~ gaussian(mean = B x[t-1], scale = 1, weight = 0)\n",
       "B "},
      {"data c : category\ndata y : category\ne = embed(c, 4)\ny ~ softmax(W c)\n", "c.embed "},
  };
  for (size_t i = 0; i < sizeof rows_idle / sizeof *rows_idle; i++) {
    built t;
    text found = {0};
    idle_param list[16];
    int n = 0;
    build_or_fail(&t, rows_idle[i].net, NULL);
    assert_int_equal(graph_differentiate(&t.g, NULL), UNROLL_OK);
    assert_int_equal(graph_idle_params(&t.g, list, &n, NULL), UNROLL_OK);
    for (int k = 0; k < n; k++) text_format(&found, "%s%s ", t.g.params[list[k].param].name, list[k].used ? "?" : "");
    if (strcmp(found.data ? found.data : "", rows_idle[i].idle))
      fail_msg("%s\nidle are '%s', not '%s'", rows_idle[i].net, found.data ? found.data : "", rows_idle[i].idle);
    text_free(&found);
    drop(&t);
  }
}

static void test_why_steps(void **state) {
  (void)state;
  built t;
  build_or_fail(&t,
                "data a : words(9)\ndata b : category each\ndata c : category whole\ndata d : category\ndata y : category\n"
                "y ~ softmax(A a + B b + C c + D d)\n",
                NULL);
  static const enum steps_why want[] = {STEPS_OF_KIND, STEPS_DECLARED, STEPS_DECLARED, STEPS_INFERRED, STEPS_INFERRED};
  for (int i = 0; i < 5; i++) assert_int_equal(t.g.data[i].why, want[i]);
  for (int i = 0; i < 5; i++) assert_int_equal(t.g.data[i].space, i == 2 || i == 3 ? SPACE_STATIC : SPACE_STEP);
  drop(&t);
}

static void test_lags(void **state) {
  (void)state;
  built t;
  build_or_fail(&t, "data token : chars\nhidden = 4\nh = tanh(V token[t-3] + U h[t-2] + R h[t-2])\ntoken ~ softmax(W h)\n", NULL);
  assert_int_equal(count_op(&t.g, OP_SHIFT), 2);
  assert_int_equal(t.g.n_carries, 2);
  assert_string_equal(t.g.carries[0].name, "h");
  assert_string_equal(t.g.carries[1].name, "h[t-1]");
  const int h = find_name(&t.g, "h");
  assert_int_equal(t.g.carries[0].node, h);
  const node *later = graph_at(&t.g, t.g.carries[1].node);
  assert_true(later->op == OP_SHIFT && later->in[0] == h);
  assert_int_equal(t.g.inputs[0].lag, 3);
  drop(&t);
}

static const char *windowed(void *context, const char *name, arena *memory, const char **file) {
  static const char cell[] = "h = tanh(W x + V x[t-1] + U h[t-1])\n";
  (void)context;
  (void)file;
  return strcmp(name, "windowed") ? NULL : arena_text(memory, cell, sizeof cell - 1);
}

/* Inside a backward recurrence "previous" is the later step; outside [t-1] is the earlier one. */
static void test_directions(void **state) {
  (void)state;
  built t;
  build_or_fail(
      &t, "data x : numbers\ndata y : numbers\ng = windowed(x, 4, backward)\ny ~ gaussian(mean = W g + V g[t-1], scale = 1)\n",
      &(build_options){.find_cell = windowed});
  int back = 0, forth = 0;
  for (int i = 0; i < t.g.n_nodes; i++)
    if (t.g.nodes[i].op == OP_SHIFT) *(t.g.nodes[i].dir > 0 ? &forth : &back) += 1;
  assert_int_equal(back, 2);
  assert_int_equal(forth, 1);
  assert_int_equal(t.g.n_inputs, 2);
  drop(&t);
  build_or_fail(&t, "data x : numbers\ndata y : numbers\ng = windowed(x, 4)\ny ~ gaussian(mean = W g + V g[t-1], scale = 1)\n",
                &(build_options){.find_cell = windowed});
  assert_int_equal(count_op(&t.g, OP_SHIFT), 1); /* x[t-1] is an input of its own, g[t-1] is the cell's h[t-1] */
  assert_int_equal(t.g.n_inputs, 3);
  drop(&t);
}

static void test_start(void **state) {
  (void)state;
  built t;
  build_or_fail(&t,
                "data source : words(9)\ndata target : words(8)\ns = lstm(embed(source, 3), 2, backward, layers = 2)\n"
                "d = lstm(embed(target[t-1], 3), 2, layers = 2, start = s)\ntarget ~ softmax(W d)\n",
                NULL);
  int started = 0;
  for (int i = 0; i < t.g.n_nodes; i++) {
    const node *n = &t.g.nodes[i];
    if (n->op != OP_SHIFT || n->in[1] == NODE_NONE) continue;
    const node *edge = graph_at(&t.g, n->in[1]);
    assert_true(edge->op == OP_EDGE && edge->dir == 1 && edge->axis == 0 &&
                n->axis == 1); /* a backward recurrence ends at the first step */
    const char *from = graph_at(&t.g, edge->in[0])->name, *to = graph_at(&t.g, n->in[0])->name;
    assert_true(from && to && from[0] == 's' && to[0] == 'd');
    assert_string_equal(from + 1, to + 1); /* s.1.c starts d.1.c, s starts d */
    started++;
  }
  assert_int_equal(started, 4);
  drop(&t);
}

static void test_split(void **state) {
  (void)state;
  built t;
  build_or_fail(
      &t, "data x : numbers(3)\nhidden = 4\nz = [h[t-1], x[t-1]]\nh = tanh(W z + b)\nx ~ gaussian(mean = V h, scale = 1)\n", NULL);
  int parts = 0;
  for (int i = 0; i < t.g.n_nodes; i++) {
    const node *n = &t.g.nodes[i];
    if (n->op != OP_MATVEC || strcmp(t.g.params[n->param].name, "W")) continue;
    assert_int_equal(n->c0, graph_at(&t.g, n->in[0])->op == OP_SHIFT ? 0 : 4);
    parts++;
  }
  assert_int_equal(parts, 2);
  assert_int_equal(t.g.params[0].cols, 7);
  drop(&t);
}

/* Equal subexpressions are one node; a setting of 1 or 0 leaves no trace. */
static void test_sharing(void **state) {
  (void)state;
  built t, u;
  build_or_fail(&t, "data x : numbers\nk = 1\ny = tanh(W x[t-1]) * tanh(W x[t-1]) * k + 0\nx ~ gaussian(mean = y, scale = 1)\n",
                NULL);
  assert_int_equal(count_op(&t.g, OP_TANH), 1);
  assert_int_equal(count_op(&t.g, OP_MATVEC), 1);
  assert_int_equal(graph_at(&t.g, find_name(&t.g, "y"))->op, OP_MUL);
  drop(&t);
  /* the notation of the literature is the same program */
  build_or_fail(&t,
                "data x : numbers\nhidden = 4\nh = \xcf\x83(Wf\xc2\xb7[h_{t-1}, x_{t-1}] + bf) \xe2\x8a\x99 h_{t-1}\nx ~ "
                "gaussian(mean = V h, scale = 1)\n",
                NULL);
  build_or_fail(
      &u, "data x : numbers\nhidden = 4\nh = sigmoid(Wf [h[t-1], x[t-1]] + bf) * h[t-1]\nx ~ gaussian(mean = V h, scale = 1)\n",
      NULL);
  assert_int_equal(t.g.n_nodes, u.g.n_nodes);
  for (int i = 0; i < t.g.n_nodes; i++) {
    assert_int_equal(t.g.nodes[i].op, u.g.nodes[i].op);
    assert_memory_equal(t.g.nodes[i].in, u.g.nodes[i].in, sizeof u.g.nodes[i].in);
  }
  drop(&t);
  drop(&u);
}

static void test_densities(void **state) {
  (void)state;
  built t;
  build_or_fail(&t, "data y : numbers(3)\ny ~ bernoulli(W y[t-1])\n", NULL);
  assert_int_equal(graph_at(&t.g, t.g.losses[0].node)->op, OP_ROW_SUM);
  assert_int_equal(graph_at(&t.g, t.g.losses[0].prediction)->op, OP_MATVEC);
  assert_string_equal(t.g.losses[0].distribution->name, "bernoulli");
  drop(&t);
  build_or_fail(&t, "data y : numbers(3)\ny ~ student_t(W y[t-1], 1, dof = 3)\n", NULL);
  const loss *l = &t.g.losses[0];
  assert_int_equal(graph_at(&t.g, l->node)->op, OP_ROW_SUM);
  assert_int_equal(graph_at(&t.g, l->prediction)->width, 3);
  assert_true(l->n_args == 3 && l->args[0] == l->prediction && graph_at(&t.g, l->args[2])->value == 3);
  drop(&t);
  build_or_fail(&t, "data y : numbers(2)\ny ~ quantile(0.1, 0.5, 0.9, W y[t-1])\n", NULL);
  l = &t.g.losses[0];
  assert_int_equal(graph_at(&t.g, l->prediction)->width, 6);
  assert_true(l->n_args == 1 && l->n_numbers == 3 && l->numbers[2] == 0.9);
  drop(&t);
  build_or_fail(&t, "data y : numbers(2)\ny ~ mixture(4, W y[t-1])\n", NULL);
  l = &t.g.losses[0];
  assert_int_equal(graph_at(&t.g, l->prediction)->width, 20); /* 4 weights, 8 means, 8 scales */
  assert_true(l->n_numbers == 1 && l->numbers[0] == 4);
  drop(&t);
  build_or_fail(&t, "data y : numbers(3)\ny ~ mixture(4, W y[t-1])\n", NULL);
  assert_int_equal(graph_at(&t.g, t.g.losses[0].prediction)->width, 25);
  drop(&t);
  build_or_fail(&t, "data s : audio(40)\ndata text : chars\nh = gru(s, 4)\ntext ~ ctc(W h + b)\n", NULL);
  assert_int_equal(t.g.n_axes, 2);
  assert_int_equal(graph_at(&t.g, t.g.losses[0].prediction)->width, 66);
  drop(&t);
}

/* --- kinds --- */

static void test_kinds(void **state) {
  static const struct {
    const char *kind; /* of data x */
    int width;
    const char *error; /* or NULL */
  } lines[] = {
      {"audio", 40, NULL},
      {"box", 4, NULL},
      {"audio(8000)", 40, NULL},
      {"audio(8000, 23)", 23, NULL},
      {"audio(8000, mel = 23)", 23, NULL},
      {"audio(mfcc = 13, delta = 2)", 39, NULL},
      {"audio(8000, delta = 1, mel = 20) ", 40, NULL},
      {"audio(8000) raw", 1, NULL},
      {"audio(8000, rate = 8000)", 0, "'audio' has 'rate' twice"},
      {"audio(8000, bands = 8)", 0, "'audio' has no argument 'bands'; it takes: rate=16000 mel=40"},
      {"audio(mel = 1.5)", 0, "mel must be a whole number from 0"},
      {"audio raw raw", 0, "unexpected 'raw'"},
      {"numbers(width = 3)", 0, "'numbers' takes no named arguments"},
      {"image(3, 4)", 0, "'image' takes its channels, rows and columns, as in image(3, 32, 32)"},
      {"image(2, 3, 4)", 24, NULL},
      {"video(2, 3, 4)", 24, NULL},
      {"video(2, 3, 4, fps = 5)", 24, NULL},
      {"video(3, 4)", 0, "'video' takes"},
      {"pen", 3, NULL},
      {"pen(6)", 3, NULL},
      {"notes", 88, NULL},
      {"notes(grid = 12) pedal", 88, NULL},
      {"notes(4) struck", 176, NULL},
      {"notes pedals", 0, "unexpected 'pedals'"},
      {"numbers", 1, NULL},
      {"numbers(6)", 6, NULL},
      {"category(7)", 7, NULL},
      {"time hour month", 4, NULL},
      {"time hours", 0, "did you mean 'hour'?"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    built t;
    char net[256];
    unroll_error err = {0};
    snprintf(net, sizeof net, "data x : %s\ndata y : number\ny ~ gaussian(mean(%s), 1)\n", lines[i].kind,
             strstr(lines[i].kind, "category") ? "W embed(x, 3)" : "W x");
    if (lines[i].error) {
      assert_int_equal(build_with(&t, net, &(build_options){0}, &err), UNROLL_BAD_INPUT);
      if (!strstr(err.message, lines[i].error)) fail_msg("%s: %s", lines[i].kind, err.message);
    } else {
      build_or_fail(&t, net, NULL);
      assert_int_equal(t.g.data[0].width, lines[i].width);
    }
    drop(&t);
  }
}

/* --- cells alone --- */

static void test_alone(void **state) {
  (void)state;
  built t;
  const setting set[] = {{.name = "input", .number = 3}, {.name = "hidden", .number = 4}, {.name = "rate", .number = 0.25}};
  build_options o = {.settings = set, .n_settings = 3};
  build_or_fail(&t, "rate = 0.5\nm = rate * m[t-1] + x\ns = tanh(W x + V v + U s[t-1] + P m + b)\noutput s\n", &o);
  assert_string_equal(t.g.output, "s");
  assert_int_equal(graph_at(&t.g, t.g.output_node)->width, 4);
  assert_int_equal(graph_at(&t.g, find_name(&t.g, "m"))->width, 3); /* inferred, so not the size */
  assert_int_equal(t.g.n_data, 2);
  assert_true(t.g.data[0].space == SPACE_STEP && t.g.data[0].width == 3 && t.g.data[1].space == SPACE_STATIC);
  assert_int_equal(t.g.n_settings, 3);
  assert_true(t.g.settings[0].number == 0.25);
  drop(&t);
  build_or_fail(&t, "h = x + h[t-1]\n", NULL);
  assert_int_equal(graph_at(&t.g, t.g.output_node)->width, 7); /* x is as wide as the state that it is added to */
  assert_int_equal(t.g.data[0].width, 7);
  drop(&t);
  build_or_fail(&t, "h = x\n", NULL);
  assert_int_equal(graph_at(&t.g, t.g.output_node)->op, OP_INPUT);
  drop(&t);
}

/* --- settings and bindings --- */

static const struct set {
  setting s;
  unroll_status status;
  const char *message;
} sets[] = {
    {{.name = "hidden", .number = 8}, UNROLL_OK, NULL},
    {{.name = "cell", .word = "gru"}, UNROLL_OK, NULL},
    {{.name = "hiden", .number = 8}, UNROLL_USAGE, "there is no setting 'hiden'; did you mean 'hidden'?"},
    {{.name = "hidden", .word = "large"}, UNROLL_USAGE, "the setting 'hidden' is a number, not a word"},
    {{.name = "cell", .number = 3}, UNROLL_USAGE, "the setting 'cell' is a word, not a number"},
    {{.name = "token", .number = 3}, UNROLL_USAGE, "there is no setting 'token'"},
    {{.name = "hidden", .number = 1e300}, UNROLL_BAD_INPUT, "the size must be a whole number"},
    {{.name = "hidden", .number = 0.0 / 0.0}, UNROLL_USAGE, "finite"},
    {{.name = "cell", .word = "../../cells/gru"}, UNROLL_BAD_INPUT, "unknown function"},
    {{.name = "cell", .word = ""}, UNROLL_BAD_INPUT, "unknown function"},
    {{.name = "layers", .number = -1}, UNROLL_BAD_INPUT, "layers must be"},
};

/* AlexNet and VGG16 with the weights that torchvision counts. */
static void test_known(void **state) {
  (void)state;
  static const struct {
    const char *net;
    int64_t weights;
  } table[] = {
      {"data picture : image(3, 224, 224)\ndata label : category\n"
       "c1 = pool(relu(conv(picture, 64, 11, stride = 4, pad = 2)), 3, stride = 2)\n"
       "c2 = pool(relu(conv(c1, 192, 5)), 3, stride = 2)\nc4 = relu(conv(relu(conv(c2, 384, 3)), 256, 3))\n"
       "c5 = pool(relu(conv(c4, 256, 3)), 3, stride = 2)\nwidth f6 = 4096\nwidth f7 = 4096\n"
       "f6 = relu(A dropout(c5, 0.5) + ba)\nf7 = relu(B dropout(f6, 0.5) + bb)\nlabel ~ softmax(W f7 + b)\n",
       61100840},
      {"data picture : image(3, 224, 224)\ndata label : category\n"
       "c1 = pool(relu(conv(relu(conv(picture, 64, 3)), 64, 3)), 2)\nc2 = pool(relu(conv(relu(conv(c1, 128, 3)), 128, 3)), 2)\n"
       "c3 = pool(relu(conv(relu(conv(relu(conv(c2, 256, 3)), 256, 3)), 256, 3)), 2)\n"
       "c4 = pool(relu(conv(relu(conv(relu(conv(c3, 512, 3)), 512, 3)), 512, 3)), 2)\n"
       "c5 = pool(relu(conv(relu(conv(relu(conv(c4, 512, 3)), 512, 3)), 512, 3)), 2)\nwidth f6 = 4096\nwidth f7 = 4096\n"
       "f6 = relu(A dropout(c5, 0.5) + ba)\nf7 = relu(B dropout(f6, 0.5) + bb)\nlabel ~ softmax(W f7 + b)\n",
       138357544},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    built t;
    unroll_error err = {0};
    const binding labels = {"label", 1000};
    const unroll_status s = build_with(&t, table[i].net, &(build_options){.bindings = &labels, .n_bindings = 1}, &err);
    if (s) fail_msg("net %zu: %s", i, err.message);
    assert_int_equal(t.g.n_weights, table[i].weights);
    drop(&t);
  }
  assert_int_equal(mem_live(), 0);
}

static void test_settings(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
    built t;
    unroll_error err = {0};
    const binding width = {"token", 11};
    build_options o = {.settings = &sets[i].s, .n_settings = 1, .bindings = &width, .n_bindings = 1};
    const unroll_status s = build_with(&t, lang_builtin_net("language")->text, &o, &err);
    assert_int_equal(s, sets[i].status);
    if (sets[i].message && !strstr(err.message, sets[i].message)) fail_msg("row %zu: %s", i, err.message);
    if (s == UNROLL_OK) {
      assert_int_equal(t.g.params[0].rows, 11);
      bool found = false;
      for (int k = 0; k < t.g.n_settings; k++) {
        const setting *a = &t.g.settings[k], *b = &sets[i].s;
        if (strcmp(a->name, b->name)) continue;
        found = b->word ? !strcmp(a->word, b->word) : a->number == b->number;
      }
      assert_true(found && t.g.n_settings == 5);
    }
    drop(&t);
  }
  assert_int_equal(mem_live(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_builtin),    cmocka_unit_test(test_net_settings), cmocka_unit_test(test_cells_in_nets),
      cmocka_unit_test(test_language),   cmocka_unit_test(test_rows),         cmocka_unit_test(test_bound_widths),
      cmocka_unit_test(test_idle),       cmocka_unit_test(test_why_steps),    cmocka_unit_test(test_lags),
      cmocka_unit_test(test_directions), cmocka_unit_test(test_start),        cmocka_unit_test(test_split),
      cmocka_unit_test(test_sharing),    cmocka_unit_test(test_densities),    cmocka_unit_test(test_kinds),
      cmocka_unit_test(test_alone),      cmocka_unit_test(test_settings),     cmocka_unit_test(test_known),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
