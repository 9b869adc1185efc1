/* fuzz_video.c - libFuzzer target: a file of any bytes is read as moving pictures, or refused with a message. The first byte says
 * which shape and how many frames a second. Films are libavformat's to fuzz and are left out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/memory.h"
#include "read/video.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good) {
  if (!good) abort();
}

static unroll_status read_all(const char *path, const video_form *form, unroll_error *err) {
  video *v;
  int64_t n;
  float out[3 * 4 * 4];
  unroll_status status = video_open(&v, path, form, &n, err);
  check(status || n > 0);
  for (int64_t i = 0; i < n && i < 100 && !status; i++) {
    status = video_next(v, out, err);
    for (int k = 0; !status && k < form->shape.channels * form->shape.rows * form->shape.columns; k++)
      check(isfinite(out[k]) && out[k] >= 0 && out[k] <= 1.0001f);
  }
  video_close(v);
  return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1 || (size > 7 && memcmp(data + 1, "GIF8", 4) && memcmp(data + 1, "\0\0\10", 3))) return 0;
  const video_form form = {{data[0] & 1 ? 3 : 1, 1 + (data[0] >> 1 & 3), 1 + (data[0] >> 3 & 3)}, data[0] >> 5, 0, -1};
  char path[50];
  unroll_error err = {0};
  const int fd = memfd_create("video", 0);
  if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)size - 1) return 0;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  const unroll_status status = read_all(path, &form, &err);
  close(fd);
  check(!status || (status == UNROLL_BAD_INPUT && err.code == status && err.message[0]));
  check(mem_live() == 0);
  return 0;
}
