/* cell.c - see cell.h: cells of symbols and of numbers, and those that name files. */
#include "data/cell.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/cache.h"
#include "symbols/words.h"

bool cell_writes(const variable *v) {
  const cell_reader *r = cell_reader_of(&v->form);
  return r->write && (!r->writes || r->writes(v));
}

/* --- room --- */

/* Do cells say the numbers? Then they are kept as they are said. */
static bool is_exact(const cell_place *p) { return p->v->form.unit == UNIT_NUMBERS && cell_reader_of(&p->v->form)->cell; }

/* Room for places of further steps, where cells share values. */
static unroll_status place_room(const cell_place *p, int64_t more) {
  column_values *c = p->out;
  int64_t needed, room = c->place_room;
  if (!p->files || !more) return UNROLL_OK;
  if (__builtin_add_overflow(c->n, more, &needed) || needed > INT64_MAX / 32) return error_memory(p->err);
  if (needed <= room) return UNROLL_OK;
  if ((room = room ? 2 * room : 32) < needed) room = needed;
  int64_t *place = mem_resize(c->place, (size_t)room * sizeof *place);
  if (!place) return error_memory(p->err);
  c->place = place;
  c->place_room = room;
  return UNROLL_OK;
}

/* Further steps that have values of their own, for which there is room; where they begin in `numbers`. */
static int64_t add_steps(const cell_place *p, int64_t steps) {
  column_values *c = p->out;
  const int64_t at = p->files ? c->stored : c->n;
  for (int64_t k = 0; p->files && k < steps; k++) c->place[c->n + k] = c->stored++;
  c->n += steps;
  return at;
}

unroll_status cell_room(const cell_place *p, int64_t more) {
  column_values *c = p->out;
  int64_t room = c->room, needed, numbers;
  if (__builtin_add_overflow(p->files ? c->stored : c->n, more, &needed)) return error_memory(p->err);
  if (place_room(p, more)) return UNROLL_FAILED;
  if (needed <= room) return UNROLL_OK;
  if (__builtin_mul_overflow(room ? room : 32, (int64_t)2, &room)) return error_memory(p->err);
  if (room < needed) room = needed;
  if (__builtin_mul_overflow(room, (int64_t)p->v->width + 1, &numbers) || numbers > INT64_MAX / 8) return error_memory(p->err);
  const bool exact = is_exact(p), symbols = p->v->form.unit != UNIT_NUMBERS;
  const size_t width = symbols ? 1 : (size_t)p->v->width;
  if (!exact && !symbols) {
    const unroll_status status = spill_grow(&c->kept, (size_t)room * width * sizeof *c->numbers, p->err);
    if (status) return status;
    c->numbers = c->kept.block;
  } else {
    void **block = exact ? (void **)&c->exact : (void **)&c->symbols;
    void *x = mem_resize(*block, (size_t)room * width * (exact ? sizeof *c->exact : sizeof *c->symbols));
    if (!x) return error_memory(p->err);
    *block = x;
  }
  c->room = room;
  return UNROLL_OK;
}

void cell_take_back(const cell_place *p, int64_t n) {
  column_values *c = p->out;
  for (int64_t k = n; c->words.n && k < c->n; k++)
    if (c->symbols[k] >= 0) c->words.count[c->symbols[k]]--;
  c->n = n;
}

void cell_files_free(cell_files *f) {
  lexicon_free(&f->names);
  mem_free(f->at);
  mem_free(f->steps);
}

void cell_scratch_free(cell_scratch *s) {
  text_free(&s->small);
  text_free(&s->composed);
  text_free(&s->part);
}

float *cell_numbers(const cell_place *p, int64_t steps) {
  if (cell_room(p, steps)) return NULL;
  return p->out->numbers + add_steps(p, steps) * p->v->width;
}

/* Entry j of step n. */
static void put(const cell_place *p, int64_t n, int j, double x) {
  if (is_exact(p))
    p->out->exact[n * p->v->width + j] = x;
  else
    p->out->numbers[column_place(p->out, n) * p->v->width + j] = (float)x;
}

static unroll_status add_step(const cell_place *p) {
  const unroll_status status = cell_room(p, 1);
  if (!status) add_steps(p, 1);
  return status;
}

