/* check.c - gradients against central differences, the planned pass against the reference.
 *
 * The difference is the five-point one, f'(w) = (8 (f(w+e) - f(w-e)) - (f(w+2e) - f(w-2e))) / 12e + O(e^4). In double precision
 * it is good to about 1e-12 of the loss. Where it disagrees with the gradient it is taken again with smaller steps. The one
 * that agrees best with its neighbour counts, whatever the gradient says. A kink of relu between w - 2e and w + 2e disappears
 * this way, a wrong gradient does not. If no two steps agree, the whole check is made again with other numbers. */
#include "verify/check.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/random.h"
#include "run/make.h"
#include "verify/check_run.h"

enum { ALL_BELOW = 3000, SAMPLE = 40, STEPS_TRIED = 4, ATTEMPTS = 5 };
static const double first_step = 1e-3, step_factor = 0.1;
static const double faint = 1e-3; /* a tensor whose entries are below this share of the largest gradient is measured by that */

static double larger(double a, double b) { return a > b || isnan(a) ? a : b; }

/* --- the net --- */

static const setting *find_setting(const check_options *o, const char *name) {
  for (int i = 0; i < o->n_settings; i++)
    if (strcmp(o->settings[i].name, name) == 0) return &o->settings[i];
  return NULL;
}

static bool is_cell(const program *net) {
  for (int i = 0; i < net->n_statements; i++)
    if (net->statements[i].kind == STATEMENT_DATA || net->statements[i].kind == STATEMENT_DISTRIBUTION) return false;
  return true;
}

typedef struct cell_finder {
  const program *cell; /* found under the name `checked`; NULL: none */
  const check_options *options;
} cell_finder;

static const char *find_cell(void *context, const char *name, arena *memory, const char **file) {
  const cell_finder *f = context;
  if (f->cell && strcmp(name, "checked") == 0) {
    *file = f->cell->file;
    return f->cell->text;
  }
  if (f->options->find_cell) return f->options->find_cell(f->options->context, name, memory, file);
  const builtin *b = lang_builtin_cell(name);
  if (!b) return NULL;
  *file = b->file;
  return b->text;
}

/* A net around a cell alone. Its inputs, and how wide they are, are those that graph_build finds; settings of the cell, `input` and
 * `hidden` aside, become arguments of its call. */
static unroll_status wrap_cell(program **out, const program *cell, const check_options *o, arena *memory, unroll_error *err) {
  const setting *hidden = find_setting(o, "hidden");
  graph g;
  text t = {0};
  setting *settings = arena_alloc(memory, (size_t)o->n_settings + 1, sizeof *settings);
  if (!settings) return error_memory(err);
  settings[0] = (setting){.name = "hidden", .number = 6};
  for (int i = 0; i < o->n_settings; i++) settings[i + 1] = o->settings[i];
  graph_init(&g);
  const build_options inside = {
      .settings = settings, .n_settings = o->n_settings + 1, .find_cell = o->find_cell, .context = o->context};
  const unroll_status s = graph_build(&g, cell, &inside, err);
  for (int i = 0; i < g.n_data && s == UNROLL_OK; i++) text_format(&t, "data %s : numbers(%d)\n", g.data[i].name, g.data[i].width);
  text_format(&t, "data predicted : numbers\nh = checked(");
  for (int i = 0; i < g.n_data && s == UNROLL_OK; i++) text_format(&t, "%s, ", g.data[i].name);
  text_format(&t, "%d", hidden ? (int)hidden->number : 6);
  for (int i = 0; i < o->n_settings; i++) {
    const setting *own = &o->settings[i];
    if (!strcmp(own->name, "hidden") || !strcmp(own->name, "input")) continue;
    text_format(&t, ", %s = ", own->name);
    if (own->word)
      text_format(&t, "%s", own->word);
    else
      text_format(&t, "%.17g", own->number);
  }
  text_format(&t, ")\npredicted ~ gaussian(mean = W h + b, scale = 1)\n");
  const char *copy = t.failed || !t.data ? NULL : arena_text(memory, t.data, t.length);
  text_free(&t);
  graph_free(&g);
  if (s != UNROLL_OK) return s;
  return copy ? lang_parse(out, "(a net around the cell)", copy, memory, err) : error_memory(err);
}

