/* from.c - --from: training starts from the weights of another model.
 *
 * Parameters are taken by name. Rows and columns that stand for symbols are taken by what the symbol is, not by its number.
 * Such are the rows of an embedding, and what leads to the logits of a softmax or ctc. So vocabularies are merged first: the
 * model's symbols come before those that only the data has. What has no counterpart starts as usual. Where the net is the same
 * text, settings that are not given are the model's; numbers that it standardised keep their scale. */
#include <inttypes.h>
#include <string.h>
#include "base/error.h"
#include "base/folder.h"
#include "symbols/bpe.h"
#include "train/trainer.h"
#include "train/symbol_dims.h"

enum { MOST_NAMES = 6 };

static bool is_set(const trainer *t, const char *name) {
  for (int i = 0; i < t->o.n_settings; i++)
    if (!strcmp(t->o.settings[i].name, name)) return true;
  return false;
}

static unroll_status take_settings(trainer *t, unroll_error *err) {
  const graph *g = &t->from.g;
  setting *all = arena_alloc(&t->memory, (size_t)(g->n_settings + t->o.n_settings) + 1, sizeof *all);
  int n = 0;
  if (!all) return error_memory(err);
  for (int i = 0; i < g->n_settings; i++)
    if (!is_set(t, g->settings[i].name)) {
      const setting *of = &g->settings[i]; /* its texts go with the model that it is taken from */
      setting *own = &all[n++];
      *own = (setting){.name = arena_text(&t->memory, of->name, strlen(of->name)),
                       .number = of->number,
                       .word = of->word ? arena_text(&t->memory, of->word, strlen(of->word)) : NULL};
      if (!own->name || (of->word && !own->word)) return error_memory(err);
    }
  for (int i = 0; i < t->o.n_settings; i++) all[n++] = t->o.settings[i];
  t->o.settings = all;
  t->o.n_settings = n;
  return UNROLL_OK;
}

unroll_status from_begin(trainer *t, unroll_error *err) {
  text path = {0};
  if (!t->o.from) return UNROLL_OK;
  text_format(&path, folder_is(t->o.from) ? "%s/model.safetensors" : "%s", t->o.from);
  unroll_status status = path.failed ? error_memory(err) : model_load(&t->from, path.data, false, err);
  text_free(&path);
  return !status && !strcmp(t->from.net_text, t->m.net_text) ? take_settings(t, err) : status;
}

/* --- vocabularies --- */

static variable *namesake(schema *s, const char *name) {
  for (int i = 0; i < s->n; i++)
    if (!strcmp(s->list[i].form.name, name)) return &s->list[i];
  return NULL;
}

static int same_merges(const vocabulary *a, const vocabulary *b) {
  int n = 0;
  while (n < a->n_merges && n < b->n_merges && a->merges[n].left == b->merges[n].left && a->merges[n].right == b->merges[n].right)
    n++;
  return n;
}

/* [v->n] the number that `old` has for each symbol of v, -1: none. In `memory`; NULL: out of it. */
static int32_t *numbers_in(const vocabulary *old, const vocabulary *v, arena *memory) {
  int32_t *numbers = arena_alloc(memory, (size_t)v->n + 1, sizeof *numbers);
  lexicon theirs = {0};
  if (!numbers) return NULL;
  for (int i = 0; i < v->n; i++) numbers[i] = -1;
  if (v->unit == UNIT_BPE || old->unit == UNIT_BPE) {
    const int same = v->unit == old->unit ? BPE_BYTES + same_merges(v, old) : 0;
    for (int i = 0; i < same; i++) numbers[i] = i;
    if (v->end >= 0 && same) numbers[v->end] = old->end;
    return numbers;
  }
  const bool full = vocabulary_texts(old, &theirs);
  for (int i = 0; i < v->n && full; i++) {
    text s = {0};
    vocabulary_add_text(v, i, &s);
    if (!s.failed) numbers[i] = lexicon_find(&theirs, s.data ? s.data : "", s.length);
    text_free(&s);
  }
  lexicon_free(&theirs);
  return full ? numbers : NULL;
}

