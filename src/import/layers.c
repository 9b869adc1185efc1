/* layers.c - see layers.h. */
#include "import/layers.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "graph/graph.h"

void layers_free(layers *l) {
  mem_free(l->list);
  mem_free(l->spare);
  text_free(&l->told);
  arena_free(&l->memory);
  *l = (layers){0};
}

float *layers_numbers(layers *l, int64_t n) { return n < 0 ? NULL : arena_alloc(&l->memory, (size_t)n + 1, sizeof(float)); }

float *layers_turned(layers *l, const float *x, int rows, int cols) {
  float *y = layers_numbers(l, (int64_t)rows * cols);
  for (int r = 0; y && r < rows; r++)
    for (int c = 0; c < cols; c++) y[(int64_t)r * cols + c] = x[(int64_t)c * rows + r];
  return y;
}

/* Names that mean something else in a net. */
static bool is_taken(const char *name) {
  static const char *const words[] = {"t",       "x",         "y",         "token",   "data",     "param",   "init", "output",
                                      "width",   "last",      "first",     "mean",    "sum",      "max",     "min",  "conv",
                                      "pool",    "part",      "embed",     "attend",  "reverse",  "dropout", "clip", "dot",
                                      "softmax", "layernorm", "batchnorm", "rmsnorm", "l2norm",   "zoneout", "elu",  "selu",
                                      "silu",    "mish",      "softsign",  "leaky",   "backward", "layers",  "start"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (!strcmp(words[i], name)) return true;
  for (int i = 0; i < OP_COUNT; i++)
    if (!strcmp(graph_ops[i].text, name)) return true;
  for (int i = 0; i < DISTRIBUTION_COUNT; i++)
    if (!strcmp(graph_distributions[i].name, name)) return true;
  return lang_builtin_cell(name) || lang_builtin_net(name) || kind_find(name);
}

static bool is_used(const layers *l, const char *name) {
  for (int i = 0; i < l->n; i++)
    if (!strcmp(l->list[i].name, name)) return true;
  return false;
}

/* Small letters and digits of `name`, a letter first; distinct, and no word of the language. */
static void make_name(const layers *l, const char *name, char out[LAYER_NAME]) {
  char stem[LAYER_NAME];
  size_t n = 0;
  for (const char *s = name; *s && n < 24; s++)
    if ((isalpha((unsigned char)*s) || (n && isdigit((unsigned char)*s))) && (unsigned char)*s < 128)
      stem[n++] = (char)tolower((unsigned char)*s);
  stem[n] = 0;
  if (!n) strcpy(stem, "v");
  const size_t length = strlen(stem);
  const bool digit = isdigit((unsigned char)stem[length - 1]);
  strcpy(out, stem);
  for (int k = digit ? 1 : is_taken(stem) ? 1 : 2; is_taken(out) || is_used(l, out); k++)
    snprintf(out, LAYER_NAME, digit ? "%sv%d" : "%s%d", stem, k);
}

int layers_add(layers *l, enum layer_kind kind, const char *name, int in) {
  if (l->n == l->room) {
    layer *list = mem_resize(l->list, (size_t)(2 * l->room + 16) * sizeof *list);
    if (!list) return -1;
    l->list = list;
    l->room = 2 * l->room + 16;
  }
  layer *one = &l->list[l->n];
  *one = (layer){.kind = kind};
  if (in >= 0) {
    const layer *from = &l->list[in];
    one->in[one->n_in++] = in;
    one->width = from->width;
    one->steps = from->steps;
    one->channels = from->channels;
    one->rows = from->rows;
    one->columns = from->columns;
    one->late = from->late;
    one->rate = from->rate;
  }
  char own[LAYER_NAME];
  make_name(l, name, own);
  strcpy(one->name, own);
  return l->n++;
}

layer *layers_vector(layers *l, int number, int width) {
  layer *one = layers_at(l, number);
  one->width = width;
  one->channels = one->rows = one->columns = 0;
  return one;
}

bool layers_widen(layer *l, int64_t more) {
  const int64_t width = l->width + more;
  if (more < 0 || width > MOST_WIDTH) return false;
  l->width = (int)width;
  return true;
}

bool layers_picture(layer *l, int64_t channels, int64_t rows, int64_t columns) {
  const int64_t most = MOST_WIDTH;
  if (channels < 1 || rows < 1 || columns < 1 || channels > most || rows > most / channels || columns > most / channels / rows)
    return false;
  l->channels = (int)channels;
  l->rows = (int)rows;
  l->columns = (int)columns;
  l->width = (int)(channels * rows * columns);
  return true;
}

bool layers_spare(layers *l, const char *name, int rows, int cols, const float *x) {
  if (l->n_spare == l->spare_room) {
    struct spare *list = mem_resize(l->spare, (size_t)(2 * l->spare_room + 16) * sizeof *list);
    if (!list) return false;
    l->spare = list;
    l->spare_room = 2 * l->spare_room + 16;
  }
  const char *copy = arena_text(&l->memory, name, strlen(name));
  l->spare[l->n_spare++] = (struct spare){copy, rows, cols, x};
  return copy && x;
}

const char *layers_function(const char *name) {
  static const char *const rows[][2] = {
      {"linear", ""},
      {"identity", ""},
      {"", ""},
      {"tanh", "tanh(%s)"},
      {"sigmoid", "sigmoid(%s)"},
      {"relu", "relu(%s)"},
      {"relu6", "clip(%s, 0, 6)"},
      {"elu", "elu(%s)"},
      {"selu", "selu(%s)"},
      {"softplus", "softplus(%s)"},
      {"softsign", "softsign(%s)"},
      {"silu", "silu(%s)"},
      {"swish", "silu(%s)"},
      {"mish", "mish(%s)"},
      {"gelu", "gelu(%s)"},
      {"exponential", "exp(%s)"},
      {"exp", "exp(%s)"},
      {"softmax", "softmax(%s)"},
      {"leakyrelu", "leaky_relu(%s)"},
      {"leaky_relu", "leaky_relu(%s, 0.2)"}, /* of Keras */
      {"hard_sigmoid", "hard_sigmoid(%s)"},
      {"hardsigmoid", "hard_sigmoid(%s)"},
      {"abs", "abs(%s)"},
      {"sqrt", "sqrt(%s)"},
      {"neg", "-(%s)"},
      {"log", "log(%s)"},
      {"sin", "sin(%s)"},
      {"cos", "cos(%s)"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (!strcasecmp(rows[i][0], name)) return rows[i][1];
  return NULL;
}
