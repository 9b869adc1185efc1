/* reader.c - what the data lines of a net ask for: `kinds` says which kind of data is read by what; a further reader is a row and a
 * function. Plain texts are read in text.c, tables in table.c and bind.c. */
#include <string.h>
#include "base/error.h"
#include "base/text.h"
#include "data/dataset.h"
#include "data/times.h"
#include "symbols/words.h"

typedef struct data_kind {
  const char *name;
  int max_args;
  bool read; /* is there a reader? */
  enum symbol_unit unit;
} data_kind;

static const data_kind kinds[] = {
    {"chars", 0, true, UNIT_CHARS},
    {"bytes", 0, true, UNIT_BYTES},
    {"words", 1, true, UNIT_WORDS},
    {"category", 1, true, UNIT_LABELS},
    {"number", 0, true, UNIT_NUMBERS},
    {"numbers", 1, true, UNIT_NUMBERS},
    {"time", 0, true, UNIT_NUMBERS},
    {"bpe", 1, true, UNIT_BPE},
    {"suffix", 2, true, UNIT_WORDS},
    {"prefix", 2, true, UNIT_WORDS},
    {"shape", 1, true, UNIT_WORDS},
    {"image", 3, true, UNIT_NUMBERS},
    {"audio", 2, false, 0},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static unroll_status unknown_kind(const program *net, const expr *value, unroll_error *err) {
  const char *names[N_KINDS];
  for (int i = 0; i < N_KINDS; i++) names[i] = kinds[i].name;
  const char *near = text_nearest(value->name, names, N_KINDS);
  return lang_error(net, value->at, err, "unknown kind of data '%s'%s%s%s", value->name, near ? "; did you mean '" : "",
                    near ? near : "", near ? "'?" : "; expected chars, bytes, words ...");
}

/* suffix(text, 3), prefix(text, 3), shape(text). What is wrong with the arguments the graph says better. */
static unroll_status read_part(data_form *f, const program *net, const expr *e, unroll_error *err) {
  f->part = *f->kind == 'p' ? PART_PREFIX : strcmp(f->kind, "suffix") ? PART_SHAPE : PART_SUFFIX;
  f->n_args = 0;
  if (e->n_args < 1 || e->args[0]->kind != EXPR_NAME)
    return lang_error(net, e->at, err, "'%s' needs the name of a variable of words, as in %s(text%s)", f->kind, f->kind,
                      f->part == PART_SHAPE ? "" : ", 3");
  f->from = e->args[0]->name;
  if (f->part == PART_SHAPE) return UNROLL_OK;
  const bool good = e->n_args == 2 && e->args[1]->kind == EXPR_NUMBER && e->args[1]->number >= 1 && e->args[1]->number <= 16;
  f->letters = good ? (int)e->args[1]->number : 0;
  return good ? UNROLL_OK
              : lang_error(net, e->at, err, "'%s' needs a number of letters, from 1 to 16, as in %s(text, 3)", f->kind, f->kind);
}

/* Parts of words are cut as the words are. */
static unroll_status link_parts(data_form *list, int n, const program *net, unroll_error *err) {
  for (int i = 0; i < n; i++) {
    if (!list[i].from) continue;
    const data_form *of = NULL;
    for (int k = 0; k < n; k++)
      if (!strcmp(list[k].name, list[i].from) && list[k].unit == UNIT_WORDS && !list[k].part) of = &list[k];
    if (!of)
      return error_at(err, UNROLL_BAD_INPUT, net->file, NULL, 0, 0,
                      "'%s' is a part of the words of '%s', which is no variable of words", list[i].name, list[i].from);
    list[i].spaced = of->spaced;
    list[i].nfc = of->nfc;
  }
  return UNROLL_OK;
}

static unroll_status form_of_statement(data_form *f, const program *net, const statement *s, unroll_error *err) {
  const data_kind *kind = NULL;
  if (!s->value || !s->value->name) return lang_error(net, s->at, err, "'data %s' has no kind", s->name);
  for (int i = 0; i < N_KINDS; i++)
    if (!strcmp(kinds[i].name, s->value->name)) kind = &kinds[i];
  if (!kind) return unknown_kind(net, s->value, err);
  if (s->value->n_args > kind->max_args)
    return lang_error(net, s->value->at, err, "data kind '%s' takes %d argument%s", kind->name, kind->max_args,
                      kind->max_args == 1 ? "" : "s");
  if (!kind->read) {
    lang_error(net, s->value->at, err, "data kind '%s' has no reader yet", kind->name);
    if (err) err->code = UNROLL_USAGE;
    return UNROLL_USAGE;
  }
  *f = (data_form){.name = s->name, .kind = kind->name, .unit = kind->unit, .n_args = s->value->n_args};
  const bool of_word = !strcmp(kind->name, "suffix") || !strcmp(kind->name, "prefix") || !strcmp(kind->name, "shape");
  if (of_word) {
    const unroll_status status = read_part(f, net, s->value, err);
    if (status) return status;
  }
  for (int i = 0; i < s->n_names; i++) {
    const int cycle = strcmp(kind->name, "time") ? 0 : time_cycle(s->names[i]);
    if (cycle) {
      f->cycles |= (unsigned)cycle;
      continue; /* the graph has the rest to say about them */
    }
    const enum symbol_unit unit = kind->unit;
    const char *given = s->names[i];
    const bool words = unit == UNIT_WORDS && !of_word, pieces = unit == UNIT_BPE, composes = words || pieces || unit == UNIT_CHARS;
    bool *word = !strcmp(given, "lines") && !of_word            ? &f->lines
                 : (words || pieces) && !strcmp(given, "lower") ? &f->lower
                 : words && !strcmp(given, "spaced")            ? &f->spaced
                 : composes && !strcmp(given, "nfc")            ? &f->nfc
                                                                : NULL;
    if (!word && of_word) return lang_error(net, s->names_at[i], err, "no word may follow '%s', and '%s' does", kind->name, given);
    if (!word)
      return lang_error(net, s->names_at[i], err, "unknown word '%s' after 'data %s : %s'; expected 'lines'%s", given, s->name,
                        kind->name,
                        words      ? ", 'lower', 'spaced' or 'nfc'"
                        : pieces   ? ", 'lower' or 'nfc'"
                        : composes ? " or 'nfc'"
                                   : "");
    if (word == &f->nfc && !words_can_compose()) {
      lang_error(net, s->names_at[i], err, "'nfc' is not there: this Unroll was built without libutf8proc");
      if (err) err->code = UNROLL_USAGE;
      return UNROLL_USAGE;
    }
    if (*word) return lang_error(net, s->names_at[i], err, "'%s' is there twice", given);
    *word = true;
  }
  return UNROLL_OK;
}

unroll_status data_forms_of(data_form list[MAX_FORMS], int *n, const program *net, unroll_error *err) {
  *n = 0;
  for (int i = 0; i < net->n_statements; i++) {
    const statement *s = &net->statements[i];
    if (s->kind != STATEMENT_DATA) continue;
    if (*n == MAX_FORMS) return lang_error(net, s->at, err, "more than %d data lines", MAX_FORMS);
    const unroll_status status = form_of_statement(&list[(*n)++], net, s, err);
    if (status) return status;
  }
  if (*n) return link_parts(list, *n, net, err);
  return error_at(err, UNROLL_BAD_INPUT, net->file, NULL, 0, 0, "the net has no 'data' line, so no data can be bound to it");
}

bool data_is_text(const data_form *list, int n) { return n == 1 && unit_is_text(list->unit); }
