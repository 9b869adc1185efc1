/* fuzz_import.c - models of other programs: any bytes, by whatever source they tell, down to the net and its weights. */
#include <stddef.h>
#include <stdint.h>
#include "import/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const import_options how = {.n_modules = 0};
  layers l = {0};
  imported out = {.difference = 0};
  unroll_error err;
  if (!import_bytes(&l, "input", (const char *)data, size, &how, &err) && !import_build(&out, &l, "input", &how, &err))
    import_verify(&out, &l, "input", &how, &err);
  imported_free(&out);
  layers_free(&l);
  return 0;
}
