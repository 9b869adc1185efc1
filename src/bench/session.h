/* session.h - one step of a session through the C API, beside an empty call of it. */
#ifndef BENCH_SESSION_H
#define BENCH_SESSION_H
#include "bench/case.h"

typedef struct bench_session {
  const char *name;
  enum precision precision;
  int64_t weights, packed;        /* numbers; bytes that a step reads */
  double operations;              /* of a step */
  int level;                      /* nearest one that holds the packed weights */
  double reading;                 /* seconds that this thread needs to read them from there */
  spread step, with_log_p, empty; /* seconds of unroll_session_feed; with unroll_session_log_p after it; of unroll_model_weights */
} bench_session;

/* A net of characters with 64 symbols, as `spec` says. The weights are made up. */
unroll_status bench_session_measure(bench_session *s, const bench_spec *spec, const char *const *settings, int n_settings,
                                    const bench_machine *machine, double seconds, unroll_error *err);
void bench_session_print(const bench_session *s);
json_t *bench_session_json(const bench_session *s);
#endif
