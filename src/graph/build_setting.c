/* build_setting.c - settings: those of the net, and those of its cells, which are reached by their full names, `h.s`.
 *
 * What is asked for (--set) comes over the file's value and over the argument of a call. A setting that varies (--ramp) is no
 * number here but a leaf of the graph. The runner looks up its value at every pass, so it can be used in equations and nowhere
 * else. */
#include "graph/build_internal.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

static bool is_setting(const symbol *y) { return (y->kind == SYMBOL_NUMBER || y->kind == SYMBOL_WORD) && !y->fixed; }

/* Is this what the setting is called? h.2.s answers to h.s too, so that one name reaches all layers. */
static bool is_called(const char *full, const char *name) {
  if (!strcmp(full, name)) return true;
  while (*full && *name) {
    if (*full >= '0' && *full <= '9' && full[strspn(full, "0123456789")] == '.') { /* no name begins with a digit */
      full += strspn(full, "0123456789") + 1;
      continue;
    }
    const size_t n = strcspn(full, "."), m = strcspn(name, ".");
    if (n != m || memcmp(full, name, n)) return false;
    full += n + (full[n] == '.');
    name += m + (name[m] == '.');
  }
  return !*full && !*name;
}

const setting *build_given_setting(const builder *b, const char *full) {
  const setting *found = NULL;
  for (int i = 0; i < b->options->n_settings; i++)
    if (is_called(full, b->options->settings[i].name)) found = &b->options->settings[i]; /* the last one counts */
  return found;
}

static int given_varying(const builder *b, const char *full) {
  int found = -1;
  for (int i = 0; i < b->options->n_varying; i++)
    if (is_called(full, b->options->varying[i])) found = i;
  return found;
}

bool build_is_given(const builder *b, const symbol *y) { return build_given_setting(b, y->full) || given_varying(b, y->full) >= 0; }

static bool refuse_setting(builder *b, const char *name) {
  size_t n = 2, found = 0;
  for (const scope *s = b->scopes; s; s = s->next) n += s->n_symbols;
  const char **names = arena_alloc(&b->scratch, n, sizeof *names);
  if (!names) return build_memory(b), false;
  for (const scope *s = b->scopes; s; s = s->next)
    for (const symbol *y = s->first; y; y = y->next)
      if (is_setting(y)) names[found++] = y->full;
  if (b->alone) names[found++] = "input", names[found++] = "hidden";
  b->status = error_set(b->err, UNROLL_USAGE, "there is no setting '%s'%s", name, build_hint(b, name, names, found));
  return false;
}

static bool override(builder *b, symbol *y, const setting *given) {
  if (!given) return true;
  if ((given->word != NULL) != (y->kind == SYMBOL_WORD)) {
    b->status = error_set(b->err, UNROLL_USAGE, "the setting '%s' is a %s, not a %s", y->full,
                          y->kind == SYMBOL_WORD ? "word" : "number", given->word ? "word" : "number");
    return false;
  }
  if (!given->word && !isfinite(given->number)) {
    b->status = error_set(b->err, UNROLL_USAGE, "the setting '%s' must be a finite number", y->full);
    return false;
  }
  y->number = given->number;
  y->word = given->word ? arena_text(&b->g->memory, given->word, strlen(given->word)) : NULL;
  return !given->word || y->word || (build_memory(b), false);
}

/* As in force, for the model file: once for each name. */
static void record(builder *b, const char *name, const symbol *y) {
  graph *g = b->g;
  for (int i = 0; i < g->n_settings; i++)
    if (!strcmp(g->settings[i].name, name)) return;
  g->settings[g->n_settings++] = (setting){.name = name, .number = y->number, .word = y->word};
}

static bool settle(builder *b, symbol *y) {
  graph *g = b->g;
  const setting *given = build_given_setting(b, y->full);
  const int varies = given_varying(b, y->full);
  if (!override(b, y, given)) return false;
  if (y->in == b->root) record(b, y->name, y);
  for (int i = 0; i < b->options->n_settings; i++)
    if (is_called(y->full, b->options->settings[i].name)) {
      b->given[i] = true;
      if (y->in != b->root && &b->options->settings[i] == given) record(b, g->own_names[i], y);
    }
  if (varies < 0) return true;
  if (y->kind == SYMBOL_WORD) {
    b->status = error_set(b->err, UNROLL_USAGE, "the setting '%s' is a word: it cannot change in training", y->full);
    return false;
  }
  y->varies = varies;
  g->varying[varies] = y->number;
  b->varied[varies] = true;
  record(b, g->varying_names[varies], y);
  return true;
}

bool build_scope_settings(builder *b, scope *s) {
  for (symbol *y = s->first; y; y = y->next)
    if (is_setting(y) && !settle(b, y)) return false;
  return true;
}

static bool copy_names(builder *b) {
  const build_options *o = b->options;
  graph *g = b->g;
  for (int i = 0; i < o->n_settings; i++)
    if (!(g->own_names[i] = arena_text(&g->memory, o->settings[i].name, strlen(o->settings[i].name)))) return false;
  for (int i = 0; i < o->n_varying; i++)
    if (!(g->varying_names[i] = arena_text(&g->memory, o->varying[i], strlen(o->varying[i])))) return false;
  return true;
}

/* A cell alone has two settings that no line gives it. */
static bool is_own(const builder *b, const char *name) {
  const symbol *y = scope_find(b->root, name);
  return (y && is_setting(y)) || (b->alone && (!strcmp(name, "input") || !strcmp(name, "hidden")));
}

bool build_settings(builder *b) {
  const build_options *o = b->options;
  graph *g = b->g;
  const size_t n = (size_t)o->n_settings, m = (size_t)o->n_varying;
  g->settings = arena_alloc(&g->memory, (size_t)b->root->n_symbols + 2 + n + m, sizeof *g->settings);
  g->own_names = arena_alloc(&g->memory, n + 1, sizeof *g->own_names);
  g->varying = arena_alloc(&g->memory, m + 1, sizeof *g->varying);
  g->varying_names = arena_alloc(&g->memory, m + 1, sizeof *g->varying_names);
  b->given = arena_alloc(&b->scratch, n + 1, sizeof *b->given);
  b->varied = arena_alloc(&b->scratch, m + 1, sizeof *b->varied);
  if (!g->settings || !g->own_names || !g->varying || !g->varying_names || !b->given || !b->varied || !copy_names(b))
    return build_memory(b), false;
  g->n_varying = o->n_varying;
  for (int i = 0; i < o->n_settings; i++) { /* names with a dot are those of cells, which are not there yet */
    if (strchr(o->settings[i].name, '.')) continue;
    if (!is_own(b, o->settings[i].name)) return refuse_setting(b, o->settings[i].name);
    b->given[i] = true;
  }
  return build_scope_settings(b, b->root);
}

bool build_settings_used(builder *b) {
  for (int i = 0; i < b->options->n_settings; i++)
    if (!b->given[i]) return refuse_setting(b, b->options->settings[i].name);
  for (int i = 0; i < b->options->n_varying; i++)
    if (!b->varied[i]) return refuse_setting(b, b->options->varying[i]);
  return true;
}

bool build_varying_used(builder *b) {
  const graph *g = b->g;
  for (int i = 0; i < g->n_varying; i++) {
    bool used = false;
    for (int k = 0; k < g->n_nodes && !used; k++) used = g->nodes[k].op == OP_SETTING && g->nodes[k].slot == i;
    if (used) continue;
    b->status =
        error_set(b->err, UNROLL_USAGE, "the setting '%s' is in no equation, so nothing would change with it", g->varying_names[i]);
    return false;
  }
  return true;
}
