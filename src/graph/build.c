/* build.c - a parsed program becomes a forward graph: the order of the work, data lines, cells alone.
 *
 * What a name means is in build_scope.c, what an expression means in build_expr.c; no node is made before build_emit.c. */
#include "graph/build_internal.h"
#include "base/error.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int build_memory(builder *b) {
  b->status = error_memory(b->err);
  return TERM_NONE;
}

bool build_grow(builder *b, void **items, int n, int *cap, size_t size) {
  if (n < *cap) return true;
  const int wanted = *cap ? *cap * 2 : 64; /* n is at most a few times MAX_TERMS */
  void *bigger = mem_resize(*items, (size_t)wanted * size);
  if (!bigger) return build_memory(b), false;
  *items = bigger;
  *cap = wanted;
  return true;
}

const char *build_text(builder *b, const char *format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  const char *copy = arena_text(&b->scratch, line, strlen(line));
  if (!copy) build_memory(b);
  return copy ? copy : "";
}

/* --- data lines --- */

static bool refuse_kind(builder *b, const expr *e) {
  const char *names[KINDS];
  for (int i = 0; i < KINDS; i++) names[i] = data_kinds[i].name;
  FAIL(b, b->root, e->at, "unknown kind of data '%s'%s", e->name, build_hint(b, e->name, names, KINDS));
  return false;
}

static bool is_bound(const builder *b, const char *name) {
  for (int i = 0; i < b->options->n_bindings; i++)
    if (!strcmp(b->options->bindings[i].name, name)) return true;
  for (int i = 0; i < b->options->n_weights; i++)
    if (!strcmp(b->options->weights[i].name, name)) return true;
  return false;
}

static unsigned words_of(const data_info *d, const data_kind *k) {
  unsigned words = 0;
  for (int i = 0; i < d->n_words; i++) words |= 1u << kind_place(k->words, d->words[i]);
  return words;
}

/* Width: from the binding, else as the kind's row says, else the usual one. */
static bool data_width(builder *b, data_info *d, const data_kind *k, const expr *e) {
  const float *weights = NULL;
  double width = k->width(d->args, d->n_args, words_of(d, k));
  if (width == 0) width = k->usual;
  for (int i = 0; i < b->options->n_bindings; i++)
    if (!strcmp(b->options->bindings[i].name, d->name)) width = b->options->bindings[i].width;
  for (int i = 0; i < b->options->n_weights; i++)
    if (!strcmp(b->options->weights[i].name, d->name)) weights = b->options->weights[i].values;
  if (!(width >= 1 && width <= MAX_WIDTH)) {
    FAIL(b, b->root, e->at, "the width of '%s' must be from 1 to %d", d->name, MAX_WIDTH);
    return false;
  }
  d->width = (int)width;
  if (weights) {
    float *copy = arena_alloc(&b->g->memory, (size_t)d->width, sizeof *copy);
    if (!copy) return build_memory(b), false;
    memcpy(copy, weights, (size_t)d->width * sizeof *copy);
    d->weights = copy;
  }
  return true;
}

/* `time hour weekday`: cycles of the calendar, each of which has two numbers. */
static bool read_cycles(builder *b, data_info *d, const data_kind *k, const statement *at) {
  const char *names[KIND_WORDS];
  const int n = kind_words(k->words);
  for (int i = 0; i < n; i++) {
    size_t size;
    const char *name = kind_word(k->words, i, &size, NULL);
    names[i] = build_text(b, "%.*s", (int)size, name);
  }
  for (int i = 0; i < at->n_names; i++) {
    bool twice = false;
    for (int j = 0; j < d->n_words; j++) twice = twice || !strcmp(at->names[i], d->words[j]);
    if (kind_place(k->words, at->names[i]) < 0)
      return FAIL(b, b->root, at->names_at[i], "'time' takes minute, hour, day, weekday, yearday and month, not '%s'%s",
                  at->names[i], build_hint(b, at->names[i], names, (size_t)n)),
             false;
    if (twice) return FAIL(b, b->root, at->names_at[i], "'%s' is there twice", at->names[i]), false;
    d->words[d->n_words++] = at->names[i];
  }
  return d->n_words ? true : (FAIL(b, b->root, at->value->at, "'time' needs names of cycles, as in 'time hour weekday'"), false);
}

/* `each` and `whole` are stronger than what the equations ask for. */
static bool read_steps(builder *b, data_info *d, const statement *at, int i) {
  const bool each = !strcmp(at->names[i], "each");
  if (!each && strcmp(at->names[i], "whole")) return true;
  if (d->why == STEPS_DECLARED) return FAIL(b, b->root, at->names_at[i], "'each' or 'whole' is there already"), false;
  d->why = STEPS_DECLARED;
  d->space = each ? SPACE_STEP : SPACE_STATIC;
  return true;
}

