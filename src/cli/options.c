/* options.c - see options.h. getopt_long does the splitting; values are read strictly: trailing garbage, a sign that makes no
 * sense, infinities and NaN are usage errors that name the option and the accepted range. */
#include "cli/options.h"
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/memory.h"

enum { MAX_ROWS = 64, FIRST_CODE = 256 };

static void *field(options *o, const option_row *row) { return (char *)o + row->at; }

static void set_unset(options *o, const option_row *rows) {
  for (const option_row *row = rows; row->kind != OPTION_END; row++) {
    if (row->kind == OPTION_INTEGER) *(int64_t *)field(o, row) = -1;
    if (row->kind == OPTION_NUMBER) *(double *)field(o, row) = (double)NAN;
  }
}

/* "0 to 100", "above 0, at most 1", "at least 1": the accepted range, for messages. */
static void range_text(const option_row *row, char *out, size_t size) {
  const double bound = row->kind == OPTION_INTEGER ? MOST_COUNT : MOST_NUMBER;
  const char *kind = row->kind == OPTION_INTEGER ? "a whole number" : "a number";
  if (row->most >= bound)
    snprintf(out, size, "%s %s %.7g", kind, row->open ? "above" : "of at least", row->least);
  else if (row->open)
    snprintf(out, size, "%s above %.7g and at most %.7g", kind, row->least, row->most);
  else
    snprintf(out, size, "%s from %.7g to %.7g", kind, row->least, row->most);
}

/* Digits only; 0 on success. */
static int read_integer(const char *s, int64_t *value) {
  int64_t n = 0;
  if (!*s) return -1;
  for (; *s; s++) {
    if (*s < '0' || *s > '9') return -1;
    if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *s - '0', &n)) return -1;
  }
  *value = n;
  return 0;
}

static unroll_status read_value(options *o, const option_row *row, const char *s, unroll_error *err) {
  char range[128];
  if (row->kind == OPTION_INTEGER) {
    int64_t n;
    if (read_integer(s, &n) || (double)n < row->least || (double)n > row->most) {
      range_text(row, range, sizeof range);
      return error_set(err, UNROLL_USAGE, "--%s takes %s, not '%s'", row->name, range, s);
    }
    *(int64_t *)field(o, row) = n;
  } else if (row->kind == OPTION_NUMBER) {
    double x;
    if (text_number(s, strlen(s), &x) || !isfinite(x) || x < row->least || x > row->most || (row->open && x == row->least)) {
      range_text(row, range, sizeof range);
      return error_set(err, UNROLL_USAGE, "--%s takes %s, not '%s'", row->name, range, s);
    }
    *(double *)field(o, row) = x;
  } else {
    *(const char **)field(o, row) = s;
  }
  return UNROLL_OK;
}

