/* test_values.c - tables in memory, results, figures and traces of unroll.h, with the right values. */
#include "made.h"

static void test_predict(void **state) {
  (void)state;
  unroll_table *t = make_sentences();
  unroll_model *m = make_model("tagger", tagger, t, few);
  unroll_result *r = NULL, *e = NULL, *again = NULL;
  unroll_value v;
  unroll_row row;
  unroll_value_init(&v);
  unroll_row_init(&row);
  unroll_options *all = unroll_options_new("predict");
  set(all, "probabilities", NULL);
  set(all, "top", "2");
  OK(unroll_predict(m, t, all, &r, err));
  assert_int_equal(unroll_result_rows(r), SENTENCES);
  assert_int_equal(unroll_result_variables(r), 1);
  assert_string_equal(unroll_result_variable(r, 0), "tag");
  assert_null(unroll_result_variable(r, 1));
  for (int i = 0; i < SENTENCES; i++) {
    OK(unroll_result_row(r, i, &row, err));
    OK(unroll_result_value(r, i, "tag", &v, err));
    assert_int_equal(row.example, i);
    assert_int_equal(v.steps, WORDS);
    assert_string_equal(v.text, "D N V");
    assert_int_equal(v.n_probabilities, 3);
    for (int s = 0; s < WORDS; s++) {
      double sum = 0;
      for (int k = 0; k < 3; k++) sum += (double)v.probabilities[s * 3 + k];
      assert_true(fabs(sum - 1) < 1e-5);
      assert_true(v.p[s] == v.probabilities[s * 3 + v.symbols[s]]);
      const int32_t *top = v.top + s * 2;
      assert_true(v.n_top == 2 && top[0] == v.symbols[s] && top[1] != top[0]);
      for (int k = 0; k < 2; k++) assert_true(v.top_p[s * 2 + k] == v.probabilities[s * 3 + top[k]]);
      assert_true(v.probabilities[s * 3 + 3 - top[0] - top[1]] <= v.top_p[s * 2 + 1]);
    }
    assert_string_equal(unroll_model_label(m, "tag", v.symbols[2], NULL), "V");
  }
  OK(unroll_evaluate(m, t, NULL, &e, err));
  assert_true(unroll_result_find(e, "variables/tag", "accuracy") == 1);
  assert_true(unroll_result_find(e, "", "sequences") == SENTENCES);
  assert_true(isnan(unroll_result_find(e, "variables/tag", "none")));
  assert_true(unroll_result_find(e, "variables/tag/labels/N", "support") == SENTENCES);
  /* The loss is the mean of -ln p of what is true, and here what is predicted. */
  double nats = 0;
  for (int i = 0; i < SENTENCES; i++) {
    OK(unroll_result_value(r, i, NULL, &v, err));
    for (int s = 0; s < WORDS; s++) nats -= log((double)v.p[s]);
  }
  assert_true(fabs(nats / (SENTENCES * WORDS) - unroll_result_find(e, "", "loss")) < 1e-5);
  OK(unroll_score_table(m, t, NULL, &again, err));
  double log2_p = 0;
  for (int i = 0; i < SENTENCES; i++) {
    OK(unroll_result_row(again, i, &row, err));
    log2_p += row.log2_p;
    OK(unroll_result_value(again, i, NULL, &v, err));
    assert_int_equal(v.n_log2_p, WORDS);
    assert_true(fabs((double)(v.log2_p[0] + v.log2_p[1] + v.log2_p[2]) - row.log2_p) < 1e-4);
  }
  assert_true(fabs(log2_p + nats / log(2)) < 1e-3);
  unroll_options_free(all);
  unroll_result_free(r);
  unroll_result_free(e);
  unroll_result_free(again);
  unroll_model_free(m);
  unroll_table_free(t);
}

