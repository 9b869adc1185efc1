/* json.c - jansson on our own memory. A failed allocation inside jansson is not always told apart from bad JSON by its error
 * code, so the allocator itself remembers it, per thread. */
#include "io/json.h"
#include "base/memory.h"
#include <pthread.h>

static _Thread_local int refused;

static void *allocate(size_t bytes) {
  void *block = mem_alloc(bytes);
  if (!block) refused = 1;
  return block;
}

static void install(void) { json_set_alloc_funcs(allocate, mem_free); }

void json_setup(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install);
}

json_t *json_read(const char *data, size_t size, json_error_t *error, int *starved) {
  json_setup();
  refused = 0;
  json_t *root = json_loadb(data, size, JSON_REJECT_DUPLICATES, error);
  *starved = !root && refused;
  return root;
}
