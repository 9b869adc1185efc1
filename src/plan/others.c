/* others.c - the rows of others.def, one for each operator that is not elementwise. */
#include "plan/internal.h"

enum { WHOLE = false, STEPS = true, BESIDE = false, ONTO = true };
#define OTHER(name, value, stage, loop, over, whole)                                                                               \
  static const plan_other other_##name = {VALUE_##value, STAGE_##stage, loop, over, whole};
#include "plan/others.def"

static const plan_other elementwise = {VALUE_ELEMENT, STAGE_TILE, STEPS, BESIDE, -1};

const plan_other *const plan_others[OP_COUNT] = {
#define UNARY(name, text, dx, y) [OP_##name] = &elementwise,
#define BINARY(name, text, da, db, y) [OP_##name] = &elementwise,
#define OTHER(name, text, inputs, back, form) [OP_##name] = &other_##name,
#include "graph/ops.def"
#undef UNARY
#undef BINARY
#undef OTHER
};
