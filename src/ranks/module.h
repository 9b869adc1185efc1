/* module.h - what the program and its module for MPI know of each other. The module is built against the MPI that is there, so
 * that the program needs none. It is loaded only by a program that was started as one of several. */
#ifndef RANKS_MODULE_H
#define RANKS_MODULE_H
#include <stddef.h>

enum { RANKS_VERSION = 1 };

typedef struct ranks_message {
  int rank; /* to whom, or from whom */
  void *bytes;
  size_t n; /* at most 1 GiB; of what is received the most that may come */
} ranks_message;

typedef struct ranks_module {
  int version;
  /* 0: fine. What is written to standard output and error is MPI's own affair. */
  int (*begin)(int *own, int *count, int *hosts);
  /* All messages, point to point; returns when all have arrived: -1. Else the rank from which nothing came for `seconds`; -2: MPI
   * failed. */
  int (*exchange)(const ranks_message *send, int n_send, ranks_message *receive, int n_receive, double seconds);
  void (*end)(void);
  void (*fail)(int code); /* ends all ranks */
} ranks_module;

#define RANKS_MODULE_SYMBOL "unroll_ranks_module"
typedef const ranks_module *ranks_module_function(void);
#endif
