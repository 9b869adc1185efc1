/* c_name.c - what things are called in the C file: as in the equations, unless that is taken or a word of C. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "port/c_internal.h"

enum { MOST_NAME = 64 };

static const char *const reserved[] = {
    "alignas",  "alignof",  "and",       "asm",      "auto",      "bool",     "break",    "case",   "catch",   "char",
    "class",    "concept",  "const",     "continue", "decltype",  "default",  "delete",   "do",     "double",  "else",
    "enum",     "explicit", "export",    "extern",   "false",     "float",    "for",      "friend", "goto",    "if",
    "inline",   "int",      "long",      "mutable",  "namespace", "new",      "noexcept", "not",    "nullptr", "operator",
    "or",       "private",  "protected", "public",   "register",  "requires", "restrict", "return", "short",   "signed",
    "sizeof",   "static",   "struct",    "switch",   "template",  "this",     "throw",    "true",   "try",     "typedef",
    "typename", "union",    "unsigned",  "using",    "virtual",   "void",     "volatile", "while",  "xor",     "main",
    "state",    "steps",    "i",         "j",        "k",         "t",        "row",      "best",   "NULL",    "HUGE_VALF",
    "cosf",     "erfcf",    "expf",      "fabsf",    "lgamma",    "lgammaf",  "log1pf",   "logf",   "sinf",    "sqrtf",
    "tanhf",    "int8_t",   "int32_t"};

static bool is_taken(const c_export *c, const char *s) {
  for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
    if (!strcmp(reserved[i], s)) return true;
  if (text_ends(s, "_of") || !strncmp(s, "front_", 6)) return true; /* functions of the file */
  for (int i = 0; i < c->n_taken; i++)
    if (!strcmp(c->taken[i], s)) return true;
  return false;
}

const char *c_name(c_export *c, const char *wanted, const char *suffix) {
  text s = {0};
  size_t length = strlen(wanted);
  if (length > MOST_NAME) length = MOST_NAME;
  if (!length || isdigit((unsigned char)*wanted) || *wanted == '_') text_format(&s, "n");
  for (size_t i = 0; i < length; i++) {
    const char letter = wanted[i];
    const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9');
    text_format(&s, "%c", plain ? letter : '_');
  }
  text_format(&s, "%s", suffix);
  const size_t base = s.length;
  for (int i = 2; !s.failed && is_taken(c, s.data); i++) {
    s.length = base;
    text_format(&s, "_%d", i);
  }
  const char *name = s.failed ? NULL : arena_text(&c->memory, s.data, s.length);
  text_free(&s);
  if (name) c->taken[c->n_taken++] = name;
  return name;
}

/* What NAME_step is given late is x_before, or x_2_before. */
static bool name_data(c_export *c, int data) {
  c_data *d = &c->data[data];
  char suffix[32] = "";
  const bool streamed = c->g->data[data].space == SPACE_STEP && c->g->data[data].axis == c->stream;
  if (!streamed) d->least = 0;
  if (d->least == 1) snprintf(suffix, sizeof suffix, "_before");
  if (d->least > 1) snprintf(suffix, sizeof suffix, "_%d_before", d->least);
  const char *name = c->g->data[data].name;
  d->name = c_name(c, name, suffix);
  d->whole = d->least ? c_name(c, name, "") : d->name;
  d->value = c_name(c, name, "_value");
  d->center = c_name(c, name, "_center");
  d->spread = c_name(c, name, "_spread");
  return d->name && d->whole && d->value && d->center && d->spread;
}

static bool name_output(c_export *c, int loss_number, int k) {
  const loss *l = &c->g->losses[loss_number];
  char suffix[64];
  if (c_is_symbols(l))
    snprintf(suffix, sizeof suffix, "_p");
  else if (k < l->distribution->n_args)
    snprintf(suffix, sizeof suffix, "_%s", l->distribution->args[k].name);
  else
    snprintf(suffix, sizeof suffix, "_%s%d", l->distribution->name, k + 1);
  c->outputs[loss_number][k] = c_name(c, c->g->data[l->data].name, suffix);
  return c->outputs[loss_number][k] != NULL;
}

