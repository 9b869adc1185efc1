/* Layers of Keras whose settings would change what a net gives: they are understood, or refused with the layer's name. */
#include "import/import.h"
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

/* A layer that reads steps of two numbers, or a picture of 4 x 4 x 4. */
static const struct {
  const char *layer;
  bool picture;
  const char *why; /* NULL: understood */
} rows[] = {
    {"\"ReLU\",\"config\":{\"max_value\":null,\"negative_slope\":0.0,\"threshold\":0.0", false, NULL},
    {"\"ReLU\",\"config\":{\"max_value\":6.0", false, NULL},
    {"\"ReLU\",\"config\":{\"max_value\":null,\"negative_slope\":0.1", false, "the layer 'one' is a ReLU"},
    {"\"ReLU\",\"config\":{\"threshold\":1.0", false, "the layer 'one' is a ReLU"},
    {"\"Softmax\",\"config\":{\"axis\":-1", false, NULL},
    {"\"Softmax\",\"config\":{\"axis\":2", false, NULL},
    {"\"Softmax\",\"config\":{\"axis\":1", false, "the layer 'one' is a Softmax"},
    {"\"Rescaling\",\"config\":{\"scale\":0.5,\"offset\":0", false, NULL},
    {"\"Rescaling\",\"config\":{\"scale\":[0.5,2.0]", false, "a scale or an offset for each number"},
    {"\"MaxPooling2D\",\"config\":{\"pool_size\":[2,2],\"data_format\":\"channels_last\"", true, NULL},
    {"\"MaxPooling2D\",\"config\":{\"pool_size\":[2,2],\"data_format\":\"channels_first\"", true, "channels first"},
};

static void settings(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const import_options how = {.n_modules = 0};
    layers l = {0};
    unroll_error err = {0};
    text file = {0};
    text_format(&file,
                "{\"modelTopology\":{\"class_name\":\"Sequential\",\"config\":{\"layers\":[{\"class_name\":\"InputLayer\","
                "\"config\":{\"name\":\"x\",\"batch_input_shape\":[null,%s]}},{\"class_name\":%s,\"name\":\"one\"}}]}},"
                "\"weightsManifest\":[]}",
                rows[i].picture ? "4,4,4" : "null,2", rows[i].layer);
    const unroll_status status = import_bytes(&l, "made.json", file.data, file.length, &how, &err);
    if (status != (rows[i].why ? UNROLL_BAD_INPUT : UNROLL_OK)) fail_msg("%s: %s", rows[i].layer, err.message);
    if (rows[i].why && !strstr(err.message, rows[i].why)) fail_msg("'%s' is not in '%s'", rows[i].why, err.message);
    text_free(&file);
    layers_free(&l);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(settings)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
