/* kernel.h - the arithmetic. One table of functions per instruction set; all tables give the same bits.
 *
 * Contract: vectors of 16 lanes everywhere (two AVX2 registers, four NEON ones, a loop in portable C). A matrix that is written
 * or read by whole vectors has its rows padded to a multiple of 16 floats. It starts at a multiple of 64 bytes. Lanes beyond
 * its width hold anything. (Where a product writes is an exception: any address will do.) Sums over k run in increasing order
 * with fused multiply-adds. Nothing allocates. */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cpu.h"
#include "kernel/mask.h"

enum { LANES = 16, PANEL_VECTORS = 4 };

/* What the factors of products are rounded to; sums, equations, weights and convolutions stay floats. int8 is for inference. */
enum precision { PRECISION_FP32, PRECISION_BF16, PRECISION_INT8, PRECISIONS };
int precision_of(const char *name); /* "fp32", "bf16", "int8"; -1 for anything else */
const char *precision_name(enum precision p);

/* With bf16 a window has a multiple of so many steps. */
enum { PLAN_STEPS_OF_PAIRS = 32 };
/* How the factors of a product over k numbers lie. */
typedef struct factors {
  int steps; /* product_part.k: numbers, pairs or quads */
  int row;   /* floats of a row of A */
  int depth; /* rows of a panel of B, each of vectors * 16 floats */
} factors;
static inline factors factors_of(enum precision p, int k) {
  switch (p) {
  case PRECISION_BF16:
    return (factors){(k + 1) / 2, (k + 1) / 2, (k + 1) / 2};
  case PRECISION_INT8:
    return (factors){(k + 3) / 4, (k + 3) / 4 + 1, (k + 3) / 4 + 2};
  case PRECISION_FP32:
  case PRECISIONS:
    break;
  }
  return (factors){k, k, k};
}
enum { BYTES_MOST = 1 << 17 }; /* numbers in a product of bytes: 127 * 127 times as much is below 2^31 */

/* Lines of the cache that are needed soon: n of them, `step` floats apart. A list of them ends with one of FETCH_END. Products
 * ask for a line with each step of k, so that lines come while the processor multiplies. What they have asked for is taken off.
 * own: the line will be written, and another core may have it. */
typedef struct fetch_run {
  const float *p;
  ptrdiff_t step;
  int n;
  int own;
} fetch_run;
enum { FETCH_ROWS = 4 }; /* fewer rows leave no time for it */
#define FETCH_END(anything) ((fetch_run){.p = (anything), .n = INT_MAX})

/* A part of the sums of a product: A[i][k] = a[i * a_row + k * a_k]; B[k][v*16 ..] = b[k * b_k + v * 16]. */
typedef struct product_part {
  const float *a;
  ptrdiff_t a_row, a_k;
  const float *b;
  ptrdiff_t b_k;
  int k; /* >= 0 */
} product_part;

/* C = init + A B + A' B' and so on, one part after the other. C is a block of rows and up to 4 vectors of columns. Vector v of
 * row i of the result goes to c[v] + i * c_row[v]. It starts from init[v] + i * init_row[v]; NULL: zero. init may be c itself,
 * to add on.
 */
enum { PRODUCT_PARTS = 16 };
typedef struct product {
  const product_part *parts;
  int n_parts;       /* 0 .. PRODUCT_PARTS; of bytes: one */
  int rows, vectors; /* vectors 1..4; rows >= 0 */
  const float *init[PANEL_VECTORS];
  ptrdiff_t init_row[PANEL_VECTORS];
  float *c[PANEL_VECTORS];
  ptrdiff_t c_row[PANEL_VECTORS];
  fetch_run **ahead; /* where in a list to go on; NULL: there is none */
} product;

enum tile_op {
#define TILE1(name, e) TILE_##name,
#define TILE2(name, e) TILE_##name,
#define TILE3(name, e) TILE_##name,
#include "kernel/tile.def"
#undef TILE1
#undef TILE2
#undef TILE3
  TILE_COUNT
};

/* An operand of a tile program: [rows, vectors * 16] floats at p. There are `row` floats from one row to the next; 0: the same
 * row for all, as with a bias. splat: one float per row at p[i * row], repeated over the lanes (row = 0: a constant). */
typedef struct tile_operand {
  float *p;
  ptrdiff_t row;
  int splat;
} tile_operand;

