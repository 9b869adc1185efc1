/* Every instruction of a tile program: against double references, against the portable table, in every layout. */
#include "tables.h"
#include "base/special.h"

static double ref_sigmoid(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }
static double ref_cdf(double x) { return 0.5 * erfc(-x / sqrt(2)); }
static double pick_max(double a, double b) { return a > b ? a : b; }
static double pick_min(double a, double b) { return a < b ? a : b; }

#define REF(name, e)                                                                                                               \
  static double ref_##name(double a, double b, double c) {                                                                         \
    (void)a, (void)b, (void)c;                                                                                                     \
    return e;                                                                                                                      \
  }
REF(NEG, -a)
REF(SIGMOID, ref_sigmoid(a))
REF(TANH, tanh(a))
REF(RELU, pick_max(0, a))
REF(STEP, a > 0)
REF(EXP, exp(a))
REF(LOG, log(a))
REF(SOFTPLUS, isnan(a) ? a : pick_max(a, 0) + log1p(exp(-fabs(a))))
REF(ABS, fabs(a))
REF(SIGN, (a > 0) - (a < 0))
REF(SQRT, sqrt(a))
REF(SQUARE, a *a)
REF(HARD_SIGMOID, pick_max(0, pick_min(1, (double)0.2f * a + 0.5)))
REF(GELU, a < -40 ? 0 : a * ref_cdf(a))
REF(NORMAL_CDF, ref_cdf(a))
REF(SIN, sin(a))
REF(COS, cos(a))
REF(ADD, a + b)
REF(SUB, a - b)
REF(MUL, a *b)
REF(DIV, a / b)
REF(MIN, pick_min(a, b))
REF(MAX, pick_max(a, b))
REF(LESS, a < b)
REF(LGAMMA, special_lgamma(a))
REF(DIGAMMA, special_digamma(a))
REF(LOG1P_SQUARE, log1p(a *a))
REF(LOG_BEND, special_log_bend(a))
REF(HOLD, a)
REF(LBETA, special_lbeta(a, b))
REF(DIGAMMA_RISE, special_digamma_rise(a, b))
REF(COPY, a)
REF(ONE_MINUS, 1 - a)
REF(ONE_MINUS_SQUARE, 1 - a * a)
REF(MULTIPLY_ADD, a *b + c)
REF(MULTIPLY_SUBTRACT_FROM, c - a * b)
REF(MULTIPLY3, a *b *c)
REF(SIGMOID_GRAD, a *b *(1 - b))
REF(TANH_GRAD, a *(1 - b * b))