static bool read_words(builder *b, data_info *d, const data_kind *k, const statement *at) {
  if (k->sort == KIND_CALENDAR) return read_cycles(b, d, k, at);
  for (int i = 0; i < at->n_names; i++) {
    bool twice = d->n_words == KIND_WORDS;
    for (int j = 0; j < d->n_words; j++) twice = twice || !strcmp(at->names[i], d->words[j]);
    const bool steps = !strcmp(at->names[i], "each") || !strcmp(at->names[i], "whole");
    if (steps && d->why == STEPS_OF_KIND)
      return FAIL(b, b->root, at->names_at[i], "'%s' always has a value at every step", d->kind), false;
    if (kind_place(k->words, at->names[i]) < 0 || twice)
      return FAIL(b, b->root, at->names_at[i],
                  "unexpected '%s'; only 'lines', 'each' and 'whole', of texts 'nfc', of characters 'unknown' and, of words, "
                  "'lower' and 'spaced' may "
                  "follow a "
                  "kind",
                  at->names[i]),
             false;
    if (steps && !read_steps(b, d, at, i)) return false;
    d->words[d->n_words++] = at->names[i];
  }
  return true;
}

/* suffix(text, 3), prefix(text, 3), shape(text): parts of the words of another variable. */
static bool check_part(builder *b, const expr *e) {
  int letters;
  const expr *from = e->args[0];
  const statement *at = NULL;
  for (int i = 0; i < b->root->text->n_statements && from->kind == EXPR_NAME; i++) {
    const statement *s = &b->root->text->statements[i];
    if (s->kind == STATEMENT_DATA && !strcmp(s->name, from->name)) at = s;
  }
  if (!at || !at->value->name || strcmp(at->value->name, "words"))
    return FAIL(b, b->root, from->at, "'%s' is of a variable of words", e->name), false;
  return e->n_args < 2 || build_integer(b, b->root, e->args[1], "a number of letters", 1, 16, &letters);
}

/* end(pen): where another variable ends, of which there are numbers at each step. */
static bool check_end(builder *b, const expr *e) {
  const data_kind *k = NULL;
  for (int i = 0; i < b->root->text->n_statements && e->args[0]->kind == EXPR_NAME; i++) {
    const statement *s = &b->root->text->statements[i];
    if (s->kind == STATEMENT_DATA && !strcmp(s->name, e->args[0]->name) && s->value->name) k = kind_find(s->value->name);
  }
  if (k && !kind_is_symbols(k) && k->sort != KIND_CALENDAR && k->sort != KIND_END) return true;
  return FAIL(b, b->root, e->args[0]->at, "'end' is of a variable of numbers, as in end(pen); texts have an end of their own"),
         false;
}

/* By place, then by name; what has a value in the kind's row may be left out. */
static bool read_arguments(builder *b, data_info *d, const data_kind *k, const expr *e) {
  const int n = kind_words(k->args);
  bool given[KIND_ARGS] = {false};
  for (int i = 0; i < e->n_args; i++) {
    const char *name = e->arg_names ? e->arg_names[i] : NULL;
    const int place = name ? kind_place(k->args, name) : i;
    int value = 0;
    if (name && !kind_has_values(k)) return FAIL(b, b->root, e->arg_at[i], "'%s' takes no named arguments", e->name), false;
    if (place < 0 || given[place])
      return FAIL(b, b->root, e->arg_at[i], place < 0 ? "'%s' has no argument '%s'; it takes: %s" : "'%s' has '%s' twice", e->name,
                  name, k->args),
             false;
    if (!build_integer(b, b->root, e->args[i], name ? name : "a width", name ? 0 : 1, MAX_WIDTH, &value)) return false;
    given[place] = true;
    d->args[place] = value;
  }
  d->n_args = kind_has_values(k) ? n : e->n_args;
  for (int i = 0; i < d->n_args; i++) {
    size_t size;
    double value;
    const char *name = kind_word(k->args, i, &size, &value);
    if (!given[i] && isnan(value)) return FAIL(b, b->root, e->at, "'%s' needs '%.*s'", e->name, (int)size, name), false;
    if (!given[i]) d->args[i] = value;
  }
  return true;
}

