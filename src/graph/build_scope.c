/* build_scope.c - scopes: what each name of a net or of a called cell means.
 *
 * A name is a definition, data, a setting, a parameter, or an input of the cell. Names that are none of these are found here
 * before anything is built. In a cell they are its further inputs. Elsewhere they are errors (build_expr.c), so that a typing
 * error never becomes a weight. */
#include "graph/build_internal.h"
#include <string.h>

/* --- the table --- */

static uint32_t hash(const char *name) {
  uint32_t h = 2166136261u;
  for (; *name; name++) h = (h ^ (unsigned char)*name) * 16777619u;
  return h;
}

symbol *scope_find(const scope *s, const char *name) {
  if (!s->table_size) return NULL;
  for (symbol *y = s->table[hash(name) & (s->table_size - 1)]; y; y = y->next_of_name)
    if (!strcmp(y->name, name)) return y;
  return NULL;
}

static bool enlarge(builder *b, scope *s) {
  const uint32_t size = s->table_size ? s->table_size * 2 : 32;
  symbol **table = arena_alloc(&b->scratch, size, sizeof *table);
  if (!table) return build_memory(b), false;
  s->table = table;
  s->table_size = size;
  for (symbol *y = s->first; y; y = y->next) {
    symbol **place = &table[hash(y->name) & (size - 1)];
    y->next_of_name = *place;
    *place = y;
  }
  return true;
}

const char *build_path(builder *b, const scope *s, const char *name) {
  const size_t n = strlen(s->path), m = strlen(name), start = n ? n + 1 : 0;
  char *path = arena_alloc(&b->g->memory, start + m + 1, 1);
  if (!path) return build_memory(b), NULL;
  memcpy(path, s->path, n);
  if (n) path[n] = '.';
  memcpy(path + start, name, m);
  return path;
}

symbol *scope_add(builder *b, scope *s, const char *name, enum symbol_kind kind, span at) {
  if (s->n_symbols >= s->table_size && !enlarge(b, s)) return NULL;
  symbol *y = arena_alloc(&b->scratch, 1, sizeof *y);
  if (!y) return build_memory(b), NULL;
  *y = (symbol){.name = name,
                .kind = kind,
                .in = s,
                .at = at,
                .data = -1,
                .varies = -1,
                .weight = -1,
                .term = TERM_NONE,
                .width = WIDTH_FREE,
                .start = TERM_NONE};
  y->full = build_path(b, s, name);
  if (!y->full) return NULL;
  symbol **place = &s->table[hash(name) & (s->table_size - 1)];
  y->next_of_name = *place;
  *place = y;
  if (s->last)
    s->last->next = y;
  else
    s->first = y;
  s->last = y;
  s->n_symbols++;
  return y;
}

scope *scope_new(builder *b, scope *parent, const program *source) {
  scope *s = arena_alloc(&b->scratch, 1, sizeof *s);
  if (!s) return build_memory(b), NULL;
  s->text = source;
  s->parent = parent;
  s->path = "";
  s->dir = parent ? parent->dir : 1;
  s->depth = parent ? parent->depth + 1 : 0;
  if (b->last_scope)
    b->last_scope->next = s;
  else
    b->scopes = s;
  b->last_scope = s;
  if (parent && parent->last_child)
    parent->last_child->sibling = s;
  else if (parent)
    parent->children = s;
  if (parent) parent->last_child = s;
  return s;
}

/* --- suggestions --- */

const char *build_hint(builder *b, const char *word, const char *const *names, size_t n) {
  const char *near = text_nearest(word, names, n);
  return near ? build_text(b, "; did you mean '%s'?", near) : "";
}

const char *build_suggest(builder *b, const scope *s, const char *word) {
  size_t n = s->n_symbols + 1, used = 0;
  for (const char *const *f = build_functions; *f; f++) n++;
  for (const builtin *c = lang_cells; c->name; c++) n++;
  const char **names = arena_alloc(&b->scratch, n, sizeof *names);
  if (!names) return build_memory(b), "";
  for (const symbol *y = s->first; y; y = y->next) names[used++] = y->name;
  for (const char *const *f = build_functions; *f; f++)
    if (!build_is_hidden(*f)) names[used++] = *f;
  for (const builtin *c = lang_cells; c->name; c++) names[used++] = c->name;
  return build_hint(b, word, names, used);
}

/* --- statements --- */

static bool is_function(const char *name) {
  for (const char *const *f = build_functions; *f; f++)
    if (!strcmp(*f, name)) return !build_is_hidden(name);
  return lang_builtin_cell(name) != NULL;
}

static symbol *add_definition(builder *b, scope *s, const statement *at, const expr *value) {
  if (s->cell && !strcmp(at->name, "x")) return FAIL(b, s, at->at, "'x' is the input of a cell: it cannot be defined"), NULL;
  symbol *y = scope_add(b, s, at->name, SYMBOL_VARIABLE, at->at);
  if (!y) return NULL;
  y->value = value;
  y->width = width_new(b);
  return y->width == WIDTH_FREE ? NULL : y;
}

