#include <stdio.h>
#include <unroll.h>

int main(void) {
  const char *data[] = {"places.txt"}, *settings[] = {"hidden=64"};
  unroll_error err;
  unroll_model *model = NULL;
  unroll_train_options train;
  unroll_sample_options sample;
  double log2_p;

  unroll_train_options_init(&train);
  train.net = "names";
  train.data = data;
  train.n_data = 1;
  train.settings = settings;
  train.n_settings = 1;
  train.folder = "first-model";
  train.epochs = 2;
  if (unroll_train(&train, &err)) goto failed;

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
  return 0;

failed:
  fprintf(stderr, "%s: %s\n", err.file, err.message);
  unroll_model_free(model);
  return 1;
}
