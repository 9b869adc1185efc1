/* test_calendar.c - tables with dates: what is refused and where, the future, parts, windows, scales, and what a batch of windows
 * holds. */
#include <math.h>
#include "base/error.h"
#include "data/calendar.h"
#include "tables.h"

#define FORECAST                                                                                                                   \
  "data y : number\ndata x : number\ndata when : time month\ny ~ gaussian(mean = W rnn([y[t-1], y[t-2], x, when], 3) + b, scale "  \
  "= 1)\n"

/* Like load, with dates in the column `at`. */
static unroll_status load_dates(loaded *x, const char *net, const char *csv, const char *series, enum scaling scaling,
                                unroll_error *err) {
  data_form forms[MAX_FORMS];
  graph g;
  int n;
  *x = (loaded){0};
  unroll_status status = lang_parse(&x->net, "test.net", net, &x->memory, err);
  if (!status) status = data_forms_of(forms, &n, x->net, err);
  if (!status) status = schema_new(&x->s, forms, n, err);
  if (status) return status;
  x->s.time = (series_form){.time = mem_text("at"), .context = 4, .horizon = 2, .scaling = scaling};
  char *copy = mem_text(csv);
  if (!x->s.time.time || !copy) return mem_free(copy), error_memory(err);
  status = table_parse(&x->t, "test.csv", copy, strlen(csv), err);
  if (!status) status = schema_widths(&x->s, &x->t, err);
  if (status) return status;
  status = loaded_graph(x, &g, err);
  graph_free(&g);
  if (!status) status = dataset_bind(&x->d, &x->t, &x->s, series, BIND_GIVEN, err);
  if (status) return status;
  calendar_cut(&x->d, 0.2, 0.3);
  status = schema_collect(&x->s, &x->d, 1, err);
  if (!status) status = dataset_encode(&x->d, &x->s, err);
  x->built = true;
  if (!status) status = loaded_graph(x, &x->g, err);
  if (!status) dataset_measure(&x->d, &x->s, &x->g);
  return status;
}

