/* session_set.c - what a session is given: symbols, numbers, and texts, which are read as cells of a table are. */
#include "api/session.h"
#include "base/memory.h"
#include "data/cell.h"

unroll_status session_track(unroll_session *s, int row, const char *name, int *number, unroll_error *err) {
  if (!s || !name) return api_null(err);
  if (row < 0 || row >= s->rows) return error_set(err, UNROLL_USAGE, "the session has rows 0 to %d", s->rows - 1);
  *number = api_variable(&s->m->m, name);
  if (*number < 0) return api_no_variable(&s->m->m, name, err);
  const track *t = &s->tracks[*number];
  if (t->fed && !s->made[row])
    return error_set(err, UNROLL_USAGE, "'%s' is predicted, and is set after a step, of which there was none", name);
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

unroll_status unroll_session_set_symbol(unroll_session *s, int row, const char *name, int symbol, unroll_error *err) {
  int i;
  const unroll_status status = session_track(s, row, name, &i, err);
  if (status) return status;
  const variable *v = s->tracks[i].v;
  if (v->form.unit == UNIT_NUMBERS) return error_set(err, UNROLL_USAGE, "'%s' is numbers, not symbols", name);
  if (symbol < 0 || symbol >= v->words.n)
    return error_set(err, UNROLL_USAGE, "there is no symbol %d; the model knows 0 to %d", symbol, v->words.n - 1);
  session_write(s, i, row, &(int32_t){symbol}, NULL);
  return UNROLL_OK;
}

/* From the units of the data; `exact` (or NULL) is what x is rounded from. */
static void write_scaled(unroll_session *s, int i, int row, float *x, const double *exact) {
  const variable *v = s->tracks[i].v;
  for (int j = 0; j < v->width; j++) {
    const double y = exact ? exact[j] : (double)x[j];
    x[j] = (float)(v->mean ? (y - v->mean[j]) / v->deviation[j] : y);
  }
  session_write(s, i, row, NULL, x);
}

unroll_status unroll_session_set_numbers(unroll_session *s, int row, const char *name, const float *x, int n, unroll_error *err) {
  int i;
  unroll_status status = x ? session_track(s, row, name, &i, err) : api_null(err);
  if (status) return status;
  const variable *v = s->tracks[i].v;
  if (v->form.unit != UNIT_NUMBERS) return error_set(err, UNROLL_USAGE, "'%s' is symbols, not numbers", name);
  if (n != v->width) return error_set(err, UNROLL_USAGE, "'%s' takes %d numbers, not %d", name, v->width, n);
  float *copy = mem_alloc((size_t)n * sizeof *copy + 1);
  if (!copy) return error_memory(err);
  memcpy(copy, x, (size_t)n * sizeof *copy);
  for (int j = 0; j < n && !status; j++) {
    const char *why = x[j] - x[j] != 0 ? "is not finite" : variable_refuses(v, j, (double)x[j]);
    if (why) status = error_set(err, UNROLL_USAGE, "'%s': number %d %s", name, j + 1, why);
  }
  if (!status) write_scaled(s, i, row, copy, NULL);
  mem_free(copy);
  return status;
}

static unroll_status take_cell(unroll_session *s, int i, int row, column_values *c, const char *name, unroll_error *err) {
  const variable *v = s->tracks[i].v;
  if (c->n != 1)
    return error_set(err, UNROLL_BAD_INPUT, "'%s' takes one %s at a time, and here are %lld", name, v->form.of->value,
                     (long long)c->n);
  if (v->form.unit == UNIT_NUMBERS) {
    if (c->exact && !c->numbers) c->numbers = mem_zero((size_t)v->width, sizeof *c->numbers);
    if (!c->numbers) return error_memory(err);
    write_scaled(s, i, row, c->numbers, c->exact);
    return UNROLL_OK;
  }
  size_t size = 0;
  const char *word = unit_has_lexicon(v->form.unit) ? lexicon_text(&c->words, c->symbols[0], &size) : NULL;
  const int32_t symbol = word ? vocabulary_find_word(&v->words, word, size) : vocabulary_find(&v->words, (uint32_t)c->symbols[0]);
  if (symbol < 0) return error_set(err, UNROLL_BAD_INPUT, "'%s': the model does not know this %s", name, v->form.of->value);
  session_write(s, i, row, &symbol, NULL);
  return UNROLL_OK;
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
  unroll_status status = v->form.unit == UNIT_BPE
                             ? error_set(err, UNROLL_USAGE, "'%s' is parts of words: set the numbers of its symbols", name)
                         : reader->begin ? reader->begin(&state, v, err)
                                         : UNROLL_OK;
  const cell_place p = {.v = v,
                        .out = &c,
                        .t = &t,
                        .row = 1,
                        .columns = &column,
                        .n_columns = 1,
                        .by_rows = true,
                        .scratch = &scratch,
                        .state = state,
                        .err = err};
  if (!status) status = cell_read(&p);
  if (!status) status = take_cell(s, i, row, &c, name, err);
  if (reader->end) reader->end(state);
  cell_scratch_free(&scratch);
  mem_free(c.symbols);
  mem_free(c.numbers);
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