/* Codes of both, in order; the end of a line is a symbol of the one or the other, and comes last where lines end. */
static unroll_status merge_codes(variable *v, const vocabulary *old, unroll_error *err) {
  const vocabulary *own = &v->words;
  const int n_own = own->end >= 0 ? own->n - 1 : own->n, n_old = old->end >= 0 ? old->n - 1 : old->n;
  vocabulary all;
  int n = 0, i = 0, j = 0;
  uint32_t *codes = mem_zero((size_t)own->n + (size_t)old->n + 1, sizeof *codes);
  if (!codes) return error_memory(err);
  while (i < n_own || j < n_old) {
    const bool ours = j == n_old || (i < n_own && own->codes[i] <= old->codes[j]);
    const uint32_t code = ours ? own->codes[i] : old->codes[j];
    j += j < n_old && old->codes[j] == code;
    i += ours;
    if (!(v->ends && code == END_CODE)) codes[n++] = code;
  }
  if (v->ends) codes[n++] = END_CODE;
  unroll_status status = vocabulary_set(&all, own->unit, v->ends, codes, (size_t)n, err);
  mem_free(codes);
  if (status) return status;
  vocabulary_free(&v->words);
  v->words = all;
  return v->form.unknown ? vocabulary_open(&v->words, err) : UNROLL_OK;
}

/* Words: those of the model and then, as many as there is room for, those that only the data has. Labels: all, in order. */
static unroll_status merge_words(variable *v, const vocabulary *old, int *left_out, unroll_error *err) {
  const bool words = v->form.unit == UNIT_WORDS;
  lexicon all = {0};
  bool full = true;
  for (int pass = 0; pass < 2 && full; pass++) {
    const vocabulary *from = pass ? &v->words : old;
    for (int i = 0; i < from->n && full; i++) {
      size_t size;
      const char *s = lexicon_text(&from->words, i, &size);
      if (i == from->end || lexicon_find(&all, s, size) >= 0) continue;
      if (pass && words && v->most > 0 && all.n + v->ends >= v->most)
        ++*left_out;
      else
        full = lexicon_add(&all, s, size) >= 0;
    }
  }
  vocabulary merged;
  const char **texts = mem_zero((size_t)all.n + 2, sizeof *texts);
  size_t *sizes = mem_zero((size_t)all.n + 2, sizeof *sizes);
  int32_t *order = mem_zero((size_t)all.n + 1, sizeof *order);
  unroll_status status = full && texts && sizes && order ? UNROLL_OK : error_memory(err);
  size_t n = 0;
  for (int32_t i = 0; !status && i < all.n; i++) order[i] = i;
  if (!status && !words) lexicon_sort(&all, order, all.n, false);
  if (!status && !words && v->most > 0 && all.n > v->most)
    status = error_set(err, UNROLL_USAGE, "option 'from': '%s' would have %d labels with those of the model, and has room for %d",
                       v->form.name, all.n, v->most);
  for (int32_t i = 0; !status && i < all.n; i++, n++) texts[n] = lexicon_text(&all, order[i], &sizes[n]);
  if (!status && v->ends) texts[n] = "\n", sizes[n++] = 1;
  if (!status) status = vocabulary_set_words(&merged, v->form.unit, v->ends, texts, sizes, n, err);
  if (!status) {
    vocabulary_free(&v->words);
    v->words = merged;
  }
  mem_free(texts);
  mem_free(sizes);
  mem_free(order);
  lexicon_free(&all);
  return status;
}

/* Parts of words: the model's, whatever the data would have made. */
static unroll_status merge_merges(variable *v, const vocabulary *old, unroll_error *err) {
  vocabulary all;
  if (old->n - (old->end >= 0) + v->ends > v->most)
    return error_set(err, UNROLL_USAGE, "option 'from': '%s' has %d symbols in the model, and bpe(%d) has no room for them",
                     v->form.name, old->n, v->most);
  const unroll_status status = vocabulary_set_merges(&all, v->ends, old->merges, (size_t)old->n_merges, err);
  if (status) return status;
  vocabulary_free(&v->words);
  v->words = all;
  return UNROLL_OK;
}

static unroll_status keep_scale(trainer *t, variable *v, const variable *old, unroll_error *err) {
  if (!old->mean || old->width != v->width) return UNROLL_OK;
  const unroll_status status = v->mean ? UNROLL_OK : variable_scale(v, err);
  if (status) return status;
  memcpy(v->mean, old->mean, (size_t)v->width * sizeof *v->mean);
  memcpy(v->deviation, old->deviation, (size_t)v->width * sizeof *v->deviation);
  text_format(&t->told, "'%s' keeps the mean and deviation of the model\n", v->form.name);
  return UNROLL_OK;
}

