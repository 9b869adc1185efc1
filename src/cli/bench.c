/* bench.c - `unroll bench`. The room bench measures and prints. */
#include "bench/bench.h"
#include "cli/commands.h"
#include "cli/terminal.h"

static void show(const char *line) { progress_show("%s", line); }

unroll_status command_bench(const options *o, unroll_error *err) {
  const bench_options how = {.net = o->n_arguments ? o->arguments[0] : NULL,
                             .cell = o->cell,
                             .shape = o->shape,
                             .precision = o->precision,
                             .sets = o->sets.items,
                             .n_sets = o->sets.n,
                             .cases = o->cases,
                             .cells = o->cells,
                             .sessions = o->sessions,
                             .forward = o->forward,
                             .roofline = o->roofline,
                             .json = o->json,
                             .batch = o->batch,
                             .unroll = o->unroll,
                             .shards = o->shards,
                             .threads = o->threads,
                             .seconds = o->seconds,
                             .watch = {signals_flag(), o->quiet ? NULL : show}};
  json_t *out;
  const unroll_status status = bench_run(&how, &out, err);
  return status || !o->json ? status : output_json(out, err);
}
