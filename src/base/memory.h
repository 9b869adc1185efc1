/* memory.h - every allocation goes through one table that tests can make fail; arenas for lifetimes. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H
#include <stddef.h>
#include <stdint.h>

/* Like malloc, calloc, realloc, free, strdup; NULL on failure. Blocks come from the table below. */
void *mem_alloc(size_t bytes);
void *mem_zero(size_t count, size_t size); /* checks count * size */
void *mem_resize(void *block, size_t bytes);
void mem_free(void *block);
char *mem_text(const char *text);
/* 64-byte aligned and zeroed, for vectors; freed by mem_free_aligned. NULL on failure or overflow. */
void *mem_aligned(size_t count, size_t size);
void mem_free_aligned(void *block);

/* Tests: the n-th allocation from now (1 = the next) fails, once (forever = 0) or from then on (1). n = 0 switches off. */
void mem_fail_after(long n, int forever);
long mem_live(void);  /* blocks allocated and not freed */
long mem_count(void); /* allocations made since the start */
/* Allocations that failed since the start. What was put together in many small steps, not each of which was looked at, is whole if
 * there were none. */
long mem_failures(void);

/* An arena: many small blocks with one end. Blocks are zeroed and aligned to 16. Set to {0} to start. */
typedef struct arena {
  struct arena_block *first;
  size_t used;
} arena;
void *arena_alloc(arena *a, size_t count, size_t size);      /* NULL on failure or overflow */
char *arena_text(arena *a, const char *text, size_t length); /* a copy, NUL-terminated */
void arena_free(arena *a);
#endif
