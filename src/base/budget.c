/* budget.c - see budget.h. */
#include "base/budget.h"
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/error.h"

enum { USUAL_OPERATIONS = 32768 };

static _Atomic uint64_t budget; /* 0: as the machine has it */
static _Atomic int operations;  /* 0: the usual ones */

uint64_t budget_bytes(void) {
  const uint64_t set = atomic_load(&budget);
  if (set) return set;
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  uint64_t bytes = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : (uint64_t)1 << 32;
  struct rlimit of;
  if (getrlimit(RLIMIT_AS, &of) == 0 && of.rlim_cur < bytes) bytes = of.rlim_cur;
  return bytes / 4 * 3;
}

void budget_set(uint64_t bytes) { atomic_store(&budget, bytes); }

unroll_status budget_check(uint64_t bytes, const char *what, unroll_error *err) {
  const uint64_t most = budget_bytes();
  if (bytes <= most) return UNROLL_OK;
  return error_set(err, UNROLL_FAILED, "%s needs %llu MB of memory, and %llu MB are allowed (option 'max-memory' says how much)",
                   what, (unsigned long long)(bytes >> 20), (unsigned long long)(most >> 20));
}

int budget_operations(void) {
  const int set = atomic_load(&operations);
  return set ? set : USUAL_OPERATIONS;
}

void budget_set_operations(int n) { atomic_store(&operations, n); }
