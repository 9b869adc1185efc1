/* init.c - initial weights. Every matrix of a cell is initialised by itself, so gates are never treated as one stacked matrix.
 *
 * Defaults: biases and vectors 0; embeddings normal(1); input matrices uniform within sqrt(6 / (rows + cols)) (Glorot & Bengio
 * 2010). Recurrent matrices are orthogonal (Saxe et al. 2014), so that a state's length survives many steps. */
#include <math.h>
#include <stdatomic.h>
#include "base/error.h"
#include "base/random.h"
#include "base/threads.h"
#include "model/model.h"

typedef struct place { /* which parameter of which seed */
  uint64_t seed, param;
} place;

static double uniform(const place *p, int64_t i) { return 2 * random_uniform(p->seed, RANDOM_INIT, p->param, (uint32_t)i) - 1; }
/* Normal number i, and i + 1, of a parameter; i is even. */
static void normals(const place *p, int64_t i, double out[2]) {
  random_normals(p->seed, RANDOM_INIT, p->param, (uint32_t)(i / 2), out);
}

/* Eight partial sums, joined in one fixed order: quick, and the same on every machine. */
static double dot(const double *a, const double *b, int n) {
  double s[8] = {0};
  int i = 0;
  for (; i + 8 <= n; i += 8)
    for (int j = 0; j < 8; j++) s[j] += a[i + j] * b[i + j];
  for (; i < n; i++) s[i % 8] += a[i] * b[i];
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

static void subtract(double *restrict b, const double *restrict a, double factor, int n) {
  int i = 0;
  for (; i + 8 <= n; i += 8)
    for (int j = 0; j < 8; j++) b[i + j] -= factor * a[i + j];
  for (; i < n; i++) b[i] -= factor * a[i];
}

/* The Q of a normal matrix, by modified Gram-Schmidt on its rows or columns, whichever are fewer. */
static unroll_status orthogonal(float *w, int rows, int cols, const place *p) {
  const int few = rows < cols ? rows : cols, many = rows < cols ? cols : rows;
  double *q = mem_zero((size_t)few * (size_t)many + 1, sizeof *q);
  if (!q) return UNROLL_FAILED;
  for (int64_t i = 0; i < (int64_t)few * many; i += 2) normals(p, i, q + i);
  for (int i = 0; i < few; i++) {
    double *b = q + (size_t)i * many;
    for (int j = 0; j < i; j++) subtract(b, q + (size_t)j * many, dot(q + (size_t)j * many, b, many), many);
    const double length = sqrt(dot(b, b, many));
    for (int k = 0; k < many; k++) b[k] /= length;
  }
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < cols; j++)
      w[(size_t)i * cols + j] = (float)(rows < cols ? q[(size_t)i * many + j] : q[(size_t)j * many + i]);
  mem_free(q);
  return UNROLL_OK;
}

static void normal(float *w, int64_t n, double scale, const place *at) {
  for (int64_t i = 0; i < n; i += 2) {
    double both[2];
    normals(at, i, both);
    w[i] = (float)(scale * both[0]);
    if (i + 1 < n) w[i + 1] = (float)(scale * both[1]);
  }
}

static enum init_kind kind_of(const param *p) {
  if (p->init != INIT_DEFAULT) return p->init;
  switch (p->role) {
  case PARAM_EMBEDDING:
    return INIT_NORMAL;
  case PARAM_INPUT_MATRIX:
    return INIT_XAVIER;
  case PARAM_RECURRENT_MATRIX:
    return INIT_ORTHOGONAL;
  default:
    return INIT_NUMBER;
  }
}

static unroll_status init_param(float *w, const param *p, const place *at) {
  const int64_t n = (int64_t)p->rows * p->cols;
  const double value = p->init == INIT_DEFAULT ? (p->role == PARAM_EMBEDDING ? 1 : 0) : p->init_value;
  const double glorot = sqrt(6.0 / ((double)p->rows + p->cols));
  switch (kind_of(p)) {
  case INIT_DEFAULT:
  case INIT_NUMBER:
    for (int64_t i = 0; i < n; i++) w[i] = (float)value;
    break;
  case INIT_UNIFORM:
    for (int64_t i = 0; i < n; i++) w[i] = (float)(value * uniform(at, i));
    break;
  case INIT_NORMAL:
    normal(w, n, value, at);
    break;
  case INIT_HE: /* He et al. 2015 */
    normal(w, n, sqrt(2.0 / p->cols), at);
    break;
  case INIT_XAVIER:
    for (int64_t i = 0; i < n; i++) w[i] = (float)(glorot * uniform(at, i));
    break;
  case INIT_ACROSS: /* where entry i lies in a grid of `value` columns, row after row: from the left ... */
    for (int64_t i = 0; i < n; i++) w[i] = (float)((fmod((double)i, value) + 0.5) / value);
    break;
  case INIT_DOWN: /* ... and from above, as shares of the grid */
    for (int64_t i = 0; i < n; i++) w[i] = (float)((floor((double)i / value) + 0.5) / ceil((double)n / value));
    break;
  case INIT_ORTHOGONAL:
    return orthogonal(w, p->rows, p->cols, at);
  case INIT_IDENTITY:
    for (int64_t i = 0; i < n; i++) w[i] = i / p->cols == i % p->cols ? 1.0f : 0.0f;
    break;
  }
  return UNROLL_OK;
}

/* Parameters are functions of (seed, number) alone, so threads may take them in any order. */
typedef struct all_params {
  model *m;
  uint64_t key;
  atomic_int next;
  atomic_int failed; /* a status */
} all_params;

static void init_some(void *context, int thread, int threads) {
  all_params *all = context;
  (void)thread, (void)threads;
  for (int i; (i = atomic_fetch_add(&all->next, 1)) < all->m->g.n_params;) {
    const param *p = &all->m->g.params[i];
    const unroll_status status = init_param(all->m->weights + p->offset, p, &(place){all->key, (uint64_t)i});
    if (status) atomic_store(&all->failed, (int)status);
  }
}

unroll_status model_init(model *m, uint64_t key, unroll_error *err) {
  for (int i = 0; i < m->g.n_params; i++)
    if ((int64_t)m->g.params[i].rows * m->g.params[i].cols > UINT32_MAX)
      return error_set(err, UNROLL_USAGE, "the matrix %s is too large to be initialised", m->g.params[i].name);
  all_params all = {.m = m, .key = key};
  pool *workers = pool_new(0);
  if (!workers) return error_memory(err);
  pool_run(workers, init_some, &all);
  pool_free(workers);
  return all.failed ? error_memory(err) : UNROLL_OK;
}