/* Sizes of the net's settings that are small enough to difference every weight. */
static int small_settings(const program *net, const check_options *o, setting *out) {
  int n = 0;
  for (int i = 0; i < net->n_statements; i++) {
    const statement *s = &net->statements[i];
    if (s->kind != STATEMENT_SETTING || s->word || find_setting(o, s->name)) continue;
    const bool size = s->number >= 16 && s->number == floor(s->number);
    if (strcmp(s->name, "embedding") == 0)
      out[n++] = (setting){.name = s->name, .number = 4};
    else if (strcmp(s->name, "hidden") == 0 || size)
      out[n++] = (setting){.name = s->name, .number = 6};
  }
  for (int i = 0; i < o->n_settings; i++) out[n++] = o->settings[i];
  return n;
}

/* Widths of the data: about 7 symbols, 3 numbers. Kinds with a width of their own (images, sound, numbers(n)) keep it. */
static int small_bindings(const program *net, binding *out) {
  int n = 0;
  for (int i = 0; i < net->n_statements; i++) {
    const statement *s = &net->statements[i];
    if (s->kind != STATEMENT_DATA || !s->value || !s->value->name) continue;
    const data_kind *k = kind_find(s->value->name);
    const bool open = k && k->sort == KIND_NUMBERS && k->steps == KIND_EITHER && !s->value->n_args;
    int width = 0;
    if (k && kind_is_symbols(k))
      width = 7 + n;
    else if (open && k->width((double[KIND_ARGS]){0}, 0, 0) == 0)
      width = 3;
    if (width > 0) out[n++] = (binding){.name = s->name, .width = width};
  }
  return n;
}

/* Sizes written as numbers, as in lstm(x, 128), become small like the settings. */
static void shrink(expr *e) {
  bool sizes = e->kind == EXPR_CALL;
  for (int op = 0; op < OP_COUNT; op++)
    if (sizes && graph_ops[op].kind != OP_KIND_OTHER && strcmp(graph_ops[op].text, e->name) == 0) sizes = false;
  for (int i = 0; i < e->n_args; i++) {
    expr *a = e->args[i];
    if (sizes && a->kind == EXPR_NUMBER && a->number >= 16 && a->number == floor(a->number))
      a->number = strcmp(e->name, "embed") == 0 ? 4 : 6;
    shrink(a);
  }
  /* What is left of a small picture has no squares of 8 pixels. */
  if (e->kind == EXPR_CALL && !strcmp(e->name, "pool") && e->n_args > 1 && e->args[1]->kind == EXPR_NUMBER &&
      e->args[1]->number >= 8)
    e->args[1]->number = 2;
}

static void shrink_picture(expr *e, int edge) {
  const data_kind *k = kind_find(e->name);
  for (int i = 1; i < 3 && e->n_args >= 3 && k && k->sort == KIND_PICTURE; i++)
    if (e->args[i]->kind == EXPR_NUMBER && e->args[i]->number > edge) e->args[i]->number = edge;
}

static unroll_status shrunk(program **out, const program *net, int edge, arena *memory, unroll_error *err) {
  const unroll_status s = lang_parse(out, net->file, net->text, memory, err);
  for (int i = 0; s == UNROLL_OK && i < (*out)->n_statements; i++) {
    const statement *t = &(*out)->statements[i];
    if (t->value && (t->kind == STATEMENT_DEFINE || t->kind == STATEMENT_DISTRIBUTION)) shrink(t->value);
    if (t->value && t->kind == STATEMENT_DATA && t->value->name) shrink_picture(t->value, edge);
  }
  return s;
}

/* Above 0 pictures get so many rows and columns, and sizes in the text are made small too. A net may not survive that, where one
 * size is the sum of others. */
static unroll_status build_as(graph *g, const program *net, const check_options *o, int edge, arena *memory, unroll_error *err) {
  cell_finder finder = {.cell = is_cell(net) ? net : NULL, .options = o};
  program *wrapped = NULL;
  if (finder.cell) {
    const unroll_status s = wrap_cell(&wrapped, net, o, memory, err);
    if (s != UNROLL_OK) return s;
    net = wrapped;
  } else if (edge) {
    program *copy;
    const unroll_status s = shrunk(&copy, net, edge, memory, err);
    if (s != UNROLL_OK) return s;
    net = copy;
  }
  const size_t room = (size_t)net->n_statements + (size_t)o->n_settings + 1;
  setting *settings = arena_alloc(memory, room, sizeof *settings);
  binding *bindings = arena_alloc(memory, room, sizeof *bindings);
  if (!settings || !bindings) return error_memory(err);
  build_options b = {.settings = settings, .bindings = bindings, .find_cell = find_cell, .context = &finder};
  if (!wrapped) b.n_settings = small_settings(net, o, settings);
  b.n_bindings = small_bindings(net, bindings);
  return graph_build(g, net, &b, err);
}