static unroll_status tell_symbols(trainer *t, const variable *v, int own, const vocabulary *old, int left_out, unroll_error *err) {
  const int32_t *numbers = numbers_in(old, &v->words, &t->memory);
  const int kept = v->words.n - own;
  int fresh = 0;
  if (!numbers) return error_memory(err);
  for (int i = 0; i < v->words.n; i++) fresh += numbers[i] < 0;
  if (!fresh && kept <= 0 && !left_out) return UNROLL_OK;
  text_format(&t->told, "'%s' knows %d symbols:", v->form.name, v->words.n);
  if (fresh > 0) text_format(&t->told, " %d of them the model lacks", fresh);
  if (kept > 0) text_format(&t->told, "%s %d of them the data lacks", fresh > 0 ? "," : "", kept);
  if (left_out) text_format(&t->told, "; %d more of the data have no room, which words(n) gives", left_out);
  text_format(&t->told, "\n");
  return UNROLL_OK;
}

unroll_status from_merge(trainer *t, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  for (int i = 0; t->from.built && i < t->m.schema.n && !status; i++) {
    variable *v = &t->m.schema.list[i];
    const variable *old = namesake(&t->from.schema, v->form.name);
    const int own = v->words.n;
    int left_out = 0;
    if (!old || old->form.unit != v->form.unit) continue;
    if (v->form.unit == UNIT_NUMBERS)
      status = keep_scale(t, v, old, err);
    else if (v->form.unit == UNIT_BPE)
      status = merge_merges(v, &old->words, err);
    else if (unit_has_lexicon(v->form.unit))
      status = merge_words(v, &old->words, &left_out, err);
    else
      status = merge_codes(v, &old->words, err);
    if (!status && v->form.unit != UNIT_NUMBERS && v->form.unit != UNIT_BPE)
      status = tell_symbols(t, v, own, &old->words, left_out, err);
  }
  return status;
}

/* --- weights --- */

typedef struct taking {
  trainer *t;
  const symbol_dims *dims, *old_dims; /* of the parameters here and there */
  int32_t **numbers;                  /* [schema.n] of each variable's symbols, see numbers_in; NULL: not looked for yet */
  text taken, fresh, left, unlike;
  int n_taken, n_fresh, n_left, n_unlike;
  int64_t weights;
} taking;

static void list_name(text *list, int *n, const char *name) {
  if (++*n <= MOST_NAMES) text_format(list, "%s%s", *n > 1 ? ", " : "", name);
}

/* The other model's number of each of n rows or columns: *out, or NULL where they are the same. False: they do not fit. */
static bool fit_side(taking *k, int data, int old_data, int n, int old_n, bool blank, const int32_t **out, unroll_status *status) {
  trainer *t = k->t;
  *out = NULL;
  if (data < 0 && old_data < 0) return n == old_n;
  if (data < 0 || old_data < 0) return false;
  const variable *v = &t->m.schema.list[data], *old = &t->from.schema.list[old_data];
  if (strcmp(v->form.name, old->form.name)) return false;
  if (n != v->words.n + blank || old_n != old->words.n + blank) return false;
  if (!k->numbers[data]) {
    int32_t *numbers = numbers_in(&old->words, &v->words, &t->memory), *with = NULL;
    if (numbers) with = arena_alloc(&t->memory, (size_t)v->words.n + 2, sizeof *with);
    if (!with) {
      *status = UNROLL_FAILED;
      return false;
    }
    memcpy(with, numbers, (size_t)v->words.n * sizeof *with);
    with[v->words.n] = old->words.n; /* of ctc the blank */
    k->numbers[data] = with;
  }
  *out = k->numbers[data];
  return true;
}

static void shape_of(text *out, const param *p) {
  if (p->vector)
    text_format(out, "%d", p->rows);
  else
    text_format(out, "%d x %d", p->rows, p->cols);
}

static void tell_unlike(taking *k, const param *p, const param *q) {
  if (++k->n_unlike > MOST_NAMES) return;
  text_format(&k->unlike, "not taken: %s is ", p->name);
  shape_of(&k->unlike, p);
  text_format(&k->unlike, " here and ");
  shape_of(&k->unlike, q);
  text_format(&k->unlike, p->rows == q->rows && p->cols == q->cols ? " there, but of other symbols\n" : " in the model\n");
}

