/* module.h - what the program and its module for MPI know of each other. The module is built against the MPI that is there, so
 * that the program needs none. It is loaded only by a program that was started as one of several. */
#ifndef RANKS_MODULE_H
#define RANKS_MODULE_H
#include <stddef.h>

enum { RANKS_VERSION = 2 };

enum { RANKS_ALL = -1, RANKS_FAILED = -2, RANKS_UNDER_WAY = -3 };

typedef struct ranks_message {
  int rank; /* to whom, or from whom */
  void *bytes;
  size_t n; /* at most 1 GiB; of what is received the most that may come */
} ranks_message;

typedef struct ranks_module {
  int version;
  /* 0: fine. What is written to standard output and error is MPI's own affair. */
  int (*begin)(int *own, int *count, int *hosts);
  /* All messages, point to point, set out. Their bytes stay where they are until they have arrived. NULL: MPI failed. */
  void *(*start)(const ranks_message *send, int n_send, ranks_message *receive, int n_receive);
  /* Have all arrived? RANKS_ALL: yes, and RANKS_FAILED: MPI failed; what `start` gave is then freed. RANKS_UNDER_WAY: not yet,
   * which is asked once where `seconds` is 0. Else the rank from which nothing came for so long. */
  int (*arrived)(void *under_way, double seconds);
  void (*end)(void);
  void (*fail)(int code); /* ends all ranks */
} ranks_module;

#define RANKS_MODULE_SYMBOL "unroll_ranks_module"
typedef const ranks_module *ranks_module_function(void);
#endif
