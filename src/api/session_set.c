/* session_set.c - what a session is given: symbols, numbers, and texts, which are read as cells of a table are. */
#include <math.h>
#include "api/session.h"
#include "base/memory.h"
#include "data/cell.h"
#include "symbols/bpe.h"

unroll_status session_track(unroll_session *s, int row, const char *name, int *number, unroll_error *err) {
  if (!s || !name) return api_null(err);
  if (row < 0 || row >= s->rows) return error_set(err, UNROLL_USAGE, "the session has rows 0 to %d", s->rows - 1);
  *number = api_variable(&s->m->m, name);
  if (*number < 0) return api_no_variable(&s->m->m, name, err);
  const track *t = &s->tracks[*number];
  if (t->fed && !s->made[row])
    return error_set(err, UNROLL_USAGE, "'%s' is predicted, and is set after a step, of which there was none", name);
  if (t->whole && s->made[row])
    return error_set(err, UNROLL_USAGE, "all of '%s' is read before the first step, and is set before it", name);
  if (t->still && s->made[row]) return error_set(err, UNROLL_USAGE, "'%s' has no steps, and is set before the first one", name);
  return UNROLL_OK;
}

void session_write(unroll_session *s, int number, int row, const int32_t *symbol, const float *numbers) {
  track *t = &s->tracks[number];
  t->set[row] = true;
  if (!t->used) return; /* nothing sees it */
  for (int k = t->fed && !t->now ? 1 : 0; k <= t->fed; k++) {
    const size_t at = (size_t)k * (size_t)s->rows + (size_t)row, width = (size_t)s->m->m.g.data[number].width;
    if (symbol)
      t->symbols[at] = *symbol;
    else
      memcpy(t->numbers + at * width, numbers, width * sizeof *numbers);
  }
  s->stale |= t->now;
}

static const char *many(const variable *v) { return v->form.of->value; }

/* n steps of a variable; of one that is not read whole one. */
static unroll_status write_steps(unroll_session *s, int i, int row, const int32_t *symbols, const float *numbers, int64_t n,
                                 unroll_error *err) {
  const variable *v = s->tracks[i].v;
  if (s->tracks[i].whole) return session_set_whole(s, i, row, symbols, numbers, n, err);
  if (n != 1)
    return error_set(err, UNROLL_BAD_INPUT, "'%s' takes one %s at a time, and here are %lld", v->form.name, many(v), (long long)n);
  session_write(s, i, row, symbols, numbers);
  return UNROLL_OK;
}

unroll_status unroll_session_set_symbols(unroll_session *s, int row, const char *name, const int32_t *symbols, int64_t n,
                                         unroll_error *err) {
  int i;
  const unroll_status status = symbols ? session_track(s, row, name, &i, err) : api_null(err);
  if (status) return status;
  const variable *v = s->tracks[i].v;
  if (v->form.unit == UNIT_NUMBERS) return error_set(err, UNROLL_USAGE, "'%s' is numbers, not symbols", name);
  for (int64_t k = 0; k < n; k++)
    if (symbols[k] < 0 || symbols[k] >= v->words.n)
      return error_set(err, UNROLL_USAGE, "there is no symbol %d; the model knows 0 to %d", (int)symbols[k], v->words.n - 1);
  return n < 0 ? error_set(err, UNROLL_USAGE, "%lld symbols are none", (long long)n)
               : write_steps(s, i, row, symbols, NULL, n, err);
}

unroll_status unroll_session_set_symbol(unroll_session *s, int row, const char *name, int symbol, unroll_error *err) {
  return unroll_session_set_symbols(s, row, name, &(int32_t){symbol}, 1, err);
}

/* From the units of the data: n steps of x, or of `single`. */
static unroll_status write_scaled(unroll_session *s, int i, int row, const double *x, const float *single, int64_t n,
                                  unroll_error *err) {
  const variable *v = s->tracks[i].v;
  float *scaled = mem_alloc(((size_t)n * (size_t)v->width + 1) * sizeof *scaled);
  if (!scaled) return error_memory(err);
  for (int64_t k = 0; k < n * v->width; k++) {
    const int j = (int)(k % v->width);
    const double y = x ? x[k] : (double)single[k];
    scaled[k] = (float)(v->mean ? (y - v->mean[j]) / v->deviation[j] : y);
  }
  const unroll_status status = write_steps(s, i, row, NULL, scaled, n, err);
  mem_free(scaled);
  return status;
}

static unroll_status set_numbers(unroll_session *s, int row, const char *name, const double *x, const float *single, int64_t n,
                                 unroll_error *err) {
  int i;
  unroll_status status = x || single ? session_track(s, row, name, &i, err) : api_null(err);
  if (status) return status;
  const variable *v = s->tracks[i].v;
  const bool whole = s->tracks[i].whole;
  if (v->form.unit != UNIT_NUMBERS) return error_set(err, UNROLL_USAGE, "'%s' is symbols, not numbers", name);
  if (n < 0 || n % v->width || (!whole && n != v->width))
    return error_set(err, UNROLL_USAGE, "'%s' takes %d numbers%s, not %lld", name, v->width, whole ? " for each step" : "",
                     (long long)n);
  for (int64_t k = 0; k < n; k++) {
    const double y = x ? x[k] : (double)single[k];
    const char *why = !isfinite((float)y) ? "is not finite" : variable_refuses(v, (int)(k % v->width), y);
    if (why) return error_set(err, UNROLL_USAGE, "'%s': number %lld %s", name, (long long)k + 1, why);
  }
  return write_scaled(s, i, row, x, single, n / v->width, err);
}

