/* cost.h - what a stage of a plan has to do, counted and not measured: operations and bytes. */
#ifndef PLAN_COST_H
#define PLAN_COST_H
#include "plan/frozen.h"

typedef struct stage_cost {
  double products;  /* operations (two for a multiply-add) of products and weight gradients */
  double equations; /* numbers that tile programs compute, one for each instruction and unit */
  double matrices;  /* bytes of the matrices that are read and written, each once: what must move if no cache holds it */
  double weights;   /* bytes of packed weights that are read; a loop reads them at every step */
} stage_cost;

/* Operations of products and weight gradients, for each row of the stage. */
double plan_stage_operations(const stage *s);
/* For `rows` sequences of `steps` steps each. */
stage_cost plan_stage_cost(const stage *s, int rows, int steps);
#endif
