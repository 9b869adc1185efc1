/* c_state.c - what goes on from step to step, what comes out, and the order of all loops of a function. */
#include <string.h>
#include "port/c_internal.h"

/* --- states --- */

/* What x is called, as a whole row. */
static const char *row_name(c_export *c, int x, text *room) {
  text_format(room, "%s%s", c->home[x] == HOME_STATE ? "state->" : "", c->names[x]);
  return room->data ? room->data : "";
}

/* Before the first step. */
static void begin(c_export *c, int x, text *out) {
  const node *n = &c->g->nodes[x];
  text to = {0};
  row_name(c, x, &to);
  if (c->home[x] == HOME_LOCAL) {
    text_format(out, "  float %s[%d];\n", c->names[x], n->width);
    c->locals[c->phase[x]] += n->width;
  }
  if (n->op == OP_SHIFT && n->in[1] != NODE_NONE) {
    c_assign(c, out, to.data ? to.data : "", "", n->in[1], n->width);
  } else {
    c_begin_loop_number(out, "i", n->width);
    text_format(out, " %s[i] = 0.0f;\n", to.data ? to.data : "");
  }
  text_free(&to);
}

/* `first`: is it the first step that goes by? `edge`: is it the one that an EDGE hands on? NULL: each may be, the last stays. */
static void gather(c_export *c, int x, const char *first, const char *edge, text *out) {
  const node *n = &c->g->nodes[x];
  text before = {0}, element = {0}, to = {0};
  c_operand(c, n->in[0], "i", &before, &element);
  const char *s = element.data ? element.data : "", *name = row_name(c, x, &to);
  c_comment(c, x, "  ", out);
  if (n->op == OP_EDGE && edge) text_format(out, "  if (%s)\n  ", edge);
  c_begin_loop_number(out, "i", n->width);
  if (n->op == OP_SUM_TIME)
    text_format(out, " %s[i] += %s;\n", name, s);
  else if (n->op == OP_MAX_TIME)
    text_format(out, "\n    if (%s || %s > %s[i]) %s[i] = %s;\n", first, s, name, name, s);
  else
    text_format(out, " %s[i] = %s;\n", name, s);
  out->failed |= before.failed | element.failed | to.failed;
  text_free(&before);
  text_free(&element);
  text_free(&to);
}

/* How many SHIFTs it is from a value of the step: h[t-2] goes on before h[t-1] does. */
static int depth_of(const c_export *c, int x) {
  int depth = 0;
  for (int y = x; y != NODE_NONE && c->g->nodes[y].op == OP_SHIFT && depth <= c->n_order; depth++) {
    y = c->g->nodes[y].in[0];
    if (y != NODE_NONE) y = c_root(c, y);
  }
  return depth;
}

/* Is x a state of the loop `group`, or of the stream where it is NULL? */
static bool is_state(const c_export *c, int x, const c_group *group) {
  if (c->g->nodes[x].op != OP_SHIFT) return false;
  if (!group) return c->phase[x] == PHASE_STEP;
  return c_has_steps(c, x) && c_same_group(c->group[x], *group) && c_carried(c, x);
}

static bool is_gathered(const c_export *c, int x, const c_group *group) {
  const node *n = &c->g->nodes[x];
  if (!c_gathers(n->op) || c->phase[x] <= PHASE_CONSTANT) return false;
  if (!group) return n->axis == c->stream;
  const int root = c_root(c, n->in[0]), from = c_has_steps(c, root) && c->home[root] != HOME_GIVEN ? root : n->in[0];
  return n->axis != c->stream && c_same_group(c->group[from], *group);
}

static void go_on(c_export *c, const c_group *group, text *out) {
  int deepest = 0;
  for (int i = 0; i < c->n_order; i++) {
    const int depth = is_state(c, c->order[i], group) ? depth_of(c, c->order[i]) : 0;
    if (depth > deepest) deepest = depth;
  }
  for (int depth = deepest; depth > 0; depth--)
    for (int i = 0; i < c->n_order; i++) {
      const int x = c->order[i];
      const node *n = &c->g->nodes[x];
      if (!is_state(c, x, group) || n->in[0] == NODE_NONE || depth_of(c, x) != depth) continue;
      text to = {0};
      row_name(c, x, &to);
      c_assign(c, out, to.data ? to.data : "", "", n->in[0], n->width);
      text_free(&to);
    }
}