typedef struct tile_instruction {
  uint16_t op;         /* enum tile_op */
  uint16_t d, a, b, c; /* numbers of operands; d may equal a, b or c */
} tile_instruction;

/* A square of a convolution's result: lines `line` floats apart, pixels `pixel`. The pick of a channel is the sum of `below` for
 * each line above its largest number, and of `beside` for each pixel before it. It is -1 where nothing flows back: with relu,
 * where no number is above zero. */
typedef struct square_pick {
  ptrdiff_t line, pixel;
  int size;
  float below, beside;
  int relu;
} square_pick;

/* The gradient of a pool's result and its picks: squares are `pixel` floats apart. In the picture that was convolved, patches are
 * `below` and `beside` floats apart from a square to the next. */
typedef struct picked {
  const float *dy, *pick;
  ptrdiff_t pixel;
  int rows, columns;
  ptrdiff_t below, beside;
} picked;

/* The steps of one sequence: row i at p + first[i] * row. */
enum { ATTEND_ROWS = 4 };
typedef struct step_rows {
  const float *p;
  ptrdiff_t row;
  const int64_t *first;
  int n;
} step_rows;

/* Connectionist temporal classification (Graves et al. 2006): n symbols, and a blank before, between and after them, go over
 * the steps of a sequence. A row of states has the logarithms of their probabilities. The n + 1 blanks are at p[LANES ..], the
 * symbols at p[LANES + ctc_section(n) ..]. Whatever else is in the row is CTC_NEVER. */
#define CTC_NEVER (-1e30f)
static inline ptrdiff_t ctc_section(int n) { return (n + LANES) / LANES * LANES + LANES; } /* ends with LANES times CTC_NEVER */
/* The steps that a sequence of symbols needs: one for each, and a blank between equal ones. */
static inline int64_t ctc_least_steps(const int32_t *symbols, int64_t n) {
  int64_t steps = n;
  for (int64_t i = 1; i < n; i++) steps += symbols[i] == symbols[i - 1];
  return steps;
}
static inline ptrdiff_t ctc_row(int n) { return LANES + 2 * ctc_section(n); }

/* Adam, AdamW, RMSprop, SGD on n floats (any n, any alignment; no g: zeros): see kernel/optimizer.h for the formulas. */
typedef struct adam_step {
  float rate, beta1, beta2, epsilon, correction1, correction2, decay, scale, coupled;
} adam_step;
typedef struct rmsprop_step {
  float rate, alpha, epsilon, momentum, decay, scale, coupled;
} rmsprop_step;
typedef struct sgd_step {
  float rate, momentum, decay, scale, coupled;
} sgd_step;

/* A gradient's numbers in units, each of which may be known to be zero. */
enum { UNIT = 64 };

typedef struct kernels kernels;
struct kernels {
  enum cpu_isa isa;
  void (*product)(const product *p);
  /* The same on pairs of bf16 numbers, which lie in a and b as if each pair were one float: k counts pairs. The upper half of a
   * pair is the later number.
   * Where the processor multiplies such pairs itself, results below the smallest normal number may be zero. */
  void (*product_pairs)(const product *p);
  /* n floats, rounded to the nearest bf16, ties to even, as (n + 1) / 2 pairs; a missing last one is zero. */
  void (*pairs_of_row)(float *pairs, const float *x, int n);
  /* pairs[j] = (x[j], next[j]) for n columns; next NULL: zeros. pairs may be x or next. */
  void (*pairs_of_rows)(float *pairs, const float *x, const float *next, int n);
  /* The same on bytes, which lie in a and b as if four were one float (a quad): k counts quads, and 4 k <= BYTES_MOST. A row of
   * A is its scale, then its quads, unsigned and 128 too large. B begins with a row of scales and a row of corrections,
   * integers: -128 times the sum of a column's bytes. Then come its quads, signed. C = init + scale_a * (scale_b * sum). The
   * sum of the products is an exact integer, so only two multiplications and the addition round. */
  void (*product_bytes)(const product *p);
  /* n floats as such a row of A: scale = largest / 127, bytes = round(x / scale) + 128, ties to even, filled up with 128. A row
   * that is wholly below 2^-119 becomes zeros; one with an infinity or a NaN gets the scale NaN, and so do its results. */
  void (*bytes_of_row)(float *bytes, const float *x, int n);
  void (*tile)(const tile_instruction *code, int n, const tile_operand *operands, int rows, int vectors);

