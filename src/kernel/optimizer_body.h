/* optimizer_body.h - updates of flat blocks, and sums over them. Formulas: optimizer.h. Compiled per instruction set.
 *
 * The idea: every function is one expression over 16 entries, in a loop whose last turn takes what remains. Blocks are read and
 * written once; this is bound by memory, not arithmetic. */
#ifndef KERNEL_OPTIMIZER_BODY_H
#define KERNEL_OPTIMIZER_BODY_H

/* What is left from j, at most 16. */
VECTOR_INLINE int flat_left(ptrdiff_t j, ptrdiff_t n) { return n - j < LANES ? (int)(n - j) : LANES; }
VECTOR_INLINE v16 flat_load(const float *p, int n) { return n == LANES ? v_load(p) : v_load_part(p, n); }
/* scale * g, from j on. */
VECTOR_INLINE v16 flat_gradient(const float *g, ptrdiff_t j, int n, v16 scale) {
  return g ? v_mul(scale, flat_load(g + j, n)) : v_zero();
}
VECTOR_INLINE void flat_store(float *p, v16 a, int n) {
  if (n == LANES)
    v_store(p, a);
  else
    v_store_part(p, a, n);
}

static void adam_run(float *w, const float *g, float *m, float *v, ptrdiff_t n, const adam_step *s) {
  const v16 scale = v_set1(s->scale), beta1 = v_set1(s->beta1), rest1 = v_set1(1.0f - s->beta1), beta2 = v_set1(s->beta2),
            rest2 = v_set1(1.0f - s->beta2), rate = v_set1(s->rate * s->correction1), correction2 = v_set1(s->correction2),
            epsilon = v_set1(s->epsilon), decay = v_set1(s->decay), coupled = v_set1(s->coupled);
  for (ptrdiff_t j = 0; j < n; j += LANES) {
    const int left = flat_left(j, n);
    const v16 wj = flat_load(w + j, left), gj = v_fma(coupled, wj, flat_gradient(g, j, left, scale));
    const v16 mj = v_fma(beta1, flat_load(m + j, left), v_mul(rest1, gj));
    const v16 vj = v_fma(beta2, flat_load(v + j, left), v_mul(rest2, v_mul(gj, gj)));
    const v16 step = v_div(v_mul(rate, mj), v_add(v_sqrt(v_mul(vj, correction2)), epsilon));
    flat_store(m + j, mj, left);
    flat_store(v + j, vj, left);
    flat_store(w + j, v_sub(v_fnma(decay, wj, wj), step), left);
  }
}

static void rmsprop_run(float *w, const float *g, float *square, float *velocity, ptrdiff_t n, const rmsprop_step *s) {
  const v16 scale = v_set1(s->scale), alpha = v_set1(s->alpha), rest = v_set1(1.0f - s->alpha), rate = v_set1(s->rate),
            epsilon = v_set1(s->epsilon), momentum = v_set1(s->momentum), decay = v_set1(s->decay), coupled = v_set1(s->coupled);
  for (ptrdiff_t j = 0; j < n; j += LANES) {
    const int left = flat_left(j, n);
    const v16 wj = flat_load(w + j, left), gj = v_fma(coupled, wj, flat_gradient(g, j, left, scale));
    const v16 sj = v_fma(alpha, flat_load(square + j, left), v_mul(rest, v_mul(gj, gj)));
    v16 step = v_div(gj, v_add(v_sqrt(sj), epsilon));
    flat_store(square + j, sj, left);
    if (velocity) {
      step = v_fma(momentum, flat_load(velocity + j, left), step);
      flat_store(velocity + j, step, left);
    }
    flat_store(w + j, v_fnma(rate, step, v_fnma(decay, wj, wj)), left);
  }
}

static void sgd_run(float *w, const float *g, float *velocity, ptrdiff_t n, const sgd_step *s) {
  const v16 scale = v_set1(s->scale), rate = v_set1(s->rate), momentum = v_set1(s->momentum), decay = v_set1(s->decay),
            coupled = v_set1(s->coupled);
  for (ptrdiff_t j = 0; j < n; j += LANES) {
    const int left = flat_left(j, n);
    const v16 wj = flat_load(w + j, left);
    v16 step = v_fma(coupled, wj, flat_gradient(g, j, left, scale));
    if (velocity) {
      step = v_fma(momentum, flat_load(velocity + j, left), step);
      flat_store(velocity + j, step, left);
    }
    flat_store(w + j, v_fnma(rate, step, v_fnma(decay, wj, wj)), left);
  }
}

/* A NaN stays one. */
static void clip_value_run(float *g, ptrdiff_t n, float limit) {
  const v16 high = v_set1(limit), low = v_set1(-limit);
  for (ptrdiff_t j = 0; j < n; j += LANES) {
    const int left = flat_left(j, n);
    flat_store(g + j, v_max(low, v_min(high, flat_load(g + j, left))), left);
  }
}

/* Squares of floats are exact in double. Lane j of a block of 4096 sums entries j, j+16, ...; then the tree; then the blocks. To
 * leave out zeros changes no sum. */
static double sum_squares_run(const float *g, const uint8_t *touched, ptrdiff_t n) {
  enum { BLOCK = 4096 };
  double sum = 0;
  for (ptrdiff_t block = 0; block < n; block += BLOCK) {
    const ptrdiff_t end = n - block < BLOCK ? n : block + BLOCK;
    double lane[LANES] = {0};
    for (ptrdiff_t unit = block; unit < end; unit += UNIT) {
      if (touched && !touched[unit / UNIT]) continue;
      const ptrdiff_t to = end - unit < UNIT ? end : unit + UNIT;
      ptrdiff_t j = unit;
      for (; j + LANES <= to; j += LANES)
        for (int l = 0; l < LANES; l++) lane[l] += (double)g[j + l] * (double)g[j + l];
      for (int l = 0; j + l < to; l++) lane[l] += (double)g[j + l] * (double)g[j + l];
    }
    for (int half = LANES / 2; half > 0; half /= 2)
      for (int l = 0; l < half; l++) lane[l] += lane[l + half];
    sum += lane[0];
  }
  return sum;
}

/* The best of many short runs, so that a moment of other work on this core does not count. */
static double peak_run(double seconds) {
  enum { TURNS = 20000 };
  v16 a[PEAK_CHAINS];
  VECTOR_UNROLL
  for (int i = 0; i < PEAK_CHAINS; i++) a[i] = v_set1(1.0f + (float)i * 0.01f);
  const v16 b = v_set1(0.999999f), c = v_set1(1e-7f);
  const double start = time_now();
  double now = start, best = 0;
  do {
    const double before = now;
    for (int n = 0; n < TURNS; n++) {
      VECTOR_UNROLL
      for (int i = 0; i < PEAK_CHAINS; i++) a[i] = v_fma(a[i], b, c);
    }
    now = time_now();
    const double rate = TURNS * (PEAK_CHAINS * LANES * 2.0) / (now - before) * 1e-9;
    if (now > before && rate > best) best = rate;
  } while (now - start < seconds);
  v16 sum = a[0];
  for (int i = 1; i < PEAK_CHAINS; i++) sum = v_add(sum, a[i]);
  volatile float sink = v_sum(sum); /* so that the work is not optimised away */
  (void)sink;
  return best;
}
#endif
