/* result.c - see result.h, and what unroll.h says about results. */
#include "api/result.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include "base/text.h"

/* --- building --- */

unroll_result *result_new(int n_names, const unroll_options *o) {
  unroll_result *r = mem_zero(1, sizeof *r);
  if (!r) return NULL;
  r->call = o ? o->rows : NULL;
  r->context = o ? o->context : NULL;
  r->n_names = n_names;
  r->names = arena_alloc(&r->memory, (size_t)n_names + 1, sizeof *r->names);
  if (r->names) return r;
  unroll_result_free(r);
  return NULL;
}

bool result_name(unroll_result *r, int number, const char *name) {
  return (r->names[number] = arena_text(&r->memory, name, strlen(name))) != NULL;
}

result_row *result_add(unroll_result *r) {
  if (r->n == r->room) {
    const int64_t room = r->room ? 2 * r->room : 16;
    result_row *rows = mem_resize(r->rows, (size_t)room * sizeof *rows);
    if (!rows) return NULL;
    r->rows = rows;
    r->room = room;
  }
  result_row *x = &r->rows[r->n];
  *x = (result_row){.row = {.example = r->n, .log2_p = (double)NAN, .series = ""}};
  x->values = result_alloc(r, (size_t)r->n_names + 1, sizeof *x->values);
  if (!x->values) return NULL;
  for (int k = 0; k < r->n_names; k++) x->values[k].name = r->names[k];
  r->n++;
  return x;
}

unroll_status result_hand(unroll_result *r) {
  if (!r->call) return UNROLL_OK;
  r->enough = r->call(r->context, r) != 0;
  arena_free(&r->passing);
  r->n = 0;
  return r->enough ? UNROLL_FAILED : UNROLL_OK;
}

void result_drop(unroll_result *r) {
  if (r->call) arena_free(&r->passing);
  r->n--;
}

void *result_alloc(unroll_result *r, size_t n, size_t size) { return arena_alloc(r->call ? &r->passing : &r->memory, n, size); }

void *result_copy(unroll_result *r, const void *from, size_t n, size_t size, bool *full) {
  size_t bytes;
  if (!from || !n) return NULL;
  if (r->call) return (void *)(uintptr_t)from;
  void *to = __builtin_mul_overflow(n, size, &bytes) ? NULL : arena_alloc(&r->memory, n, size);
  if (to) memcpy(to, from, bytes);
  *full &= to != NULL;
  return to;
}

bool result_symbols(unroll_result *r, unroll_value *v, const vocabulary *words, const int32_t *symbols, int64_t n) {
  bool full = true;
  text t = {0};
  v->steps = n;
  v->symbols = result_copy(r, symbols, (size_t)n, sizeof *symbols, &full);
  api_text(words, symbols, n, &t);
  v->text = arena_text(r->call ? &r->passing : &r->memory, t.data ? t.data : "", t.length);
  v->length = t.length;
  full &= !t.failed && v->text;
  text_free(&t);
  return full;
}

static void add_path(const figures *f, int of, text *out) {
  const subject *s = &f->subjects[of];
  if (of <= 0) return;
  if (s->parent > 0) {
    add_path(f, s->parent, out);
    text_add(out, "/", 1);
  }
  if (s->kind == SUBJECT_ELEMENT)
    text_add(out, s->label, s->size);
  else
    text_format(out, "%s", s->name);
}

bool result_figures(unroll_result *r, figures *f) {
  r->figures = *f;
  *f = (figures){0};
  r->paths = arena_alloc(&r->memory, (size_t)r->figures.n_subjects + 1, sizeof *r->paths);
  bool full = r->paths != NULL;
  for (int i = 0; i < r->figures.n_subjects && full; i++) {
    text t = {0};
    add_path(&r->figures, i, &t);
    r->paths[i] = arena_text(&r->memory, t.data ? t.data : "", t.length);
    full = !t.failed && r->paths[i];
    text_free(&t);
  }
  return full;
}

bool result_left_out(unroll_result *r, figures *f, const dataset *d) {
  const bad_rows *b = &d->bad;
  if (!b->skip || b->n < 1) return true;
  const int n = b->n < BAD_SHOWN ? (int)b->n : BAD_SHOWN;
  unroll_error *list = arena_alloc(&r->memory, (size_t)n + 1, sizeof *list);
  figures_add(f, 0, "bad_rows", FIGURE_COUNT, (double)b->n);
  if (!list) return false;
  memcpy(list, b->first, (size_t)n * sizeof *list);
  r->left_out = list;
  r->n_left_out = n;
  if (b->n <= n) return true;
  unroll_error *more = &list[r->n_left_out++];
  *more = (unroll_error){.code = UNROLL_BAD_INPUT};
  snprintf(more->file, sizeof more->file, "%s", d->name ? d->name : "");
  snprintf(more->message, sizeof more->message, "%" PRId64 " more", b->n - n);
  return true;
}

