/* unroll.h - recurrent networks from their equations. The one public header of libunroll. */
#ifndef UNROLL_H
#define UNROLL_H

#ifdef __cplusplus
extern "C" {
#endif

#define UNROLL_API __attribute__((visibility("default")))

/* What a call came to. The values are the exit codes of the program. */
typedef enum unroll_status {
  UNROLL_OK = 0,
  UNROLL_FAILED = 1,      /* out of memory, a full disk, nothing finite left to train on ... */
  UNROLL_USAGE = 2,       /* an option or argument that makes no sense */
  UNROLL_BAD_INPUT = 3,   /* a program, data or model file that is not what it should be */
  UNROLL_INTERRUPTED = 130
} unroll_status;

/* Details of a failure. Owned by the caller; every function that takes one accepts NULL. */
typedef struct unroll_error {
  unroll_status code;
  char file[256];    /* "" when no file is concerned */
  int line, column;  /* from 1; 0 when unknown. In tables, line is the row. Columns count characters, not bytes. */
  char message[512]; /* one sentence, no newline */
  char source[200];  /* the offending line of text, "" when there is none; a caret goes under `column` */
} unroll_error;

#ifdef __cplusplus
}
#endif
#endif
