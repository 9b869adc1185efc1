/* build_init.c - how parameters start: the `init` lines of nets and cells, and what was asked for beside them (--init).
 *
 * An `init` line is about the parameters of its own file. `--init PATTERN=VALUE` is about all of the net's, by their full names,
 * and comes last. */
#include "graph/build_internal.h"
#include "base/error.h"
#include "graph/pattern.h"
#include <math.h>
#include <string.h>

static const struct init_word {
  const char *name;
  enum init_kind kind;
  bool matrix, number;
} init_words[] = {
    {"orthogonal", INIT_ORTHOGONAL, true, false},
    {"identity", INIT_IDENTITY, true, false},
    {"xavier", INIT_XAVIER, true, false},
    {"glorot", INIT_XAVIER, true, false},
    {"he", INIT_HE, true, false},
    {"kaiming", INIT_HE, true, false},
    {"uniform", INIT_UNIFORM, false, true},
    {"normal", INIT_NORMAL, false, true},
};
enum { N_INITS = sizeof init_words / sizeof *init_words };

/* orthogonal | identity | xavier | he | uniform(a) | normal(s) | NUMBER */
static bool read_init(builder *b, scope *s, const expr *e, enum init_kind *kind, double *value, bool *matrix) {
  *matrix = false;
  *kind = INIT_NUMBER;
  const bool word = e->kind == EXPR_NAME || e->kind == EXPR_CALL;
  for (int i = 0; word && i < N_INITS; i++) {
    const struct init_word *w = &init_words[i];
    if (strcmp(w->name, e->name)) continue;
    *kind = w->kind;
    *matrix = w->matrix;
    if (!w->number) return e->n_args == 0 || (FAIL(b, s, e->at, "'%s' takes no number", w->name), false);
    if (e->n_args == 1 && build_number(b, s, e->args[0], value) && *value > 0 && isfinite(*value)) return true;
    FAIL(b, s, e->at, "'%s' takes a number above 0, as in %s(0.1)", w->name, w->name);
    return false;
  }
  if (build_number(b, s, e, value) && isfinite(*value)) return true;
  if (b->status != UNROLL_OK) return false;
  const char *names[N_INITS];
  for (int i = 0; i < N_INITS; i++) names[i] = init_words[i].name;
  FAIL(b, s, e->at, "expected orthogonal, identity, xavier, he, uniform(a), normal(s) or a number%s",
       word ? build_hint(b, e->name, names, N_INITS) : "");
  return false;
}

static bool refuse_init(builder *b, scope *s, const statement *at, int i) {
  const char **names = arena_alloc(&b->scratch, (size_t)s->n_symbols + 1, sizeof *names);
  size_t n = 0;
  if (!names) return build_memory(b), false;
  for (const symbol *y = s->first; y; y = y->next)
    if ((y->kind == SYMBOL_MATRIX || y->kind == SYMBOL_VECTOR) && y->weight >= 0) names[n++] = y->name;
  FAIL(b, s, at->names_at[i], "there is no parameter '%s'%s", at->names[i], build_hint(b, at->names[i], names, n));
  return false;
}

bool build_inits(builder *b, scope *s) {
  for (int k = 0; k < s->text->n_statements; k++) {
    const statement *at = &s->text->statements[k];
    enum init_kind kind = INIT_DEFAULT;
    double value = 0;
    bool matrix = false;
    if (at->kind != STATEMENT_INIT) continue;
    if (!read_init(b, s, at->value, &kind, &value, &matrix)) return false;
    for (int i = 0; i < at->n_names; i++) {
      const symbol *y = scope_find(s, at->names[i]);
      if (!y || (y->kind != SYMBOL_MATRIX && y->kind != SYMBOL_VECTOR) || y->weight < 0) return refuse_init(b, s, at, i);
      weight *w = &b->weights[y->weight];
      if (matrix && w->vector)
        return FAIL(b, s, at->value->at, "'%s' is for matrices, and '%s' is a vector", at->value->name, y->name), false;
      w->init = kind;
      w->init_value = value;
      w->init_at = at;
    }
  }
  return true;
}