/* Of an axis: `steps` where there is only one, else the name of the first variable that has them. */
static bool name_axis(c_export *c, int axis, int n_used) {
  const graph *g = c->g;
  const char *first = NULL;
  for (int i = 0; i < g->n_data; i++)
    if (g->data[i].space == SPACE_STEP && g->data[i].axis == axis && (!first || (c->data[i].used && !first)))
      first = g->data[i].name;
  char most[2 * MOST_NAME + 32];
  if (n_used == 1 || !first)
    snprintf(most, sizeof most, "%s_MOST_STEPS", c->most_name);
  else
    snprintf(most, sizeof most, "%s_MOST_%.*s_STEPS", c->most_name, MOST_NAME, first);
  for (char *s = most; *s; s++) *s = (char)toupper((unsigned char)*s);
  c->most_names[axis] = c_name(c, most, "");
  c->steps_names[axis] = n_used == 1 ? "steps" : c_name(c, first ? first : "more", "_steps");
  return c->most_names[axis] && c->steps_names[axis];
}

static bool name_slot(c_export *c, int slot) {
  const input *in = &c->g->inputs[slot];
  char suffix[32];
  if (!in->index || in->lag < 1) return true;
  if (in->lag == 1)
    snprintf(suffix, sizeof suffix, "_before");
  else
    snprintf(suffix, sizeof suffix, "_%d_before", in->lag);
  return (c->slot_names[slot] = c_name(c, c->g->data[in->data].name, suffix)) != NULL;
}

static const char *suffix_of(const node *n) {
  if (n->op == OP_SHIFT) return n->dir > 0 ? "_before" : "_after";
  if (n->op == OP_EDGE) return n->dir > 0 ? "_first" : "_last";
  return n->op == OP_SUM_TIME ? "_sum" : "_max";
}

/* What is named in the equations has the first choice. */
static bool name_nodes(c_export *c, bool named, int *unnamed) {
  for (int i = 0; i < c->n_order; i++) {
    const int x = c->order[i];
    const node *n = &c->g->nodes[x];
    const bool stored = c->phase[x] == PHASE_CONSTANT || c->home[x] >= HOME_LOCAL, own = n->name && n->op != OP_SHIFT;
    if (!stored || own != named) continue;
    char number[32];
    snprintf(number, sizeof number, "%d", *unnamed + 1);
    if (own) {
      c->names[x] = c_name(c, n->name, "");
    } else if (n->op == OP_SHIFT || c_gathers(n->op)) {
      const char *of = n->in[0] == NODE_NONE ? NULL : c->g->nodes[n->in[0]].name;
      c->names[x] = c_name(c, of ? of : "u", suffix_of(n));
    } else if (n->op == OP_INPUT) {
      c->names[x] = c_name(c, c->g->data[c->g->inputs[n->slot].data].name, "_value");
    } else {
      c->names[x] = c_name(c, "u", number);
      ++*unnamed;
    }
    if (!c->names[x]) return false;
  }
  return true;
}

unroll_status c_name_all(c_export *c) {
  const graph *g = c->g;
  int unnamed = 0, used = 0;
  bool full = (c->most_name = arena_text(&c->memory, c->name, strlen(c->name))) != NULL;
  for (int i = 0; i < g->n_params && full; i++) full = (c->weight_names[i] = c_name(c, g->params[i].name, "_w")) != NULL;
  for (int i = 0; i < g->n_data && full; i++) full = name_data(c, i);
  for (int i = 0; i < g->n_losses && full; i++)
    for (int k = 0; k < g->losses[i].n_args && full; k++) full = name_output(c, i, k);
  for (int a = 0; a < g->n_axes; a++) used += c->axis_used[a];
  for (int a = 0; a < g->n_axes && full; a++) full = name_axis(c, a, used);
  full = full && name_nodes(c, true, &unnamed);
  for (int i = 0; i < g->n_inputs && full; i++) full = name_slot(c, i);
  full = full && name_nodes(c, false, &unnamed);
  return full ? UNROLL_OK : error_memory(c->err);
}
