/* options.c - see options.h. getopt_long does the splitting; option/option.h reads the values. */
#include "cli/options.h"
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "cli/commands.h"
#include "lang/lang.h"

enum { MAX_ROWS = 64, FIRST_CODE = 256 };

const option_row option_rows[] = {
#define OPTION(...) OPTION_ROW(options, __VA_ARGS__),
#define OPTION_FOR(...) OPTION_ROW(options, __VA_ARGS__),
#define SECTION(title) {.kind = OPTION_SECTION, .name = title},
#include "option/options.def"
};
const int n_option_rows = sizeof option_rows / sizeof *option_rows;

const command commands[N_COMMANDS] = {
#define COMMAND(name, least, most, summary, usage, text) {#name, least, most, summary, usage, text, IN(name), command_##name},
#include "option/commands.def"
};

const command *command_find(const char *name) {
  for (int i = 0; i < N_COMMANDS; i++)
    if (!strcmp(commands[i].name, name)) return &commands[i];
  return NULL;
}

/* Whether an argument of a usage text, as "NET|CELL", may be one of `words`. */
static bool argument_takes(const char *s, const char *words) {
  const size_t end = strcspn(s, " ]\n");
  for (size_t at = 0, n; at < end; at += n + 1) {
    n = strcspn(s + at, "|. ]\n");
    for (const char *word = words; *word; word += strcspn(word, "|") + (word[strcspn(word, "|")] == '|'))
      if (strcspn(word, "|") == n && !strncmp(word, s + at, n)) return true;
  }
  return false;
}

bool command_takes(const command *c, const char *words) { return argument_takes(c->usage + (*c->usage == '['), words); }

/* Which argument is a model, and whether all after it are too; -1: none. Arguments come before options. */
static int model_argument(const command *c, bool *all) {
  const char *s = c->usage;
  for (int number = 0; *s && *s != '-' && *s != '['; number++) {
    const size_t length = strcspn(s, " \n");
    *all = length > 3 && !strncmp(s + length - 3, "...", 3);
    if (argument_takes(s, "MODEL")) return number;
    s += length;
    s += *s == ' ';
    if (*s == '\n') break;
  }
  return -1;
}

bool command_has(const command *c, const option_row *row) {
  return row->kind != OPTION_SECTION && row->name && (row->commands & c->bit);
}

static void set_unset(options *o) {
  *o = (options){0};
  for (int i = 0; i < n_option_rows; i++) {
    void *at = (char *)o + option_rows[i].at;
    if (option_rows[i].kind == OPTION_WHOLE || option_rows[i].kind == OPTION_BYTES) *(int64_t *)at = -1;
    if (option_rows[i].kind == OPTION_REAL) *(double *)at = (double)NAN;
  }
}

/* Kept, so that the library can be told the same. */
static unroll_status add_typed(options *o, const char *name, const char *value, unroll_error *err) {
  if (o->n_typed == o->typed_room) {
    struct typed *more = mem_resize(o->typed, (size_t)(o->typed_room = o->typed_room ? 2 * o->typed_room : 16) * sizeof *more);
    if (!more) return error_memory(err);
    o->typed = more;
  }
  o->typed[o->n_typed++] = (struct typed){name, value};
  return UNROLL_OK;
}

/* --- what is not known --- */

/* What others call an option of ours. */
static const char *const synonyms[][2] = {{"learning-rate", "lr"},
                                          {"rate", "lr"},
                                          {"batch-size", "batch"},
                                          {"bptt", "unroll"},
                                          {"seq-length", "unroll"},
                                          {"sequence-length", "unroll"},
                                          {"gradient-clip", "clip-norm"},
                                          {"clip", "clip-norm"},
                                          {"grad-clip", "clip-norm"},
                                          {"wd", "weight-decay"},
                                          {"validation", "valid"},
                                          {"val", "valid"},
                                          {"out", "output"},
                                          {"output-dir", "output"},
                                          {"save", "output"},
                                          {"temp", "temperature"},
                                          {"topk", "top-k"},
                                          {"topp", "top-p"},
                                          {"num-samples", "number"},
                                          {"scheduler", "schedule"},
                                          {"early-stopping", "patience"},
                                          {"verbose", "per-symbol"},
                                          {"jobs", "threads"},
                                          {"max-length", "length"},
                                          {"dtype", "precision"}};

