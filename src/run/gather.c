/* gather.c - the shards of several ranks: their losses and gradients meet in the one binary tree of shard.c, to the same bits.
 *
 * A rank has a range of the shards, and has added what the tree adds within that range: what is left are nodes, whole subtrees.
 * Each rank is in charge of a part of the gradient. The others send it their nodes' numbers of that part. It adds them in the
 * order of the tree, and sends the sum back to all. So every number crosses the link twice, whatever the number of ranks. Units
 * that are known to be zero are not sent. Large gradients go in rounds, for which the buffers are made once.
 *
 * The gradient of an upper layer is final while lower ones are still computed. So it is cut in pieces by the stage that is the last
 * to change them (final.c). A piece sets out between two stages, once it is final in all shards of a rank. What has arrived goes on
 * at the next look. The order of pieces and rounds is that of the plan, so messages of all ranks meet. */
#include "run/gather.h"
#include <string.h>
#include "base/error.h"
#include "base/memory.h"
#include "ranks/ranks.h"
#include "run/internal.h"

enum { ROUND_UNITS = 1 << 15 }; /* of all ranks' parts together */
enum { PART_UNITS = 128 };      /* a piece gives each rank a part of so many at least: 32 KiB */
enum { NODES = 24 };            /* at most in a range of MOST_SHARDS: two of each level */

/* A subtree of shards, and the units of a part of its gradient. */
typedef struct node {
  int first, size;
  float *sum;
  uint8_t *touched;
} node;

typedef struct header {
  int32_t flags, unused;
} header;

struct gathering {
  const ranks *k;
  run *r;
  int64_t units;                 /* of each part at most in a round */
  size_t room;                   /* bytes of a message */
  unsigned char *send, *receive; /* [ranks][room] */
  ranks_message *messages;       /* [2 * ranks] */
  int (*range)[2];               /* [ranks] the shards of each */
  node *nodes;                   /* [ranks * NODES] of all, in the order of the shards */
  float *sums;                   /* [ranks * most][units * UNIT] of the others' nodes */
  uint8_t *touched;              /* [ranks * most][units] */
  int most;                      /* nodes of a rank */
  run_piece *pieces;
  int n_pieces;
  int piece;    /* that travels, or is the next one */
  int64_t done; /* units of each part of it that have travelled */
  enum { AT_HOME, NODES_UNDER_WAY, SUMS_UNDER_WAY } round;
  void *under_way;
  int early; /* rounds that set out before the end of the pass */
  unroll_status status;
  unroll_error error;
};

void run_range(int shards, int rank, int count, int range[2]) {
  range[0] = (int)((int64_t)shards * rank / count);
  range[1] = (int)((int64_t)shards * (rank + 1) / count);
}

/* The whole subtrees of a range, without those that have no row, in order. */
static int nodes_of(const int range[2], int n_rows, node out[NODES]) {
  int n = 0;
  for (int i = range[0], size; i < range[1] && i < n_rows; i += size) {
    for (size = 1; i % (2 * size) == 0 && i + 2 * size <= range[1];) size *= 2;
    out[n++] = (node){.first = i, .size = size};
  }
  return n;
}

void gathering_free(gathering *g) {
  if (!g) return;
  mem_free(g->send);
  mem_free(g->receive);
  mem_free(g->messages);
  mem_free(g->range);
  mem_free(g->nodes);
  mem_free(g->sums);
  mem_free(g->touched);
  mem_free(g->pieces);
  mem_free(g);
}

static void set_sizes(gathering *g, const frozen *f) {
  const int count = g->k->count;
  const int64_t part = (f->n_weights / UNIT + count) / count;
  node list[NODES];
  g->most = 1;
  for (int i = 0; i < count; i++) {
    run_range(f->shards, i, count, g->range[i]);
    const int n = nodes_of(g->range[i], f->shards, list);
    if (n > g->most) g->most = n;
  }
  g->units = ROUND_UNITS / count < part ? ROUND_UNITS / count : part;
  if (g->units < 1) g->units = 1;
  const size_t losses = sizeof(header) + (size_t)f->shards * (size_t)f->n_losses * sizeof(double);
  g->room = losses + (f->gradient ? (size_t)g->most * (size_t)g->units * (1 + UNIT * sizeof(float)) : 0);
}

