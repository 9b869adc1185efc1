/* help.c - the rows of options and commands for people: help texts, manual pages, the page docs/options.md. */
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "cli/options.h"

enum { LEFT = 26 }; /* columns of an option's name, before its help */

/* Words of s in lines up to `width`; `column` is where the first begins, further lines are indented. No newline at the end. */
static void wrap(text *out, const char *s, size_t n, int column, int indent, int width) {
  bool first = true;
  for (size_t i = 0; i < n;) {
    size_t length = 0;
    while (i < n && s[i] == ' ') i++;
    while (i + length < n && s[i + length] != ' ') length++;
    if (!length) break;
    if (!first && column + 1 + (int)length > width) {
      text_format(out, "\n%*s", indent, "");
      column = indent;
      first = true;
    }
    text_format(out, "%s%.*s", first ? "" : " ", (int)length, s + i);
    column += (int)length + !first;
    first = false;
    i += length;
  }
}

/* Paragraphs; lines that begin with a blank stay as they are. */
static void put_text(text *out, const char *s, int width) {
  for (size_t n; *s; s += n + (s[n] == '\n')) {
    n = strcspn(s, "\n");
    if (*s == ' ' || !n)
      text_add(out, s, n);
    else
      wrap(out, s, n, 0, 0, width);
    text_add(out, "\n", 1);
  }
}

static void put_usage(const command *c, int width, text *out) {
  const char *start = "usage:";
  for (const char *line = c->usage;; line += strcspn(line, "\n") + 1) {
    const size_t length = strcspn(line, "\n");
    const int used = 7 + 7 + (int)strlen(c->name) + 1;
    text_format(out, "%-6s unroll %s ", start, c->name);
    wrap(out, line, length, used, used, width);
    text_add(out, "\n", 1);
    start = "";
    if (!line[length]) return;
  }
}

/* "-o, --output DIR" */
static void put_name(const option_row *row, char *out, size_t size) {
  char letter[8] = "    ";
  if (row->letter) snprintf(letter, sizeof letter, "-%c, ", row->letter);
  snprintf(out, size, "%s--%s%s%s", letter, row->name, row->value ? " " : "", row->value ? row->value : "");
}

static void put_help(const option_row *row, text *out) {
  const char *shown = option_default_text(row);
  text_format(out, "%s%s%s%s", row->help, *shown ? " [" : "", shown, *shown ? "]" : "");
}

static void put_option(const char *left, const char *help, int width, text *out) {
  const int indent = LEFT + 4;
  text_format(out, "  %-*s", LEFT, left);
  if (strlen(left) > LEFT) text_format(out, "\n%*s", indent - 2, "");
  text_add(out, "  ", 2);
  wrap(out, help, strlen(help), indent, indent, width);
  text_add(out, "\n", 1);
}

/* The heading above a row of the command, where it is the first of its section; `*at` is the last that was named. */
static const char *new_section(const option_row *row, const char **at) {
  const char *title = NULL;
  for (const option_row *r = row; r >= option_rows && !title; r--)
    if (r->kind == OPTION_SECTION) title = r->name;
  const bool same = *at == title;
  *at = title;
  return same ? NULL : title;
}

void options_help(const command *c, int width, text *out) {
  const char *section = NULL;
  put_usage(c, width, out);
  text_add(out, "\n", 1);
  put_text(out, c->text, width);
  for (int i = 0; i < n_option_rows; i++) {
    const option_row *row = &option_rows[i];
    char left[64];
    text help = {0};
    if (!command_has(c, row)) continue;
    const char *title = new_section(row, &section);
    if (title) text_format(out, "\n%s:\n", title);
    put_name(row, left, sizeof left);
    put_help(row, &help);
    put_option(left, help.data ? help.data : "", width, out);
    out->failed |= help.failed;
    text_free(&help);
  }
  if (!section) text_format(out, "\nOptions:\n");
  put_option("-h, --help", "this text", width, out);
}

static const char about[] = "Trains and runs recurrent networks from their equations.";
static const char codes[] = "0 done, 1 failed, 2 usage, 3 bad input file, 130 interrupted.";

void options_overview(int width, text *out) {
  text_format(out, "usage: unroll COMMAND ...\n\n%s\n\nCommands:\n", about);
  for (int i = 0; i < N_COMMANDS; i++) {
    text_format(out, "  %-10s ", commands[i].name);
    wrap(out, commands[i].summary, strlen(commands[i].summary), 13, 13, width);
    text_add(out, "\n", 1);
  }
  text_format(out,
              "\n'unroll COMMAND --help' explains a command. A first step:\n"
              "    printf hello | unroll train language - -o hello\n\nExit codes: %s\n",
              codes);
}

/* --- manual pages --- */

/* Text that means nothing to roff. */
static void roff(text *out, const char *s, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const bool starts = i == 0 || s[i - 1] == '\n';
    if (starts && (s[i] == '.' || s[i] == '\'')) text_format(out, "\\&");
    if (s[i] == '\\')
      text_format(out, "\\e");
    else if (s[i] == '-')
      text_format(out, "\\-");
    else if (s[i] == '\'')
      text_format(out, "\\(aq");
    else if (s[i] == '^')
      text_format(out, "\\(ha");
    else if (s[i] == '~')
      text_format(out, "\\(ti");
    else if (s[i] == '`')
      text_format(out, "\\(ga");
    else
      text_add(out, &s[i], 1);
  }
}

static void roff_line(text *out, const char *s, size_t n) {
  roff(out, s, n);
  text_add(out, "\n", 1);
}

static void roff_header(const char *name, const char *summary, text *out) {
  text_format(out, ".TH %s 1 " UNROLL_DATE " \"unroll %s\" \"Unroll\"\n.SH NAME\n", name, unroll_version());
  roff(out, name, strlen(name));
  text_format(out, " \\- ");
  roff_line(out, summary, strlen(summary));
}

