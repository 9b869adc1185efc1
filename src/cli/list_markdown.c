/* list_markdown.c - `unroll list --markdown`: docs/cells.md, a page with a table of the built-in cells and each one's equations.
 * The numbers are those of unroll_cell_facts. */
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "cli/figures.h"
#include "cli/list_markdown.h"
#include "lang/lang.h"

static const char introduction[] =
    "# The cells\n\n"
    "This page is made by the program: `unroll list --markdown`. Every cell is a text file in `cells/`, and this is all there is "
    "of\n"
    "it: `unroll show gru >mine.cell` is the start of a variant, and [language.md](language.md) says what may be written.\n\n"
    "N is the size of the cell, M the width of its input x, K that of a further input. The numbers are for N = 256 and M = K = "
    "64;\n"
    "where x enters without a matrix, M is N. Operations are those of one step of one sequence: two for each multiply-add of a\n"
    "product, one for each elementwise function of each unit, five for each unit that is normalized. Of the products, those on "
    "the\n"
    "cycle through [t-1] must wait for the step before; all others are computed for many steps at once. A recurrence without a\n"
    "product on its cycle is a scan at the speed of memory. The state is what is handed from step to step, in numbers.\n\n"
    "| cell | parameters | | operations | products | on the cycle | state |\n"
    "|---|---|---:|---:|---:|---:|---:|\n";

static int64_t fact(const unroll_result *r, const char *name) { return (int64_t)figure_value(r, 0, name); }

static void print_row(const builtin *b, const unroll_result *r, text *out) {
  char parameters[32], operations[32], state[32];
  unroll_figure f;
  text_format(out, "| [%s](#%s) | %s", b->name, b->name, figure_find(r, 0, "formula", &f) ? f.word : "");
  text_format(out, " | %s | %s | %d | ", text_count(fact(r, "parameters"), parameters),
              text_count(fact(r, "operations"), operations), (int)fact(r, "products"));
  if (figure_find(r, 0, "on_cycle", &f))
    text_format(out, "%d | ", (int)f.value);
  else
    text_format(out, "no cycle | ");
  text_format(out, "%s |\n", text_count(fact(r, "state"), state));
}

static void print_cell(const builtin *b, const program *p, text *out) {
  const char *s = b->text;
  while (*s == '#') s += strcspn(s, "\n") + (s[strcspn(s, "\n")] == '\n');
  text_format(out, "\n## %s\n\n%s\n\n```\n%s```\n", b->name, p->comment, s);
}

unroll_status list_markdown(unroll_error *err) {
  text rows = {0}, cells = {0};
  unroll_status s = UNROLL_OK;
  for (const builtin *b = lang_cells; b->name && !s; b++) {
    arena memory = {0};
    program *p = NULL;
    unroll_result *facts = NULL;
    s = unroll_cell_facts(b->name, &facts, err);
    if (!s) s = lang_parse(&p, b->file, b->text, &memory, err);
    if (!s) print_row(b, facts, &rows);
    if (!s) print_cell(b, p, &cells);
    unroll_result_free(facts);
    arena_free(&memory);
  }
  if (!s && (rows.failed || cells.failed || !rows.data || !cells.data)) s = error_memory(err);
  if (!s) printf("%s%s%s", introduction, rows.data, cells.data);
  text_free(&rows);
  text_free(&cells);
  return s;
}