/* Values of steps ago that the stream's net sees. */
static void history(c_export *c, text *out) {
  for (int i = 0; i < c->g->n_data; i++) {
    const c_data *d = &c->data[i];
    const bool symbols = c_takes_symbols(c, i);
    for (int lag = d->most; c_is_streamed(c, i) && lag > d->least; lag--) {
      text from = {0};
      if (lag > d->least + 1)
        text_format(&from, "state->%s_%d", d->name, lag - 1);
      else
        text_format(&from, "%s", symbols || !(d->scaled || d->least) ? d->name : d->value);
      if (symbols)
        text_format(out, "  state->%s_%d = %s;\n", d->name, lag, from.data ? from.data : "");
      else
        text_format(out, "  for (int i = 0; i < %d; i++) state->%s_%d[i] = %s[i];\n", c->g->data[i].width, d->name, lag,
                    from.data ? from.data : "");
      text_free(&from);
    }
  }
}

static void begin_history(const c_export *c, text *out) {
  text_format(out, "  state->steps = 0;\n");
  for (int i = 0; i < c->g->n_data; i++)
    for (int lag = c->data[i].least + 1; c_is_streamed(c, i) && lag <= c->data[i].most; lag++) {
      if (c_takes_symbols(c, i))
        text_format(out, "  state->%s_%d = -1;\n", c->data[i].name, lag);
      else
        text_format(out, "  for (int i = 0; i < %d; i++) state->%s_%d[i] = 0.0f;\n", c->g->data[i].width, c->data[i].name, lag);
    }
}

/* --- what comes out --- */

int c_loss_width(const c_export *c, const loss *l, int k) {
  const int own = c->g->nodes[l->args[k]].width;
  return c_is_symbols(l) || !l->distribution->n_args ? own : c->g->data[l->data].width;
}

enum c_unit c_loss_unit(const c_export *c, const loss *l, int k) {
  const char *arg = k < l->distribution->n_args ? l->distribution->args[k].name : "";
  if (!c->data[l->data].scaled) return UNIT_OF_NOTHING;
  if (!strcmp(arg, "mean") || !strcmp(arg, "location")) return UNIT_OF_PLACE;
  return strcmp(arg, "scale") ? UNIT_OF_NOTHING : UNIT_OF_SPREAD;
}

/* From standardised numbers to those of the data, where the argument has their unit. */
static void unscale(const c_export *c, const loss *l, int k, const char *to, const char *at, text *out) {
  const c_data *d = &c->data[l->data];
  const enum c_unit unit = c_loss_unit(c, l, k);
  if (unit == UNIT_OF_NOTHING) return;
  c_begin_loop_number(out, "i", c->g->data[l->data].width);
  text_format(out, " %s[%s] = (float)((double)%s[%s] * %s[i]", to, at, to, at, d->spread);
  if (unit == UNIT_OF_PLACE) text_format(out, " + %s[i]", d->center);
  text_format(out, ");\n");
}

static void output(c_export *c, int number, text *out) {
  const loss *l = &c->g->losses[number];
  const bool steps = c_has_loss_steps(c, l);
  for (int k = 0; k < l->n_args; k++) {
    const char *to = c->outputs[number][k];
    const int width = c_loss_width(c, l, k);
    text first = {0}, at = {0};
    if (steps) text_format(&first, width > 1 ? "t * %d" : "t", width);
    text_format(&at, "%s%si", steps && first.data ? first.data : "", steps ? " + " : "");
    text_format(out, "  /* %s ~ %s */\n", c->g->data[l->data].name, l->distribution->name);
    c_assign(c, out, to, first.data ? first.data : "", l->args[k], width);
    if (c_is_symbols(l)) {
      text_format(out, "  softmax_of(%s%s%s, %d);\n", to, steps ? " + " : "", first.data ? first.data : "", width);
      c->helper[OP_SOFTMAX] = true;
    }
    unscale(c, l, k, to, at.data ? at.data : "", out);
    out->failed |= first.failed | at.failed;
    text_free(&first);
    text_free(&at);
  }
}

/* --- functions --- */