unroll_status cell_blank(const cell_place *p) {
  if (p->v->form.unit != UNIT_NUMBERS) return cell_add_symbol(p, -1);
  const unroll_status status = add_step(p);
  for (int j = 0; j < p->v->width && !status; j++) put(p, p->out->n - 1, j, 0);
  return status;
}

unroll_status cell_add_symbol(const cell_place *p, int32_t code) {
  const unroll_status status = cell_room(p, 1);
  if (!status) p->out->symbols[p->out->n++] = code;
  return status;
}

unroll_status cell_add_word(const cell_place *p, const char *s, size_t size) {
  if (p->v->form.part && !(size == 1 && *s == '\n')) {
    text *cut = &p->scratch->part;
    words_part(&p->v->form, s, size, cut);
    if (cut->failed) return error_memory(p->err);
    s = cut->data;
    size = cut->length;
  }
  const int32_t number = lexicon_add(&p->out->words, s, size);
  return number < 0 ? error_memory(p->err) : cell_add_symbol(p, number);
}

unroll_status cell_add_end(const cell_place *p) {
  return unit_has_lexicon(p->v->form.unit) ? cell_add_word(p, "\n", 1) : cell_add_symbol(p, END_CODE);
}

bool cell_next(const cell *c, size_t *at, size_t *begin) {
  while (*at < c->size && white_byte(c->text[*at])) ++*at;
  *begin = *at;
  while (*at < c->size && !white_byte(c->text[*at])) ++*at;
  return *at > *begin;
}

static const cell *first_cell(const cell_place *p) { return table_cell(p->t, p->row, p->columns[0]); }

/* --- numbers --- */

/* With a comma where others have a point; a point is then no part of a number. */
static int comma_number(const char *s, size_t n, double *value) {
  char copy[64];
  if (n >= sizeof copy || memchr(s, '.', n)) return 1;
  for (size_t i = 0; i < n; i++) copy[i] = s[i] == ',' ? '.' : s[i];
  return text_number(copy, n, value);
}

/* Entry j of step `step`. */
static unroll_status read_number(const cell_place *p, int64_t step, int j, int column, size_t begin, size_t end) {
  const cell *c = table_cell(p->t, p->row, column);
  const char *s = c->text + begin;
  const size_t n = end - begin;
  double x;
  if ((p->t->decimal == ',' ? comma_number(s, n, &x) : text_number(s, n, &x)) || !isfinite((float)x)) {
    const bool comma = p->t->decimal != ',' && n && !comma_number(s, n, &x);
    return table_bad(p->t, p->row, column, begin, p->err, n ? "'%.*s' is no number%s" : "a number is missing",
                     (int)(n < 40 ? n : 40), s, comma ? " (option 'decimal' reads commas)" : "");
  }
  const char *why = variable_refuses(p->v, j, x);
  if (why) return table_bad(p->t, p->row, column, begin, p->err, "'%.*s' %s", (int)(n < 40 ? n : 40), s, why);
  put(p, step, j, x);
  return UNROLL_OK;
}

/* One column: each part is a step of `width` numbers with ; between them. */
static unroll_status add_vectors(const cell_place *p) {
  const int width = p->v->width, column = p->columns[0];
  const cell *c = first_cell(p);
  size_t at = 0, begin;
  while (cell_next(c, &at, &begin)) {
    if (add_step(p)) return UNROLL_FAILED;
    size_t from = begin;
    int n = 0;
    for (size_t k = begin; k <= at; k++) {
      if (k < at && c->text[k] != ';') continue;
      if (n == width || (k == at && n + 1 < width))
        return table_bad(p->t, p->row, column, begin, p->err, "'%.*s' has %s than %d numbers",
                         (int)(at - begin < 40 ? at - begin : 40), c->text + begin, n == width ? "more" : "less", width);
      const unroll_status status = read_number(p, p->out->n - 1, n, column, from, k);
      if (status) return status;
      n++;
      from = k + 1;
    }
  }
  return UNROLL_OK;
}

