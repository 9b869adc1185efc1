/* plan.c - makes a plan: lower, schedule, group, memory, emit; and tells what was planned. */
#include "plan/plan.h"
#include "base/error.h"
#include "plan/cost.h"
#include "plan/internal.h"

/* Parameters whose gradient has no other part than look-ups. */
static unroll_status find_tables(plan *p, unroll_error *err) {
  const graph *g = p->g;
  p->out.tables = arena_alloc(&p->memory, (size_t)g->n_params + 1, sizeof *p->out.tables);
  if (!p->out.tables) return error_memory(err);
  for (int i = 0; i < g->n_params; i++) {
    int looked_up = 0, other = 0;
    for (int k = 0; k < g->n_gradients; k++)
      if (g->gradients[k].param == i) *(g->nodes[g->gradients[k].node].op == OP_EMBED_T ? &looked_up : &other) += 1;
    if (looked_up && !other)
      p->out.tables[p->out.n_tables++] = (struct frozen_table){g->params[i].offset, (int64_t)g->params[i].rows * g->params[i].cols};
  }
  return UNROLL_OK;
}

static unroll_status find_inputs(plan *p, unroll_error *err) {
  p->out.inputs = arena_alloc(&p->memory, (size_t)p->g->n_inputs + 1, sizeof *p->out.inputs);
  if (!p->out.inputs) return error_memory(err);
  for (int i = 0; i < p->g->n_inputs; i++) {
    const input *in = &p->g->inputs[i];
    p->out.inputs[i] = (struct frozen_input){in->index, in->space == SPACE_STEP, in->axis, in->width};
  }
  return UNROLL_OK;
}

/* What is planned is a shard. Where the caller bounds the cells, rows are in order of decreasing length. So each but the first
 * of a shard has S - 1 before it that are as long. */
static void cut(plan *p) {
  plan_options *o = &p->options;
  frozen *f = &p->out;
  f->whole_rows = o->max_rows;
  f->whole_cells = o->max_cells ? o->max_cells : (int64_t)o->max_rows * o->max_steps;
  f->shards = o->shards > 1 ? o->shards : 1;
  f->max_rows = o->max_rows = (f->whole_rows + f->shards - 1) / f->shards;
  f->max_steps = o->max_steps;
  const int64_t most = (int64_t)f->max_rows * f->max_steps, even = (f->whole_cells + f->shards - 1) / f->shards + f->max_steps;
  f->max_cells = f->shards == 1 ? f->whole_cells : o->max_cells && even < most ? even : most;
}

static unroll_status make(plan **out, const graph *g, const plan_options *options, unroll_error *err) {
  *out = NULL;
  plan *p = mem_zero(1, sizeof *p);
  if (!p) return error_memory(err);
  p->g = g;
  p->options = *options;
  int *keep = arena_alloc(&p->memory, (size_t)options->n_keep + 1, sizeof *keep);
  unroll_status s = keep ? UNROLL_OK : error_memory(err);
  for (int i = 0; !s && i < options->n_keep; i++) keep[i] = options->keep[i];
  p->options.keep = keep;
  cut(p);
  p->out.n_axes = g->n_axes;
  p->out.n_inputs = g->n_inputs;
  p->out.n_weights = g->n_weights;
  p->out.gradient = options->gradient != 0;
  p->out.precision = options->precision;
  p->out.window = options->window;
  if (!s) s = find_tables(p, err);
  if (!s) s = find_inputs(p, err);
  if (!s) s = plan_lower(p, err);
  if (!s) s = plan_schedule(p, err);
  if (!s) s = plan_phases(p, err);
  if (!s) s = plan_window_check(p, err);
  if (!s) s = plan_group(p, err);
  if (!s) s = plan_windows(p, err);
  if (!s) s = plan_memory(p, err);
  if (!s) s = plan_emit(p, err);
  if (s) {
    plan_free(p);
    return s;
  }
  *out = p;
  return UNROLL_OK;
}

/* Small chunks are faster, and taken where they need no more memory; larger ones where they save one of so many parts of it. */
enum { CHUNKS_MORE = 64, CHUNKS_SAVE = 4 };

/* Has it a value that is made of all rows of the batch? */
static bool is_of_the_whole(const graph *g) {
  for (int i = 0; i < g->n_nodes; i++)
    if (g->nodes[i].op == OP_BATCH_STATS) return true;
  return false;
}

static unroll_status in_one_piece(unroll_error *err) {
  return error_set(err, UNROLL_USAGE, "a net with batchnorm runs in one shard: its statistics are those of the whole batch");
}

