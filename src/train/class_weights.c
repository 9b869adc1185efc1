/* class_weights.c - --class-weights: what each label or symbol counts in what training minimises. The losses that are printed stay
 * plain.
 *
 *   balanced   n / (K count of the label), n the labels of the training part, K how many different ones occur there (King & Zeng
 *              2001): each label that occurs has the same share of the objective, and the mean weight is 1. Where a label is
 *              predicted at each step, steps are counted. A label that does not occur there weighs 1, which nothing looks at.
 *   FILE       a line for each label: the label, a tab, its weight. Of other symbols a line for each in the order of their numbers,
 *              with its weight after the last tab; what stands before is a note
 *
 * The graph needs to know that there are weights before it is built. What the training part is, is known only after that. So
 * counted weights are put in later, before there is a plan. The model file keeps the numbers: a resumed run counts and reads
 * nothing.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "read/input.h"
#include "train/trainer.h"

static bool is_label(const variable *v) { return v->form.unit == UNIT_LABELS; }

/* Symbols that are predicted one by one; ctc() predicts whole texts. */
static bool is_weighable(const variable *v) { return v->predicted && v->form.unit != UNIT_NUMBERS && v->over < 0; }

/* What is meant without a name: labels, or all symbols where no labels are predicted. */
static bool is_meant(const schema *s, int i) {
  bool labels = false;
  for (int k = 0; k < s->n; k++) labels |= is_weighable(&s->list[k]) && is_label(&s->list[k]);
  return is_weighable(&s->list[i]) && (!labels || is_label(&s->list[i]));
}

/* "'a', 'b'": the predicted variables, those that are meant or all. */
static int predicted_names(const schema *s, bool meant, char *out, size_t size) {
  int n = 0;
  size_t used = 0;
  out[0] = 0;
  for (int i = 0; i < s->n; i++) {
    if (!s->list[i].predicted || (meant && !is_meant(s, i))) continue;
    if (used < size) used += (size_t)snprintf(out + used, size - used, "%s'%s'", n ? ", " : "", s->list[i].form.name);
    n++;
  }
  return n;
}

