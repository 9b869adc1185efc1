#include <stdio.h>
#include <unroll.h>

int main(void) {
  static const char *const given[][2] = {
      {"net", "names"}, {"data", "places.txt"}, {"set", "hidden=64"}, {"output", "first-model"}, {"epochs", "2"}};
  unroll_error err = {0};
  unroll_model *model = NULL;
  unroll_options *train = unroll_options_new("train");
  unroll_sample_options sample;
  double log2_p;

  if (!train) return 1;
  for (int i = 0; i < 5; i++)
    if (unroll_options_set(train, given[i][0], given[i][1], &err)) goto failed;
  if (unroll_train(train, NULL, NULL, &err)) goto failed;

  if (unroll_model_load(&model, "first-model/model.safetensors", &err)) goto failed;
  unroll_sample_options_init(&sample);
  for (sample.seed = 1; sample.seed <= 3; sample.seed++) {
    char *text = NULL;
    if (unroll_sample(model, &sample, &text, &log2_p, &err)) goto failed;
    printf("%s  (probability 2^%.1f)\n", text, log2_p);
    unroll_free(text);
  }
  if (unroll_score(model, "Vilanova", 8, &log2_p, NULL, &err)) goto failed;
  printf("log2 P(Vilanova) = %.2f\n", log2_p);
  unroll_model_free(model);
  unroll_options_free(train);
  return 0;

failed:
  fprintf(stderr, "%s: %s\n", err.file, err.message);
  unroll_model_free(model);
  unroll_options_free(train);
  return 1;
}
