/* build_call.c - a call of a cell: its program inlined once for each layer, with parameters and states of its own.
 *
 *   h = lstm(x, size, layers = 2, backward, start = s, dropout = 0.1)
 *
 * Between x and the size stand the cell's further inputs, in the order in which its equations name them first. */
#include "graph/build_internal.h"
#include <ctype.h>
#include <string.h>

typedef struct call_args {
  const expr *x, *size;
  const expr *inputs[8];
  int n_inputs;
  const expr *start;
  int width, layers;
  double dropout;
  bool backward;
  span backward_at;
} call_args;

typedef struct given_input { /* the value of an argument */
  int term;
  scope *from; /* the call whose output it is, or NULL */
} given_input;

/* --- the cell's program --- */

static bool is_name(const char *word) {
  for (const char *c = word; *c; c++)
    if (!isalnum((unsigned char)*c) && *c != '_' && (unsigned char)*c < 0x80) return false;
  return *word;
}

const cell_file *build_find_cell(builder *b, const char *name) {
  const char *file = NULL, *source = NULL;
  for (const cell_file *c = b->cells; c; c = c->next)
    if (!strcmp(c->name, name)) return c;
  if (!is_name(name)) return NULL; /* a setting from the command line or a model file may be anything */
  if (b->options->find_cell) source = b->options->find_cell(b->options->context, name, &b->g->memory, &file);
  const builtin *known = source ? NULL : lang_builtin_cell(name);
  if (known) source = known->text, file = known->file;
  if (!source) return NULL;
  cell_file *c = arena_alloc(&b->scratch, 1, sizeof *c);
  if (!c) return build_memory(b), NULL;
  b->status = lang_parse(&c->text, file ? file : name, source, &b->g->memory, b->err);
  if (b->status != UNROLL_OK) return NULL;
  c->name = build_text(b, "%s", name);
  c->next = b->cells;
  b->cells = c;
  return b->status == UNROLL_OK ? c : NULL;
}

static bool check_nesting(builder *b, scope *s, const expr *e, const cell_file *cell) {
  for (const scope *p = s; p; p = p->parent)
    if (p->text == cell->text) return FAIL(b, s, e->at, "the cell '%s' calls itself", cell->name), false;
  if (s->depth >= MAX_CALLS) return FAIL(b, s, e->at, "cells call each other more than %d deep", MAX_CALLS), false;
  return true;
}

/* --- arguments --- */

static bool named_argument(builder *b, scope *s, const expr *e, int i, const cell_file *cell, call_args *a) {
  const char *name = e->arg_names[i];
  const expr *value = e->args[i];
  double number = 0;
  if (!strcmp(name, "layers")) return build_integer(b, s, value, "layers", 0, MAX_LAYERS, &a->layers);
  if (!strcmp(name, "start")) return a->start = value, true;
  if (!strcmp(name, "backward")) {
    if (!build_number(b, s, value, &number)) return FAIL(b, s, value->at, "backward must be a number: 0 or 1"), false;
    a->backward = number != 0;
    a->backward_at = e->arg_at[i];
    return true;
  }
  if (!strcmp(name, "dropout")) {
    if (build_number(b, s, value, &a->dropout) && a->dropout >= 0 && a->dropout < 1) return true;
    return FAIL(b, s, value->at, "dropout must be a number from 0 up to, but not including, 1"), false;
  }
  const char **names = arena_alloc(&b->scratch, (size_t)cell->text->n_statements + 4, sizeof *names);
  size_t n = 0;
  if (!names) return build_memory(b), false;
  names[n++] = "layers", names[n++] = "start", names[n++] = "backward", names[n++] = "dropout";
  for (int k = 0; k < cell->text->n_statements; k++) {
    const statement *at = &cell->text->statements[k];
    if (at->kind != STATEMENT_SETTING) continue;
    if (!strcmp(at->name, name)) return true; /* set in each layer: see set_settings */
    names[n++] = at->name;
  }
  FAIL(b, s, e->arg_at[i], "'%s' has no argument '%s'%s", cell->name, name, build_hint(b, name, names, n));
  return false;
}

