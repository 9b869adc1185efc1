/* verify.c - does the net do what the file's own program does?
 *
 * The layers are written once more, as plainly as they are: symbols by their numbers, and what comes out as numbers. That net runs
 * on arrays of inputs, and what comes out is compared with arrays of outputs. Without arrays inputs are made up, and the plan, in
 * single precision, is compared with the reference in double. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/random.h"
#include "import/import.h"
#include "verify/apply.h"

enum { MADE_UP_STEPS = 6, MADE_UP_ROWS = 2, MOST_TENSORS = 32 };

typedef struct trial {
  const layers *l;
  const import_options *o;
  arena memory;
  net_text net;
  program *program;
  tensor inputs[MOST_TENSORS];
  tensor_file w, x;
  unroll_error *err;
} trial;

static const char *cell_of(void *context, const char *name, arena *memory, const char **file) {
  const net_text *n = context;
  for (int i = 0; i < n->n_cells; i++)
    if (!strcmp(n->cells[i].name, name)) {
      *file = "imported.cell";
      return n->cells[i].text.data;
    }
  const builtin *b = lang_builtin_cell(name);
  (void)memory;
  if (b) *file = b->file;
  return b ? b->text : NULL;
}

static unroll_status begin(trial *t, const layers *l, const char *file, const import_options *o, unroll_error *err) {
  const write_options how = {.plain = true, .file = file};
  t->l = l;
  t->o = o;
  t->err = err;
  unroll_status status = net_write(&t->net, l, &how, err);
  if (!status) status = lang_parse(&t->program, "imported.net", t->net.text.data, &t->memory, err);
  if (status) return status;
  tensor *list = arena_alloc(&t->memory, (size_t)t->net.n_weights + 1, sizeof *list);
  if (!list) return error_memory(err);
  for (int i = 0; i < t->net.n_weights; i++) {
    const net_weight *w = &t->net.weights[i];
    list[i] = (tensor){.name = w->name, .type = TENSOR_F32, .rank = w->cols ? 2 : 1, .shape = {w->rows, w->cols}, .data = w->x};
    list[i].count = (int64_t)w->rows * (w->cols ? w->cols : 1);
    list[i].bytes = (size_t)list[i].count * sizeof(float);
  }
  t->w = (tensor_file){.tensors = list, .count = (size_t)t->net.n_weights};
  t->x = (tensor_file){.tensors = t->inputs};
  return UNROLL_OK;
}

static void end(trial *t) {
  net_free(&t->net);
  arena_free(&t->memory);
}

static unroll_status apply(trial *t, bool reference, apply_result *out) {
  const apply_options how = {.find_cell = cell_of,
                             .context = &t->net,
                             .weights_name = "the imported weights",
                             .inputs_name = t->o->inputs ? t->o->inputs : "the made-up inputs",
                             .reference = reference};
  return apply_net(t->program, &t->w, &t->x, &how, out, t->err);
}

/* An input of the net: numbers [T, B, N] or [B, N], symbols [T, B] or [B]. */
static void *put_input(trial *t, const layer *l, int64_t steps, int64_t rows) {
  const bool symbols = l->kind == LAYER_SYMBOLS;
  tensor *x = &t->inputs[t->x.count++];
  *x = (tensor){.name = l->name, .type = symbols ? TENSOR_I32 : TENSOR_F32, .count = 1};
  if (l->steps) x->shape[x->rank++] = steps;
  x->shape[x->rank++] = rows;
  if (!symbols) x->shape[x->rank++] = l->width;
  for (int i = 0; i < x->rank; i++) x->count *= x->shape[i];
  x->bytes = (size_t)x->count * 4;
  void *data = x->count >= 0 && x->count < INT64_MAX / 8 ? arena_alloc(&t->memory, (size_t)x->count + 1, 4) : NULL;
  x->data = data;
  return data;
}