static unroll_status build(graph *g, const program *net, const check_options *o, arena *memory, unroll_error *err) {
  /* The first has room for two kernels of 5 x 5 with a pool between them. The second has it for pools of 4 and 2. Of the third a
   * grid of four positions is left. */
  static const int edges[] = {10, 12, 28, 0};
  unroll_status s = UNROLL_BAD_INPUT;
  for (int i = 0; i < 4 && s == UNROLL_BAD_INPUT; i++) {
    if (i) {
      graph_free(g);
      graph_init(g);
    }
    s = build_as(g, net, o, edges[i], memory, err);
  }
  return s;
}

/* --- differences --- */

typedef struct differ {
  const graph *forward; /* without its gradient, so that a loss costs half */
  const batch *b;
  double *w;
  reference ref;
  unroll_status status;
  unroll_error *err;
} differ;

static double loss_at(differ *d, int64_t entry, double value) {
  const double kept = d->w[entry];
  double sum = 0;
  d->w[entry] = value;
  if (d->ref.carry) reference_free(&d->ref); /* every evaluation starts from the same states */
  if (d->status == UNROLL_OK) d->status = reference_pass(&d->ref, d->forward, d->w, d->b, NULL, 1, d->err);
  for (int i = 0; i < d->forward->n_losses && d->status == UNROLL_OK; i++) sum += reference_loss(&d->ref, i);
  d->w[entry] = kept;
  return d->b->loss_scale * sum;
}

static double difference_at(differ *d, int64_t entry, double e) {
  const double w = d->w[entry];
  const double near = loss_at(d, entry, w + e) - loss_at(d, entry, w - e);
  const double far = loss_at(d, entry, w + 2 * e) - loss_at(d, entry, w - 2 * e);
  return (8 * near - far) / (12 * e);
}

/* The derivative by one entry. `*doubt`: how far two steps still differ, 0 if the first one was good enough at once. */
static double difference(differ *d, int64_t entry, double analytic, double tolerance, double *doubt) {
  double e = first_step, last = difference_at(d, entry, e), best = last;
  *doubt = 0;
  if (fabs(last - analytic) <= tolerance) return last;
  *doubt = HUGE_VAL;
  for (int i = 1; i < STEPS_TRIED; i++) {
    e *= step_factor;
    const double next = difference_at(d, entry, e);
    if (fabs(next - last) < *doubt) *doubt = fabs(next - last), best = last;
    last = next;
  }
  return best;
}

/* Fills rows[].entries and .difference; *doubtful is set when some difference cannot be trusted. */
static unroll_status check_differences(const check_run *c, const graph *forward, check_row *rows, bool *doubtful,
                                       unroll_error *err) {
  differ d = {.forward = forward, .b = &c->batch.b, .w = c->exact, .err = err};
  const double *analytic = c->ref.gradient;
  double overall = 0;
  for (int64_t i = 0; i < c->g.n_weights; i++) overall = larger(fabs(analytic[i]), overall);
  for (int p = 0; p < c->g.n_params && d.status == UNROLL_OK; p++) {
    const param *w = &c->g.params[p];
    const int64_t count = (int64_t)w->rows * w->cols;
    const bool running = w->role >= PARAM_RUNNING; /* what stands there is no derivative */
    const int64_t entries = running ? 0 : c->g.n_weights <= ALL_BELOW || count < SAMPLE ? count : SAMPLE;
    double scale = faint * overall, worst = 0;
    for (int64_t i = 0; i < count; i++) scale = larger(fabs(analytic[w->offset + i]), scale);
    for (int64_t i = 0; i < entries && d.status == UNROLL_OK; i++) {
      /* one entry of each of `entries` equal parts */
      const int64_t from = i * count / entries, size = (i + 1) * count / entries - from;
      const int64_t k = w->offset + from + random_below(c->batch.b.seed, RANDOM_TEST, 1ull << 50, (uint32_t)i, (uint32_t)size);
      double doubt;
      const double numeric = difference(&d, k, analytic[k], 0.1 * CHECK_DIFFERENCE_LIMIT * scale, &doubt);
      *doubtful = *doubtful || doubt > 0.5 * CHECK_DIFFERENCE_LIMIT * larger(scale, fabs(numeric));
      worst = larger(fabs(numeric - analytic[k]) / larger(larger(scale, fabs(numeric)), 1e-300), worst);
    }
    rows[p].entries = entries;
    rows[p].difference = worst;
  }
  reference_free(&d.ref);
  return d.status;
}

