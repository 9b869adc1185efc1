/* test_gather.c - shards of several ranks leave what the shards of one process leave, to the bit. The ranks are threads here, which
 * hand each other their messages. */
#include "testnet.h"
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include "plan/frozen.h"
#include "plan/plan.h"
#include "ranks/ranks.h"
#include "run/gather.h"
#include "run/internal.h"

enum { ROWS = 21, STEPS = 5, PASSES = 3, MOST = 5 };

/* --- a transport in place of MPI --- */

enum { MOST_LETTERS = 256 };

/* What is under way from one rank to another, in order. */
typedef struct box {
  ranks_message letter[MOST_LETTERS]; /* by turns; bytes are a copy */
  unsigned sent, taken;
} box;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static box boxes[MOST][MOST];
static _Thread_local int self;

typedef struct journey {
  ranks_message *receive;
  int n, next;
} journey;

static void *start(const ranks_message *send, int n_send, ranks_message *receive, int n_receive) {
  journey *j = mem_zero(1, sizeof *j);
  if (!j) abort();
  *j = (journey){receive, n_receive, 0};
  pthread_mutex_lock(&lock);
  for (int i = 0; i < n_send; i++) {
    box *to = &boxes[self][send[i].rank];
    ranks_message copy = {self, mem_alloc(send[i].n + 1), send[i].n};
    if (!copy.bytes || to->sent - to->taken == MOST_LETTERS) abort();
    memcpy(copy.bytes, send[i].bytes, send[i].n);
    to->letter[to->sent++ % MOST_LETTERS] = copy;
  }
  pthread_mutex_unlock(&lock);
  return j;
}

static int arrived(void *under_way, double seconds) {
  journey *j = under_way;
  do {
    pthread_mutex_lock(&lock);
    while (j->next < j->n) {
      ranks_message *to = &j->receive[j->next];
      box *from = &boxes[to->rank][self];
      if (from->sent == from->taken) break;
      const ranks_message *m = &from->letter[from->taken++ % MOST_LETTERS];
      if (m->n > to->n) abort();
      memcpy(to->bytes, m->bytes, m->n);
      mem_free(m->bytes);
      j->next++;
    }
    pthread_mutex_unlock(&lock);
    if (j->next == j->n) {
      mem_free(j);
      return RANKS_ALL;
    }
    sched_yield();
  } while (seconds > 0);
  return RANKS_UNDER_WAY;
}

static const ranks_module module = {.version = RANKS_VERSION, .start = start, .arrived = arrived};

/* --- ranks --- */

typedef struct job {
  const testnet *n;
  const plan *p;
  const batch *b[PASSES];
  int own, count, wrong, threads, early;
  const float *gradients; /* [PASSES][n_weights] of one process */
  const double *losses;   /* [PASSES] */
} job;

static void *work(void *context) {
  job *j = context;
  const ranks k = {.own = j->own, .count = j->count, .module = &module};
  const size_t weights = (size_t)j->n->g.n_weights;
  int range[2];
  pool *workers = pool_new(j->threads);
  run *r;
  gathering *g;
  self = j->own;
  run_range(plan_frozen(j->p)->shards, k.own, k.count, range);
  if (!workers || run_new_range(&r, j->p, j->n->weights, workers, range, NULL) || gathering_new(&g, r, &k, NULL)) abort();
  for (int i = 0; i < PASSES; i++) {
    int flags = 1 << j->own;
    run_pass(r, j->b[i], 1);
    if (gathering_all(g, &flags, NULL)) abort();
    const float *dw = run_gradient(r), *right = j->gradients + (size_t)i * weights;
    for (size_t w = 0; w < weights; w++) /* of units that are known to be zero only that is known */
      j->wrong += run_touched(r)[w / UNIT] ? memcmp(&dw[w], &right[w], sizeof *dw) != 0 : right[w] != 0.0f;
    j->wrong += run_loss(r, 0) != j->losses[i] || flags != (1 << j->count) - 1;
  }
  j->early = gathering_early(g);
  gathering_free(g);
  run_free(r);
  pool_free(workers);
  return NULL;
}