/* A file and its bytes are the same model; one that is cut is none. */
static void test_load_memory(void **state) {
  char path[300];
  (void)state;
  in_folder(path, "tagger/model.safetensors");
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  char *bytes = malloc(1 << 20);
  const size_t size = fread(bytes, 1, 1 << 20, f);
  fclose(f);
  unroll_table *t = make_sentences();
  unroll_model *a = NULL, *b = NULL, *none = NULL;
  unroll_result *r[2] = {NULL, NULL};
  unroll_value v, w;
  unroll_error e;
  unroll_value_init(&v);
  unroll_value_init(&w);
  OK(unroll_model_load(&a, path, err));
  OK(unroll_model_load_memory(&b, bytes, size, err));
  assert_int_equal(unroll_model_load_memory(&none, bytes, size - 5, &e), UNROLL_BAD_INPUT);
  assert_null(none);
  free(bytes);
  unroll_options *all = unroll_options_new("predict");
  set(all, "probabilities", NULL);
  OK(unroll_predict(a, t, all, &r[0], err));
  OK(unroll_predict(b, t, all, &r[1], err));
  unroll_options_free(all);
  for (int i = 0; i < SENTENCES; i++) {
    OK(unroll_result_value(r[0], i, NULL, &v, err));
    OK(unroll_result_value(r[1], i, NULL, &w, err));
    assert_memory_equal(v.probabilities, w.probabilities, WORDS * 3 * sizeof(float));
  }
  for (int i = 0; i < 2; i++) unroll_result_free(r[i]);
  unroll_model_free(a);
  unroll_model_free(b);
  unroll_table_free(t);
}

static void test_variables(void **state) {
  char path[300];
  unroll_model *m = NULL;
  unroll_variable v;
  unroll_error e;
  (void)state;
  in_folder(path, "tagger/model.safetensors");
  OK(unroll_model_load(&m, path, err));
  unroll_variable_init(&v);
  assert_int_equal(unroll_model_variables(m), 3);
  OK(unroll_model_variable(m, 1, &v, err));
  assert_string_equal(v.name, "tag");
  assert_string_equal(v.distribution, "softmax");
  assert_true(v.predicted && !v.fed_back && v.has_steps && v.symbols == 3 && v.width == 0);
  OK(unroll_model_variable(m, 2, &v, err));
  assert_true(!v.predicted && v.symbols == 0 && v.width == 2 && !v.distribution);
  assert_int_equal(unroll_model_variable(m, 3, &v, &e), UNROLL_USAGE);
  assert_null(unroll_model_label(m, "tag", 3, NULL));
  assert_null(unroll_model_label(m, "x", 0, NULL));
  assert_null(unroll_model_label(m, "none", 0, NULL));
  int64_t weights = 0;
  unroll_parameter p;
  unroll_parameter_init(&p);
  for (int i = 0; i < unroll_model_parameters(m); i++) {
    OK(unroll_model_parameter(m, i, &p, err));
    weights += (int64_t)p.rows * p.columns;
    assert_true(*p.name && isfinite(p.data[(int64_t)p.rows * p.columns - 1]));
    if (!strcmp(p.name, "W")) assert_true(p.rows == 3 && p.columns == 8);
  }
  assert_true(weights == unroll_model_weights(m));
  assert_int_equal(unroll_model_parameter(m, unroll_model_parameters(m), &p, &e), UNROLL_USAGE);
  int nets = 0, cells = 0;
  while (unroll_net_name(nets)) nets++;
  while (unroll_cell_name(cells)) cells++;
  assert_true(nets > 10 && cells > 20);
  unroll_model_free(m);
}

/* h = 0.5 h[t-1] + x with x = 1: 1, 1.5, 1.75 ... */
static void test_trace(void **state) {
  static const char net[] = "data x : numbers\ndata y : numbers\nh = 0.5 * h[t-1] + x\ny ~ gaussian(mean = W h, scale = 1)\n";
  static const char *const names[] = {"h", "x", "y"}, *const wrong[] = {"hh"};
  float ones[12], zeros[12] = {0};
  const int64_t first[] = {0, 4, 7, 12};
  (void)state;
  for (int i = 0; i < 12; i++) ones[i] = 1, zeros[i] = (float)i;
  unroll_table *t = unroll_table_new();
  OK(unroll_table_add_sequences(t, "x", ones, first, 3, 1, err));
  OK(unroll_table_add_sequences(t, "y", zeros, first, 3, 1, err));
  unroll_model *m = make_model("line", net, t, (const char *const[]){"steps", "1", NULL});
  unroll_result *r = NULL;
  unroll_value v;
  unroll_error e;
  unroll_value_init(&v);
  OK(unroll_trace(m, t, names, 3, NULL, &r, err));
  for (int i = 0; i < 3; i++) {
    double h = 0;
    OK(unroll_result_value(r, i, "x", &v, err));
    assert_true(v.steps == first[i + 1] - first[i] && v.width == 1 && v.numbers[0] == 1);
    OK(unroll_result_value(r, i, "h", &v, err));
    assert_int_equal(v.steps, first[i + 1] - first[i]);
    assert_int_equal(v.width, 1);
    for (int s = 0; s < v.steps; s++) {
      h = 0.5 * h + 1;
      assert_true(v.numbers[s] == h);
    }
  }
  unroll_result_free(r);
  r = NULL;
  assert_int_equal(unroll_trace(m, t, wrong, 1, NULL, &r, &e), UNROLL_USAGE);
  assert_non_null(strstr(e.message, "'h'"));
  assert_null(r);
  unroll_model_free(m);
  unroll_table_free(t);
}

