/* fuzz_checkpoint.c - libFuzzer target: a forged checkpoint whose hash is right is resumed from, or refused with a message.
 *
 * Sections: the data, then the header of a safetensors file. Length, weights and hash of the file are made here, after the
 * mutation, so that what comes behind the check of the hash is reached. The data is given to the resumed run, which is stopped
 * after a step. */
#include "scene.h"
#include "model/model.h"

enum { MOST_DATA = 1 << 20 };

/* The largest end of the data offsets in a header. */
static size_t data_size(const char *header, size_t size) {
  static const char key[] = "\"data_offsets\":[";
  size_t most = 0;
  for (const char *at = header, *end = header + size; at < end;) {
    at = memmem(at, (size_t)(end - at), key, sizeof key - 1);
    if (!at) break;
    at += sizeof key - 1;
    size_t ends = 0;
    while (at < end && *at >= '0' && *at <= '9') at++;
    for (at += at < end; at < end && *at >= '0' && *at <= '9' && ends < MOST_DATA; at++) ends = 10 * ends + (size_t)(*at - '0');
    if (ends > most) most = ends;
  }
  return most < MOST_DATA ? most : MOST_DATA;
}

static uint8_t *forge(const char *header, size_t size, size_t *total) {
  const size_t n_data = data_size(header, size), padded = (size + 7) / 8 * 8;
  uint8_t *file = malloc(8 + padded + n_data);
  for (size_t i = 0; i < 8; i++) file[i] = (uint8_t)((uint64_t)padded >> 8 * i);
  memcpy(file + 8, header, size);
  memset(file + 8 + size, ' ', padded - size);
  for (size_t i = 0; i + 4 <= n_data; i += 4) {
    const float x = (float)(i / 4 * 37 % 101) / 100 - 0.5F;
    memcpy(file + 8 + padded + i, &x, 4);
  }
  memset(file + 8 + padded + n_data / 4 * 4, 0, n_data % 4);
  *total = 8 + padded + n_data;
  return file;
}

/* Puts the right hash where the header has one. */
static void sign(uint8_t *file, size_t total) {
  tensor_file f = {0};
  if (tensor_file_parse(&f, "fuzz", file, total, NULL)) return;
  const char *old = tensor_metadata(&f, "hash");
  if (old && strlen(old) == 16) {
    char hash[24], was[24];
    snprintf(was, sizeof was, "\"%s\"", old);
    snprintf(hash, sizeof hash, "\"%016llx\"", (unsigned long long)model_hash(f.tensors, f.count, f.keys, f.values, f.metadata));
    uint8_t *at = memmem(file, total, was, 18);
    tensor_file_free(&f);
    if (at) memcpy(at, hash, 18);
    return;
  }
  tensor_file_free(&f);
}

static int stop_at_once(void *context, const unroll_progress *p) { return (void)context, (void)p, 1; }

static void resume(const char *name) {
  unroll_error err = {0};
  unroll_options *o = unroll_options_new("train");
  scene_check(o && !unroll_options_set(o, "resume", scene_folder, &err) && !unroll_options_set(o, "data", scene_path(name), &err));
  unroll_options_set(o, "threads", "1", NULL);
  const unroll_status status = unroll_train(o, stop_at_once, NULL, &err);
  scene_check(!status || status == UNROLL_INTERRUPTED || (err.code == status && err.message[0]));
  unroll_options_free(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const made[] = {"model.safetensors", "checkpoint.safetensors", "checkpoint-1.safetensors", "log.jsonl"};
  const sections s = scene_cut(data, size, 2);
  const bool columns = s.size[0] && memchr(s.at[0], ',', s.size[0]);
  const char *name = columns ? "rows.csv" : "rows.txt";
  size_t total;
  budget_set((uint64_t)200 << 20);
  scene_write(name, s.at[0], s.size[0]);
  uint8_t *file = forge(s.at[1], s.size[1], &total);
  sign(file, total);
  scene_write("checkpoint.safetensors", file, total);
  free(file);
  resume(name);
  for (size_t i = 0; i < sizeof made / sizeof *made; i++) remove(scene_path(made[i]));
  scene_check(mem_live() == 0);
  return 0;
}
