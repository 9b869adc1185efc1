/* held.c - see held.h: a table of them, behind a lock. */
#include "base/held.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "base/error.h"
#include "base/memory.h"

enum { BUCKETS = 1 << 16 };

struct held_file {
  held_file *next, *before; /* in its bucket */
  uint64_t number;
  char name[80];
  size_t size;
  char bytes[];
};

#define FOLDER "/dev/unroll-memory/" /* there is no such folder, and only root could make one */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static held_file *all[BUCKETS]; /* by the number at the end of the name */
static uint64_t secret[2], made;

/* Of the process: with the lock. */
static bool draw_secret(void) { return made || getrandom(secret, sizeof secret, 0) == (ssize_t)sizeof secret; }

unroll_status held_new(held_file **out, const void *bytes, size_t size, unroll_error *err) {
  size_t all_bytes;
  held_file *h = __builtin_add_overflow(sizeof *h, size, &all_bytes) ? NULL : mem_alloc(all_bytes);
  *out = NULL;
  if (!h) return error_memory(err);
  *h = (held_file){.size = size};
  if (size) memcpy(h->bytes, bytes, size);
  pthread_mutex_lock(&lock);
  const bool drawn = draw_secret();
  if (drawn) {
    h->number = made++;
    snprintf(h->name, sizeof h->name, FOLDER "%016" PRIx64 "%016" PRIx64 "/%" PRIu64, secret[0], secret[1], h->number);
    held_file **first = &all[h->number % BUCKETS];
    h->next = *first;
    if (*first) (*first)->before = h;
    *first = h;
  }
  pthread_mutex_unlock(&lock);
  if (!drawn) {
    mem_free(h);
    return error_set(err, UNROLL_FAILED, "the system has no random numbers");
  }
  *out = h;
  return UNROLL_OK;
}

const char *held_name(const held_file *h) { return h->name; }

void held_free(held_file *h) {
  if (!h) return;
  pthread_mutex_lock(&lock);
  if (h->next) h->next->before = h->before;
  *(h->before ? &h->before->next : &all[h->number % BUCKETS]) = h->next;
  pthread_mutex_unlock(&lock);
  mem_free(h);
}

bool held_find(const char *name, const char **bytes, size_t *size) {
  if (strncmp(name, FOLDER, sizeof FOLDER - 1) != 0) return false;
  const uint64_t number = strtoull(strrchr(name, '/') + 1, NULL, 10);
  pthread_mutex_lock(&lock);
  const held_file *h = all[number % BUCKETS];
  while (h && strcmp(h->name, name) != 0) h = h->next;
  pthread_mutex_unlock(&lock);
  if (!h) return false;
  *bytes = h->bytes;
  *size = h->size;
  return true;
}
