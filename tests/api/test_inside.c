/* test_inside.c - nets that are looked into: parameters, settings, plan; facts of cells; the check of gradients; tensors; made-up
 * data; and a training that is watched. */
#include "made.h"

static void test_net(void **state) {
  unroll_options *o = unroll_options_new("explain");
  unroll_net *n = NULL;
  unroll_parameter p;
  unroll_setting s;
  char *text = NULL;
  int64_t all = 0;
  (void)state;
  unroll_parameter_init(&p);
  unroll_setting_init(&s);
  set(o, "set", "hidden=3");
  set(o, "set", "input=2");
  set(o, "batch", "4");
  OK(unroll_net_new(&n, "rnn", o, err));
  assert_int_equal(unroll_net_parameters(n), 3); /* W [3][2], U [3][3], b */
  for (int i = 0; i < 3; i++) {
    OK(unroll_net_parameter(n, i, &p, err));
    assert_true(p.rows == 3 && !p.data);
    assert_true(p.is_vector == (p.name[0] == 'b'));
    all += (int64_t)p.rows * p.columns;
  }
  assert_int_equal(all, 18);
  assert_int_equal(unroll_net_weights(n), 18);
  OK(unroll_net_setting(n, 0, &s, err));
  assert_true(s.word || s.number == 2 || s.number == 3);
  assert_non_null(strstr(unroll_net_equations(n), "tanh"));
  assert_non_null(strstr(unroll_net_gradient(n), "dh"));
  assert_null(unroll_net_plan_text(n));
  OK(unroll_net_plan(n, err));
  assert_true(unroll_net_operations(n) > 0 && unroll_net_bytes(n) > 0 && *unroll_net_plan_text(n));
  OK(unroll_net_text(n, &text, err));
  assert_non_null(strstr(text, unroll_net_plan_text(n)));
  unroll_free(text);
  unroll_net_free(n);
  unroll_error e = {0};
  assert_int_equal(unroll_net_new(&n, "rnm", o, &e), UNROLL_BAD_INPUT);
  assert_non_null(strstr(e.message, "'rnn'"));
  assert_null(n);
  assert_int_equal(unroll_net_trains("names"), 1);
  assert_int_equal(unroll_net_trains("rnn"), 0); /* a cell */
  unroll_options_free(o);
}

/* N = 256, M = 64: W is N M, U is N N, b is N. */
static void test_facts(void **state) {
  unroll_result *r = NULL;
  unroll_figure f;
  bool found = false;
  (void)state;
  unroll_figure_init(&f);
  OK(unroll_cell_facts("rnn", &r, err));
  assert_true(unroll_result_find(r, "", "parameters") == 256 * 256 + 256 * 64 + 256);
  assert_true(unroll_result_find(r, "", "products") == 2);
  assert_true(unroll_result_find(r, "", "on_cycle") == 1);
  assert_true(unroll_result_find(r, "", "state") == 256);
  for (int i = 0; i < unroll_result_figures(r); i++) {
    OK(unroll_result_figure(r, i, &f, err));
    if (strcmp(f.name, "formula")) continue;
    assert_string_equal(f.word, "N² + N M + N");
    found = true;
  }
  assert_true(found);
  unroll_result_free(r);
}

static void test_check(void **state) {
  unroll_options *o = unroll_options_new("check");
  unroll_result *r = NULL;
  char dump[300], out[300];
  (void)state;
  in_folder(dump, "dump.safetensors");
  set(o, "dump", dump);
  OK(unroll_check("rnn", o, &r, err));
  assert_true(unroll_result_find(r, "", "passed") == 1);
  const double worst = unroll_result_find(r, "", "worst_difference");
  assert_true(worst >= 0 && worst < 1e-6 && unroll_result_find(r, "", "worst_plan") < 1e-4);
  assert_true(unroll_result_find(r, "parameters/h.Whh", "rows") == unroll_result_find(r, "parameters/h.Whh", "columns"));
  assert_true(isnan(unroll_result_find(r, "parameters/h.b", "columns")));
  unroll_result_free(r);
  unroll_options_free(o);
  /* Tensors that are missing are refused by name. */
  unroll_error e = {0};
  o = unroll_options_new("run");
  in_folder(out, "out.safetensors");
  assert_int_equal(unroll_run("rnn", o, &e), UNROLL_USAGE);
  set(o, "weights", dump);
  set(o, "inputs", dump);
  set(o, "output", out);
  assert_int_equal(unroll_run("rnn", o, &e), UNROLL_BAD_INPUT);
  unroll_options_free(o);
}

