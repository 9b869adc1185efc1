/* test_gather.c - shards of several ranks leave what the shards of one process leave, to the bit. The ranks are threads here, which
 * hand each other their messages. */
#include "testnet.h"
#include <pthread.h>
#include <stdlib.h>
#include "plan/frozen.h"
#include "plan/plan.h"
#include "ranks/ranks.h"
#include "run/gather.h"

enum { ROWS = 21, STEPS = 5, PASSES = 3, MOST = 5 };

/* --- a transport in place of MPI --- */

static pthread_barrier_t meet;
static const ranks_message *sent[MOST];
static int n_sent[MOST];
static _Thread_local int self;

static int hand_over(const ranks_message *send, int n_send, ranks_message *receive, int n_receive, double seconds) {
  (void)seconds;
  sent[self] = send;
  n_sent[self] = n_send;
  pthread_barrier_wait(&meet);
  for (int i = 0; i < n_receive; i++)
    for (int k = 0; k < n_sent[receive[i].rank]; k++) {
      const ranks_message *m = &sent[receive[i].rank][k];
      if (m->rank != self) continue;
      if (m->n > receive[i].n) abort();
      memcpy(receive[i].bytes, m->bytes, m->n);
    }
  pthread_barrier_wait(&meet);
  return -1;
}

static const ranks_module module = {.version = RANKS_VERSION, .exchange = hand_over};

/* --- ranks --- */

typedef struct job {
  const testnet *n;
  const plan *p;
  const batch *b[PASSES];
  int own, count, wrong;
  const float *gradients; /* [PASSES][n_weights] of one process */
  const double *losses;   /* [PASSES] */
} job;

static void *work(void *context) {
  job *j = context;
  const ranks k = {.own = j->own, .count = j->count, .module = &module};
  const size_t weights = (size_t)j->n->g.n_weights;
  int range[2];
  run *r;
  gathering *g;
  self = j->own;
  run_range(plan_frozen(j->p)->shards, k.own, k.count, range);
  if (run_new_range(&r, j->p, j->n->weights, NULL, range, NULL) || gathering_new(&g, r, &k, NULL)) abort();
  for (int i = 0; i < PASSES; i++) {
    int flags = 1 << j->own;
    run_pass(r, j->b[i], 1);
    if (gathering_all(g, &flags, NULL)) abort();
    const float *dw = run_gradient(r), *right = j->gradients + (size_t)i * weights;
    for (size_t w = 0; w < weights; w++) /* of units that are known to be zero only that is known */
      j->wrong += run_touched(r)[w / UNIT] ? memcmp(&dw[w], &right[w], sizeof *dw) != 0 : right[w] != 0.0f;
    j->wrong += run_loss(r, 0) != j->losses[i] || flags != (1 << j->count) - 1;
  }
  gathering_free(g);
  run_free(r);
  return NULL;
}

static void compare(const char *name, const testnet *n, const plan *p, random_batch b[PASSES], int count) {
  const size_t weights = (size_t)n->g.n_weights;
  float *gradients = mem_zero(PASSES * weights + 1, sizeof *gradients);
  double losses[PASSES];
  job jobs[MOST];
  pthread_t threads[MOST];
  run *r;
  assert_non_null(gradients);
  assert_int_equal(run_new(&r, p, n->weights, NULL, NULL), UNROLL_OK);
  for (int i = 0; i < PASSES; i++) {
    run_pass(r, &b[i].b, 1);
    memcpy(gradients + (size_t)i * weights, run_gradient(r), weights * sizeof *gradients);
    losses[i] = run_loss(r, 0);
  }
  run_free(r);
  pthread_barrier_init(&meet, NULL, (unsigned)count);
  for (int q = 0; q < count; q++) {
    jobs[q] = (job){.n = n, .p = p, .own = q, .count = count, .gradients = gradients, .losses = losses};
    for (int i = 0; i < PASSES; i++) jobs[q].b[i] = &b[i].b;
    assert_int_equal(pthread_create(&threads[q], NULL, work, &jobs[q]), 0);
  }
  for (int q = 0; q < count; q++) pthread_join(threads[q], NULL);
  for (int q = 0; q < count; q++)
    if (jobs[q].wrong) fail_msg("%s, %d ranks: %d numbers of rank %d are wrong", name, count, jobs[q].wrong, q);
  pthread_barrier_destroy(&meet);
  mem_free(gradients);
}

/* Batches of many rows and of few, in turns: some shards run in one pass and not in the next. */
static void ranks_and_shards(void **state) {
  static const testtext nets[] = {
      {"dropout", "data token : chars\nh = lstm(embed(token[t-1], 4), 6, dropout = 0.4)\ntoken ~ softmax(W dropout(h, 0.2) + b)\n"},
      {"a large table", "data word : words(3000)\ndata tag : words(5)\nh = gru(embed(word, 11), 70)\ntag ~ softmax(W h + b)\n"},
  };
  static const int rows[PASSES] = {ROWS, 3, ROWS}, shards[] = {1, 2, 4, 8, 16};
  (void)state;
  for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
    testnet n = {0};
    random_batch b[PASSES];
    int lengths[ROWS];
    for (int k = 0; k < ROWS; k++) lengths[k] = STEPS - k % 4;
    assert_int_equal(testnet_build(&n, nets[i].text, 1, NULL), UNROLL_OK);
    for (int k = 0; k < PASSES; k++)
      assert_int_equal(random_batch_new(&b[k], &n.g, rows[k], lengths, 5 + (uint64_t)k, NULL), UNROLL_OK);
    for (size_t s = 0; s < sizeof shards / sizeof *shards; s++) {
      plan *p;
      const plan_options o = {.max_rows = ROWS, .max_steps = STEPS, .gradient = 1, .shards = shards[s]};
      assert_int_equal(plan_new(&p, &n.g, &o, NULL), UNROLL_OK);
      for (int count = 2; count <= MOST; count++) compare(nets[i].name, &n, p, b, count);
      plan_free(p);
    }
    for (int k = 0; k < PASSES; k++) random_batch_free(&b[k]);
    testnet_free(&n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(ranks_and_shards)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
