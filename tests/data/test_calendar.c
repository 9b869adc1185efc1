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
      {HEAD "a,2020-01-01,1,0\na,2020-01-08,1,0\na,2020-01-15,1,0\na,2020-01-24,1,0\n", NULL,
       "2020-01-24 comes between two steps after 2020-01-15: the step of this file is 1 week", 5, 3},
      {HEAD "a,2020-01-01,1,0\na,2020-01-02,1,0\na,2020-01-03,1,0\na,2120-01-04,1,0\n", NULL,
       "2120-01-04 comes after 2020-01-03: with a step of 1 day, 36524 dates are missing so far, and 3 rows are there", 5, 3},
      {HEAD "a,2020-01-01,1,0\na,2020-01-02,1,0\na,2020-01-02,1,0\n", NULL, "row 4, column 'at': 2020-01-02 is there twice", 4, 3},
      {HEAD "a,2020-01-01,1,0\na,2020-01-02,1,0\na,2019-12-31,1,0\n", NULL, "2019-12-31 comes after 2020-01-02: the rows", 4, 3},
      {HEAD "a,2020-01-01 00:00,1,0\na,2020-01-01 01:00,1,0\na,2020-01-01 02:00,1,0\na,2020-01-01 02:30,1,0\n", NULL,
       "comes too early after 2020-01-01 02:00: the step of this file is 1 hour, so 2020-01-01 03:00 would be next", 5, 3},
      {HEAD "a,2020-01-01,1,0\na,2020-01-02 00:00,1,0\n", NULL, "written otherwise", 3, 3},
      {HEAD "a,2020-01-01,1,0\na,,1,0\n", NULL, "row 3, column 'at': empty: a date is missing", 3, 3},
      {HEAD "a,2020-02-30,1,0\n", NULL, "'2020-02-30' is no date of the calendar", 2, 3},
      {HEAD "a,Jan 1 2000,1,0\n", NULL, "'Jan 1 2000' is no date such as", 2, 3},
      {HEAD "a,2020-01,1,0\nb,2020-01,1,0\na,2020-02,1,0\n", "id",
       "row 4, column 'id': the series 'a' goes on here, but began at row 2", 4, 1},
      {HEAD "a,2020-01,1,0\na,2020-02,,\na,2020-03,,0\n", NULL, "row 3, column 'x': empty: a number is missing", 3, 12},
      {HEAD "a,2020-01,1,0\na,2020-02,one,1\n", NULL, "row 3, column 'y': 'one' is no number", 3, 11},
      {HEAD "a,2020-01,1,0\na,2020-03,,0\na,2020-04,,0\n", NULL, "there is no row for 2020-02, and the column 'x' must say", 0, 0},
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

/* A date that is missing is a row without values; neither it nor an empty cell is seen, and what they are taken as is a choice. */
static void gaps(void **state) {
  (void)state;
  static const char csv[] = HEAD "a,2020-01,,7\na,2020-02,1,\na,2020-05,4,1\na,2020-06,NA,2\na,2020-07,6,3\na,2020-08,,4\n";
  static const struct {
    enum series_fill fill;
    double y[7], x[7];
  } rows[] = {{FILL_NONE, {1, 1, 1, 1, 4, 4, 6}, {7, 7, 7, 7, 1, 2, 3}},
              {FILL_LAST, {1, 1, 1, 1, 4, 4, 6}, {7, 7, 7, 7, 1, 2, 3}},
              {FILL_ZERO, {0, 1, 0, 0, 4, 0, 6}, {7, 0, 0, 0, 1, 2, 3}},
              {FILL_MEAN, {11 / 3.0, 1, 11 / 3.0, 11 / 3.0, 4, 11 / 3.0, 6}, {7, 3.4, 3.4, 3.4, 1, 2, 3}}};
  for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
    loaded x;
    unroll_error err = {0};
    char at[TIME_TEXT];
    part p;
    if (load_dates(&x, FORECAST, csv, "id", SCALING_NONE, &err)) fail_msg("%s", err.message);
    assert_int_equal(x.d.calendar.missing, 2);
    assert_int_equal(x.d.calendar.known[0], 7);
    calendar_write(&x.d, 0, 3, at);
    assert_string_equal(at, "2020-04");
    static const uint8_t y_seen[] = {0, 1, 0, 0, 1, 0, 1}, x_seen[] = {1, 0, 0, 0, 1, 1, 1, 1};
    assert_memory_equal(x.d.columns[0].seen, y_seen, sizeof y_seen);
    assert_memory_equal(x.d.columns[1].seen, x_seen, sizeof x_seen);
    for (int i = 0; i < 2; i++) x.d.calendar.ends[i][0] = 7;
    x.s.time.fill = rows[k].fill;
    assert_int_equal(dataset_has_gaps(&x.d, &x.s), rows[k].fill == FILL_NONE);
    assert_int_equal(calendar_part(&p, &x.d, &x.s, CALENDAR_WHOLE, 1, &err), UNROLL_OK);
    assert_int_equal(p.n_symbols, rows[k].fill == FILL_NONE ? 3 : 7);
    part_free(&p);
    x.d.columns[1].exact = mem_zero(8, sizeof(double)); /* as before it was encoded */
    for (int t = 0; t < 8; t++) x.d.columns[1].exact[t] = (double)x.d.columns[1].numbers[t];
    dataset_fill(&x.d, &x.s);
    for (int t = 0; t < 7; t++) {
      assert_float_equal(x.d.columns[0].exact[t], rows[k].y[t], 1e-6);
      if (k != 3) assert_float_equal(x.d.columns[1].exact[t], rows[k].x[t], 1e-6);
    }
    loaded_free(&x);
  }
}

