/* spill.h - a block of memory that grows, and that lies in a file without a name once it is large. The system then keeps in memory
 * what is used, and writes the rest to the disk where memory is short. */
#ifndef BASE_SPILL_H
#define BASE_SPILL_H
#include <stddef.h>
#include <unroll.h>

typedef struct spill { /* zeros: an empty one */
  void *block;
  size_t bytes;
  int file; /* its number + 1; 0: the block is memory like other */
} spill;

/* At least `bytes`, what was there first. Beyond a quarter of budget_bytes() in a file in TMPDIR, or /var/tmp. On an error the
 * block is as it was. UNROLL_FAILED names the folder where it has no room. */
unroll_status spill_grow(spill *s, size_t bytes, unroll_error *err);
void spill_free(spill *s);
#endif
