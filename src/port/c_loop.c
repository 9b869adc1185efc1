/* c_loop.c - a node becomes a loop with its equation above it. An operator is a row of c_operators, or a function here. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "port/c_internal.h"

/* Elementwise operators, and helpers of others. Float functions of C99's math.h, and nothing else. */
const c_operator c_operators[OP_COUNT] = {
    [OP_NEG] = {"-#", NULL},
    [OP_SIGMOID] = {"sigmoid_of(#)", "static float sigmoid_of(float x) { return 1.0f / (1.0f + expf(-x)); }\n"},
    [OP_TANH] = {"tanhf(#)", NULL},
    [OP_RELU] = {"relu_of(#)", "static float relu_of(float x) { return x > 0.0f ? x : 0.0f; }\n"},
    [OP_STEP] = {"step_of(#)", "static float step_of(float x) { return x > 0.0f ? 1.0f : 0.0f; }\n"},
    [OP_EXP] = {"expf(#)", NULL},
    [OP_LOG] = {"logf(#)", NULL},
    [OP_SOFTPLUS] = {"softplus_of(#)",
                     "static float softplus_of(float x) { return (x > 0.0f ? x : 0.0f) + log1pf(expf(-fabsf(x))); }\n"},
    [OP_ABS] = {"fabsf(#)", NULL},
    [OP_SIGN] = {"sign_of(#)", "static float sign_of(float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : 0.0f; }\n"},
    [OP_SQRT] = {"sqrtf(#)", NULL},
    [OP_SQUARE] = {"square_of(#)", "static float square_of(float x) { return x * x; }\n"},
    [OP_HARD_SIGMOID] = {"hard_sigmoid_of(#)", "static float hard_sigmoid_of(float x) {\n"
                                               "  const float y = 0.2f * x + 0.5f;\n"
                                               "  return y < 0.0f ? 0.0f : y > 1.0f ? 1.0f : y;\n"
                                               "}\n"},
    [OP_GELU] = {"gelu_of(#)", "static float gelu_of(float x) { return x * 0.5f * erfcf(-x * 0.707106781f); }\n"},
    [OP_NORMAL_CDF] = {"normal_cdf_of(#)", "static float normal_cdf_of(float x) { return 0.5f * erfcf(-x * 0.707106781f); }\n"},
    [OP_SIN] = {"sinf(#)", NULL},
    [OP_COS] = {"cosf(#)", NULL},
    [OP_LOG1P_SQUARE] = {"log1p_square_of(#)", "static float log1p_square_of(float x) {\n"
                                               "  return fabsf(x) > 1e18f ? 2.0f * logf(fabsf(x)) : log1pf(x * x);\n"
                                               "}\n"},
    [OP_HOLD] = {"#", NULL},
    [OP_ADD] = {"(# + @)", NULL},
    [OP_SUB] = {"(# - @)", NULL},
    [OP_MUL] = {"(# * @)", NULL},
    [OP_DIV] = {"(# / @)", NULL},
    [OP_MIN] = {"min_of(#, @)", "static float min_of(float a, float b) { return b < a ? b : a; }\n"},
    [OP_MAX] = {"max_of(#, @)", "static float max_of(float a, float b) { return a < b ? b : a; }\n"},
    [OP_LESS] = {"less_of(#, @)", "static float less_of(float a, float b) { return a < b ? 1.0f : 0.0f; }\n"},
    [OP_SOFTMAX] = {NULL, "static void softmax_of(float *x, int n) {\n"
                          "  float best = x[0], sum = 0.0f;\n"
                          "  for (int i = 1; i < n; i++) best = x[i] > best ? x[i] : best;\n"
                          "  for (int i = 0; i < n; i++) x[i] = expf(x[i] - best), sum += x[i];\n"
                          "  for (int i = 0; i < n; i++) x[i] /= sum;\n"
                          "}\n"},
    [OP_LOG_SUM_EXP] = {NULL, "static float log_sum_exp_of(const float *x, int n) {\n"
                              "  float best = x[0], sum = 0.0f;\n"
                              "  for (int i = 1; i < n; i++) best = x[i] > best ? x[i] : best;\n"
                              "  for (int i = 0; i < n; i++) sum += expf(x[i] - best);\n"
                              "  return best + logf(sum);\n"
                              "}\n"},
    [OP_LAYERNORM_SCALE] = {NULL, "static float layernorm_scale_of(const float *x, int n) {\n"
                                  "  float mean = 0.0f, squares = 0.0f;\n"
                                  "  for (int i = 0; i < n; i++) mean += x[i];\n"
                                  "  mean /= (float)n;\n"
                                  "  for (int i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean);\n"
                                  "  return 1.0f / sqrtf(squares / (float)n + 1e-5f);\n"
                                  "}\n"},
    [OP_LAYERNORM] = {NULL, "static void layernorm_of(float *x, int n, float scale) {\n"
                            "  float mean = 0.0f;\n"
                            "  for (int i = 0; i < n; i++) mean += x[i];\n"
                            "  mean /= (float)n;\n"
                            "  for (int i = 0; i < n; i++) x[i] = (x[i] - mean) * scale;\n"
                            "}\n"},
};

