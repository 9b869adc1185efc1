/* space.c - see space.h. */
#include "cli/space.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/random.h"

static bool is_option(const char *name, size_t length) {
  const command *train = command_find("train");
  for (int i = 0; i < n_option_rows; i++)
    if (option_rows[i].name && strlen(option_rows[i].name) == length && !strncmp(option_rows[i].name, name, length) &&
        command_has(train, &option_rows[i]))
      return true;
  return false;
}

/* "log(1e-4,1e-2)": the kind, and its ends. False: it is no such thing. */
static bool read_range(space_dim *d, const char *values) {
  static const struct {
    const char *name;
    enum space_kind kind;
  } kinds[] = {{"uniform(", SPACE_UNIFORM}, {"log(", SPACE_LOG}, {"whole(", SPACE_WHOLE}};
  const size_t size = strlen(values);
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    const size_t head = strlen(kinds[k].name);
    if (strncmp(values, kinds[k].name, head) != 0 || values[size - 1] != ')') continue;
    const char *comma = strchr(values, ',');
    d->kind = kinds[k].kind;
    if (!comma || text_number(values + head, (size_t)(comma - values) - head, &d->from) ||
        text_number(comma + 1, size - (size_t)(comma - values) - 2, &d->to))
      d->from = d->to = (double)NAN;
    return true;
  }
  return false;
}

static unroll_status read_dim(space *s, const char *typed, unroll_error *err) {
  const char *equals = strchr(typed, '=');
  if (s->n == SPACE_DIMS) return error_set(err, UNROLL_USAGE, "at most %d options 'try'", SPACE_DIMS);
  if (!equals || equals == typed || !equals[1])
    return error_set(err, UNROLL_USAGE, "option 'try' takes NAME=VALUES, as in hidden=64,128 or lr=log(1e-4,1e-2), not '%s'",
                     typed);
  space_dim *d = &s->dims[s->n++];
  d->name = arena_text(&s->memory, typed, (size_t)(equals - typed));
  d->option = is_option(typed, (size_t)(equals - typed));
  if (!d->name) return error_memory(err);
  for (int i = 0; i < s->n - 1; i++)
    if (!strcmp(s->dims[i].name, d->name)) return error_set(err, UNROLL_USAGE, "option 'try' is there twice for '%s'", d->name);
  if (read_range(d, equals + 1)) {
    const bool good = d->from < d->to && (d->kind != SPACE_LOG || d->from > 0);
    return good ? UNROLL_OK
                : error_set(err, UNROLL_USAGE, "'%s': a range goes from a number up to a larger one%s", typed,
                            d->kind == SPACE_LOG ? ", both above 0" : "");
  }
  for (const char *at = equals + 1;;) {
    const size_t length = strcspn(at, ",");
    if (!length) return error_set(err, UNROLL_USAGE, "'%s': a value is empty", typed);
    if (d->n_choices == SPACE_CHOICES) return error_set(err, UNROLL_USAGE, "'%s' has more than %d values", d->name, SPACE_CHOICES);
    if (!(d->choices[d->n_choices++] = arena_text(&s->memory, at, length))) return error_memory(err);
    if (!at[length]) return UNROLL_OK;
    at += length + 1;
  }
}

unroll_status space_read(space *s, const option_list *tries, unroll_error *err) {
  *s = (space){0};
  if (!tries->n) return error_set(err, UNROLL_USAGE, "what is to be tried? --try NAME=VALUES, as in --try hidden=64,128");
  unroll_status status = UNROLL_OK;
  for (int i = 0; i < tries->n && !status; i++) status = read_dim(s, tries->items[i], err);
  return status;
}

/* The value of a dimension where u of its range, 0 <= u < 1, lies below. */
static const char *value_at(space *s, const space_dim *d, double u) {
  char typed[40];
  if (d->kind == SPACE_LIST) return d->choices[(int)(u * d->n_choices)];
  if (d->kind == SPACE_WHOLE)
    snprintf(typed, sizeof typed, "%.0f", floor(d->from + u * (d->to - d->from + 1)));
  else
    snprintf(typed, sizeof typed, "%.4g",
             d->kind == SPACE_LOG ? d->from * pow(d->to / d->from, u) : d->from + u * (d->to - d->from));
  return arena_text(&s->memory, typed, strlen(typed));
}

static bool is_known(const space *s, const char **point) {
  for (int i = 0; i < s->n_points; i++) {
    bool same = true;
    for (int k = 0; k < s->n && same; k++) same = !strcmp(s->points[i][k], point[k]);
    if (same) return true;
  }
  return false;
}

/* How many points there are; INFINITY with a range. */
static double count_all(const space *s) {
  double all = 1;
  for (int k = 0; k < s->n; k++) all *= s->dims[k].kind == SPACE_LIST ? s->dims[k].n_choices : (double)INFINITY;
  return all;
}

unroll_status space_points(space *s, bool grid, int64_t n, uint64_t seed, unroll_error *err) {
  enum { DRAWS = 100 }; /* before a new point is given up */
  const double all = count_all(s);
  if (grid && isinf(all)) return error_set(err, UNROLL_USAGE, "option 'grid' is for lists of values: a range has no end of them");
  const bool whole = grid || all <= (double)n;
  if (whole ? all > SPACE_POINTS : n > SPACE_POINTS) return error_set(err, UNROLL_USAGE, "at most %d runs", SPACE_POINTS);
  const int wanted = whole ? (int)all : (int)n;
  s->points = arena_alloc(&s->memory, (size_t)wanted, sizeof *s->points);
  if (!s->points) return error_memory(err);
  for (int i = 0, draw = 0; i < wanted; i++) {
    const char **point = arena_alloc(&s->memory, (size_t)s->n, sizeof *point);
    if (!point) return error_memory(err);
    for (int attempt = 0; attempt < DRAWS; attempt++, draw++) {
      int64_t rest = i;
      for (int k = s->n - 1; k >= 0; k--) {
        const space_dim *d = &s->dims[k];
        point[k] = whole ? d->choices[rest % d->n_choices]
                         : value_at(s, d, random_uniform(seed, RANDOM_SAMPLE, (uint64_t)draw, (uint32_t)k));
        if (whole) rest /= d->n_choices;
        if (!point[k]) return error_memory(err);
      }
      if (whole || !is_known(s, point)) break;
      if (attempt == DRAWS - 1) return UNROLL_OK;
    }
    s->points[s->n_points++] = point;
  }
  return UNROLL_OK;
}

void space_free(space *s) { arena_free(&s->memory); }
