/* frozen.c - the kinds of stages, and a frozen plan as text. Every field that the runner reads is printed, so two plans with the
 * same text run alike. */
#include "plan/frozen.h"
#include <inttypes.h>
#include "base/text.h"

const stage_row stage_rows[STAGE_KINDS] = {
#define STAGE(name, text, way, rest, writes, products) [STAGE_##name] = {text, WAY_##way, REST_##rest, writes, PRODUCTS_##products},
#include "plan/stages.def"
};

static const char *const tile_names[] = {
#define TILE1(name, e) #name,
#define TILE2(name, e) #name,
#define TILE3(name, e) #name,
#include "kernel/tile.def"
#undef TILE1
#undef TILE2
#undef TILE3
};

/* "arena+128/64 step-1": base, offset, floats from row to row, which rows. */
static void print_place(const char *what, const place *at, text *out) {
  static const char *const bases[] = {
      [PLACE_NOTHING] = "nothing", [PLACE_ARENA] = "arena", [PLACE_CONST] = "const",
      [PLACE_PACK] = "pack",       [PLACE_CARRY] = "carry", [PLACE_SLOT] = "slot",
  };
  static const char *const rows[] = {[ROWS_STEP] = "step", [ROWS_BATCH] = "batch", [ROWS_ONE] = "one"};
  if (at->base == PLACE_NOTHING && !at->shift && !at->slots) return;
  text_format(out, " %s %s+%" PRId64 "/%" PRId64 " %s", what, bases[at->base], at->offset, at->row, rows[at->rows]);
  if (at->shift)
    text_format(out, "%+d from %s+%" PRId64 "/%" PRId64, -at->shift, bases[at->init_base], at->init_offset, at->init_row);
  if (at->splat) text_format(out, " splat");
  if (at->whole) text_format(out, " whole");
  if (at->slots) text_format(out, " slots %d at %" PRId64, at->slots, at->bound);
}

static void print_code(const stage_tile *t, const char *indent, text *out) {
  for (int i = 0; i < t->n_calls; i++) {
    const stage_call *c = &t->calls[i];
    text_format(out, "%s  product k %d %s, %d x %d of depth %d, pack %" PRId64 ", rounded %" PRId64 "%s", indent, c->k,
                precision_name(c->precision), c->lie.steps, c->lie.row, c->lie.depth, c->pack, c->rounded,
                c->goes_on ? ", goes on" : "");
    print_place("of", &c->operand, out);
    for (int g = 0; g < c->gates; g++) {
      print_place("init", &c->gate[g].init, out);
      print_place("out", &c->gate[g].out, out);
    }
    text_format(out, "\n");
  }
  for (int i = 0; i < t->n_operands; i++) {
    text_format(out, "%s  operand %d%s", indent, i, t->written[i] ? " written" : "");
    print_place("at", &t->operands[i], out);
    text_format(out, "\n");
  }
  for (int i = 0; i < t->n_code; i++)
    text_format(out, "%s  %s %d %d %d %d\n", indent, tile_names[t->code[i].op], t->code[i].d, t->code[i].a, t->code[i].b,
                t->code[i].c);
}

static void print_outer(const stage_outer *o, text *out) {
  for (int i = 0; i < o->n_dy; i++) {
    text_format(out, "    dy %d id %d width %d sum %" PRId64 " work %" PRId64 " before %" PRId64, i, o->dy[i].id, o->dy[i].width,
                o->dy[i].sum, o->dy[i].work, o->dy[i].before);
    print_place("at", &o->dy[i].at, out);
    text_format(out, "\n");
  }
  for (int i = 0; i < o->n_x; i++) {
    text_format(out, "    x %d id %d width %d", i, o->x[i].id, o->x[i].width);
    print_place("at", &o->x[i].at, out);
    text_format(out, "\n");
  }
  for (int i = 0; i < o->n_pairs; i++) {
    const struct outer_pair *q = &o->pairs[i];
    text_format(out, "    pair dy %d x %d accumulator %" PRId64 " target %" PRId64 "/%d%s%s\n", q->dy, q->x, q->accumulator,
                q->target, q->target_row, q->straight ? " straight" : "", q->late ? " late" : "");
  }
  for (int i = 0; i < o->n_dots; i++) {
    text_format(out, "    dot %d width %d sum %" PRId64, i, o->dots[i].width, o->dots[i].sum);
    print_place("a", &o->dots[i].a, out);
    print_place("b", &o->dots[i].b, out);
    text_format(out, "\n");
  }
}