static const char *synonym_of(const command *c, const char *asked) {
  for (size_t i = 0; i < sizeof synonyms / sizeof *synonyms; i++)
    for (int k = 0; k < n_option_rows && !strcmp(synonyms[i][0], asked); k++)
      if (command_has(c, &option_rows[k]) && !strcmp(option_rows[k].name, synonyms[i][1])) return synonyms[i][1];
  return NULL;
}

/* Whether a built-in net has a setting of this name. */
static bool is_setting(const char *name) {
  bool found = false;
  for (const builtin *b = lang_nets; b->name && !found; b++) {
    arena memory = {0};
    program *p;
    if (lang_parse(&p, b->file, b->text, &memory, NULL) == UNROLL_OK)
      for (int i = 0; i < p->n_statements; i++)
        found |= p->statements[i].kind == STATEMENT_SETTING && !strcmp(p->statements[i].name, name);
    arena_free(&memory);
  }
  return found;
}

static bool has_option(const command *c, const char *name) {
  for (int i = 0; i < n_option_rows; i++)
    if (command_has(c, &option_rows[i]) && !strcmp(option_rows[i].name, name)) return true;
  return false;
}

/* `next` is the argument that follows. */
static unroll_status unknown_option(const command *c, const char *word, const char *next, unroll_error *err) {
  const char *names[MAX_ROWS];
  char asked[64];
  size_t n = 0;
  if (strncmp(word, "--", 2)) return error_set(err, UNROLL_USAGE, "unknown option '%s'", word);
  names[n++] = "help";
  for (int i = 0; i < n_option_rows && n < MAX_ROWS; i++)
    if (command_has(c, &option_rows[i])) names[n++] = option_rows[i].name;
  snprintf(asked, sizeof asked, "%.*s", (int)strcspn(word + 2, "="), word + 2);
  size_t begins = 0; /* getopt_long takes beginnings; more than one option begins like this */
  for (size_t i = 0; i < n; i++) begins += *asked && !strncmp(names[i], asked, strlen(asked));
  if (begins > 1) return error_set(err, UNROLL_USAGE, "'--%s' may mean several options; write it out", asked);
  const char *equals = strchr(word, '='), *value = equals ? equals + 1 : next && *next != '-' ? next : "VALUE";
  if (has_option(c, "set") && is_setting(asked))
    return error_set(err, UNROLL_USAGE, "unknown option '--%s'; it is a setting of the net: --set %s=%s", asked, asked, value);
  const char *near = synonym_of(c, asked);
  if (!near) near = text_nearest(asked, names, n);
  if (near) return error_set(err, UNROLL_USAGE, "unknown option '--%s'; did you mean '--%s'?", asked, near);
  return error_set(err, UNROLL_USAGE, "unknown option '--%s'", asked);
}

/* --- reading --- */

typedef struct getopt_table {
  struct option longs[MAX_ROWS + 1];
  char letters[2 * MAX_ROWS + 4];
} getopt_table;

static void fill_table(getopt_table *t, const command *c) {
  int n = 1;
  *t = (getopt_table){.longs = {{"help", no_argument, NULL, 'h'}}, .letters = ":h"};
  for (int i = 0; i < n_option_rows && n < MAX_ROWS; i++) {
    const option_row *row = &option_rows[i];
    const bool bare = row->kind == OPTION_FLAG;
    if (!command_has(c, row)) continue;
    t->longs[n++] = (struct option){row->name, bare ? no_argument : required_argument, NULL, FIRST_CODE + i};
    const size_t used = strlen(t->letters);
    if (row->letter) snprintf(t->letters + used, sizeof t->letters - used, "%c%s", row->letter, bare ? "" : ":");
  }
}

static const option_row *row_of(const command *c, int code) {
  for (int i = 0; i < n_option_rows; i++)
    if (command_has(c, &option_rows[i]) && (code == FIRST_CODE + i || code == option_rows[i].letter)) return &option_rows[i];
  return NULL;
}

