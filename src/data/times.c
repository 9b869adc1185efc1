/* times.c - see times.h. Days are counted from 1970-01-01. The calendar is taken apart in years that begin in March, so that
 * the leap day is the last of its year. */
#include "data/times.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 86400, YEAR_DIGITS = 6 };
#define MOST (INT64_MAX / 2) /* of an integer: no difference of two overflows */
#define MOST_MONTHS (INT64_C(12) << 32)

typedef struct date {
  int64_t year;
  int month, day; /* from 1 */
} date;

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static bool is_leap(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

static int days_in(int64_t year, int month) {
  static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return days[month - 1] + (month == 2 && is_leap(year));
}

/* 153 days are five months, from March on; 719468 days are from 0000-03-01 to 1970-01-01. */
static int64_t days_of(date d) {
  const int64_t year = d.month > 2 ? d.year : d.year - 1, month = (d.month + 9) % 12;
  return 365 * year + floor_div(year, 4) - floor_div(year, 100) + floor_div(year, 400) + (153 * month + 2) / 5 + d.day - 1 - 719468;
}

static date date_of(int64_t days) {
  const int64_t all = days + 719468, era = floor_div(all, 146097), in_era = all - era * 146097; /* 400 years */
  const int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
  const int64_t in_year = in_era - (365 * year + year / 4 - year / 100), month = (5 * in_year + 2) / 153;
  const date d = {.year = year + era * 400 + (month >= 10),
                  .month = (int)(month < 10 ? month + 3 : month - 9),
                  .day = (int)(in_year - (153 * month + 2) / 5 + 1)};
  return d;
}

/* --- reading --- */

static bool digits(const char *s, int n, int *out) {
  *out = 0;
  for (int i = 0; i < n; i++) {
    if (s[i] < '0' || s[i] > '9') return false;
    *out = *out * 10 + (s[i] - '0');
  }
  return true;
}

static bool read_integer(const char *s, size_t size, int64_t *at) {
  const bool negative = size && *s == '-';
  const size_t n = size - negative;
  int64_t x = 0;
  if (n < 1) return false;
  for (size_t i = negative; i < size; i++) {
    if (s[i] < '0' || s[i] > '9' || x > MOST / 10 - 1) return false;
    x = x * 10 + (s[i] - '0');
  }
  *at = negative ? -x : x;
  return true;
}

/* HH:MM or HH:MM:SS, maybe Z. */
static const char *read_clock(const char *s, size_t size, time_grid *g, int64_t *seconds) {
  int hour, minute, second = 0;
  g->with_z = size && s[size - 1] == 'Z';
  size -= g->with_z;
  if ((size != 5 && size != 8) || s[2] != ':' || !digits(s, 2, &hour) || !digits(s + 3, 2, &minute)) return "no time of day";
  if (size == 8 && (s[5] != ':' || !digits(s + 6, 2, &second))) return "no time of day";
  if (hour > 23 || minute > 59 || second > 59) return "no time of day";
  g->written = size == 8 ? WRITTEN_SECOND : WRITTEN_MINUTE;
  *seconds = hour * HOUR + minute * MINUTE + second;
  return NULL;
}

const char *time_read(const char *s, size_t size, time_grid *g, int64_t *at) {
  static const char none[] = "no date such as 2016-07, 2016-07-01 or 2016-07-01 00:00:00, and no integer";
  int year, month, day = 1, y = 0; /* digits of the year */
  int64_t seconds = 0;
  *g = (time_grid){.written = WRITTEN_INTEGER};
  if (read_integer(s, size, at)) return NULL;
  while ((size_t)y < size && s[y] >= '0' && s[y] <= '9') y++;
  if (y < 4 || y > YEAR_DIGITS || (y > 4 && *s == '0') || !digits(s, y, &year)) return none;
  s += y;
  size -= (size_t)y;
  if (size < 3 || s[0] != '-' || !digits(s + 1, 2, &month)) return none;
  if (size != 3 && (size < 6 || s[3] != '-' || !digits(s + 4, 2, &day))) return none;
  g->written = size == 3 ? WRITTEN_MONTH : WRITTEN_DAY;
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in(year, month)) return "no date of the calendar";
  if (size > 6) {
    g->with_t = s[6] == 'T';
    if (!g->with_t && s[6] != ' ') return none;
    const char *bad = read_clock(s + 7, size - 7, g, &seconds);
    if (bad) return bad;
  }
  *at = days_of((date){year, month, day}) * DAY + seconds;
  return NULL;
}

bool time_alike(const time_grid *a, const time_grid *b) {
  return a->written == b->written && a->with_t == b->with_t && a->with_z == b->with_z;
}

/* --- steps --- */

static int64_t month_number(int64_t at) {
  const date d = date_of(floor_div(at, DAY));
  return d.year * 12 + d.month - 1;
}

