/* together.c - training by several ranks. That all do the same is found out before the first step. What each has to tell is
 * gathered after a pass. Rank 0 alone says and writes anything. */
#include <string.h>
#include "base/error.h"
#include "base/hash.h"
#include "train/trainer.h"

/* Without what may differ from machine to machine. */
static uint64_t options_hash(const trainer *t) {
  train_options o = t->o;
  o.threads = o.memory = 0;
  o.dir = NULL;
  o.data = NULL;
  o.cache = NULL;
  char *said = train_options_text(&o);
  const uint64_t hash = said ? hash_bytes(0, said, strlen(said)) : 0;
  mem_free(said);
  return hash;
}

unroll_status together_meet(trainer *t, unroll_status status, unroll_error *err) {
  ranks_trait traits[] = {{"another program", 0}, {"other options", 0}, {"other data", 0}, {"another net or other weights", 0}};
  if (!t->ranks) return status;
  if (!status) {
    traits[0].hash = ranks_program();
    traits[1].hash = options_hash(t);
    traits[2].hash = hash_mix(t->identity.hash ^ t->identity.bytes);
    for (int i = TRAIN; i <= TEST; i++) traits[2].hash = hash_mix(traits[2].hash ^ dataset_hash_files(&t->sets[i], &t->m.schema));
    traits[3].hash = hash_bytes((uint64_t)t->s.step, t->m.weights, (size_t)t->m.g.n_weights * sizeof *t->m.weights);
  }
  status = ranks_same(t->ranks, status, traits, sizeof traits / sizeof *traits, err);
  if (t->ranks->own) t->o.dir = NULL; /* nothing is written */
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
