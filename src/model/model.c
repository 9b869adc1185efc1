/* model.c - texts -> graph and weights. What a model is made of, and where its cells come from, is decided here; nothing below
 * looks for files. */
#include "model/model.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/budget.h"
#include "base/error.h"
#include "base/file.h"

static unroll_status no_net(const char *name, unroll_error *err) {
  const char *names[256];
  size_t n = 0;
  for (const builtin *b = lang_nets; b->name && n < 256; b++) names[n++] = b->name;
  const char *near = text_nearest(name, names, n);
  return error_set(err, UNROLL_BAD_INPUT, "there is no built-in net and no file '%s'%s%s%s", name, near ? "; did you mean '" : "",
                   near ? near : "", near ? "'?" : "; 'unroll list' shows the built-in ones");
}

unroll_status model_find_net(const char *name, arena *memory, const char **file, const char **source, unroll_error *err) {
  char *data;
  size_t size;
  const bool plain = !strpbrk(name, "/.") && strcmp(name, "-");
  const builtin *b = plain ? lang_builtin_net(name) : NULL;
  if (b) {
    *file = b->file;
    *source = b->text;
    return UNROLL_OK;
  }
  unroll_status status = file_read(name, &data, &size, err);
  if (status == UNROLL_BAD_INPUT && plain && lang_builtin_cell(name))
    return error_set(err, UNROLL_BAD_INPUT, "'%s' is a cell; a net uses it, for instance with option 'set' cell=%s", name, name);
  if (status == UNROLL_BAD_INPUT && plain) return no_net(name, err);
  if (status) return status;
  *file = arena_text(memory, name, strlen(name));
  *source = arena_text(memory, data, size);
  if (!*file || !*source)
    status = error_memory(err);
  else if (strlen(data) != size)
    status = error_at(err, UNROLL_BAD_INPUT, name, NULL, 0, 0, "a NUL in the text: this is not a net");
  mem_free(data);
  return status;
}

/* Keeps a cell in the model's list; its text, or NULL. */
static const char *remember(model *m, const char *name, const char *file, const char *source, size_t size, const char **out_file) {
  if (m->n_cells == m->cap_cells) {
    const int cap = m->cap_cells ? 2 * m->cap_cells : 8;
    model_cell *cells = mem_resize(m->cells, (size_t)cap * sizeof *cells);
    if (!cells) {
      m->starved = true;
      return NULL;
    }
    m->cells = cells;
    m->cap_cells = cap;
  }
  const model_cell cell = {arena_text(&m->memory, name, strlen(name)), arena_text(&m->memory, file, strlen(file)),
                           arena_text(&m->memory, source, size)};
  if (!cell.name || !cell.file || !cell.text) {
    m->starved = true;
    return NULL;
  }
  m->cells[m->n_cells++] = cell;
  *out_file = cell.file;
  return cell.text;
}

/* A built-in net has no folder in which cells could be: its cells are built-in ones, or files in the working folder. */
static bool is_builtin(const model *m) {
  for (int cells = 0; cells < 2; cells++)
    for (const builtin *b = cells ? lang_cells : lang_nets; b->name; b++)
      if (!strcmp(b->file, m->net_file) && !strcmp(b->text, m->net_text)) return true;
  return false;
}

const char *model_find_cell(void *context, const char *name, arena *memory, const char **file) {
  model *m = context;
  char *data;
  size_t size;
  (void)memory; /* the texts live in the model */
  for (int i = 0; i < m->n_cells; i++)
    if (!strcmp(m->cells[i].name, name)) {
      *file = m->cells[i].file;
      return m->cells[i].text;
    }
  const builtin *b = lang_builtin_cell(name);
  if (m->sealed) {
    if (b) m->missing = b->name;
    return NULL;
  }
  const bool inside = is_builtin(m);
  if (!inside || !b) {
    text path = {0};
    const char *slash = inside ? NULL : strrchr(m->net_file, '/');
    text_format(&path, "%.*s%s.cell", slash ? (int)(slash + 1 - m->net_file) : 0, m->net_file, name);
    const char *found = NULL;
    m->starved |= path.failed != 0;
    const bool there = !path.failed && file_read(path.data, &data, &size, NULL) == UNROLL_OK;
    if (there && strlen(data) == size) found = remember(m, name, path.data, data, size, file);
    if (there) mem_free(data);
    text_free(&path);
    if (there) return found;
  }
  return b ? remember(m, name, b->file, b->text, strlen(b->text), file) : NULL;
}

