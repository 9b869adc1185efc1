/* apply_bind.c - `unroll run`: which tensor is for what, and whether its type and shape are right. */
#include "verify/apply_run.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"

enum { MAX_STEPS = 1 << 24, MAX_ROWS = 1 << 24 };

#define REFUSE(name, ...) error_at(err, UNROLL_BAD_INPUT, (name), NULL, 0, 0, __VA_ARGS__)

/* --- shapes --- */

void shape_add(shape *s, int64_t n, const char *letter) {
  s->n[s->rank] = n;
  s->letter[s->rank++] = letter;
}

static void shape_text(const shape *s, char *out, size_t size) {
  size_t used = (size_t)snprintf(out, size, "[");
  for (int i = 0; i < s->rank && used < size; i++) {
    const char *comma = i ? ", " : "";
    if (s->n[i] < 0)
      used += (size_t)snprintf(out + used, size - used, "%s%s", comma, s->letter[i]);
    else
      used += (size_t)snprintf(out + used, size - used, "%s%" PRId64, comma, s->n[i]);
  }
  if (used < size) snprintf(out + used, size - used, "]");
}

static void tensor_shape_text(const tensor *t, char *out, size_t size) {
  size_t used = (size_t)snprintf(out, size, "[");
  for (int i = 0; i < t->rank && used < size; i++)
    used += (size_t)snprintf(out + used, size - used, "%s%" PRId64, i ? ", " : "", t->shape[i]);
  if (used < size) snprintf(out + used, size - used, "]");
}

static unroll_status refuse_missing(const char *file, const char *name, const shape *s, unroll_error *err) {
  char expected[96];
  shape_text(s, expected, sizeof expected);
  return REFUSE(file, "the tensor '%s' %s is missing", name, expected);
}

static unroll_status check_shape(const char *file, const tensor *t, const shape *s, unroll_error *err) {
  char expected[96], is[200];
  bool fits = t->rank == s->rank;
  for (int i = 0; fits && i < t->rank; i++) fits = s->n[i] < 0 || t->shape[i] == s->n[i];
  if (fits) return UNROLL_OK;
  shape_text(s, expected, sizeof expected);
  tensor_shape_text(t, is, sizeof is);
  return REFUSE(file, "the tensor '%s' is %s, but must be %s", t->name, is, expected);
}

static bool is_whole(enum tensor_type type) { return type == TENSOR_I32 || type == TENSOR_I64 || type == TENSOR_U8; }
static bool is_number(enum tensor_type type) { return type == TENSOR_F32 || type == TENSOR_F64; }

static unroll_status check_type(const char *file, const tensor *t, bool whole, unroll_error *err) {
  if (whole ? is_whole(t->type) : is_number(t->type)) return UNROLL_OK;
  return REFUSE(file, "the tensor '%s' must be of type %s", t->name, whole ? "I32, I64 or U8" : "F32 or F64");
}

double apply_number(const tensor *t, int64_t i) {
  float f;
  double d;
  if (t->type == TENSOR_F32) return memcpy(&f, (const char *)t->data + (size_t)i * sizeof f, sizeof f), (double)f;
  return memcpy(&d, (const char *)t->data + (size_t)i * sizeof d, sizeof d), d;
}

int64_t apply_whole(const tensor *t, int64_t i) {
  int32_t s;
  int64_t l;
  if (t->type == TENSOR_U8) return ((const unsigned char *)t->data)[i];
  if (t->type == TENSOR_I32) return memcpy(&s, (const char *)t->data + (size_t)i * sizeof s, sizeof s), s;
  return memcpy(&l, (const char *)t->data + (size_t)i * sizeof l, sizeof l), l;
}

/* --- the files' tensors --- */

static unroll_status refuse_extra(const char *file, const tensor *t, const char **names, size_t n, const char *hint,
                                  unroll_error *err) {
  const char *near = text_nearest(t->name, names, n);
  if (near) return REFUSE(file, "the tensor '%s' is of no use here; did you mean '%s'?", t->name, near);
  return REFUSE(file, "the tensor '%s' is of no use here%s", t->name, hint);
}

