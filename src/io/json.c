/* json.c - jansson on our own memory.
 *
 * jansson 2.14 takes no notice when the buffer of its lexer cannot grow, loses characters and ends in an assertion
 * (akheron/jansson, issue 362). So a read keeps a reserve. From the first allocation that fails, memory comes from there. The
 * text is handed over byte by byte, and it ends at that byte. The lexer's buffer at most doubles while one byte is handled, so
 * a reserve of twice the text always holds it. The other allocations of that byte may fail: jansson survives that. What was
 * read is then given back, and the reserve with it. */
#include "io/json.h"
#include "base/memory.h"
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

/* Of the read that this thread is in. */
static _Thread_local struct {
  char *block; /* NULL outside a read */
  size_t size, used;
  int refused; /* an allocation failed: only the reserve is left */
} reserve;

static _Thread_local int failed; /* an allocation outside a read failed */

static void *allocate(size_t bytes) {
  if (!reserve.block) {
    void *plain = mem_alloc(bytes);
    failed |= !plain;
    return plain;
  }
  void *block = reserve.refused ? NULL : mem_alloc(bytes);
  if (block) return block;
  reserve.refused = 1;
  if (bytes > reserve.size - reserve.used) return NULL;
  block = reserve.block + reserve.used;
  size_t left = reserve.size - reserve.used, padded = (bytes + 15) & ~(size_t)15;
  reserve.used += padded < left ? padded : left;
  return block;
}

static void release(void *block) {
  uintptr_t at = (uintptr_t)block, begin = (uintptr_t)reserve.block;
  if (!reserve.block || at < begin || at >= begin + reserve.size) mem_free(block);
}

static void install(void) { json_set_alloc_funcs(allocate, release); }

void json_setup(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install);
}

struct source {
  const char *at, *end;
};

/* The next byte, or the end. */
static size_t next(void *buffer, size_t size, void *data) {
  struct source *s = data;
  if (size == 0 || s->at == s->end || reserve.refused) return 0;
  *(char *)buffer = *s->at++;
  return 1;
}

json_t *json_read(const char *data, size_t size, json_error_t *error, int *starved) {
  json_setup();
  size_t bytes;
  *starved = __builtin_mul_overflow(size, (size_t)2, &bytes) || __builtin_add_overflow(bytes, (size_t)256, &bytes);
  char *block = *starved ? NULL : mem_alloc(bytes);
  *starved = !block;
  if (!block) return NULL;
  reserve.block = block;
  reserve.size = bytes;
  json_t *root = json_load_callback(next, &(struct source){data, data + size}, JSON_REJECT_DUPLICATES, error);
  if (reserve.refused) {
    json_decref(root);
    root = NULL;
    *starved = 1;
  }
  reserve.block = NULL;
  reserve.size = reserve.used = 0;
  reserve.refused = 0;
  mem_free(block);
  return root;
}

char *json_write(const json_t *j, size_t flags) {
  failed = 0;
  char *s = j ? json_dumps(j, flags) : NULL;
  if (!failed) return s;
  mem_free(s);
  return NULL;
}

void json_add(text *to, json_t *j) {
  char *written = json_write(j, JSON_ENCODE_ANY);
  json_decref(j);
  if (written)
    text_add(to, written, strlen(written));
  else
    to->failed = 1;
  mem_free(written);
}

void json_add_number(text *to, double x, int digits) {
  if (isfinite(x))
    text_add_digits(to, x, digits);
  else
    text_add(to, "null", 4);
}