static bool ends_month(int64_t at) {
  const date d = date_of(floor_div(at, DAY));
  return d.day == days_in(d.year, d.month);
}

/* Where months are as long as that, day `day` of them; else the last. */
static int day_or_last(date d, int day) { return day < days_in(d.year, d.month) ? day : days_in(d.year, d.month); }

/* Is that day `day` of its month, or the month's last, at the same hour as `first`? */
static bool same_place(int64_t first, int64_t at, int day) {
  const int64_t days = floor_div(at, DAY);
  const date d = date_of(days);
  return first - floor_div(first, DAY) * DAY == at - days * DAY && d.day == day_or_last(d, day);
}

/* The days of their months on which n times lie, from .. to. */
static void find_days(const int64_t *at, int64_t n, int *from, int *to) {
  *from = 31;
  *to = 1;
  for (int64_t i = 0; i < n; i++) {
    const int day = date_of(floor_div(at[i], DAY)).day;
    if (day < *from) *from = day;
    if (day > *to) *to = day;
  }
}

static int64_t difference(const time_grid *g, int64_t a, int64_t b) {
  return g->unit == UNIT_MONTHS ? month_number(b) - month_number(a) : b - a;
}

/* What times that are written so can tell apart, in their unit. */
static int64_t finest(const time_grid *g) {
  if (g->unit != UNIT_SECONDS) return 1;
  return g->written == WRITTEN_DAY ? DAY : g->written == WRITTEN_MINUTE ? MINUTE : 1;
}

/* The most frequent difference; by counting candidates against each other, then the smallest of equals is not needed: a regular
 * series has only one. Without any, the least that can be written. */
static int64_t usual_difference(const time_grid *g, const int64_t *at, int64_t n) {
  int64_t candidate = 0, votes = 0, least = INT64_MAX;
  for (int64_t i = 1; i < n; i++) {
    const int64_t d = difference(g, at[i - 1], at[i]);
    if (d > 0 && d < least) least = d;
    if (votes == 0) candidate = d;
    votes += d == candidate ? 1 : -1;
  }
  int64_t seen = 0;
  for (int64_t i = 1; i < n; i++) seen += difference(g, at[i - 1], at[i]) == candidate;
  if (candidate > 0 && 2 * seen > n - 1) return candidate; /* Boyer-Moore: it has the majority */
  return least < INT64_MAX ? least : finest(g);
}

void time_find_step(time_grid *g, const int64_t *at, int64_t n) {
  int least, day;
  bool months = n > 1 && g->written != WRITTEN_INTEGER && month_number(at[0]) != month_number(at[n - 1]), ends = true;
  find_days(at, n, &least, &day);
  for (int64_t i = 0; i < n && months; i++) {
    months = same_place(at[0], at[i], day);
    ends = ends && ends_month(at[i]);
  }
  g->unit = months ? UNIT_MONTHS : g->written == WRITTEN_INTEGER ? UNIT_ONES : UNIT_SECONDS;
  if (g->written == WRITTEN_MONTH) g->unit = UNIT_MONTHS;
  g->month_end = months && least < day && ends;
  g->day = months && least < day && !ends ? day : 0;
  g->step = usual_difference(g, at, n);
}

void time_take_step(time_grid *g, const time_grid *of, const int64_t *at, int64_t n) {
  bool ends = of->month_end;
  if ((g->written == WRITTEN_INTEGER) != (of->unit == UNIT_ONES)) return;
  if (of->unit == UNIT_SECONDS && (g->written == WRITTEN_MONTH || of->step % finest(g))) return;
  for (int64_t i = 0; i < n && ends; i++) ends = ends_month(at[i]);
  g->unit = of->unit;
  g->step = of->step;
  g->month_end = ends;
  g->day = of->day;
}

/* n steps are at most that much either way, so that nothing overflows. */
static int64_t distance(const time_grid *g, int64_t n) {
  const int64_t most = g->unit == UNIT_MONTHS ? MOST_MONTHS : MOST;
  int64_t away;
  if (__builtin_mul_overflow(n, g->step, &away)) away = n < 0 ? -most : most;
  return away < -most ? -most : away > most ? most : away;
}

int64_t time_after(const time_grid *g, int64_t at, int64_t n) {
  const int64_t away = distance(g, n);
  if (g->unit != UNIT_MONTHS) return at + away;
  const int64_t day = floor_div(at, DAY), month = month_number(at) + away;
  date d = date_of(day);
  if (g->day > d.day && ends_month(at)) d.day = g->day;
  d.year = floor_div(month, 12);
  d.month = (int)(month - d.year * 12) + 1;
  d.day = day_or_last(d, g->month_end ? 31 : d.day);
  return days_of(d) * DAY + (at - day * DAY);
}