unroll_status apply_check_weights(const apply_run *r, unroll_error *err) {
  const char *file = r->o->weights_name;
  const char **names = mem_zero((size_t)r->g.n_params + 1, sizeof *names);
  unroll_status s = names ? UNROLL_OK : error_memory(err);
  for (int i = 0; i < r->g.n_params && s == UNROLL_OK; i++) {
    const param *p = &r->g.params[i];
    const tensor *t = tensor_find(r->weights, names[i] = p->name);
    shape expected = {0};
    shape_add(&expected, p->rows, "");
    if (!p->vector) shape_add(&expected, p->cols, "");
    s = t ? check_shape(file, t, &expected, err) : refuse_missing(file, p->name, &expected, err);
    if (s == UNROLL_OK) s = check_type(file, t, false, err);
  }
  for (size_t k = 0; k < r->weights->count && s == UNROLL_OK; k++) {
    bool known = false;
    for (int i = 0; i < r->g.n_params && !known; i++) known = !strcmp(r->g.params[i].name, r->weights->tensors[k].name);
    if (!known) s = refuse_extra(file, &r->weights->tensors[k], names, (size_t)r->g.n_params, "", err);
  }
  mem_free(names);
  return s;
}

static shape shape_of(const apply_run *r, const port *p) {
  shape s = {0};
  if (p->space == SPACE_STEP) shape_add(&s, r->axes[p->axis].T, "T");
  shape_add(&s, r->B, "B");
  if (!p->index) shape_add(&s, p->width, "");
  return s;
}

/* The first tensor says how many steps and sequences there are. */
static unroll_status bind_port(apply_run *r, const port *p, unroll_error *err) {
  const char *file = r->o->inputs_name;
  const shape expected = shape_of(r, p);
  if (!p->given) return p->required ? refuse_missing(file, p->name, &expected, err) : UNROLL_OK;
  unroll_status s = check_shape(file, p->given, &expected, err);
  if (s == UNROLL_OK) s = check_type(file, p->given, p->index, err);
  if (s != UNROLL_OK) return s;
  const int at = p->space == SPACE_STEP;
  if (p->given->shape[at] < 1 || p->given->shape[at] > MAX_ROWS)
    return REFUSE(file, "the tensor '%s' has %" PRId64 " sequences; there must be from 1 to %d", p->name, p->given->shape[at],
                  MAX_ROWS);
  if (at && p->given->shape[0] > MAX_STEPS) return REFUSE(file, "the tensor '%s' has more than %d steps", p->name, MAX_STEPS);
  r->B = (int)p->given->shape[at];
  if (at) r->axes[p->axis].T = (int)p->given->shape[0];
  return UNROLL_OK;
}

/* "lengths", or with several time axes "lengths.NAME" of a data variable. */
static const tensor *find_lengths(const apply_run *r, int axis, const char *name) {
  char full[128];
  if (r->g.n_axes == 1) return strcmp(name, "lengths") ? NULL : tensor_find(r->inputs, name);
  for (int i = 0; i < r->g.n_data; i++) {
    const data_info *d = &r->g.data[i];
    if (d->space != SPACE_STEP || d->axis != axis) continue;
    snprintf(full, sizeof full, "lengths.%s", d->name);
    if (!strcmp(name, full)) return tensor_find(r->inputs, full);
  }
  return NULL;
}

static unroll_status read_lengths(const apply_run *r, apply_axis *a, const tensor *t, unroll_error *err) {
  const char *file = r->o->inputs_name;
  shape expected = {0};
  shape_add(&expected, r->B, "B");
  unroll_status s = check_shape(file, t, &expected, err);
  if (s == UNROLL_OK) s = check_type(file, t, true, err);
  for (int b = 0; b < r->B && s == UNROLL_OK; b++) {
    const int64_t n = apply_whole(t, b);
    if (n < 0 || n > a->T)
      return REFUSE(file, "the tensor '%s' has the length %" PRId64 " at [%d]; it must be from 0 to %d", t->name, n, b, a->T);
    a->lengths[b] = (int)n;
  }
  return s;
}

static int compare_lengths(const void *x, const void *y) {
  const int *a = x, *b = y;
  return a[0] != b[0] ? (a[0] > b[0] ? -1 : 1) : a[1] > b[1] ? 1 : -1;
}