static void margin(const text *from, text *out) {
  bool begins = true;
  for (size_t i = 0; i < from->length; i++) {
    if (begins && from->data[i] != '\n') text_format(out, "  ");
    text_add(out, from->data + i, 1);
    begins = from->data[i] == '\n';
  }
  out->failed |= from->failed;
}

/* Does the loop read x at its own step? */
static bool reads(const c_export *c, int x, const c_group *group) {
  for (int i = 0; i < c->n_order; i++) {
    const int y = c->order[i];
    const node *n = &c->g->nodes[y];
    const bool here = c_has_steps(c, y) && c_same_group(c->group[y], *group) && c_alias(c, y) == NODE_NONE;
    for (int k = 0; k < NODE_INPUTS && (here || is_gathered(c, y, group)); k++)
      if (n->in[k] != NODE_NONE && c_root(c, n->in[k]) == x) return true;
  }
  for (int i = 0; i < c->g->n_losses; i++)
    for (int k = 0; k < c->g->losses[i].n_args && c_same_group(c->loss_group[i], *group); k++)
      if (c_root(c, c->g->losses[i].args[k]) == x) return true;
  return false;
}

static bool is_loop(const c_export *c, int x, const c_group *group) {
  if (!c_has_steps(c, x) || c->home[x] < HOME_LOCAL || is_state(c, x, group)) return false;
  if (c->home[x] == HOME_EACH && c->group[x].axis == group->axis) return reads(c, x, group);
  return c_same_group(c->group[x], *group);
}

/* Symbols of steps ago, in the loop of what reads them. */
static void late_symbols(c_export *c, const c_group *group, text *out) {
  for (int slot = 0; slot < c->g->n_inputs; slot++) {
    const input *in = &c->g->inputs[slot];
    bool wanted = false;
    for (int i = 0; i < c->n_order && in->lag && in->index; i++) {
      const node *n = &c->g->nodes[c->order[i]];
      if (n->op != OP_EMBED || n->slot != slot || !c_has_steps(c, c->order[i])) continue;
      wanted |= is_loop(c, c->order[i], group) || (c->inlined[c->order[i]] && c_same_group(c->group[c->order[i]], *group));
    }
    if (!wanted) continue;
    text_format(out, "  const int %s = t < %d ? -1 : %s[t - %d];\n", c->slot_names[slot], in->lag, c->data[in->data].name, in->lag);
  }
}

static void steps_loop(c_export *c, const c_group *group, text *out) {
  const char *steps = c->steps_names[group->axis];
  text body = {0}, first = {0}, last = {0};
  bool any = false;
  for (int i = 0; i < c->n_order; i++) {
    const int x = c->order[i];
    const bool carried = is_state(c, x, group), gathered = is_gathered(c, x, group);
    if (carried || gathered) begin(c, x, out);
    any |= carried || gathered || is_loop(c, x, group);
  }
  for (int i = 0; i < c->g->n_losses; i++) any |= c_has_loss_steps(c, &c->g->losses[i]) && c_same_group(c->loss_group[i], *group);
  if (!any) return;
  const int outer = c->first_rounded;
  c->first_rounded = c->n_rounded;
  late_symbols(c, group, &body);
  for (int i = 0; i < c->n_order; i++)
    if (is_loop(c, c->order[i], group)) c_loop(c, c->order[i], &body);
  for (int i = 0; i < c->g->n_losses; i++)
    if (c_has_loss_steps(c, &c->g->losses[i]) && c_same_group(c->loss_group[i], *group)) output(c, i, &body);
  text_format(&first, "t == 0");
  text_format(&last, "t == %s - 1", steps);
  for (int i = 0; i < c->n_order; i++) {
    const int x = c->order[i];
    if (!is_gathered(c, x, group)) continue;
    gather(c, x, group->dir > 0 ? "t == 0" : last.data ? last.data : "", c->g->nodes[x].dir > 0 ? "t == 0" : last.data, &body);
  }
  go_on(c, group, &body);
  c->n_rounded = c->first_rounded;
  c->first_rounded = outer;
  if (group->dir > 0)
    text_format(out, "  for (int t = 0; t < %s; t++) {\n", steps);
  else
    text_format(out, "  for (int t = %s - 1; t >= 0; t--) { /* from the last step to the first */\n", steps);
  margin(&body, out);
  text_format(out, "  }\n");
  out->failed |= first.failed | last.failed;
  text_free(&body);
  text_free(&first);
  text_free(&last);
}

