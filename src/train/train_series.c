/* train_series.c - training on series with dates: what the options say about windows, where the parts end, and what the model
 * remembers of it: the step, and until when it was trained on which series. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "data/calendar.h"
#include "train/trainer.h"

enum { USUAL_HORIZON = 12, USUAL_CONTEXTS = 3 };

unroll_status series_take_options(trainer *t, unroll_error *err) {
  series_form *f = &t->m.schema.time;
  f->time = t->o.time ? mem_text(t->o.time) : NULL;
  f->series = t->o.series ? mem_text(t->o.series) : NULL;
  t->m.schema.tagged = t->o.tagged && *t->o.tagged ? mem_text(t->o.tagged) : NULL;
  t->m.schema.folders = t->o.folders;
  if ((t->o.time && !f->time) || (t->o.series && !f->series)) return error_memory(err);
  if (t->o.tagged && *t->o.tagged && !t->m.schema.tagged) return error_memory(err);
  if (t->o.scale && strcmp(t->o.scale, "none")) f->scaling = strcmp(t->o.scale, "level") ? SCALING_SERIES : SCALING_LEVEL;
  const char *const fills[] = {"none", "last", "zero", "mean"}; /* enum series_fill */
  for (int i = FILL_NONE; i <= FILL_MEAN && t->o.fill; i++)
    if (!strcmp(t->o.fill, fills[i])) f->fill = (enum series_fill)i;
  f->context = (int)t->o.context;
  f->horizon = (int)t->o.horizon;
  return UNROLL_OK;
}

/* What the data says where the options said nothing, and what the model is to remember. */
static unroll_status learn(trainer *t, unroll_error *err) {
  series_form *f = &t->m.schema.time;
  const dataset *d = &t->sets[TRAIN];
  const int season = time_season(&d->calendar.grid);
  f->grid = d->calendar.grid;
  if (!f->horizon) f->horizon = season > 1 ? season : USUAL_HORIZON;
  if (!f->context) f->context = USUAL_CONTEXTS * f->horizon;
  f->trained = mem_zero((size_t)d->n_sequences + 1, sizeof *f->trained);
  f->chosen = mem_zero((size_t)d->n_sequences + 1, sizeof *f->chosen);
  if (!f->trained || !f->chosen) return error_memory(err);
  for (int64_t e = 0; e < d->n_sequences; e++) {
    const char *name = calendar_name(d, e);
    if (lexicon_add(&f->names, name, strlen(name)) < 0) return error_memory(err);
    f->trained[e] = time_after(&d->calendar.grid, d->calendar.first[e], d->calendar.ends[0][e] - 1);
    f->chosen[e] = time_after(&d->calendar.grid, d->calendar.first[e], d->calendar.ends[1][e] - 1);
  }
  return UNROLL_OK;
}

/* Whatever is not there is said. */
static void tell_gaps(const trainer *t, const dataset *d) {
  const schema *s = &t->m.schema;
  for (int i = 0; i < s->n; i++) {
    const column_values *c = &d->columns[i];
    char dates[64] = "";
    int64_t n = 0, all = 0;
    for (int64_t e = 0; e < d->n_sequences && s->list[i].predicted; e++)
      for (int64_t k = 0; k < d->calendar.known[e]; k++, all++) n += !column_seen(c, c->first[e] + k);
    if (d->calendar.missing)
      snprintf(dates, sizeof dates, " (%" PRId64 " date%s missing)", d->calendar.missing,
               d->calendar.missing == 1 ? " is" : "s are");
    if (n)
      trainer_warn(t, "%s: %" PRId64 " of %" PRId64 " values of '%s' were not observed%s", d->name, n, all, s->list[i].form.name,
                   dates);
  }
}

static unroll_status check_step(const trainer *t, const dataset *d, unroll_error *err) {
  char here[TIME_TEXT], there[TIME_TEXT];
  const time_grid *g = &t->m.schema.time.grid;
  if (time_same_step(g, &d->calendar.grid)) return UNROLL_OK;
  time_write_step(&d->calendar.grid, here);
  time_write_step(g, there);
  return error_at(err, UNROLL_BAD_INPUT, d->name, NULL, 0, 0, "the step of its dates is %s, but that of the training data is %s",
                  here, there);
}

unroll_status series_cut(trainer *t, unroll_error *err) {
  double shares[3];
  dataset *d = &t->sets[TRAIN];
  unroll_status status = UNROLL_OK;
  trainer_shares(t, shares);
  if (shares[VALID] + shares[TEST] >= 1)
    return error_set(err, UNROLL_USAGE, "the shares for validation and test must be together less than 1");
  int64_t known = 0;
  for (int64_t e = 0; e < d->n_sequences; e++) known += d->calendar.known[e];
  if (!t->o.valid && known >= TRAINER_SMALL) shares[VALID] = TRAINER_VALID;
  calendar_cut(d, shares[VALID], shares[TEST]);
  if (!t->m.built) status = learn(t, err);
  for (int i = VALID; i <= TEST && !status; i++)
    if (t->sets[i].first) status = check_step(t, &t->sets[i], err);
  for (int i = TRAIN; i <= TEST && !status; i++)
    if (t->sets[i].first) tell_gaps(t, &t->sets[i]);
  return status;
}

bool series_have_gaps(const trainer *t) {
  bool any = false;
  for (int i = TRAIN; i <= TEST; i++) any = any || dataset_has_gaps(&t->sets[i], &t->m.schema);
  return any;
}

unroll_status series_parts(trainer *t, unroll_error *err) {
  static const char *const names[3] = {"training", "validation", "test"};
  double shares[3];
  unroll_status status = UNROLL_OK;
  trainer_shares(t, shares);
  for (int i = TRAIN; i <= TEST && !status; i++) {
    const bool own = i > TRAIN && t->sets[i].first;
    const dataset *d = &t->sets[own ? i : TRAIN];
    status = calendar_part(&t->parts[i], d, &t->m.schema, own ? CALENDAR_WHOLE : (enum calendar_part)i, (int)t->o.batch, err);
    const bool wanted = i == TRAIN || own || shares[i] > 0;
    if (!status && wanted && t->parts[i].n_symbols == 0)
      status = error_at(err, UNROLL_USAGE, d->name, NULL, 0, 0, "too little data: nothing is left for the %s part", names[i]);
  }
  return status;
}
