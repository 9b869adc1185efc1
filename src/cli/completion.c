/* completion.c - completion for bash, zsh and fish from the rows of commands and options. */
#include <string.h>
#include "cli/options.h"
#include "lang/lang.h"

static void put_names(text *out, const char *separator) {
  int n = 0;
  for (const builtin *b = lang_nets; b->name; b++) text_format(out, "%s%s", n++ ? separator : "", b->name);
  for (const builtin *b = lang_cells; b->name; b++) text_format(out, "%s%s", n++ ? separator : "", b->name);
}

static void put_words(text *out, const char *choice) {
  for (const char *s = choice; *s; s++) text_add(out, *s == '|' ? " " : s, 1);
}

/* The words that a command's only argument may be, "" where it is something else: "bash|zsh|fish". */
static bool argument_words(const command *c, text *out) {
  const size_t n = strcspn(c->usage, " ");
  bool small = n > 0;
  for (size_t i = 0; i < n; i++) small &= c->usage[i] == '|' || (c->usage[i] >= 'a' && c->usage[i] <= 'z');
  for (size_t i = 0; i < n && small; i++) text_add(out, c->usage[i] == '|' ? " " : &c->usage[i], 1);
  return small;
}

static void put_arguments(const command *c, text *out) {
  if (command_takes(c, "NET|CELL|NAME"))
    put_names(out, " ");
  else if (command_takes(c, "COMMAND"))
    for (int i = 0; i < N_COMMANDS; i++) text_format(out, "%s%s", i ? " " : "", commands[i].name);
  else
    argument_words(c, out);
}

/* --- bash --- */

static void bash_value(const command *c, const option_row *row, text *out) {
  if (row->kind == OPTION_FLAG) return;
  text_format(out, "  '%s --%s'", c->name, row->name);
  if (row->letter) text_format(out, " | '%s -%c'", c->name, row->letter);
  if (row->kind == OPTION_FILE || row->kind == OPTION_SHARE)
    text_format(out, ") COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n");
  else if (row->kind == OPTION_FOLDER)
    text_format(out, ") COMPREPLY=($(compgen -d -- \"$cur\")) ;;\n");
  else if (row->kind == OPTION_CHOICE) {
    text_format(out, ") COMPREPLY=($(compgen -W '");
    put_words(out, row->value);
    text_format(out, "' -- \"$cur\")) ;;\n");
  } else
    text_format(out, ") ;;\n");
}

static void bash(text *out) {
  text_format(out, "# Completion for bash. Try it: eval \"$(unroll completion bash)\"\n_unroll() {\n"
                   "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words= names=\n"
                   "  COMPREPLY=()\n  if [ \"$COMP_CWORD\" = 1 ]; then\n    COMPREPLY=($(compgen -W '");
  for (int i = 0; i < N_COMMANDS; i++) text_format(out, "%s ", commands[i].name);
  text_format(out, "help --help --version' -- \"$cur\"))\n    return\n  fi\n  case \"$command $prev\" in\n");
  for (int i = 0; i < N_COMMANDS; i++)
    for (int k = 0; k < n_option_rows; k++)
      if (command_has(&commands[i], &option_rows[k])) bash_value(&commands[i], &option_rows[k], out);
  text_format(out, "  *)\n    case $command in\n");
  for (int i = 0; i < N_COMMANDS; i++) {
    text_format(out, "    %s)\n      words='--help", commands[i].name);
    for (int k = 0; k < n_option_rows; k++)
      if (command_has(&commands[i], &option_rows[k])) text_format(out, " --%s", option_rows[k].name);
    text_format(out, "'\n      names='");
    put_arguments(&commands[i], out);
    text_format(out, "'\n      ;;\n");
  }
  text_format(out,
              "    esac\n    case $cur in\n    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
              "    *) COMPREPLY=($(compgen -W \"$names\" -- \"$cur\") $(compgen -f -- \"$cur\")) ;;\n    esac\n    ;;\n  esac\n}\n"
              "complete -o filenames -F _unroll unroll\n");
}

/* --- zsh --- */

/* For a description in single quotes within [ ]. */
static void zsh_text(text *out, const char *s) {
  for (; *s; s++) {
    if (*s == '\'')
      text_format(out, "'\\''");
    else if (strchr("[]:\\", *s))
      text_format(out, "\\%c", *s);
    else
      text_add(out, s, 1);
  }
}