/* One of the words of "adam|adamw|sgd"; with a suggestion when it is nearly one. */
static unroll_status read_word(options *o, const option_row *row, const char *s, unroll_error *err) {
  char words[256];
  const char *list[32];
  size_t n = 0;
  snprintf(words, sizeof words, "%s", row->value);
  char *rest = words;
  for (char *word = strtok_r(words, "|", &rest); word && n < 32; word = strtok_r(NULL, "|", &rest)) {
    if (!strcmp(word, s)) {
      *(const char **)field(o, row) = s;
      return UNROLL_OK;
    }
    list[n++] = word;
  }
  const char *near = text_nearest(s, list, n);
  return error_set(err, UNROLL_USAGE, "--%s takes one of %s, not '%s'%s%s%s", row->name, row->value, s,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static unroll_status unknown_option(const command *c, const char *word, unroll_error *err) {
  const char *names[MAX_ROWS];
  char asked[64];
  size_t n = 0;
  if (strncmp(word, "--", 2)) return error_set(err, UNROLL_USAGE, "unknown option '%s'", word);
  names[n++] = "help";
  for (const option_row *row = c->rows; row->kind != OPTION_END; row++)
    if (row->kind != OPTION_HEADING) names[n++] = row->name;
  snprintf(asked, sizeof asked, "%.*s", (int)strcspn(word + 2, "="), word + 2);
  size_t begins = 0; /* getopt_long takes beginnings; more than one option begins like this */
  for (size_t i = 0; i < n; i++) begins += *asked && !strncmp(names[i], asked, strlen(asked));
  if (begins > 1) return error_set(err, UNROLL_USAGE, "'--%s' may mean several options; write it out", asked);
  const char *near = text_nearest(asked, names, n);
  if (near) return error_set(err, UNROLL_USAGE, "unknown option '--%s'; did you mean '--%s'?", asked, near);
  return error_set(err, UNROLL_USAGE, "unknown option '--%s'", asked);
}

/* Room for as many values as there are arguments. */
static bool new_list(options *o, const option_row *row, int argc) {
  option_list *list = field(o, row);
  list->items = mem_zero((size_t)argc + 1, sizeof *list->items);
  return list->items != NULL;
}

static void add_to_list(option_list *list, const char *value) { list->items[list->n++] = value; }

unroll_status options_read(options *o, const command *c, int argc, char **argv, unroll_error *err) {
  struct option longs[MAX_ROWS + 1] = {{"help", no_argument, NULL, 'h'}};
  char letters[2 * MAX_ROWS + 4] = ":h";
  int n = 1;
  memset(o, 0, sizeof *o);
  set_unset(o, c->rows);
  for (int i = 0; c->rows[i].kind != OPTION_END; i++) {
    const option_row *row = &c->rows[i];
    if (row->kind == OPTION_HEADING) continue;
    if (row->kind == OPTION_LIST && !new_list(o, row, argc)) return error_memory(err);
    longs[n++] = (struct option){row->name, row->kind == OPTION_FLAG ? no_argument : required_argument, NULL, FIRST_CODE + i};
    if (row->letter) {
      const size_t used = strlen(letters);
      snprintf(letters + used, sizeof letters - used, "%c%s", row->letter, row->kind == OPTION_FLAG ? "" : ":");
    }
  }
  optind = 0; /* starts anew, also after an earlier call */
  opterr = 0;
  for (int code; (code = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
    const option_row *row = NULL;
    if (code == 'h') {
      o->help = true;
      continue;
    }
    if (code == ':') return error_set(err, UNROLL_USAGE, "option '%s' needs a value", argv[optind - 1]);
    if (code == '?' && optopt >= FIRST_CODE)
      return error_set(err, UNROLL_USAGE, "--%s takes no value", c->rows[optopt - FIRST_CODE].name);
    if (code == '?' && optopt && optopt != 'h') return error_set(err, UNROLL_USAGE, "unknown option '-%c'", optopt);
    if (code == '?') return unknown_option(c, argv[optind - 1], err);
    for (int i = 0; c->rows[i].kind != OPTION_END; i++)
      if (code == FIRST_CODE + i || (c->rows[i].letter && code == c->rows[i].letter)) row = &c->rows[i];
    unroll_status status = UNROLL_OK;
    if (row->kind == OPTION_FLAG)
      *(bool *)field(o, row) = true;
    else if (row->kind == OPTION_LIST)
      add_to_list(field(o, row), optarg);
    else if (row->kind == OPTION_WORD)
      status = read_word(o, row, optarg, err);
    else
      status = read_value(o, row, optarg, err);
    if (status) return status;
  }
  o->arguments = argv + optind;
  o->n_arguments = argc - optind;
  return UNROLL_OK;
}

unroll_status options_check_arguments(const options *o, const command *c, unroll_error *err) {
  if (o->n_arguments < c->least)
    return error_set(err, UNROLL_USAGE,
                     o->n_arguments ? "'unroll %s' needs more arguments: %.*s" : "'unroll %s' needs arguments: %.*s", c->name,
                     (int)strcspn(c->usage, "\n"), c->usage);
  if (o->n_arguments > c->most)
    return error_set(err, UNROLL_USAGE, "'unroll %s' has no use for the argument '%s'", c->name, o->arguments[c->most]);
  return UNROLL_OK;
}

void options_free(options *o) {
  option_list *const lists[] = {&o->sets, &o->inits, &o->ramps, &o->class_weights};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    mem_free(lists[i]->items);
    *lists[i] = (option_list){0};
  }
}

void options_help(const command *c, text *out) {
  const char *line = c->usage;
  const char *start = "usage:";
  do {
    const size_t length = strcspn(line, "\n");
    text_format(out, "%-6s unroll %s%s%.*s\n", start, c->name, length ? " " : "", (int)length, line);
    start = "";
    line += length;
  } while (*line++ == '\n');
  text_format(out, "\n%s\n", c->text);
  for (const option_row *row = c->rows; row->kind != OPTION_END; row++) {
    char left[64], letter[8] = "    ";
    if (row->kind == OPTION_HEADING) {
      text_format(out, "\n%s:\n", row->name);
      continue;
    }
    if (row == c->rows) text_format(out, "\nOptions:\n");
    if (row->letter) snprintf(letter, sizeof letter, "-%c, ", row->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, row->name, row->kind == OPTION_FLAG ? "" : " ",
             row->kind == OPTION_FLAG ? "" : row->value);
    if (strlen(left) > 26)
      text_format(out, "  %s\n  %-26s  %s\n", left, "", row->help);
    else
      text_format(out, "  %-26s  %s\n", left, row->help);
  }
  text_format(out, "%s  %-26s  %s\n", c->rows->kind == OPTION_END ? "\nOptions:\n" : "", "-h, --help", "this text");
}

static void complete_value(const command *c, const option_row *row, text *out) {
  if (row->kind == OPTION_FLAG || row->kind == OPTION_HEADING) return;
  text_format(out, "  '%s --%s'", c->name, row->name);
  if (row->letter) text_format(out, " | '%s -%c'", c->name, row->letter);
  if (row->kind == OPTION_FILE)
    text_format(out, ") COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n");
  else if (row->kind == OPTION_FOLDER)
    text_format(out, ") COMPREPLY=($(compgen -d -- \"$cur\")) ;;\n");
  else if (row->kind == OPTION_WORD) {
    text_format(out, ") COMPREPLY=($(compgen -W '");
    for (const char *s = row->value; *s; s++) text_format(out, "%c", *s == '|' ? ' ' : *s);
    text_format(out, "' -- \"$cur\")) ;;\n");
  } else
    text_format(out, ") ;;\n");
}

void options_completion(const command *commands, int n_commands, const char *const *names, int n_names, text *out) {
  text_format(out, "# Completion for bash. Try it: eval \"$(unroll completion bash)\"\n_unroll() {\n"
                   "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words= names=\n"
                   "  COMPREPLY=()\n  if [ \"$COMP_CWORD\" = 1 ]; then\n    COMPREPLY=($(compgen -W '");
  for (int i = 0; i < n_commands; i++) text_format(out, "%s ", commands[i].name);
  text_format(out, "completion help --help --version' -- \"$cur\"))\n    return\n  fi\n  case \"$command $prev\" in\n");
  for (int i = 0; i < n_commands; i++)
    for (const option_row *row = commands[i].rows; row->kind != OPTION_END; row++) complete_value(&commands[i], row, out);
  text_format(out, "  *)\n    case $command in\n");
  for (int i = 0; i < n_commands; i++) {
    text_format(out, "    %s)\n      words='--help", commands[i].name);
    for (const option_row *row = commands[i].rows; row->kind != OPTION_END; row++)
      if (row->kind != OPTION_HEADING) text_format(out, " --%s", row->name);
    text_format(out, "'\n");
    if (commands[i].names) {
      text_format(out, "      names='");
      for (int j = 0; j < n_names; j++) text_format(out, "%s%s", j ? " " : "", names[j]);
      text_format(out, "'\n");
    }
    text_format(out, "      ;;\n");
  }
  text_format(out,
              "    esac\n    case $cur in\n    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
              "    *) COMPREPLY=($(compgen -W \"$names\" -- \"$cur\") $(compgen -f -- \"$cur\")) ;;\n    esac\n    ;;\n  esac\n}\n"
              "complete -o filenames -F _unroll unroll\n");
}
