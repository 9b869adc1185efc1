/* train_options.c - defaults and checks of the options; options and state of a run as JSON, for its checkpoints.
 *
 * One table per struct says which field has which name, so writing and reading cannot drift apart. */
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "io/json.h"
#include "train/trainer.h"

void train_defaults(train_options *o) {
  *o = (train_options){.batch = 32,
                       .unroll = 64,
                       .optimizer = "adam",
                       .rate = 0.002,
                       .momentum = -1,
                       .schedule = "constant",
                       .clip_norm = 5,
                       .weight_decay = -1,
                       .seed = 1,
                       .precision = "fp32",
                       .log_steps = 50,
                       .checkpoint_seconds = 60};
}

#define ANY ((double)INFINITY)

/* MAYBE, a text, FLAG and COUNT are not written when they are NULL, false and 0. */
enum field_kind { FIELD_END, FIELD_INTEGER, FIELD_NUMBER, FIELD_TEXT, FIELD_BOOL, FIELD_INT, FIELD_MAYBE, FIELD_FLAG, FIELD_COUNT };
typedef struct field {
  enum field_kind kind;
  const char *name;
  size_t at;
  double least, most; /* numbers; NaN is written as null and read back where least is -ANY */
} field;

#define O(kind, name, least, most)                                                                                                 \
  { kind, #name, offsetof(train_options, name), least, most }
static const field option_fields[] = {O(FIELD_TEXT, net, 0, 0),
                                      O(FIELD_TEXT, data, 0, 0),
                                      O(FIELD_MAYBE, series, 0, 0),
                                      O(FIELD_MAYBE, tagged, 0, 0),
                                      O(FIELD_FLAG, standardise, 0, 1),
                                      O(FIELD_MAYBE, time, 0, 0),
                                      O(FIELD_MAYBE, scale, 0, 0),
                                      O(FIELD_COUNT, context, 0, 1 << 20),
                                      O(FIELD_COUNT, horizon, 0, 1 << 20),
                                      O(FIELD_FLAG, folders, 0, 1),
                                      O(FIELD_FLAG, skip_bad, 0, 1),
                                      O(FIELD_MAYBE, class_weights, 0, 0),
                                      O(FIELD_TEXT, valid, 0, 0),
                                      O(FIELD_TEXT, test, 0, 0),
                                      O(FIELD_INTEGER, epochs, 0, 1e15),
                                      O(FIELD_INTEGER, steps, 0, 1e15),
                                      O(FIELD_INTEGER, batch, 1, 1 << 20),
                                      O(FIELD_INTEGER, unroll, 1, 1 << 20),
                                      O(FIELD_TEXT, optimizer, 0, 0),
                                      O(FIELD_NUMBER, rate, 0, 1e30),
                                      O(FIELD_NUMBER, momentum, -1, 1),
                                      O(FIELD_TEXT, schedule, 0, 0),
                                      O(FIELD_NUMBER, clip_norm, 0, 1e30),
                                      O(FIELD_NUMBER, clip_value, 0, 1e30),
                                      O(FIELD_NUMBER, weight_decay, -1, 1e30),
                                      O(FIELD_INTEGER, patience, 0, 1e15),
                                      O(FIELD_INTEGER, seed, 0, 9e18),
                                      O(FIELD_INT, threads, 0, 1024),
                                      O(FIELD_TEXT, precision, 0, 0),
                                      O(FIELD_INTEGER, log_steps, 1, 1e15),
                                      O(FIELD_NUMBER, checkpoint_seconds, 0, 1e30),
                                      {FIELD_END, NULL, 0, 0, 0}};
#undef O
#define S(kind, name, least, most)                                                                                                 \
  { kind, #name, offsetof(train_state, name), least, most }
static const field state_fields[] = {S(FIELD_INTEGER, step, 0, 9e18),
                                     S(FIELD_INTEGER, updates, 0, 9e18),
                                     S(FIELD_INTEGER, lowered, 0, 9e18),
                                     S(FIELD_INTEGER, waiting, 0, 9e18),
                                     S(FIELD_INTEGER, worse, 0, 9e18),
                                     S(FIELD_INTEGER, last_valid, 0, 9e18),
                                     S(FIELD_INTEGER, last_record, 0, 9e18),
                                     S(FIELD_INTEGER, skipped, 0, 9e18),
                                     S(FIELD_INTEGER, skipped_in_row, 0, 9e18),
                                     S(FIELD_INTEGER, symbols, 0, 9e18),
                                     S(FIELD_INTEGER, interval_symbols, 0, 9e18),
                                     S(FIELD_NUMBER, interval_nats, -ANY, ANY),
                                     S(FIELD_NUMBER, best, -ANY, ANY),
                                     S(FIELD_NUMBER, valid_loss, -ANY, ANY),
                                     S(FIELD_NUMBER, loss, -ANY, ANY),
                                     S(FIELD_NUMBER, grad_norm, -ANY, ANY),
                                     S(FIELD_NUMBER, rate, -ANY, ANY),
                                     S(FIELD_NUMBER, seconds, 0, 1e300),
                                     S(FIELD_BOOL, stopped, 0, 1),
                                     {FIELD_END, NULL, 0, 0, 0}};
#undef S

static json_t *field_value(const field *f, const void *record) {
  const char *at = (const char *)record + f->at;
  switch (f->kind) {
  case FIELD_INTEGER:
  case FIELD_COUNT:
    return json_integer((json_int_t) * (const int64_t *)(const void *)at);
  case FIELD_INT:
    return json_integer(*(const int *)(const void *)at);
  case FIELD_BOOL:
  case FIELD_FLAG:
    return json_boolean(*(const bool *)at);
  case FIELD_NUMBER: {
    const double x = *(const double *)(const void *)at;
    return isfinite(x) ? json_real(x) : json_null();
  }
  default: {
    const char *s = *(const char *const *)(const void *)at;
    return s ? json_string(s) : json_null();
  }
  }
}

static char *write_fields(const field *fields, const void *record) {
  json_setup();
  json_t *j = json_object();
  for (const field *f = fields; j && f->kind != FIELD_END; f++) {
    const char *at = (const char *)record + f->at;
    if (f->kind == FIELD_MAYBE && !*(const char *const *)(const void *)at) continue;
    if (f->kind == FIELD_FLAG && !*(const bool *)at) continue;
    if (f->kind == FIELD_COUNT && !*(const int64_t *)(const void *)at) continue;
    if (json_object_set_new(j, f->name, field_value(f, record))) {
      json_decref(j);
      return NULL;
    }
  }
  char *s = j ? json_write(j, JSON_COMPACT) : NULL;
  json_decref(j);
  return s;
}

/* 0: good; -1: out of memory; 1: not a value for this field. */
static int read_field(const field *f, void *record, const json_t *value, arena *memory) {
  char *at = (char *)record + f->at;
  const double x = json_number_value(value);
  if (f->kind == FIELD_TEXT || f->kind == FIELD_MAYBE) {
    const char *s = NULL;
    if (json_is_string(value)) {
      s = arena_text(memory, json_string_value(value), json_string_length(value));
      if (!s) return -1;
    } else if (!json_is_null(value))
      return 1;
    *(const char **)(void *)at = s;
  } else if (f->kind == FIELD_BOOL || f->kind == FIELD_FLAG) {
    if (!json_is_boolean(value)) return 1;
    *(bool *)at = json_is_true(value);
  } else if (f->kind == FIELD_NUMBER) {
    const bool none = json_is_null(value) && f->least < -1e300;
    if (!none && (!json_is_number(value) || !(x >= f->least && x <= f->most))) return 1;
    *(double *)(void *)at = none ? (double)NAN : x;
  } else {
    if (!json_is_integer(value) || x < f->least || x > f->most) return 1;
    if (f->kind == FIELD_INT)
      *(int *)(void *)at = (int)json_integer_value(value);
    else
      *(int64_t *)(void *)at = json_integer_value(value);
  }
  return 0;
}

static unroll_status read_fields(const field *fields, void *record, arena *memory, const char *file, const char *what,
                                 const char *source, unroll_error *err) {
  json_error_t error;
  int starved;
  json_t *j = json_read(source, strlen(source), &error, &starved);
  unroll_status status = UNROLL_OK;
  if (!j && starved) return error_memory(err);
  if (!json_is_object(j))
    status = error_at(err, UNROLL_BAD_INPUT, file, NULL, 0, 0, "the metadata '%s' is not a JSON object", what);
  for (const field *f = fields; !status && f->kind != FIELD_END; f++) {
    const json_t *value = json_object_get(j, f->name);
    if (!value && (f->kind == FIELD_MAYBE || f->kind == FIELD_FLAG || f->kind == FIELD_COUNT)) continue;
    const int bad = value ? read_field(f, record, value, memory) : 1;
    if (bad < 0) status = error_memory(err);
    if (bad > 0)
      status = error_at(err, UNROLL_BAD_INPUT, file, NULL, 0, 0, "the metadata '%s' has no good value for '%s'", what, f->name);
  }
  json_decref(j);
  return status;
}

char *train_options_text(const train_options *o) { return write_fields(option_fields, o); }
char *train_state_text(const train_state *s) { return write_fields(state_fields, s); }

unroll_status train_options_parse(trainer *t, const char *file, const char *source, unroll_error *err) {
  train_defaults(&t->o);
  return read_fields(option_fields, &t->o, &t->memory, file, "options", source, err);
}

unroll_status train_state_parse(train_state *s, const char *file, const char *source, unroll_error *err) {
  *s = (train_state){0};
  return read_fields(state_fields, s, NULL, file, "state", source, err);
}

unroll_status train_options_copy(trainer *t, const train_options *o, unroll_error *err) {
  t->o = *o;
  for (const field *f = option_fields; f->kind != FIELD_END; f++) {
    if (f->kind != FIELD_TEXT && f->kind != FIELD_MAYBE) continue;
    const char **at = (const char **)(void *)((char *)&t->o + f->at);
    if (*at && !(*at = arena_text(&t->memory, *at, strlen(*at)))) return error_memory(err);
  }
  if (o->dir && !(t->o.dir = arena_text(&t->memory, o->dir, strlen(o->dir)))) return error_memory(err);
  return UNROLL_OK;
}

unroll_status train_options_check(const train_options *o, unroll_error *err) {
  if (!o->net) return error_set(err, UNROLL_USAGE, "no net to train");
  if (!o->data) return error_set(err, UNROLL_USAGE, "no data to train on");
  for (const field *f = option_fields; f->kind != FIELD_END; f++) {
    const char *at = (const char *)o + f->at;
    double x = f->least;
    if (f->kind == FIELD_INTEGER || f->kind == FIELD_COUNT) x = (double)*(const int64_t *)(const void *)at;
    if (f->kind == FIELD_INT) x = *(const int *)(const void *)at;
    if (f->kind == FIELD_NUMBER) x = *(const double *)(const void *)at;
    if (!(x >= f->least && x <= f->most))
      return error_set(err, UNROLL_USAGE, "the option '%s' must be from %g to %g", f->name, f->least, f->most);
  }
  const char *timed = o->scale ? "scale" : o->context ? "context" : o->horizon ? "horizon" : NULL;
  if (timed && !o->time) return error_set(err, UNROLL_USAGE, "--%s is for series with dates: name their column with --time", timed);
  if (o->scale && strcmp(o->scale, "none") && strcmp(o->scale, "series") && strcmp(o->scale, "level"))
    return error_set(err, UNROLL_USAGE, "the scale is none, series or level, not '%s'", o->scale);
  if (!(o->rate > 0)) return error_set(err, UNROLL_USAGE, "the learning rate must be above 0");
  if (!o->optimizer || !o->schedule || !o->precision) return error_set(err, UNROLL_USAGE, "an option has no value");
  const int precision = precision_of(o->precision);
  if (precision < 0 || precision == PRECISION_INT8)
    return error_set(err, UNROLL_USAGE, "the precision '%s' is none of fp32 and bf16, in which there is training", o->precision);
  return UNROLL_OK;
}
