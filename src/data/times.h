/* times.h - the times of a regular series: read, told apart, continued, and what the calendar says about them.
 *
 * Written as ISO 8601: YYYY-MM, YYYY-MM-DD, YYYY-MM-DD HH:MM or HH:MM:SS (with a space or a T, with or without Z); or as
 * integers. Years 1 to 999999 of the Gregorian calendar, also before it was there. From 10000 on they have more than four
 * digits. No time zones, no leap seconds. A time is an integer: itself, or seconds since 1970. Steps are so many seconds, or so
 * many months of the calendar. */
#ifndef DATA_TIMES_H
#define DATA_TIMES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum time_written { WRITTEN_INTEGER, WRITTEN_MONTH, WRITTEN_DAY, WRITTEN_MINUTE, WRITTEN_SECOND };
enum time_unit { UNIT_ONES, UNIT_SECONDS, UNIT_MONTHS };

typedef struct time_grid { /* how the times of a file are written, and how far apart they are */
  enum time_written written;
  bool with_t, with_z; /* 2016-07-01T00:00Z */
  enum time_unit unit;
  int64_t step;   /* so many units, at least 1 */
  bool month_end; /* steps of months: always the last day of one */
  int day;        /* else a day that not every month has: the last of a shorter one stands for it; 0: each month has it */
} time_grid;

enum { TIME_TEXT = 32 };
/* NULL, or what is wrong. Sets how it is written; not unit and step. */
const char *time_read(const char *s, size_t size, time_grid *g, int64_t *at);
/* Are two times written alike? */
bool time_alike(const time_grid *a, const time_grid *b);
/* The usual step between n times that should be regular: unit, step, month_end and day. Of one time alone the
 * step is the least that can be written so. */
void time_find_step(time_grid *g, const int64_t *at, int64_t n);
/* The same of n times that are no step apart, each alone in its series. Steps are as in `of`, where times that are written like
 * these can have them. Else nothing changes. */
void time_take_step(time_grid *g, const time_grid *of, const int64_t *at, int64_t n);
/* The time n steps after `at` (before it, for negative n); a day that its month does not have becomes the month's last. */
int64_t time_after(const time_grid *g, int64_t at, int64_t n);
/* How many steps `at` is after `first`; -1: none, it lies before it or between two steps. */
int64_t time_steps(const time_grid *g, int64_t first, int64_t at);
void time_write(const time_grid *g, int64_t at, char out[TIME_TEXT]);
void time_write_step(const time_grid *g, char out[TIME_TEXT]); /* "1 hour", "3 months" */
bool time_same_step(const time_grid *a, const time_grid *b);
/* Steps until the calendar repeats itself: 12 of a month, 24 of an hour, 7 of a day, 52 of a week. 1: nothing that is usual. */
int time_season(const time_grid *g);
/* The same that a lag can reach, at most `most`. `longer`: of the longer season, where there are two (an hour has a day and a
 * week), else the same again. 1: nothing that is usual. */
int time_season_within(const time_grid *g, int most, bool longer);

/* What `data NAME : time hour weekday` may name, as bits in the order of the words in graph/kinds.def. Each is the place in a
 * cycle, as sine and cosine. */
enum { TIME_MINUTE = 1, TIME_HOUR = 2, TIME_DAY = 4, TIME_WEEKDAY = 8, TIME_YEARDAY = 16, TIME_MONTH = 32, TIME_CYCLES = 6 };
/* Two numbers for each cycle, in the order minute, hour, day (of the month), weekday, yearday, month. Returns how many. */
int time_features(unsigned cycles, int64_t at, float *out);
#endif