  /* Rows [rows, n] with row strides; n is the true width, the padding is not looked at. In every reduction over a row, lane j
   * sums columns j, j+16 and so on. Then the tree (j, j+8), (j, j+4), (j, j+2), (j, j+1) adds the 16 lanes. */
  void (*softmax)(float *y, ptrdiff_t y_row, const float *x, ptrdiff_t x_row, int rows, int n);
  void (*softmax_grad)(float *dx, ptrdiff_t dx_row, const float *y, ptrdiff_t y_row, const float *dy, ptrdiff_t dy_row, int rows,
                       int n);
  /* loss[i * loss_row] = log(sum exp(x_i)) - x_i[index[i]]; 0 where index[i] < 0 */
  void (*cross_entropy)(float *loss, ptrdiff_t loss_row, const float *x, ptrdiff_t x_row, const int32_t *index, int rows, int n);
  /* dx_i = (softmax(x_i) - onehot(index[i])) * dl[i * dl_row], with log(sum exp) taken as loss + x_i[index]; 0 where index[i] < 0.
   * dx may be x. */
  void (*cross_entropy_grad)(float *dx, ptrdiff_t dx_row, const float *x, ptrdiff_t x_row, const float *loss, ptrdiff_t loss_row,
                             const float *dl, ptrdiff_t dl_row, const int32_t *index, int rows, int n);
  void (*row_sum)(float *y, ptrdiff_t y_row, const float *x, ptrdiff_t x_row, int rows, int n);
  /* y[i * y_row] = log(sum exp(x_i)) */
  void (*log_sum_exp)(float *y, ptrdiff_t y_row, const float *x, ptrdiff_t x_row, int rows, int n);
  /* scale[i * scale_row] = 1 / sqrt(variance + 1e-5); y = (x - mean) scale; dx = (dy - mean(dy) - y mean(dy y)) scale */
  void (*layernorm_scale)(float *scale, ptrdiff_t scale_row, const float *x, ptrdiff_t x_row, int rows, int n);
  void (*layernorm)(float *y, ptrdiff_t y_row, const float *x, ptrdiff_t x_row, const float *scale, ptrdiff_t scale_row, int rows,
                    int n);
  void (*layernorm_grad)(float *dx, ptrdiff_t dx_row, const float *y, ptrdiff_t y_row, const float *scale, ptrdiff_t scale_row,
                         const float *dy, ptrdiff_t dy_row, int rows, int n);
  /* y_i = table[index[i]] (zeros where index[i] < 0), n floats a row, table rows `table_row` apart and unaligned */
  void (*gather)(float *y, ptrdiff_t y_row, const float *table, ptrdiff_t table_row, const int32_t *index, int rows, int n);
  /* table[index[i * step]] += dy_i in the order of i, columns 0..n-1; unaligned table; step is 1 or -1 */
  void (*scatter)(float *table, ptrdiff_t table_row, const float *dy, ptrdiff_t dy_row, const int32_t *index, int step, int rows,
                  int n);
  /* mask_row of kernel/mask.h; nothing beyond out[n-1] is written */
  void (*mask)(float *out, const mask_draw *d, int n);
  /* y[j] += sum over rows of x[i][j], in the order of i; j < n; y unaligned */
  void (*sum_rows)(float *y, const float *x, ptrdiff_t x_row, int rows, int n);
  /* y[j] += sum over rows of a[row][j] * b[row][j] */
  void (*dot_rows)(float *y, const float *a, ptrdiff_t a_row, const float *b, ptrdiff_t b_row, int rows, int n);

  /* One square of a picture, `size` lines of size * channels floats, `line` floats from one to the next. y[c] = the largest of
   * channel c; the gradient: dx = dy at the first that is not below y, 0 elsewhere. Nothing need be aligned or padded. */
  void (*square_max)(float *y, const float *x, ptrdiff_t line, int size, int channels);
  void (*square_max_grad)(float *dx, const float *x, const float *y, const float *dy, ptrdiff_t line, int size, int channels);
  /* For squares that overlap: dx += dy there. The mean of the square, y[c] = scale * sum; and dx += scale * dy in all of it. */
  void (*square_max_add)(float *dx, const float *x, const float *y, const float *dy, ptrdiff_t line, int size, int channels);
  void (*square_sum)(float *y, const float *x, float scale, ptrdiff_t line, int size, int channels);
  void (*square_sum_add)(float *dx, const float *dy, float scale, ptrdiff_t line, int size, int channels);