static unroll_status make_up(trial *t) {
  for (int i = 0; i < t->l->n && t->x.count < MOST_TENSORS; i++) {
    const layer *l = &t->l->list[i];
    if (l->kind > LAYER_SYMBOLS) continue;
    void *data = put_input(t, l, MADE_UP_STEPS, MADE_UP_ROWS);
    if (!data) return error_memory(t->err);
    const int64_t n = t->inputs[t->x.count - 1].count;
    for (int64_t k = 0; k < n; k++) {
      if (l->kind == LAYER_SYMBOLS)
        ((int32_t *)data)[k] = (int32_t)random_below(1, RANDOM_TEST, (uint64_t)i, (uint32_t)k, (uint32_t)l->width);
      else
        ((float *)data)[k] = (float)(2 * random_uniform(1, RANDOM_TEST, (uint64_t)i, (uint32_t)k) - 1);
    }
  }
  return UNROLL_OK;
}

static const tensor *find_output(const apply_result *r, int k) {
  char name[32];
  snprintf(name, sizeof name, k ? "output.y%d" : "output.y", k + 1);
  for (size_t i = 0; i < r->count; i++)
    if (!strcmp(r->tensors[i].name, name)) return &r->tensors[i];
  return NULL;
}

static double number(const tensor *t, int64_t i) {
  float x;
  double y;
  if (t->type == TENSOR_F64) {
    memcpy(&y, (const char *)t->data + 8 * i, sizeof y);
    return y;
  }
  memcpy(&x, (const char *)t->data + 4 * i, sizeof x);
  return (double)x;
}

static double far(double worst, double a, double b) {
  const double d = fabs(a - b);
  return d <= worst ? worst : d; /* NaN stays */
}

static unroll_status against_reference(trial *t, double *difference) {
  apply_result plan = {0}, reference = {0};
  unroll_status status = make_up(t);
  if (!status) status = apply(t, false, &plan);
  if (!status) status = apply(t, true, &reference);
  *difference = 0;
  for (int k = 0; k < t->l->n_outputs && !status; k++) {
    const tensor *a = find_output(&plan, k), *b = find_output(&reference, k);
    for (int64_t i = 0; a && b && i < a->count; i++) *difference = far(*difference, number(a, i), number(b, i));
    if (!a || !b) status = error_set(t->err, UNROLL_FAILED, "the net has no output");
  }
  apply_free(&plan);
  apply_free(&reference);
  return status;
}

/* --- arrays of the caller --- */

static const array *take_array(const arrays *a, const char *name, int number, int all) {
  const array *named = arrays_find(a, name);
  return named ? named : a->n == all && number < a->n ? &a->list[number] : NULL;
}

/* Does the array have the form [B, T, width], or with the option [T, B, width]? Without steps [B, width]; one number may lack its
 * axis. A picture has its channels where the other program has them. */
static unroll_status shape_of(const trial *t, const array *a, const char *file, const layer *l, bool symbols, int64_t *steps,
                              int64_t *rows) {
  char is[96];
  const int leading = l->steps ? 2 : 1;
  int64_t inner = 1;
  array_shape(a, is);
  for (int i = leading; i < a->rank; i++) inner *= a->shape[i];
  const int64_t wanted = symbols ? 1 : l->width;
  if (a->rank < leading || inner != wanted || a->shape[0] < 1 || (l->steps && a->shape[1] < 1))
    return error_at(t->err, UNROLL_BAD_INPUT, file, NULL, 0, 0, "'%.60s' is %s, and must be %s%s with %" PRId64 " numbers", a->name,
                    is,
                    !l->steps          ? "[sequences"
                    : t->o->time_first ? "[steps, sequences"
                                       : "[sequences, steps",
                    symbols ? "]" : ", width]", wanted);
  *steps = l->steps ? a->shape[!t->o->time_first] : 1;
  *rows = a->shape[l->steps && t->o->time_first];
  return UNROLL_OK;
}

/* Where entry j of step s and row r stands in the array. */
static int64_t place(const trial *t, const layer *l, int64_t steps, int64_t rows, int64_t s, int64_t r, int width, int j) {
  const int64_t row = !l->steps ? r : t->o->time_first ? s * rows + r : r * steps + s;
  const int channels = l->channels ? l->channels : l->grid[0];
  if (!t->l->channels_first || channels < 2 || width % channels) return row * width + j;
  return row * width + j % channels * (width / channels) + j / channels;
}

