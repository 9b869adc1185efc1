/* budget.h - how much memory the figures of a file may ask for, and how many operations a net may have. A few hundred bytes can
 * describe a net of gigabytes, or unpack to them. Cells within cells can be a net of a million operations. Who is about to take
 * memory or time by such figures asks here first. Nothing else is held to it. */
#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H
#include <stdint.h>
#include <unroll.h>

/* Three quarters of the machine's memory, or of what the process may have, unless budget_set says otherwise (0: that again). */
uint64_t budget_bytes(void);
void budget_set(uint64_t bytes);
/* UNROLL_FAILED with both figures if `bytes` are too many: "a pass of this net needs ...". */
unroll_status budget_check(uint64_t bytes, const char *what, unroll_error *err);

/* Of a net with its gradient: 32,768 unless budget_set_operations says otherwise (0: that again). What a plan takes grows with
 * their square. */
int budget_operations(void);
void budget_set_operations(int n);
#endif
