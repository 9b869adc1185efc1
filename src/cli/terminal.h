/* terminal.h - what the program says on standard error: errors with the line and a caret, warnings, progress. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H
#include <signal.h>
#include <stdbool.h>
#include <jansson.h>
#include <unroll.h>
#include "report/chart.h"

/* Looks whether standard error is a terminal, and at NO_COLOR and TERM. */
void terminal_init(void);
int terminal_columns(int file); /* 0: it is no terminal, or does not say */
/* For a chart on standard output: as wide as its terminal, 80 columns elsewhere, in colours on a terminal without NO_COLOR. */
chart_form terminal_chart(const char *x_name, bool log);
/* `file:line:column: error: message`, the source line and a caret. Control characters of untrusted text are not passed on. */
void terminal_error(const unroll_error *err);
void terminal_mute(void); /* from here on nothing but errors is said */
void terminal_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void terminal_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Progress: on a terminal one line, redrawn at most ten times a second; elsewhere a plain line every few seconds. */
bool progress_due(void); /* whether a progress_show now would be seen: the caller need not format its line otherwise */
void progress_show(const char *format, ...) __attribute__((format(printf, 1, 2)));
void progress_line(const char *format, ...) __attribute__((format(printf, 1, 2))); /* always, and stays */
void progress_end(void);                                                           /* leaves the last line standing */
/* "3:05", "1:02:03" */
const char *duration_text(double seconds, char out[32]);

/* Standard output: one JSON object, which is freed; and the final check that everything arrived. */
unroll_status output_json(json_t *object, unroll_error *err);
unroll_status output_close(unroll_error *err);
/* A real number, or null when it is not finite. */
json_t *json_number(double x);

/* Who writes to a pipe that nobody reads any more ends quietly, as `| head` expects. */
void signals_init(void);
/* From here on that is a failed write: what is under way shall be finished. */
void signals_keep_pipe(void);
/* From the first call on, SIGINT, SIGTERM and SIGHUP set the flag, and a second one ends the program at once. A command that never
 * looks at the flag is ended by the first. */
volatile sig_atomic_t *signals_flag(void);
volatile sig_atomic_t *signals_pointer(void); /* the same flag, leaving interrupts as they are until signals_flag() is called */
#endif