void c_number(text *out, double x) {
  char s[40];
  if (x != x || x - x != 0) {
    text_format(out, x != x ? "NAN" : x > 0 ? "HUGE_VALF" : "(-HUGE_VALF)");
    return;
  }
  snprintf(s, sizeof s, "%.9g", (double)(float)x);
  const char *point = strpbrk(s, ".e") ? "" : ".0";
  if (*s == '-')
    text_format(out, "(%s%sf)", s, point);
  else
    text_format(out, "%s%sf", s, point);
}

static const char *weight(c_export *c, int number) {
  c->weight_used[number] = true;
  return c->weight_names[number];
}

/* --- an element of a node --- */

static void offset(text *out, int c0, const char *at) {
  if (!strcmp(at, "0"))
    text_format(out, "%d", c0);
  else if (c0)
    text_format(out, "%d + %s", c0, at);
  else
    text_format(out, "%s", at);
}

static void matrix_product(c_export *c, const node *n, const char *at, const char *sum, text *out) {
  const node *x = &c->g->nodes[n->in[0]];
  text element = {0}, before = {0};
  c_operand(c, n->in[0], "k", &before, &element);
  text_format(out, "    float %s = 0.0f;\n    for (int k = 0; k < %d; k++) %s += %s[", sum, x->width, sum, weight(c, n->param));
  if (n->op == OP_MATVEC) {
    text_format(out, "%s][", at);
    offset(out, n->c0, "k");
  } else {
    text_format(out, "k][");
    offset(out, n->c0, at);
  }
  text_format(out, "] * %s;\n", element.data ? element.data : "");
  c->products += c->g->nodes[n->in[0]].space == SPACE_STEP ? (int64_t)n->width * x->width : 0;
  out->failed |= element.failed;
  text_free(&element);
  text_free(&before);
}

/* The number of a symbol, `lag` steps ago; -1: there is none. */
static void symbol(const c_export *c, int slot, text *out) {
  const input *in = &c->g->inputs[slot];
  const c_data *d = &c->data[in->data];
  if (in->lag > d->least)
    text_format(out, "state->%s_%d", d->name, in->lag);
  else
    text_format(out, "%s", d->name);
}

static void numbers(const c_export *c, int slot, const char *at, text *out) {
  const input *in = &c->g->inputs[slot];
  const c_data *d = &c->data[in->data];
  if (in->lag > d->least)
    text_format(out, "state->%s_%d[%s]", d->name, in->lag, at);
  else
    text_format(out, "%s[%s]", d->scaled || d->least ? d->value : d->name, at);
}

static void expression(c_export *c, int x, const char *at, text *before, text *out) {
  const node *n = &c->g->nodes[x];
  if (n->op == OP_MATVEC || n->op == OP_MATVEC_T) {
    char sum[32];
    snprintf(sum, sizeof sum, "sum%d", ++c->n_sums);
    matrix_product(c, n, at, sum, before);
    text_format(out, "%s", sum);
    return;
  }
  if (n->op == OP_EMBED) {
    text_format(out, "(");
    symbol(c, n->slot, out);
    text_format(out, " < 0 ? 0.0f : %s[", weight(c, n->param));
    symbol(c, n->slot, out);
    text_format(out, "][%s])", at);
    return;
  }
  c->helper[n->op] = true;
  for (const char *s = c_operators[n->op].form; *s; s++) {
    if (*s == '#' || *s == '@')
      c_operand(c, n->in[*s == '@'], at, before, out);
    else
      text_add(out, s, 1);
  }
}

