/* option_json.c - a record as JSON and back. */
#include <math.h>
#include <string.h>
#include "base/error.h"
#include "io/json.h"
#include "option/option.h"

static bool stored(const option_row *row) {
  return row->kind != OPTION_SECTION && row->kind != OPTION_LIST && (row->resume == OPTION_KEPT || row->resume == OPTION_FREE);
}

static json_t *value_of(const option_row *row, const void *record) {
  const void *at = (const char *)record + row->at;
  if (row->kind == OPTION_FLAG) return json_boolean(*(const bool *)at);
  if (row->kind == OPTION_WHOLE || row->kind == OPTION_BYTES) return json_integer((json_int_t) * (const int64_t *)at);
  if (row->kind == OPTION_REAL) return isfinite(*(const double *)at) ? json_real(*(const double *)at) : json_null();
  return json_string(*(const char *const *)at);
}

static bool absent(const option_row *row, const void *record) {
  return row->kind > OPTION_BYTES && !*(const char *const *)(const void *)((const char *)record + row->at);
}

char *option_write_json(const option_row *rows, int n, const void *record) {
  json_setup();
  json_t *j = json_object();
  for (int i = 0; j && i < n; i++) {
    if (!stored(&rows[i]) || absent(&rows[i], record)) continue;
    if (json_object_set_new(j, rows[i].field, value_of(&rows[i], record))) {
      json_decref(j);
      return NULL;
    }
  }
  char *s = j ? json_write(j, JSON_COMPACT) : NULL;
  json_decref(j);
  return s;
}

enum { GOOD, BAD, STARVED };

static int read_value(const option_row *row, void *record, const json_t *value, arena *memory) {
  void *at = (char *)record + row->at;
  if (row->kind == OPTION_FLAG) {
    if (!json_is_boolean(value)) return BAD;
    *(bool *)at = json_is_true(value);
  } else if (row->kind == OPTION_WHOLE || row->kind == OPTION_BYTES) {
    if (!json_is_integer(value)) return BAD;
    *(int64_t *)at = json_integer_value(value);
  } else if (row->kind == OPTION_REAL) {
    if (json_is_null(value) && row->least < -1e300) {
      *(double *)at = (double)NAN;
      return GOOD;
    }
    if (!json_is_number(value)) return BAD;
    *(double *)at = json_number_value(value);
  } else if (json_is_null(value)) {
    *(const char **)at = NULL;
  } else {
    if (!json_is_string(value)) return BAD;
    if (!(*(const char **)at = arena_text(memory, json_string_value(value), json_string_length(value)))) return STARVED;
  }
  return option_check(row, record, NULL) ? BAD : GOOD;
}

unroll_status option_read_json(const option_row *rows, int n, void *record, bool whole, arena *memory, const char *file,
                               const char *what, const char *source, unroll_error *err) {
  json_error_t error;
  int starved;
  json_t *j = json_read(source, strlen(source), &error, &starved);
  unroll_status status = UNROLL_OK;
  if (!j && starved) return error_memory(err);
  if (!json_is_object(j))
    status = error_at(err, UNROLL_BAD_INPUT, file, NULL, 0, 0, "the metadata '%s' is not a JSON object", what);
  for (int i = 0; i < n && !status; i++) {
    if (!stored(&rows[i])) continue;
    const json_t *value = json_object_get(j, rows[i].field);
    if (!value && !whole) continue;
    const int result = value ? read_value(&rows[i], record, value, memory) : BAD;
    if (result == STARVED) status = error_memory(err);
    if (result == BAD)
      status =
          error_at(err, UNROLL_BAD_INPUT, file, NULL, 0, 0, "the metadata '%s' has no good value for '%s'", what, rows[i].field);
  }
  json_decref(j);
  return status;
}