static unroll_status take_param(taking *k, int here, int there, unroll_error *err) {
  trainer *t = k->t;
  const param *p = &t->m.g.params[here], *q = &t->from.g.params[there];
  const symbol_dims *d = &k->dims[here], *e = &k->old_dims[there];
  const int32_t *rows, *cols = NULL;
  unroll_status status = UNROLL_OK;
  const bool fits = p->vector == q->vector && d->blank == e->blank &&
                    fit_side(k, d->rows, e->rows, p->rows, q->rows, d->blank, &rows, &status) &&
                    fit_side(k, d->cols, e->cols, p->cols, q->cols, false, &cols, &status);
  if (status) return error_memory(err);
  if (!fits) {
    tell_unlike(k, p, q);
    return UNROLL_OK;
  }
  float *to = t->m.weights + p->offset;
  const float *from = t->from.weights + q->offset;
  for (int r = 0; r < p->rows; r++) {
    const int row = rows ? rows[r] : r;
    for (int c = 0; row >= 0 && c < p->cols; c++) {
      const int col = cols ? cols[c] : c;
      if (col < 0) continue;
      to[(int64_t)r * p->cols + c] = from[(int64_t)row * q->cols + col];
      k->weights++;
    }
  }
  list_name(&k->taken, &k->n_taken, p->name);
  return UNROLL_OK;
}

static void tell_list(text *out, const char *what, const text *names, int n) {
  if (!n) return;
  text_format(out, "%s: %s", what, names->data ? names->data : "");
  if (n > MOST_NAMES) text_format(out, " and %d more", n - MOST_NAMES);
  text_format(out, "\n");
}

static int find_param(const graph *g, const char *name) {
  for (int i = 0; i < g->n_params; i++)
    if (!strcmp(g->params[i].name, name)) return i;
  return -1;
}

static unroll_status take_all(taking *k, unroll_error *err) {
  trainer *t = k->t;
  const graph *g = &t->m.g, *old = &t->from.g;
  unroll_status status = UNROLL_OK;
  char taken[32], all[32];
  for (int i = 0; i < g->n_params && !status; i++) {
    const int there = find_param(old, g->params[i].name);
    if (there < 0)
      list_name(&k->fresh, &k->n_fresh, g->params[i].name);
    else
      status = take_param(k, i, there, err);
  }
  for (int i = 0; i < old->n_params && !status; i++)
    if (find_param(g, old->params[i].name) < 0) list_name(&k->left, &k->n_left, old->params[i].name);
  if (status) return status;
  text_format(&t->told, "from %s: %s of %s weights\n", t->o.from, text_count(k->weights, taken), text_count(g->n_weights, all));
  tell_list(&t->told, "taken", &k->taken, k->n_taken);
  tell_list(&t->told, "new, and start as usual", &k->fresh, k->n_fresh);
  tell_list(&t->told, "left in the model", &k->left, k->n_left);
  if (k->unlike.data) text_add(&t->told, k->unlike.data, k->unlike.length);
  if (k->n_unlike > MOST_NAMES) text_format(&t->told, "not taken: %d more of other shapes\n", k->n_unlike - MOST_NAMES);
  if (k->n_taken) return UNROLL_OK;
  const char *newline = k->unlike.data ? strchr(k->unlike.data, '\n') : NULL;
  return error_at(err, UNROLL_USAGE, t->o.from, NULL, 0, 0, "not one parameter of this model is one of the net%s%.*s",
                  newline ? "; " : ": their names differ", newline ? (int)(newline - k->unlike.data) : 0,
                  newline ? k->unlike.data : "");
}

unroll_status from_take(trainer *t, unroll_error *err) {
  if (!t->from.built) return UNROLL_OK;
  symbol_dims *dims = arena_alloc(&t->memory, (size_t)t->m.g.n_params + 1, sizeof *dims),
              *old = arena_alloc(&t->memory, (size_t)t->from.g.n_params + 1, sizeof *old);
  taking k = {.t = t, .dims = dims, .old_dims = old};
  k.numbers = arena_alloc(&t->memory, (size_t)t->m.schema.n + 1, sizeof *k.numbers);
  if (!dims || !old || !k.numbers) return error_memory(err);
  unroll_status status = symbol_dims_of(&t->m.g, dims, err);
  if (!status) status = symbol_dims_of(&t->from.g, old, err);
  if (!status) status = take_all(&k, err);
  text_free(&k.taken);
  text_free(&k.fresh);
  text_free(&k.left);
  text_free(&k.unlike);
  model_free(&t->from);
  return !status && t->told.failed ? error_memory(err) : status;
}