unroll_status model_add_cell(model *m, const char *name, const char *source, unroll_error *err) {
  char file[80];
  const char *kept;
  snprintf(file, sizeof file, "%.60s.cell", name);
  return remember(m, name, file, source, strlen(source), &kept) ? UNROLL_OK : error_memory(err);
}

unroll_status model_begin(model *m, const char *net_file, const char *net_text, unroll_error *err) {
  program *net;
  *m = (model){0};
  m->net_file = arena_text(&m->memory, net_file, strlen(net_file));
  m->net_text = arena_text(&m->memory, net_text, strlen(net_text));
  if (!m->net_file || !m->net_text) return error_memory(err);
  const unroll_status status = lang_parse(&net, m->net_file, m->net_text, &m->memory, err);
  if (status) return status;
  m->net = net;
  data_form forms[MAX_FORMS];
  int n;
  const unroll_status known = data_forms_of(forms, &n, m->net, err);
  return known ? known : schema_new(&m->schema, forms, n, err);
}

unroll_status model_set_precision(model *m, const char *name, unroll_error *err) {
  const int precision = name ? precision_of(name) : (int)m->precision;
  if (precision < 0) return error_set(err, UNROLL_USAGE, "the precision '%s' is none of fp32, bf16 and int8", name);
  m->precision = (enum precision)precision;
  return UNROLL_OK;
}

const variable *model_text(const model *m, const char *what, unroll_error *err) {
  if (schema_is_text(&m->schema)) return m->schema.list;
  error_set(err, UNROLL_USAGE, "%s needs a model of texts, and this one reads tables ('%s'%s); see predict and eval", what,
            m->schema.list->form.name, m->schema.n > 1 ? " ..." : "");
  return NULL;
}

/* The names of the settings that change; NULL: no memory. */
static const char *const *varying(model *m, arena *memory) {
  const char **names = arena_alloc(memory, (size_t)m->n_ramps + 1, sizeof *names);
  for (int i = 0; names && i < m->n_ramps; i++) names[i] = m->ramps[i].name;
  return names;
}

unroll_status model_learn_steps(model *m, const setting *settings, int n_settings, unroll_error *err) {
  graph g;
  binding bound[MAX_FORMS];
  const build_options options = {.bindings = bound,
                                 .n_bindings = schema_bindings(&m->schema, bound),
                                 .settings = settings,
                                 .n_settings = n_settings,
                                 .varying = varying(m, &m->memory),
                                 .n_varying = m->n_ramps,
                                 .find_cell = model_find_cell,
                                 .context = m};
  graph_init(&g);
  if (!options.varying) return error_memory(err);
  m->starved = false;
  unroll_status status = graph_build(&g, m->net, &options, err);
  if (m->starved) status = error_memory(err);
  if (!status) status = schema_of_graph(&m->schema, &g, err);
  graph_free(&g);
  return status;
}

static unroll_status build(model *m, graph *g, const setting *settings, int n_settings, bool derive, unroll_error *err) {
  binding bound[MAX_FORMS];
  const build_options options = {.bindings = bound,
                                 .n_bindings = schema_bindings(&m->schema, bound),
                                 .settings = settings,
                                 .n_settings = n_settings,
                                 .inits = m->inits,
                                 .n_inits = m->n_inits,
                                 .weights = m->weighted,
                                 .n_weights = derive ? m->n_weighted : 0, /* the loss itself stays plain */
                                 .varying = varying(m, &m->memory),
                                 .n_varying = m->n_ramps,
                                 .gaps = m->gaps,
                                 .find_cell = model_find_cell,
                                 .context = m};
  graph_init(g);
  if (!options.varying) return error_memory(err);
  m->starved = false;
  unroll_status status = graph_build(g, m->net, &options, err);
  if (m->starved) return error_memory(err);
  if (!status && m->missing) /* the graph room then takes the built-in one, which may not be what the model was made with */
    return error_at(err, UNROLL_BAD_INPUT, m->net_file, NULL, 0, 0, "the text of the cell '%s' is missing", m->missing);
  return !status && derive ? graph_differentiate(g, err) : status;
}

unroll_status model_graph(model *m, graph *g, bool derive, unroll_error *err) {
  return build(m, g, m->g.settings, m->g.n_settings, derive, err);
}