/* --- the planned pass --- */

static unroll_status run_planned(check_run *c, unroll_error *err) {
  int *keep = mem_zero((size_t)c->g.n_losses + 1, sizeof *keep);
  if (!keep) return error_memory(err);
  plan_options o = {.max_rows = c->batch.b.rows, .max_steps = 1, .gradient = 1, .keep = keep};
  for (int a = 0; a < c->g.n_axes; a++)
    if (c->batch.axes[a].steps > o.max_steps) o.max_steps = c->batch.axes[a].steps;
  for (int i = 0; i < c->g.n_losses; i++)
    if (c->g.losses[i].prediction != NODE_NONE) keep[o.n_keep++] = c->g.losses[i].prediction;
  const unroll_status s = run_make(&c->single, &c->planned, &c->g, &o, c->weights, NULL, err);
  if (s == UNROLL_OK) run_pack(c->single);
  if (s == UNROLL_OK) run_pass(c->single, &c->batch.b, 1);
  mem_free(keep);
  return s;
}

static double value_error(const check_run *c, int number) {
  const int width = c->g.nodes[number].width;
  ptrdiff_t row;
  const float *got = run_value(c->single, number, &row);
  const double *want = c->ref.values[number];
  double worst = 0, scale = 0;
  for (int64_t i = 0; i < c->ref.rows[number]; i++)
    for (int j = 0; j < width; j++) {
      scale = larger(fabs(want[i * width + j]), scale);
      worst = larger(fabs((double)got[i * row + j] - want[i * width + j]), worst);
    }
  return worst / larger(scale, 1e-30);
}

static void compare_plan(const check_run *c, check_report *r) {
  const float *got = run_gradient(c->single);
  const double *want = c->ref.gradient;
  double overall = 0;
  for (int64_t i = 0; i < c->g.n_weights; i++) overall = larger(fabs(want[i]), overall);
  for (int p = 0; p < c->g.n_params; p++) {
    const param *w = &c->g.params[p];
    double worst = 0, scale = larger(faint * overall, 1e-30);
    for (int64_t i = w->offset; i < w->offset + (int64_t)w->rows * w->cols; i++) {
      scale = larger(fabs(want[i]), scale);
      worst = larger(fabs((double)got[i] - want[i]), worst);
    }
    r->rows[p].plan = worst / scale;
  }
  for (int i = 0; i < c->g.n_losses; i++) {
    const double nats = reference_loss(&c->ref, i);
    r->values[2 * i].plan = fabs(run_loss(c->single, i) - nats) / larger(fabs(nats), 1e-30);
    if (c->g.losses[i].prediction != NODE_NONE) r->values[2 * i + 1].plan = value_error(c, c->g.losses[i].prediction);
  }
}

/* --- together --- */

static unroll_status prepare_report(check_report *r, const graph *g, unroll_error *err) {
  r->rows = arena_alloc(&r->memory, (size_t)g->n_params + 1, sizeof *r->rows);
  r->values = arena_alloc(&r->memory, 2 * (size_t)g->n_losses + 1, sizeof *r->values);
  if (!r->rows || !r->values) return error_memory(err);
  r->n_rows = g->n_params;
  r->n_values = 2 * g->n_losses;
  r->n_weights = g->n_weights;
  for (int p = 0; p < g->n_params; p++) {
    const param *w = &g->params[p];
    r->rows[p] = (check_row){.rows = w->rows, .cols = w->cols, .vector = w->vector};
    if (!(r->rows[p].name = arena_text(&r->memory, w->name, strlen(w->name)))) return error_memory(err);
  }
  for (int i = 0; i < r->n_values; i++) {
    char name[96];
    const int n = snprintf(name, sizeof name, "%s.%.64s", i % 2 ? "output" : "loss", g->data[g->losses[i / 2].data].name);
    if (!(r->values[i].name = arena_text(&r->memory, name, (size_t)n))) return error_memory(err);
  }
  return UNROLL_OK;
}