/* `h = x` in a cell looks like a setting whose value is a word. */
static bool add_setting(builder *b, scope *s, const statement *at) {
  if (s->cell && at->word && (!strcmp(at->word, "x") || !is_function(at->word))) {
    expr *value = arena_alloc(&b->g->memory, 1, sizeof *value);
    if (!value) return build_memory(b), false;
    *value = (expr){.kind = EXPR_NAME, .at = at->at, .name = at->word};
    return add_definition(b, s, at, value) != NULL;
  }
  symbol *y = scope_add(b, s, at->name, at->word ? SYMBOL_WORD : SYMBOL_NUMBER, at->at);
  if (!y) return false;
  y->number = at->number;
  y->word = at->word;
  return true;
}

static bool add_params(builder *b, scope *s, const statement *at) {
  for (int i = 0; i < at->n_names; i++) {
    if (strchr(at->names[i], '.')) return FAIL(b, s, at->names_at[i], "'%s' cannot be learned", at->names[i]), false;
    if (scope_find(s, at->names[i]) || (s->cell && !strcmp(at->names[i], "x")))
      return FAIL(b, s, at->names_at[i], "'%s' is defined already", at->names[i]), false;
    if (!scope_add(b, s, at->names[i], SYMBOL_VECTOR, at->names_at[i])) return false;
  }
  return true;
}

span build_top(const scope *s) { return s->text->n_statements ? s->text->statements[0].at : (span){1, 1, 1}; }

static bool set_output(builder *b, scope *s) {
  const statement *named = NULL;
  for (int i = 0; i < s->text->n_statements; i++)
    if (s->text->statements[i].kind == STATEMENT_OUTPUT) named = &s->text->statements[i];
  s->output = scope_find(s, named ? named->name : "h");
  if (s->output && s->output->kind == SYMBOL_VARIABLE) return true;
  s->output = NULL;
  if (named) return FAIL(b, s, named->at, "the output '%s' is not defined%s", named->name, build_suggest(b, s, named->name)), false;
  return FAIL(b, s, build_top(s), "a cell's output is 'h', or the NAME of a line 'output NAME'; '%s' has neither", s->text->file),
         false;
}

bool build_statements(builder *b, scope *s) {
  b->visits += s->text->n_statements;
  if (b->visits > MAX_TERMS) return FAIL(b, s, build_top(s), "the program is too large: more than %d operations", MAX_TERMS), false;
  for (int i = 0; i < s->text->n_statements; i++) {
    const statement *at = &s->text->statements[i];
    bool done = true;
    if (at->name && strchr(at->name, '.'))
      return FAIL(b, s, at->at, "'%s' says whether data was observed: it cannot be defined", at->name), false;
    if (at->kind == STATEMENT_DEFINE) done = add_definition(b, s, at, at->value) != NULL;
    if (at->kind == STATEMENT_SETTING) done = add_setting(b, s, at);
    if (at->kind == STATEMENT_START) b->has_start = true, b->stream = false; /* nothing is carried over */
    if (s->cell && (at->kind == STATEMENT_DATA || at->kind == STATEMENT_DISTRIBUTION))
      return FAIL(b, s, at->at, "a cell has neither data nor '~': it gets x and yields its output"), false;
    if (!done) return false;
  }
  for (int i = 0; i < s->text->n_statements; i++)
    if (s->text->statements[i].kind == STATEMENT_PARAM && !add_params(b, s, &s->text->statements[i])) return false;
  if (s->cell && !scope_find(s, "size")) {
    symbol *y = scope_add(b, s, "size", SYMBOL_NUMBER, build_top(s));
    if (!y) return false;
    y->number = s->size;
    y->fixed = true;
  }
  return !s->cell || set_output(b, s);
}

/* `h[0] = ...`: what h[t-1] is at the first step, unless the call says so. */
bool build_start_lines(builder *b, scope *s) {
  for (int i = 0; i < s->text->n_statements; i++) {
    const statement *at = &s->text->statements[i];
    if (at->kind != STATEMENT_START) continue;
    symbol *y = scope_find(s, at->name);
    if (!y || y->kind != SYMBOL_VARIABLE || !y->value)
      return FAIL(b, s, at->at, "'%s' has no equation here, so it has no start%s", at->name,
                  y ? "" : build_suggest(b, s, at->name)),
             false;
    if (!y->is_state) return FAIL(b, s, at->at, "'%s' is used at no earlier step, so it has no start", at->name), false;
    if (y->start != TERM_NONE || y->start_from) continue;
    const int t = build_value(b, s, at->value), width = t == TERM_NONE ? WIDTH_FREE : b->terms[t].width;
    b->called = NULL;
    if (t == TERM_NONE) return false;
    if (width != WIDTH_FREE && width_value(b, width) != 1 && !width_unify(b, y->width, width))
      return FAIL(b, s, at->at, "'%s' is %d wide (%s), but its start is %d wide (%s)", y->name, width_value(b, y->width),
                  width_why(b, y->width), width_value(b, width), width_why(b, width)),
             false;
    y->start = t;
    y->start_at = at->value;
    y->start_in = s;
  }
  return true;
}