int64_t time_steps(const time_grid *g, int64_t first, int64_t at) {
  const int64_t away = difference(g, first, at), n = away / g->step;
  return away < 0 || time_after(g, first, n) != at ? -1 : n;
}

bool time_same_step(const time_grid *a, const time_grid *b) { return a->unit == b->unit && a->step == b->step; }

void time_write(const time_grid *g, int64_t at, char out[TIME_TEXT]) {
  const int64_t days = floor_div(at, DAY), second = at - days * DAY;
  const date d = date_of(days);
  if (g->written == WRITTEN_INTEGER || d.year < 1) {
    snprintf(out, TIME_TEXT, "%" PRId64, at);
    return;
  }
  int n = snprintf(out, TIME_TEXT, "%04" PRId64 "-%02d", d.year, d.month);
  if (g->written >= WRITTEN_DAY) n += snprintf(out + n, TIME_TEXT - (size_t)n, "-%02d", d.day);
  if (g->written >= WRITTEN_MINUTE)
    n += snprintf(out + n, TIME_TEXT - (size_t)n, "%c%02d:%02d", g->with_t ? 'T' : ' ', (int)(second / HOUR),
                  (int)(second / MINUTE % 60));
  if (g->written >= WRITTEN_SECOND) n += snprintf(out + n, TIME_TEXT - (size_t)n, ":%02d", (int)(second % 60));
  if (g->with_z) snprintf(out + n, TIME_TEXT - (size_t)n, "Z");
}

/* What a step is called: the largest unit that divides it. */
static const struct {
  enum time_unit unit;
  int64_t size;
  const char *name;
} step_names[] = {{UNIT_MONTHS, 12, "year"},   {UNIT_MONTHS, 1, "month"},    {UNIT_SECONDS, 7 * DAY, "week"},
                  {UNIT_SECONDS, DAY, "day"},  {UNIT_SECONDS, HOUR, "hour"}, {UNIT_SECONDS, MINUTE, "minute"},
                  {UNIT_SECONDS, 1, "second"}, {UNIT_ONES, 1, "unit"}};

void time_write_step(const time_grid *g, char out[TIME_TEXT]) {
  size_t i = 0;
  while (step_names[i].unit != g->unit || g->step % step_names[i].size) i++;
  const int64_t n = g->step / step_names[i].size;
  snprintf(out, TIME_TEXT, "%" PRId64 " %s%s", n, step_names[i].name, n == 1 ? "" : "s");
}

int time_season(const time_grid *g) {
  static const int64_t cycles[] = {DAY, 7 * DAY, 364 * DAY};
  if (g->unit == UNIT_ONES) return 1;
  if (g->unit == UNIT_MONTHS) return 12 % g->step == 0 ? (int)(12 / g->step) : 1;
  for (size_t i = 0; i < sizeof cycles / sizeof *cycles; i++)
    if (g->step < cycles[i] && cycles[i] % g->step == 0) return (int)(cycles[i] / g->step);
  return 1;
}

int time_season_within(const time_grid *g, int most, bool longer) {
  static const int64_t cycles[] = {DAY, 7 * DAY, 364 * DAY};
  int found = 1;
  if (g->unit != UNIT_SECONDS) return time_season(g) <= most ? time_season(g) : 1;
  for (size_t i = 0; i < sizeof cycles / sizeof *cycles; i++) {
    if (g->step >= cycles[i] || cycles[i] % g->step || cycles[i] / g->step > most) continue;
    if (found > 1 && longer) return (int)(cycles[i] / g->step);
    if (found == 1) found = (int)(cycles[i] / g->step);
  }
  return found;
}

/* --- the calendar --- */

int time_features(unsigned cycles, int64_t at, float *out) {
  const int64_t days = floor_div(at, DAY), second = at - days * DAY;
  const date d = date_of(days);
  const double days_here = days_in(d.year, d.month), today = (double)second / DAY;
  const double in_year = (double)(days - days_of((date){d.year, 1, 1})) + today;
  const double share[TIME_CYCLES] = {(double)(second % HOUR) / HOUR,
                                     today,
                                     (d.day - 1 + today) / days_here,
                                     (double)((days + 3) - floor_div(days + 3, 7) * 7) / 7, /* 1970-01-01 was a Thursday */
                                     in_year / (is_leap(d.year) ? 366 : 365),
                                     (d.month - 1) / 12.0};
  int n = 0;
  for (int i = 0; i < TIME_CYCLES; i++) {
    if (!(cycles & 1u << i)) continue;
    out[n++] = (float)sin(2 * 3.14159265358979323846 * share[i]);
    out[n++] = (float)cos(2 * 3.14159265358979323846 * share[i]);
  }
  return n;
}
