/* fuzz_picture.c - libFuzzer target: any bytes are read as a picture, or refused with a message. The first byte says whether as one
 * of many, the second the shape that is wanted. */
#include <math.h>
#include <stdlib.h>
#include "base/memory.h"
#include "read/picture_array.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good) {
  if (!good) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  const picture_shape shape = {data[1] % 2 ? 3 : 1, 1 + data[1] / 2 % 8, 1 + data[1] / 16};
  const int64_t number = data[0] < 128 ? -1 : data[0] - 128;
  float out[3 * 8 * 16];
  picture p;
  unroll_error err = {0};
  if (picture_array_is((const char *)data + 2, size - 2)) { /* numbers as they are */
    const unroll_status read = picture_array_row(out, &shape, "x", (const char *)data + 2, size - 2, number, &err);
    for (int i = 0; !read && i < shape.rows * shape.columns * shape.channels; i++) check(isfinite(out[i]));
    check(!read || (read == UNROLL_BAD_INPUT && err.message[0]));
    check(mem_live() == 0);
    return 0;
  }
  unroll_status status = picture_decode(&p, data + 2, size - 2, number, &shape, &err);
  if (!status) {
    check(p.rows > 0 && p.columns > 0 && p.channels > 0 && p.most > 0);
    status = picture_fit(out, &p, &shape, &err);
    for (int i = 0; !status && i < shape.rows * shape.columns * shape.channels; i++)
      check(isfinite(out[i]) && out[i] >= 0 && out[i] <= 1.0001f);
  }
  check(!status || (status == UNROLL_BAD_INPUT && err.code == status && err.message[0]));
  picture_free(&p);
  check(mem_live() == 0);
  return 0;
}