/* image(channels, rows, columns), as in a data line. */
static bool is_shape(const expr *e) { return e->kind == EXPR_CALL && !strcmp(e->name, "image"); }

static bool build_shape(builder *b, scope *s, const statement *at, symbol *y, int *width) {
  static const char *const names[] = {"the channels", "the rows", "the columns"};
  const expr *e = at->value;
  if (e->n_args != 3) return FAIL(b, s, e->at, "'image' takes channels, rows and columns, not %d numbers", e->n_args), false;
  for (int i = 0; i < 3; i++)
    if (!build_integer(b, s, e->args[i], names[i], 1, MAX_SIZE, &y->shape[i])) return false;
  y->shape_line = at->at.line;
  if (!build_fits(y->shape, width)) return FAIL(b, s, e->at, "this picture is too large: more than %d numbers", MAX_WIDTH), false;
  return true;
}

bool build_width_lines(builder *b, scope *s) {
  for (int i = 0; i < s->text->n_statements; i++) {
    const statement *at = &s->text->statements[i];
    int value = 0;
    if (at->kind != STATEMENT_WIDTH) continue;
    symbol *y = scope_find(s, at->name);
    if (!y || y->kind != SYMBOL_VARIABLE || !y->value)
      return FAIL(b, s, at->at, "'%s' has no equation here, so no width can be given%s", at->name,
                  y ? "" : build_suggest(b, s, at->name)),
             false;
    if (is_shape(at->value) ? !build_shape(b, s, at, y, &value) : !build_integer(b, s, at->value, "the width", 1, MAX_SIZE, &value))
      return false;
    const int width = width_known(b, value, build_text(b, "line %d", at->at.line));
    if (width == WIDTH_FREE) return false;
    width_unify(b, y->width, width); /* cannot fail: nothing is known yet */
  }
  return true;
}

bool build_definitions(builder *b, scope *s) {
  for (symbol *y = s->first; y; y = y->next)
    if (y->kind == SYMBOL_VARIABLE && y->value && y->state == SYMBOL_WAITING && !build_define(b, y)) return false;
  return true;
}

/* --- names that are used --- */

bool is_flag(const expr *e) {
  return e->kind == EXPR_NAME && !e->shift &&
         (!strcmp(e->name, "backward") || !strcmp(e->name, "same") || !strcmp(e->name, "scaled") ||
          !strcmp(e->name, "variational") || !strcmp(e->name, "valid") || !strcmp(e->name, "mean"));
}

static bool scan_name(builder *b, scope *s, const expr *e, bool inputs) {
  symbol *y = scope_find(s, e->name);
  if (y && e->shift < 0 && y->kind == SYMBOL_VARIABLE) y->is_state = true;
  if (y || !inputs || strchr(e->name, '.') || e->name[0] < 'a' || e->name[0] > 'z' || e->name[0] == 'b') return true;
  if (s->n_inputs == (int)(sizeof s->inputs / sizeof *s->inputs))
    return FAIL(b, s, e->at, "a cell has at most 8 inputs beside x"), false;
  for (int i = 0; i < s->n_inputs; i++)
    if (!strcmp(s->inputs[i], e->name)) return true;
  s->inputs_at[s->n_inputs] = e->at; /* not in the table yet: the caller says what it is */
  s->inputs[s->n_inputs++] = e->name;
  return true;
}

static bool scan(builder *b, scope *s, const expr *e, bool inputs) {
  bool done = true;
  if (b->depth >= MAX_DEPTH) return FAIL(b, s, e->at, "this is nested too deeply"), false;
  if (++b->visits > MAX_TERMS) return FAIL(b, s, e->at, "the program is too large: more than %d operations", MAX_TERMS), false;
  if (e->kind == EXPR_NAME) return scan_name(b, s, e, inputs);
  b->depth++;
  for (int i = 0; done && i < e->n_args; i++) {
    const char *name = e->arg_names ? e->arg_names[i] : NULL;
    if (name && !s->cell && !strcmp(name, "start")) b->has_start = true;
    if (e->kind == EXPR_CALL && is_flag(e->args[i]) && !scope_find(s, e->args[i]->name)) continue;
    done = scan(b, s, e->args[i], inputs);
  }
  b->depth--;
  return done;
}

bool build_scan(builder *b, scope *s, bool inputs) {
  for (const symbol *y = s->first; y; y = y->next)
    if (y->kind == SYMBOL_VARIABLE && y->value && !scan(b, s, y->value, inputs)) return false;
  for (int i = 0; i < s->text->n_statements; i++)
    if ((s->text->statements[i].kind == STATEMENT_DISTRIBUTION || s->text->statements[i].kind == STATEMENT_START) &&
        !scan(b, s, s->text->statements[i].value, inputs))
      return false;
  return true;
}