static void roff_text(text *out, const char *s) {
  bool block = false, fresh = true;
  for (size_t n; *s; s += n + (s[n] == '\n')) {
    n = strcspn(s, "\n");
    if ((*s == ' ') != block) {
      block = *s == ' ';
      text_format(out, block ? ".PP\n.nf\n" : ".fi\n");
      fresh = block;
    }
    if (!n || (!block && !fresh)) text_format(out, ".PP\n");
    if (n) roff_line(out, s, n);
    fresh = !n;
  }
  if (block) text_format(out, ".fi\n");
}

static void roff_options(const command *c, text *out) {
  const char *section = NULL;
  for (int i = 0; i < n_option_rows; i++) {
    const option_row *row = &option_rows[i];
    text help = {0};
    if (!command_has(c, row)) continue;
    const char *title = new_section(row, &section);
    if (title) text_format(out, strcmp(title, "Options") ? ".SS \"%s\"\n" : ".SH OPTIONS\n", title);
    text_format(out, ".TP\n\\fB");
    if (row->letter) text_format(out, "\\-%c\\fR, \\fB", row->letter);
    text_format(out, "\\-\\-");
    roff(out, row->name, strlen(row->name));
    text_format(out, "\\fR");
    if (row->value) {
      text_format(out, " \\fI");
      roff(out, row->value, strlen(row->value));
      text_format(out, "\\fR");
    }
    text_add(out, "\n", 1);
    put_help(row, &help);
    if (help.data) roff_line(out, help.data, help.length);
    out->failed |= help.failed;
    text_free(&help);
  }
  if (!section) text_format(out, ".SH OPTIONS\n");
  text_format(out, ".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\na text like this\n");
}

static void roff_ending(const command *c, text *out) {
  text_format(out, ".SH \"EXIT STATUS\"\n");
  roff_line(out, codes, sizeof codes - 1);
  text_format(out, ".SH \"SEE ALSO\"\n");
  if (c) text_format(out, ".BR unroll (1)\n");
  for (int i = 0; i < N_COMMANDS && !c; i++)
    text_format(out, ".BR unroll\\-%s (1)%s\n", commands[i].name, i + 1 < N_COMMANDS ? "," : "");
}

void options_manual(const command *c, text *out) {
  char name[32];
  snprintf(name, sizeof name, "unroll%s%s", c ? "-" : "", c ? c->name : "");
  roff_header(name, c ? c->summary : "recurrent networks from their equations", out);
  text_format(out, ".SH SYNOPSIS\n");
  if (!c) {
    text_format(out, ".B unroll\n.I COMMAND\n\\&...\n.SH DESCRIPTION\n%s\n.SH COMMANDS\n", about);
    for (int i = 0; i < N_COMMANDS; i++) {
      text_format(out, ".TP\n.B %s\n", commands[i].name);
      roff_line(out, commands[i].summary, strlen(commands[i].summary));
    }
    roff_ending(NULL, out);
    return;
  }
  for (const char *line = c->usage;; line += strcspn(line, "\n") + 1) {
    const size_t n = strcspn(line, "\n");
    text_format(out, "%s.B unroll %s\n", line == c->usage ? "" : ".br\n", c->name);
    roff_line(out, line, n);
    if (!line[n]) break;
  }
  text_format(out, ".SH DESCRIPTION\n");
  roff_text(out, c->text);
  roff_options(c, out);
  roff_ending(c, out);
}

/* --- docs/options.md --- */

static void cell_text(text *out, const char *s) { /* | would end the cell */
  for (; *s; s++) text_format(out, "%s%c", *s == '|' || *s == '<' || *s == '*' ? "\\" : "", *s);
}

static void page_row(const option_row *row, text *out) {
  static const char *const resumed[] = {"kept", "may change", "kept", ""};
  char range[160];
  text_format(out, "| `--%s", row->name);
  if (row->value && row->kind != OPTION_CHOICE) {
    text_format(out, " ");
    cell_text(out, row->value);
  }
  text_format(out, "` | ");
  if (row->letter) text_format(out, "`-%c`", row->letter);
  text_format(out, " | ");
  option_range(row, range, sizeof range);
  if (row->kind != OPTION_FLAG) cell_text(out, range);
  text_format(out, " | ");
  cell_text(out, option_default_text(row));
  text_format(out, " | %s | ", row->commands & IN(train) ? resumed[row->resume] : "");
  int n = 0;
  for (int i = 0; i < N_COMMANDS; i++)
    if (row->commands & commands[i].bit) text_format(out, "%s%s", n++ ? ", " : "", commands[i].name);
  text_format(out, " | ");
  cell_text(out, row->help);
  text_format(out, " |\n");
}

void options_page(text *out) {
  const char *section = NULL;
  text_format(
      out,
      "# Options\n\n"
      "This page is made by the program: `unroll man --markdown >docs/options.md`. The rows are those of\n"
      "`src/option/options.def`; [commands.md](commands.md) has the ideas. From C, `unroll_options_set` takes the names of all\n"
      "options of `train`, without the dashes. *Resumed* says whether `train --resume` may change the option, or goes on with\n"
      "what the run was started with.\n");
  for (int i = 0; i < n_option_rows; i++) {
    const option_row *row = &option_rows[i];
    if (row->kind == OPTION_SECTION || !row->name) continue;
    const char *title = new_section(row, &section);
    if (title)
      text_format(out, "\n## %s\n\n| option | letter | takes | default | resumed | commands | |\n|---|---|---|---|---|---|---|\n",
                  title);
    page_row(row, out);
  }
}