void c_operand(c_export *c, int x, const char *at, text *before, text *out) {
  const node *n = &c->g->nodes[x];
  const int alias = c->phase[x] == PHASE_CONSTANT ? NODE_NONE : c_alias(c, x);
  if (n->width == 1) at = "0";
  if (c->phase[x] == PHASE_CONSTANT) {
    text_format(out, "%s[%s]", c->names[x], at);
  } else if (n->op == OP_CONST) {
    c_number(out, n->value);
  } else if (n->op == OP_SETTING) {
    c_number(out, c->g->varying[n->slot]);
  } else if (n->op == OP_MASK) {
    text_format(out, "1.0f");
  } else if (n->op == OP_CARRY) {
    text_format(out, "0.0f");
  } else if (n->op == OP_VECTOR) {
    text_format(out, "%s[%s]", weight(c, n->param), at);
  } else if (n->op == OP_LENGTH) {
    text_format(out, "(state->steps > 1 ? (float)state->steps : 1.0f)");
  } else if (n->op == OP_SLICE) {
    text place = {0};
    offset(&place, n->c0, at);
    c_operand(c, alias, place.data ? place.data : "", before, out);
    text_free(&place);
  } else if (alias != NODE_NONE) {
    c_operand(c, alias, at, before, out);
  } else if (n->op == OP_INPUT && n->space == SPACE_STEP) {
    numbers(c, n->slot, at, out);
  } else if (c->inlined[x]) {
    expression(c, x, at, before, out);
  } else if (n->op == OP_SHIFT || n->op == OP_EDGE || n->op == OP_SUM_TIME || n->op == OP_MAX_TIME || c->kept[x]) {
    text_format(out, "state->%s[%s]", c->names[x], at);
  } else {
    text_format(out, "%s[%s]", c->names[x], at);
  }
}

/* --- loops --- */

static const char *begin_loop(text *out, const char *of, int width) {
  text_format(out, "  for (int %s = 0; %s < %d; %s++)", of, of, width, of);
  return of;
}

/* `to`[at] = an element of x, for all of its width. */
static void assign(c_export *c, text *out, const char *to, int first, int x, int width) {
  text before = {0}, element = {0}, place = {0};
  c->n_sums = 0;
  c_operand(c, x, "i", &before, &element);
  offset(&place, first, "i");
  begin_loop(out, "i", width);
  const char *s = element.data ? element.data : "";
  size_t n = element.length;
  int depth = 0;
  bool whole = n > 1 && s[0] == '('; /* brackets around all of it go */
  for (size_t i = 0; i < n && whole; i++) {
    depth += (s[i] == '(') - (s[i] == ')');
    whole = depth > 0 || i == n - 1;
  }
  if (whole) s++, n -= 2;
  if (before.length)
    text_format(out, " {\n%s    %s[%s] = %.*s;\n  }\n", before.data, to, place.data, (int)n, s);
  else
    text_format(out, " %s[%s] = %.*s;\n", to, place.data ? place.data : "", (int)n, s);
  out->failed |= before.failed | element.failed | place.failed;
  text_free(&before);
  text_free(&element);
  text_free(&place);
}

static void concat(c_export *c, text *out, const char *to, int first, int x) {
  for (int k = 0; k < 2; k++) {
    const int in = c->g->nodes[x].in[k], width = c->g->nodes[in].width;
    assign(c, out, to, first, in, width);
    first += width;
  }
}

static void comment(c_export *c, int x, text *out) {
  text line = {0};
  graph_print_node(c->g, x, &line);
  for (size_t i = 0; i + 1 < line.length; i++)
    if (line.data[i] == '*' && line.data[i + 1] == '/') line.data[i] = ' ';
  text_format(out, "  /* %s = %s */\n", c->g->nodes[x].name ? c->g->nodes[x].name : c->names[x], line.data ? line.data : "");
  out->failed |= line.failed;
  text_free(&line);
}

/* A number of a row of x, by a helper that takes it as an array. */
static void reduce(c_export *c, text *out, const char *to, const char *helper, int x) {
  const int width = c->g->nodes[x].width;
  text_format(out, "  {\n  float row[%d];\n", width);
  assign(c, out, "row", 0, x, width);
  text_format(out, "  %s[0] = %s(row, %d);\n  }\n", to, helper, width);
}

static void static_numbers(c_export *c, text *out, const char *to, const node *n) {
  const c_data *d = &c->data[c->g->inputs[n->slot].data];
  begin_loop(out, "i", n->width);
  if (d->scaled)
    text_format(out, " %s[i] = (float)(((double)%s[i] - %s[i]) / %s[i]);\n", to, d->name, d->center, d->spread);
  else
    text_format(out, " %s[i] = %s[i];\n", to, d->name);
}

