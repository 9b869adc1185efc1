/* json_models.h - models that are one JSON file: of RTNeural, GuitarML, and model.json of TensorFlow.js. */
#ifndef IMPORT_JSON_MODELS_H
#define IMPORT_JSON_MODELS_H
#include "import/import.h"

unroll_status layers_of_json(layers *l, arrays *a, const char *data, size_t size, const import_options *o, unroll_error *err);
#endif