/* A column for each entry of the vectors. */
static unroll_status add_entries(const cell_place *p) {
  column_values *to = p->out;
  const int64_t start = to->n;
  for (int k = 0; k < p->n_columns; k++) {
    const cell *c = table_cell(p->t, p->row, p->columns[k]), *first = table_cell(p->t, 0, p->columns[0]);
    size_t at = 0, begin;
    int64_t n = start;
    for (; cell_next(c, &at, &begin); n++) {
      if (k > 0 && n >= to->n) continue; /* only counted */
      if (k == 0 && add_step(p)) return UNROLL_FAILED;
      const unroll_status status = read_number(p, n, k, p->columns[k], begin, at);
      if (status) return status;
    }
    if (n != to->n)
      return table_bad(p->t, p->row, p->columns[k], 0, p->err, "%s numbers than in the column '%.*s'", n < to->n ? "less" : "more",
                       (int)first->size, first->text);
  }
  return UNROLL_OK;
}

static unroll_status add_numbers(const cell_place *p) { return p->n_columns > 1 ? add_entries(p) : add_vectors(p); }

/* --- symbols --- */

static unroll_status add_characters(const cell_place *p) {
  const data_form *f = &p->v->form;
  const char *s = first_cell(p)->text;
  size_t size = first_cell(p)->size;
  text *composed = &p->scratch->composed;
  unroll_status status = UNROLL_OK;
  if (f->nfc) words_compose(s, size, composed), s = composed->data, size = composed->length;
  if (composed->failed) return error_memory(p->err);
  for (size_t k = 0; k < size && !status;) {
    uint32_t code = (unsigned char)s[k];
    int n = 1;
    if (f->unit == UNIT_CHARS) n = utf8_decode(s + k, size - k, &code);
    if (code == END_CODE && p->v->ends)
      return table_bad(p->t, p->row, p->columns[0], k, p->err, "a newline in a text that ends with an end symbol");
    status = cell_add_symbol(p, (int32_t)code);
    k += (size_t)n;
  }
  return status;
}

/* A cell that is one word or label as it is, small and composed if asked for. */
static unroll_status add_whole(const cell_place *p, const cell *c) {
  const data_form *f = &p->v->form;
  text *composed = &p->scratch->composed, *small = &p->scratch->small;
  const char *s = c->text;
  size_t size = c->size;
  if (f->nfc) words_compose(s, size, composed), s = composed->data, size = composed->length;
  if (f->lower && !composed->failed) words_lower(s, size, small), s = small->data, size = small->length;
  return composed->failed || small->failed ? error_memory(p->err) : cell_add_word(p, s, size);
}

static bool take_word(void *context, const char *s, size_t size) { return cell_add_word(context, s, size) == UNROLL_OK; }

static unroll_status add_words(const cell_place *p) {
  const data_form *f = &p->v->form;
  const cell *c = first_cell(p);
  const bool label = f->of->sort == KIND_LABEL;
  unroll_status status = UNROLL_OK;
  size_t at = 0, begin = 0;
  if (p->by_rows || (label && !p->v->step)) return c->size ? add_whole(p, c) : UNROLL_OK; /* one word or label */
  if (f->unit == UNIT_BPE && p->v->ends && memchr(c->text, '\n', c->size))
    return table_bad(p->t, p->row, p->columns[0], 0, p->err, "a newline in a text that ends with an end symbol");
  const bool newline = p->stream && c->size && c->text[c->size - 1] == '\n'; /* a word like others */
  if (!label && !words_each(f, c->text, c->size - newline, take_word, (void *)p)) return error_memory(p->err);
  if (!label) return newline ? cell_add_end(p) : UNROLL_OK;
  while (!status && cell_next(c, &at, &begin)) status = cell_add_word(p, c->text + begin, at - begin);
  return status;
}

/* --- files --- */

/* The numbers of what was opened last. `own` says what is wrong with the file, p->err all else. */
static unroll_status read_values(const cell_place *p, const cell_reader *r, float *out, int64_t n, unroll_error *own) {
  const char *folder = r->identify ? p->t->cache : NULL;
  uint64_t key[2] = {0};
  bool found = false;
  if (folder) {
    r->identify(p->state, key);
    if (cache_get(folder, key, out, n, &found, p->err)) return UNROLL_FAILED;
    if (found) return UNROLL_OK;
  }
  const unroll_status status = r->read(p->state, out, own);
  if (status) return status == UNROLL_BAD_INPUT ? status : error_memory(p->err);
  return folder ? cache_put(folder, key, out, n, p->err) : UNROLL_OK;
}