static void loop_into(c_export *c, text *out, const char *to, int x) {
  const node *n = &c->g->nodes[x];
  text before = {0}, element = {0};
  switch (n->op) {
  case OP_INPUT:
    static_numbers(c, out, to, n);
    break;
  case OP_CONCAT:
    concat(c, out, to, 0, x);
    break;
  case OP_PAD:
    begin_loop(out, "i", n->width);
    text_format(out, " %s[i] = 0.0f;\n", to);
    assign(c, out, to, n->c0, n->in[0], c->g->nodes[n->in[0]].width);
    break;
  case OP_ROW_SUM:
    text_format(out, "  %s[0] = 0.0f;\n", to);
    c_operand(c, n->in[0], "i", &before, &element);
    begin_loop(out, "i", c->g->nodes[n->in[0]].width);
    text_format(out, " %s[0] += %s;\n", to, element.data ? element.data : "");
    break;
  case OP_LOG_SUM_EXP:
    reduce(c, out, to, "log_sum_exp_of", n->in[0]);
    break;
  case OP_LAYERNORM_SCALE:
    reduce(c, out, to, "layernorm_scale_of", n->in[0]);
    break;
  case OP_SOFTMAX:
    assign(c, out, to, 0, n->in[0], n->width);
    text_format(out, "  softmax_of(%s, %d);\n", to, n->width);
    break;
  case OP_LAYERNORM:
    assign(c, out, to, 0, n->in[0], n->width);
    c_operand(c, n->in[1], "0", &before, &element);
    text_format(out, "  layernorm_of(%s, %d, %s);\n", to, n->width, element.data ? element.data : "");
    break;
  default: /* what has an expression */
    c->inlined[x] = true;
    assign(c, out, to, 0, x, n->width);
    c->inlined[x] = false;
  }
  c->helper[n->op] = true;
  out->failed |= before.failed | element.failed;
  text_free(&before);
  text_free(&element);
}

static bool is_member(enum op op) { return op == OP_SHIFT || op == OP_EDGE || op == OP_SUM_TIME || op == OP_MAX_TIME; }

void c_loop(c_export *c, int x) {
  const node *n = &c->g->nodes[x];
  text *out = &c->body[c->phase[x]];
  text to = {0};
  if (c->phase[x] < PHASE_START || !c->names[x] || c->inlined[x] || is_member(n->op)) return;
  comment(c, x, out);
  text_format(&to, c->kept[x] ? "state->%s" : "%s", c->names[x]);
  if (!c->kept[x]) {
    text_format(out, "  float %s[%d];\n", c->names[x], n->width);
    c->locals[c->phase[x]] += n->width;
  }
  loop_into(c, out, to.data ? to.data : "", x);
  out->failed |= to.failed;
  text_free(&to);
}

/* --- between the steps --- */

/* What looks at all steps. */
static void gather(c_export *c, int x, text *out) {
  const node *n = &c->g->nodes[x];
  const char *name = c->names[x];
  text before = {0}, e = {0};
  c_operand(c, n->in[0], "i", &before, &e);
  const char *s = e.data ? e.data : "";
  if (n->op == OP_EDGE && n->dir > 0) text_format(out, "  if (state->steps == 0)\n  ");
  begin_loop(out, "i", n->width);
  if (n->op == OP_SUM_TIME)
    text_format(out, " state->%s[i] += %s;\n", name, s);
  else if (n->op == OP_MAX_TIME)
    text_format(out, "\n    if (state->steps == 0 || %s > state->%s[i]) state->%s[i] = %s;\n", s, name, name, s);
  else
    text_format(out, " state->%s[i] = %s;\n", name, s);
  out->failed |= before.failed | e.failed;
  text_free(&before);
  text_free(&e);
}

/* The SHIFT of which x is a view, or NODE_NONE. */
static int shift_of(const c_export *c, int x) {
  while (x != NODE_NONE && c->g->nodes[x].op != OP_SHIFT) x = c_alias(c, x);
  return x;
}

/* How many SHIFTs it is from a value of the step: h[t-2] goes on before h[t-1] does. */
static int depth_of(const c_export *c, int x) {
  int depth = 0;
  for (int y = x; y != NODE_NONE && depth <= c->n_order; depth++) y = shift_of(c, c->g->nodes[y].in[0]);
  return depth;
}

static void history(c_export *c, text *out) {
  for (int i = 0; i < c->g->n_data; i++) {
    const c_data *d = &c->data[i];
    const bool symbols = c->m->schema.list[i].form.unit != UNIT_NUMBERS;
    for (int lag = d->most; d->used && lag > d->least; lag--) {
      text from = {0};
      if (lag > d->least + 1)
        text_format(&from, "state->%s_%d", d->name, lag - 1);
      else
        text_format(&from, "%s", symbols || !(d->scaled || d->least) ? d->name : d->value);
      if (symbols)
        text_format(out, "  state->%s_%d = %s;\n", d->name, lag, from.data ? from.data : "");
      else
        text_format(out, "  for (int i = 0; i < %d; i++) state->%s_%d[i] = %s[i];\n", c->g->data[i].width, d->name, lag,
                    from.data ? from.data : "");
      text_free(&from);
    }
  }
}

