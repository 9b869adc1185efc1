/* test_null.c - NULL where it must not be is UNROLL_USAGE in every function of unroll.h; where it may be, nothing happens. */
#include "made.h"

#define NO(call)                                                                                                                   \
  do {                                                                                                                             \
    unroll_error e_ = {0}, *const err = &e_;                                                                                       \
    assert_int_equal((call), UNROLL_USAGE);                                                                                        \
    assert_non_null(strstr(e_.message, "NULL"));                                                                                   \
  } while (0)
/* Options, or a session's value: with another message. */
#define NOT(call) assert_int_equal((call), UNROLL_USAGE)

static void test_arguments(void **state) {
  (void)state;
  unroll_table *t = make_sentences();
  unroll_model *m = make_model("tagger", tagger, t, few), *made = NULL;
  unroll_session *s = NULL, *other = NULL;
  unroll_result *r = NULL, *none = NULL;
  unroll_options *o = unroll_options_new("train");
  unroll_sample_options how;
  unroll_value v;
  unroll_named named;
  unroll_row row;
  unroll_figure f;
  unroll_variable x;
  unroll_parameter w;
  unroll_subject subject;
  unroll_confusion table;
  unroll_error message;
  unroll_setting setting;
  unroll_net *net = NULL;
  const char *const names[] = {"h"}, *const hole[] = {NULL};
  const double one = 0.5;
  const float *at;
  float q;
  char *text = NULL;
  double log2_p;
  void *bytes = NULL;
  size_t size = 0;
  int width;
  unroll_sample_options_init(&how);
  unroll_value_init(&v);
  unroll_row_init(&row);
  unroll_figure_init(&f);
  unroll_variable_init(&x);
  unroll_parameter_init(&w);
  OK(unroll_session_new(&s, m, err));
  OK(unroll_predict(m, t, NULL, &r, err));
  unroll_listener *l = NULL;
  const char *heard;
  NO(unroll_listener_new(NULL, m, err));
  NO(unroll_listener_new(&l, NULL, err));
  NOT(unroll_listener_new(&l, m, NULL));
  NO(unroll_listener_take(NULL, "", 0, 1, &heard, err));
  unroll_listener_free(NULL);
  NO(unroll_limit(NULL, "1", err));
  NO(unroll_model_load(NULL, "x", err));
  NO(unroll_model_load(&made, NULL, err));
  NO(unroll_model_load_memory(NULL, "x", 1, err));
  NO(unroll_model_load_memory(&made, NULL, 0, err));
  NO(unroll_model_set_precision(NULL, "fp32", err));
  OK(unroll_model_set_precision(m, NULL, err));
  NO(unroll_model_variable(NULL, 0, &x, err));
  NO(unroll_model_variable(m, 0, NULL, err));
  NO(unroll_model_parameter(NULL, 0, &w, err));
  NO(unroll_model_parameter(m, 0, NULL, err));
  NOT(unroll_options_set(NULL, "lr", "1", NULL));
  NOT(unroll_options_set(o, NULL, "1", NULL));
  NO(unroll_table_read(NULL, "x", err));
  NO(unroll_table_read(t, NULL, err));
  NO(unroll_table_add_texts(NULL, "a", names, NULL, 1, err));
  NO(unroll_table_add_texts(t, NULL, names, NULL, 1, err));
  NO(unroll_table_add_texts(t, "a", NULL, NULL, 1, err));
  NO(unroll_table_add_files(NULL, "a", (const void *const *)names, &size, 1, err));
  NO(unroll_table_add_files(t, NULL, (const void *const *)names, &size, 1, err));
  NO(unroll_table_add_files(t, "a", NULL, &size, 1, err));
  NO(unroll_table_add_files(t, "a", (const void *const *)names, NULL, 1, err));
  NO(unroll_table_add_numbers(NULL, "a", &one, 1, err));
  NO(unroll_table_add_numbers(t, NULL, &one, 1, err));
  NO(unroll_table_add_numbers(t, "a", NULL, 1, err));
  NO(unroll_table_add_vectors(NULL, "a", &q, 1, 1, err));
  NO(unroll_table_add_vectors(t, NULL, &q, 1, 1, err));
  NO(unroll_table_add_vectors(t, "a", NULL, 1, 1, err));
  NO(unroll_table_add_sequences(NULL, "a", &q, (const int64_t[]){0, 1}, 1, 1, err));
  NO(unroll_table_add_sequences(t, NULL, &q, (const int64_t[]){0, 1}, 1, 1, err));
  NO(unroll_table_add_sequences(t, "a", NULL, (const int64_t[]){0, 1}, 1, 1, err));
  NO(unroll_table_add_sequences(t, "a", &q, NULL, 1, 1, err));
  NO(unroll_result_row(NULL, 0, &row, err));
  NO(unroll_result_row(r, 0, NULL, err));
  NO(unroll_result_value(NULL, 0, NULL, &v, err));
  NO(unroll_result_value(r, 0, NULL, NULL, err));
  NO(unroll_result_figure(NULL, 0, &f, err));
  NO(unroll_result_figure(r, 0, NULL, err));
  NO(unroll_predict(NULL, t, NULL, &none, err));
  NO(unroll_predict(m, NULL, NULL, &none, err));
  NO(unroll_predict(m, t, NULL, NULL, err));
  NO(unroll_evaluate(NULL, t, NULL, &none, err));
  NO(unroll_evaluate(m, NULL, NULL, &none, err));
  NO(unroll_evaluate(m, t, NULL, NULL, err));
  NO(unroll_score_table(NULL, t, NULL, &none, err));
  NO(unroll_score_table(m, NULL, NULL, &none, err));
  NO(unroll_score_table(m, t, NULL, NULL, err));
  NO(unroll_generate(NULL, NULL, &none, err));
  NO(unroll_generate(m, NULL, NULL, err));
  NO(unroll_trace(NULL, t, names, 1, NULL, &none, err));
  NO(unroll_trace(m, NULL, names, 1, NULL, &none, err));
  NO(unroll_trace(m, t, NULL, 1, NULL, &none, err));
  NO(unroll_trace(m, t, hole, 1, NULL, &none, err));
  NO(unroll_trace(m, t, names, 1, NULL, NULL, err));
  unroll_named_init(&named);
  NO(unroll_model_named(NULL, 0, &named, err));
  NO(unroll_model_named(m, 0, NULL, err));
  assert_int_equal(unroll_model_named(m, -1, &named, NULL), UNROLL_USAGE);
  assert_int_equal(unroll_model_named(m, 1000, &named, NULL), UNROLL_USAGE);
  NO(unroll_model_text(NULL, NULL, NULL, 0, &text, NULL, err));
  NO(unroll_model_text(m, NULL, NULL, 1, &text, NULL, err));
  NO(unroll_model_text(m, NULL, NULL, 0, NULL, NULL, err));
  unroll_series series;
  unroll_series_init(&series);
  NO(unroll_model_series(NULL, &series, err));
  NO(unroll_model_series(m, NULL, err));
  int32_t *read = NULL;
  int64_t n_read = 0;
  NO(unroll_model_read(NULL, "a", 1, &read, &n_read, err));
  NO(unroll_model_read(m, NULL, 1, &read, &n_read, err));
  NO(unroll_model_read(m, "a", 1, NULL, &n_read, err));
  NO(unroll_model_read(m, "a", 1, &read, NULL, err));
  NO(unroll_value_line(NULL, &text, err));
  NO(unroll_value_line(&v, NULL, err));
  NO(unroll_result_subject(NULL, 0, &subject, err));
  NO(unroll_result_subject(r, 0, NULL, err));
  NO(unroll_result_confusion(NULL, 0, &table, err));
  NO(unroll_result_confusion(r, 0, NULL, err));
  NO(unroll_result_left_out(NULL, 0, &message, err));
  NO(unroll_result_left_out(r, 0, NULL, err));
  NO(unroll_sample(NULL, &how, &text, &log2_p, err));
  NO(unroll_sample(m, NULL, &text, &log2_p, err));
  NO(unroll_sample(m, &how, NULL, &log2_p, err));
  NO(unroll_score(NULL, "a", 1, &log2_p, NULL, err));
  NO(unroll_score(m, NULL, 1, &log2_p, NULL, err));
  NO(unroll_score(m, "a", 1, NULL, NULL, err));
  NO(unroll_session_new(NULL, m, err));
  NO(unroll_session_new(&other, NULL, err));
  NO(unroll_session_new_rows(NULL, m, 1, err));
  NO(unroll_session_new_rows(&other, NULL, 1, err));
  NO(unroll_session_reset_row(NULL, 0, err));
  NO(unroll_session_use(NULL, 1, err));
  NO(unroll_session_set_symbol(NULL, 0, "tag", 0, err));
  NO(unroll_session_set_symbol(s, 0, NULL, 0, err));
  NO(unroll_session_set_text(NULL, 0, "text", "a", 1, err));
  NO(unroll_session_set_text(s, 0, NULL, "a", 1, err));
  NO(unroll_session_set_text(s, 0, "text", NULL, 1, err));
  NO(unroll_session_set_numbers(NULL, 0, "x", &q, 1, err));
  NO(unroll_session_set_numbers(s, 0, NULL, &q, 1, err));
  NO(unroll_session_set_numbers(s, 0, "x", NULL, 1, err));
  NO(unroll_session_set_symbols(NULL, 0, "tag", &(int32_t){0}, 1, err));
  NO(unroll_session_set_symbols(s, 0, NULL, &(int32_t){0}, 1, err));
  NO(unroll_session_set_symbols(s, 0, "tag", NULL, 1, err));
  NO(unroll_session_set_doubles(NULL, 0, "x", &one, 1, err));
  NO(unroll_session_set_doubles(s, 0, NULL, &one, 1, err));
  NO(unroll_session_set_doubles(s, 0, "x", NULL, 1, err));
  NO(unroll_session_step(NULL, err));
  NO(unroll_session_value(NULL, 0, NULL, &v, err));
  NO(unroll_session_value(s, 0, NULL, NULL, err));
  NO(unroll_session_quantiles(NULL, 0, NULL, &one, 1, &q, err));
  NO(unroll_session_quantiles(s, 0, NULL, NULL, 1, &q, err));
  NO(unroll_session_quantiles(s, 0, NULL, &one, 1, NULL, err));
  NO(unroll_session_argument(NULL, 0, NULL, 0, &at, &width, err));
  NO(unroll_session_argument(s, 0, NULL, 0, NULL, &width, err));
  NO(unroll_session_argument(s, 0, NULL, 0, &at, NULL, err));
  NO(unroll_session_draw(NULL, 0, NULL, NULL, NULL, err));
  NO(unroll_session_clone(NULL, s, err));
  NO(unroll_session_clone(&other, NULL, err));
  NO(unroll_session_save(NULL, &bytes, &size, err));
  NO(unroll_session_save(s, NULL, &size, err));
  NO(unroll_session_save(s, &bytes, NULL, err));
  NO(unroll_session_restore(NULL, "a", 1, err));
  NO(unroll_session_restore(s, NULL, 1, err));
  NO(unroll_session_feed(NULL, 0, err));
  NO(unroll_net_new(NULL, "names", NULL, err));
  NO(unroll_net_new(&net, NULL, NULL, err));
  NO(unroll_net_setting(NULL, 0, &setting, err));
  NO(unroll_net_parameter(NULL, 0, &w, err));
  NO(unroll_net_plan(NULL, err));
  NO(unroll_net_text(NULL, &text, err));
  OK(unroll_net_new(&net, "names", NULL, err));
  NO(unroll_net_setting(net, 0, NULL, err));
  NO(unroll_net_parameter(net, 0, NULL, err));
  NO(unroll_net_text(net, NULL, err));
  unroll_net_free(net);
  NO(unroll_cell_facts(NULL, &none, err));
  NO(unroll_cell_facts("gru", NULL, err));
  NO(unroll_check(NULL, NULL, &none, err));
  NO(unroll_check("gru", NULL, NULL, err));
  NO(unroll_run(NULL, o, err));
  NO(unroll_run("gru", NULL, err));
  NO(unroll_task(NULL, NULL, 0, 1, &text, &size, err));
  NO(unroll_task("copy", NULL, 0, 1, NULL, &size, err));
  NO(unroll_train_watched(NULL, t, NULL, NULL, NULL, err));
  NO(unroll_explain(NULL, NULL, 0, &text, err));
  NO(unroll_explain("names", NULL, 1, &text, err));
  NO(unroll_explain("names", hole, 1, &text, err));
  NO(unroll_explain("names", NULL, 0, NULL, err));
  NO(unroll_flow(NULL, t, NULL, &none, err));
  NO(unroll_flow(m, t, NULL, NULL, err));
  NO(unroll_untrained(NULL, t, &made, err));
  NO(unroll_untrained(o, t, NULL, err));
  NO(unroll_compress(NULL, "a", 1, NULL, &bytes, &size, err));
  NO(unroll_compress(m, NULL, 1, NULL, &bytes, &size, err));
  NO(unroll_compress(m, "a", 1, NULL, NULL, &size, err));
  NO(unroll_compress(m, "a", 1, NULL, &bytes, NULL, err));
  NO(unroll_expand(NULL, "a", 1, NULL, &bytes, &size, err));
  NO(unroll_expand(m, NULL, 1, NULL, &bytes, &size, err));
  NO(unroll_expand(m, "a", 1, NULL, NULL, &size, err));
  NO(unroll_expand(m, "a", 1, NULL, &bytes, NULL, err));
  NO(unroll_import(NULL, NULL, 1, NULL, NULL, err));
  NO(unroll_import(NULL, (const char *const[]){"x"}, 0, NULL, NULL, err));
  NO(unroll_export(NULL, "c", "x.c", NULL, err));
  NO(unroll_export(m, NULL, "x.c", NULL, err));
  NO(unroll_export(m, "c", NULL, NULL, err));
  NOT(unroll_export(m, "no_form", "x.c", NULL, NULL));
  NO(unroll_net_scaling(NULL, &(unroll_scaling){.size = sizeof(unroll_scaling)}, err));
  NO(unroll_typeset(NULL, NULL, 0, "latex", &text, err));
  NO(unroll_typeset("names", NULL, 1, "latex", &text, err));
  NO(unroll_typeset("names", hole, 1, "latex", &text, err));
  NO(unroll_typeset("names", NULL, 0, NULL, &text, err));
  NOT(unroll_typeset("names", NULL, 0, "html", &text, NULL));
  NO(unroll_typeset("names", NULL, 0, "latex", NULL, err));
  NO(unroll_model_typeset(NULL, "latex", &text, err));
  NO(unroll_model_typeset(m, NULL, &text, err));
  NO(unroll_model_typeset(m, "latex", NULL, err));
  NO(unroll_train(NULL, NULL, NULL, err));
  NO(unroll_train_table(NULL, t, NULL, NULL, NULL, err));
  NO(unroll_train_table(o, NULL, NULL, NULL, NULL, err));
  assert_true(!made && !other && !none && !text && !bytes);
  unroll_session_free(s);
  unroll_result_free(r);
  unroll_options_free(o);
  unroll_model_free(m);
  unroll_table_free(t);
}