/* How many rounds of messages set out early. */
static int compare(const char *name, const testnet *n, const plan *p, random_batch b[PASSES], int count, int threads_each) {
  int early = 0;
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
  for (int q = 0; q < count; q++) {
    jobs[q] = (job){.n = n, .p = p, .own = q, .count = count, .threads = threads_each, .gradients = gradients, .losses = losses};
    for (int i = 0; i < PASSES; i++) jobs[q].b[i] = &b[i].b;
    assert_int_equal(pthread_create(&threads[q], NULL, work, &jobs[q]), 0);
  }
  for (int q = 0; q < count; q++) pthread_join(threads[q], NULL);
  for (int q = 0; q < count; q++)
    if (jobs[q].wrong) fail_msg("%s, %d ranks: %d numbers of rank %d are wrong", name, count, jobs[q].wrong, q);
  mem_free(gradients);
  for (int q = 0; q < count; q++) early += jobs[q].early;
  return early;
}

/* Batches of many rows and of few, in turns: some shards run in one pass and not in the next. */
static void ranks_and_shards(void **state) {
  static const testtext nets[] = {
      {"dropout", "data token : chars\nh = lstm(embed(token[t-1], 4), 6, dropout = 0.4)\ntoken ~ softmax(W dropout(h, 0.2) + b)\n"},
      {"a large table", "data word : words(3000)\ndata tag : words(5)\nh = gru(embed(word, 11), 70)\ntag ~ softmax(W h + b)\n"},
  };
  static const int n_rows[PASSES] = {ROWS, 3, ROWS}, shards[] = {1, 2, 4, 8, 16};
  (void)state;
  for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
    testnet n = {0};
    random_batch b[PASSES];
    int lengths[ROWS];
    for (int k = 0; k < ROWS; k++) lengths[k] = STEPS - k % 4;
    assert_int_equal(testnet_build(&n, nets[i].text, 1, NULL), UNROLL_OK);
    for (int k = 0; k < PASSES; k++)
      assert_int_equal(random_batch_new(&b[k], &n.g, n_rows[k], lengths, 5 + (uint64_t)k, NULL), UNROLL_OK);
    for (size_t s = 0; s < sizeof shards / sizeof *shards; s++) {
      plan *p;
      const plan_options o = {.max_rows = ROWS, .max_steps = STEPS, .gradient = 1, .shards = shards[s]};
      assert_int_equal(plan_new(&p, &n.g, &o, NULL), UNROLL_OK);
      for (int count = 2; count <= MOST; count++) compare(nets[i].name, &n, p, b, count, 1 + count % 2);
      plan_free(p);
    }
    for (int k = 0; k < PASSES; k++) random_batch_free(&b[k]);
    testnet_free(&n);
  }
}

/* --- what is final when --- */

typedef struct watched {
  const run_piece *pieces;
  int n;
  float *seen; /* [n_weights] of each piece when it was said to be final */
} watched;

static void watch(void *context, run *r, worker *w, int number, int thread, int threads) {
  const watched *x = context;
  run_stage(r, w, &r->f->stages[number], thread, threads);
  for (int i = 0; i < x->n; i++) {
    const int64_t from = x->pieces[i].from * UNIT, end = x->pieces[i].end * UNIT;
    const int64_t last = end < r->f->n_weights ? end : r->f->n_weights;
    if (x->pieces[i].after == number) memcpy(x->seen + from, r->gradient + from, (size_t)(last - from) * sizeof *x->seen);
  }
}

/* Pieces are all units, each once, in order; after its stage nothing changes a piece. How many there are. */
static int watch_pieces(const char *name, const testnet *n, int64_t least) {
  const plan_options o = {.max_rows = ROWS, .max_steps = STEPS, .gradient = 1, .shards = 1};
  const size_t weights = (size_t)n->g.n_weights;
  watched x = {.seen = mem_zero(weights, sizeof *x.seen)};
  random_batch b;
  int lengths[ROWS];
  int64_t units = 0;
  plan *p;
  run *r;
  for (int k = 0; k < ROWS; k++) lengths[k] = STEPS - k % 4;
  assert_int_equal(plan_new(&p, &n->g, &o, NULL), UNROLL_OK);
  assert_int_equal(run_new(&r, p, n->weights, NULL, NULL), UNROLL_OK);
  assert_int_equal(random_batch_new(&b, &n->g, ROWS, lengths, 5, NULL), UNROLL_OK);
  run_piece *pieces = run_final_pieces(plan_frozen(p), least, &x.n);
  assert_true(pieces && x.seen);
  x.pieces = pieces;
  for (int i = 0; i < x.n; i++) {
    units += pieces[i].end - pieces[i].from;
    if (i && pieces[i].after < pieces[i - 1].after) fail_msg("%s: piece %d comes too late", name, i);
    if (x.n > 1 && pieces[i].end - pieces[i].from < least) fail_msg("%s: piece %d is short", name, i);
    for (int k = 0; k < i; k++) assert_true(pieces[k].from >= pieces[i].end || pieces[k].end <= pieces[i].from);
  }
  assert_int_equal(units, n->g.n_weights / UNIT + 1);
  run_begin(r, &b.b, 1);
  run_clear_gradient(r, 0, 1);
  run_walk(r, r->worker, watch, &x, 0, 1);
  for (size_t i = 0; i < weights; i++)
    if (memcmp(&x.seen[i], &r->gradient[i], sizeof *x.seen) != 0) fail_msg("%s: number %zu has changed afterwards", name, i);
  mem_free(pieces);
  mem_free(x.seen);
  random_batch_free(&b);
  run_free(r);
  plan_free(p);
  return x.n;
}

