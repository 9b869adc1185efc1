/* torch_ops.c - an operator of the graph becomes an expression of PyTorch: a row each, as in ops.def. */
#include <string.h>
#include "base/error.h"
#include "port/forms.h"
#include "port/torch_write.h"

static const node *at(const torch_export *o, int x) { return &o->g->nodes[x]; }
static int rank_of(const torch_export *o, int x) {
  const enum space space = at(o, x)->space;
  return space == SPACE_PARAM ? 0 : space == SPACE_STEP && o->block < 0 ? 2 : 1;
}
static void set_full(torch_export *o, int x, const char *s) { torch_set(o, x, rank_of(o, x), at(o, x)->width, LEVEL_WHOLE, s); }

/* --- on single numbers: the row of forms.c, with the operands put in --- */

static const struct {
  enum op op;
  const char *sign;
  enum torch_level level;
  bool exact; /* the right side needs brackets where it is as loose */
} signs[] = {{OP_ADD, "+", LEVEL_SUM, false},
             {OP_SUB, "-", LEVEL_SUM, true},
             {OP_MUL, "*", LEVEL_PRODUCT, false},
             {OP_DIV, "/", LEVEL_PRODUCT, true}};

static bool is_argument(const char *form, const char *at_x) {
  const bool opens = at_x > form && (at_x[-1] == '(' || (at_x[-1] == ' ' && at_x - form > 1 && at_x[-2] == ','));
  return opens && (at_x[1] == ')' || at_x[1] == ',');
}

/* A letter of a form that stands for an operand. */
static bool stands(const char *form, const char *p) {
  const bool before = p > form && (p[-1] == '.' || p[-1] == '_' || (p[-1] >= 'a' && p[-1] <= 'z'));
  const bool after = p[1] == '.' || p[1] == '_' || (p[1] >= 'a' && p[1] <= 'z');
  return (*p == 'x' || *p == 'y') && !before && !after;
}

static const char *fill(torch_export *o, const char *form, const int in[2]) {
  text s = {0};
  for (const char *p = form; *p; p++) {
    if (stands(form, p)) {
      const char *operand = torch_arg(o, in[*p == 'y'], is_argument(form, p) ? LEVEL_COMPARE : LEVEL_WHOLE);
      text_format(&s, "%s", operand);
    } else
      text_add(&s, p, 1);
  }
  const char *kept = s.failed ? NULL : arena_text(&o->memory, s.data, s.length);
  if (!kept) torch_fail_memory(o);
  text_free(&s);
  return kept ? kept : "";
}

/* W x + b, where the module of W has the bias b. */
static bool has_bias(torch_export *o, int x) {
  const node *n = at(o, x);
  for (int k = 0; k < 2 && n->op == OP_ADD; k++) {
    const node *w = at(o, n->in[k]), *b = at(o, n->in[1 - k]);
    if (w->op != OP_MATVEC || b->op != OP_VECTOR || o->bias_of[w->param] != b->param) continue;
    torch_same(o, x, n->in[k]);
    return true;
  }
  return false;
}

/* min and max of a value and a number of Python. */
static const char *clamped(torch_export *o, int x) {
  const node *n = at(o, x);
  if (n->op != OP_MIN && n->op != OP_MAX) return NULL;
  for (int k = 0; k < 2; k++)
    if (torch_see(o, n->in[k]).number)
      return torch_format(o, "torch.clamp(%s, %s=%s)", torch_arg(o, n->in[1 - k], LEVEL_COMPARE), n->op == OP_MIN ? "max" : "min",
                          torch_see(o, n->in[k]).text);
  return NULL;
}