/* Without a status. */
static void test_quiet(void **state) {
  (void)state;
  unroll_free(NULL);
  unroll_model_free(NULL);
  unroll_options_free(NULL);
  unroll_table_free(NULL);
  unroll_result_free(NULL);
  unroll_session_free(NULL);
  unroll_session_reset(NULL);
  unroll_scaling_init_sized(NULL, 8);
  unroll_variable_init_sized(NULL, 8);
  unroll_parameter_init_sized(NULL, 8);
  assert_int_equal(unroll_model_parameters(NULL), 0);
  assert_null(unroll_net_name(-1));
  unroll_net_free(NULL);
  assert_string_equal(unroll_net_file(NULL), "");
  assert_int_equal(unroll_net_weights(NULL), 0);
  assert_int_equal(unroll_net_settings(NULL), 0);
  assert_int_equal(unroll_net_parameters(NULL), 0);
  assert_null(unroll_net_equations(NULL));
  assert_null(unroll_net_gradient(NULL));
  assert_null(unroll_net_plan_text(NULL));
  assert_true(unroll_net_operations(NULL) == 0);
  assert_int_equal(unroll_net_bytes(NULL), 0);
  assert_int_equal(unroll_net_trains(NULL), 0);
  unroll_setting_init_sized(NULL, 8);
  unroll_watch_init_sized(NULL, 8);
  assert_null(unroll_cell_name(-1));
  unroll_named_init_sized(NULL, 8);
  unroll_row_init_sized(NULL, 8);
  unroll_value_init_sized(NULL, 8);
  unroll_figure_init_sized(NULL, 8);
  unroll_subject_init_sized(NULL, 8);
  unroll_confusion_init_sized(NULL, 8);
  unroll_options_set_stop(NULL, NULL);
  unroll_sample_options_init_sized(NULL, 8);
  assert_null(unroll_options_new(NULL));
  assert_null(unroll_options_new("no such command"));
  assert_null(unroll_model_equations(NULL));
  assert_int_equal(unroll_model_weights(NULL), 0);
  assert_int_equal(unroll_model_symbols(NULL), 0);
  assert_int_equal(unroll_model_end(NULL), -1);
  assert_int_equal(unroll_model_variables(NULL), 0);
  assert_null(unroll_model_symbol(NULL, 0, NULL));
  assert_null(unroll_model_label(NULL, "a", 0, NULL));
  assert_int_equal(unroll_model_find(NULL, "a", 1, NULL), -1);
  assert_int_equal(unroll_result_rows(NULL), 0);
  assert_int_equal(unroll_result_variables(NULL), 0);
  assert_int_equal(unroll_result_figures(NULL), 0);
  assert_int_equal(unroll_result_subjects(NULL), 0);
  unroll_options_set_rows(NULL, NULL, NULL);
  unroll_series_init_sized(NULL, 8); /* does nothing */
  assert_int_equal(unroll_result_confusions(NULL), 0);
  assert_null(unroll_result_variable(NULL, 0));
  assert_null(unroll_model_value(NULL, 0));
  assert_true(isnan(unroll_result_find(NULL, "", "loss")));
  assert_null(unroll_session_log_p(NULL));
}