unroll_status plan_new(plan **out, const graph *g, const plan_options *options, unroll_error *err) {
  *out = NULL;
  if (options->max_rows < 1 || options->max_steps < 1)
    return error_set(err, UNROLL_USAGE, "a plan needs at least one row and one step");
  if (options->gradient && options->precision == PRECISION_INT8)
    return error_set(err, UNROLL_USAGE, "int8 is for using a model; training takes fp32 or bf16");
  if (options->shards > 1 &&
      (options->shards & (options->shards - 1) || options->shards > options->max_rows || options->shards > MOST_SHARDS))
    return error_set(err, UNROLL_USAGE, "%d rows cannot be cut into %d shards: they are a power of two, and have a row each",
                     options->max_rows, options->shards);
  if (options->shards > 1 && is_of_the_whole(g)) return in_one_piece(err);
  unroll_status s = make(out, g, options, err);
  plan_options chunked = *options;
  bool fast = false;
  if (s || options->window || options->chunk || !(chunked.chunk = plan_chunk(*out, &fast))) return s;
  plan *other;
  s = make(&other, g, &chunked, err);
  if (s) {
    plan_free(*out);
    *out = NULL;
    return s;
  }
  const int64_t plain = (*out)->out.arena, most = fast ? plain + plain / CHUNKS_MORE : plain - plain / CHUNKS_SAVE;
  const bool taken = other->out.arena <= most;
  plan_free(taken ? *out : other);
  if (taken) *out = other;
  return UNROLL_OK;
}

void plan_free(plan *p) {
  if (!p) return;
  arena_free(&p->memory);
  mem_free(p);
}

const struct frozen *plan_frozen(const plan *p) { return &p->out; }

/* A gradient more is cleared, written and added: as many operations a weight. Of a pass so many parts of 100 may go there. */
enum { GRADIENT_OPERATIONS = 100, GRADIENT_PERCENT = 2, GRADIENT_ARENA = 2 };

/* So many weights do not stay in a core's own cache from step to step: twice as many rows are to share their way there. */
enum { WEIGHTS_FAR = 1 << 19 };

unroll_status plan_shards(int *shards, int wanted, const graph *g, const plan_options *options, unroll_error *err) {
  plan_options one = *options;
  plan *p;
  *shards = one.shards = 1;
  if (is_of_the_whole(g)) return wanted > 1 ? in_one_piece(err) : UNROLL_OK;
  if (wanted & (wanted - 1) || wanted < 0) return error_set(err, UNROLL_USAGE, "option 'shards' is a power of two, not %d", wanted);
  while (*shards < wanted && *shards < MOST_SHARDS && *shards <= options->max_rows / 2) *shards *= 2;
  if (wanted || options->max_rows < 2 * ROWS_FILL_KERNEL) return UNROLL_OK;
  const unroll_status status = plan_new(&p, g, &one, err);
  if (status) return status;
  const frozen *f = &p->out;
  int64_t weights = f->n_weights;
  for (int i = 0; i < f->n_tables; i++) weights -= f->tables[i].n;
  const int rows = weights < WEIGHTS_FAR ? ROWS_FILL_KERNEL : 2 * ROWS_FILL_KERNEL;
  const double dense = f->gradient ? (double)weights : 0;
  const double work = plan_operations(p, f->max_cells) * GRADIENT_PERCENT / 100;
  for (int n = 2; options->max_rows / n >= rows && n <= MOST_SHARDS; n *= 2) {
    if ((n - 1) * dense * GRADIENT_OPERATIONS > work || (n - 1) * dense > (double)f->arena / GRADIENT_ARENA) break;
    *shards = n;
  }
  plan_free(p);
  return UNROLL_OK;
}

int64_t plan_arena_bytes(const plan *p) {
  return (p->out.shards * (p->out.arena + p->out.carry) + p->out.pack) * (int64_t)sizeof(float);
}

unroll_status plan_run_bytes(int64_t *bytes, const graph *g, const plan_options *options, int threads, unroll_error *err) {
  plan *p;
  *bytes = 0;
  const unroll_status status = plan_new(&p, g, options, err);
  if (status) return status;
  *bytes = frozen_bytes(&p->out, threads);
  plan_free(p);
  return UNROLL_OK;
}

double plan_operations(const plan *p, int64_t cells) {
  double n = 0;
  for (int i = 0; i < p->out.n_stages; i++) {
    const stage *s = &p->out.stages[i];
    n += plan_stage_operations(s) * (s->of_steps ? (double)cells : s->one ? 1.0 : (double)p->out.whole_rows);
  }
  return n;
}

/* ---- telling ---- */

