/* together.c - training by several ranks. That all do the same is found out before the first step. What each has to tell is
 * gathered after a pass. Rank 0 alone says and writes anything. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/hash.h"
#include "train/trainer.h"

/* What each rank says of itself. */
typedef struct hello {
  int32_t code, unused; /* of the error that it has met */
  uint64_t program, options, net, bytes, data;
  int64_t step;
  unroll_error error;
} hello;

/* Without what may differ from machine to machine. */
static uint64_t options_hash(const trainer *t) {
  train_options o = t->o;
  o.threads = o.memory = 0;
  o.dir = NULL;
  o.data = NULL;
  char *said = train_options_text(&o);
  const uint64_t hash = said ? hash_bytes(0, said, strlen(said)) : 0;
  mem_free(said);
  return hash;
}

static unroll_status differs(const trainer *t, const hello *all, unroll_error *err) {
  for (int i = 0; i < t->ranks->count; i++) {
    if (!all[i].code) continue;
    if (i == t->ranks->own) return (unroll_status)all[i].code; /* has its error */
    *err = all[i].error;
    if (i) snprintf(err->message, sizeof err->message, "rank %d: %.*s", i, (int)sizeof err->message - 32, all[i].error.message);
    return (unroll_status)all[i].code;
  }
  for (int i = 1; i < t->ranks->count; i++) {
    const hello *a = &all[0], *b = &all[i];
    if (a->program != b->program) return error_set(err, UNROLL_USAGE, "rank %d is another program than rank 0", i);
    if (a->options != b->options) return error_set(err, UNROLL_USAGE, "rank %d has other options than rank 0", i);
    if (a->bytes != b->bytes || a->data != b->data)
      return error_set(err, UNROLL_BAD_INPUT, "rank %d has other data than rank 0: %" PRIu64 " bytes, and %" PRIu64 "%s", i,
                       b->bytes, a->bytes, a->bytes == b->bytes ? ", but not the same" : "");
    if (a->net != b->net || a->step != b->step)
      return error_set(err, UNROLL_BAD_INPUT, "rank %d begins with another net or other weights than rank 0", i);
  }
  return UNROLL_OK;
}

unroll_status together_meet(trainer *t, unroll_status status, unroll_error *err) {
  unroll_error own = {0};
  if (!t->ranks) return status;
  if (!err) err = &own;
  hello mine = {.code = (int32_t)status, .step = t->s.step}, *all = mem_zero((size_t)t->ranks->count, sizeof *all);
  if (!all) return error_memory(err);
  if (status) mine.error = *err;
  if (!status) {
    mine.program = ranks_program();
    mine.options = options_hash(t);
    mine.net = hash_bytes(0, t->m.weights, (size_t)t->m.g.n_weights * sizeof *t->m.weights);
    mine.bytes = t->identity.bytes;
    mine.data = t->identity.hash;
  }
  status = ranks_share(t->ranks, &mine, all, sizeof mine, err);
  if (!status) status = differs(t, all, err);
  mem_free(all);
  if (t->ranks->own) t->o.dir = NULL; /* nothing is written */
  if (status) ranks_end();            /* all know */
  return status;
}

unroll_status together_run(trainer *t, const plan_options *options, unroll_error *err) {
  int range[2];
  if (!t->ranks) return run_make(&t->run, &t->plan, &t->m.g, options, t->m.weights, t->workers, err);
  run_range(options->shards, t->ranks->own, t->ranks->count, range);
  batcher_share(t->batches, options->shards, range);
  unroll_status status = run_make_range(&t->run, &t->plan, &t->m.g, options, t->m.weights, t->workers, range, err);
  return status ? status : gathering_new(&t->gathering, t->run, t->ranks, err);
}

/* A checkpoint has the states of all rows: those that a rank does not have are zeros there. */
unroll_status together_carry(trainer *t, unroll_error *err) {
  const size_t n = (size_t)run_carry_size(t->run), bytes = n * sizeof *t->carry;
  run_carry_get(t->run, t->carry);
  if (!t->ranks || !n) return UNROLL_OK;
  uint32_t *all = mem_zero((size_t)t->ranks->count, bytes), *own = (uint32_t *)(void *)t->carry;
  if (!all) return error_memory(err);
  const unroll_status status = ranks_share(t->ranks, t->carry, all, bytes, err);
  for (int q = 0; q < t->ranks->count && !status; q++)
    for (size_t i = 0; i < n && q != t->ranks->own; i++) own[i] |= all[(size_t)q * n + i];
  mem_free(all);
  return status;
}