static unroll_status find_variable(const schema *s, const char *name, size_t n, int *out, unroll_error *err) {
  const char *names[MAX_FORMS];
  char asked[64];
  for (*out = 0; *out < s->n; ++*out) {
    const variable *v = &s->list[*out];
    names[*out] = v->form.name;
    if (strlen(v->form.name) != n || memcmp(v->form.name, name, n)) continue;
    if (is_weighable(v)) return UNROLL_OK;
    if (!v->predicted) return error_set(err, UNROLL_USAGE, "option 'class-weights': '%s' is not predicted", v->form.name);
    return error_set(err, UNROLL_USAGE, "option 'class-weights' is for labels and symbols with softmax, and '%s' is '%s'",
                     v->form.name, v->over < 0 ? v->form.kind : "ctc");
  }
  snprintf(asked, sizeof asked, "%.*s", (int)(n < 60 ? n : 60), name);
  const char *near = text_nearest(asked, names, (size_t)s->n);
  return error_set(err, UNROLL_USAGE, "option 'class-weights': there is no variable '%s'%s%s%s", asked,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* --- a file --- */

typedef struct weights_file {
  const char *name;
  char *data;
  size_t size;
  const variable *v;
  float *values; /* [v->words.n] negative: none yet */
  int n;         /* lines before, where the place says which symbol is meant */
} weights_file;

#define BAD(at, ...) input_bad_at(f->name, f->data, f->size, at, err, __VA_ARGS__)

/* One line, data[from .. to). The last tab is that before the weight. */
static unroll_status read_line(weights_file *f, size_t from, size_t to, unroll_error *err) {
  size_t tab = to;
  double x;
  while (tab > from && f->data[tab - 1] != '\t') tab--;
  const bool named = is_label(f->v);
  if (!named && f->n >= f->v->words.n)
    return BAD(from, "'%s' has %d symbols, and here is one more", f->v->form.name, f->v->words.n);
  if (named && tab == from) return BAD(from, "no tab: a line is a label, a tab and its weight");
  const char *label = f->data + from;
  const size_t size = tab > from ? tab - 1 - from : 0;
  const int n = (int)(size < 60 ? size : 60);
  const int32_t k = named ? vocabulary_find_word(&f->v->words, label, size) : f->n++;
  if (k < 0) return BAD(from, "'%s' has no label '%.*s' in the data", f->v->form.name, n, label);
  if (f->values[k] >= 0) return BAD(from, "a second weight for the label '%.*s'", n, label);
  if (text_number(f->data + tab, to - tab, &x) || !(x >= 0) || !isfinite((float)x))
    return BAD(tab, "the weight of '%.*s' must be a number of at least 0", n, label);
  f->values[k] = (float)x;
  return UNROLL_OK;
}

/* Is there one for each label, and one above 0? */
static unroll_status check_all(const weights_file *f, unroll_error *err) {
  int missing = 0, first = 0;
  bool any = false;
  char more[48] = "";
  for (int k = 0; k < f->v->words.n; k++) {
    any |= f->values[k] > 0;
    if (f->values[k] < 0 && !missing++) first = k;
  }
  if (missing > 1) snprintf(more, sizeof more, " and %d more", missing - 1);
  if (missing && !is_label(f->v))
    return BAD(f->size, "'%s' has %d symbols, and the file has weights for %d", f->v->form.name, f->v->words.n, f->n);
  if (missing)
    return BAD(f->size, "the file ends without a weight for the label '%.60s' of '%s'%s",
               lexicon_text(&f->v->words.words, first, NULL), f->v->form.name, more);
  return any ? UNROLL_OK : BAD(f->size, "all of '%s' weigh 0", f->v->form.name);
}

static unroll_status read_weights_file(const char *path, const variable *v, float *values, unroll_error *err) {
  weights_file read = {.name = strcmp(path, "-") ? path : "standard input", .v = v, .values = values}, *f = &read;
  unroll_status status = file_read(path, &read.data, &read.size, err);
  if (status) return status;
  const size_t valid = utf8_valid(f->data, f->size);
  if (valid < f->size) status = BAD(valid, "invalid UTF-8");
  for (int k = 0; k < v->words.n; k++) values[k] = -1;
  size_t from = f->size >= 3 && !memcmp(f->data, "\xef\xbb\xbf", 3) ? 3 : 0;
  for (size_t end; from < f->size && !status; from = end + 1) {
    const char *newline = memchr(f->data + from, '\n', f->size - from);
    end = newline ? (size_t)(newline - f->data) : f->size;
    const size_t to = end > from && f->data[end - 1] == '\r' ? end - 1 : end;
    if (to > from) status = read_line(f, from, to, err);
  }
  if (!status) status = check_all(f, err);
  mem_free(read.data);
  return status;
}

/* --- what the option says --- */

/* balanced or a file, of variable i. */
static unroll_status add(trainer *t, int i, const char *what, unroll_error *err) {
  model *m = &t->m;
  const variable *v = &m->schema.list[i];
  for (int k = 0; k < m->n_weighted; k++)
    if (!strcmp(m->weighted[k].name, v->form.name))
      return error_set(err, UNROLL_USAGE, "option 'class-weights' is given twice for '%s'", v->form.name);
  float *values = arena_alloc(&m->memory, (size_t)v->words.n + 1, sizeof *values);
  if (!values) return error_memory(err);
  t->balanced[m->n_weighted] = !strcmp(what, "balanced");
  for (int k = 0; k < v->words.n; k++) values[k] = 1;
  m->weighted[m->n_weighted] = (class_weights){v->form.name, values};
  if (!t->balanced[m->n_weighted++]) return read_weights_file(what, v, values, err);
  return UNROLL_OK;
}

/* One value of the option; what stands before '=' is a name unless there is a '/' in it. */
static unroll_status take(trainer *t, const char *value, unroll_error *err) {
  const schema *s = &t->m.schema;
  const size_t name = strcspn(value, "=/");
  char names[256];
  const bool named = value[name] == '=';
  const char *what = named ? value + name + 1 : value;
  int i;
  if (!*what) return error_set(err, UNROLL_USAGE, "option 'class-weights' takes balanced, FILE or NAME=FILE, not '%s'", value);
  if (named) {
    const unroll_status status = find_variable(s, value, name, &i, err);
    return status ? status : add(t, i, what, err);
  }
  const int n = predicted_names(s, true, names, sizeof names);
  if (n < 1) {
    predicted_names(s, false, names, sizeof names);
    return error_set(err, UNROLL_USAGE,
                     "option 'class-weights' is for labels and symbols with softmax, and this net predicts none, but %s", names);
  }
  if (n > 1 && strcmp(what, "balanced"))
    return error_set(err, UNROLL_USAGE, "option 'class-weights': this net predicts %s; say whose weights these are, as in NAME=%s",
                     names, what);
  unroll_status status = UNROLL_OK;
  for (i = 0; i < s->n && !status; i++)
    if (is_meant(s, i)) status = add(t, i, what, err);
  return status;
}

unroll_status class_weights_begin(trainer *t, unroll_error *err) {
  if (!t->o.class_weights) return UNROLL_OK;
  const size_t room = (size_t)t->m.schema.n + 1;
  char *list = arena_text(&t->memory, t->o.class_weights, strlen(t->o.class_weights));
  t->m.weighted = arena_alloc(&t->m.memory, room, sizeof *t->m.weighted);
  t->balanced = arena_alloc(&t->memory, room, sizeof *t->balanced);
  if (!list || !t->m.weighted || !t->balanced) return error_memory(err);
  unroll_status status = UNROLL_OK;
  for (char *value = list, *end; value && !status; value = end) {
    end = strchr(value, '\n');
    if (end) *end++ = 0;
    status = take(t, value, err);
  }
  return status;
}

/* --- counting --- */

static void balance(const trainer *t, const variable *v, const column_values *c, int64_t *counts, float *values) {
  const part *p = &t->parts[TRAIN];
  int64_t n = 0, classes = 0;
  memset(counts, 0, (size_t)v->words.n * sizeof *counts);
  for (int64_t i = p->begin; p->data->stream && i < p->end; i++)
    if (c->symbols[i] >= 0) counts[c->symbols[i]]++, n++;
  for (int64_t i = 0; !p->data->stream && i < p->n; i++)
    for (int64_t k = c->first[p->list[i]]; k < c->first[p->list[i] + 1]; k++)
      if (c->symbols[k] >= 0) counts[c->symbols[k]]++, n++;
  for (int k = 0; k < v->words.n; k++) classes += counts[k] > 0;
  for (int k = 0; k < v->words.n; k++) values[k] = counts[k] ? (float)((double)n / ((double)classes * (double)counts[k])) : 1;
}

unroll_status class_weights_count(trainer *t, unroll_error *err) {
  model *m = &t->m;
  for (int w = 0; t->balanced && w < m->n_weighted; w++) {
    int i = 0;
    if (!t->balanced[w]) continue;
    while (strcmp(m->schema.list[i].form.name, m->weighted[w].name)) i++;
    const variable *v = &m->schema.list[i];
    int64_t *counts = arena_alloc(&t->memory, (size_t)v->words.n + 1, sizeof *counts);
    float *values = arena_alloc(&m->memory, (size_t)v->words.n + 1, sizeof *values);
    if (!counts || !values) return error_memory(err);
    balance(t, v, &t->sets[TRAIN].columns[i], counts, values);
    m->weighted[w].values = m->g.data[i].weights = values;
  }
  return UNROLL_OK;
}

/* --- telling --- */

enum { MOST_TOLD = 8 };

static void add_name(const vocabulary *v, int k, text *out) {
  char code[16];
  const char *name = k == v->end && v->unit != UNIT_LABELS ? "end" : code;
  if (name == code && unit_has_lexicon(v->unit)) name = lexicon_text(&v->words, k, NULL);
  if (name == code) vocabulary_name_code(v->unit, v->codes[k], code);
  text_format(out, "%.40s", name);
}

static void tell_one(const variable *v, const float *values, text *out) {
  int low = 0, high = 0;
  text_format(out, "%s: ", v->form.name);
  for (int k = 0; k < v->words.n; k++) {
    if (v->words.n <= MOST_TOLD) {
      text_format(out, "%s", k ? ", " : "");
      add_name(&v->words, k, out);
      text_format(out, " %.4g", (double)values[k]);
    }
    if (values[k] < values[low]) low = k;
    if (values[k] > values[high]) high = k;
  }
  if (v->words.n <= MOST_TOLD) return;
  text_format(out, "from %.4g (", (double)values[low]);
  add_name(&v->words, low, out);
  text_format(out, ") to %.4g (", (double)values[high]);
  add_name(&v->words, high, out);
  text_format(out, "), %d %s", v->words.n, is_label(v) ? "labels" : "symbols");
}

void class_weights_tell(const trainer *t, text *out) {
  const model *m = &t->m;
  for (int w = 0; w < m->n_weighted; w++)
    for (int i = 0; i < m->schema.n; i++) {
      if (strcmp(m->schema.list[i].form.name, m->weighted[w].name)) continue;
      if (w) text_add(out, "\n", 1);
      tell_one(&m->schema.list[i], m->weighted[w].values, out);
    }
}