static unroll_status read_inputs(trial *t, arrays *a) {
  int all = 0, number = 0;
  unroll_status status = arrays_of_file(a, t->o->inputs, t->err);
  for (int i = 0; i < t->l->n; i++) all += t->l->list[i].kind <= LAYER_SYMBOLS;
  for (int i = 0; i < t->l->n && !status && t->x.count < MOST_TENSORS; i++) {
    const layer *l = &t->l->list[i];
    int64_t steps, rows;
    if (l->kind > LAYER_SYMBOLS) continue;
    const bool symbols = l->kind == LAYER_SYMBOLS;
    const array *from = take_array(a, l->name, number++, all);
    if (!from) return error_at(t->err, UNROLL_BAD_INPUT, t->o->inputs, NULL, 0, 0, "there is no array '%s'", l->name);
    status = shape_of(t, from, t->o->inputs, l, symbols, &steps, &rows);
    if (status) return status;
    const int width = symbols ? 1 : l->width;
    void *data = put_input(t, l, steps, rows);
    if (!data) return error_memory(t->err);
    for (int64_t s = 0; s < steps; s++)
      for (int64_t r = 0; r < rows; r++)
        for (int j = 0; j < width; j++) {
          const int64_t at = place(t, l, steps, rows, s, r, width, j), to = (s * rows + r) * width + j;
          if (!symbols) ((float *)data)[to] = from->x[at];
          if (symbols && !(from->x[at] >= 0 && from->x[at] < (float)l->width))
            return error_at(t->err, UNROLL_BAD_INPUT, t->o->inputs, NULL, 0, 0, "%g in '%.60s' is no symbol of %d",
                            (double)from->x[at], from->name, l->width);
          if (symbols) ((int32_t *)data)[to] = (int32_t)from->x[at];
        }
  }
  return status;
}

static unroll_status compare(trial *t, const arrays *a, const apply_result *r, double *difference) {
  *difference = 0;
  for (int k = 0; k < t->l->n_outputs; k++) {
    char name[16];
    int64_t steps, rows;
    const layer *l = &t->l->list[t->l->outputs[k].layer];
    const tensor *own = find_output(r, k);
    snprintf(name, sizeof name, k ? "y%d" : "y", k + 1);
    const array *theirs = take_array(a, name, k, t->l->n_outputs);
    if (!theirs || !own) return error_at(t->err, UNROLL_BAD_INPUT, t->o->outputs, NULL, 0, 0, "there is no array '%s'", name);
    const unroll_status status = shape_of(t, theirs, t->o->outputs, l, false, &steps, &rows);
    if (status) return status;
    if (own->count != theirs->count)
      return error_at(t->err, UNROLL_BAD_INPUT, t->o->outputs, NULL, 0, 0,
                      "'%.60s' has %" PRId64 " numbers, and the net gives %" PRId64, theirs->name, theirs->count, own->count);
    for (int64_t s = 0; s < steps; s++)
      for (int64_t n = 0; n < rows; n++)
        for (int j = 0; j < l->width; j++)
          *difference = far(*difference, (double)theirs->x[place(t, l, steps, rows, s, n, l->width, j)],
                            number(own, (s * rows + n) * l->width + j));
  }
  return UNROLL_OK;
}

static unroll_status against_arrays(trial *t, double *difference) {
  arrays x = {.memory = &t->memory}, y = {.memory = &t->memory};
  apply_result own = {0};
  unroll_status status = read_inputs(t, &x);
  if (!status) status = arrays_of_file(&y, t->o->outputs, t->err);
  if (!status) status = apply(t, false, &own);
  if (!status) status = compare(t, &y, &own, difference);
  apply_free(&own);
  arrays_free(&x);
  arrays_free(&y);
  return status;
}

unroll_status import_verify(imported *out, const layers *l, const char *file, const import_options *o, unroll_error *err) {
  trial *t = mem_zero(1, sizeof *t);
  out->difference = (double)NAN;
  if (!t) return error_memory(err);
  unroll_status status = begin(t, l, file, o, err);
  if (!status) status = o->inputs ? against_arrays(t, &out->difference) : against_reference(t, &out->difference);
  if (!status)
    text_format(&out->told, "largest difference from %s: %.3g\n", o->inputs ? o->outputs : "the reference, on made-up inputs",
                out->difference);
  end(t);
  mem_free(t);
  return status;
}