void c_states(c_export *c) {
  text *step = &c->body[PHASE_STEP], *start = &c->body[PHASE_START];
  int deepest = 0;
  for (int i = 0; i < c->n_order; i++) {
    const int x = c->order[i];
    const node *n = &c->g->nodes[x];
    if (is_member(n->op)) {
      if (n->op == OP_SHIFT && n->in[1] != NODE_NONE) {
        text to = {0};
        text_format(&to, "state->%s", c->names[x]);
        assign(c, start, to.data ? to.data : "", 0, n->in[1], n->width);
        text_free(&to);
      } else {
        begin_loop(start, "i", n->width);
        text_format(start, " state->%s[i] = 0.0f;\n", c->names[x]);
      }
      if (n->op != OP_SHIFT) gather(c, x, step);
    }
    if (n->op == OP_SHIFT && depth_of(c, x) > deepest) deepest = depth_of(c, x);
  }
  for (int depth = deepest; depth > 0; depth--)
    for (int i = 0; i < c->n_order; i++) {
      const node *n = &c->g->nodes[c->order[i]];
      if (n->op != OP_SHIFT || n->in[0] == NODE_NONE || depth_of(c, c->order[i]) != depth) continue;
      text to = {0};
      text_format(&to, "state->%s", c->names[c->order[i]]);
      assign(c, step, to.data ? to.data : "", 0, n->in[0], n->width);
      text_free(&to);
    }
  history(c, step);
  text_format(step, "  if (state->steps < 2147483647) state->steps++;\n");
}

/* --- what comes out --- */

bool c_is_symbols(const loss *l) { return l->distribution->support == SUPPORT_SYMBOLS; }

enum phase c_loss_phase(const c_export *c, const loss *l) {
  enum phase p = PHASE_START;
  for (int k = 0; k < l->n_args; k++)
    if (c->phase[l->args[k]] > p) p = (enum phase)c->phase[l->args[k]];
  if (p == PHASE_START && c->has_steps) p = c->g->data[l->data].space == SPACE_STEP ? PHASE_STEP : PHASE_END;
  return p;
}

int c_loss_width(const c_export *c, const loss *l, int k) {
  const int own = c->g->nodes[l->args[k]].width;
  return c_is_symbols(l) || !l->distribution->n_args ? own : c->g->data[l->data].width;
}

enum c_unit c_loss_unit(const c_export *c, const loss *l, int k) {
  const char *arg = k < l->distribution->n_args ? l->distribution->args[k].name : "";
  if (!c->data[l->data].scaled) return UNIT_OF_NOTHING;
  if (!strcmp(arg, "mean") || !strcmp(arg, "location")) return UNIT_OF_PLACE;
  return strcmp(arg, "scale") ? UNIT_OF_NOTHING : UNIT_OF_SPREAD;
}

/* From standardised numbers to those of the data, where the argument has their unit. */
static void unscale(const c_export *c, const loss *l, int k, const char *to, text *out) {
  const c_data *d = &c->data[l->data];
  const enum c_unit unit = c_loss_unit(c, l, k);
  if (unit == UNIT_OF_NOTHING) return;
  begin_loop(out, "i", c->g->data[l->data].width);
  text_format(out, " %s[i] = (float)((double)%s[i] * %s[i]", to, to, d->spread);
  if (unit == UNIT_OF_PLACE) text_format(out, " + %s[i]", d->center);
  text_format(out, ");\n");
}

void c_outputs(c_export *c) {
  for (int i = 0; i < c->g->n_losses; i++) {
    const loss *l = &c->g->losses[i];
    text *out = &c->body[c_loss_phase(c, l)];
    for (int k = 0; k < l->n_args; k++) {
      const char *to = c->outputs[i][k];
      const int width = c_loss_width(c, l, k);
      text_format(out, "  /* %s ~ %s */\n", c->g->data[l->data].name, l->distribution->name);
      assign(c, out, to, 0, l->args[k], width);
      if (c_is_symbols(l)) {
        text_format(out, "  softmax_of(%s, %d);\n", to, width);
        c->helper[OP_SOFTMAX] = true;
      }
      unscale(c, l, k, to, out);
    }
  }
}