static int count_rows(void *context, const unroll_result *r) {
  int *n = context;
  unroll_row row;
  unroll_row_init(&row);
  assert_int_equal(unroll_result_rows(r), 1);
  OK(unroll_result_row(r, 0, &row, NULL));
  assert_int_equal(row.example, *n);
  return ++*n == 2;
}

/* What was likeliest at each step: the truth is as likely as its score says. And only the first examples; a row at a time. */
static void test_trace_top(void **state) {
  static const char net[] = "data token : chars lines\nh = rnn(embed(token[t-1], 4), 6)\ntoken ~ softmax(W h + b)\n";
  static const char *const texts[] = {"ab", "abba", "b", ""}, *const names[] = {"token", "h"}, *const state_only[] = {"h"};
  unroll_result *r = NULL, *scores = NULL;
  unroll_value v, score;
  int rows = 0;
  (void)state;
  unroll_value_init(&v);
  unroll_value_init(&score);
  unroll_table *t = unroll_table_new();
  unroll_options *o = unroll_options_new("trace");
  OK(unroll_table_add_texts(t, "token", texts, NULL, 4, err));
  unroll_model *m = make_model("top", net, t, (const char *const[]){"steps", "20", NULL});
  set(o, "top", "9"); /* of a, b and the end */
  OK(unroll_trace(m, t, names, 2, o, &r, err));
  OK(unroll_score_table(m, t, NULL, &scores, err));
  assert_int_equal(unroll_result_rows(r), 4);
  for (int i = 0; i < 4; i++) {
    OK(unroll_result_value(r, i, "token", &v, err));
    OK(unroll_result_value(scores, i, "token", &score, err));
    assert_int_equal(v.steps, strlen(texts[i]));
    assert_int_equal(v.n_top, 3);
    for (int s = 0; s < v.steps; s++) {
      double sum = 0, truth = 0;
      for (int k = 0; k < 3; k++) {
        const float p = v.top_p[s * 3 + k];
        assert_true(k == 0 || p <= v.top_p[s * 3 + k - 1]);
        sum += (double)p;
        if (v.top[s * 3 + k] == v.symbols[s]) truth = (double)p;
      }
      assert_true(fabs(sum - 1) < 1e-5);
      assert_true(fabs(log2(truth) - score.log2_p[s]) < 1e-4);
    }
  }
  unroll_result_free(r);
  assert_int_equal(unroll_trace(m, t, state_only, 1, o, &r, NULL), UNROLL_USAGE);
  set(o, "first", "3");
  OK(unroll_trace(m, t, names, 2, o, &r, err));
  assert_int_equal(unroll_result_rows(r), 3);
  unroll_result_free(r);
  unroll_options_set_rows(o, count_rows, &rows);
  OK(unroll_trace(m, t, names, 2, o, &r, err));
  assert_int_equal(rows, 2);
  unroll_result_free(r);
  unroll_result_free(scores);
  unroll_options_free(o);
  unroll_model_free(m);
  unroll_table_free(t);
}