static void print_stage(const stage *s, const char *indent, text *out) {
  text_format(out, "%s%s: phase %d%s axis %d width %d", indent, stage_rows[s->kind].name, s->phase,
              s->of_steps ? " steps"
              : s->one    ? " one"
                          : "",
              s->axis, s->width);
  if (s->again) text_format(out, " again %u", s->again);
  if (s->in_width) text_format(out, " in_width %d", s->in_width);
  if (s->over) text_format(out, " over %d", s->over);
  if (s->columns) text_format(out, " columns %d from %d to %d%s", s->columns, s->column, s->out_column, s->clear ? " clear" : "");
  if (s->dir) text_format(out, " dir %d", s->dir);
  if (s->back) text_format(out, " back");
  if (s->split) text_format(out, " split");
  text_format(out, " slot %d value %.17g weight %" PRId64 " work %.17g", s->slot, s->value, s->weight, s->work);
  print_place("out", &s->out, out);
  for (int i = 0; i < 4; i++) print_place("in", &s->in[i], out);
  text_format(out, "\n");
  for (int i = 0; i < s->n_bounds; i++)
    text_format(out, "%s  bound %" PRId64 " to %" PRId64 "/%" PRId64 " slots %d %s\n", indent, s->bounds[i].from, s->bounds[i].to,
                s->bounds[i].row, s->bounds[i].slots, s->bounds[i].first ? "first" : "last");
  const stage_picture *q = &s->picture;
  if (q->channels)
    text_format(out, "%s  picture %d x %d x %d to %d x %d x %d, size %d, before %d, pack %" PRId64 "%s\n", indent, q->rows,
                q->columns, q->channels, q->out_rows, q->out_columns, q->out_channels, q->size, q->before, q->pack,
                q->relu ? ", relu" : "");
  if (q->pool) text_format(out, "%s  pool of %d, picks at %" PRId64 "\n", indent, q->pool, q->picks);
  for (int i = 0; s->table && i < s->width; i++) text_format(out, "%s  weight %d: %.9g\n", indent, i, (double)s->table[i]);
  if (stage_rows[s->kind].way == WAY_TILE) {
    text_format(out, "%s  unit %d slots %d block %d\n", indent, s->tile.unit, s->tile.n_slots, s->tile.block);
    print_code(&s->tile, indent, out);
  }
  if (stage_rows[s->kind].way == WAY_OUTER) print_outer(&s->outer, out);
}

void frozen_print(const frozen *f, text *out) {
  text_format(out, "frozen plan, version %d\n", FROZEN_VERSION);
  text_format(out, "rows %d steps %d cells %" PRId64 " axes %d inputs %d weights %" PRId64 " settings %d losses %d %s%s\n",
              f->max_rows, f->max_steps, f->max_cells, f->n_axes, f->n_inputs, f->n_weights, f->n_varying, f->n_losses,
              precision_name(f->precision), f->gradient ? ", with gradient" : "");
  text_format(out,
              "floats: arena %" PRId64 " pack %" PRId64 " carry %" PRId64 " rounded %" PRId64 " slots %d outer %" PRId64
              " ctc %" PRId64 " widest %d operands %d\n",
              f->arena, f->pack, f->carry, f->rounded, f->slots, f->outer, (int64_t)f->ctc, f->widest, f->n_operands);
  if (f->shards > 1) text_format(out, "shards %d of %d rows and %" PRId64 " cells\n", f->shards, f->whole_rows, f->whole_cells);
  for (int i = 0; i < f->n_inputs; i++)
    text_format(out, "input %d: %s, %s %d width %d\n", i, f->inputs[i].index ? "symbols" : "numbers",
                f->inputs[i].of_steps ? "steps" : "rows", f->inputs[i].axis, f->inputs[i].width);
  if (f->window) text_format(out, "window %d of axis %d, %d sweeps\n", f->window, f->cut, f->n_sweeps);
  for (int i = 0; i < f->n_consts; i++) text_format(out, "const %d: %.9g\n", i, (double)f->consts[i]);
  for (int i = 0; i < f->n_tables; i++) text_format(out, "table %" PRId64 " of %" PRId64 "\n", f->tables[i].offset, f->tables[i].n);
  for (int i = 0; i < f->n_packs; i++) {
    const pack_job *j = &f->packs[i];
    text_format(out, "pack %s %s out %" PRId64 " weight %" PRId64 "/%d vector %d of %d first %d count %d k %d..%d\n",
                precision_name(j->precision),
                j->vector    ? "vector"
                : j->by_rows ? "rows"
                             : "columns",
                j->out, j->weight, j->row, j->v, j->vectors, j->first, j->count, j->k0, j->k0 + j->k);
  }
  for (int i = 0; i < f->n_carries; i++) {
    text_format(out, "carry %" PRId64 "/%" PRId64 " width %d", f->carries[i].offset, f->carries[i].row, f->carries[i].width);
    print_place("from", &f->carries[i].edge, out);
    text_format(out, "\n");
  }
  for (int i = 0; i < f->n_losses; i++) {
    text_format(out, "loss %d axis %d%s", i, f->losses[i].axis, f->losses[i].of_steps ? " steps" : "");
    print_place("at", &f->losses[i].at, out);
    text_format(out, "\n");
  }
  for (int i = 0; i < f->n_keep; i++) {
    text_format(out, "keep %d axis %d width %d", f->keep[i].node, f->keep[i].axis, f->keep[i].width);
    print_place("at", &f->keep[i].at, out);
    text_format(out, "\n");
  }
  for (int i = 0; i < f->n_stages; i++) {
    print_stage(&f->stages[i], "", out);
    for (int k = 0; k < f->stages[i].n_body; k++) print_stage(&f->stages[i].body[k], "  ", out);
  }
}

int64_t frozen_bytes(const frozen *f, int threads) {
  const int64_t floats = (int64_t)sizeof(float), desks = f->shards < threads ? f->shards : threads;
  const int64_t each = f->slots + f->outer + f->rounded + f->ctc + (ATTEND_ROWS + (f->ctc > 0)) * f->max_steps;
  const int64_t slopes = f->gradient ? f->n_weights * floats + f->n_weights / UNIT + 1 : 0;
  return (desks * f->arena + f->pack + f->shards * f->carry + threads * each) * floats + f->shards * slopes;
}