static void write_elementwise(torch_export *o, int x) {
  const node *n = at(o, x);
  const bool two = graph_ops[n->op].inputs == 2;
  const torch_picture *p = two ? NULL : torch_only_picture(o, n->in[0]);
  if (p) {
    const torch_picture shape = *p;
    text s = {0};
    for (const char *f = port_forms[n->op].torch; *f; f++) {
      if (stands(port_forms[n->op].torch, f))
        text_format(&s, "%s", shape.text);
      else
        text_add(&s, f, 1);
    }
    const char *kept = s.failed ? NULL : torch_format(o, "%s", s.data);
    text_free(&s);
    if (!kept) torch_fail_memory(o);
    torch_set_picture(o, x, kept ? kept : "", shape.channels, shape.rows, shape.columns);
    return;
  }
  if (has_bias(o, x)) return;
  const torch_value a = torch_see(o, n->in[0]), b = two ? torch_see(o, n->in[1]) : a;
  const int rank = a.rank > b.rank ? a.rank : b.rank, columns = a.columns > b.columns ? a.columns : b.columns;
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
    if (signs[i].op != n->op) continue;
    const char *left = torch_arg(o, n->in[0], signs[i].level);
    const char *right = torch_arg(o, n->in[1], signs[i].level + signs[i].exact);
    torch_set(o, x, rank, columns, signs[i].level, torch_format(o, "%s %s %s", left, signs[i].sign, right));
    return;
  }
  const char *bounded = clamped(o, x);
  if (!bounded && n->op == OP_NEG)
    torch_set(o, x, rank, columns, LEVEL_SIGN, torch_format(o, "-%s", torch_arg(o, n->in[0], LEVEL_SIGN)));
  else
    torch_set(o, x, rank, columns, LEVEL_WHOLE, bounded ? bounded : fill(o, port_forms[n->op].torch, n->in));
}

/* --- leaves --- */

static void set_number(torch_export *o, int x, double value) {
  torch_value v = {
      .text = torch_format(o, value < 0 ? "(%.9g)" : "%.9g", value), .columns = 1, .level = LEVEL_WHOLE, .number = true};
  *(o->block < 0 ? &o->values[x] : &o->inner[x]) = v;
}
static void write_const(torch_export *o, int x) { set_number(o, x, at(o, x)->value); }
static void write_setting(torch_export *o, int x) { set_number(o, x, o->g->varying[at(o, x)->slot]); }
static void write_mask(torch_export *o, int x) { set_number(o, x, 1); }
static void write_nothing(torch_export *o, int x) { (void)o, (void)x; }

static void write_vector(torch_export *o, int x) {
  const param *p = &o->g->params[at(o, x)->param];
  const torch_value v = {.text = o->held[at(o, x)->param], .columns = p->rows, .level = LEVEL_WHOLE};
  o->values[x] = v;
}

static void write_length(torch_export *o, int x) {
  o->zeros = true;
  torch_set(o, x, 0, 1, LEVEL_SUM, torch_format(o, "zeros(1) + %s", torch_steps(o, at(o, x)->axis)));
}

/* --- products --- */

static void write_product(torch_export *o, int x) {
  const node *n = at(o, x);
  const param *p = &o->g->params[n->param];
  const char *in = torch_wide(o, n->in[0]), *w = o->held[n->param];
  const int K = at(o, n->in[0])->width, rank = torch_see(o, n->in[0]).rank;
  const bool whole = n->c0 == 0 && (n->op == OP_MATVEC ? K : n->width) == p->cols;
  const enum torch_home home = o->homes[n->param];
  if (home == HOME_LINEAR) {
    torch_set(o, x, rank, n->width, LEVEL_WHOLE, torch_format(o, "%s(%s)", w, in));
    return;
  }
  if (home == HOME_EMBEDDING) w = torch_format(o, "%s.weight", w);
  const char *piece = whole ? w : torch_format(o, "%s[:, %d:%d]", w, n->c0, n->c0 + (n->op == OP_MATVEC ? K : n->width));
  torch_set(o, x, rank, n->width, LEVEL_WHOLE,
            n->op == OP_MATVEC ? torch_format(o, "functional.linear(%s, %s)", in, piece)
                               : torch_format(o, "torch.matmul(%s, %s)", in, piece));
}