/* What named values are. */
static void test_named(void **state) {
  static const char net[] = "data source : chars\ndata target : chars\ns = lstm(embed(source, 4), 6)\n"
                            "d = lstm(embed(target[t-1], 4), 6)\na = attend(d, s)\ntarget ~ softmax(W [d, a] + b)\n";
  static const char *const texts[] = {"ab", "ba"};
  static const struct {
    const char *name;
    int width, is_state, is_gate;
    const char *along, *over;
  } known[] = {{"s.i", 6, 0, 1, "source", NULL},
               {"s.c", 6, 1, 0, "source", NULL},
               {"d", 6, 1, 0, "target", NULL},
               {"a.weights", 0, 0, 0, "target", "source"},
               {"a", 6, 0, 0, "target", NULL}};
  size_t found = 0;
  (void)state;
  unroll_named x;
  unroll_named_init(&x);
  unroll_table *t = unroll_table_new();
  OK(unroll_table_add_texts(t, "source", texts, NULL, 2, err));
  OK(unroll_table_add_texts(t, "target", texts, NULL, 2, err));
  unroll_model *m = make_model("named", net, t, (const char *const[]){"steps", "1", NULL});
  for (int i = 0; unroll_model_value(m, i); i++) {
    OK(unroll_model_named(m, i, &x, err));
    assert_string_equal(x.name, unroll_model_value(m, i));
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
      if (strcmp(known[k].name, x.name) != 0) continue;
      assert_int_equal(x.width, known[k].width);
      assert_int_equal(x.is_state, known[k].is_state);
      assert_int_equal(x.is_gate, known[k].is_gate);
      assert_int_equal(x.has_steps, 1);
      assert_string_equal(x.along, known[k].along);
      assert_true(known[k].over ? x.over && !strcmp(x.over, known[k].over) : !x.over);
      found++;
    }
  }
  assert_int_equal(found, sizeof known / sizeof *known);
  unroll_model_free(m);
  unroll_table_free(t);
}

/* Weights over the positions of a picture: how these lie, and of which data they are. */
static void test_named_grid(void **state) {
  static const char net[] = "data p : image(1, 6, 8) whole\ndata w : words\nu = pool(relu(conv(p, 3, 3)), 2)\nwidth look = 3\n"
                            "look = blend(softmax(match(Q h[t-1], u)), u)\nh = gru([embed(w[t-1], 3), look], 4)\n"
                            "whole = blend(softmax(match(R h, p)), p)\nwidth whole = 1\nw ~ softmax(W h + V whole + b)\n";
  static const char *const texts[] = {"a b", "b"};
  static const struct {
    const char *name;
    int width, rows, columns;
  } known[] = {{"look.weights", 12, 3, 4}, {"look", 3, 0, 0}, {"whole.weights", 48, 6, 8}};
  float pixels[2 * 48];
  size_t found = 0;
  unroll_named x;
  (void)state;
  for (size_t i = 0; i < sizeof pixels / sizeof *pixels; i++) pixels[i] = (float)(i % 5) / 4;
  unroll_named_init(&x);
  unroll_table *t = unroll_table_new();
  OK(unroll_table_add_vectors(t, "p", pixels, 2, 48, err));
  OK(unroll_table_add_texts(t, "w", texts, NULL, 2, err));
  unroll_model *m = make_model("grid", net, t, (const char *const[]){"steps", "1", NULL});
  for (int i = 0; unroll_model_value(m, i); i++) {
    OK(unroll_model_named(m, i, &x, err));
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
      if (strcmp(known[k].name, x.name) != 0) continue;
      assert_int_equal(x.width, known[k].width);
      assert_int_equal(x.rows, known[k].rows);
      assert_int_equal(x.columns, known[k].columns);
      assert_true(known[k].rows ? x.over && !strcmp(x.over, "p") : !x.over);
      found++;
    }
  }
  assert_int_equal(found, sizeof known / sizeof *known);
  unroll_result *r = NULL;
  OK(unroll_trace(m, t, (const char *const[]){"look.weights"}, 1, NULL, &r, err));
  unroll_value v;
  unroll_value_init(&v);
  OK(unroll_result_value(r, 0, "look.weights", &v, err));
  double sum = 0;
  for (int i = 0; i < v.width; i++) sum += v.numbers[i];
  assert_true(v.steps == 3 && v.width == 12 && fabs(sum - 1) < 1e-5);
  unroll_result_free(r);
  unroll_model_free(m);
  unroll_table_free(t);
}

