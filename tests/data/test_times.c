/* test_times.c - dates: read and written back, steps found and continued, seasons, the calendar's cycles. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "data/times.h"
#include "graph/kinds.h"

static int64_t at(const char *s, time_grid *g) {
  int64_t out = -1;
  const char *bad = time_read(s, strlen(s), g, &out);
  if (bad) fail_msg("'%s': %s", s, bad);
  return out;
}

static void reading(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t at;
  } rows[] = {{"1970-01-01", 0},
              {"1970-01-02", 86400},
              {"1969-12-31 23:59:59", -1},
              {"2000-02-29T12:00", 951825600},
              {"2016-07-01 00:00:00", 1467331200},
              {"2038-01-19T03:14:08Z", 2147483648},
              {"0001-01-01", -62135596800},
              {"9999-12-31", 253402214400},
              {"1749-01", -6974035200},
              {"10000-01-01", 253402300800},
              {"123456-07-01 12:30", 3833743609800},
              {"1467331200000", 1467331200000},
              {"1467331200000000000", 1467331200000000000},
              {"-4000000000000000000", -4000000000000000000},
              {"1949", 1949},
              {"-17", -17},
              {"007", 7}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    time_grid g;
    char out[TIME_TEXT];
    assert_int_equal(at(rows[i].text, &g), rows[i].at);
    time_write(&g, rows[i].at, out);
    assert_string_equal(out, strcmp(rows[i].text, "007") ? rows[i].text : "7");
  }
}

static void not_read(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "-",
                                    "2016",
                                    "Jan 1 2000",
                                    "2016-7-1",
                                    "2016-13-01",
                                    "2015-02-29",
                                    "1900-02-29",
                                    "2016-07-00",
                                    "2016-00",
                                    "2016-07-01 24:00",
                                    "2016-07-01 1:00",
                                    "2016-07-01x",
                                    "2016-07-01 00:00:60",
                                    "2016-07-01 00:00+01",
                                    "0000-01-01",
                                    "1.5",
                                    "1e3",
                                    "2016-07-01 ",
                                    "12345678901234567890",
                                    "5000000000000000000",
                                    "02016-07-01",
                                    "1234567-01-01",
                                    "201-07-01",
                                    "2016-07-01 00:00:00.5",
                                    "2016-07-01TZ",
                                    "2016-07-01 Z"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    time_grid g;
    int64_t out;
    const char *what = time_read(bad[i], strlen(bad[i]), &g, &out);
    if (i == 2)
      assert_null(what); /* a year is an integer */
    else if (!what)
      fail_msg("'%s' was read", bad[i]);
  }
}

/* Every day of 800 years comes back. */
static void days(void **state) {
  (void)state;
  time_grid g;
  int64_t day = at("1600-01-01", &g);
  char last[TIME_TEXT] = "";
  g.unit = UNIT_SECONDS, g.step = 86400;
  for (int i = 0; i < 292200; i++, day += 86400) {
    char out[TIME_TEXT];
    time_grid h;
    time_write(&g, day, out);
    assert_true(strcmp(out, last) > 0);
    assert_int_equal(at(out, &h), day);
    memcpy(last, out, sizeof out);
  }
  assert_string_equal(last, "2400-01-06");
}

