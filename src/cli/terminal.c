/* terminal.c - see terminal.h. Everything here goes to standard error, except output_*. */
#include "cli/terminal.h"
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/error.h"
#include "base/memory.h"
#include "io/json.h"
#include "base/text.h"
#include "base/threads.h"
#include "cli/options.h"

static bool on_terminal, colour, line_open, mute;
static double last_shown;

void terminal_init(void) {
  const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
  const bool dumb = term && !strcmp(term, "dumb");
  on_terminal = isatty(STDERR_FILENO) && !dumb;
  colour = on_terminal && !(no && *no);
  last_shown = time_now() - (on_terminal ? 1 : 0);
}

int terminal_columns(int file) {
  struct winsize size;
  return isatty(file) && ioctl(file, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

chart_form terminal_chart(const char *x_name, bool log) {
  const char *no = getenv("NO_COLOR");
  const int columns = terminal_columns(STDOUT_FILENO), least = 30, most = 160;
  return (chart_form){.columns = !columns          ? 80
                                 : columns < least ? least
                                 : columns > most  ? most
                                                   : columns,
                      .rows = 18,
                      .log = log,
                      .color = columns > 0 && !(no && *no),
                      .x_name = x_name};
}

/* Copies text of unknown origin: control characters and bytes that are not UTF-8 become '?', so that no file can steer the
 * terminal. Returns how many characters there were. */
static int put_plain_most(const char *s, int most) {
  const size_t n = strlen(s);
  int count = 0;
  for (size_t i = 0; i < n && count < most; count++) {
    uint32_t code;
    const int length = utf8_decode(s + i, n - i, &code);
    if (length == 0 || (code < 0x20 && code != '\t') || (code >= 0x7f && code < 0xa0))
      fputc('?', stderr);
    else
      fwrite(s + i, 1, (size_t)length, stderr);
    i += length ? (size_t)length : 1;
  }
  return count;
}

static int put_plain(const char *s) { return put_plain_most(s, INT_MAX); }

/* A message of the library, with options as they are typed. */
static void put_said(const char *message) {
  text out = {0};
  options_message(message, &out);
  put_plain(out.failed || !out.data ? message : out.data);
  text_free(&out);
}

/* Blanks as wide as the first `columns` characters of s: tabs stay tabs. */
static void put_blanks(const char *s, int columns) {
  const size_t n = strlen(s);
  size_t i = 0;
  for (int count = 0; count < columns; count++) {
    uint32_t code;
    const int length = i < n ? utf8_decode(s + i, n - i, &code) : 0;
    fputc(i < n && s[i] == '\t' ? '\t' : ' ', stderr);
    if (i < n) i += length ? (size_t)length : 1;
  }
}

static void put_kind(const char *kind, const char *code) {
  if (colour)
    fprintf(stderr, "\033[%sm%s:\033[0m ", code, kind);
  else
    fprintf(stderr, "%s: ", kind);
}

static void clear_line(void) {
  if (line_open) fputs(on_terminal ? "\r\033[K" : "", stderr);
  line_open = false;
}

void terminal_error(const unroll_error *err) {
  clear_line();
  put_plain(*err->file ? err->file : "unroll");
  if (err->line > 0) fprintf(stderr, ":%d", err->line);
  if (err->line > 0 && err->column > 0) fprintf(stderr, ":%d", err->column);
  fputs(": ", stderr);
  put_kind("error", "1;31");
  put_said(err->message);
  fputc('\n', stderr);
  if (!*err->source || err->column < 1) return;
  const int characters = put_plain(err->source);
  fputc('\n', stderr);
  if (err->column > characters + 1) return; /* the copy of the line was cut before that */
  put_blanks(err->source, err->column - 1);
  fputs(colour ? "\033[1;32m^\033[0m\n" : "^\n", stderr);
}

void terminal_mute(void) { mute = true; }

static void put_message(const char *kind, const char *code, const char *format, va_list list) {
  char message[1024];
  if (mute) return;
  vsnprintf(message, sizeof message, format, list);
  clear_line();
  fputs("unroll: ", stderr);
  put_kind(kind, code);
  put_said(message);
  fputc('\n', stderr);
}

void terminal_warn(const char *format, ...) {
  va_list list;
  va_start(list, format);
  put_message("warning", "1;35", format, list);
  va_end(list);
}

void terminal_note(const char *format, ...) {
  va_list list;
  va_start(list, format);
  put_message("note", "1;36", format, list);
  va_end(list);
}

bool progress_due(void) { return time_now() - last_shown >= (on_terminal ? 0.1 : 5.0); }

static void put_progress(const char *format, va_list list, bool stays) {
  char line[512];
  if (mute) return;
  vsnprintf(line, sizeof line, format, list);
  if (on_terminal) fputs("\r\033[K", stderr);
  const int columns = on_terminal && !stays ? terminal_columns(STDERR_FILENO) : 0; /* a longer line could not be redrawn */
  put_plain_most(line, columns > 1 ? columns - 1 : INT_MAX);
  if (stays || !on_terminal) fputc('\n', stderr);
  fflush(stderr);
  line_open = on_terminal && !stays;
  last_shown = time_now();
}

void progress_show(const char *format, ...) {
  if (!progress_due()) return;
  va_list list;
  va_start(list, format);
  put_progress(format, list, false);
  va_end(list);
}

void progress_line(const char *format, ...) {
  va_list list;
  va_start(list, format);
  put_progress(format, list, true);
  va_end(list);
}

void progress_end(void) {
  if (line_open) fputc('\n', stderr);
  line_open = false;
}

const char *duration_text(double seconds, char out[32]) {
  if (!(seconds >= 0 && seconds < 1e9)) return strcpy(out, "?");
  const long s = (long)(seconds + 0.5);
  if (s >= 3600)
    snprintf(out, 32, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  else
    snprintf(out, 32, "%ld:%02ld", s / 60, s % 60);
  return out;
}

json_t *json_number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

/* Not one call that built the object need have been looked at: what is missing is known here. */
unroll_status output_json(json_t *object, unroll_error *err) {
  char *line = mem_failures() ? NULL : json_write(object, JSON_REAL_PRECISION(12));
  json_decref(object);
  if (!line) return error_memory(err);
  puts(line);
  mem_free(line);
  return UNROLL_OK;
}

unroll_status output_close(unroll_error *err) {
  const int failed = fflush(stdout) != 0 || ferror(stdout);
  const int reason = errno;
  if (fclose(stdout) == 0 && !failed) return UNROLL_OK;
  return error_set(err, UNROLL_FAILED, "cannot write to standard output: %s", strerror(failed ? reason : errno));
}

static volatile sig_atomic_t stopped;

static void on_stop(int number) {
  (void)number;
  stopped = 1;
}

void signals_init(void) {
  signal(SIGPIPE, SIG_DFL);
  signal(SIGXFSZ, SIG_IGN); /* a write then fails with a reason */
}

void signals_keep_pipe(void) { signal(SIGPIPE, SIG_IGN); }

volatile sig_atomic_t *signals_pointer(void) { return &stopped; }

volatile sig_atomic_t *signals_flag(void) {
  static bool installed;
  if (!installed) {
    struct sigaction act = {.sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&act.sa_mask);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    struct sigaction before; /* of `nohup` it stays ignored */
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(SIGHUP, &act, NULL);
    installed = true;
  }
  return &stopped;
}