static team_look look;

unroll_status gathering_new(gathering **out, run *r, const ranks *k, unroll_error *err) {
  const size_t count = (size_t)k->count;
  *out = NULL;
  if (k->count > MOST_RANKS) return error_set(err, UNROLL_USAGE, "%d ranks; at most %d can train together", k->count, MOST_RANKS);
  gathering *g = mem_zero(1, sizeof *g);
  if (!g) return error_memory(err);
  g->k = k;
  g->r = r;
  bool full = (g->range = mem_zero(count, sizeof *g->range)) != NULL;
  if (full) set_sizes(g, r->f);
  if (r->f->gradient) g->pieces = run_final_pieces(r->f, (int64_t)PART_UNITS * k->count, &g->n_pieces);
  const size_t others = count * (size_t)g->most * (size_t)(r->f->gradient ? g->units : 0);
  g->send = full ? mem_alloc(count * g->room) : NULL;
  g->receive = full ? mem_alloc(count * g->room) : NULL;
  g->messages = mem_zero(2 * count, sizeof *g->messages);
  g->nodes = mem_zero(count * NODES, sizeof *g->nodes);
  g->sums = mem_zero(others + 1, UNIT * sizeof *g->sums);
  g->touched = mem_zero(others + 1, 1);
  full = full && g->send && g->receive && g->messages && g->nodes && g->sums && g->touched && (g->pieces || !r->f->gradient);
  if (!full) {
    gathering_free(g);
    return error_memory(err);
  }
  if (r->f->gradient) team_set_look(r, g->pieces, g->n_pieces, look, g);
  *out = g;
  return UNROLL_OK;
}

/* --- messages --- */

static void put(unsigned char **at, const void *from, size_t n) {
  memcpy(*at, from, n);
  *at += n;
}

static void take(const unsigned char **at, void *to, size_t n) {
  memcpy(to, *at, n);
  *at += n;
}

static unsigned char *to_rank(const gathering *g, int rank) { return g->send + (size_t)rank * g->room; }
static unsigned char *from_rank(const gathering *g, int rank) { return g->receive + (size_t)rank * g->room; }

/* Of a piece of a gradient: how many floats n units have where `left` are left. */
static int64_t floats_of(int64_t n, int64_t left) { return n * UNIT < left ? n * UNIT : left; }

/* What n units are known to be, then the numbers of those that are not zero; the gradient has `left` numbers from there on. */
static void put_units(unsigned char **at, const uint8_t *touched, const float *x, int64_t n, int64_t left) {
  put(at, touched, (size_t)n);
  for (int64_t u = 0, end; u < n; u = end) {
    for (end = u + 1; end < n && (touched[end] == UNIT_ZERO) == (touched[u] == UNIT_ZERO);) end++;
    if (touched[u] != UNIT_ZERO) put(at, x + u * UNIT, (size_t)(floats_of(end, left) - u * UNIT) * sizeof *x);
  }
}

/* Units are known to be what `now` says; those that no longer hold anything are cleared. */
static void set_touched(uint8_t *touched, const uint8_t *now, float *x, int64_t n, int64_t left) {
  for (int64_t u = 0; u < n; u++)
    if (now[u] == UNIT_ZERO && touched[u] != UNIT_ZERO)
      memset(x + u * UNIT, 0, (size_t)(floats_of(u + 1, left) - u * UNIT) * sizeof *x);
  if (n) memcpy(touched, now, (size_t)n);
}

static void take_units(const unsigned char **at, uint8_t *touched, float *x, int64_t n, int64_t left) {
  set_touched(touched, *at, x, n, left);
  *at += n;
  for (int64_t u = 0, end; u < n; u = end) {
    for (end = u + 1; end < n && (touched[end] == UNIT_ZERO) == (touched[u] == UNIT_ZERO);) end++;
    if (touched[u] != UNIT_ZERO) take(at, x + u * UNIT, (size_t)(floats_of(end, left) - u * UNIT) * sizeof *x);
  }
}

