/* c_bytes.c - products of bytes, --precision int8: as the library has them (kernel/product_bytes_body.h).
 *
 * A row of a matrix is bytes and a scale, its largest number / 127, made here. So is an operand, made where it is first needed. The
 * sum of the products is an exact integer. Products of fewer than 16 numbers stay floats, and so do convolutions. */
#include <math.h>
#include "base/error.h"
#include "port/c_internal.h"
#include "run/make.h"

enum { LEAST = 16 };
#define SMALLEST 0x1p-119f

bool c_is_bytes(const c_export *c, int x) {
  const node *n = &c->g->nodes[x];
  if (!c->out->bytes || (n->op != OP_MATVEC && n->op != OP_MATVEC_T)) return false;
  const int k = c->g->nodes[n->in[0]].width;
  return k >= LEAST && k <= BYTES_MOST;
}

const char *const c_bytes_helper =
    "/* A row as bytes, and its scale. The sum rounds to a whole number, to even where it lies between two. */\n"
    "static float bytes_of(signed char *to, const float *x, int n) {\n"
    "  float most = 0.0f, wrong = 0.0f;\n"
    "  for (int i = 0; i < n; i++) {\n"
    "    const float a = x[i] < 0.0f ? -x[i] : x[i];\n"
    "    if (a > most) most = a;\n"
    "    wrong += x[i] * 0.0f;\n"
    "  }\n"
    "  const int none = most < 1.50463277e-36f || !(wrong <= 0.0f);\n"
    "  const double factor = none ? 0.0 : (double)(127.0f / most);\n"
    "  for (int i = 0; i < n; i++) {\n"
    "    const double whole = none ? 0.0 : ((double)x[i] * factor + 6755399441055744.0) - 6755399441055744.0;\n"
    "    to[i] = (signed char)(int)whole;\n"
    "  }\n"
    "  return none ? wrong : most / 127.0f;\n"
    "}\n";

/* The matrix of a product as bytes; the same one where another product has it. */
static const c_matrix *matrix_of(c_export *c, int x) {
  const node *n = &c->g->nodes[x];
  const int k = c->g->nodes[n->in[0]].width;
  for (int i = 0; i < c->n_matrices; i++) {
    const c_matrix *m = &c->matrices[i];
    if (m->param == n->param && m->c0 == n->c0 && m->k == k && m->rows == n->width && m->turned == (n->op == OP_MATVEC_T)) return m;
  }
  c_matrix *m = &c->matrices[c->n_matrices];
  *m = (c_matrix){.param = n->param, .c0 = n->c0, .k = k, .rows = n->width, .turned = n->op == OP_MATVEC_T};
  m->bytes = c_name(c, c->g->params[n->param].name, "_bytes");
  m->scale = c_name(c, c->g->params[n->param].name, "_scale");
  if (!m->bytes || !m->scale) return NULL;
  c->n_matrices++;
  return m;
}

/* The operand as bytes: declared before the loop that is being written, once in each block of the function. */
static const c_rounded *rounded_of(c_export *c, int x) {
  for (int i = c->first_rounded; i < c->n_rounded; i++)
    if (c->rounded[i].node == x) return &c->rounded[i];
  c_rounded *r = &c->rounded[c->n_rounded];
  const int width = c->g->nodes[x].width;
  text pointer = {0};
  const char *name = c->g->nodes[x].name ? c->g->nodes[x].name : c->names[c_root(c, x)] ? c->names[c_root(c, x)] : "u";
  *r = (c_rounded){.node = x, .bytes = c_name(c, name, "_bytes"), .scale = c_name(c, name, "_scale")};
  if (!r->bytes || !r->scale) return NULL;
  c->n_rounded++;
  if (!c_pointer(c, x, &pointer)) {
    const char *row = c_name(c, "row", "");
    text *prelude = c->prelude;
    text own = {0};
    c->prelude = &own;
    text_format(prelude, "  float %s[%d];\n", row ? row : "", width);
    c_assign(c, prelude, row ? row : "", "", x, width);
    c->prelude = prelude;
    text_free(&own);
    text_format(&pointer, "%s", row ? row : "");
  }
  text_format(c->prelude, "  signed char %s[%d];\n  const float %s = bytes_of(%s, %s, %d);\n", r->bytes, width, r->scale, r->bytes,
              pointer.data ? pointer.data : "", width);
  c->locals[c->writing] += width / 4 + 2;
  c->prelude->failed |= pointer.failed;
  text_free(&pointer);
  return r;
}

