/* bare.c - begins a C file's self-test on a Cortex-M without a system, and says its exit code to the debugger, which is qemu. */
#include <stdint.h>

extern int main(void);
extern uint32_t stack_top;

static void leave(int code) {
  uint32_t block[2] = {0x20026, (uint32_t)code}; /* the program ended by itself */
  register uint32_t r0 __asm__("r0") = 0x20;     /* SYS_EXIT_EXTENDED */
  register uint32_t *r1 __asm__("r1") = block;
  __asm__ volatile("bkpt 0xab" : : "r"(r0), "r"(r1) : "memory");
  for (;;) {
  }
}

void reset(void);
void fault(void);
void reset(void) {
  *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* the unit for floats is on */
  leave(main());
}
void fault(void) { leave(99); }

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    &stack_top, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault};