static bool read_args(builder *b, scope *s, const expr *e, const cell_file *cell, call_args *a) {
  const expr *given[10];
  int n = 0;
  *a = (call_args){.layers = 1};
  for (int i = 0; i < e->n_args; i++) {
    if (e->arg_names && e->arg_names[i]) {
      if (!named_argument(b, s, e, i, cell, a)) return false;
    } else if (is_flag(e->args[i]) && !strcmp(e->args[i]->name, "backward")) {
      a->backward = true;
      a->backward_at = e->args[i]->at;
    } else {
      if (n == 10) return FAIL(b, s, e->args[i]->at, "too many arguments for '%s'", cell->name), false;
      given[n++] = e->args[i];
    }
  }
  if (n < 2) return FAIL(b, s, e->at, "'%s' needs an input and a size, as in %s(x, 128)", cell->name, cell->name), false;
  a->x = given[0];
  a->size = given[n - 1];
  a->n_inputs = n - 2;
  memcpy(a->inputs, given + 1, (size_t)a->n_inputs * sizeof *given);
  if (a->backward && b->stream)
    return FAIL(b, s, a->backward_at, "a stream has no end to start from: 'backward' needs sequences, as in 'data %s : %s lines'",
                b->g->data[0].name, b->g->data[0].kind),
           false;
  return build_integer(b, s, a->size, "the size", 1, MAX_SIZE, &a->width);
}

/* --- where states start --- */

typedef struct start_value {
  scope *other; /* a recurrence */
  int term;     /* or a vector */
} start_value;

static bool read_start(builder *b, scope *s, const call_args *a, start_value *out) {
  *out = (start_value){NULL, TERM_NONE};
  if (!a->start) return true;
  b->called = NULL;
  const int t = build_value(b, s, a->start);
  if (t == TERM_NONE) return false;
  if (b->called)
    out->other = b->called;
  else
    out->term = t;
  b->called = NULL;
  return true;
}

static scope *start_of_layer(const start_value *from, int layer, int n_layers) {
  scope *other = from->other;
  if (!other) return NULL;
  return other->n_layers == n_layers ? other->layers[layer] : other->layers[other->n_layers - 1];
}

/* The states of `s` that the other recurrence has too. */
static bool take_states(builder *b, scope *caller, scope *s, const expr *at) {
  int taken = 0;
  for (symbol *y = s->first; y; y = y->next) {
    if (y->kind != SYMBOL_VARIABLE || !y->value || !y->is_state) continue;
    symbol *z = scope_find(s->start, y->name);
    if (!z || z->kind != SYMBOL_VARIABLE || !z->value || !z->is_state) continue;
    if (!width_unify(b, y->width, z->width)) {
      FAIL(b, caller, at->at, "the state '%s' is %d wide here (%s), but the one it starts from is %d wide (%s)", y->name,
           width_value(b, y->width), width_why(b, y->width), width_value(b, z->width), width_why(b, z->width));
      return false;
    }
    y->start_from = z;
    taken++;
  }
  if (taken || s->start->text == s->text) return true; /* of the same cell: the cells within have their own states */
  FAIL(b, caller, at->at, "'%s' has no state in common with '%s' to start from", s->start->cell, s->cell);
  return false;
}

static bool take_vector(builder *b, scope *caller, scope *s, const expr *at, int t) {
  symbol *y = s->output;
  const int width = b->terms[t].width;
  if (!y->is_state)
    return FAIL(b, caller, at->at, "the output of '%s' is used at no earlier step, so it cannot start from a vector", s->cell),
           false;
  y->start = t;
  y->start_at = at;
  y->start_in = caller;
  if (width == WIDTH_FREE || width_value(b, width) == 1 || width_unify(b, y->width, width)) return true;
  FAIL(b, caller, at->at, "'%s' is %d wide (%s), but the state it starts is %d wide (%s)", build_describe(b, at),
       width_value(b, width), width_why(b, width), width_value(b, y->width), width_why(b, y->width));
  return false;
}

/* --- one layer --- */

/* A setting that was given an expression of settings that vary: not a number any more, but the value of that expression. */
static bool bind_variable(builder *b, scope *caller, symbol *y, const expr *value) {
  const int t = build_value(b, caller, value);
  b->called = NULL;
  if (t == TERM_NONE) return false;
  y->kind = SYMBOL_VARIABLE;
  y->state = SYMBOL_DONE;
  y->term = t;
  y->width = b->terms[t].width;
  return true;
}