static void write_embed(torch_export *o, int x) {
  const node *n = at(o, x);
  const char *w = o->held[n->param];
  o->looks_up = true;
  set_full(o, x, torch_format(o, "look_up(%s%s, %s)", w, o->homes[n->param] == HOME_EMBEDDING ? ".weight" : "", o->given[n->slot]));
}

/* --- width --- */

static void write_concat(torch_export *o, int x) {
  const node *n = at(o, x);
  const char *left = torch_full(o, n->in[0], n->space, n->axis), *right = torch_full(o, n->in[1], n->space, n->axis);
  const size_t length = strlen(left);
  if (at(o, n->in[0])->op == OP_CONCAT && !strncmp(left, "torch.cat([", 11) && length > 6 && !strcmp(left + length - 6, "], -1)"))
    set_full(o, x, torch_format(o, "%.*s, %s], -1)", (int)length - 6, left, right));
  else
    set_full(o, x, torch_format(o, "torch.cat([%s, %s], -1)", left, right));
}

static void write_slice(torch_export *o, int x) {
  const node *n = at(o, x);
  const torch_value v = torch_see(o, n->in[0]);
  if (v.columns == 1 && at(o, n->in[0])->width > 1)
    torch_set(o, x, v.rank, 1, v.level, v.text);
  else
    torch_set(o, x, v.rank, n->width, LEVEL_WHOLE,
              torch_format(o, "%s[..., %d:%d]", torch_arg(o, n->in[0], LEVEL_WHOLE), n->c0, n->c0 + n->width));
}

static void write_pad(torch_export *o, int x) {
  const node *n = at(o, x);
  const int K = at(o, n->in[0])->width;
  set_full(
      o, x,
      torch_format(o, "functional.pad(%s, (%d, %d))", torch_full(o, n->in[0], n->space, n->axis), n->c0, n->width - K - n->c0));
}

static void over_row(torch_export *o, int x, const char *function, int columns) {
  const int in = at(o, x)->in[0];
  const char *row = graph_steps_axis(at(o, in)->width) < 0 ? torch_wide(o, in) : torch_arg(o, in, LEVEL_COMPARE);
  torch_set(o, x, torch_see(o, in).rank, columns, LEVEL_WHOLE,
            torch_format(o, columns == 1 ? "torch.%s(%s, -1, keepdim=True)" : "torch.%s(%s, -1)", function, row));
}
static void write_row_sum(torch_export *o, int x) { over_row(o, x, "sum", 1); }
static void write_log_sum_exp(torch_export *o, int x) { over_row(o, x, "logsumexp", 1); }

static void write_softmax(torch_export *o, int x) {
  const int in = at(o, x)->in[0];
  const char *row = graph_steps_axis(at(o, in)->width) < 0 ? torch_wide(o, in) : torch_arg(o, in, LEVEL_COMPARE);
  torch_set(o, x, torch_see(o, in).rank, at(o, x)->width, LEVEL_WHOLE, torch_format(o, "torch.softmax(%s, -1)", row));
}

static void write_same(torch_export *o, int x) { torch_same(o, x, at(o, x)->in[0]); }

static void write_layernorm_scale(torch_export *o, int x) {
  const int in = at(o, x)->in[0];
  torch_set(o, x, torch_see(o, in).rank, 1, LEVEL_WHOLE,
            torch_format(o, "torch.rsqrt(torch.var(%s, -1, unbiased=False, keepdim=True) + 1e-05)", torch_wide(o, in)));
}

static void write_layernorm(torch_export *o, int x) {
  const int in = at(o, x)->in[0], width = at(o, x)->width;
  torch_set(o, x, torch_see(o, in).rank, width, LEVEL_WHOLE,
            torch_format(o, "functional.layer_norm(%s, (%d,), eps=1e-05)", torch_wide(o, in), width));
}

/* --- pictures --- */

