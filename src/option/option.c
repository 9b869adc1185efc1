/* option.c - see option.h. Values are read strictly. Trailing garbage, a sign that makes no sense, infinities and NaN are usage
 * errors, which name the option and the accepted range. */
#include "option/option.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/text.h"

#define MOST_SHOWN 1e15 /* a larger bound is there to catch slips; messages do not name it */

static void *at(const option_row *row, void *record) { return (char *)record + row->at; }
static const void *at_const(const option_row *row, const void *record) { return (const char *)record + row->at; }

static bool whole(const option_row *row) { return row->kind == OPTION_WHOLE || row->kind == OPTION_BYTES; }
static bool textual(const option_row *row) { return row->kind >= OPTION_CHOICE && row->kind <= OPTION_LINES; }

static const char *row_name(const option_row *row) { return row->name ? row->name : row->field; }

void option_range(const option_row *row, char *out, size_t size) {
  const char *kind = row->kind == OPTION_WHOLE ? "a whole number" : "a number";
  *out = 0;
  if (row->kind == OPTION_BYTES)
    snprintf(out, size, "a size, as in 500M, 2G or a number of bytes");
  else if (row->kind == OPTION_CHOICE)
    snprintf(out, size, "one of %s", row->value);
  else if (row->kind == OPTION_SHARE)
    snprintf(out, size, "a share from 0 to below 1, or a file");
  else if (row->kind == OPTION_FLAG)
    snprintf(out, size, "yes or no");
  else if (textual(row) || row->kind == OPTION_LIST || (row->least == 0 && row->most == 0))
    return;
  else if (row->most >= MOST_SHOWN)
    snprintf(out, size, "%s %s %.7g", kind, row->open ? "above" : "of at least", row->least);
  else if (row->open)
    snprintf(out, size, "%s above %.7g and at most %.7g", kind, row->least, row->most);
  else
    snprintf(out, size, "%s from %.7g to %.7g", kind, row->least, row->most);
}

static unroll_status refuse(const option_row *row, const char *value, unroll_error *err) {
  char range[160];
  option_range(row, range, sizeof range);
  return error_set(err, UNROLL_USAGE, "option '%s' takes %s, not '%s'", row_name(row), range, value);
}

/* Digits only. */
static bool read_whole(const char *s, int64_t *value) {
  int64_t n = 0;
  if (!*s) return false;
  for (; *s; s++) {
    if (*s < '0' || *s > '9') return false;
    if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *s - '0', &n)) return false;
  }
  *value = n;
  return true;
}

bool option_bytes(const char *s, int64_t *bytes) {
  static const char letters[] = "KMGT";
  size_t n = strlen(s);
  const char *unit = n > 0 ? strchr(letters, s[n - 1]) : NULL;
  double x, factor = 1;
  if (unit && *unit) {
    for (int i = 0; i <= unit - letters; i++) factor *= 1024;
    n--;
  }
  if (n == 0 || text_number(s, n, &x) || !(x * factor >= 1 && x * factor < 9e15)) return false;
  *bytes = (int64_t)(x * factor);
  return true;
}

static bool read_flag(const char *s, bool *value) {
  static const char *const words[] = {"yes", "true", "on", "1", "no", "false", "off", "0"};
  for (size_t i = 0; s && i < sizeof words / sizeof *words; i++) {
    if (strcmp(words[i], s)) continue;
    *value = i < 4;
    return true;
  }
  *value = true;
  return s == NULL;
}

static bool read_number(const option_row *row, void *record, const char *s) {
  void *to = at(row, record);
  double x;
  int64_t n;
  if (row->kind == OPTION_REAL) {
    if (text_number(s, strlen(s), &x) || !isfinite(x)) return false;
    *(double *)to = x;
    return true;
  }
  if (!(row->kind == OPTION_BYTES && strcmp(s, "0") != 0 ? option_bytes(s, &n) : read_whole(s, &n))) return false;
  *(int64_t *)to = n;
  return true;
}

void option_defaults(const option_row *rows, int n, void *record) {
  for (int i = 0; i < n; i++) {
    if (!rows[i].initial) continue;
    if (textual(&rows[i]))
      *(const char **)at(&rows[i], record) = rows[i].initial;
    else if (whole(&rows[i]) && *rows[i].initial == '-') /* stands for "not given": nobody can type it */
      *(int64_t *)at(&rows[i], record) = -strtoll(rows[i].initial + 1, NULL, 10);
    else
      read_number(&rows[i], record, rows[i].initial);
  }
}

static unroll_status add_item(option_list *list, const char *value, arena *memory, unroll_error *err) {
  const char **items = arena_alloc(memory, (size_t)list->n + 1, sizeof *items);
  const char *copy = arena_text(memory, value, strlen(value));
  if (!items || !copy) return error_memory(err);
  for (int i = 0; i < list->n; i++) items[i] = list->items[i];
  items[list->n] = copy;
  *list = (option_list){items, list->n + 1};
  return UNROLL_OK;
}

static unroll_status add_line(const option_row *row, const char **lines, const char *value, arena *memory, unroll_error *err) {
  if (strchr(value, '\n')) return error_set(err, UNROLL_USAGE, "the value of option '%s' has a newline in it", row_name(row));
  text all = {0};
  text_format(&all, "%s%s%s", *lines ? *lines : "", *lines ? "\n" : "", value);
  const char *copy = all.failed ? NULL : arena_text(memory, all.data, all.length);
  text_free(&all);
  if (!copy) return error_memory(err);
  *lines = copy;
  return UNROLL_OK;
}

