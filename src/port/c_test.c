/* c_test.c - the self-test: one made-up sequence, and what the reference in double precision makes of it. */
#include <math.h>
#include "base/error.h"
#include "port/c_internal.h"

enum { TEST_KEY = 19 };

static bool late(const c_export *c, int slot, int t) {
  return c->g->inputs[slot].space == SPACE_STEP && t < c->g->inputs[slot].lag;
}

double c_given(const c_export *c, int slot, int t, int j) {
  const input *in = &c->g->inputs[slot];
  const variable *v = &c->m->schema.list[in->data];
  if (in->index) return c->batch.index[slot][t];
  if (late(c, slot, t)) return 0;
  const double z = (double)c->batch.number[slot][t * in->width + j];
  return (double)(float)(in->seen ? z : variable_unscaled(v, j, z));
}

/* The numbers as the net takes them, in double. */
static bool take_numbers(c_export *c, double **numbers) {
  for (int i = 0; i < c->g->n_inputs; i++) {
    const input *in = &c->g->inputs[i];
    const variable *v = &c->m->schema.list[in->data];
    if (in->index) continue;
    const int steps = in->space == SPACE_STEP ? c->batch.axes[in->axis].steps : 1;
    numbers[i] = arena_alloc(&c->memory, (size_t)steps * (size_t)in->width + 1, sizeof **numbers);
    if (!numbers[i]) return false;
    for (int t = 0; t < steps; t++)
      for (int j = 0; j < in->width; j++) {
        const double x = c_given(c, i, t, j);
        numbers[i][t * in->width + j] = in->seen || late(c, i, t) || !v->mean ? x : (x - v->mean[j]) / v->deviation[j];
      }
  }
  return true;
}

unroll_status c_reference(c_export *c) {
  const int length = TEST_STEPS;
  double *weights = arena_alloc(&c->memory, (size_t)c->g->n_weights + 1, sizeof *weights);
  double **numbers = arena_alloc(&c->memory, (size_t)c->g->n_inputs + 1, sizeof *numbers);
  if (!weights || !numbers) return error_memory(c->err);
  for (int64_t i = 0; i < c->g->n_weights; i++) weights[i] = (double)c->m->weights[i];
  unroll_status status = random_batch_new(&c->batch, c->g, 1, &length, TEST_KEY, c->err);
  if (!status && !take_numbers(c, numbers)) status = error_memory(c->err);
  if (!status) status = reference_pass(&c->values, c->g, weights, &c->batch.b, (const double *const *)numbers, 0, c->err);
  for (int i = 0; i < c->n_order && !status; i++)
    if (c->phase[c->order[i]] == PHASE_CONSTANT && !c->values.values[c->order[i]])
      status = error_set(c->err, UNROLL_FAILED, "the reference has no value for a number of the equations");
  return status;
}

double c_value(const c_export *c, int x, int t, int j) {
  const node *n = &c->g->nodes[x];
  if (n->op == OP_CONST) return n->value;
  if (n->op == OP_SETTING) return c->g->varying[n->slot];
  if (n->op == OP_VECTOR) return (double)c->m->weights[c->g->params[n->param].offset + (n->width > 1 ? j : 0)];
  const double *y = c->values.values[x];
  return y ? y[(int64_t)(n->space == SPACE_STEP ? t : 0) * n->width + (n->width > 1 ? j : 0)] : (double)NAN;
}

/* Element j of what the function hands out. */
static double wanted(const c_export *c, const loss *l, int k, int t, int j) {
  const double x = c_value(c, l->args[k], t, j);
  const variable *v = &c->m->schema.list[l->data];
  if (c_is_symbols(l)) {
    double sum = 0;
    for (int i = 0; i < c_loss_width(c, l, k); i++) sum += exp(c_value(c, l->args[k], t, i) - x);
    return 1 / sum;
  }
  switch (c_loss_unit(c, l, k)) {
  case UNIT_OF_PLACE:
    return x * v->deviation[j] + v->mean[j];
  case UNIT_OF_SPREAD:
    return x * v->deviation[j];
  case UNIT_OF_NOTHING:
    break;
  }
  return x;
}

static int steps_of(const c_export *c, enum phase phase) {
  return phase == PHASE_STEP && c->axis >= 0 ? c->batch.axes[c->axis].steps : 1;
}

static int slot_of(const c_export *c, int data) {
  for (int i = 0; i < c->g->n_inputs; i++)
    if (c->g->inputs[i].data == data && c->g->inputs[i].lag == c->data[data].least && !c->g->inputs[i].seen) return i;
  return 0;
}

static const char *name_of(const c_export *c, const c_parameter *p) {
  return p->data >= 0 ? c->data[p->data].name : c->outputs[p->loss][p->k];
}