static bool set_settings(builder *b, scope *caller, scope *s, const expr *e) {
  for (int i = 0; i < e->n_args; i++) {
    const char *name = e->arg_names ? e->arg_names[i] : NULL;
    symbol *y = name ? scope_find(s, name) : NULL;
    if (!y || (y->kind != SYMBOL_NUMBER && y->kind != SYMBOL_WORD)) continue;
    const expr *value = e->args[i];
    if (y->kind == SYMBOL_NUMBER && build_varies(b, caller, value)) {
      if (!build_is_given(b, y) && !bind_variable(b, caller, y, value)) return false;
      continue;
    }
    if (y->kind == SYMBOL_NUMBER) {
      if (!build_number(b, caller, value, &y->number)) return FAIL(b, caller, value->at, "'%s' must be a number", name), false;
      continue;
    }
    const symbol *word = value->kind == EXPR_NAME && !value->shift ? scope_find(caller, value->name) : NULL;
    if (value->kind != EXPR_NAME || value->shift || (word && word->kind != SYMBOL_WORD))
      return FAIL(b, caller, value->at, "'%s' must be a word, such as '%s'", name, y->word), false;
    y->word = word ? word->word : value->name;
  }
  return true;
}

/* `from`: the call whose output it is, so that x[t-1] in the cell is what it is outside: its state, from where that starts. */
static bool add_input(builder *b, scope *s, const char *name, given_input in) {
  symbol *y = scope_add(b, s, name, SYMBOL_VARIABLE, b->terms[in.term].at->at);
  if (!y) return false;
  y->state = SYMBOL_DONE;
  y->term = in.term;
  y->width = b->terms[in.term].width;
  y->call = in.from;
  return true;
}

static bool bind_inputs(builder *b, scope *caller, scope *s, const expr *e, const call_args *a, const given_input *given) {
  for (int i = 0; i < s->n_inputs; i++) {
    if (i < a->n_inputs && !add_input(b, s, s->inputs[i], given[i])) return false;
    if (i >= a->n_inputs) {
      if (a->n_inputs == 0)
        return FAIL(b, s, s->inputs_at[i], "unknown name '%s'%s", s->inputs[i], build_suggest(b, s, s->inputs[i])), false;
      return FAIL(b, caller, e->at, "'%s' needs %d inputs between x and the size, not %d: '%s' is missing", s->cell, s->n_inputs,
                  a->n_inputs, s->inputs[i]),
             false;
    }
  }
  if (a->n_inputs <= s->n_inputs) return true;
  return FAIL(b, caller, a->inputs[s->n_inputs]->at, "'%s' takes %d inputs between x and the size, not %d", s->cell, s->n_inputs,
              a->n_inputs),
         false;
}

/* "lstm", "lstm2" ...: the first that no call and no name in the scope has. */
static const char *unique_name(builder *b, const scope *s, const char *name) {
  const size_t length = strlen(name);
  const char *word = name;
  int highest = 0;
  for (const scope *c = s->children; c; c = c->sibling) {
    double k = 1;
    if (!c->child_name || strncmp(c->child_name, name, length)) continue;
    const char *rest = c->child_name + length;
    if (*rest && text_number(rest, strlen(rest), &k)) continue;
    if (k > highest && k < MAX_TERMS) highest = (int)k;
  }
  for (int k = highest + 1; b->status == UNROLL_OK; k++) {
    if (k > 1) word = build_text(b, "%s%d", name, k);
    if (!scope_find(s, word)) break;
  }
  return word;
}

/* The output carries the name of the call: "h", and "h.1" in all layers but the last. */
static bool name_output(builder *b, scope *s, const char *path, bool last) {
  if (!last) path = s->path;
  s->output->full = arena_text(&b->g->memory, path, strlen(path));
  return s->output->full || (build_memory(b), false);
}

static scope *layer(builder *b, scope *caller, const expr *e, const cell_file *cell, const call_args *a, const given_input *inputs,
                    given_input x, const char *path) {
  scope *s = scope_new(b, caller, cell->text);
  if (!s) return NULL;
  s->cell = cell->name;
  s->size = a->width;
  s->path = path;
  if (a->backward) s->dir = -s->dir;
  if (!build_statements(b, s) || !set_settings(b, caller, s, e) || !build_scope_settings(b, s) || !add_input(b, s, "x", x) ||
      !build_scan(b, s, true))
    return NULL;
  return bind_inputs(b, caller, s, e, a, inputs) ? s : NULL;
}