static void check_lengths(c_export *c, text *out) {
  for (int a = 0; a < c->g->n_axes; a++)
    if (c->axis_bound[a] && a != c->stream) text_format(out, "  if (%s > %s) return -1;\n", c->steps_names[a], c->most_names[a]);
  for (int a = 0; a < c->g->n_axes; a++)
    if (c->axis_kept[a]) text_format(out, "  state->%s = %s;\n", c->steps_names[a], c->steps_names[a]);
}

void c_start(c_export *c) {
  text *out = &c->body[PHASE_START];
  c->writing = PHASE_START;
  check_lengths(c, out);
  if (c->stream >= 0) begin_history(c, out);
  for (int level = 0; level < c->n_levels; level++) {
    for (int i = 0; i < c->n_order; i++) {
      const int x = c->order[i];
      if (c->phase[x] != PHASE_START || c_has_steps(c, x) || c->group[x].level != level) continue;
      if (c->home[x] >= HOME_LOCAL && !c_gathers(c->g->nodes[x].op)) c_loop(c, x, out);
    }
    for (int i = 0; i < c->g->n_losses; i++)
      if (c_loss_phase(c, &c->g->losses[i]) == PHASE_START && c->loss_group[i].axis < 0 && c->loss_group[i].level == level)
        output(c, i, out);
    for (int axis = 0; axis < c->g->n_axes; axis++)
      for (int dir = 1; dir >= -1; dir -= 2) steps_loop(c, &(c_group){level, axis, dir}, out);
  }
  for (int i = 0; i < c->n_order; i++)
    if (is_state(c, c->order[i], NULL) || (c->stream >= 0 && is_gathered(c, c->order[i], NULL))) begin(c, c->order[i], out);
  if (c_is_bound(c)) text_format(out, "  return 0;\n");
}

/* Numbers as the net takes them. */
static void take_numbers(c_export *c, text *out) {
  for (int i = 0; i < c->g->n_data; i++) {
    const c_data *d = &c->data[i];
    const int width = c->g->data[i].width;
    if (!c_is_streamed(c, i) || c_takes_symbols(c, i) || (!d->scaled && !d->least)) continue;
    text_format(out, "  float %s[%d];\n  for (int i = 0; i < %d; i++) %s[i] = ", d->value, width, width, d->value);
    if (d->least) text_format(out, "!%s ? 0.0f : ", d->name);
    if (d->scaled)
      text_format(out, "(float)(((double)%s[i] - %s[i]) / %s[i]);\n", d->name, d->center, d->spread);
    else
      text_format(out, "%s[i];\n", d->name);
    c->locals[PHASE_STEP] += width;
  }
}

static void loops_of(c_export *c, enum phase phase, text *out) {
  for (int i = 0; i < c->n_order; i++) {
    const int x = c->order[i];
    const enum op op = c->g->nodes[x].op;
    if (c->phase[x] == phase && c->home[x] >= HOME_LOCAL && op != OP_SHIFT && !c_gathers(op)) c_loop(c, x, out);
  }
  for (int i = 0; i < c->g->n_losses; i++)
    if (c_loss_phase(c, &c->g->losses[i]) == phase) output(c, i, out);
}

void c_step(c_export *c) {
  text *out = &c->body[PHASE_STEP];
  c->writing = PHASE_STEP;
  c->n_rounded = 0;
  take_numbers(c, out);
  loops_of(c, PHASE_STEP, out);
  for (int i = 0; i < c->n_order; i++) {
    const int x = c->order[i];
    if (is_gathered(c, x, NULL)) gather(c, x, "state->steps == 0", c->g->nodes[x].dir > 0 ? "state->steps == 0" : NULL, out);
  }
  go_on(c, NULL, out);
  history(c, out);
  text_format(out, "  if (state->steps < 2147483647) state->steps++;\n");
}

void c_end(c_export *c) {
  c->writing = PHASE_END;
  c->n_rounded = 0;
  loops_of(c, PHASE_END, &c->body[PHASE_END]);
}
