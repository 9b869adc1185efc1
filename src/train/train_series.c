/* train_series.c - training on series with dates: what the options say about windows, and where the parts end. The model
 * remembers the step, and until when it was trained on which series. */
#include <inttypes.h>
#include <math.h>
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

enum { LONGEST = 200 }; /* a lag of a season and some steps */

/* So many steps are `times` seasons, or one, where these are too long; 0 times: the longer season. */
static double steps_of(const trainer *t, double season, int times) {
  if (!times) return time_season_within(&t->m.schema.time.grid, LONGEST, true);
  return times * season <= LONGEST ? times * season : season;
}

/* Settings that dates say, where the net has them and nobody else does: steps of a season, of several, and of a longer one. */
static unroll_status learn_seasons(trainer *t, unroll_error *err) {
  static const struct {
    const char *name;
    int times;
  } rows[] = {{"season", 1}, {"two_seasons", 2}, {"three_seasons", 3}, {"long_season", 0}};
  enum { ROWS = sizeof rows / sizeof *rows };
  const program *net = t->m.net;
  double season = time_season_within(&t->m.schema.time.grid, LONGEST, false);
  setting *all = arena_alloc(&t->memory, (size_t)t->o.n_settings + ROWS, sizeof *all);
  if (!all) return error_memory(err);
  if (t->o.n_settings) memcpy(all, t->o.settings, (size_t)t->o.n_settings * sizeof *all);
  for (int k = 0; k < t->o.n_settings; k++)
    if (!strcmp(all[k].name, "season") && !all[k].word) season = all[k].number;
  for (int i = 0; i < ROWS; i++) {
    bool asked = false;
    for (int k = 0; k < net->n_statements; k++)
      asked |= net->statements[k].kind == STATEMENT_SETTING && !net->statements[k].word &&
               !strcmp(net->statements[k].name, rows[i].name);
    for (int k = 0; k < t->o.n_settings; k++) asked &= strcmp(all[k].name, rows[i].name) != 0;
    if (asked) all[t->o.n_settings++] = (setting){.name = rows[i].name, .number = steps_of(t, season, rows[i].times)};
  }
  t->o.settings = all;
  return UNROLL_OK;
}

/* The size of a variable's values in the training parts: mean of |x|, whether all are above 0, how far apart means of stretches
 * are.
 */
typedef struct size {
  double level, least, most; /* of stretches of a context */
  bool positive;
} size;

static size size_of(const trainer *t, int i) {
  const dataset *d = &t->sets[TRAIN];
  const column_values *c = &d->columns[i];
  const variable *v = &t->m.schema.list[i];
  size s = {.least = (double)INFINITY, .most = 0, .positive = true};
  double all = 0, n_all = 0;
  for (int64_t e = 0; e < d->n_sequences; e++)
    for (int64_t from = 0; from < d->calendar.ends[0][e]; from += t->m.schema.time.context) {
      double sum = 0, n = 0;
      for (int64_t k = from; k < d->calendar.ends[0][e] && k < from + t->m.schema.time.context; k++)
        for (int j = 0; j < v->width && column_seen(c, c->first[e] + k); j++, n++) {
          const double x = c->exact[(c->first[e] + k) * v->width + j];
          sum += fabs(x);
          s.positive = s.positive && x > 0;
        }
      all += sum;
      n_all += n;
      if (n > 0 && sum / n < s.least) s.least = sum / n;
      if (n > 0 && sum / n > s.most) s.most = sum / n;
    }
  s.level = n_all > 0 ? all / n_all : 0;
  return s;
}

/* Numbers that are far from what a net likes are scaled, if nobody said how; what is said and does not help is said too. */
static void choose_scale(trainer *t) {
  enum { LARGE = 100, THOUSANDS = 1000, GROWS = 2 };
  series_form *f = &t->m.schema.time;
  const enum scaling asked = f->scaling;
  bool any = false;
  for (int i = 0; i < t->m.schema.n; i++) {
    f->scaling = SCALING_SERIES;
    const bool fits = calendar_scales(&t->m.schema, i) && t->sets[TRAIN].columns[i].exact;
    f->scaling = asked;
    any |= fits;
    if (!fits || asked || t->o.standardise) continue;
    const size s = size_of(t, i);
    const char *name = t->m.schema.list[i].form.name;
    if (t->o.scale && s.level >= THOUSANDS)
      trainer_warn(t, "'%s' is about %.3g, which a net without scale learns badly; try option 'scale' series or level", name,
                   s.level);
    if (t->o.scale || s.level < LARGE) continue;
    f->scaling = s.positive && s.most > GROWS * s.least ? SCALING_LEVEL : SCALING_SERIES;
    trainer_warn(t, "'%s' is about %.3g, so it is scaled: option 'scale' is taken to be %s", name, s.level,
                 f->scaling == SCALING_LEVEL ? "level" : "series");
    return;
  }
  if (asked && !any)
    trainer_warn(t, "option 'scale' changes nothing: what is predicted are counts or bits, which stay as they are");
}

/* What the data says where the options said nothing, and what the model is to remember. */
static unroll_status learn(trainer *t, unroll_error *err) {
  series_form *f = &t->m.schema.time;
  const dataset *d = &t->sets[TRAIN];
  const int season = time_season(&d->calendar.grid);
  f->grid = d->calendar.grid;
  if (learn_seasons(t, err)) return UNROLL_FAILED;
  if (!f->horizon) f->horizon = season > 1 ? season : USUAL_HORIZON;
  if (!f->context) f->context = USUAL_CONTEXTS * f->horizon;
  choose_scale(t);
  int64_t longest = 0;
  for (int64_t e = 0; e < d->n_sequences; e++)
    if (d->calendar.ends[0][e] > longest) longest = d->calendar.ends[0][e];
  if (f->horizon >= longest)
    trainer_warn(t, "the horizon of %d steps is longer than the series: they have at most %" PRId64 " steps to train on",
                 f->horizon, longest);
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