static bool read_data(builder *b, const statement *at) {
  const expr *e = at->value;
  const data_kind *k = kind_find(e->name);
  data_info *d = &b->g->data[b->g->n_data];
  if (!k) return refuse_kind(b, e);
  if (e->kind == EXPR_NAME && e->shift) return FAIL(b, b->root, e->at, "a kind of data has no index"), false;
  const int most = kind_words(k->args);
  if (e->n_args < k->least || e->n_args > most) {
    if (most == 0)
      FAIL(b, b->root, e->at, "'%s' takes no numbers", e->name);
    else if (k->sort == KIND_PICTURE)
      FAIL(b, b->root, e->at, "'%s' takes its channels, rows and columns, as in %s(3, 32, 32)", e->name, e->name);
    else
      FAIL(b, b->root, e->at, "'%s' takes %d to %d numbers, not %d", e->name, k->least, most, e->n_args);
    return false;
  }
  *d = (data_info){.name = at->name, .kind = k->name, .axis = -1, .at = at};
  d->space = k->steps == KIND_STEPS ? SPACE_STEP : SPACE_STATIC;
  d->why = k->steps == KIND_STEPS ? STEPS_OF_KIND : STEPS_INFERRED;
  const bool good = k->sort == KIND_PART ? check_part(b, e) : k->sort == KIND_END ? check_end(b, e) : read_arguments(b, d, k, e);
  if (!good) return false;
  if (!read_words(b, d, k, at) || !data_width(b, d, k, e)) return false;
  symbol *y = scope_add(b, b->root, at->name, SYMBOL_DATA, at->at);
  if (!y) return false;
  y->data = b->g->n_data++;
  /* symbols that are not counted yet, and numbers that are not: the width here is a placeholder, which decides nothing */
  const bool open = kind_is_symbols(k) || k->width(d->args, d->n_args, words_of(d, k)) == 0;
  return width_add_data(b, y->data, open && !is_bound(b, d->name));
}

static int count(const program *p, enum statement_kind kind) {
  int n = 0;
  for (int i = 0; i < p->n_statements; i++) n += p->statements[i].kind == kind;
  return n;
}

static bool add_data(builder *b, const program *net) {
  const int n = count(net, STATEMENT_DATA);
  if (n > MAX_DATA) {
    b->status = error_set(b->err, UNROLL_BAD_INPUT, "%s: more than %d data lines", net->file, MAX_DATA);
    return false;
  }
  b->g->data = arena_alloc(&b->g->memory, (size_t)n, sizeof *b->g->data);
  if (!b->g->data) return build_memory(b), false;
  for (int i = 0; i < net->n_statements; i++)
    if (net->statements[i].kind == STATEMENT_DATA && !read_data(b, &net->statements[i])) return false;
  return true;
}

static bool has_word(const data_info *d, const char *word) {
  for (int i = 0; i < d->n_words; i++)
    if (!strcmp(d->words[i], word)) return true;
  return false;
}

/* A stream: the states of a pass start the next one. So are texts that say it, and one that is all of the data and no lines. */
static bool find_stream(builder *b) {
  const graph *g = b->g;
  for (int i = 0; i < g->n_data; i++) {
    const data_info *d = &g->data[i];
    if (!has_word(d, "stream")) continue;
    if (has_word(d, "lines")) return FAIL(b, b->root, d->at->at, "'%s' is a stream or 'lines', not both", d->name), false;
    if (b->has_start)
      return FAIL(b, b->root, d->at->at,
                  "'%s' is a stream, which goes on from pass to pass, and so no recurrence has a start of its own", d->name),
             false;
    b->stream = true;
  }
  b->stream |= g->n_data == 1 && !b->has_start && !has_word(&g->data[0], "lines") && kind_find(g->data[0].kind)->sort == KIND_TEXT;
  return true;
}

/* --- the whole --- */

static bool build_net(builder *b, const program *net) {
  const int losses = count(net, STATEMENT_DISTRIBUTION);
  scope *s = b->root;
  /* settings come first: the arguments of a data line may be settings */
  if (!build_statements(b, s) || !build_settings(b) || !add_data(b, net) || !build_scan(b, s, false)) return false;
  if (b->g->n_data == 0) return FAIL(b, s, build_top(s), "a net needs data: a line such as 'data token : chars'"), false;
  if (losses == 0)
    return FAIL(b, s, build_top(s), "a net needs something to predict: a line such as 'token ~ softmax(W h + b)'"), false;
  for (int i = 0; i < net->n_statements; i++)
    if (net->statements[i].kind == STATEMENT_OUTPUT)
      return FAIL(b, s, net->statements[i].at, "'output' belongs in a cell; a net says what it predicts with '~'"), false;
  if (!find_stream(b)) return false;
  if (!build_width_lines(b, s) || !build_start_lines(b, s) || !build_definitions(b, s)) return false;
  for (int i = 0; i < net->n_statements; i++)
    if (net->statements[i].kind == STATEMENT_DISTRIBUTION && !build_loss(b, s, &net->statements[i])) return false;
  return build_inits(b, s) && build_given_inits(b);
}

static double setting_or(const builder *b, const char *name, double otherwise) {
  const setting *s = build_given_setting(b, name);
  return !s ? otherwise : s->word ? 0 : s->number;
}

