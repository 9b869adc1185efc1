/* tile_body.h - runs tile programs: one flat switch over instructions, each a loop over the vectors of a tile.
 *
 * The idea: an operand is a pointer and two strides, one for the outer and one for the inner loop. The longer of rows and
 * vectors is the inner one. The loops themselves know only vectors. A constant becomes 16 repeated floats with strides of 0. A
 * number per row is first repeated over the lanes, 32 rows at a time. Two vectors at a time keep the processor busy while one
 * waits for a division. An instruction's result may be one of its operands: every vector is read before it is written. */
#ifndef KERNEL_TILE_BODY_H
#define KERNEL_TILE_BODY_H

typedef struct tile_side {
  const float *p;
  ptrdiff_t outer, inner;
} tile_side;

#define TILE_LOOP(first, second)                                                                                                   \
  for (int i = 0; i < outer; i++) {                                                                                                \
    float *d = to + i * to_outer;                                                                                                  \
    const float *pa = a.p + i * a.outer, *pb = b.p + i * b.outer, *pc = c.p + i * c.outer;                                         \
    int j = inner;                                                                                                                 \
    for (; j >= 2; j -= 2) {                                                                                                       \
      const v16 r0 = first, r1 = second;                                                                                           \
      v_store(d, r0);                                                                                                              \
      v_store(d + to_inner, r1);                                                                                                   \
      d += 2 * to_inner, pa += 2 * a.inner, pb += 2 * b.inner, pc += 2 * c.inner;                                                  \
    }                                                                                                                              \
    if (j) v_store(d, first);                                                                                                      \
  }                                                                                                                                \
  break;

/* The expressions of tile.def as functions, so that a, b and c are read once. */
#define TILE1(name, e)                                                                                                             \
  VECTOR_FUNCTION v16 tile_##name(v16 a) { return e; }
#define TILE2(name, e)                                                                                                             \
  VECTOR_FUNCTION v16 tile_##name(v16 a, v16 b) { return e; }
#define TILE3(name, e)                                                                                                             \
  VECTOR_FUNCTION v16 tile_##name(v16 a, v16 b, v16 c) { return e; }
#include "kernel/tile.def"
#undef TILE1
#undef TILE2
#undef TILE3

static void tile_instruction_run(int op, float *to, ptrdiff_t to_outer, ptrdiff_t to_inner, const tile_side *sides, int outer,
                                 int inner) {
  const tile_side a = sides[0], b = sides[1], c = sides[2];
#define TILE1(name, e)                                                                                                             \
  case TILE_##name:                                                                                                                \
    TILE_LOOP(tile_##name(v_load(pa)), tile_##name(v_load(pa + a.inner)))
#define TILE2(name, e)                                                                                                             \
  case TILE_##name:                                                                                                                \
    TILE_LOOP(tile_##name(v_load(pa), v_load(pb)), tile_##name(v_load(pa + a.inner), v_load(pb + b.inner)))
#define TILE3(name, e)                                                                                                             \
  case TILE_##name:                                                                                                                \
    TILE_LOOP(tile_##name(v_load(pa), v_load(pb), v_load(pc)),                                                                     \
              tile_##name(v_load(pa + a.inner), v_load(pb + b.inner), v_load(pc + c.inner)))
  switch (op) {
#include "kernel/tile.def"
  }
#undef TILE1
#undef TILE2
#undef TILE3
}

enum { TILE_REPEATED = 32 }; /* rows of a splat operand repeated at a time */

static int tile_arity(int op) {
  static const uint8_t arity[] = {
#define TILE1(name, e) 1,
#define TILE2(name, e) 2,
#define TILE3(name, e) 3,
#include "kernel/tile.def"
#undef TILE1
#undef TILE2
#undef TILE3
  };
  return arity[op];
}

/* Rows first .. first+rows-1 of an operand; a splat one is repeated into `buffer`. */
static tile_side tile_side_of(const tile_operand *o, int first, int rows, int by_rows, float *buffer) {
  ptrdiff_t row = o->row, vector = LANES;
  const float *p = o->p + first * row;
  if (o->splat) {
    const int n = row == 0 ? 1 : rows;
    for (int i = 0; i < n; i++) v_store(buffer + i * LANES, v_set1(p[i * row]));
    p = buffer;
    row = row == 0 ? 0 : LANES;
    vector = 0;
  }
  return by_rows ? (tile_side){p, vector, row} : (tile_side){p, row, vector};
}

/* One row: nothing to find out about rows and strides, which would take longer than the arithmetic. */
static void tile_run_one(const tile_instruction *code, int n, const tile_operand *operands, int vectors) {
  _Alignas(64) float buffers[3][LANES];
  for (; n > 0; n--, code++) {
    const tile_operand *const side[3] = {operands + code->a, operands + code->b, operands + code->c};
    tile_side sides[3];
    const int arity = tile_arity(code->op);
    for (int s = 0; s < 3; s++) {
      const tile_operand *const o = side[s < arity ? s : 0];
      sides[s] = (tile_side){o->p, 0, o->splat ? 0 : LANES};
      if (!o->splat) continue;
      v_store(buffers[s], v_set1(o->p[0]));
      sides[s].p = buffers[s];
    }
    tile_instruction_run(code->op, operands[code->d].p, 0, LANES, sides, 1, vectors);
  }
}

static void tile_run(const tile_instruction *code, int n, const tile_operand *operands, int rows, int vectors) {
  _Alignas(64) float buffers[3][TILE_REPEATED * LANES];
  if (rows == 1) {
    tile_run_one(code, n, operands, vectors);
    return;
  }
  const int by_rows = vectors <= rows;
  for (; n > 0; n--, code++) {
    const tile_operand *const d = operands + code->d, *side[3] = {operands + code->a, operands + code->b, operands + code->c};
    const int arity = tile_arity(code->op);
    int step = rows;
    for (int s = 0; s < arity; s++)
      if (side[s]->splat && side[s]->row != 0) step = TILE_REPEATED;
    for (int first = 0; first < rows; first += step) {
      const int count = rows - first < step ? rows - first : step;
      tile_side sides[3];
      /* not read beyond arity; a copy of the first, written just before, would keep the processor waiting for its stores */
      for (int s = 0; s < 3; s++)
        sides[s] = s < arity ? tile_side_of(side[s], first, count, by_rows, buffers[s]) : (tile_side){buffers[s], 0, 0};
      float *const to = d->p + first * d->row;
      if (by_rows)
        tile_instruction_run(code->op, to, LANES, d->row, sides, vectors, count);
      else
        tile_instruction_run(code->op, to, d->row, LANES, sides, count, vectors);
    }
  }
}
#endif