/* Sequences are a function of seed and number; those made one by one are those made at once. */
static void test_task(void **state) {
  unroll_options *o = unroll_options_new("task");
  char *all = NULL, *one = NULL, *two = NULL;
  size_t n, n1, n2;
  unroll_error e = {0};
  (void)state;
  set(o, "seed", "7");
  set(o, "length", "5");
  OK(unroll_task("adding", o, 0, 2, &all, &n, err));
  OK(unroll_task("adding", o, 0, 1, &one, &n1, err));
  OK(unroll_task("adding", o, 1, 1, &two, &n2, err));
  assert_true(n == n1 + n2 && !memcmp(all, one, n1) && !memcmp(all + n1, two, n2));
  assert_true(!strncmp(all, "id,x1,x2,y\n", 11) && strncmp(two, "id,", 3) != 0);
  int lines = 0;
  for (size_t i = 0; i < n; i++) lines += all[i] == '\n';
  assert_int_equal(lines, 11);
  unroll_free(all);
  unroll_free(one);
  unroll_free(two);
  assert_int_equal(unroll_task("xml", o, 0, 1, &all, &n, &e), UNROLL_USAGE);
  assert_int_equal(unroll_task("copi", NULL, 0, 1, &all, &n, &e), UNROLL_USAGE);
  assert_non_null(strstr(e.message, "'copy'"));
  unroll_options_free(o);
}

typedef struct seen {
  int starts, steps, validated, best;
  int64_t total, weights;
} seen;

static void on_start(void *context, const unroll_start *s) {
  seen *x = context;
  x->starts++;
  x->total = s->total_steps;
  x->weights = s->weights;
  assert_string_equal(s->counted, "label");
  assert_true(s->threads == 1 && !s->resumed && !s->replaces && s->known > 0);
}

static int on_step(void *context, const unroll_progress *p) {
  seen *x = context;
  x->steps++;
  x->validated += p->validated;
  x->best += p->best;
  assert_int_equal(p->step, x->steps);
  return p->step == x->total - 1; /* one too early */
}

static void test_watched(void **state) {
  static const char *const rows[][2] = {{"steps", "6"}, {"valid", "0.25"}, {"batch", "8"}, {"threads", "1"}, {"quiet", NULL}};
  char file[300], out[300];
  seen x = {0};
  unroll_watch w;
  unroll_result *r = NULL;
  unroll_model *m = NULL;
  (void)state;
  in_folder(file, "watched.net");
  in_folder(out, "watched");
  FILE *f = fopen(file, "w");
  assert_non_null(f);
  fputs(tagger, f);
  fclose(f);
  unroll_table *t = make_sentences();
  unroll_options *o = unroll_options_new("train");
  set(o, "net", file);
  set(o, "output", out);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) set(o, rows[i][0], rows[i][1]);
  unroll_watch_init(&w);
  w.context = &x;
  w.start = on_start;
  w.progress = on_step;
  unroll_error e = {0};
  assert_int_equal(unroll_train_watched(o, t, &w, &m, &r, &e), UNROLL_INTERRUPTED);
  assert_true(!m && !r && x.starts == 1 && x.steps == 5);
  w.start = NULL;
  w.progress = NULL;
  OK(unroll_train_watched(o, t, &w, &m, &r, err));
  assert_true(unroll_result_find(r, "", "steps") == 6);
  assert_true(unroll_result_find(r, "", "valid_loss") > 0 && isnan(unroll_result_find(r, "", "test_loss")));
  assert_int_equal(unroll_model_weights(m), x.weights);
  unroll_result_free(r);
  unroll_model_free(m);
  unroll_options_free(o);
  unroll_table_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_net), cmocka_unit_test(test_facts), cmocka_unit_test(test_check),
                                     cmocka_unit_test(test_task), cmocka_unit_test(test_watched)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