/* A symbol by its name; of bpe with a mark in place of the space that begins a word. */
static void add_label(const vocabulary *v, int32_t symbol, text *out) {
  if (v->unit != UNIT_BPE) {
    vocabulary_add_text(v, symbol, out);
    return;
  }
  if (*lexicon_text(&v->words, symbol, NULL) == ' ') text_add(out, "\xe2\x96\x81", 3);
  vocabulary_add_texts(v, &symbol, 1, out);
}

bool result_confusion(unroll_result *r, const char *name, const vocabulary *v, const int64_t *counts, int most) {
  const size_t n = (size_t)v->n;
  bool full = true;
  const char **labels = arena_alloc(&r->memory, n + 1, sizeof *labels);
  size_t *lengths = arena_alloc(&r->memory, n + 1, sizeof *lengths);
  if (!r->confusions) r->confusions = arena_alloc(&r->memory, (size_t)most, sizeof *r->confusions);
  const int64_t *copy = result_copy(r, counts, n * n, sizeof *counts, &full);
  const char *copied = arena_text(&r->memory, name, strlen(name));
  full &= labels && lengths && r->confusions && copied;
  for (size_t i = 0; i < n && full; i++) {
    text t = {0};
    add_label(v, (int32_t)i, &t);
    labels[i] = arena_text(&r->memory, t.data ? t.data : "", t.length);
    lengths[i] = t.length;
    full = !t.failed && labels[i];
    text_free(&t);
  }
  if (full)
    r->confusions[r->n_confusions++] = (unroll_confusion){
        .size = sizeof *r->confusions, .variable = copied, .n = v->n, .labels = labels, .lengths = lengths, .counts = copy};
  return full;
}

/* --- reading --- */

void unroll_row_init_sized(unroll_row *r, size_t size) { api_init(r, size); }
void unroll_value_init_sized(unroll_value *v, size_t size) { api_init(v, size); }
void unroll_figure_init_sized(unroll_figure *f, size_t size) { api_init(f, size); }
void unroll_subject_init_sized(unroll_subject *s, size_t size) { api_init(s, size); }
void unroll_confusion_init_sized(unroll_confusion *c, size_t size) { api_init(c, size); }

void unroll_result_free(unroll_result *r) {
  if (!r) return;
  figures_free(&r->figures);
  mem_free(r->rows);
  arena_free(&r->passing);
  arena_free(&r->memory);
  mem_free(r);
}

int64_t unroll_result_rows(const unroll_result *r) { return r ? r->n : 0; }
int unroll_result_variables(const unroll_result *r) { return r ? r->n_names : 0; }

const char *unroll_result_variable(const unroll_result *r, int number) {
  return r && number >= 0 && number < r->n_names ? r->names[number] : NULL;
}

static unroll_status find_row(const unroll_result *r, int64_t row, unroll_error *err) {
  if (row >= 0 && row < r->n) return UNROLL_OK;
  return error_set(err, UNROLL_USAGE, "there is no row %lld: the result has %lld", (long long)row, (long long)r->n);
}

unroll_status unroll_result_row(const unroll_result *r, int64_t row, unroll_row *out, unroll_error *err) {
  if (!r || !out) return api_null(err);
  const unroll_status status = find_row(r, row, err);
  if (!status) API_GIVE(out, &r->rows[row].row);
  return status;
}

unroll_status unroll_result_value(const unroll_result *r, int64_t row, const char *name, unroll_value *out, unroll_error *err) {
  if (!r || !out) return api_null(err);
  const unroll_status status = find_row(r, row, err);
  int k = 0;
  if (status) return status;
  while (name && k < r->n_names && strcmp(r->names[k], name) != 0) k++;
  if (k >= r->n_names) return error_set(err, UNROLL_USAGE, "the result has no name '%s'", name ? name : "");
  API_GIVE(out, &r->rows[row].values[k]);
  return UNROLL_OK;
}

static void add_numbers(const unroll_value *v, text *out) {
  const double *x = v->n_levels ? v->quantiles : v->numbers;
  const int each = v->width * (v->n_levels ? v->n_levels : 1);
  for (int64_t i = 0; i < v->steps; i++)
    for (int j = 0; j < each; j++) {
      text_format(out, "%s", j ? ";" : i ? " " : "");
      text_add_number(out, x[i * each + j]);
    }
}