static void zsh_option(const option_row *row, text *out) {
  const bool many = row->kind == OPTION_LIST || row->kind == OPTION_LINES;
  for (int i = row->letter ? 0 : 1; i < 2; i++) {
    text_format(out, "      '%s", many ? "*" : "");
    if (i)
      text_format(out, "--%s%s[", row->name, row->kind == OPTION_FLAG ? "" : "=");
    else
      text_format(out, "-%c[", row->letter);
    zsh_text(out, row->help);
    text_format(out, "]");
    if (row->kind != OPTION_FLAG) {
      text_format(out, ":");
      zsh_text(out, row->kind == OPTION_CHOICE ? row->name : row->value);
      text_format(out, ":");
    }
    if (row->kind == OPTION_FILE || row->kind == OPTION_SHARE) text_format(out, "_files");
    if (row->kind == OPTION_FOLDER) text_format(out, "_files -/");
    if (row->kind == OPTION_CHOICE) {
      text_format(out, "(");
      put_words(out, row->value);
      text_format(out, ")");
    }
    text_format(out, "' \\\n");
  }
}

static void zsh(text *out) {
  text_format(out, "#compdef unroll\n# Completion for zsh. Try it: eval \"$(unroll completion zsh)\"\n_unroll() {\n"
                   "  local -a commands names\n  commands=(\n");
  for (int i = 0; i < N_COMMANDS; i++) {
    text_format(out, "    '%s:", commands[i].name);
    zsh_text(out, commands[i].summary);
    text_format(out, "'\n");
  }
  text_format(out,
              "  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n  local command=$words[2]\n"
              "  shift words\n  (( CURRENT-- ))\n  case $command in\n");
  for (int i = 0; i < N_COMMANDS; i++) {
    text_format(out, "  %s)\n    names=(", commands[i].name);
    put_arguments(&commands[i], out);
    text_format(out, ")\n    _arguments -s \\\n");
    for (int k = 0; k < n_option_rows; k++)
      if (command_has(&commands[i], &option_rows[k])) zsh_option(&option_rows[k], out);
    text_format(out, "      '(- *)'{-h,--help}'[this text]' \\\n      '*: :_unroll_arguments'\n    ;;\n");
  }
  text_format(out, "  esac\n}\n_unroll_arguments() {\n  compadd -a names\n  _files\n}\n"
                   "if [ \"$funcstack[1]\" = _unroll ]; then\n  _unroll \"$@\"\nelse\n  compdef _unroll unroll\nfi\n");
}

/* --- fish --- */

static void fish_text(text *out, const char *s) {
  for (; *s; s++) text_format(out, "%s%c", *s == '\'' || *s == '\\' ? "\\" : "", *s);
}

static void fish_option(const command *c, const option_row *row, text *out) {
  text_format(out, "complete -c unroll -n '__fish_seen_subcommand_from %s' -l %s", c->name, row->name);
  if (row->letter) text_format(out, " -s %c", row->letter);
  if (row->kind == OPTION_FILE || row->kind == OPTION_SHARE) text_format(out, " -rF");
  if (row->kind == OPTION_FOLDER) text_format(out, " -xa '(__fish_complete_directories)'");
  if (row->kind == OPTION_CHOICE) {
    text_format(out, " -xa '");
    put_words(out, row->value);
    text_format(out, "'");
  } else if (row->kind != OPTION_FLAG && row->kind != OPTION_FILE && row->kind != OPTION_FOLDER && row->kind != OPTION_SHARE)
    text_format(out, " -x");
  text_format(out, " -d '");
  fish_text(out, row->help);
  text_format(out, "'\n");
}

static void fish(text *out) {
  text_format(out, "# Completion for fish. Try it: unroll completion fish | source\n");
  for (int i = 0; i < N_COMMANDS; i++) {
    const command *c = &commands[i];
    text arguments = {0};
    text_format(out, "complete -c unroll -n __fish_use_subcommand -xa %s -d '", c->name);
    fish_text(out, c->summary);
    text_format(out, "'\n");
    put_arguments(c, &arguments);
    if (arguments.length)
      text_format(out, "complete -c unroll -n '__fish_seen_subcommand_from %s' -a '%s'\n", c->name, arguments.data);
    out->failed |= arguments.failed;
    text_free(&arguments);
    for (int k = 0; k < n_option_rows; k++)
      if (command_has(c, &option_rows[k])) fish_option(c, &option_rows[k], out);
    text_format(out, "complete -c unroll -n '__fish_seen_subcommand_from %s' -l help -s h -d 'this text'\n", c->name);
  }
}

bool options_completion(const char *shell, text *out) {
  static const struct {
    const char *name;
    void (*write)(text *out);
  } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
  for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
    if (strcmp(shells[i].name, shell)) continue;
    shells[i].write(out);
    return true;
  }
  return false;
}
