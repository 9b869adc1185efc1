/* forecaster.c - trains on a table with the columns date and y, and says where y goes: a line for each step, with the middle and
 * the 10th and 90th of 100 paths. cc forecaster.c $(pkg-config --cflags --libs unroll) && ./a.out sales.csv model-folder */
#include <stdio.h>
#include <unroll.h>

static int print_forecast(const unroll_model *model, const unroll_table *data, unroll_error *err) {
  unroll_options *how = unroll_options_new("predict");
  unroll_result *result = NULL;
  unroll_row row;
  unroll_value y;
  unroll_row_init(&row);
  unroll_value_init(&y);
  unroll_status status = how ? unroll_options_set(how, "quantiles", "0.1,0.5,0.9", err) : UNROLL_FAILED;
  if (!status) status = unroll_options_set(how, "samples", "100", err);
  if (!status) status = unroll_predict(model, data, how, &result, err);
  if (!status) status = unroll_result_row(result, 0, &row, err);
  if (!status) status = unroll_result_value(result, 0, "y", &y, err);
  for (int64_t i = 0; !status && i < y.steps; i++) {
    const double *q = y.quantiles + i * y.n_levels;
    printf("%s %.2f (%.2f to %.2f)\n", row.times[i], (double)q[1], (double)q[0], (double)q[2]);
  }
  unroll_result_free(result);
  unroll_options_free(how);
  return status != UNROLL_OK;
}

/* Back-tests on the end of the data, beside a forecast that needs no model. */
static int print_errors(const unroll_model *model, const unroll_table *data, unroll_error *err) {
  unroll_result *result = NULL;
  if (unroll_evaluate(model, data, NULL, &result, err)) return 1;
  printf("mean absolute error %.3f, of the naive forecast %.3f\n", unroll_result_find(result, "variables/y/model", "mae"),
         unroll_result_find(result, "variables/y/naive", "mae"));
  unroll_result_free(result);
  return 0;
}

int main(int argc, char **argv) {
  static const char *const given[][2] = {{"net", "forecast"}, {"time", "date"},    {"horizon", "6"},  {"context", "24"},
                                         {"steps", "200"},    {"lr", "0.01"},      {"set", "drop=0"}, {"test", "0.2"},
                                         {"set", "layers=1"}, {"set", "hidden=16"}};
  unroll_error err = {0};
  unroll_options *train = unroll_options_new("train");
  unroll_table *data = unroll_table_new();
  unroll_model *model = NULL;
  int failed = argc != 3 || !train || !data;

  for (size_t i = 0; !failed && i < sizeof given / sizeof *given; i++)
    failed = unroll_options_set(train, given[i][0], given[i][1], &err) != UNROLL_OK;
  if (!failed) failed = unroll_options_set(train, "output", argv[2], &err) || unroll_table_read(data, argv[1], &err);
  if (!failed) failed = unroll_train_table(train, data, NULL, NULL, &model, &err) != UNROLL_OK;
  if (!failed) failed = print_errors(model, data, &err) || print_forecast(model, data, &err);
  if (failed) fprintf(stderr, "%s: %s\n", err.file, argc == 3 ? err.message : "usage: forecaster DATA.csv FOLDER");
  unroll_model_free(model);
  unroll_table_free(data);
  unroll_options_free(train);
  return failed;
}