  /* planes[c * area + i] = x[i * channels + c], i < n */
  void (*planes)(float *planes, ptrdiff_t area, const float *x, ptrdiff_t n, int channels);
  /* The patches of `lines` lines of `columns` positions, position after position: a row of `to` for each line, column and channel
   * of the patch. Lines of a plane are `line` floats apart. A vector more is readable, and writable behind the last row. */
  void (*im2col)(float *to, ptrdiff_t to_row, const float *planes, ptrdiff_t area, ptrdiff_t line, int size, int channels,
                 int lines, int columns);
  /* x = max(x, 0) */
  void (*rectify)(float *x, ptrdiff_t n);
  /* y[c] as square_max, of lines of a convolution; pick[c], where given: which number it is, see square_pick. */
  void (*square_pick)(float *y, float *pick, const float *x, const square_pick *s, int channels);
  /* Lists [squares, channels] of what flows back to a square's pick, and where its patch begins. */
  void (*picks_list)(float *d, int32_t *at, const picked *p, int channels);
  /* sum[c][i][j] += d times the patch at x + at, over all squares, for channels c < n of the lists. A patch has `lines` lines of
   * `width` floats, `line` floats from one to the next; sums have padded(width) floats a line. x is readable for a vector more. */
  void (*picks_outer)(float *sum, const float *x, ptrdiff_t line, const float *d, const int32_t *at, int squares, int channels,
                      int n, int lines, int width);
  /* The patch at x + at += d times w[c], which has lines * width floats. */
  void (*picks_back)(float *x, ptrdiff_t line, const float *d, const int32_t *at, int squares, int channels, const float *w,
                     int lines, int width);
  /* y[j] += dy, over the rows whose pick is not below zero; j < n */
  void (*picks_sum)(float *y, const float *dy, const float *pick, ptrdiff_t row, int rows, int n);

  /* The positions of a picture, each with n channels. match: y[p] = q . x_p. blend: y = sum over p of w[p] x_p, in their order.
   * paint: y_p = w[p] q. Nothing need be aligned or padded. */
  void (*match)(float *y, const float *q, const float *x, int positions, int n);
  void (*blend)(float *y, const float *w, const float *x, int positions, int n);
  void (*paint)(float *y, const float *w, const float *q, int positions, int n);

  /* Rows of n channels, `row` floats apart or side by side, neither aligned nor padded; mean, a, b, c are padded vectors of
   * them. channel_squares: y[j] += sum over rows of (x - mean)^2. channel_dots: y[j] += sum over rows of dy (x - mean).
   * channel_scale: y = (x - mean) a + b. channel_grad: dx = a (dy + (b (x - mean) + c)). */
  void (*channel_squares)(float *y, const float *x, const float *mean, ptrdiff_t row, int rows, int n);
  void (*channel_dots)(float *y, const float *dy, const float *x, const float *mean, ptrdiff_t row, int rows, int n);
  void (*channel_scale)(float *y, const float *x, const float *mean, const float *a, const float *b, int rows, int n);
  void (*channel_grad)(float *dx, const float *dy, const float *x, const float *mean, const float *a, const float *b,
                       const float *c, int rows, int n);

  /* Attention: a row, x or out [n], against y->n rows of the same width; w has a weight for each of these. Sums over i in its
   * order; out of width n is written by whole vectors.
   * dots: out[i] = x . y_i; mix: out = sum w[i] y_i; both for several rows out[r] and x[r] or w[r], best ATTEND_ROWS at once.
   * additive: out[i] = v . tanh(x + y_i);
   * additive_grad: out = v * sum w[i] (1 - tanh(x + y_i)^2); additive_mix: out = sum w[i] tanh(x + y_i) */
  void (*dots)(float *const *out, const float *const *x, int rows, const step_rows *y, int n);
  void (*mix)(float *const *out, const float *const *w, int rows, const step_rows *y, int n);
  void (*additive)(float *out, const float *x, const step_rows *y, const float *v, int n);
  void (*additive_grad)(float *out, const float *w, const float *x, const step_rows *y, const float *v, int n);
  void (*additive_mix)(float *out, const float *w, const float *x, const step_rows *y, int n);

