/* c_whole.c - attention, which reads all steps of a sequence, and pictures. */
#include <stdio.h>
#include "port/c_internal.h"

/* How many rows an operand has that is read whole. */
static const char *rows_of(c_export *c, int x, int y) {
  const node *in = &c->g->nodes[y];
  return c_count(c, (enum phase)c->phase[x], in->space == SPACE_STEP ? GRAPH_STEPS + in->axis : 1);
}

/* The score of each step of y: x . y_j, or v . tanh(x + y_j). */
static void scores(c_export *c, text *out, const char *to, int x) {
  const node *n = &c->g->nodes[x];
  const int width = c->g->nodes[n->in[0]].width;
  text q = {0}, key = {0}, v = {0}, before = {0};
  c_operand(c, n->in[0], "k", &before, &q);
  c_operand_when(c, n->in[1], "j", "k", &before, &key);
  if (n->op == OP_ADDITIVE) c_operand(c, n->in[2], "k", &before, &v);
  c_begin_loop(out, "j", rows_of(c, x, n->in[1]));
  text_format(out, " {\n    float sum = 0.0f;\n    for (int k = 0; k < %d; k++) sum += ", width);
  text term = {0};
  if (n->op == OP_ADDITIVE)
    text_format(&term, "%s * tanhf(%s + %s)", v.data ? v.data : "", q.data ? q.data : "", key.data ? key.data : "");
  else
    text_format(&term, "%s * %s", q.data ? q.data : "", key.data ? key.data : "");
  c_code(c, term.data ? term.data : "", out);
  text_format(out, ";\n    %s[j] = sum;\n  }\n", to);
  out->failed |= q.failed | key.failed | v.failed | before.failed | term.failed;
  text_free(&q);
  text_free(&key);
  text_free(&v);
  text_free(&before);
  text_free(&term);
}

static void mix(c_export *c, text *out, const char *to, int x) {
  const node *n = &c->g->nodes[x];
  text w = {0}, y = {0}, before = {0};
  c_operand(c, n->in[0], "j", &before, &w);
  c_operand_when(c, n->in[1], "j", "i", &before, &y);
  c_begin_loop_number(out, "i", n->width);
  text_format(out, " %s[i] = 0.0f;\n", to);
  c_begin_loop(out, "j", rows_of(c, x, n->in[1]));
  text_format(out, "\n    for (int i = 0; i < %d; i++) %s[i] += %s * %s;\n", n->width, to, w.data ? w.data : "",
              y.data ? y.data : "");
  out->failed |= w.failed | y.failed | before.failed;
  text_free(&w);
  text_free(&y);
  text_free(&before);
}

/* --- pictures --- */

/* A row as an array; one that lies nowhere is made. */
static void array(c_export *c, text *out, int x, const char *row, text *pointer) {
  if (c_pointer(c, x, pointer)) return;
  text_format(out, "  float %s[%d];\n", row, c->g->nodes[x].width);
  c_assign(c, out, row, "", x, c->g->nodes[x].width);
  text_format(pointer, "%s", row);
}

static void squares(c_export *c, text *out, const char *to, int x) {
  const node *n = &c->g->nodes[x];
  const patches *p = &n->patches;
  const int R = patches_along(p->rows, p), K = patches_along(p->columns, p), O = n->width / (R * K);
  text from = {0}, bias = {0};
  text_format(out, "  {\n");
  array(c, out, n->in[0], "row", &from);
  if (n->op == OP_CONV) {
    array(c, out, n->in[1], "biases", &bias);
    text_format(out, "  conv_of(%s, &%s[0][0], %s, %s, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d);\n  }\n", to, c_weight(c, n->param),
                bias.data ? bias.data : "", from.data ? from.data : "", p->rows, p->columns, p->channels, p->size, p->border / 2,
                p->stride, p->groups, R, K, O);
    c->products[n->space == SPACE_STEP] += (int64_t)n->width * p->size * p->size * p->channels / p->groups;
  } else {
    text_format(out, "  %s(%s, %s, %d, %d, %d, %d, %d, %d);\n  }\n", n->op == OP_POOL ? "pool_of" : "pool_mean_of", to,
                from.data ? from.data : "", p->columns, p->channels, p->size, p->stride, R, K);
  }
  out->failed |= from.failed | bias.failed;
  text_free(&from);
  text_free(&bias);
}