bool result_line(const unroll_value *v, text *out) {
  if (v->numbers || v->n_levels) add_numbers(v, out);
  for (size_t i = 0; v->text && i < v->length; i++) {
    if (v->text[i] == '\n')
      text_add(out, "\\n", 2);
    else
      text_add(out, v->text + i, 1);
  }
  text_add(out, "", 0);
  return !out->failed;
}

unroll_status unroll_value_line(const unroll_value *given, char **line, unroll_error *err) {
  unroll_value v;
  text out = {0};
  if (!line) return api_null(err);
  *line = NULL;
  if (!given) return api_null(err);
  unroll_value_init(&v);
  API_TAKE(&v, given);
  if (!result_line(&v, &out)) {
    text_free(&out);
    return error_memory(err);
  }
  *line = out.data;
  return UNROLL_OK;
}

static const char *unit_name(enum figure_unit unit) {
  switch (unit) {
  case FIGURE_COUNT:
    return "count";
  case FIGURE_SHARE:
    return "share";
  case FIGURE_NATS:
    return "nats";
  case FIGURE_SYMBOL_NATS:
    return "nats per symbol";
  case FIGURE_BITS:
    return "bits";
  case FIGURE_FLAG:
    return "flag";
  case FIGURE_PINBALL:
    return "pinball";
  case FIGURE_NUMBER:
    return "number";
  case FIGURE_WORD:
    return "word";
  }
  return "";
}

int unroll_result_figures(const unroll_result *r) { return r ? r->figures.n : 0; }

unroll_status unroll_result_figure(const unroll_result *r, int number, unroll_figure *out, unroll_error *err) {
  if (!r || !out) return api_null(err);
  if (number < 0 || number >= r->figures.n)
    return error_set(err, UNROLL_USAGE, "there is no figure %d: the result has %d", number, r->figures.n);
  const figure *f = &r->figures.list[number];
  const unroll_figure own = {.name = f->name,
                             .unit = unit_name(f->unit),
                             .value = f->unit == FIGURE_WORD ? (double)NAN : f->value,
                             .word = f->word,
                             .of = r->paths[f->of],
                             .subject = f->of};
  API_GIVE(out, &own);
  return UNROLL_OK;
}

int unroll_result_subjects(const unroll_result *r) { return r ? r->figures.n_subjects : 0; }

unroll_status unroll_result_subject(const unroll_result *r, int number, unroll_subject *out, unroll_error *err) {
  if (!r || !out) return api_null(err);
  if (number < 0 || number >= r->figures.n_subjects)
    return error_set(err, UNROLL_USAGE, "there is no subject %d: the result has %d", number, r->figures.n_subjects);
  const subject *s = &r->figures.subjects[number];
  const unroll_subject own = {.parent = s->parent,
                              .is_list = s->kind == SUBJECT_LIST,
                              .is_element = s->kind == SUBJECT_ELEMENT,
                              .name = s->name ? s->name : "",
                              .label = s->label,
                              .length = s->size,
                              .before = s->at};
  API_GIVE(out, &own);
  return UNROLL_OK;
}

int unroll_result_confusions(const unroll_result *r) { return r ? r->n_confusions : 0; }

unroll_status unroll_result_confusion(const unroll_result *r, int number, unroll_confusion *out, unroll_error *err) {
  if (!r || !out) return api_null(err);
  if (number < 0 || number >= r->n_confusions)
    return error_set(err, UNROLL_USAGE, "there is no confusion table %d: the result has %d", number, r->n_confusions);
  API_GIVE(out, &r->confusions[number]);
  return UNROLL_OK;
}

unroll_status unroll_result_left_out(const unroll_result *r, int number, unroll_error *out, unroll_error *err) {
  if (!r || !out) return api_null(err);
  if (number < 0 || number >= r->n_left_out)
    return error_set(err, UNROLL_USAGE, "there is no message %d: the result has %d", number, r->n_left_out);
  *out = r->left_out[number];
  return UNROLL_OK;
}

double unroll_result_find(const unroll_result *r, const char *of, const char *name) {
  for (int i = 0; r && name && i < r->figures.n; i++) {
    const figure *f = &r->figures.list[i];
    if (!strcmp(f->name, name) && !strcmp(r->paths[f->of], of ? of : "") && f->unit != FIGURE_WORD) return f->value;
  }
  return (double)NAN;
}