static void vectors(const c_export *c, enum phase phase, const c_parameter *p, text *out) {
  const int steps = steps_of(c, phase), width = p->width ? p->width : 1;
  const bool symbol = !p->width;
  text_format(out, symbol ? "static const int test_%s[%d] = {\n" : "static const float test_%s[%d][%d] = {\n", name_of(c, p), steps,
              width);
  for (int t = 0; t < steps; t++) {
    text_format(out, symbol ? "  " : "  {");
    for (int j = 0; j < width; j++) {
      const double x = p->data >= 0 ? c_given(c, slot_of(c, p->data), t, j) : wanted(c, &c->g->losses[p->loss], p->k, t, j);
      if (symbol)
        text_format(out, "%d", (int)x);
      else
        c_number(out, x);
      if (j + 1 < width) text_format(out, ",%s", j % 8 == 7 ? "\n   " : " ");
    }
    text_format(out, symbol ? ",\n" : "},\n");
  }
  text_format(out, "};\n");
}

/* What an error is measured by, beside the number itself. */
static double unit_of(const c_export *c, const c_parameter *p) {
  const loss *l = &c->g->losses[p->loss];
  double unit = 1;
  for (int j = 0; c_loss_unit(c, l, p->k) != UNIT_OF_NOTHING && j < p->width; j++)
    unit = fmax(unit, c->m->schema.list[l->data].deviation[j]);
  return unit;
}

static void call(const c_export *c, enum phase phase, const char *function, const char *state, const c_parameter *list, int n,
                 text *out) {
  const char *at = phase == PHASE_STEP ? "t" : "0", *margin = phase == PHASE_STEP ? "    " : "  ";
  const char *between = *state ? ", " : "";
  text_format(out, "%s%s_%s(%s", margin, c->name, function, state);
  for (int i = 0; i < n; i++, between = ", ") {
    const int least = list[i].data >= 0 ? c->data[list[i].data].least : 0;
    text_format(out, "%s", between);
    if (list[i].data < 0)
      text_format(out, "got_%s", name_of(c, &list[i]));
    else if (least && list[i].width)
      text_format(out, "%s < %d ? 0 : test_%s[%s]", at, least, name_of(c, &list[i]), at);
    else
      text_format(out, "test_%s[%s]", name_of(c, &list[i]), at);
  }
  text_format(out, ");\n");
  for (int i = 0; i < n; i++) {
    if (list[i].data >= 0) continue;
    text_format(out, "%sfailed |= differ(got_%s, test_%s[%s], %d, ", margin, name_of(c, &list[i]), name_of(c, &list[i]), at,
                list[i].width);
    c_number(out, unit_of(c, &list[i]));
    text_format(out, ");\n");
  }
}

void c_test(c_export *c, text *out) {
  c_parameter *list = arena_alloc(&c->memory, (size_t)(c->g->n_data + LOSS_ARGS * c->g->n_losses) + 1, sizeof *list);
  out->failed |= !list;
  if (!list) return;
  text_format(out, "\n#ifdef SELFTEST\n/* One made-up sequence, and what the equations make of it in double precision. */\n");
  for (enum phase p = PHASE_START; p < N_PHASES; p++)
    for (int i = 0, n = c_parameters(c, p, list); i < n; i++) {
      vectors(c, p, &list[i], out);
      if (list[i].data < 0) text_format(out, "static float got_%s[%d];\n", name_of(c, &list[i]), list[i].width);
    }
  text_format(out, "\nstatic int differ(const float *got, const float *wanted, int n, float unit) {\n"
                   "  int worse = 0;\n"
                   "  for (int i = 0; i < n; i++)\n"
                   "    worse |= !(fabsf(got[i] - wanted[i]) <= 1e-5f * (unit + fabsf(wanted[i])));\n"
                   "  return worse;\n}\n\n/* 0: all is right. */\nint main(void) {\n  int failed = 0;\n");
  if (c->has_steps) text_format(out, "  static %s_state state;\n", c->name);
  int n = c_parameters(c, PHASE_START, list);
  call(c, PHASE_START, c->has_steps ? "reset" : "run", c->has_steps ? "&state" : "", list, n, out);
  if (c->has_steps) {
    text_format(out, "  for (int t = 0; t < %d; t++) {\n", steps_of(c, PHASE_STEP));
    n = c_parameters(c, PHASE_STEP, list);
    call(c, PHASE_STEP, "step", "&state", list, n, out);
    text_format(out, "  }\n");
  }
  n = c_parameters(c, PHASE_END, list);
  if (c->has_end) call(c, PHASE_END, "end", "&state", list, n, out);
  text_format(out, "  return failed;\n}\n#endif\n");
}
