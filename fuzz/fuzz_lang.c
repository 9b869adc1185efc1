/* fuzz_lang.c - libFuzzer target: any bytes are parsed or refused, and what was parsed prints as text that parses to the same text.
 */
#include <stdlib.h>
#include <string.h>
#include "lang/lang.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good) {
  if (!good) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *source = malloc(size + 1);
  if (!source) return 0;
  memcpy(source, data, size);
  source[size] = 0;
  arena memory = {0};
  program *p = NULL;
  unroll_error err;
  unroll_status status = lang_parse(&p, "fuzz", source, &memory, &err);
  if (status) {
    check(status == UNROLL_BAD_INPUT && err.code == status && !p && err.message[0] && err.line >= (size <= 1 << 20));
  } else {
    text first = {0}, second = {0};
    lang_print(p, &first);
    if (first.length > 0 && first.length <= 1 << 20) {
      check(!lang_parse(&p, "print", first.data, &memory, &err));
      lang_print(p, &second);
      check(second.length == first.length && !memcmp(first.data, second.data, first.length));
    }
    text_free(&first);
    text_free(&second);
  }
  expr *e;
  status = lang_parse_expr(&e, source, &memory, NULL);
  check(status == UNROLL_OK || status == UNROLL_BAD_INPUT);
  arena_free(&memory);
  free(source);
  check(mem_live() == 0);
  return 0;
}