static void summarize(check_report *r) {
  r->worst_difference = r->worst_plan = 0;
  for (int p = 0; p < r->n_rows; p++) {
    r->worst_difference = larger(r->rows[p].difference, r->worst_difference);
    r->worst_plan = larger(r->rows[p].plan, r->worst_plan);
  }
  for (int i = 0; i < r->n_values; i++) r->worst_plan = larger(r->values[i].plan, r->worst_plan);
  r->passed = r->worst_difference < CHECK_DIFFERENCE_LIMIT && r->worst_plan < CHECK_PLAN_LIMIT;
}

/* Batch, weights, and the pass in double precision. */
static unroll_status make_run(check_run *c, check_report *r, uint64_t key, unroll_error *err) {
  static const int lengths[] = {5, 1, 4, 6, 3};
  const bool small = c->g.n_weights <= ALL_BELOW;
  r->sequences = small ? 5 : 3; /* a large net: fewer steps, so that differences take seconds */
  r->steps = small ? 6 : 5;
  unroll_status s = random_batch_new(&c->batch, &c->g, r->sequences, lengths, key, err);
  if (s != UNROLL_OK) return s;
  random_weights(c->weights, &c->g, key);
  for (int64_t i = 0; i < c->g.n_weights; i++) c->exact[i] = (double)c->weights[i];
  s = reference_pass(&c->ref, &c->g, c->exact, &c->batch.b, NULL, 1, err);
  if (s != UNROLL_OK) return s;
  r->loss = 0;
  for (int i = 0; i < c->g.n_losses; i++) r->loss += c->batch.b.loss_scale * reference_loss(&c->ref, i);
  if (!isfinite(r->loss))
    return error_set(err, UNROLL_FAILED,
                     "the loss is not finite with small random weights: a logarithm, root or scale of a negative value?");
  return UNROLL_OK;
}

static unroll_status check_graphs(check_run *c, const graph *forward, const check_options *o, check_report *r, unroll_error *err) {
  c->weights = mem_zero((size_t)c->g.n_weights + 1, sizeof *c->weights);
  c->exact = mem_zero((size_t)c->g.n_weights + 1, sizeof *c->exact);
  if (!c->weights || !c->exact) return error_memory(err);
  unroll_status s = prepare_report(r, &c->g, err);
  bool doubtful = true;
  for (int attempt = 0; attempt < ATTEMPTS && doubtful && s == UNROLL_OK; attempt++) {
    random_batch_free(&c->batch);
    reference_free(&c->ref);
    doubtful = false;
    s = make_run(c, r, o->seed + (uint64_t)attempt, err);
    if (s == UNROLL_OK) s = check_differences(c, forward, r->rows, &doubtful, err);
  }
  if (s == UNROLL_OK) s = run_planned(c, err);
  if (s != UNROLL_OK) return s;
  compare_plan(c, r);
  summarize(r);
  return o->dump ? check_dump(o->dump, c, err) : UNROLL_OK;
}

unroll_status check_net(const program *net, const check_options *options, check_report *report, unroll_error *err) {
  check_run c = {0};
  graph forward;
  *report = (check_report){0};
  graph_init(&c.g);
  graph_init(&forward);
  unroll_status s = build(&c.g, net, options, &report->memory, err);
  if (s == UNROLL_OK) s = build(&forward, net, options, &report->memory, err);
  for (int i = 0; i < forward.n_losses; i++) forward.losses[i].node = forward.losses[i].objective; /* what is differentiated */
  if (s == UNROLL_OK && c.g.n_losses == 0)
    s = error_set(err, UNROLL_BAD_INPUT, "the net predicts nothing: there is no line with '~'");
  if (s == UNROLL_OK) s = graph_differentiate(&c.g, err);
  if (s == UNROLL_OK) s = check_graphs(&c, &forward, options, report, err);
  run_free(c.single);
  plan_free(c.planned);
  reference_free(&c.ref);
  random_batch_free(&c.batch);
  mem_free(c.weights);
  mem_free(c.exact);
  graph_free(&forward);
  graph_free(&c.g);
  return s;
}

void check_free(check_report *report) {
  arena_free(&report->memory);
  *report = (check_report){0};
}