static void steps(void **state) {
  (void)state;
  static const struct {
    const char *times[5], *step, *next;
    int season;
  } rows[] = {{{"1949-01", "1949-02", "1949-03"}, "1 month", "1949-04", 12},
              {{"1949-01-01", "1949-02-01", "1949-03-01"}, "1 month", "1949-04-01", 12},
              {{"2011-02-01", "2011-03-01", "2011-03-29"}, "4 weeks", "2011-04-26", 13},
              {{"2019-11-30", "2019-12-31", "2020-01-31"}, "1 month", "2020-02-29", 12},
              {{"2020-02-29", "2020-03-31", "2020-04-30"}, "1 month", "2020-05-31", 12},
              {{"1970-01-01", "1970-04-01", "1970-07-01"}, "3 months", "1970-10-01", 4},
              {{"1970-01-01", "1971-01-01", "1972-01-01"}, "1 year", "1973-01-01", 1},
              {{"1981-01-01", "1981-01-02", "1981-01-03"}, "1 day", "1981-01-04", 7},
              {{"1981-01-01", "1981-01-02"}, "1 day", "1981-01-03", 7},
              {{"1981-12-25", "1982-01-01", "1982-01-08"}, "1 week", "1982-01-15", 52},
              {{"2016-02-28 22:00", "2016-02-28 23:00"}, "1 hour", "2016-02-29 00:00", 24},
              {{"2016-07-01T00:00:00Z", "2016-07-01T00:15:00Z"}, "15 minutes", "2016-07-01T00:30:00Z", 96},
              {{"2016-07-01 00:00", "2016-07-01 01:00", "2016-07-01 03:00", "2016-07-01 04:00"}, "1 hour", "2016-07-01 05:00", 24},
              {{"2016-07-01 00:00", "2016-07-01 02:00", "2016-07-01 03:00", "2016-07-01 04:00"}, "1 hour", "2016-07-01 05:00", 24},
              {{"2020-11-29", "2020-12-29", "2021-01-29", "2021-02-28"}, "1 month", "2021-03-29", 12},
              {{"2020-12-30", "2021-01-30", "2021-02-28", "2021-03-30"}, "1 month", "2021-04-30", 12},
              {{"2021-01-30", "2021-02-28"}, "1 month", "2021-03-30", 12},
              {{"2021-02-28", "2021-03-30", "2021-04-30"}, "1 month", "2021-05-30", 12},
              {{"2020-12-31", "2021-01-31", "2021-02-28"}, "1 month", "2021-03-31", 12},
              {{"2021-02-28 06:00", "2021-05-30 06:00"}, "3 months", "2021-08-30 06:00", 4},
              {{"2021-01-30", "2021-02-27"}, "4 weeks", "2021-03-27", 13},
              {{"9999-11-30", "9999-12-30"}, "1 month", "10000-01-30", 12},
              {{"9999-12-30", "9999-12-31"}, "1 day", "10000-01-01", 7},
              {{"2021-02-28"}, "1 day", "2021-03-01", 7},
              {{"2021-02-28 06:00"}, "1 minute", "2021-02-28 06:01", 1440},
              {{"2021-02"}, "1 month", "2021-03", 12},
              {{"7"}, "1 unit", "8", 1},
              {{"1467331200000", "1467331260000"}, "60000 units", "1467331320000", 1},
              {{"1821", "1822", "1823"}, "1 unit", "1824", 1},
              {{"-10", "-5", "0"}, "5 units", "5", 1}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    time_grid g;
    int64_t list[5];
    int n = 0;
    char out[TIME_TEXT];
    for (; n < 5 && rows[i].times[n]; n++) list[n] = at(rows[i].times[n], &g);
    time_find_step(&g, list, n);
    time_write_step(&g, out);
    assert_string_equal(out, rows[i].step);
    time_write(&g, time_after(&g, list[n - 1], 1), out);
    assert_string_equal(out, rows[i].next);
    assert_int_equal(time_season(&g), rows[i].season);
  }
}

/* Steps are counted from the first time, so a short month in between changes nothing. */
static void months(void **state) {
  (void)state;
  time_grid g;
  char out[TIME_TEXT];
  const int64_t list[] = {at("2019-03-30", &g), at("2019-04-30", &g)};
  time_find_step(&g, list, 2);
  time_write(&g, time_after(&g, list[0], 11), out);
  assert_string_equal(out, "2020-02-29");
  time_write(&g, time_after(&g, list[0], 12), out);
  assert_string_equal(out, "2020-03-30");
  time_write(&g, time_after(&g, list[0], -1), out);
  assert_string_equal(out, "2019-02-28");
}

/* Forecasts from every day of a month, as a file, are a series with the same step. */
static void continued(void **state) {
  (void)state;
  for (int day = 1; day <= 31; day++)
    for (int first = 1; first <= 12; first++) {
      char s[TIME_TEXT];
      time_grid g, again;
      int64_t list[40];
      snprintf(s, sizeof s, "2018-01-%02d", day);
      list[0] = at(s, &g);
      g.unit = UNIT_MONTHS, g.step = 1, g.month_end = false, g.day = 0;
      for (int i = 1; i < 40; i++) list[i] = time_after(&g, list[0], i);
      again = g;
      time_find_step(&again, list + first, 3);
      for (int i = 0; i < 40 - first; i++) assert_int_equal(time_after(&again, list[first], i), list[first + i]);
      time_find_step(&again, list + first, 40 - first);
      assert_true(time_same_step(&again, &g));
      for (int i = 0; i < 40 - first; i++) assert_int_equal(time_after(&again, list[first], i), list[first + i]);
    }
}

