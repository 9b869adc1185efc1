/* spill.c - see spill.h. */
#include "base/spill.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/budget.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

enum { PARTS = 4 }; /* of the budget, one may be memory */

static const char *folder(void) {
  const char *f = getenv("TMPDIR");
  return f && *f ? f : "/var/tmp";
}

static unroll_status no_room(size_t bytes, int why, unroll_error *err) {
  return error_set(err, UNROLL_FAILED,
                   "numbers of %zu MB are kept in a file, and '%s' has no room for them: %s (TMPDIR names another folder)",
                   bytes / 1000000, folder(), strerror(why));
}

/* An open file that nobody else can find; -1: errno says why not. */
static int open_file(void) {
  text name = {0};
  int file = -1;
#ifdef O_TMPFILE
  file = open(folder(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0) return file;
#endif
  text_format(&name, "%s/unroll-XXXXXX", folder());
  if (!name.failed && (file = mkstemp(name.data)) >= 0) unlink(name.data);
  text_free(&name);
  return file;
}

static unroll_status grow_file(spill *s, size_t bytes, unroll_error *err) {
  const int file = s->file ? s->file - 1 : open_file();
  int why = file < 0 ? errno : posix_fallocate(file, 0, (off_t)bytes); /* now, since later it would be a signal */
  void *block = why ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (!why && block == MAP_FAILED) why = errno;
  if (why) {
    if (!s->file && file >= 0) close(file);
    return no_room(bytes, why, err);
  }
  if (s->file) {
    munmap(s->block, s->bytes);
  } else {
    if (s->bytes) memcpy(block, s->block, s->bytes);
    mem_free(s->block);
  }
  *s = (spill){block, bytes, file + 1};
  return UNROLL_OK;
}

unroll_status spill_grow(spill *s, size_t bytes, unroll_error *err) {
  if (bytes <= s->bytes) return UNROLL_OK;
  if (s->file || bytes > budget_bytes() / PARTS) return grow_file(s, bytes, err);
  void *block = mem_resize(s->block, bytes);
  if (!block) return error_memory(err);
  s->block = block;
  s->bytes = bytes;
  return UNROLL_OK;
}

void spill_free(spill *s) {
  if (s->file) {
    munmap(s->block, s->bytes);
    close(s->file - 1);
  } else
    mem_free(s->block);
  *s = (spill){0};
}