/* ulps: the bound on the error; low, high: where random arguments are drawn. */
static const struct operation {
  int op, arity;
  const char *name;
  double (*ref)(double a, double b, double c);
  double ulps, low, high;
} operations[] = {
#define ROW1(name, ulps, low, high)                                                                                                \
  { TILE_##name, 1, #name, ref_##name, ulps, low, high }
#define ROW2(name, ulps, low, high)                                                                                                \
  { TILE_##name, 2, #name, ref_##name, ulps, low, high }
#define ROW3(name, ulps, low, high)                                                                                                \
  { TILE_##name, 3, #name, ref_##name, ulps, low, high }
    ROW1(NEG, 0, -9, 9),
    ROW1(SIGMOID, 2.6, -90, 90),
    ROW1(TANH, 2.6, -10, 10),
    ROW1(RELU, 0, -9, 9),
    ROW1(STEP, 0, -1, 1),
    ROW1(EXP, 1.2, -90, 90),
    ROW1(LOG, 1.1, 0, 1000),
    ROW1(SOFTPLUS, 3.5, -50, 50),
    ROW1(ABS, 0, -9, 9),
    ROW1(SIGN, 0, -1, 1),
    ROW1(SQRT, 0.51, 0, 100),
    ROW1(SQUARE, 0.51, -9, 9),
    ROW1(HARD_SIGMOID, 0.51, -4, 4),
    ROW1(GELU, 7, -12, 12),
    ROW1(NORMAL_CDF, 7, -12, 12),
    ROW1(SIN, 1.6, -200, 200),
    ROW1(COS, 1.6, -200, 200),
    ROW1(LGAMMA, 10, 0, 20),
    ROW1(DIGAMMA, 10, 0, 20),
    ROW1(LOG1P_SQUARE, 4, -9, 9),
    ROW1(LOG_BEND, 8, 0, 20),
    ROW1(HOLD, 0, -9, 9),
    ROW2(ADD, 0.51, -9, 9),
    ROW2(SUB, 0.51, -9, 9),
    ROW2(MUL, 0.51, -9, 9),
    ROW2(DIV, 0.51, -9, 9),
    ROW2(MIN, 0, -9, 9),
    ROW2(MAX, 0, -9, 9),
    ROW2(LESS, 0, -9, 9),
    ROW2(LBETA, 1e9, 0, 100), /* by `beta` below: near its zeros there are no relative errors */
    ROW2(DIGAMMA_RISE, 12, 0.01, 100),
    ROW1(COPY, 0, -9, 9),
    ROW1(ONE_MINUS, 0.51, -2, 2),
    ROW1(ONE_MINUS_SQUARE, 0.51, -2, 2),
    ROW3(MULTIPLY_ADD, 0.51, -9, 9),
    ROW3(MULTIPLY_SUBTRACT_FROM, 0.51, -9, 9),
    ROW3(MULTIPLY3, 1.6, -9, 9),
    ROW2(SIGMOID_GRAD, 2.6, 0, 1),
    ROW2(TANH_GRAD, 1.6, -1, 1),
};
enum { OPERATIONS = sizeof operations / sizeof *operations };

static const float special[] = {
    0.0f,        -0.0f,  1.0f,    -1.0f,  0.5f,   -0.5f,  INFINITY, -INFINITY, NAN,    FLT_MAX,     -FLT_MAX,    FLT_MIN,
    -FLT_MIN,    1e-30f, -1e-30f, 1e30f,  -1e30f, 1e-5f,  -1e-5f,   88.7f,     88.73f, -87.3f,      -87.5f,      -88.5f,
    -104.0f,     89.5f,  9.01f,   -9.01f, 10.5f,  -10.5f, 99999.0f, 100001.0f, -1e6f,  1e10f,       -3.4e38f,    3.14159274f,
    1.57079637f, -1e3f,  1e3f,    14.0f,  -14.5f, 20.5f,  -20.5f,   2.5f,      -2.5f,  0.70710677f, 0.99999994f, 1.0000001f};
enum { SPECIALS = sizeof special / sizeof *special, PLACES = SPECIALS * SPECIALS + 5000, ROWS = (PLACES + 31) / 32 };

/* All pairs of special numbers, then random ones of the operation's range, then random ones of any size. */
static void fill(float *a, float *b, float *c, const struct operation *o) {
  for (uint32_t i = 0; i < ROWS * 32; i++) {
    if (i < SPECIALS * SPECIALS) {
      a[i] = special[i % SPECIALS];
      b[i] = special[i / SPECIALS];
      c[i] = special[i * 7 % SPECIALS];
    } else if (i % 2) {
      a[i] = number(1, i, o->low, o->high);
      b[i] = number(2, i, o->low, o->high);
      c[i] = number(3, i, o->low, o->high);
    } else {
      a[i] = (float)((number(1, i, -1, 1) < 0 ? -1 : 1) * exp((double)number(4, i, -80, 88)));
      b[i] = (float)((number(2, i, -1, 1) < 0 ? -1 : 1) * exp((double)number(5, i, -80, 88)));
      c[i] = -a[i] * b[i] * number(6, i, 0.999999, 1.000001); /* cancels almost all of a b */
    }
  }
}

static void every_operation(void **state) {
  (void)state;
  static _Alignas(64) float a[ROWS * 32], b[ROWS * 32], c[ROWS * 32], y[ISAS][ROWS * 32];
  assert_int_equal(OPERATIONS, TILE_COUNT);
  for (int k = 0; k < OPERATIONS; k++) {
    const struct operation *o = &operations[k];
    assert_int_equal(o->op, k);
    fill(a, b, c, o);
    for (int s = 0; s < ISAS; s++) {
      const kernels *t = kernel_table_of(all_isas[s]);
      if (!t) continue;
      const tile_operand operands[] = {{a, 32, 0}, {b, 32, 0}, {c, 32, 0}, {y[s], 32, 0}};
      t->tile(&(tile_instruction){(uint16_t)o->op, 3, 0, 1, 2}, 1, operands, ROWS, 2);
      for (int i = 0; i < ROWS * 32; i++) {
        const double want = o->ref((double)a[i], (double)b[i], (double)c[i]);
        /* What takes two roundings may overflow on the way, and what cancels has no relative error: only the plain ones there. */
        const int plain = o->arity == 1 || o->op <= TILE_LESS, random = i >= SPECIALS * SPECIALS && i % 2;
        if (s == 0 && (plain || random) && !near(y[s][i], want, o->ulps))
          fail_msg("%s(%.9g, %.9g, %.9g) is %.9g, not %.9g", o->name, (double)a[i], (double)b[i], (double)c[i], (double)y[s][i],
                   want);
        if (!same(y[s][i], y[0][i]))
          fail_msg("%s %s(%.9g, %.9g, %.9g): %a, portable %a", cpu_isa_name(all_isas[s]), o->name, (double)a[i], (double)b[i],
                   (double)c[i], (double)y[s][i], (double)y[0][i]);
      }
    }
  }
}

/* The portable multiply-add is not the processor's: it must round as fmaf does, also where almost everything cancels. */
static void fused(void **state) {
  (void)state;
  static _Alignas(64) float a[ROWS * 32], b[ROWS * 32], c[ROWS * 32], y[ROWS * 32];
  fill(a, b, c, &operations[TILE_MULTIPLY_ADD]);
  for (int s = 0; s < ISAS; s++) {
    const kernels *t = kernel_table_of(all_isas[s]);
    if (!t) continue;
    const tile_operand operands[] = {{a, 32, 0}, {b, 32, 0}, {c, 32, 0}, {y, 32, 0}};
    t->tile(&(tile_instruction){TILE_MULTIPLY_ADD, 3, 0, 1, 2}, 1, operands, ROWS, 2);
    for (int i = 0; i < ROWS * 32; i++) assert_true(same(y[i], fmaf(a[i], b[i], c[i])));
    t->tile(&(tile_instruction){TILE_MULTIPLY_SUBTRACT_FROM, 3, 0, 1, 2}, 1, operands, ROWS, 2);
    for (int i = 0; i < ROWS * 32; i++) assert_true(same(y[i], fmaf(-a[i], b[i], c[i])));
  }
}

/* Layouts: one operand of each kind against plain loops over MULTIPLY_ADD; what lies around the result stays. */
static void layouts(void **state) {
  (void)state;
  enum { MOST = 70, WIDE = 80 };
  static const struct {
    int rows, vectors;
  } shapes[] = {{1, 1}, {1, 4}, {2, 1}, {3, 2}, {5, 5}, {2, 5}, {32, 1}, {33, 1}, {64, 2}, {70, 3}};
  static _Alignas(64) float x[3][MOST * WIDE], y[MOST * WIDE];
  for (int k = 0; k < 3; k++) numbers(x[k], MOST * WIDE, 10 + (uint64_t)k, -2, 2);
  for (int s = 0; s < ISAS; s++) {
    const kernels *t = kernel_table_of(all_isas[s]);
    for (size_t shape = 0; t && shape < sizeof shapes / sizeof *shapes; shape++)
      for (int kinds = 0; kinds < 256; kinds++) { /* two bits an operand: rows, one row, number per row, one number; two for d */
        const int rows = shapes[shape].rows, vectors = shapes[shape].vectors, into = kinds >> 6;
        tile_operand o[4] = {{y, WIDE, 0}};
        for (int k = 0; k < 3; k++) o[k + 1] = (tile_operand){x[k], kinds >> 2 * k & 1 ? 0 : WIDE, kinds >> 2 * k >> 1 & 1};
        if (into && (o[into].row == 0 || o[into].splat)) continue; /* the result replaces operand `into`, kept in y */
        numbers(y, MOST * WIDE, 20, -2, 2);
        if (into) {
          memcpy(y, x[into - 1], sizeof y);
          o[into].p = y;
        }
        t->tile(&(tile_instruction){TILE_MULTIPLY_ADD, (uint16_t)into, 1, 2, 3}, 1, o, rows, vectors);
        for (uint32_t i = 0; i < MOST; i++)
          for (uint32_t j = 0; j < WIDE; j++) {
            float in[3], want = into ? x[into - 1][i * WIDE + j] : number(20, i * WIDE + j, -2, 2);
            for (int k = 0; k < 3; k++) in[k] = x[k][(int)i * o[k + 1].row + (o[k + 1].splat ? 0 : (int)j)];
            if ((int)i < rows && (int)j < vectors * LANES) want = fmaf(in[0], in[1], in[2]);
            if (!same(y[i * WIDE + j], want))
              fail_msg("%s: %d rows, %d vectors, kinds %x, row %u, column %u", cpu_isa_name(t->isa), rows, vectors, (unsigned)kinds,
                       i, j);
          }
      }
  }
}

/* h = (1 - z) * h_prev + z * tanh(c), as one program with temporaries. */
static void program(void **state) {
  (void)state;
  enum { R = 13 };
  static _Alignas(64) float z[R * 16], c[R * 16], h_prev[R * 16], h[2][R * 16], temporary[R * 16];
  numbers(z, R * 16, 31, 0, 1);
  numbers(c, R * 16, 32, -3, 3);
  numbers(h_prev, R * 16, 33, -1, 1);
  for (int s = 0; s < ISAS; s++) {
    const kernels *t = kernel_table_of(all_isas[s]);
    if (!t) continue;
    float *const out = h[s != 0];
    const tile_operand o[] = {{z, 16, 0}, {c, 16, 0}, {h_prev, 16, 0}, {out, 16, 0}, {temporary, 16, 0}};
    const tile_instruction code[] = {
        {TILE_TANH, 4, 1, 0, 0}, {TILE_MUL, 4, 0, 4, 0}, {TILE_ONE_MINUS, 3, 0, 0, 0}, {TILE_MULTIPLY_ADD, 3, 3, 2, 4}};
    t->tile(code, 4, o, R, 1);
    size_t at;
    assert_true(same_all(out, h[0], R * 16, &at));
    for (int i = 0; i < R * 16; i++)
      assert_true(fabs((double)out[i] - ((1 - (double)z[i]) * (double)h_prev[i] + (double)z[i] * tanh((double)c[i]))) < 3e-7);
  }
}

static int agree(float y, double want, double error) { return fabs((double)y - want) <= error * fabs(want); }

/* Gamma and beta functions on a fine grid over the positive numbers, where the errors are largest. */
static void gamma_functions(void **state) {
  (void)state;
  enum { N = 20000 };
  static _Alignas(64) float a[N], b[N], y[N];
  static const double besides[] = {0.5, 1, 2, 3, 7.5, 8, 20, 1e3, 1e6, 1e9, 1e20, 1e-3, 1e-10};
  const kernels *t = kernel_table();
  const tile_operand o[] = {{a, 16, 0}, {b, 16, 0}, {y, 16, 0}};
  for (int i = 0; i < N; i++) a[i] = (float)exp(-40 + 80.0 * i / N);
  t->tile(&(tile_instruction){TILE_LGAMMA, 2, 0, 0, 0}, 1, o, N / 16, 1);
  for (int i = 0; i < N; i++) assert_true(agree(y[i], special_lgamma((double)a[i]), 1e-6));
  t->tile(&(tile_instruction){TILE_DIGAMMA, 2, 0, 0, 0}, 1, o, N / 16, 1);
  for (int i = 0; i < N; i++) assert_true(agree(y[i], special_digamma((double)a[i]), 1e-6));
  for (size_t k = 0; k < sizeof besides / sizeof *besides; k++) {
    for (int i = 0; i < N; i++) b[i] = (float)besides[k];
    t->tile(&(tile_instruction){TILE_DIGAMMA_RISE, 2, 0, 1, 0}, 1, o, N / 16, 1);
    for (int i = 0; i < N; i++)
      if (!agree(y[i], special_digamma_rise((double)a[i], (double)b[i]), 1e-6))
        fail_msg("digamma_rise(%g, %g) is %g", (double)a[i], (double)b[i], (double)y[i]);
    t->tile(&(tile_instruction){TILE_LBETA, 2, 0, 1, 0}, 1, o, N / 16, 1);
    for (int i = 0; i < N; i++) {
      const double want = special_lbeta((double)a[i], (double)b[i]), most = (double)(a[i] > b[i] ? a[i] : b[i]);
      if (!(fabs((double)y[i] - want) < 1e-6 * (1 + fabs(want) + fabs(log(most)))))
        fail_msg("lbeta(%g, %g) is %.9g, not %.9g", (double)a[i], (double)b[i], (double)y[i], want);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_operation), cmocka_unit_test(fused), cmocka_unit_test(layouts),
                                     cmocka_unit_test(program), cmocka_unit_test(gamma_functions)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