/* Steps without end stop, in order. */
static void far_away(void **state) {
  (void)state;
  time_grid g = {.written = WRITTEN_DAY, .unit = UNIT_MONTHS, .step = INT64_MAX};
  for (int unit = UNIT_ONES; unit <= UNIT_MONTHS; unit++) {
    g.unit = (enum time_unit)unit;
    assert_true(time_after(&g, 0, -3) < time_after(&g, 0, 0) && time_after(&g, 0, 0) < time_after(&g, 0, 3));
    assert_true(time_after(&g, 0, 1 << 20) <= time_after(&g, 0, INT64_MAX));
  }
}

/* What a time alone takes over from another file, and what it cannot have. */
static void taken(void **state) {
  (void)state;
  static const struct {
    const char *from[2], *time, *next;
  } rows[] = {{{"2019-03-01", "2019-03-02"}, "2021-12-31", "2022-01-01"},
              {{"2019-03-01 00:00", "2019-03-01 06:00"}, "2021-12-31T20:00", "2022-01-01T02:00"},
              {{"2019-01", "2019-04"}, "2021-11", "2022-02"},
              {{"2019-01-31", "2019-02-28"}, "2021-02-28", "2021-03-31"},
              {{"2019-01-31", "2019-02-28"}, "2021-02-27", "2021-03-27"},
              {{"10", "15"}, "100", "105"},
              {{"10", "15"}, "2021-02-27", NULL},
              {{"2019-03-01", "2019-03-02"}, "2021-02", NULL},
              {{"2019-03-01", "2019-03-02"}, "7", NULL},
              {{"2019-03-01 00:00", "2019-03-01 06:00"}, "2021-12-31", NULL}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    time_grid of, g;
    char out[TIME_TEXT];
    const int64_t list[] = {at(rows[i].from[0], &of), at(rows[i].from[1], &of)}, one[] = {at(rows[i].time, &g)};
    time_find_step(&of, list, 2);
    time_find_step(&g, one, 1);
    time_take_step(&g, &of, one, 1);
    assert_int_equal(time_same_step(&g, &of), rows[i].next != NULL);
    if (!rows[i].next) continue;
    time_write(&g, time_after(&g, one[0], 1), out);
    assert_string_equal(out, rows[i].next);
  }
}

static void features(void **state) {
  (void)state;
  time_grid g;
  float x[2 * TIME_CYCLES];
  assert_int_equal(1 << kind_place(data_kinds[KIND_time].words, "hour"), TIME_HOUR);
  assert_int_equal(1 << kind_place(data_kinds[KIND_time].words, "month"), TIME_MONTH);
  assert_int_equal(kind_place(data_kinds[KIND_time].words, "hours"), -1);
  assert_int_equal(time_features(TIME_HOUR | TIME_MONTH, at("2016-07-01 06:00", &g), x), 4);
  assert_float_equal(x[0], 1, 1e-6); /* a quarter of the day */
  assert_float_equal(x[1], 0, 1e-6);
  assert_float_equal(x[2], 0, 1e-6); /* half of the year */
  assert_float_equal(x[3], -1, 1e-6);
  assert_int_equal(time_features(TIME_WEEKDAY, at("2024-01-01", &g), x), 2); /* a Monday */
  assert_float_equal(x[0], 0, 1e-6);
  assert_float_equal(x[1], 1, 1e-6);
  time_features(TIME_WEEKDAY, at("1969-12-28", &g), x); /* a Sunday, before 1970 */
  assert_float_equal(x[0], sin(2 * 3.14159265358979 * 6 / 7), 1e-6);
  assert_int_equal(time_features(63, at("2015-12-31 23:59:30", &g), x), 12);
  for (int i = 0; i < 12; i += 2) assert_float_equal(x[i] * x[i] + x[i + 1] * x[i + 1], 1, 1e-5);
  time_features(TIME_YEARDAY, at("2015-12-31", &g), x);
  assert_float_equal(x[0], sin(2 * 3.14159265358979 * 364 / 365), 1e-6);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(reading),  cmocka_unit_test(not_read), cmocka_unit_test(days),
                                     cmocka_unit_test(steps),    cmocka_unit_test(months),   cmocka_unit_test(continued),
                                     cmocka_unit_test(far_away), cmocka_unit_test(taken),    cmocka_unit_test(features)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