/* Sequences in order of decreasing length, as batch.h wants them. */
static unroll_status sort_axis(apply_run *r, apply_axis *a, unroll_error *err) {
  const size_t B = (size_t)r->B;
  int *order = arena_alloc(&r->memory, B, sizeof *order), *pairs = mem_zero(B, 2 * sizeof *pairs), longest = 0;
  for (int b = 0; b < r->B; b++) longest = a->lengths[b] > longest ? a->lengths[b] : longest;
  int *active = arena_alloc(&r->memory, (size_t)longest + 1, sizeof *active);
  int64_t *first = arena_alloc(&r->memory, (size_t)longest + 1, sizeof *first);
  if (!order || !pairs || !active || !first) {
    mem_free(pairs);
    return error_memory(err);
  }
  for (int b = 0; b < r->B; b++) pairs[2 * b] = a->lengths[b], pairs[2 * b + 1] = b;
  qsort(pairs, B, 2 * sizeof *pairs, compare_lengths);
  int n = r->B;
  for (int t = 0; t < longest; t++) {
    while (n > 0 && pairs[2 * (n - 1)] <= t) n--;
    active[t] = n;
    first[t + 1] = first[t] + n;
  }
  for (int b = 0; b < r->B; b++) order[b] = pairs[2 * b + 1];
  a->steps = (batch_axis){.steps = longest, .active = active, .first = first, .order = order};
  mem_free(pairs);
  return UNROLL_OK;
}

static unroll_status bind_axes(apply_run *r, bool *used, unroll_error *err) {
  unroll_status s = UNROLL_OK;
  for (int i = 0; i < r->g.n_axes && s == UNROLL_OK; i++) {
    apply_axis *a = &r->axes[i];
    if (a->T < 0) a->T = 0;
    a->lengths = arena_alloc(&r->memory, (size_t)r->B, sizeof *a->lengths);
    if (!a->lengths) return error_memory(err);
    for (int b = 0; b < r->B; b++) a->lengths[b] = a->T;
    for (size_t k = 0; k < r->inputs->count && s == UNROLL_OK; k++) {
      const tensor *t = find_lengths(r, i, r->inputs->tensors[k].name);
      if (!t) continue;
      used[k] = true;
      s = read_lengths(r, a, t, err);
    }
    if (s == UNROLL_OK) s = sort_axis(r, a, err);
  }
  return s;
}

static unroll_status check_extra(const apply_run *r, const bool *used, const char **names, unroll_error *err) {
  size_t n = 0;
  for (int i = 0; i < r->n_ports; i++)
    if (!r->ports[i].given) names[n++] = r->ports[i].name;
  for (size_t k = 0; k < r->inputs->count; k++) {
    const tensor *t = &r->inputs->tensors[k];
    bool known = used[k];
    for (int i = 0; i < r->n_ports && !known; i++) known = r->ports[i].given == t;
    const bool cotangent = !r->o->gradient && !strncmp(t->name, "d.", 2);
    if (!known) return refuse_extra(r->o->inputs_name, t, names, n, cotangent ? ": cotangents are for option 'grad'" : "", err);
  }
  return UNROLL_OK;
}

unroll_status apply_bind(apply_run *r, unroll_error *err) {
  bool *used = arena_alloc(&r->memory, r->inputs->count + 1, sizeof *used);
  const char **names = arena_alloc(&r->memory, (size_t)r->n_ports + 1, sizeof *names);
  if (!used || !names) return error_memory(err);
  unroll_status s = UNROLL_OK;
  r->B = -1;
  for (int i = 0; i < r->g.n_axes; i++) r->axes[i].T = -1;
  for (int i = 0; i < r->n_ports && s == UNROLL_OK; i++) s = bind_port(r, &r->ports[i], err);
  if (s == UNROLL_OK && r->B < 0) s = REFUSE(r->o->inputs_name, "no tensor says how many sequences there are");
  if (s == UNROLL_OK) s = bind_axes(r, used, err);
  return s == UNROLL_OK ? check_extra(r, used, names, err) : s;
}
