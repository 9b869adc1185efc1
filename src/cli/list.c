/* list.c - `unroll list` and `unroll show`: the cells and nets inside the program. */
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/list_markdown.h"
#include "cli/terminal.h"
#include "lang/lang.h"

enum { MAX_NAMES = 256 };

/* The first sentence of the comment on top: up to ": " or ". ", at most the first line. */
static void print_row(const builtin *b, const char *note) {
  const char *s = b->text;
  while (*s == '#' || *s == ' ') s++;
  size_t n = strcspn(s, "\n");
  if (b->text[0] != '#') n = 0;
  while (n && (s[n - 1] == ' ' || s[n - 1] == ',')) n--;
  printf("  %-18s %.*s%s\n", b->name, (int)n, s, note);
}

unroll_status command_list(const options *o, unroll_error *err) {
  if (o->markdown) return list_markdown(err);
  if (o->json) {
    json_t *out = json_pack("{s:[], s:[]}", "cells", "nets");
    for (const builtin *b = lang_cells; b->name; b++) json_array_append_new(json_object_get(out, "cells"), json_string(b->name));
    for (const builtin *b = lang_nets; b->name; b++) json_array_append_new(json_object_get(out, "nets"), json_string(b->name));
    return output_json(out, err);
  }
  printf("nets (unroll train NAME DATA -o DIR):\n");
  for (const builtin *b = lang_nets; b->name; b++) print_row(b, unroll_net_trains(b->name) ? "" : " [not yet trainable]");
  printf("\ncells (used in nets by name, for instance --set cell=NAME):\n");
  for (const builtin *b = lang_cells; b->name; b++) print_row(b, "");
  return UNROLL_OK;
}

unroll_status command_show(const options *o, unroll_error *err) {
  const char *name = o->arguments[0];
  const builtin *b = lang_builtin_net(name);
  if (!b) b = lang_builtin_cell(name);
  if (b) {
    printf("# %s\n", b->file);
    fputs(b->text, stdout);
    return UNROLL_OK;
  }
  const char *names[MAX_NAMES];
  size_t n = 0;
  for (b = lang_nets; b->name && n < MAX_NAMES; b++) names[n++] = b->name;
  for (b = lang_cells; b->name && n < MAX_NAMES; b++) names[n++] = b->name;
  const char *near = text_nearest(name, names, n);
  if (near) return error_set(err, UNROLL_USAGE, "there is no built-in cell or net '%s'; did you mean '%s'?", name, near);
  return error_set(err, UNROLL_USAGE, "there is no built-in cell or net '%s'; 'unroll list' shows all", name);
}