static void write_batchnorm(torch_export *o, int x) {
  const node *n = at(o, x);
  const patches *p = &n->patches;
  const int stats = at(o, n->in[1])->param;
  const bool square = n->width > p->channels;
  const char *gain = torch_wide(o, n->in[2]), *bias = torch_wide(o, n->in[3]);
  const char *in = square ? torch_picture_of(o, n->in[0], p) : torch_full(o, n->in[0], n->space, n->axis);
  const char *rest = torch_format(o, "%s, %s, %s, %s, eps=%.9g", o->held[stats], o->held[stats + 1], gain, bias, n->value);
  if (square)
    torch_set_picture(o, x, torch_format(o, "functional.batch_norm(%s, %s)", in, rest), p->channels, p->rows, p->columns);
  else
    set_full(o, x,
             torch_format(o, rank_of(o, x) < 2 ? "functional.batch_norm(%s, %s)" : "functional.batch_norm(%s.flatten(0, 1), %s)",
                          in, rest));
  if (!square && rank_of(o, x) == 2) {
    torch_value *v = &o->values[x];
    v->text = torch_format(o, "%s.reshape(%s, batch, %d)", v->text, torch_steps(o, n->axis), n->width);
    o->batch = true;
  }
}

static void write_conv(torch_export *o, int x) {
  const node *n = at(o, x);
  const patches *p = &n->patches;
  const param *w = &o->g->params[n->param];
  const int front = p->border / 2, back = p->border - front;
  const char *in = torch_picture_of(o, n->in[0], p);
  if (front != back) in = torch_format(o, "functional.pad(%s, (%d, %d, %d, %d))", in, front, back, front, back);
  if (o->homes[n->param] == HOME_CONV && o->bias_of[n->param] < 0)
    in = torch_format(o, "%s(%s) + %s.reshape(-1, 1, 1)", o->held[n->param], in, torch_wide(o, n->in[1]));
  else
    in = torch_format(o, "%s(%s)", o->held[n->param], in);
  torch_set_picture(o, x, in, w->rows, patches_along(p->rows, p), patches_along(p->columns, p));
}

static void write_pool(torch_export *o, int x) {
  const node *n = at(o, x);
  const patches *p = &n->patches;
  torch_set_picture(o, x,
                    torch_format(o, "functional.%s_pool2d(%s, %d, %d)", n->op == OP_POOL ? "max" : "avg",
                                 torch_picture_of(o, n->in[0], p), p->size, p->stride),
                    p->channels, patches_along(p->rows, p), patches_along(p->columns, p));
}

static void write_over_positions(torch_export *o, int x) {
  const node *n = at(o, x);
  const bool match = n->op == OP_MATCH, steps = n->space == SPACE_STEP && o->block < 0;
  const int channels = match ? at(o, n->in[0])->width : n->width;
  const char *in = torch_full(o, n->in[0], n->space, n->axis), *all = torch_full(o, n->in[1], n->space, n->axis);
  const char *equation = match ? (steps ? "tnc,tnpc->tnp" : "nc,npc->np") : (steps ? "tnp,tnpc->tnc" : "np,npc->nc");
  set_full(o, x, torch_format(o, "torch.einsum(\"%s\", %s, (%s).unflatten(-1, (-1, %d)))", equation, in, all, channels));
}

/* --- time --- */

static void write_reverse(torch_export *o, int x) {
  set_full(o, x, torch_format(o, "torch.flip(%s, (0,))", torch_full(o, at(o, x)->in[0], SPACE_STEP, at(o, x)->axis)));
}

static void write_edge(torch_export *o, int x) {
  const node *n = at(o, x);
  const torch_value v = o->ends[n->in[0]] && port_flow_is_end(&o->f, x) ? (torch_value){.rank = 0} : torch_see(o, n->in[0]);
  if (!v.text)
    set_full(o, x, o->ends[n->in[0]]);
  else if (v.rank < 2)
    torch_set(o, x, v.rank, v.columns, v.level, v.text);
  else
    torch_set(o, x, 1, v.columns, LEVEL_WHOLE, torch_format(o, "%s[%d]", torch_arg(o, n->in[0], LEVEL_WHOLE), n->dir > 0 ? 0 : -1));
}

