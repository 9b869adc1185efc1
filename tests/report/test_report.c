/* Runs of training: their log, table, curves and event files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "report/events.h"
#include "report/runs.h"

static char folder[] = "/tmp/unroll-report-XXXXXX";

static const char *put(const char *name, const char *s) {
  static char path[200];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs(s, f);
  fclose(f);
  return path;
}

static const char two[] = "{\"step\":5,\"loss\":2.0,\"seconds\":1}\n"
                          "{\"step\":10,\"loss\":1.0,\"seconds\":65,\"valid_bits\":1.5,\"note\":\"a word\"}\n"
                          "{\"step\":15,\"loss\":0.5,\"seconds\":70,\"valid_bits\":1.75}\n"
                          "{\"step\":20,\"lo"; /* being written */

static void reads_records(void **state) {
  run_log log;
  size_t at = 9;
  (void)state;
  assert_int_equal(run_log_read(&log, put("a.jsonl", two), NULL), UNROLL_OK);
  assert_int_equal(log.n_records, 3);
  assert_int_equal(log.n_columns, 4);
  assert_true(isnan(run_log_column(&log, "valid_bits")->values[0]));
  assert_true(fabs(run_log_least(&log, "valid_bits", &at) - 1.5) < 1e-12);
  assert_int_equal(at, 1);
  assert_true(fabs(run_log_last(&log, "valid_bits", NULL) - 1.75) < 1e-12);
  assert_true(isnan(run_log_last(&log, "test_bits", NULL)));
  text csv = {0};
  run_log_csv(&log, 1, &csv);
  assert_non_null(strstr(csv.data, "run,step,loss,seconds,valid_bits\n"));
  assert_non_null(strstr(csv.data, ",10,1,65,1.5\n"));
  assert_non_null(strstr(csv.data, ",5,2,1,\n"));
  text_free(&csv);
  run_log_free(&log);
}

static void refuses(void **state) {
  static const struct {
    const char *text, *says;
    int line;
  } rows[] = {{"{\"step\":1}\nhello\n", "no record of a log", 2},
              {"[1]\n", "no record of a log", 1},
              {"{\"loss\":1}\n", "no record of a log", 1},
              {"{\"step\":\"1\"}\n", "no record of a log", 1}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    run_log log;
    unroll_error err = {0};
    assert_int_equal(run_log_read(&log, put("bad.jsonl", rows[i].text), &err), UNROLL_BAD_INPUT);
    assert_non_null(strstr(err.message, rows[i].says));
    assert_int_equal(err.line, rows[i].line);
    run_log_free(&log);
  }
  run_log begun;
  assert_int_equal(run_log_read(&begun, put("begun.jsonl", ""), NULL), UNROLL_OK);
  assert_int_equal(begun.n_records, 0);
  run_log_free(&begun);
}

/* A falling line: its first point is at the top left, its last one at the bottom right, with its label. */
static void draws_curves(void **state) {
  const double x[] = {0, 1, 2, 3}, y[] = {8, 4, (double)NAN, 1};
  const curve c = {'q', x, y, 4};
  const chart_form form = {.columns = 40, .rows = 6, .x_name = "step"};
  text out = {0};
  (void)state;
  chart_draw(&c, 1, &form, &out);
  assert_non_null(strstr(out.data, "       8 \u2524\u2809")); /* the first number, the line, the point */
  assert_non_null(strstr(out.data, "       1 \u2524"));
  assert_non_null(strstr(out.data, "step"));
  const char *last = strstr(out.data, "       1 \u2524");
  assert_true(strchr(last, 'q') && strchr(last, 'q') < strchr(last, '\n'));
  text_free(&out);
  const curve none = {'q', x, y + 2, 1};
  chart_draw(&none, 1, &form, &out); /* no point at all */
  assert_null(out.data);
  const curve level = {0, x, x + 3, 1};
  chart_draw(&level, 1, &form, &out); /* one point: no range */
  assert_non_null(out.data);
  text_free(&out);
}

/* The sums of records are those that TensorFlow checks: CRC-32C of "123456789" is e3069283 (RFC 3720), masked as it masks. The
 * first record is known byte for byte but for its time. */
static void writes_events(void **state) {
  run_log log;
  char path[300];
  unsigned char data[4000];
  (void)state;
  assert_int_equal(run_log_read(&log, put("a.jsonl", two), NULL), UNROLL_OK);
  log.written = 1000070;
  snprintf(path, sizeof path, "%s/tb/a", folder);
  assert_int_equal(events_write(&log, path, NULL), UNROLL_OK);
  snprintf(path, sizeof path, "%s/tb/a/events.out.tfevents.0001000070.unroll", folder);
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  const size_t n = fread(data, 1, sizeof data, f);
  fclose(f);
  /* length 24 and its masked sum, as TensorFlow 2.11 writes them for such a record */
  static const unsigned char head[] = {24, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22};
  assert_memory_equal(data, head, sizeof head);
  assert_memory_equal(data + 12 + 9,
                      "\x1a\x0d"
                      "brain.Event:2",
                      15);
  int records = 0;
  for (size_t at = 0; at + 12 <= n; records++) {
    uint64_t length;
    memcpy(&length, data + at, 8);
    at += 12 + length + 4;
    assert_true(at <= n);
  }
  assert_int_equal(records, 4); /* the version, and three of the log */
  run_log_free(&log);
}

static void tells_runs_apart(void **state) {
  run_log logs[2];
  text out = {0};
  unroll_error err = {0};
  const chart_form form = {.columns = 60, .rows = 8, .x_name = "step"};
  (void)state;
  assert_int_equal(run_log_read(&logs[0], put("a.jsonl", two), NULL), UNROLL_OK);
  assert_int_equal(run_log_read(&logs[1], put("b.jsonl", "{\"step\":5,\"loss\":2.0}\n"), NULL), UNROLL_OK);
  asked one = {"hidden", "16"}, other = {"hidden", "32"};
  logs[0].asked = &one, logs[0].n_asked = 1;
  logs[1].asked = &other, logs[1].n_asked = 1;
  runs_table(logs, 2, &out);
  assert_non_null(strstr(out.data, "hidden"));
  assert_non_null(strstr(out.data, "1:10"));   /* 70 seconds */
  assert_non_null(strstr(out.data, "2.8854")); /* 2 nats */
  assert_null(strstr(out.data, "test"));
  text_free(&out);
  assert_int_equal(runs_chart(logs, 2, NULL, &form, &out, &err), UNROLL_OK);
  assert_non_null(strstr(out.data, "loss of training")); /* as not all have a validation */
  text_free(&out);
  assert_int_equal(runs_chart(logs, 2, "no", &form, &out, &err), UNROLL_USAGE);
  assert_non_null(strstr(err.message, "step, loss, seconds, valid_bits"));
  run_log_free(&logs[0]);
  run_log_free(&logs[1]);
}

static int begin(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : 1;
}

static int end(void **state) {
  char command[100];
  (void)state;
  snprintf(command, sizeof command, "rm -r %s", folder);
  return system(command);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(reads_records), cmocka_unit_test(refuses), cmocka_unit_test(draws_curves),
                                     cmocka_unit_test(writes_events), cmocka_unit_test(tells_runs_apart)};
  return cmocka_run_group_tests(tests, begin, end);
}
