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
  if (!status && c->out->bytes) status = c_bytes_reference(c, (const double *const *)numbers);
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

static int steps_on(const c_export *c, int axis) { return axis >= 0 ? c->batch.axes[axis].steps : 1; }

/* Entry j of a variable, `lag` steps before t. */
static double value_given(const c_export *c, int data, int t, int lag, int j) {
  const bool symbols = c_takes_symbols(c, data);
  for (int i = 0; i < c->g->n_inputs && t >= lag; i++) {
    const input *in = &c->g->inputs[i];
    const int at = t - lag + in->lag;
    if (in->data == data && !in->seen && at < (in->space == SPACE_STEP ? steps_on(c, in->axis) : 1)) return c_given(c, i, at, j);
  }
  return symbols ? -1 : 0; /* nothing reads it */
}

/* Values of a parameter, all steps one after the other: of NAME_step they may be late. */
static void vectors(const c_export *c, const c_parameter *p, int axis, text *out) {
  const int steps = steps_on(c, axis), width = p->width ? p->width : 1;
  const int lag = p->data >= 0 && p->axis < 0 ? c->data[p->data].least : 0;
  const bool symbol = !p->width;
  text_format(out, "static const %s test_%s[%d] = {\n ", symbol ? "int" : "float", c_parameter_name(c, p), steps * width);
  for (int i = 0; i < steps * width; i++) {
    const int t = i / width, j = i % width;
    const double x = p->data >= 0 ? value_given(c, p->data, t, lag, j) : wanted(c, &c->g->losses[p->loss], p->k, t, j);
    text_format(out, i && i % 8 == 0 ? "\n  " : " ");
    if (symbol)
      text_format(out, "%d", (int)x);
    else
      c_number(out, x);
    if (i + 1 < steps * width) text_format(out, ",");
  }
  text_format(out, "\n};\n");
}

/* What an error is measured by, beside the number itself. */
static double unit_of(const c_export *c, const c_parameter *p) {
  const loss *l = &c->g->losses[p->loss];
  double unit = 1;
  for (int j = 0; c_loss_unit(c, l, p->k) != UNIT_OF_NOTHING && j < p->width; j++)
    unit = fmax(unit, c->m->schema.list[l->data].deviation[j]);
  return unit;
}

static void argument(const c_export *c, const c_parameter *p, bool step, text *out) {
  const int least = p->data >= 0 && step ? c->data[p->data].least : 0;
  const char *name = c_parameter_name(c, p);
  if (p->data == -2)
    text_format(out, "%d", steps_on(c, p->axis));
  else if (p->data < 0)
    text_format(out, "got_%s", name);
  else if (!p->width && p->axis < 0)
    text_format(out, step ? "test_%s[t]" : "test_%s[0]", name);
  else if (least)
    text_format(out, "t < %d ? 0 : test_%s + t * %d", least, name, p->width);
  else
    text_format(out, step ? "test_%s + t * %d" : "test_%s", name, p->width);
}

static void call(const c_export *c, const char *function, const c_parameter *list, int n, bool bound, bool step, text *out) {
  const char *margin = step ? "    " : "  ", *between = c->has_state ? ", " : "";
  text_format(out, bound ? "%sfailed |= %s_%s(%s" : "%s%s_%s(%s", margin, c->name, function, c->has_state ? "&state" : "");
  for (int i = 0; i < n; i++, between = ", ") {
    text_format(out, "%s", between);
    argument(c, &list[i], step, out);
  }
  text_format(out, ");\n");
  for (int i = 0; i < n; i++) {
    const c_parameter *p = &list[i];
    if (p->data != -1) continue;
    text_format(out, "%sfailed |= differ(got_%s, test_%s", margin, c_parameter_name(c, p), c_parameter_name(c, p));
    if (step) text_format(out, " + t * %d", p->width);
    text_format(out, ", %d, ", p->width * (step ? 1 : steps_on(c, p->axis)));
    c_number(out, unit_of(c, p));
    text_format(out, ");\n");
  }
}

static void all_vectors(const c_export *c, c_parameter *list, text *out) {
  const int n = c_run_parameters(c, list);
  for (int i = 0; i < n; i++) {
    const c_parameter *p = &list[i];
    if (p->data == -2) continue;
    vectors(c, p, p->axis, out);
    if (p->data < 0) text_format(out, "static float got_%s[%d];\n", c_parameter_name(c, p), p->width * steps_on(c, p->axis));
  }
  for (int i = 0, m = c->stream < 0 ? 0 : c_parameters(c, PHASE_STEP, list); i < m; i++)
    if (list[i].data >= 0 && c->data[list[i].data].least) vectors(c, &list[i], c->stream, out);
}

void c_test(c_export *c, text *out) {
  c_parameter *list = c_parameter_room(c);
  if (!list) return;
  text_format(out, "\n#ifdef SELFTEST\n/* One made-up sequence, and what %s. */\n",
              c->out->bytes ? "the library makes of it with products of bytes" : "the equations make of it in double precision");
  text sound = {0};
  all_vectors(c, list, out);
  c_sound_test(c, out, &sound);
  text_format(out,
              "\nstatic int differ(const float *got, const float *wanted, int n, float unit) {\n"
              "  int worse = 0;\n"
              "  for (int i = 0; i < n; i++) {\n"
              "    const float most = %s * (unit + (wanted[i] < 0.0f ? -wanted[i] : wanted[i]));\n"
              "    worse |= !(got[i] - wanted[i] <= most && wanted[i] - got[i] <= most);\n"
              "  }\n"
              "  return worse;\n}\n\n/* 0: all is right. */\nint main(void) {\n  int failed = 0;\n",
              c->out->bytes ? "2e-3f" : "1e-5f");
  if (c->has_state) text_format(out, "  static %s_state state;\n", c->name);
  if (c->stream >= 0) {
    int n = c_parameters(c, PHASE_START, list);
    call(c, "reset", list, n, c_is_bound(c), false, out);
    text_format(out, "  for (int t = 0; t < %d; t++) {\n", steps_on(c, c->stream));
    n = c_parameters(c, PHASE_STEP, list);
    call(c, "step", list, n, false, true, out);
    text_format(out, "  }\n");
    n = c_parameters(c, PHASE_END, list);
    if (c->has_end) call(c, "end", list, n, false, false, out);
  }
  const int n = c_run_parameters(c, list);
  call(c, "run", list, n, c_is_bound(c), false, out);
  text_format(out, "%s  return failed;\n}\n#endif\n", sound.data ? sound.data : "");
  out->failed |= sound.failed;
  text_free(&sound);
}