static void upper_layers_first(void **state) {
  static const struct {
    const char *name, *text;
    int pieces; /* at least, of 4 units or more */
  } nets[] = {
      {"three layers",
       "data token : words(40)\ndata tag : words(5)\na = lstm(embed(token, 16), 80)\nb = gru(a, 80)\nc = lstm(b, 80)\n"
       "tag ~ softmax(V c + b_y)\n",
       4},
      {"both directions",
       "data token : words(40)\ndata tag : words(5)\na = [lstm(embed(token, 16), 40), lstm(embed(token, 16), 40, backward)]\nc = "
       "lstm(a, 80)\ntag ~ softmax(V c + b_y)\n",
       3},
      {"a table for both", "data token : words(90)\nwidth e = 24\ne = E token[t-1]\nh = lstm(e, 24)\ntoken ~ softmax(E' h + b)\n",
       1},
      {"norms",
       "data token : words(40)\ndata tag : words(5)\na = layernorm(gru(embed(token, 40), 80))\nc = layernorm(lstm(a, 80))\ntag ~ "
       "softmax(V c "
       "+ b_y)\n",
       3},
      {"a picture",
       "data sight : image(3, 12, 12)\ndata tag : category\na = relu(conv(sight, 24, 3))\nc = relu(conv(pool(a, 2), 24, "
       "3))\ntag ~ softmax(V c + b_y)\n",
       2},
  };
  (void)state;
  for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
    testnet n = {0};
    unroll_error err = {0};
    if (testnet_build(&n, nets[i].text, 1, &err)) fail_msg("%s: %s", nets[i].name, err.message);
    const int found = watch_pieces(nets[i].name, &n, 4);
    if (found < nets[i].pieces) fail_msg("%s: %d pieces", nets[i].name, found);
    watch_pieces(nets[i].name, &n, 1 << 20);
    testnet_free(&n);
  }
}

/* They set out before the pass ends. Of a rank with several threads the last of them counts. */
static void travels_meanwhile(void **state) {
  static const char layers[] =
      "data token : words(40)\ndata tag : words(5)\na = lstm(embed(token, 16), 80)\nb = gru(a, 80)\nc = lstm(b, 80)\n"
      "tag ~ softmax(V c + b_y)\n";
  static const int n_rows[PASSES] = {ROWS, 3, ROWS};
  testnet n = {0};
  random_batch b[PASSES];
  int lengths[ROWS];
  plan *p;
  (void)state;
  for (int k = 0; k < ROWS; k++) lengths[k] = STEPS - k % 4;
  assert_int_equal(testnet_build(&n, layers, 1, NULL), UNROLL_OK);
  for (int k = 0; k < PASSES; k++)
    assert_int_equal(random_batch_new(&b[k], &n.g, n_rows[k], lengths, 5 + (uint64_t)k, NULL), UNROLL_OK);
  const plan_options o = {.max_rows = ROWS, .max_steps = STEPS, .gradient = 1, .shards = 8};
  assert_int_equal(plan_new(&p, &n.g, &o, NULL), UNROLL_OK);
  for (int threads = 1; threads <= 4; threads++) {
    const int early = compare("three layers", &n, p, b, 2, threads);
    if (threads == 1 && early < 5) fail_msg("%d rounds set out early", early); /* with 3 rows the second rank has none */
  }
  plan_free(p);
  for (int k = 0; k < PASSES; k++) random_batch_free(&b[k]);
  testnet_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(ranks_and_shards), cmocka_unit_test(upper_layers_first),
                                     cmocka_unit_test(travels_meanwhile)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
