/* reader.c - what the data lines of a net ask for, by the rows of graph/kinds.def. Plain texts are read in text.c, tables in
 * table.c and bind.c. */
#include <string.h>
#include "base/error.h"
#include "base/text.h"
#include "data/cell.h"
#include "symbols/words.h"

static const struct {
  enum symbol_unit unit;
  const cell_reader *reader;
} readers[KINDS] = {
#define KIND(name, sort, steps, usual, width, args, least, words, unit, reader, value) {unit, &cell_##reader},
#include "graph/kinds.def"
#undef KIND
};

const cell_reader *cell_reader_of(const data_form *f) { return readers[f->of - data_kinds].reader; }

static unroll_status unknown_kind(const program *net, const expr *value, unroll_error *err) {
  const char *names[KINDS];
  for (int i = 0; i < KINDS; i++) names[i] = data_kinds[i].name;
  const char *near = text_nearest(value->name, names, KINDS);
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

/* end(pen). */
static unroll_status read_end(data_form *f, const program *net, const expr *e, unroll_error *err) {
  f->n_args = 0;
  if (e->n_args != 1 || e->args[0]->kind != EXPR_NAME)
    return lang_error(net, e->at, err, "'end' needs the name of a variable of numbers, as in end(pen)");
  f->from = e->args[0]->name;
  return UNROLL_OK;
}

/* Parts of words are cut as the words are. */
static unroll_status link_parts(data_form *list, int n, const program *net, unroll_error *err) {
  for (int i = 0; i < n; i++) {
    if (!list[i].from || list[i].of->sort != KIND_PART) continue;
    const data_form *of = NULL;
    for (int k = 0; k < n; k++)
      if (!strcmp(list[k].name, list[i].from) && list[k].of == &data_kinds[KIND_words]) of = &list[k];
    if (!of)
      return error_at(err, UNROLL_BAD_INPUT, net->file, NULL, 0, 0,
                      "'%s' is a part of the words of '%s', which is no variable of words", list[i].name, list[i].from);
    list[i].spaced = of->spaced;
    list[i].nfc = of->nfc;
  }
  return UNROLL_OK;
}

static unroll_status unavailable(const program *net, span at, unroll_error *err, const char *message, const char *name) {
  lang_error(net, at, err, message, name);
  if (err) err->code = UNROLL_USAGE;
  return UNROLL_USAGE;
}

/* "'lines', 'lower' or 'nfc'" */
static void list_words(const data_kind *k, text *out) {
  const int n = kind_words(k->words);
  for (int i = 0; i < n; i++) {
    size_t size;
    const char *word = kind_word(k->words, i, &size, NULL);
    text_format(out, "%s'%.*s'", !i ? "" : i + 1 < n ? ", " : " or ", (int)size, word);
  }
}

static unroll_status unknown_word(const program *net, const statement *s, int i, const data_kind *k, unroll_error *err) {
  text expected = {0};
  if (!*k->words) return lang_error(net, s->names_at[i], err, "no word may follow '%s', and '%s' does", k->name, s->names[i]);
  list_words(k, &expected);
  const unroll_status status = lang_error(net, s->names_at[i], err, "unknown word '%s' after 'data %s : %s'; expected %s",
                                          s->names[i], s->name, k->name, expected.failed ? "" : expected.data);
  text_free(&expected);
  return status;
}

static unroll_status read_words(data_form *f, const program *net, const statement *s, unroll_error *err) {
  const data_kind *k = f->of;
  for (int i = 0; i < s->n_names; i++) {
    const char *word = s->names[i];
    const int place = kind_place(k->words, word);
    if (place < 0 && k->sort == KIND_CALENDAR) continue; /* the graph has more to say about them */
    if (place < 0) return unknown_word(net, s, i, k, err);
    if (!strcmp(word, "nfc") && !words_can_compose())
      return unavailable(net, s->names_at[i], err, "'%s' is not there: this Unroll was built without libutf8proc", word);
    if (f->words & 1u << place && k->sort != KIND_CALENDAR)
      return lang_error(net, s->names_at[i], err, "'%s' is there twice", word);
    f->words |= 1u << place;
  }
  if (k->sort == KIND_CALENDAR) f->cycles = f->words;
  f->lines = form_has(f, "lines");
  f->stream = form_has(f, "stream");
  f->lower = form_has(f, "lower");
  f->spaced = form_has(f, "spaced");
  f->nfc = form_has(f, "nfc");
  f->unknown = form_has(f, "unknown");
  return UNROLL_OK;
}

bool form_has(const data_form *f, const char *word) {
  const int place = kind_place(f->of->words, word);
  return place >= 0 && f->words & 1u << place;
}

static unroll_status form_of_statement(data_form *f, const program *net, const statement *s, unroll_error *err) {
  if (!s->value || !s->value->name) return lang_error(net, s->at, err, "'data %s' has no kind", s->name);
  const data_kind *k = kind_find(s->value->name);
  if (!k) return unknown_kind(net, s->value, err);
  const int most = kind_words(k->args);
  if (s->value->n_args > most)
    return lang_error(net, s->value->at, err, "data kind '%s' takes %d argument%s", k->name, most, most == 1 ? "" : "s");
  *f = (data_form){.name = s->name, .kind = k->name, .of = k, .unit = readers[k - data_kinds].unit, .n_args = s->value->n_args};
  if (k->sort != KIND_CALENDAR && k->sort != KIND_END && cell_reader_of(f) == &cell_none)
    return unavailable(net, s->value->at, err, "data kind '%s' has no reader yet", k->name);
  const unroll_status status = k->sort == KIND_PART  ? read_part(f, net, s->value, err)
                               : k->sort == KIND_END ? read_end(f, net, s->value, err)
                                                     : UNROLL_OK;
  return status ? status : read_words(f, net, s, err);
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