unroll_status options_read(options *o, const command *c, int argc, char **argv, unroll_error *err) {
  getopt_table table;
  set_unset(o);
  fill_table(&table, c);
  optind = 0; /* starts anew, also after an earlier call */
  opterr = 0;
  for (int code; (code = getopt_long(argc, argv, table.letters, table.longs, NULL)) != -1;) {
    if (code == 'h') {
      o->help = true;
      continue;
    }
    if (code == ':') return error_set(err, UNROLL_USAGE, "option '%s' needs a value", argv[optind - 1]);
    if (code == '?' && optopt >= FIRST_CODE)
      return error_set(err, UNROLL_USAGE, "option '%s' takes no value", option_rows[optopt - FIRST_CODE].name);
    if (code == '?' && optopt && optopt != 'h') return error_set(err, UNROLL_USAGE, "unknown option '-%c'", optopt);
    if (code == '?') return unknown_option(c, argv[optind - 1], argv[optind], err);
    const option_row *row = row_of(c, code);
    const char *value = row->kind == OPTION_FLAG ? NULL : optarg;
    unroll_status status = option_set(row, o, value, &o->texts, err);
    if (!status) status = add_typed(o, row->name, value, err);
    if (status) return status;
  }
  o->arguments = argv + optind;
  o->n_arguments = argc - optind;
  return UNROLL_OK;
}

/* The folder that training writes to stands for the model in it. */
static unroll_status find_model(options *o, const command *c, int number, unroll_error *err) {
  text path = {0};
  const size_t first = strcspn(c->usage, " \n");
  const bool alone = !memmem(c->usage, first, "NET", 3); /* else a built-in net may have the folder's name */
  text_format(&path, "%s/model.safetensors", o->arguments[number]);
  if (!path.failed && file_exists(path.data)) {
    char *copy = arena_text(&o->texts, path.data, path.length);
    if (copy) o->arguments[number] = copy;
    path.failed |= !copy;
  } else if (!path.failed && alone && folder_is(o->arguments[number])) {
    text_free(&path);
    return error_at(err, UNROLL_BAD_INPUT, o->arguments[number], NULL, 0, 0,
                    "the folder has no model.safetensors, so it is none that a training has finished in");
  }
  const bool failed = path.failed != 0;
  text_free(&path);
  return failed ? error_memory(err) : UNROLL_OK;
}

unroll_status options_check_arguments(options *o, const command *c, unroll_error *err) {
  if (o->n_arguments < c->least)
    return error_set(err, UNROLL_USAGE,
                     o->n_arguments ? "'unroll %s' needs more arguments: %.*s" : "'unroll %s' needs arguments: %.*s", c->name,
                     (int)strcspn(c->usage, "\n"), c->usage);
  if (o->n_arguments > c->most)
    return error_set(err, UNROLL_USAGE, "'unroll %s' has no use for the argument '%s'", c->name, o->arguments[c->most]);
  bool all = false;
  unroll_status status = UNROLL_OK;
  for (int i = model_argument(c, &all); i >= 0 && i < o->n_arguments && !status; i = all ? i + 1 : -1)
    status = find_model(o, c, i, err);
  return status;
}

void options_free(options *o) {
  mem_free(o->typed);
  arena_free(&o->texts);
}

void options_message(const char *message, text *out) {
  static const char begin[] = "option '";
  for (const char *s = message, *found;; s = found) {
    found = strstr(s, begin);
    if (!found) {
      text_format(out, "%s", s);
      return;
    }
    const char *name = found + sizeof begin - 1;
    const size_t n = strcspn(name, "'");
    bool known = false;
    for (int i = 0; i < n_option_rows && !known; i++)
      known = option_rows[i].kind != OPTION_SECTION && option_rows[i].name && strlen(option_rows[i].name) == n &&
              !strncmp(option_rows[i].name, name, n);
    known &= name[n] == '\'';
    text_add(out, s, (size_t)(found - s));
    if (known) text_format(out, "--%.*s", (int)n, name);
    if (!known) text_add(out, begin, sizeof begin - 1);
    found = known ? name + n + 1 : name;
  }
}