/* Gates inside a cell, and what an attention weighs: as many as the source has steps, 1 together. */
static void test_trace_inside(void **state) {
  static const char net[] = "data source : chars\ndata target : chars\ncell = lstm\ns = cell(embed(source, 4), 6)\n"
                            "d = cell(embed(target[t-1], 4), 6)\na = attend(d, s)\ntarget ~ softmax(W [d, a] + b)\n";
  static const char *const source[] = {"ab", "abba", "b"}, *const target[] = {"ba", "abba", "b"};
  static const char *const names[] = {"a.weights", "s.i", "s.c", "source", "target", "weights"}, *const twice[] = {"i"};
  (void)state;
  unroll_table *t = unroll_table_new();
  OK(unroll_table_add_texts(t, "source", source, NULL, 3, err));
  OK(unroll_table_add_texts(t, "target", target, NULL, 3, err));
  unroll_model *m = make_model("attend", net, t, (const char *const[]){"steps", "3", NULL});
  unroll_result *r = NULL;
  unroll_value v;
  unroll_value_init(&v);
  assert_int_equal(unroll_trace(m, t, twice, 1, NULL, &r, NULL), UNROLL_USAGE); /* s.i or d.i? */
  OK(unroll_trace(m, t, names, 6, NULL, &r, err));
  for (int i = 0; i < 3; i++) {
    OK(unroll_result_value(r, i, "source", &v, err)); /* what went in, without the end symbol */
    assert_true(v.steps == (int64_t)strlen(source[i]) && !strcmp(v.text, source[i]));
    OK(unroll_result_value(r, i, "target", &v, err));
    assert_true(v.steps == (int64_t)strlen(target[i]) && !strcmp(v.text, target[i]));
    OK(unroll_result_value(r, i, "weights", &v, err)); /* the only one */
    assert_int_equal(v.width, strlen(source[i]));
    OK(unroll_result_value(r, i, "a.weights", &v, err));
    assert_int_equal(v.width, strlen(source[i]));
    assert_int_equal(v.steps, strlen(target[i]) + 1);
    for (int s = 0; s < v.steps; s++) {
      double sum = 0;
      for (int k = 0; k < v.width; k++) sum += v.numbers[s * v.width + k];
      assert_true(fabs(sum - 1) < 1e-5);
    }
    OK(unroll_result_value(r, i, "s.i", &v, err));
    assert_int_equal(v.width, 6);
    assert_int_equal(v.steps, strlen(source[i]));
    for (int k = 0; k < v.width * v.steps; k++) assert_true(v.numbers[k] > 0 && v.numbers[k] < 1);
    OK(unroll_result_value(r, i, "s.c", &v, err));
    assert_true(v.numbers[0] != 0);
  }
  unroll_result_free(r);
  /* The same net generates: two hypotheses of a beam, in order; draws are others. */
  unroll_options *o = unroll_options_new("predict");
  unroll_row row;
  unroll_row_init(&row);
  set(o, "beam", "3");
  set(o, "n-best", "2");
  OK(unroll_predict(m, t, o, &r, err));
  assert_int_equal(unroll_result_rows(r), 6);
  double last = 0;
  for (int i = 0; i < 6; i++) {
    OK(unroll_result_row(r, i, &row, err));
    assert_int_equal(row.example, i / 2);
    assert_int_equal(row.number, i % 2);
    assert_true(row.log2_p < 0 && (i % 2 == 0 || row.log2_p <= last));
    last = row.log2_p;
  }
  unroll_result_free(r);
  unroll_options_free(o);
  unroll_model_free(m);
  unroll_table_free(t);
}