static const char *forward_or_gradient(const plan *p, int number) {
  return p->g->n_forward && number >= p->g->n_forward ? "gradient" : "forward";
}

static void print_loop(const plan *p, int number, text *out) {
  const loop *l = &p->loops[number];
  int products = 0, equations = 0;
  const char *part = "forward";
  for (int i = 0; i < l->n_members; i++) {
    const value *v = &p->values[l->members[i]];
    products += v->n_products;
    equations += v->kind == VALUE_ELEMENT;
    if (v->component == l->component) part = forward_or_gradient(p, v->node);
  }
  text_format(out, "loop %d (%s), from the %s step: %d product%s and %d elementwise equation%s a step", number + 1, part,
              l->dir > 0 ? "first" : "last", products, products == 1 ? "" : "s", equations, equations == 1 ? "" : "s");
  const char *before = "; states:";
  for (int i = 0; i < l->n_members; i++) {
    const value *v = &p->values[l->members[i]];
    if (v->kind != VALUE_VIEW || v->in[0] < 0) continue;
    const char *name = p->g->nodes[p->values[v->in[0]].node].name;
    if (name) text_format(out, "%s %s", before, name), before = "";
  }
  text_format(out, "\n");
}

static void print_tile(const stage *s, const char *indent, text *out) {
  const stage_tile *t = &s->tile;
  int gates = 0;
  for (int i = 0; i < t->n_calls; i++) gates += t->calls[i].gates;
  text_format(out, "%stile program, width %d: %d product%s in %d call%s, %d instruction%s on [rows x %d]\n", indent, t->width,
              gates, gates == 1 ? "" : "s", t->n_calls, t->n_calls == 1 ? "" : "s", t->n_code, t->n_code == 1 ? "" : "s",
              t->unit * LANES);
}

static void print_stage(const stage *s, text *out) {
  if (s->kind == STAGE_TILE) {
    print_tile(s, "  ", out);
  } else if (s->kind == STAGE_LOOP) {
    text_format(out, "  loop %s\n", s->dir > 0 ? "forwards" : "backwards");
    for (int i = 0; i < s->n_body; i++)
      if (s->body[i].kind == STAGE_TILE)
        print_tile(&s->body[i], "    ", out);
      else
        text_format(out, "    %s, width %d\n", stage_rows[s->body[i].kind].name, s->body[i].width);
  } else if (s->kind == STAGE_OUTER) {
    int sums = s->outer.n_dots;
    for (int i = 0; i < s->outer.n_dy; i++) sums += s->outer.dy[i].sum >= 0;
    text_format(out, "  weight gradients: %d matri%s from %d + %d operands, %d sum%s over rows\n", s->outer.n_pairs,
                s->outer.n_pairs == 1 ? "x" : "ces", s->outer.n_dy, s->outer.n_x, sums, sums == 1 ? "" : "s");
  } else
    text_format(out, "  %s, width %d\n", stage_rows[s->kind].name, s->width);
}

void plan_print(const plan *p, text *out) {
  for (int i = 0; i < p->n_loops; i++) print_loop(p, i, out);
  if (p->n_hoisted) text_format(out, "%d product%s taken out of the loops\n", p->n_hoisted, p->n_hoisted == 1 ? "" : "s");
  if (p->n_kept_in)
    text_format(out, "%d product%s need%s no step, but stay%s in the loop: %d rows fill the kernel, and no matrix is written\n",
                p->n_kept_in, p->n_kept_in == 1 ? "" : "s", p->n_kept_in == 1 ? "s" : "", p->n_kept_in == 1 ? "s" : "",
                p->out.max_rows);
  text_format(out, "%d equation%s moved into a loop's tile program; %d computed twice instead of kept\n", p->n_sunk,
              p->n_sunk == 1 ? "" : "s", p->n_copied_twice);
  text_format(out, "stages:\n");
  for (int i = 0; i < p->out.n_stages; i++) print_stage(&p->out.stages[i], out);
  const double cells = (double)p->out.whole_cells, megabytes = (double)(p->out.arena * p->out.shards) * 4 / 1e6;
  text_format(out, "operations per symbol: %.0f; memory for %d sequences of %d steps: %.2f MB, packed weights %.2f MB\n",
              plan_operations(p, p->out.whole_cells) / cells, p->out.whole_rows, p->out.max_steps, megabytes,
              (double)p->out.pack * 4 / 1e6);
  if (p->out.shards > 1)
    text_format(out, "shards: %d of up to %d sequences, whose gradients are added in a tree\n", p->out.shards, p->out.max_rows);
  if (p->keeps) text_format(out, "matrices that only one sweep reads: %d steps at a time\n", p->out.window);
}