static char *read_all(const char *path) {
  char *text = calloc(1, 1 << 18);
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  assert_true(fread(text, 1, (1 << 18) - 1, f) > 0);
  fclose(f);
  return text;
}

/* Every function of the header is in this file. */
static void test_all_are_here(void **state) {
  static const char *const fine[] = {"unroll_version", "unroll_parts", "unroll_table_new", NULL}; /* they take nothing */
  char *header = read_all(UNROLL_SOURCE_DIR "/include/unroll.h"), *own = read_all(UNROLL_SOURCE_DIR "/tests/api/test_null.c");
  int n = 0;
  (void)state;
  for (char *at = header; (at = strstr(at, "\nUNROLL_API ")) != NULL;) {
    char name[80], call[84];
    char *end = strchr(at, '('), *begin = end;
    while (begin[-1] == '_' || (begin[-1] >= 'a' && begin[-1] <= 'z')) begin--;
    snprintf(name, sizeof name, "%.*s", (int)(end - begin), begin);
    snprintf(call, sizeof call, "%s(", name);
    bool found = strstr(own, call) != NULL;
    for (int i = 0; fine[i]; i++) found |= !strcmp(fine[i], name);
    if (!found) fail_msg("%s is not in this test", name);
    n++;
    at = end;
  }
  assert_true(n > 50);
  free(header);
  free(own);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_arguments), cmocka_unit_test(test_quiet),
                                     cmocka_unit_test(test_all_are_here)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