static void test_forecast(void **state) {
  static const char net[] = "data y : number\ndata when : time month\nparam c\ncell = gru\nh = cell([y[t-1], when], 6)\n"
                            "y ~ gaussian(mean = Wm h + b, scale = 0.1 + softplus(Ws h + c))\n";
  enum { N = 48 };
  char dates[N][16];
  const char *date[N];
  double y[N];
  (void)state;
  for (int i = 0; i < N; i++) {
    snprintf(dates[i], sizeof dates[i], "%d-%02d-01", 2020 + i / 12, i % 12 + 1);
    date[i] = dates[i];
    y[i] = 3 + sin(i * 0.5);
  }
  unroll_table *t = unroll_table_new();
  OK(unroll_table_add_texts(t, "month", date, NULL, N, err));
  OK(unroll_table_add_numbers(t, "y", y, N, err));
  unroll_model *m =
      make_model("series", net, t, (const char *const[]){"time", "month", "horizon", "3", "context", "9", "steps", "5", NULL});
  unroll_options *o = unroll_options_new("predict");
  unroll_result *r = NULL;
  unroll_row row;
  unroll_value v;
  unroll_row_init(&row);
  unroll_value_init(&v);
  set(o, "samples", "50");
  set(o, "quantiles", "0.1,0.9");
  OK(unroll_predict(m, t, o, &r, err));
  assert_int_equal(unroll_result_rows(r), 1);
  OK(unroll_result_row(r, 0, &row, err));
  OK(unroll_result_value(r, 0, "y", &v, err));
  assert_int_equal(v.steps, 3);
  assert_string_equal(row.times[0], "2024-01-01");
  assert_string_equal(row.series, "");
  assert_int_equal(v.n_levels, 2);
  for (int h = 0; h < 3; h++)
    assert_true(v.quantiles[2 * h] < v.numbers[h] && v.numbers[h] < v.quantiles[2 * h + 1] && v.levels[1] == 0.9);
  unroll_result_free(r);
  unroll_options_free(o);
  unroll_model_free(m);
  unroll_table_free(t);
}

/* Of a text: rows are lines, as the function for one text has them. */
static void test_text(void **state) {
  static const char net[] = "data c : chars lines\nh = gru(embed(c[t-1], 4), 6)\nc ~ softmax(W h + b)\n";
  static const char *const lines[] = {"anna", "", "otto", "hannah \"h\""};
  (void)state;
  unroll_table *t = unroll_table_new();
  OK(unroll_table_add_texts(t, "c", lines, NULL, 4, err));
  unroll_model *m = make_model("text", net, t, (const char *const[]){"steps", "4", NULL});
  unroll_result *r = NULL;
  unroll_row row;
  unroll_value v;
  unroll_row_init(&row);
  unroll_value_init(&v);
  OK(unroll_score_table(m, t, NULL, &r, err));
  assert_int_equal(unroll_result_rows(r), 4);
  for (int i = 0; i < 4; i++) {
    double log2_p = 0;
    OK(unroll_result_row(r, i, &row, err));
    OK(unroll_result_value(r, i, NULL, &v, err));
    OK(unroll_score(m, lines[i], strlen(lines[i]), &log2_p, NULL, err));
    assert_string_equal(v.text, lines[i]);
    assert_true(fabs(log2_p - row.log2_p) < 1e-3);
  }
  unroll_result_free(r);
  unroll_options *o = unroll_options_new("sample");
  set(o, "number", "3");
  OK(unroll_generate(m, o, &r, err));
  assert_int_equal(unroll_result_rows(r), 3);
  unroll_sample_options one;
  unroll_sample_options_init(&one);
  char *text = NULL;
  OK(unroll_sample(m, &one, &text, NULL, err));
  OK(unroll_result_value(r, 0, NULL, &v, err));
  assert_string_equal(v.text, text);
  unroll_free(text);
  unroll_result_free(r);
  unroll_options_free(o);
  unroll_model_free(m);
  unroll_table_free(t);
}

/* A model that learnt from tagged files takes sentences from memory: a row each, with the words side by side. */
static void test_tagged(void **state) {
  static const char net[] =
      "data text : words\ndata tag : category\ncell = gru\nh = cell(embed(text, 6), 8)\ntag ~ softmax(W h + b)\n";
  static const char *const sentences[] = {"the cat", "a dog ran"};
  char path[300];
  (void)state;
  in_folder(path, "tagged.txt");
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  for (int i = 0; i < 20; i++) fputs("the D\ncat N\n\na D\ndog N\nran V\n\n", f);
  fclose(f);
  unroll_table *files = unroll_table_new(), *t = unroll_table_new();
  OK(unroll_table_read(files, path, err));
  OK(unroll_table_add_texts(t, "text", sentences, NULL, 2, err));
  unroll_model *m =
      make_model("fromtagged", net, files, (const char *const[]){"tagged", "text,tag", "steps", "40", "lr", "0.02", NULL});
  unroll_result *r = NULL;
  unroll_value v;
  unroll_value_init(&v);
  OK(unroll_predict(m, t, NULL, &r, err));
  assert_int_equal(unroll_result_rows(r), 2);
  OK(unroll_result_value(r, 0, "tag", &v, err));
  assert_string_equal(v.text, "D N");
  OK(unroll_result_value(r, 1, "tag", &v, err));
  assert_string_equal(v.text, "D N V");
  unroll_result_free(r);
  unroll_model_free(m);
  unroll_table_free(files);
  unroll_table_free(t);
}