/* Messages count the rows of the file, not those that were put between them. */
static void rows_after_gaps(void **state) {
  (void)state;
  static const char csv[] = HEAD "a,2020-01,1,7\na,2020-02,1,7\na,2020-05,2,8\nb,2020-01,3,5\nb,2020-02,4,6\n";
  loaded x;
  unroll_error err = {0};
  char told[100];
  if (load_dates(&x, FORECAST, csv, "id", SCALING_NONE, &err)) fail_msg("%s", err.message);
  assert_int_equal(x.d.n_sequences, 2);
  assert_int_equal(x.d.calendar.known[0], 5);
  dataset_tell(&x.d, 1, 0, told, sizeof told);
  assert_string_equal(told, "row 5, step 1 of test.csv");
  loaded_free(&x);
}

/* Where rows may be left out, what cannot be read was not observed; a series without any value is not there. */
static void left_out(void **state) {
  (void)state;
  static const char csv[] = HEAD "a,2020-01,1,7\na,2020-02,two,8\na,2020-02,3,8\na,2020-03,3,x\na,Sunday,3,8\na,2020-04,4,8\n"
                                 "b,2020-01,,8\nc,2020-01,5,9\n";
  loaded x;
  unroll_error err = {0};
  data_form forms[MAX_FORMS];
  int n;
  x = (loaded){0};
  assert_int_equal(lang_parse(&x.net, "test.net", FORECAST, &x.memory, &err), UNROLL_OK);
  assert_int_equal(data_forms_of(forms, &n, x.net, &err), UNROLL_OK);
  assert_int_equal(schema_new(&x.s, forms, n, &err), UNROLL_OK);
  x.s.time = (series_form){.time = mem_text("at"), .context = 4, .horizon = 2};
  assert_int_equal(table_parse(&x.t, "test.csv", mem_text(csv), strlen(csv), &err), UNROLL_OK);
  x.t.skip = true;
  assert_int_equal(schema_widths(&x.s, &x.t, &err), UNROLL_OK);
  assert_int_equal(loaded_graph(&x, &x.g, &err), UNROLL_OK);
  x.built = true;
  if (dataset_bind(&x.d, &x.t, &x.s, "id", BIND_TRUTH, &err)) fail_msg("%s", err.message);
  assert_int_equal(x.d.bad.n, 5); /* two, the second 2020-02, Sunday, x, and the series b */
  assert_int_equal(x.d.n_sequences, 2);
  assert_string_equal(calendar_name(&x.d, 1), "c");
  assert_int_equal(x.d.calendar.known[0], 4);
  assert_int_equal(x.d.calendar.known[1], 1);
  static const uint8_t y_seen[] = {1, 0, 1, 1, 1}, x_seen[] = {1, 1, 0, 1, 1};
  assert_memory_equal(x.d.columns[0].seen, y_seen, sizeof y_seen);
  assert_memory_equal(x.d.columns[1].seen, x_seen, sizeof x_seen);
  loaded_free(&x);
}

static int input_of(const graph *g, int data, int lag) {
  for (int i = 0; i < g->n_inputs; i++)
    if (g->inputs[i].data == data && g->inputs[i].lag == lag && !g->inputs[i].seen) return i;
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
  const struct CMUnitTest tests[] = {cmocka_unit_test(refused),  cmocka_unit_test(not_a_forecast),  cmocka_unit_test(parts),
                                     cmocka_unit_test(scales),   cmocka_unit_test(training_part),   cmocka_unit_test(batches),
                                     cmocka_unit_test(gaps),     cmocka_unit_test(rows_after_gaps), cmocka_unit_test(left_out),
                                     cmocka_unit_test(no_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