/* One input of a cell alone: a data line that nobody wrote. Width 0: it follows from the equations, or is a default. */
static bool lone_input(builder *b, const char *name, span at, int width) {
  graph *g = b->g;
  statement *line = arena_alloc(&g->memory, 1, sizeof *line);
  if (!line) return build_memory(b), false;
  *line = (statement){.kind = STATEMENT_DATA, .at = at, .name = name};
  for (int i = 0; i < b->options->n_bindings; i++)
    if (!strcmp(b->options->bindings[i].name, name)) width = b->options->bindings[i].width < 1 ? -1 : b->options->bindings[i].width;
  if (width < 0 || width > MAX_WIDTH) return FAIL(b, b->root, at, "the width of '%s' must be from 1 to %d", name, MAX_WIDTH), false;
  g->data[g->n_data] = (data_info){.name = name, .kind = "numbers", .width = width, .space = SPACE_STATIC, .axis = -1, .at = line};
  symbol *y = scope_add(b, b->root, name, SYMBOL_DATA, at);
  if (!y) return false;
  const bool open = width == 0;
  if (open) g->data[g->n_data].width = g->n_data ? 3 : 5;
  y->data = g->n_data++;
  return width_add_data(b, y->data, open);
}

/* Free names of a cell alone are inputs; but a longer one that is nearly a known name is a typing error. */
static bool lone_inputs(builder *b) {
  scope *s = b->root;
  for (int i = 0; i < s->n_inputs; i++) {
    const char *name = s->inputs[i];
    const char *near = strlen(name) >= 3 ? build_suggest(b, s, name) : "";
    if (*near) return FAIL(b, s, s->inputs_at[i], "unknown name '%s'%s", name, near), false;
    if (!lone_input(b, name, s->inputs_at[i], 0)) return false;
  }
  return true;
}

static bool build_alone(builder *b) {
  scope *s = b->root;
  const bool given = build_given_setting(b, "input") != NULL;
  const double size = setting_or(b, "hidden", 7), width = setting_or(b, "input", 5);
  graph *g = b->g;
  if (!(size >= 1 && size <= MAX_SIZE && width >= 1 && width <= MAX_SIZE) || floor(size) != size || floor(width) != width) {
    b->status = error_set(b->err, UNROLL_USAGE, "'hidden' and 'input' must be whole numbers from 1 to %d", MAX_SIZE);
    return false;
  }
  s->size = (int)size;
  g->data = arena_alloc(&g->memory, 9, sizeof *g->data);
  if (!g->data) return build_memory(b), false;
  s->cell = "";
  if (!build_statements(b, s) || !build_settings(b)) return false;
  const setting own[] = {{.name = "input", .number = width}, {.name = "hidden", .number = size}};
  for (int i = 0; i < 2; i++)
    if (!scope_find(s, own[i].name)) g->settings[g->n_settings++] = own[i];
  if (!lone_input(b, "x", build_top(s), given ? (int)width : 0) || !build_scan(b, s, true) || !lone_inputs(b)) return false;
  const int x = term_data(b, s, NULL, 0, 0);
  if (x == TERM_NONE || !build_grow(b, (void **)&b->firsts, b->n_firsts, &b->cap_firsts, sizeof *b->firsts)) return false;
  b->firsts[b->n_firsts++] = (root_term){x, s};
  return build_width_lines(b, s) && build_start_lines(b, s) && build_definitions(b, s) && build_inits(b, s) && build_given_inits(b);
}

/* A cell alone has its input's width as a setting, which may have followed from the equations. */
static void tell_input(builder *b) {
  graph *g = b->g;
  for (int k = 0; b->alone && k < g->n_settings; k++)
    if (!strcmp(g->settings[k].name, "input") && !scope_find(b->root, "input")) g->settings[k].number = g->data[0].width;
}

static void release(builder *b) {
  mem_free(b->terms);
  mem_free(b->widths);
  mem_free(b->weights);
  mem_free(b->firsts);
  mem_free(b->losses);
  arena_free(&b->scratch);
}

unroll_status graph_build(graph *g, const program *net, const build_options *options, unroll_error *err) {
  static const build_options none = {0};
  builder b = {.g = g, .options = options ? options : &none, .err = err, .status = UNROLL_OK, .unique = 2};
  g->net = net;
  b.alone = count(net, STATEMENT_DATA) == 0 && count(net, STATEMENT_DISTRIBUTION) == 0;
  b.root = scope_new(&b, NULL, net);
  const bool done = b.root && (b.alone ? build_alone(&b) : build_net(&b, net)) && build_settings_used(&b) && build_widths(&b) &&
                    build_time(&b) && build_emit(&b) && build_varying_used(&b);
  if (done) tell_input(&b);
  release(&b);
  if (!done && b.status == UNROLL_OK) return error_memory(err); /* the only failure that is not reported where it happens */
  return b.status;
}