  /* Over time: y becomes y plus all rows of x, or the largest of y and them. Rows come one after the other, or `back` from the
   * last one.
   */
  void (*sum_time)(float *y, const step_rows *x, int back, int n);
  void (*max_time)(float *y, const step_rows *x, int back, int n);
  /* Of up to 16 columns: dx_i = left at the first rows of x that are not below y, 0 elsewhere. Then `left` is what has not gone
   * anywhere. */
  void (*max_time_grad)(float *dx, ptrdiff_t dx_row, float *left, const step_rows *x, const float *y, int n);

  /* A row of states from that of the step before, or after. out = log of the sum of exp(from) over all states that lead here,
   * or where this one leads to. heard[i]: log probability of symbol i at the step, CTC_NEVER from n on. skip[i]: 0 where symbol
   * i may follow symbol i - 1 without a blank, else CTC_NEVER. Both have ctc_section(n) floats. blank: log probability of the
   * blank. Forward, `out` includes what is heard at its own step, back it does not, but what is heard at the step of `from`.
   * `shift` is taken off all results. Returns the largest of them. */
  float (*ctc_forward)(float *out, const float *from, const float *heard, const float *skip, float blank, float shift, int n);
  float (*ctc_back)(float *out, const float *from, const float *heard, const float *skip, float blank, float shift, int n);
  /* The share of each state in all alignments: share[i] of symbol i, [ctc_section(n)]; returns that of all blanks together. */
  float (*ctc_share)(float *share, const float *forward, const float *back, int n);

  void (*adam)(float *w, const float *g, float *m, float *v, ptrdiff_t n, const adam_step *s);
  void (*rmsprop)(float *w, const float *g, float *square, float *velocity, ptrdiff_t n, const rmsprop_step *s);
  void (*sgd)(float *w, const float *g, float *velocity, ptrdiff_t n, const sgd_step *s);
  void (*clip_value)(float *g, ptrdiff_t n, float limit);
  /* Sum of squares in double, over blocks of 4096 in one fixed order; infinite or NaN when an entry is. Units for which `touched`
   * has 0 are known to be zero and are not looked at; NULL: none is known. */
  double (*sum_squares)(const float *g, const uint8_t *touched, ptrdiff_t n);

  /* Multiply-adds for about `seconds`; returns GFLOP/s of this core. */
  double (*peak)(double seconds);
  /* Reads n floats (a multiple of 128) over and over for about `seconds`; returns GB/s of this core. */
  double (*read)(const float *x, ptrdiff_t n, double seconds);
};

/* The table for cpu_isa(). */
const kernels *kernel_table(void);
/* A given one; NULL when this build or processor lacks it. For tests. */
const kernels *kernel_table_of(enum cpu_isa isa);

/* --- packing (portable C, pack.c) --- A matrix W [rows, cols] (row stride `row`) becomes columns of panels.
 * Panel layout: k-major, `vectors` groups of 16 columns side by side: out[k * vectors*16 + v*16 + lane]. Writes the 16 lanes of
 * vector v for k = 0..k_count-1; lanes at or beyond `count` are zero.
 * pack_rows: lane l of step k is W[first + l][k0 + k]  (for y = W x: lanes are rows of W).
 * pack_cols: lane l of step k is W[k0 + k][first + l]  (for x = W' y and for embeddings of gradients: lanes are columns of W). */
void pack_rows(float *out, int vectors, int v, const float *w, ptrdiff_t row, int first, int count, int k0, int k_count);
void pack_cols(float *out, int vectors, int v, const float *w, ptrdiff_t row, int first, int count, int k0, int k_count);
/* The same past the caches, for panels that will have left them before they are read: their lines need not be read to be written.
 * `out` lies at a multiple of 64 bytes. Other threads may look after pack_past_end. */
typedef void pack_function(float *out, int vectors, int v, const float *w, ptrdiff_t row, int first, int count, int k0,
                           int k_count);
pack_function pack_rows_past, pack_cols_past;
void pack_past_end(void);
/* A column of a panel of bytes: lane `lane` of vector v, from a row that bytes_of_row made of k numbers; NULL: zeros. */
void pack_bytes(float *out, int vectors, int v, int lane, const float *bytes, int k);
#endif
