/* starve.c - the program with memory that runs out: each allocation of a command fails, once or from then on, and what the command
 * then says is compared with what it says in plenty.
 *
 *   starve FOLDER STEP COMMAND ARGUMENTS...
 *
 * The command runs in children, whose output goes to FOLDER. Exit code 0 is a promise: the output must be the same, up to the
 * digits of numbers if STARVE_TIMES is set (for commands that tell times). Otherwise the exit code is 1, and there is a message.
 * STEP: of the allocations after the first 1700 / STEP every STEP-th one. Beyond the usual step of 17 each fails once or from then
 * on, by turns. With STARVE_SERVE set a command that says where it listens gets SIGTERM then. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/file.h"
#include "base/memory.h"

int unroll_main(int argc, char **argv); /* src/cli/main.c */

enum { USUAL = 17, FIRST = 1700 };

static char out_path[4096], err_path[4096];
static long *count; /* allocations of the last child, if it came to its end */

static void redirect(int fd, const char *path) {
  const int to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (to < 0 || dup2(to, fd) < 0) _exit(99);
  close(to);
}

/* Ends a server once it listens. */
static void *end_server(void *context) {
  char said[4096];
  (void)context;
  for (bool ended = false; !ended; usleep(2000)) {
    const int fd = open(err_path, O_RDONLY);
    const ssize_t n = fd < 0 ? 0 : read(fd, said, sizeof said - 1);
    if (fd >= 0) close(fd);
    said[n > 0 ? n : 0] = 0;
    if ((ended = strstr(said, "listening at") != NULL)) kill(getpid(), SIGTERM); /* a second one would not wait */
  }
  return NULL;
}

/* The exit code; 128 and more: killed by a signal. */
static int run(long n, int forever, int argc, char **argv) {
  int status;
  *count = 0;
  fflush(NULL);
  const pid_t child = fork();
  if (child == 0) {
    redirect(STDIN_FILENO, "/dev/null");
    redirect(STDOUT_FILENO, out_path);
    redirect(STDERR_FILENO, err_path);
    pthread_t other;
    if (getenv("STARVE_SERVE") && pthread_create(&other, NULL, end_server, NULL)) _exit(99);
    const long before = mem_count();
    if (n) mem_fail_after(n, forever);
    const int code = unroll_main(argc, argv);
    *count = mem_count() - before;
    exit(code);
  }
  if (child < 0 || waitpid(child, &status, 0) != child) exit(99);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* With `digits` hidden each run of them is one 0. */
static char *content(const char *path, bool digits) {
  char *data;
  size_t size, n = 0;
  if (file_read(path, &data, &size, NULL)) exit(99);
  for (size_t i = 0; i < size && digits; i++) {
    const bool digit = strchr("0123456789.-+e", data[i]) != NULL;
    if (!digit || !n || data[n - 1] != '0') data[n++] = digit ? '0' : data[i];
  }
  if (digits) data[n] = 0;
  return data;
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  const long step = atol(argv[2]);
  const bool times = getenv("STARVE_TIMES") != NULL;
  snprintf(out_path, sizeof out_path, "%s/out", argv[1]);
  snprintf(err_path, sizeof err_path, "%s/err", argv[1]);
  count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (count == MAP_FAILED || step < 1) return 2;
  argv[2] = argv[0];
  int failures = 0;
  if (run(0, 0, argc - 2, argv + 2)) {
    char *err = content(err_path, false);
    printf("%s fails with plenty: %s\n", argv[3], err);
    return 1;
  }
  char *wanted = content(out_path, times);
  const long all = *count;
  long tried = 0, fine = 0;
  for (long n = 1; n <= all; n += n < FIRST / step ? 1 : step)
    for (int forever = 0; forever < 2; forever++) {
      if (step > USUAL && forever != n % 2) continue;
      tried++;
      const int code = run(n, forever, argc - 2, argv + 2);
      char *out = content(out_path, times), *err = content(err_path, false);
      const char *what = code > 1 && code < 128 ? "exit code" : code >= 128 ? "signal" : NULL;
      if (!code && strcmp(out, wanted)) what = "another output and exit code";
      if (code == 1 && !*err) what = "no message and exit code";
      fine += !code;
      if (what && failures++ < 20) {
        printf("%s, allocation %ld of %ld fails %s: %s %d\n", argv[3], n, all, forever ? "for ever" : "once", what, code);
        if (!code) printf("--- wanted\n%.600s\n--- found\n%.600s\n", wanted, out);
        if (*err) printf("--- err\n%.300s\n", err);
      }
      mem_free(out);
      mem_free(err);
    }
  printf("%s: %ld allocations, %ld runs, %ld of them as in plenty, %d failures\n", argv[3], all, tried, fine, failures);
  mem_free(wanted);
  return failures != 0;
}