/* Of every other rank a message is received. What it is sent ends at ends[rank]; without `ends` each is sent the n bytes for rank
 * 0. */
static unroll_status set_out(gathering *g, unsigned char *const *ends, size_t n, unroll_error *err) {
  const int count = g->k->count;
  int k = 0;
  for (int q = 0; q < count; q++) {
    if (q == g->k->own) continue;
    g->messages[k] = ends ? (ranks_message){q, to_rank(g, q), (size_t)(ends[q] - to_rank(g, q))} : (ranks_message){q, g->send, n};
    g->messages[count + k++] = (ranks_message){q, from_rank(g, q), g->room};
  }
  return ranks_start(g->k, g->messages, k, g->messages + count, k, &g->under_way, err);
}

/* --- losses --- */

static unroll_status gather_losses(gathering *g, int *flags, unroll_error *err) {
  const size_t bytes = (size_t)g->r->f->n_losses * sizeof(double);
  const int *own = g->range[g->k->own];
  const header mine = {*flags, 0};
  unsigned char *at = g->send;
  put(&at, &mine, sizeof mine);
  for (int i = own[0]; i < own[1]; i++) put(&at, team_losses(g->r, i), bytes);
  unroll_status status = set_out(g, NULL, (size_t)(at - g->send), err);
  if (!status) status = ranks_arrived(g->k, &g->under_way, true, err);
  for (int q = 0; q < g->k->count && !status; q++) {
    const unsigned char *from = from_rank(g, q);
    header h;
    if (q == g->k->own) continue;
    take(&from, &h, sizeof h);
    *flags |= h.flags;
    for (int i = g->range[q][0]; i < g->range[q][1]; i++) take(&from, team_losses(g->r, i), bytes);
  }
  return status;
}

/* --- gradients --- */

/* The units of a rank's part that go in this round, and how many numbers the gradient has from there on. */
static int64_t part_of(const gathering *g, int rank, int64_t *from, int64_t *left) {
  const run_piece *p = &g->pieces[g->piece];
  int64_t end;
  run_share(p->end - p->from, 1, rank, g->k->count, from, &end);
  *from += p->from + g->done;
  end += p->from;
  if (*from > end) *from = end;
  *left = g->r->f->n_weights - *from * UNIT;
  return end - *from < g->units ? end - *from : g->units;
}

/* To each rank this one's nodes, of the rank's part. */
static void put_nodes(gathering *g, unsigned char **ends) {
  node list[NODES];
  const int n = nodes_of(g->range[g->k->own], g->r->whole->rows, list);
  for (int q = 0; q < g->k->count; q++) {
    int64_t from, left;
    const int64_t units = part_of(g, q, &from, &left);
    ends[q] = to_rank(g, q);
    for (int i = 0; i < n && q != g->k->own; i++) {
      uint8_t *touched;
      const float *x = team_slope(g->r, list[i].first, &touched);
      put_units(&ends[q], touched + from, x + from * UNIT, units, left);
    }
  }
}

/* This rank's part of all nodes: its own where they are, the others' as they came; how many. */
static int find_nodes(gathering *g, int64_t from, int64_t units, int64_t left) {
  int all = 0, others = 0;
  for (int q = 0; q < g->k->count; q++) {
    const unsigned char *at = from_rank(g, q);
    const int n = nodes_of(g->range[q], g->r->whole->rows, g->nodes + all);
    for (int i = 0; i < n; i++) {
      node *one = &g->nodes[all++];
      if (q == g->k->own) {
        one->sum = team_slope(g->r, one->first, &one->touched) + from * UNIT;
        one->touched += from;
        continue;
      }
      one->sum = g->sums + (int64_t)others * g->units * UNIT;
      one->touched = g->touched + (int64_t)others++ * g->units;
      take_units(&at, one->touched, one->sum, units, left);
    }
  }
  return all;
}