unroll_status model_build(model *m, const setting *settings, int n_settings, bool derive, unroll_error *err) {
  m->built = true;
  unroll_status status = build(m, &m->g, settings, n_settings, derive, err);
  if (!status) status = schema_of_graph(&m->schema, &m->g, err);
  if (status) return status;
  if (m->g.n_weights < 0 || m->g.n_weights > INT64_MAX / 64) return error_memory(err);
  if (m->sealed) return UNROLL_OK; /* model_from_tensors takes the memory once it knows that the file has so many weights */
  status = budget_check((uint64_t)m->g.n_weights * sizeof *m->weights, "what this net learns", err);
  if (status) return status;
  m->weights = mem_aligned((size_t)m->g.n_weights + 1, sizeof *m->weights);
  return m->weights ? UNROLL_OK : error_memory(err);
}

/* Have two graphs the same parameters at the same places? */
static bool same_params(const graph *g, const graph *h) {
  bool same = g->n_params == h->n_params;
  for (int i = 0; same && i < g->n_params; i++) {
    const param *p = &g->params[i], *q = &h->params[i];
    same = !strcmp(p->name, q->name) && p->rows == q->rows && p->cols == q->cols && p->offset == q->offset;
  }
  return same;
}

unroll_status model_see_gaps(model *m, unroll_error *err) {
  graph g;
  if (m->gaps) return UNROLL_OK;
  m->gaps = true;
  unroll_status status = build(m, &g, m->g.settings, m->g.n_settings, m->g.n_forward > 0, err);
  if (!status && !same_params(&g, &m->g)) status = error_set(err, UNROLL_FAILED, "this net cannot be run on data with gaps");
  if (status) {
    graph_free(&g);
    return status;
  }
  if (g.n_varying) memcpy(g.varying, m->g.varying, (size_t)g.n_varying * sizeof *g.varying);
  if (!m->lent) graph_free(&m->g);
  m->lent = false;
  m->g = g;
  return schema_of_graph(&m->schema, &m->g, err);
}

unroll_status model_stream_graph(const model *m, graph *g, arena *memory, unroll_error *err) {
  program *net;
  binding bound[MAX_FORMS];
  const build_options options = {.bindings = bound,
                                 .n_bindings = schema_bindings(&m->schema, bound),
                                 .settings = m->g.settings,
                                 .n_settings = m->g.n_settings,
                                 .find_cell = model_find_cell,
                                 .context = (void *)m};
  graph_init(g);
  unroll_status status = lang_parse(&net, m->net_file, m->net_text, memory, err);
  if (status) return status;
  for (int i = 0; i < net->n_statements; i++)
    if (net->statements[i].kind == STATEMENT_DATA) net->statements[i].n_names = 0;
  status = graph_build(g, net, &options, err);
  if (status) return status;
  if (!same_params(g, &m->g)) return error_set(err, UNROLL_FAILED, "this net cannot be run one step at a time");
  return UNROLL_OK;
}

void model_set_ramps(model *m, int64_t step, int64_t total) {
  graph *g = &m->g;
  for (int i = 0; i < m->n_ramps; i++) {
    g->varying[i] = ramp_value(&m->ramps[i], step, total);
    for (int k = 0; k < g->n_settings; k++)
      if (!strcmp(g->settings[k].name, m->ramps[i].name)) g->settings[k].number = g->varying[i];
  }
}

void model_free(model *m) {
  if (m->built) graph_free(&m->g);
  schema_free(&m->schema);
  mem_free_aligned(m->weights);
  mem_free(m->cells);
  arena_free(&m->memory);
  *m = (model){0};
}

unroll_status model_read_codes(dataset *d, const model *m, const schema *s, const char *paths, const data_options *how,
                               unroll_error *err) {
  data_options same = *how;
  if (!same.series && !same.tagged && !same.folders) same.series = m->schema.time.series;
  if (same.series && !*same.series) same.series = NULL; /* "": a row each, whatever the model remembers */
  return dataset_read(d, s, paths, &same, err);
}

unroll_status model_read(dataset *d, const model *m, const char *paths, const data_options *how, unroll_error *err) {
  unroll_status status = model_read_codes(d, m, &m->schema, paths, how, err);
  if (!status) status = dataset_encode(d, &m->schema, err);
  if (!status) dataset_measure(d, &m->schema, &m->g);
  return status;
}

int model_first_bad(const model *m, const float *block) {
  for (int i = 0; i < m->g.n_params; i++) {
    const param *p = &m->g.params[i];
    const float *w = block + p->offset;
    const int64_t n = (int64_t)p->rows * p->cols;
    for (int64_t j = 0; j < n; j++)
      if (!isfinite(w[j])) return i;
  }
  return -1;
}
