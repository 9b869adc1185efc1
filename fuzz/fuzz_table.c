/* fuzz_table.c - libFuzzer target: any bytes are read as a table for one of a few nets, or refused with a place; what was read
 * makes batches in which every example is there once. The first byte says which net, whether with a series, whether it is
 * tagged text, and (32) whether the column t has dates. */
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "data/batch.h"
#include "data/calendar.h"
#include "read/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good) {
  if (!good) abort();
}

static const char *const nets[] = {
    "data a : words(5)\ndata b : category\nb ~ softmax(W last(rnn(embed(a, 2), 3)) + b0)\n",
    "data a : numbers\ndata b : number\nb ~ gaussian(mean = W last(rnn(a, 3)) + b0, scale = 1)\n",
    "data a : words\ndata b : category\nb ~ softmax(W rnn(embed(a, 2), 3) + b0)\n",
    "data a : chars\ndata b : bytes\nh = rnn(embed(a, 2), 3)\ng = rnn(embed(b[t-1], 2), 3, start = h)\nb ~ softmax(W g + b0)\n",
};
static const char forecast[] = "data a : numbers\ndata x : number\ndata when : time hour month\na ~ gaussian(mean = W rnn([a[t-1], "
                               "a[t-2], x, when], 3) + b0, scale = 1)\n";
enum { N_NETS = sizeof nets / sizeof *nets, ROWS = 3 };

static unroll_status learn(schema *s, graph *g, const program *net) {
  binding bound[MAX_FORMS];
  const build_options options = {.bindings = bound, .n_bindings = schema_bindings(s, bound)};
  graph_init(g);
  const unroll_status status = graph_build(g, net, &options, NULL);
  return status ? status : schema_of_graph(s, g, NULL);
}

static void run_batches(const dataset *d, const schema *s, const graph *g) {
  part p;
  batcher *b = NULL;
  int64_t seen = 0, predicted = 0;
  if (part_whole(&p, d, NULL)) return;
  const batch_options options = {.rows = ROWS, .steps = 1, .seed = 1, .shuffle = true, .schema = s};
  const unroll_status status = batcher_new(&b, g, &p, &options, NULL);
  check(status == UNROLL_OK || p.n_symbols == 0);
  for (int64_t i = 0; b && i < batcher_count(b); i++) {
    const batch *x = batcher_get(b, 2, i);
    seen += x->rows;
    predicted += batcher_symbols(b);
    for (int k = 0; k < g->n_inputs; k++) {
      const input *in = &g->inputs[k];
      const int64_t rows = in->space == SPACE_STEP ? x->axes[in->axis].first[x->axes[in->axis].steps] : x->rows;
      check(in->space != SPACE_STEP || rows <= batcher_cells(b));
      for (int64_t r = 0; in->index && r < rows; r++) check(x->index[k][r] >= -1 && x->index[k][r] < in->width);
    }
  }
  check(!b || (seen == d->n_sequences && predicted == d->n_symbols));
  batcher_free(b);
  part_free(&p);
}

static void run_windows(const dataset *d, const schema *s, const graph *g) {
  for (int which = CALENDAR_TRAIN; which <= CALENDAR_WHOLE; which++) {
    part p;
    batcher *b = NULL;
    const batch_options options = {.rows = ROWS, .steps = 1, .seed = 1, .shuffle = which == CALENDAR_TRAIN, .schema = s};
    check(!calendar_part(&p, d, s, (enum calendar_part)which, ROWS, NULL));
    const unroll_status status = batcher_new(&b, g, &p, &options, NULL);
    check(status == UNROLL_OK || p.n_symbols == 0);
    for (int64_t i = 0; b && i < batcher_count(b); i++) {
      batcher_get(b, 5, i);
      const examples *e = batcher_examples(b);
      for (int r = 0; r < e->b.rows; r++) {
        const series_window *w = &e->windows[r];
        check(w->from >= 0 && w->count > w->context && w->from + w->count <= d->calendar.known[e->list[r]]);
      }
    }
    batcher_free(b);
    part_free(&p);
  }
}

static void use(dataset *d, schema *s, const program *net) {
  graph g;
  unroll_error err = {0};
  s->standardise = true;
  if (s->time.time) calendar_cut(d, 0.2, 0.3);
  unroll_status status = schema_collect(s, d, 1, &err);
  check(!status);
  check(!dataset_encode(d, s, &err));
  status = learn(s, &g, net);
  if (!status) {
    dataset_measure(d, s, &g);
    if (s->time.time)
      run_windows(d, s, &g);
    else
      run_batches(d, s, &g);
  }
  graph_free(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  arena memory = {0};
  program *net;
  data_form forms[MAX_FORMS];
  schema s = {0};
  table t = {0};
  dataset d = {0};
  graph g;
  int n;
  unroll_error err = {0};
  char *copy = mem_alloc(size);
  memcpy(copy, data + 1, size - 1);
  copy[size - 1] = 0;
  const bool dates = (data[0] & 32) != 0;
  check(!lang_parse(&net, "fuzz.net", dates ? forecast : nets[data[0] % N_NETS], &memory, NULL));
  check(!data_forms_of(forms, &n, net, NULL) && !schema_new(&s, forms, n, NULL));
  if (dates)
    s.time = (series_form){.time = mem_text("t"), .context = 3, .horizon = 2, .future = 2, .scaling = (enum scaling)(data[0] % 3)};
  unroll_status status =
      data[0] & 8 ? table_parse_tagged(&t, "fuzz", "a,b", copy, size - 1, &err) : table_parse(&t, "fuzz", copy, size - 1, &err);
  t.skip = (data[0] & 16) != 0;
  if (!status) status = schema_widths(&s, &t, &err);
  if (!status) {
    check(learn(&s, &g, net) == UNROLL_OK || s.list[0].width > 1 << 16);
    graph_free(&g);
    status = dataset_bind(&d, &t, &s, (data[0] & 12) == 4 ? "s" : NULL, BIND_TRAINING, &err);
  }
  if (status)
    check((status == UNROLL_BAD_INPUT || (dates && status == UNROLL_USAGE)) && err.code == status && err.message[0]);
  else
    use(&d, &s, net);
  dataset_free(&d);
  table_free(&t);
  schema_free(&s);
  arena_free(&memory);
  check(mem_live() == 0);
  return 0;
}