static void write_over_time(torch_export *o, int x) {
  const node *n = at(o, x);
  set_full(o, x,
           torch_format(o, n->op == OP_MAX_TIME ? "torch.amax(%s, 0)" : "torch.sum(%s, 0)",
                        torch_full(o, n->in[0], SPACE_STEP, n->axis)));
}

/* --- attention --- */

static void write_attention(torch_export *o, int x) {
  const node *n = at(o, x);
  const bool steps = n->space == SPACE_STEP && o->block < 0, dots = n->op == OP_DOTS;
  const char *in = torch_full(o, n->in[0], n->space, n->axis), *all = torch_whole(o, n->in[1]);
  const char *equation = dots ? (steps ? "tnw,snw->tns" : "nw,snw->ns") : (steps ? "tns,snw->tnw" : "ns,snw->nw");
  set_full(o, x, torch_format(o, "torch.einsum(\"%s\", %s, %s)", equation, in, all));
}

static void write_additive(torch_export *o, int x) {
  const node *n = at(o, x);
  const bool steps = n->space == SPACE_STEP && o->block < 0;
  const char *in = torch_full(o, n->in[0], n->space, n->axis), *all = torch_whole(o, n->in[1]), *v = torch_wide(o, n->in[2]);
  set_full(o, x,
           torch_format(o, "torch.einsum(\"%s\", torch.tanh((%s)%s + %s), %s)", steps ? "tsnw,w->tns" : "snw,w->ns", in,
                        steps ? ".unsqueeze(1)" : "", all, v));
}

/* --- the table: what is no row here or in forms.c cannot be written --- */

typedef void write_row(torch_export *o, int x);
static write_row *const rows[OP_COUNT] = {
    [OP_CONST] = write_const,
    [OP_SETTING] = write_setting,
    [OP_VECTOR] = write_vector,
    [OP_MASK] = write_mask,
    [OP_INPUT] = write_nothing,
    [OP_CARRY] = write_nothing,
    [OP_MATVEC] = write_product,
    [OP_MATVEC_T] = write_product,
    [OP_CONV] = write_conv,
    [OP_POOL] = write_pool,
    [OP_POOL_MEAN] = write_pool,
    [OP_MATCH] = write_over_positions,
    [OP_BLEND] = write_over_positions,
    [OP_BATCH_STATS] = write_nothing,
    [OP_BATCHNORM] = write_batchnorm,
    [OP_EMBED] = write_embed,
    [OP_CONCAT] = write_concat,
    [OP_SLICE] = write_slice,
    [OP_PAD] = write_pad,
    [OP_ROW_SUM] = write_row_sum,
    [OP_LOG_SUM_EXP] = write_log_sum_exp,
    [OP_REPEAT] = write_same,
    [OP_SOFTMAX] = write_softmax,
    [OP_LAYERNORM_SCALE] = write_layernorm_scale,
    [OP_LAYERNORM] = write_layernorm,
    [OP_SHIFT] = torch_write_shift,
    [OP_REVERSE] = write_reverse,
    [OP_EDGE] = write_edge,
    [OP_SPREAD] = write_same,
    [OP_SUM_TIME] = write_over_time,
    [OP_LENGTH] = write_length,
    [OP_MAX_TIME] = write_over_time,
    [OP_HOLD] = write_same,
    [OP_DOTS] = write_attention,
    [OP_MIX] = write_attention,
    [OP_ADDITIVE] = write_additive,
};

bool torch_knows(enum op op) { return rows[op] || port_forms[op].torch; }

void torch_write_node(torch_export *o, int x) {
  const int plain = port_flow_plain(o->g, x);
  if (o->status) return;
  if (plain != x) {
    const torch_picture *p = torch_only_picture(o, plain);
    if (p)
      torch_set_picture(o, x, p->text, p->channels, p->rows, p->columns);
    else
      torch_same(o, x, plain);
  } else if (rows[at(o, x)->op])
    rows[at(o, x)->op](o, x);
  else
    write_elementwise(o, x);
}