unroll_status option_set(const option_row *row, void *record, const char *value, arena *memory, unroll_error *err) {
  void *to = at(row, record);
  if (row->kind == OPTION_FLAG) return read_flag(value, to) ? UNROLL_OK : refuse(row, value, err);
  if (!value) return error_set(err, UNROLL_USAGE, "option '%s' needs a value", row_name(row));
  if (row->kind == OPTION_LIST) return add_item(to, value, memory, err);
  if (row->kind == OPTION_LINES) return add_line(row, to, value, memory, err);
  if (textual(row)) {
    const char *copy = arena_text(memory, value, strlen(value));
    if (!copy) return error_memory(err);
    *(const char **)to = copy;
    return option_check(row, record, err);
  }
  double before = 0;
  memcpy(&before, to, sizeof before);
  if (!read_number(row, record, value)) return refuse(row, value, err);
  const option_row bounds = {.name = row_name(row),
                             .kind = row->kind,
                             .least = row->least,
                             .most = row->most,
                             .open = row->open,
                             .at = row->at}; /* without `initial`: what stands for "not given" is no value to give */
  if (option_check(&bounds, record, NULL) == UNROLL_OK) return UNROLL_OK;
  memcpy(to, &before, sizeof before);
  return refuse(row, value, err);
}

static unroll_status check_choice(const option_row *row, const char *s, unroll_error *err) {
  char words[256], *rest = words;
  const char *list[32];
  size_t n = 0;
  snprintf(words, sizeof words, "%s", row->value);
  for (char *word = strtok_r(words, "|", &rest); word && n < 32; word = strtok_r(NULL, "|", &rest)) {
    if (!strcmp(word, s)) return UNROLL_OK;
    list[n++] = word;
  }
  const char *near = text_nearest(s, list, n);
  return error_set(err, UNROLL_USAGE, "option '%s' takes one of %s, not '%s'%s%s%s", row_name(row), row->value, s,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static bool is_initial(const option_row *row, const void *record) {
  union {
    double real;
    int64_t whole;
    const char *text;
  } first = {0};
  option_row alone = *row;
  alone.at = 0;
  if (!row->initial) return false;
  option_defaults(&alone, 1, &first);
  return whole(row) ? first.whole == *(const int64_t *)at_const(row, record) : first.real == *(const double *)at_const(row, record);
}

unroll_status option_check(const option_row *row, const void *record, unroll_error *err) {
  const void *from = at_const(row, record);
  char number[32];
  double x;
  if (row->kind == OPTION_CHOICE || row->kind == OPTION_SHARE) {
    const char *s = *(const char *const *)from;
    if (!s && row->initial) return error_set(err, UNROLL_USAGE, "option '%s' has no value", row_name(row));
    if (s && row->kind == OPTION_CHOICE) return check_choice(row, s, err);
    return s && text_number(s, strlen(s), &x) == 0 && !(x >= 0 && x < 1) ? refuse(row, s, err) : UNROLL_OK;
  }
  if (textual(row) && row->initial && !*(const char *const *)from)
    return error_set(err, UNROLL_USAGE, "option '%s' has no value", row_name(row));
  if (!whole(row) && row->kind != OPTION_REAL) return UNROLL_OK;
  x = whole(row) ? (double)*(const int64_t *)from : *(const double *)from;
  if ((x >= row->least && x <= row->most && !(row->open && x == row->least)) || is_initial(row, record)) return UNROLL_OK;
  snprintf(number, sizeof number, "%.12g", x);
  return refuse(row, number, err);
}

bool option_equal(const option_row *row, const void *a, const void *b) {
  const void *x = at_const(row, a), *y = at_const(row, b);
  if (row->kind == OPTION_FLAG) return *(const bool *)x == *(const bool *)y;
  if (whole(row)) return *(const int64_t *)x == *(const int64_t *)y;
  if (row->kind == OPTION_REAL) return *(const double *)x == *(const double *)y;
  if (row->kind == OPTION_LIST) {
    const option_list *l = x, *r = y;
    for (int i = 0; i < l->n && i < r->n; i++)
      if (strcmp(l->items[i], r->items[i])) return false;
    return l->n == r->n;
  }
  const char *s = *(const char *const *)x, *t = *(const char *const *)y;
  return s == t || (s && t && !strcmp(s, t));
}

bool option_copy(const option_row *row, void *to, const void *from, arena *memory) {
  void *out = at(row, to);
  const void *in = at_const(row, from);
  if (row->kind == OPTION_FLAG) {
    *(bool *)out = *(const bool *)in;
  } else if (whole(row)) {
    *(int64_t *)out = *(const int64_t *)in;
  } else if (row->kind == OPTION_REAL) {
    *(double *)out = *(const double *)in;
  } else if (row->kind == OPTION_LIST) {
    const option_list *list = in;
    option_list copy = {0};
    for (int i = 0; i < list->n; i++)
      if (add_item(&copy, list->items[i], memory, NULL)) return false;
    *(option_list *)out = copy;
  } else {
    const char *s = *(const char *const *)in;
    *(const char **)out = s ? arena_text(memory, s, strlen(s)) : NULL;
    return !s || *(const char **)out;
  }
  return true;
}

static bool same_name(const char *a, const char *b) { /* hyphens are underscores */
  for (; *a && *b; a++, b++)
    if (*a != *b && !((*a == '-' || *a == '_') && (*b == '-' || *b == '_'))) return false;
  return *a == *b;
}

const option_row *option_find(const option_row *rows, int n, const char *name) {
  for (int i = 0; i < n; i++)
    if (rows[i].kind != OPTION_SECTION && same_name(row_name(&rows[i]), name)) return &rows[i];
  return NULL;
}

const char *option_default_text(const option_row *row) { return row->shown ? row->shown : row->initial ? row->initial : ""; }
