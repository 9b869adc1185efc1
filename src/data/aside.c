/* aside.c - where data comes from, and examples that are left out because a row of them cannot be read. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "data/schema.h"

unroll_status dataset_mark(dataset *d, const char *file, int64_t from, int64_t line, unroll_error *err) {
  const char *name = d->n_marks ? d->marks[d->n_marks - 1].file : NULL;
  if (!name || strcmp(name, file)) name = arena_text(&d->names, file, strlen(file));
  if (!name) return error_memory(err);
  if (d->n_marks && d->marks[d->n_marks - 1].from == from) d->n_marks--;
  if (d->n_marks == d->mark_room) {
    const int64_t room = d->mark_room ? 2 * d->mark_room : 4;
    place_mark *marks = mem_resize(d->marks, (size_t)room * sizeof *marks);
    if (!marks) return error_memory(err);
    d->marks = marks;
    d->mark_room = room;
  }
  d->marks[d->n_marks++] = (place_mark){name, from, line};
  return UNROLL_OK;
}

const char *dataset_place(const dataset *d, int64_t at, int64_t *line) {
  int64_t low = 0, high = d->n_marks - 1;
  while (low < high) {
    const int64_t middle = low + (high - low + 1) / 2;
    if (d->marks[middle].from <= at)
      low = middle;
    else
      high = middle - 1;
  }
  const place_mark *m = &d->marks[low];
  *line = m->line + (at - m->from);
  return m->file;
}

void dataset_tell(const dataset *d, int64_t example, int64_t step, char *out, size_t size) {
  int64_t shown;
  if (d->stream) {
    snprintf(out, size, "symbol %" PRId64 " of the data", step + 1);
    return;
  }
  const int64_t row = d->row_of[example];
  const char *file = dataset_place(d, row, &shown);
  if (d->by_line) shown = d->line_of[row];
  snprintf(out, size, "%s %" PRId64 ", %s %" PRId64 " of %s", d->plain ? "line" : "row", shown, d->plain ? "symbol" : "step",
           step + 1, d->n_marks > 1 ? file : "the data");
}

unroll_status dataset_gap(dataset *d, int64_t before, int32_t why, unroll_error *err) {
  if (d->n_gaps == d->gap_room) {
    const int64_t room = d->gap_room ? 2 * d->gap_room : 16;
    example_gap *gaps = mem_resize(d->gaps, (size_t)room * sizeof *gaps);
    if (!gaps) return error_memory(err);
    d->gaps = gaps;
    d->gap_room = room;
  }
  d->gaps[d->n_gaps++] = (example_gap){before, why};
  return UNROLL_OK;
}

unroll_status dataset_set_aside(dataset *d, int64_t n, const unroll_error *e, unroll_error *err) {
  if (!d->aside && !(d->aside = mem_zero((size_t)d->n_sequences, sizeof *d->aside))) return error_memory(err);
  if (!d->why && !(d->why = mem_zero((size_t)d->n_sequences, sizeof *d->why))) return error_memory(err);
  if (d->aside[n]) return UNROLL_OK;
  d->aside[n] = true;
  d->why[n] = e && d->bad.n < BAD_SHOWN ? (int32_t)d->bad.n : -1;
  return bad_rows_add(&d->bad, e, err);
}

/* Keeps the values of the examples that are not set aside. */
static void drop_values(const dataset *d, column_values *c, int width) {
  int64_t steps = 0, kept = 0;
  for (int64_t e = 0; e < d->n_sequences; e++) {
    const int64_t from = c->first[e], n = c->first[e + 1] - from;
    if (d->aside[e]) continue;
    if (c->symbols) memmove(c->symbols + steps, c->symbols + from, (size_t)n * sizeof *c->symbols);
    if (c->codes) memmove(c->codes + steps, c->codes + from, (size_t)n * sizeof *c->codes);
    if (c->place) memmove(c->place + steps, c->place + from, (size_t)n * sizeof *c->place); /* what they name stays */
    if (c->numbers && !c->place)
      memmove(c->numbers + steps * width, c->numbers + from * width, (size_t)(n * width) * sizeof *c->numbers);
    if (c->seen) memmove(c->seen + steps, c->seen + from, (size_t)n * sizeof *c->seen);
    if (c->exact) memmove(c->exact + steps * width, c->exact + from * width, (size_t)(n * width) * sizeof *c->exact);
    if (c->row) c->row[kept] = c->row[e];
    c->first[kept++] = steps;
    steps += n;
  }
  c->first[kept] = c->n = steps;
}

/* The same of what the calendar knows. */
static unroll_status drop_series(dataset *d) {
  calendar *c = &d->calendar;
  lexicon names = {0};
  int64_t kept = 0;
  for (int64_t e = 0; e < d->n_sequences; e++) {
    size_t size;
    const char *name = c->names.n ? lexicon_text(&c->names, (int32_t)e, &size) : NULL;
    if (d->aside[e]) continue;
    c->first[kept] = c->first[e];
    c->known[kept] = c->known[e];
    for (int i = 0; i < 2; i++) c->ends[i][kept] = c->ends[i][e];
    kept++;
    if (name && lexicon_add(&names, name, size) < 0) return lexicon_free(&names), UNROLL_FAILED;
  }
  lexicon_free(&c->names);
  c->names = names;
  return UNROLL_OK;
}

/* Where the examples are that are left out: those from before, and those that are set aside now. */
static unroll_status settle_gaps(dataset *d, unroll_error *err) {
  example_gap *old = d->gaps;
  const int64_t n_old = d->n_gaps;
  int64_t kept = 0, at = 0;
  unroll_status status = UNROLL_OK;
  if (d->calendar.first) return UNROLL_OK;
  d->gaps = NULL;
  d->n_gaps = d->gap_room = 0;
  for (int64_t e = 0; e <= d->n_sequences && !status; e++) {
    for (; at < n_old && old[at].before <= e && !status; at++) status = dataset_gap(d, kept, old[at].why, err);
    if (e == d->n_sequences || status) break;
    if (d->aside[e]) status = dataset_gap(d, kept, d->why[e], err);
    kept += !d->aside[e];
  }
  mem_free(old);
  return status;
}

unroll_status dataset_settle(dataset *d, const schema *s, unroll_error *err) {
  unroll_status status = bad_rows_end(&d->bad, err);
  int64_t kept = 0;
  if (status || !d->aside) return status;
  status = settle_gaps(d, err);
  if (status) return status;
  for (int i = 0; i < s->n; i++)
    if (d->columns[i].there) drop_values(d, &d->columns[i], s->list[i].width);
  for (int64_t e = 0; e < d->n_sequences; e++) {
    if (d->aside[e]) continue;
    if (d->hashes) d->hashes[kept] = d->hashes[e];
    d->row_of[kept++] = d->row_of[e];
  }
  d->row_of[kept] = d->row_of[d->n_sequences];
  if (d->calendar.first && drop_series(d)) return error_memory(err);
  d->n_sequences = kept;
  mem_free(d->aside);
  mem_free(d->why);
  d->aside = NULL;
  d->why = NULL;
  return kept ? UNROLL_OK
              : error_at(err, UNROLL_BAD_INPUT, d->name, NULL, 0, 0, "not one %s can be read", d->plain ? "line" : "row");
}