/* A state that is the output has the size asked for, if no line says otherwise; other widths follow, or get their default later. */
static bool fix_size(builder *b, scope *s, const expr *e) {
  if (!build_width_lines(b, s)) return false;
  if (!s->output->is_state || width_value(b, s->output->width)) return true;
  const int width = width_known(b, s->size, build_text(b, "the size of %s in line %d", s->cell, e->at.line));
  if (width == WIDTH_FREE) return false;
  width_unify(b, s->output->width, width); /* cannot fail: nothing is known yet */
  return true;
}

static bool inside(builder *b, scope *caller, scope *s, const expr *e, const call_args *a, const start_value *from) {
  if (!fix_size(b, s, e)) return false;
  const bool own = a->start != NULL;
  if (s->start && !own) { /* a cell within a cell that starts from its like: nothing in common is no error */
    for (symbol *y = s->first; y; y = y->next) {
      symbol *z = y->kind == SYMBOL_VARIABLE && y->value && y->is_state ? scope_find(s->start, y->name) : NULL;
      if (z && z->kind == SYMBOL_VARIABLE && z->value && z->is_state && width_unify(b, y->width, z->width)) y->start_from = z;
    }
  } else if (s->start && !take_states(b, caller, s, a->start)) {
    return false;
  }
  if (from->term != TERM_NONE && !take_vector(b, caller, s, a->start, from->term)) return false;
  return build_start_lines(b, s) && build_definitions(b, s) && build_inits(b, s);
}

/* A call at the same place in the program of the recurrence that the caller starts from. */
static scope *twin(const scope *caller, const scope *s) {
  if (!caller->start || caller->start->text != caller->text) return NULL;
  scope *other = caller->start->children;
  for (const scope *c = caller->children; c && c != s && other; c = c->sibling) other = other->sibling;
  return other && other->text == s->text ? other : NULL;
}

static bool read_input(builder *b, scope *s, const expr *e, given_input *out) {
  b->called = NULL;
  out->term = build_expr(b, s, e);
  out->from = b->called;
  b->called = NULL;
  return out->term != TERM_NONE;
}

int build_call(builder *b, scope *s, const expr *e, const cell_file *cell, const char *target) {
  call_args a;
  start_value from;
  given_input inputs[8], x;
  if (!check_nesting(b, s, e, cell) || !read_args(b, s, e, cell, &a)) return TERM_NONE;
  if (!read_input(b, s, a.x, &x)) return TERM_NONE;
  for (int i = 0; i < a.n_inputs; i++)
    if (!read_input(b, s, a.inputs[i], &inputs[i])) return TERM_NONE;
  if (!read_start(b, s, &a, &from)) return TERM_NONE;
  if (!build_grow(b, (void **)&b->firsts, b->n_firsts, &b->cap_firsts, sizeof *b->firsts)) return TERM_NONE;
  b->firsts[b->n_firsts++] = (root_term){x.term, s};
  if (a.layers == 0) {
    b->called = NULL;
    return x.term;
  }

  const char *name = target ? target : unique_name(b, s, cell->name), *path = build_path(b, s, name);
  scope **layers = arena_alloc(&b->scratch, (size_t)a.layers, sizeof *layers);
  if (!path || !layers) return b->status == UNROLL_OK ? build_memory(b) : TERM_NONE;
  for (int k = 0; k < a.layers; k++) {
    if (a.dropout > 0) {
      if (b->terms[x.term].kind == TERM_INDEX)
        return FAIL(b, s, a.x->at, "symbols cannot be dropped out: put embed(...) before them");
      x = (given_input){.term = term_add(b, s, a.x, TERM_DROPOUT, b->terms[x.term].width, &x.term, 1)};
      if (x.term == TERM_NONE) return TERM_NONE;
      b->terms[x.term].value = a.dropout;
    }
    const char *own = a.layers == 1 ? path : build_text(b, "%s.%d", path, k + 1);
    scope *l = layers[k] = layer(b, s, e, cell, &a, inputs, x, own);
    if (!l) return TERM_NONE;
    l->child_name = name;
    l->layers = layers;
    l->n_layers = a.layers;
    l->start = a.start ? start_of_layer(&from, k, a.layers) : twin(s, l);
    if (!name_output(b, l, path, k == a.layers - 1) || !inside(b, s, l, e, &a, &from)) return TERM_NONE;
    x = (given_input){l->output->term, l};
  }
  b->called = layers[a.layers - 1];
  return x.term;
}