void c_bytes_product(c_export *c, int x, const char *at, const char *sum, text *before, text *out) {
  const c_matrix *m = matrix_of(c, x);
  const c_rounded *r = rounded_of(c, c->g->nodes[x].in[0]);
  before->failed |= !m || !r;
  if (!m || !r) return;
  text_format(before, "    int32_t %s = 0;\n    for (int k = 0; k < %d; k++) %s += %s[%s][k] * %s[k];\n", sum, m->k, sum, m->bytes,
              at, r->bytes);
  text_format(out, "(float)%s * %s[%s] * %s", sum, m->scale, at, r->scale);
  c->products[c->g->nodes[x].space == SPACE_STEP] += (int64_t)m->rows * m->k;
}

static float weight_at(const c_export *c, const c_matrix *m, int i, int k) {
  const param *w = &c->g->params[m->param];
  const int row = m->turned ? k : i, column = m->c0 + (m->turned ? i : k);
  return c->m->weights[w->offset + (int64_t)row * w->cols + column];
}

static float most_of(const c_export *c, const c_matrix *m, int i) {
  float most = 0;
  for (int k = 0; k < m->k; k++) most = fmaxf(most, fabsf(weight_at(c, m, i, k)));
  return most;
}

int64_t c_bytes_weights(const c_export *c, text *out) {
  int64_t bytes = 0;
  for (int p = 0; p < c->n_matrices; p++) {
    const c_matrix *m = &c->matrices[p];
    text_format(out, "/* %s%s, as bytes with a scale for each row */\nstatic const signed char %s[%d][%d] = {\n",
                c->g->params[m->param].name, m->turned ? "'" : "", m->bytes, m->rows, m->k);
    for (int i = 0; i < m->rows; i++) {
      const float most = most_of(c, m, i), factor = most < SMALLEST ? 0 : 127 / most;
      text_format(out, "  {");
      for (int k = 0; k < m->k; k++)
        text_format(out, "%s%d", !k ? "" : k % 24 ? ", " : ",\n   ", (int)rint((double)weight_at(c, m, i, k) * (double)factor));
      text_format(out, "},\n");
    }
    text_format(out, "};\nstatic const float %s[%d] = {", m->scale, m->rows);
    for (int i = 0; i < m->rows; i++) {
      const float most = most_of(c, m, i);
      text_format(out, "%s", !i ? "\n  " : i % 8 ? ", " : ",\n  ");
      c_number(out, most < SMALLEST ? 0 : (double)(most / 127));
    }
    text_format(out, "\n};\n");
    bytes += (int64_t)m->rows * m->k + 4 * (int64_t)m->rows;
  }
  return bytes;
}

/* What the library makes of the sequence of the self-test, in place of what the reference makes of it. */
unroll_status c_bytes_reference(c_export *c, const double *const *numbers) {
  const graph *g = c->g;
  int *keep = arena_alloc(&c->memory, LOSS_ARGS * (size_t)g->n_losses + 1, sizeof *keep), n = 0, most = 1;
  const float **given = arena_alloc(&c->memory, (size_t)g->n_inputs + 1, sizeof *given);
  plan *p = NULL;
  run *r = NULL;
  if (!keep || !given) return error_memory(c->err);
  for (int i = 0; i < g->n_losses; i++)
    for (int k = 0; k < g->losses[i].n_args; k++)
      if (c->phase[g->losses[i].args[k]] >= PHASE_START) keep[n++] = g->losses[i].args[k];
  for (int i = 0; i < g->n_inputs; i++) {
    const input *in = &g->inputs[i];
    const int64_t count = (in->space == SPACE_STEP ? c->batch.axes[in->axis].steps : 1) * (int64_t)in->width;
    if (!numbers[i]) continue;
    float *to = arena_alloc(&c->memory, (size_t)count + 1, sizeof *to);
    if (!to) return error_memory(c->err);
    for (int64_t j = 0; j < count; j++) to[j] = (float)numbers[i][j];
    given[i] = to;
  }
  for (int a = 0; a < g->n_axes; a++) most = c->batch.axes[a].steps > most ? c->batch.axes[a].steps : most;
  const plan_options o = {.max_rows = 1, .max_steps = most, .precision = PRECISION_INT8, .keep = keep, .n_keep = n};
  batch b = c->batch.b;
  b.number = given;
  const unroll_status status = run_make(&r, &p, g, &o, c->m->weights, NULL, c->err);
  if (!status) run_pack(r);
  if (!status) run_pass(r, &b, 0);
  for (int i = 0; i < n && !status; i++) {
    ptrdiff_t row;
    const node *x = &g->nodes[keep[i]];
    const float *from = run_value(r, keep[i], &row);
    for (int64_t t = 0; t < c->values.rows[keep[i]]; t++)
      for (int j = 0; j < x->width; j++) c->values.values[keep[i]][t * x->width + j] = (double)from[t * row + j];
  }
  run_free(r);
  plan_free(p);
  return status;
}