/* Sums over channels (match) or positions (blend). */
static void sums(c_export *c, text *out, const char *to, int x) {
  const node *n = &c->g->nodes[x];
  const bool match = n->op == OP_MATCH;
  const int inner = c->g->nodes[n->in[0]].width;
  text a = {0}, b = {0}, before = {0};
  char at[64];
  snprintf(at, sizeof at, match ? "i * %d + k" : "k * %d + i", match ? inner : n->width);
  c_operand(c, n->in[0], "k", &before, &a);
  c_operand(c, n->in[1], at, &before, &b);
  c_begin_loop_number(out, "i", n->width);
  text_format(out, " {\n    float sum = 0.0f;\n    for (int k = 0; k < %d; k++) sum += %s * %s;\n    %s[i] = sum;\n  }\n", inner,
              a.data ? a.data : "", b.data ? b.data : "", to);
  out->failed |= a.failed | b.failed | before.failed;
  text_free(&a);
  text_free(&b);
  text_free(&before);
}

static void paint(c_export *c, text *out, const char *to, int x) {
  const node *n = &c->g->nodes[x];
  const int C = c->g->nodes[n->in[1]].width;
  text w = {0}, q = {0}, before = {0};
  char position[32], channel[32];
  snprintf(position, sizeof position, "i / %d", C);
  snprintf(channel, sizeof channel, "i %% %d", C);
  c_operand(c, n->in[0], position, &before, &w);
  c_operand(c, n->in[1], channel, &before, &q);
  c_begin_loop_number(out, "i", n->width);
  text_format(out, " %s[i] = %s * %s;\n", to, w.data ? w.data : "", q.data ? q.data : "");
  out->failed |= w.failed | q.failed | before.failed;
  text_free(&w);
  text_free(&q);
  text_free(&before);
}

static void batchnorm(c_export *c, text *out, const char *to, int x) {
  const node *n = &c->g->nodes[x];
  const int C = n->patches.channels;
  text in = {0}, mean = {0}, variance = {0}, gain = {0}, bias = {0}, before = {0}, line = {0};
  char channel[32], second[48];
  snprintf(channel, sizeof channel, "i %% %d", C);
  snprintf(second, sizeof second, "%d + i %% %d", C, C);
  const char *k = C == 1 ? "0" : C == n->width ? "i" : channel;
  c_operand(c, n->in[0], "i", &before, &in);
  c_operand(c, n->in[1], k, &before, &mean);
  c_operand(c, n->in[1], C == 1 ? "1" : second, &before, &variance);
  c_operand(c, n->in[2], k, &before, &gain);
  c_operand(c, n->in[3], k, &before, &bias);
  c_begin_loop_number(out, "i", n->width);
  text_format(&line, " %s[i] = (%s - %s) / sqrtf(%s + ", to, in.data ? in.data : "", mean.data ? mean.data : "",
              variance.data ? variance.data : "");
  c_number(&line, n->value);
  text_format(&line, ") * %s + %s;\n", gain.data ? gain.data : "", bias.data ? bias.data : "");
  c_code(c, line.data ? line.data : "", out);
  out->failed |= in.failed | mean.failed | variance.failed | gain.failed | bias.failed | before.failed | line.failed;
  text *const all[] = {&in, &mean, &variance, &gain, &bias, &before, &line};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) text_free(all[i]);
}

bool c_whole(c_export *c, text *out, const char *to, int x) {
  switch (c->g->nodes[x].op) {
  case OP_DOTS:
  case OP_ADDITIVE:
    scores(c, out, to, x);
    return true;
  case OP_MIX:
    mix(c, out, to, x);
    return true;
  case OP_CONV:
  case OP_POOL:
  case OP_POOL_MEAN:
    squares(c, out, to, x);
    return true;
  case OP_MATCH:
  case OP_BLEND:
    sums(c, out, to, x);
    return true;
  case OP_PAINT:
    paint(c, out, to, x);
    return true;
  case OP_BATCHNORM:
    batchnorm(c, out, to, x);
    return true;
  default:
    return false;
  }
}