unroll_status unroll_session_set_numbers(unroll_session *s, int row, const char *name, const float *x, int n, unroll_error *err) {
  return set_numbers(s, row, name, NULL, x, n, err);
}

unroll_status unroll_session_set_doubles(unroll_session *s, int row, const char *name, const double *x, int64_t n,
                                         unroll_error *err) {
  return set_numbers(s, row, name, x, NULL, n, err);
}

/* Codes that the reader of a cell left, as numbers of the vocabulary: a block for mem_free, *n of them. */
static unroll_status symbols_of(const variable *v, const column_values *c, int32_t **symbols, int64_t *n, unroll_error *err) {
  bpe_codes chunks = {0};
  const bool is_bpe = v->form.unit == UNIT_BPE;
  unroll_status status = is_bpe ? bpe_codes_of(&chunks, &c->words, &v->words, err) : UNROLL_OK;
  *n = is_bpe ? 0 : c->n;
  for (int64_t k = 0; k < c->n && is_bpe && !status; k++) *n += chunks.first[c->symbols[k] + 1] - chunks.first[c->symbols[k]];
  *symbols = status ? NULL : mem_zero((size_t)*n + 1, sizeof **symbols);
  if (!status && !*symbols) status = error_memory(err);
  for (int64_t k = 0, at = 0; k < c->n && !status; k++) {
    const int32_t code = c->symbols[k];
    size_t size = 0;
    if (is_bpe) {
      for (int64_t j = chunks.first[code]; j < chunks.first[code + 1]; j++) (*symbols)[at++] = chunks.symbols[j];
      continue;
    }
    const char *word = unit_has_lexicon(v->form.unit) ? lexicon_text(&c->words, code, &size) : NULL;
    (*symbols)[k] = word ? vocabulary_find_word(&v->words, word, size) : vocabulary_find(&v->words, (uint32_t)code);
    if ((*symbols)[k] < 0)
      status = error_set(err, UNROLL_BAD_INPUT, "'%s': the model does not know this %s", v->form.name, many(v));
  }
  bpe_codes_free(&chunks);
  return status;
}

static unroll_status take_cell(unroll_session *s, int i, int row, column_values *c, unroll_error *err) {
  const variable *v = s->tracks[i].v;
  int32_t *symbols = NULL;
  int64_t n;
  if (v->form.unit == UNIT_NUMBERS && c->n != 1 && !s->tracks[i].whole) return write_steps(s, i, row, NULL, NULL, c->n, err);
  if (v->form.unit == UNIT_NUMBERS) return write_scaled(s, i, row, c->exact, c->numbers, c->n, err);
  unroll_status status = symbols_of(v, c, &symbols, &n, err);
  if (!status) status = write_steps(s, i, row, symbols, NULL, n, err);
  mem_free(symbols);
  return status;
}

/* As a cell of a table is read. */
static unroll_status read_cell(unroll_session *s, int i, int row, const char *name, const char *string, size_t length,
                               unroll_error *err) {
  const variable *v = s->tracks[i].v;
  const cell_reader *reader = cell_reader_of(&v->form);
  input_file file = {.name = (char *)"the session", .data = (char *)string, .size = length};
  cell cells[2] = {{.text = name, .size = strlen(name)}, {.text = string, .size = length}};
  int64_t lines[2] = {1, 1}, first[2] = {1, 2};
  int32_t broken[2] = {0, 0};
  const table t = {.files = {.files = &file, .n = 1},
                   .first_row = first,
                   .n_columns = 1,
                   .series = -1,
                   .n_rows = 1,
                   .cells = cells,
                   .lines = lines,
                   .broken = broken};
  cell_scratch scratch = {0};
  column_values c = {.there = true};
  void *state = NULL;
  const int column = 0;
  const bool whole = s->tracks[i].whole;
  unroll_status status = reader->begin ? reader->begin(&state, v, err) : UNROLL_OK;
  const cell_place p = {.v = v,
                        .out = &c,
                        .t = &t,
                        .row = 1,
                        .columns = &column,
                        .n_columns = 1,
                        .by_rows = !whole && v->form.unit != UNIT_BPE,
                        .scratch = &scratch,
                        .state = state,
                        .err = err};
  if (!status) status = cell_read(&p);
  if (!status && whole && v->ends) status = cell_add_end(&p);
  if (!status) status = take_cell(s, i, row, &c, err);
  if (reader->end) reader->end(state);
  cell_scratch_free(&scratch);
  mem_free(c.symbols);
  column_free_numbers(&c);
  mem_free(c.exact);
  lexicon_free(&c.words);
  return status;
}

unroll_status unroll_session_set_text(unroll_session *s, int row, const char *name, const char *string, size_t length,
                                      unroll_error *err) {
  int i;
  unroll_status status = string ? session_track(s, row, name, &i, err) : api_null(err);
  if (!status) status = read_cell(s, i, row, name, string, length, err);
  for (int k = 0; !status && k < s->m->m.g.n_data; k++) { /* its parts */
    const data_form *f = &s->tracks[k].v->form;
    if (f->from && !strcmp(f->from, name)) status = read_cell(s, k, row, f->name, string, length, err);
  }
  return status;
}