/* Nodes that are neighbours and of one size become one, until there is one; those that are missing on the right have no row. */
static void add_nodes(gathering *g, int n, int64_t units, int64_t left) {
  int depth = 0;
  for (int i = 0; i < n; i++) {
    g->nodes[depth++] = g->nodes[i];
    while (depth > 1) {
      node *to = &g->nodes[depth - 2], *last = to + 1;
      const bool whole = last->size == to->size && to->first % (2 * to->size) == 0, ends = i == n - 1;
      if (!whole && !ends) break;
      run_add_units(to->sum, to->touched, last->sum, last->touched, units, left);
      to->size *= 2;
      depth--;
    }
  }
}

/* One round, first part: the nodes go to who is in charge. */
static unroll_status send_nodes(gathering *g, unroll_error *err) {
  unsigned char *ends[MOST_RANKS];
  put_nodes(g, ends);
  return set_out(g, ends, 0, err);
}

/* They have come: the sums go back. */
static unroll_status send_sums(gathering *g, unroll_error *err) {
  int64_t from, left;
  uint8_t *touched;
  const int64_t units = part_of(g, g->k->own, &from, &left);
  float *gradient = team_slope(g->r, -1, &touched);
  const int n = find_nodes(g, from, units, left);
  add_nodes(g, n, units, left);
  if (n && g->nodes[0].sum != gradient + from * UNIT) {
    set_touched(touched + from, g->nodes[0].touched, gradient + from * UNIT, units, left);
    if (units) memcpy(gradient + from * UNIT, g->nodes[0].sum, (size_t)floats_of(units, left) * sizeof *gradient);
  }
  unsigned char *at = g->send;
  put_units(&at, touched + from, gradient + from * UNIT, units, left);
  return set_out(g, NULL, (size_t)(at - g->send), err);
}

/* They have come too. */
static void take_sums(gathering *g) {
  uint8_t *touched;
  float *gradient = team_slope(g->r, -1, &touched);
  for (int q = 0; q < g->k->count; q++) {
    int64_t from, left;
    const unsigned char *came = from_rank(g, q);
    if (q == g->k->own) continue;
    const int64_t theirs = part_of(g, q, &from, &left);
    take_units(&came, touched + from, gradient + from * UNIT, theirs, left);
  }
}

/* The next round, perhaps of the next piece. */
static void next_round(gathering *g) {
  const run_piece *p = &g->pieces[g->piece];
  g->done += g->units;
  if (g->done * g->k->count < p->end - p->from) return;
  g->done = 0;
  g->piece++;
}

/* Goes on as far as it can, or to the end. ends: the pass has ended, so that all is final. */
static void go_on(gathering *g, bool ends) {
  while (!g->status && g->piece < g->n_pieces) {
    if (g->round != AT_HOME) g->status = ranks_arrived(g->k, &g->under_way, ends, &g->error);
    if (g->status || g->under_way) return;
    if (g->round == AT_HOME) {
      if (!ends && g->done == 0 && !team_is_final(g->r, g->piece)) return;
      if (!ends) g->early++;
      g->status = send_nodes(g, &g->error);
      g->round = NODES_UNDER_WAY;
    } else if (g->round == NODES_UNDER_WAY) {
      g->status = send_sums(g, &g->error);
      g->round = SUMS_UNDER_WAY;
    } else {
      take_sums(g);
      next_round(g);
      g->round = AT_HOME;
    }
  }
}

static void look(void *context) { go_on(context, false); }

/* With denormal numbers as they are in a pass. */
static void finish(void *context, int thread, int threads) {
  (void)thread;
  (void)threads;
  go_on(context, true);
}

unroll_status gathering_all(gathering *g, int *flags, unroll_error *err) {
  pool_run(NULL, finish, g);
  g->piece = 0;
  if (!g->status) return gather_losses(g, flags, err);
  if (err) *err = g->error;
  return g->status;
}

int gathering_early(const gathering *g) { return g->early; }