/* The number of a file among those that cells share; -1: no memory. */
static int32_t number_of_file(cell_files *f, const char *beside, const char *name, size_t size) {
  char *path = file_beside(beside, name, size);
  const int32_t before = f->names.n, number = path ? lexicon_add(&f->names, path, strlen(path)) : -1;
  mem_free(path);
  if (number < f->room || number < 0) {
    if (number == before) f->at[number] = -1;
    return number;
  }
  const int32_t room = 2 * f->room + 64;
  int64_t *at = mem_resize(f->at, (size_t)room * sizeof *at);
  if (at) f->at = at;
  int64_t *steps = at ? mem_resize(f->steps, (size_t)room * sizeof *steps) : NULL;
  if (!steps) return -1;
  f->steps = steps;
  f->room = room;
  f->at[number] = -1;
  return number;
}

/* The steps of a file that was read before. */
static unroll_status add_again(const cell_place *p, int32_t number) {
  column_values *c = p->out;
  const int64_t steps = p->files->steps[number], at = p->files->at[number];
  if (place_room(p, steps)) return UNROLL_FAILED;
  for (int64_t k = 0; k < steps; k++) c->place[c->n++] = at + k;
  return UNROLL_OK;
}

/* One value: its steps, then the numbers of all of them. */
static unroll_status add_file(const cell_place *p, const cell_reader *r, const char *name, size_t size, size_t at) {
  const char *beside = p->t->files.files[table_file(p->t, p->row)].name;
  const int32_t number = p->files ? number_of_file(p->files, beside, name, size) : 0;
  unroll_error own = {0};
  int64_t steps = 0;
  float *out = NULL;
  if (number < 0) return error_memory(p->err);
  if (p->files && p->files->at[number] >= 0) return add_again(p, number);
  unroll_status status = r->open(p->state, beside, name, size, &steps, &own);
  if (!status && !(out = cell_numbers(p, steps))) return UNROLL_FAILED;
  if (status && status != UNROLL_BAD_INPUT) return error_memory(p->err);
  if (!status) status = read_values(p, r, out, steps * p->v->width, &own);
  if (status && out && p->files) { /* its room is free again */
    p->out->stored -= steps;
    p->out->n -= steps;
  }
  if (status == UNROLL_BAD_INPUT)
    return table_bad(p->t, p->row, p->columns[0], at, p->err, "'%.*s': %.300s", (int)(size < 200 ? size : 200), name, own.message);
  if (!status && p->files) {
    p->files->at[number] = p->out->stored - steps;
    p->files->steps[number] = steps;
  }
  return status;
}

/* Names of files, or numbers with ; between them. Where a cell is one file, spaces belong to the name. */
static unroll_status add_files(const cell_place *p, const cell_reader *r) {
  const cell *c = first_cell(p);
  const bool one = p->by_rows || !p->v->step || p->v->form.of->steps == KIND_STEPS;
  size_t at = 0, begin;
  int n = 0;
  if (p->n_columns > 1 || memchr(c->text, ';', c->size)) return add_numbers(p);
  for (; cell_next(c, &at, &begin); n++) {
    if (one)
      for (at = c->size; white_byte(c->text[at - 1]);) at--;
    const unroll_status status = add_file(p, r, c->text + begin, at - begin, begin);
    if (status) return status;
  }
  if (!n && p->v->form.of->steps == KIND_STEPS) /* of other kinds the caller counts values */
    return table_bad(p->t, p->row, p->columns[0], 0, p->err, "empty: a %s is missing", p->v->form.of->value);
  return UNROLL_OK;
}

unroll_status cell_read(const cell_place *p) {
  const cell_reader *r = cell_reader_of(&p->v->form);
  const cell *c = first_cell(p);
  if (p->v->form.unit != UNIT_BYTES) {
    const size_t bad = utf8_valid(c->text, c->size);
    if (bad < c->size) return table_bad(p->t, p->row, p->columns[0], bad, p->err, "invalid UTF-8");
  }
  return r->cell ? r->cell(p) : add_files(p, r);
}

const cell_reader cell_none = {0}, cell_vectors = {.cell = add_numbers}, cell_characters = {.cell = add_characters},
                  cell_words = {.cell = add_words};