static void test_table_refuses(void **state) {
  static const char *const two[] = {"a", "b"}, *const hole[] = {"a", NULL};
  const double x[] = {1, (double)INFINITY};
  const int64_t back[] = {0, 2, 1};
  unroll_error e;
  (void)state;
  unroll_table *t = unroll_table_new();
  OK(unroll_table_add_texts(t, "a", two, NULL, 2, err));
  assert_int_equal(unroll_table_add_texts(t, "a", two, NULL, 2, &e), UNROLL_USAGE);
  assert_int_equal(unroll_table_add_texts(t, "b", two, NULL, 1, &e), UNROLL_USAGE);
  assert_int_equal(unroll_table_add_texts(t, "b", hole, NULL, 2, &e), UNROLL_USAGE);
  assert_int_equal(unroll_table_add_texts(t, "b", two, (const size_t[]){2, 1}, 2, &e), UNROLL_USAGE); /* a NUL */
  assert_int_equal(unroll_table_add_texts(t, "", two, NULL, 2, &e), UNROLL_USAGE);
  assert_int_equal(unroll_table_add_numbers(t, "b", x, 2, &e), UNROLL_USAGE);
  assert_int_equal(unroll_table_add_sequences(t, "b", (const float[]){1, 2}, back, 2, 1, &e), UNROLL_USAGE);
  assert_int_equal(unroll_table_add_vectors(t, "b", (const float[]){1, 2}, 2, 0, &e), UNROLL_USAGE);
  assert_int_equal(unroll_table_read(t, "file.csv", &e), UNROLL_USAGE);
  unroll_table_free(t);
}

/* A caller whose structs end earlier: nothing behind them is touched, what he knows is there. */
static void test_older_caller(void **state) {
  char path[300];
  unroll_model *m = NULL;
  union {
    unroll_variable v;
    unsigned char bytes[sizeof(unroll_variable)];
  } old;
  union {
    unroll_sample_options o;
    unsigned char bytes[sizeof(unroll_sample_options)];
  } less;
  const size_t size = offsetof(unroll_variable, has_steps);
  (void)state;
  in_folder(path, "tagger/model.safetensors");
  OK(unroll_model_load(&m, path, err));
  memset(old.bytes, 0xa5, sizeof old.bytes);
  unroll_variable_init_sized(&old.v, size);
  OK(unroll_model_variable(m, 0, &old.v, err));
  assert_true(old.v.size == size);
  assert_string_equal(old.v.name, "text");
  for (size_t i = size; i < sizeof old.bytes; i++) assert_int_equal(old.bytes[i], 0xa5);
  memset(less.bytes, 0xa5, sizeof less.bytes);
  unroll_sample_options_init_sized(&less.o, offsetof(unroll_sample_options, length));
  assert_true(less.o.temperature == 1);
  for (size_t i = offsetof(unroll_sample_options, length); i < sizeof less.bytes; i++) assert_int_equal(less.bytes[i], 0xa5);
  unroll_model_free(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_predict),    cmocka_unit_test(test_load_memory),   cmocka_unit_test(test_variables),
      cmocka_unit_test(test_trace),      cmocka_unit_test(test_trace_top),     cmocka_unit_test(test_named),
      cmocka_unit_test(test_named_grid), cmocka_unit_test(test_trace_inside),  cmocka_unit_test(test_forecast),
      cmocka_unit_test(test_text),       cmocka_unit_test(test_table_refuses), cmocka_unit_test(test_older_caller),
      cmocka_unit_test(test_tagged),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