static void refused(void **state) {
  (void)state;
#define HEAD "id,at,y,x\n"
  static const struct {
    const char *csv, *series, *message;
    int line, column;
  } rows[] = {
      {HEAD "a,2020-01,1,0\na,2020-02,1,0\na,2020-04,1,0\na,2020-05,1,0\n", NULL,
       "row 4, column 'at': 2020-03 is missing: 2020-04 comes after 2020-02, and the step of this file is 1 month", 4, 3},
      {HEAD "a,2020-01-01,1,0\na,2020-01-02,1,0\na,2020-01-02,1,0\n", NULL, "row 4, column 'at': 2020-01-02 is there twice", 4, 3},
      {HEAD "a,2020-01-01,1,0\na,2020-01-02,1,0\na,2019-12-31,1,0\n", NULL, "2019-12-31 comes after 2020-01-02: the rows", 4, 3},
      {HEAD "a,2020-01-01 00:00,1,0\na,2020-01-01 01:00,1,0\na,2020-01-01 02:00,1,0\na,2020-01-01 02:30,1,0\n", NULL,
       "comes too early after 2020-01-01 02:00: the step of this file is 1 hour, so 2020-01-01 03:00 would be next", 5, 3},
      {HEAD "a,2020-01-01,1,0\na,2020-01-02 00:00,1,0\n", NULL, "written otherwise", 3, 3},
      {HEAD "a,2020-01-01,1,0\na,,1,0\n", NULL, "row 3, column 'at': empty: a date is missing", 3, 3},
      {HEAD "a,2020-02-30,1,0\n", NULL, "'2020-02-30' is no date of the calendar", 2, 3},
      {HEAD "a,Jan 1 2000,1,0\n", NULL, "'Jan 1 2000' is no date such as", 2, 3},
      {HEAD "a,2020-01,1,0\na,2020-02,1,0\na,2020-03,1,0\nb,2020-01,1,0\nb,2020-03,1,0\n", "id", "2020-02 is missing", 6, 3},
      {HEAD "a,2020-01,1,0\nb,2020-01,1,0\na,2020-02,1,0\n", "id",
       "row 4, column 'id': the series 'a' goes on here, but began at row 2", 4, 1},
      {HEAD "a,2020-01,1,0\na,2020-02,,0\na,2020-03,1,0\n", NULL, "row 3, column 'y': empty: a number is missing", 3, 11},
      {HEAD "a,2020-01,1,0\na,2020-02,1,\n", NULL, "row 3, column 'x'", 3, 13},
      {HEAD "a,2020-01,1,0\na,2020-02,1,0\nb,2020-01,,0\nb,2020-02,,0\n", "id",
       "row 4, column 'y': the series 'b' that begins here has no value of what is predicted", 4, 11},
      {HEAD "a,2020-01,,0\n", NULL, "the series that begins here has no value", 2, 11},
      {"id,on,y,x\na,2020-01,1,0\n", NULL, "there is no column 'at'", 1, 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    loaded x;
    unroll_error err = {0};
    assert_int_equal(load_dates(&x, FORECAST, rows[i].csv, rows[i].series, SCALING_NONE, &err), UNROLL_BAD_INPUT);
    if (!strstr(err.message, rows[i].message)) fail_msg("'%s' instead of '%s'", err.message, rows[i].message);
    assert_int_equal(err.line, rows[i].line);
    assert_int_equal(err.column, rows[i].column);
    loaded_free(&x);
  }
}

static void not_a_forecast(void **state) {
  (void)state;
  static const struct {
    const char *net, *csv, *message;
  } rows[] = {
      {CLASSIFY, "at,text,label\n2020-01,a,b\n", "numbers at each step, and 'label' is predicted once for a series"},
      {TAG, "at,word,tag\n2020-01,a,b\n", "numbers at each step, and 'tag' is category"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    loaded x;
    unroll_error err = {0};
    assert_int_equal(load_dates(&x, rows[i].net, rows[i].csv, NULL, SCALING_NONE, &err), UNROLL_USAGE);
    if (!strstr(err.message, rows[i].message)) fail_msg("'%s' instead of '%s'", err.message, rows[i].message);
    loaded_free(&x);
  }
  loaded x;
  unroll_error err = {0};
  assert_int_equal(load(&x, FORECAST, "at,x,y\n2020-01,1,2\n", NULL, &err), UNROLL_USAGE);
  assert_non_null(strstr(err.message, "'when' comes from dates: name their column with option 'time'"));
  loaded_free(&x);
}

/* Two series of 20 and 3 months; y = 10, 11 ...; two rows of the first are its future. */
static void make(text *csv) {
  *csv = (text){0};
  text_format(csv, "id,at,y,x\n");
  for (int i = 0; i < 22; i++) {
    text_format(csv, "a,20%02d-%02d,", 20 + i / 12, i % 12 + 1);
    if (i < 20) text_format(csv, "%d", 10 + i);
    text_format(csv, ",%d\n", i);
  }
  for (int i = 0; i < 3; i++) text_format(csv, "b,2021-%02d,%d,5\n", i + 1, 1000 * i);
}

static void parts(void **state) {
  (void)state;
  loaded x;
  text csv;
  unroll_error err = {0};
  char at[TIME_TEXT];
  part p;
  make(&csv);
  if (load_dates(&x, FORECAST, csv.data, "id", SCALING_NONE, &err)) fail_msg("%s", err.message);
  const calendar *c = &x.d.calendar;
  assert_int_equal(x.d.n_sequences, 2);
  assert_int_equal(c->known[0], 20);
  assert_int_equal(c->known[1], 3);
  assert_int_equal(c->ends[0][0], 10); /* 20 - 6 of test - 4 of validation */
  assert_int_equal(c->ends[1][0], 14);
  calendar_write(&x.d, 0, 21, at);
  assert_string_equal(at, "2021-10");
  assert_string_equal(calendar_name(&x.d, 1), "b");

  assert_int_equal(calendar_part(&p, &x.d, &x.s, CALENDAR_TRAIN, 1, &err), UNROLL_OK);
  assert_int_equal(p.n, 3); /* two windows of 6 hold 10 steps, and one the short series */
  int64_t next = 0;
  for (int64_t i = 0; i < 2; i++) {
    assert_int_equal(p.list[i], 0);
    assert_int_equal(p.windows[i].count, 6);
    assert_int_equal(p.windows[i].from, next); /* together their beginnings are all that there are */
    next = p.windows[i].from + p.windows[i].spread + 1;
  }
  assert_int_equal(next, 10 - 6 + 1);
  assert_int_equal(p.windows[2].count, c->ends[0][1]);
  assert_int_equal(p.n_symbols, 12 + c->ends[0][1]);
  part_free(&p);
  assert_int_equal(calendar_part(&p, &x.d, &x.s, CALENDAR_TRAIN, 9, &err), UNROLL_OK);
  assert_int_equal(p.n, 5 + 1); /* not more than there are beginnings */
  part_free(&p);

  assert_int_equal(calendar_part(&p, &x.d, &x.s, CALENDAR_TEST, 1, &err), UNROLL_OK);
  for (int64_t i = 0; i < 3; i++) { /* 14..19 in twos, each after four steps of the true past */
    assert_int_equal(p.windows[i].from, 10 + 2 * i);
    assert_int_equal(p.windows[i].context, 4);
    assert_int_equal(p.windows[i].count, 6);
  }
  int64_t counted = 0;
  for (int64_t i = 0; i < p.n; i++) counted += p.windows[i].count - p.windows[i].context;
  assert_int_equal(counted, p.n_symbols);
  assert_int_equal(counted, 6 + 3 - c->ends[1][1]);
  part_free(&p);
  text_free(&csv);
  loaded_free(&x);
}

/* Scales come from the context alone: what comes after it changes nothing. */
static void scales(void **state) {
  (void)state;
  loaded x;
  text csv;
  unroll_error err = {0};
  double mean, deviation;
  make(&csv);
  if (load_dates(&x, FORECAST, csv.data, "id", SCALING_SERIES, &err)) fail_msg("%s", err.message);
  calendar_scale(&x.d, &x.s, 0, 0, 2, 4, &mean, &deviation); /* 12 13 14 15 */
  assert_float_equal(mean, 13.5, 1e-9);
  assert_float_equal(deviation, sqrt(1.25), 1e-9);
  calendar_scale(&x.d, &x.s, 1, 0, 2, 4, &mean, &deviation); /* given, not predicted */
  assert_float_equal(mean, 0, 0);
  assert_float_equal(deviation, 1, 0);
  calendar_scale(&x.d, &x.s, 0, 0, 18, 4, &mean, &deviation); /* the future is not there */
  assert_float_equal(mean, 28.5, 1e-9);
  x.s.time.scaling = SCALING_LEVEL;
  calendar_scale(&x.d, &x.s, 0, 1, 0, 3, &mean, &deviation);
  assert_float_equal(mean, 0, 0);
  assert_float_equal(deviation, 1000, 1e-9);
  text_free(&csv);
  loaded_free(&x);
}

/* With --standardise the training part alone is measured. */
static void training_part(void **state) {
  (void)state;
  loaded x;
  unroll_error err = {0};
  text csv = {0};
  text_format(&csv, "at,y,x\n");
  for (int i = 0; i < 20; i++) text_format(&csv, "%d,%d,%d\n", i, i < 10 ? i % 2 : 1000, i);
  assert_int_equal(load_dates(&x, "data y : number\ndata x : number\ny ~ gaussian(mean = W rnn([y[t-1], x], 3) + b, scale = 1)\n",
                              csv.data, NULL, SCALING_NONE, &err),
                   UNROLL_OK);
  x.s.standardise = true;
  assert_int_equal(schema_collect(&x.s, &x.d, 1, &err), UNROLL_OK);
  assert_float_equal(x.s.list[0].mean[0], 0.5, 1e-9);
  assert_float_equal(x.s.list[0].deviation[0], 0.5, 1e-9);
  assert_float_equal(x.s.list[1].mean[0], 4.5, 1e-9);
  text_free(&csv);
  loaded_free(&x);
}

static int input_of(const graph *g, int data, int lag) {
  for (int i = 0; i < g->n_inputs; i++)
    if (g->inputs[i].data == data && g->inputs[i].lag == lag) return i;
  fail_msg("no input of data %d, lag %d", data, lag);
  return -1;
}

/* A window's lags are the values before it, scaled like the rest; where it begins changes with the epoch, and is the same again. */
static void batches(void **state) {
  (void)state;
  loaded x;
  text csv;
  unroll_error err = {0};
  part p;
  batcher *b;
  bool moved = false;
  make(&csv);
  if (load_dates(&x, FORECAST, csv.data, "id", SCALING_SERIES, &err)) fail_msg("%s", err.message);
  assert_int_equal(calendar_part(&p, &x.d, &x.s, CALENDAR_TRAIN, 3, &err), UNROLL_OK);
  assert_int_equal(
      batcher_new(&b, &x.g, &p, &(batch_options){.rows = 3, .steps = 1, .shuffle = true, .seed = 4, .schema = &x.s}, &err),
      UNROLL_OK);
  const int y = input_of(&x.g, 0, 0), before = input_of(&x.g, 0, 2), given = input_of(&x.g, 1, 0), when = input_of(&x.g, 2, 0);
  int64_t last[2] = {-1, -1};
  for (int64_t epoch = 0; epoch < 12; epoch++) {
    const batch *one = batcher_get(b, epoch % 6, 0);
    const examples *e = batcher_examples(b);
    assert_int_equal(one->rows, 3);
    for (int row = 0; row < 2; row++) {
      const series_window *w = &e->windows[row];
      const double mean = 10 + (double)w->from + 1.5, deviation = sqrt(1.25);
      assert_int_equal(e->list[row], 0);
      assert_in_range(w->from, 0, 4);
      if (last[row] >= 0) moved |= last[row] != w->from;
      last[row] = w->from;
      for (int t = 0; t < 6; t++) {
        const int64_t at = one->axes[0].first[t] + row, step = w->from + t;
        const double past = step < 2 ? 0 : (10 + (double)step - 2 - mean) / deviation;
        float cycle[2];
        assert_float_equal(one->number[y][at], (float)((10 + (double)step - mean) / deviation), 1e-5F);
        assert_float_equal(one->number[before][at], past, 1e-5);
        assert_float_equal(one->number[given][at], (double)step, 0);
        time_features(TIME_MONTH, time_after(&x.d.calendar.grid, x.d.calendar.first[0], step), cycle);
        assert_memory_equal(&one->number[when][2 * at], cycle, sizeof cycle);
      }
    }
  }
  assert_true(moved);
  batcher_free(b);
  part_free(&p);
  text_free(&csv);
  loaded_free(&x);
}

static void no_memory(void **state) {
  (void)state;
  text csv;
  make(&csv);
  const long before = mem_live();
  for (long n = 1;; n++) {
    loaded x;
    part p = {0};
    unroll_error err = {0};
    mem_fail_after(n, 0);
    unroll_status status = load_dates(&x, FORECAST, csv.data, "id", SCALING_SERIES, &err);
    if (!status) status = calendar_part(&p, &x.d, &x.s, CALENDAR_TRAIN, 4, &err);
    mem_fail_after(0, 0);
    part_free(&p);
    loaded_free(&x);
    assert_int_equal(mem_live(), before);
    if (!status) break;
    assert_int_equal(status, UNROLL_FAILED);
  }
  text_free(&csv);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(refused),  cmocka_unit_test(not_a_forecast), cmocka_unit_test(parts),
                                     cmocka_unit_test(scales),   cmocka_unit_test(training_part),  cmocka_unit_test(batches),
                                     cmocka_unit_test(no_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