/* --- what was asked for beside the lines --- */

static unroll_status no_parameter(builder *b, const char *given, const char *pattern) {
  const char **names = arena_alloc(&b->scratch, (size_t)b->n_weights + PATTERN_GROUPS, sizeof *names);
  size_t n = 0;
  if (!names) return build_memory(b), UNROLL_FAILED;
  for (int i = 0; i < b->n_weights; i++) names[n++] = b->weights[i].name;
  for (int i = 0; i < PATTERN_GROUPS; i++) names[n++] = pattern_groups[i].name;
  const char *hint = build_hint(b, pattern, names, n);
  for (int i = 0; i < b->n_weights && !*hint; i++) { /* Uz, where h.Uz was meant */
    const char *last = strrchr(b->weights[i].name, '.');
    if (last && !strcmp(last + 1, pattern)) hint = build_text(b, "; did you mean '%s' or '*.%s'?", b->weights[i].name, pattern);
  }
  return error_set(b->err, UNROLL_USAGE, "option 'init' %s: there is no parameter '%s'%s%s", given, pattern, hint,
                   *hint ? "" : "; 'unroll explain' shows them all");
}

/* "uniform(0.1)" -> what it says; an error of the text becomes one of the option. */
static bool read_given(builder *b, const char *given, const char *value, enum init_kind *kind, double *number, bool *matrix) {
  unroll_error *err = b->err, inner = {0};
  program none = {.file = "option 'init'", .text = value, .comment = ""};
  scope place = {.text = &none};
  expr *e;
  b->err = &inner;
  b->status = lang_parse_expr(&e, value, &b->scratch, &inner);
  const bool good = b->status == UNROLL_OK && read_init(b, &place, e, kind, number, matrix);
  b->err = err;
  if (!good && b->status == UNROLL_BAD_INPUT)
    b->status = error_set(err, UNROLL_USAGE, "option 'init' %s: %s", given, inner.message);
  else if (!good)
    b->status = error_memory(err);
  return good;
}

static bool given_init(builder *b, const char *given) {
  enum init_kind kind = INIT_DEFAULT;
  double number = 0;
  bool matrix = false;
  int found = 0;
  unsigned roles = 0;
  const char *equals = strchr(given, '='), *value = equals ? equals + 1 : given;
  const char *pattern = equals ? build_text(b, "%.*s", (int)(equals - given), given) : "matrices";
  if (b->status != UNROLL_OK || !read_given(b, given, value, &kind, &number, &matrix)) return false;
  for (int i = 0; i < b->n_weights; i++)
    if (!strcmp(b->weights[i].name, pattern)) found = 1;
  for (int i = 0; i < PATTERN_GROUPS && !found; i++)
    if (!strcmp(pattern_groups[i].name, pattern)) roles = pattern_groups[i].roles;
  if (!equals && !roles)
    roles = pattern_groups[1].roles; /* a parameter named `matrices` does not change what a value alone means */
  found = 0;
  for (int i = 0; i < b->n_weights; i++) {
    weight *w = &b->weights[i];
    if (roles ? !(roles >> w->role & 1) : !pattern_fits(pattern, w->name)) continue;
    found++;
    if (matrix && w->vector) {
      b->status = error_set(b->err, UNROLL_USAGE, "option 'init' %s: '%s' is for matrices, and '%s' is a vector%s", given, value,
                            w->name, roles ? "; say matrices=" : "");
      return false;
    }
    w->init = kind;
    w->init_value = number;
    w->init_at = NULL;
    w->init_given = given;
  }
  if (found || roles) return true; /* a net without embeddings may be asked to start them somehow */
  b->status = no_parameter(b, given, pattern);
  return false;
}

bool build_given_inits(builder *b) {
  for (int i = 0; i < b->options->n_inits; i++)
    if (!given_init(b, b->options->inits[i])) return false;
  return true;
}
