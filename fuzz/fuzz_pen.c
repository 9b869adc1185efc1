/* fuzz_pen.c - libFuzzer target: any bytes are read as a drawing, or refused with a message; what was read is merged and drawn. The
 * first byte says which drawing of many, and how many points become one. */
#include <math.h>
#include <stdlib.h>
#include "base/memory.h"
#include "read/pen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good) {
  if (!good) abort();
}

/* A file's text, with its lines. */
static unroll_status decode(pen *p, const char *data, size_t size, int64_t number, unroll_error *err) {
  pen_lines lines;
  unroll_status status = pen_lines_of(&lines, data, size, err);
  *p = (pen){0};
  if (!status) status = pen_decode(p, data, size, &lines, number, err);
  mem_free(lines.starts);
  return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  pen p;
  text t = {0};
  unroll_error err = {0};
  const unroll_status status = decode(&p, (const char *)data + 1, size - 1, data[0] % 16 - 1, &err);
  if (!status) {
    check(p.n > 0 && p.points[3 * p.n - 1] == 1);
    for (int64_t i = 0; i < 3 * p.n; i++) check(isfinite(p.points[i]) && (i % 3 < 2 || p.points[i] == 0 || p.points[i] == 1));
    pen_merge(&p, 1 + data[0] / 16);
    check(p.n > 0 && p.points[3 * p.n - 1] == 1);
    check(!pen_svg(&t, &p, NULL, 1, 1, &err));
  }
  check(!status || (status == UNROLL_BAD_INPUT && err.code == status && err.message[0]));
  text_free(&t);
  pen_free(&p);
  check(mem_live() == 0);
  return 0;
}
