/* fuzz_run.c - libFuzzer target: a net or cell on tensors, as `unroll run` does it, with gradients, planned and interpreted; or
 * refused with a message. Sections: the net; settings, words NAME=VALUE; tensors, a line each as `w h.Wi F32 3 4`, w of the
 * weights, i of the inputs. Their numbers are made up. */
#include "scene.h"
#include "graph/settings.h"
#include "verify/apply.h"

enum { MOST_TENSORS = 32, MOST_NUMBERS = 4096 };

typedef struct tensors {
  tensor list[MOST_TENSORS];
  char names[MOST_TENSORS][48];
  size_t n;
} tensors;

/* The numbers of all tensors of a type: of about 1, or whole ones from 0 to 2. */
static const void *numbers(enum tensor_type type) {
  static uint8_t of_type[TENSOR_OTHER + 1][MOST_NUMBERS * sizeof(double)];
  uint8_t *to = of_type[type];
  for (size_t i = 0; i < MOST_NUMBERS; i++) {
    const double d = (double)(i * 37 % 101) / 50 - 1;
    const float f = (float)d;
    const int64_t whole = (int64_t)(i * 7 % 3);
    const int32_t narrow = (int32_t)whole;
    if (type == TENSOR_F32) memcpy(to + i * sizeof f, &f, sizeof f);
    if (type == TENSOR_F64) memcpy(to + i * sizeof d, &d, sizeof d);
    if (type == TENSOR_I32) memcpy(to + i * sizeof narrow, &narrow, sizeof narrow);
    if (type == TENSOR_I64) memcpy(to + i * sizeof whole, &whole, sizeof whole);
    if (type == TENSOR_U8) to[i] = (uint8_t)whole;
  }
  return to;
}

static void read_line(tensors *out, const char *line) {
  static const struct {
    const char *name;
    enum tensor_type type;
    size_t size;
  } types[] = {{"F32", TENSOR_F32, 4}, {"F64", TENSOR_F64, 8}, {"I32", TENSOR_I32, 4},  {"I64", TENSOR_I64, 8},
               {"U8", TENSOR_U8, 1},   {"F16", TENSOR_F16, 2}, {"BF16", TENSOR_BF16, 2}};
  char type[8] = "";
  int used = 0;
  if (out->n == MOST_TENSORS || sscanf(line, "%47s %7s%n", out->names[out->n], type, &used) < 2) return;
  tensor *t = &out->list[out->n];
  *t = (tensor){.name = out->names[out->n], .count = 1, .type = TENSOR_OTHER};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (!strcmp(types[i].name, type)) t->type = types[i].type, t->bytes = types[i].size;
  for (const char *at = line + used; t->rank < 8; t->rank++) {
    char *end;
    const long long n = strtoll(at, &end, 10);
    if (end == at) break;
    if (n < 0 || n > MOST_NUMBERS || t->count * n > MOST_NUMBERS) return;
    t->shape[t->rank] = n;
    t->count *= n;
    at = end;
  }
  t->bytes *= (size_t)t->count;
  t->data = numbers(t->type);
  for (size_t i = 0; i < out->n; i++)
    if (!strcmp(out->list[i].name, t->name)) return; /* no file has two of a name */
  out->n++;
}

static void apply(model *m, const setting *settings, int n_settings, const tensor_file *weights, const tensor_file *inputs,
                  bool backward, bool interpreted) {
  apply_result result = {0};
  unroll_error err = {0};
  const apply_options o = {.settings = settings,
                           .n_settings = n_settings,
                           .find_cell = model_find_cell,
                           .context = m,
                           .weights_name = "w",
                           .inputs_name = "i",
                           .gradient = backward,
                           .reference = interpreted};
  const unroll_status status = apply_net(m->net, weights, inputs, &o, &result, &err);
  scene_check(!status || (err.code == status && err.message[0]));
  for (size_t i = 0; i < result.count && !status; i++) scene_check(result.tensors[i].name && result.tensors[i].data);
  apply_free(&result);
}

static void use(model *m, const sections *s) {
  tensors w = {.n = 0}, in = {.n = 0};
  const char *words[8];
  int n_words = 0, n = 0;
  setting *settings = NULL;
  char copy[512];
  snprintf(copy, sizeof copy, "%.*s", (int)(s->size[1] < 500 ? s->size[1] : 500), s->at[1]);
  for (char *at = strtok(copy, " \n"); at && n_words < 8; at = strtok(NULL, " \n")) words[n_words++] = at;
  if (settings_parse(&settings, &n, words, n_words, &m->memory, NULL)) return;
  for (int i = 0; i < n; i++)
    if (settings[i].number > 64) return;
  for (const char *at = s->at[2], *end = at + s->size[2]; at < end;) {
    char line[128];
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    if (!stop) stop = end;
    snprintf(line, sizeof line, "%.*s", (int)(stop - at), at);
    if (line[0] == 'w' || line[0] == 'i') read_line(line[0] == 'w' ? &w : &in, line + 1);
    at = stop + 1;
  }
  const tensor_file weights = {.tensors = w.list, .count = w.n}, inputs = {.tensors = in.list, .count = in.n};
  apply(m, settings, n, &weights, &inputs, true, false);
  apply(m, settings, n, &weights, &inputs, true, true);
  apply(m, settings, n, &weights, &inputs, false, false);
}

/* A net or a cell, as api/inspect.c takes it. */
static unroll_status begin(model *m, const char *source) {
  program *net = NULL;
  m->net_file = "fuzz.net";
  m->net_text = source;
  const unroll_status status = lang_parse(&net, m->net_file, m->net_text, &m->memory, NULL);
  m->net = net;
  return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const sections s = scene_cut(data, size, 3);
  model m = {0};
  char *source = malloc(s.size[0] + 1);
  memcpy(source, s.at[0], s.size[0]);
  source[s.size[0]] = 0;
  budget_set((uint64_t)200 << 20);
  if (strlen(source) == s.size[0] && !begin(&m, source)) use(&m, &s);
  free(source);
  model_free(&m);
  scene_check(mem_live() == 0);
  return 0;
}
