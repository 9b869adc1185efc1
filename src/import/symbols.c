/* symbols.c - see symbols.h. */
#include "import/symbols.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "io/json.h"

enum { MOST_SYMBOLS = 1 << 22, SPECIAL = 0xe000 /* of Unicode's private use: marks that are no character */ };

typedef struct entry {
  const char *text;
  uint32_t code; /* of a single character, or SPECIAL and so on */
  int number;    /* in the file; -1: it is not there */
} entry;

static bool is_unknown(const char *s) {
  static const char *const words[] = {"<unk>", "[UNK]", "<UNK>", "<OOV>", "<oov>", "UNK", "unk", "[unk]"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (!strcmp(words[i], s)) return true;
  return false;
}

/* --- files of symbols: JSON, an array or an object of numbers; else a line each --- */

static const char **texts_new(arena *memory, int n) { return arena_alloc(memory, (size_t)n + 1, sizeof(char *)); }

static unroll_status read_json(symbol_plan *p, const char *path, const char *data, size_t size, int n, const char ***out,
                               unroll_error *err) {
  json_error_t error;
  int starved;
  json_t *j = json_read(data, size, &error, &starved), *value;
  const char *key;
  unroll_status status = UNROLL_OK;
  if (!j && starved) return error_memory(err);
  if (!j) return error_at(err, UNROLL_BAD_INPUT, path, NULL, error.line, error.column, "not good JSON: %s", error.text);
  const char **texts = texts_new(&p->memory, n);
  if (!texts) status = error_memory(err);
  for (size_t i = 0; !status && i < json_array_size(j); i++) {
    const char *s = json_string_value(json_array_get(j, i));
    if (!s || i >= (size_t)n)
      status = error_at(err, UNROLL_BAD_INPUT, path, NULL, 0, 0, "entry %zu is no text, or more than %d symbols", i, n);
    else
      texts[i] = arena_text(&p->memory, s, strlen(s));
  }
  if (json_is_object(j)) json_object_foreach(j, key, value) {
      char *end;
      const long long other = strtoll(key, &end, 10); /* {"0": "a"} the other way round */
      const bool turned = json_is_string(value) && *key && !*end;
      const json_int_t number = turned ? (json_int_t)other : json_integer_value(value);
      if (status) break;
      if ((!turned && !json_is_integer(value)) || number < 0)
        status = error_at(err, UNROLL_BAD_INPUT, path, NULL, 0, 0, "'%.60s' has no number", key);
      else if (number < n) /* Keras keeps more words than the model knows */
        texts[number] = turned ? arena_text(&p->memory, json_string_value(value), json_string_length(value))
                               : arena_text(&p->memory, key, strlen(key));
    }
  json_decref(j);
  *out = texts;
  return status;
}

static unroll_status read_lines(symbol_plan *p, const char *path, const char *data, size_t size, int n, const char ***out,
                                unroll_error *err) {
  const char **texts = texts_new(&p->memory, n);
  int k = 0;
  if (!texts) return error_memory(err);
  for (size_t from = 0; from < size;) {
    const char *newline = memchr(data + from, '\n', size - from);
    size_t end = newline ? (size_t)(newline - data) : size, next = end + 1;
    if (end > from && data[end - 1] == '\r') end--;
    if (k == n) return error_at(err, UNROLL_BAD_INPUT, path, NULL, k + 1, 0, "the model has %d symbols, and here is one more", n);
    const bool escaped = end - from == 2 && data[from] == '\\' && (data[from + 1] == 'n' || data[from + 1] == 't');
    texts[k] = escaped ? (data[from + 1] == 'n' ? "\n" : "\t") : arena_text(&p->memory, data + from, end - from);
    if (!texts[k++]) return error_memory(err);
    from = next;
  }
  *out = texts;
  return UNROLL_OK;
}

/* [n] texts; those that the file lacks are "#number". */
static unroll_status read_texts(symbol_plan *p, const char *path, int n, const char ***out, unroll_error *err) {
  char *data;
  size_t size;
  unroll_status status = file_read(path, &data, &size, err);
  if (status) return status;
  if (utf8_valid(data, size) < size || strlen(data) != size)
    status = error_at(err, UNROLL_BAD_INPUT, path, NULL, 0, 0, "the symbols are no text in UTF-8");
  else if (size && (*data == '{' || *data == '['))
    status = read_json(p, path, data, size, n, out, err);
  else
    status = read_lines(p, path, data, size, n, out, err);
  mem_free(data);
  for (int i = 0; i < n && !status; i++)
    if (!(*out)[i]) {
      char number[24];
      snprintf(number, sizeof number, "#%d", i);
      (*out)[i] = arena_text(&p->memory, number, strlen(number));
      if (!(*out)[i]) status = error_memory(err);
    }
  return status;
}

static unroll_status numbers_as_texts(symbol_plan *p, int n, const char ***out, unroll_error *err) {
  *out = texts_new(&p->memory, n);
  for (int i = 0; *out && i < n; i++) {
    char number[24];
    snprintf(number, sizeof number, "%d", i);
    if (!((*out)[i] = arena_text(&p->memory, number, strlen(number)))) return error_memory(err);
  }
  return *out ? UNROLL_OK : error_memory(err);
}

/* --- order --- */

static int by_code(const void *a, const void *b) {
  const entry *x = a, *y = b;
  return (x->code > y->code) - (x->code < y->code);
}

/* Single characters, and a few marks; *unknown: one of these stands for all others. */
static bool as_characters(entry *list, int n, bool *unknown) {
  int special = 0, single = 0;
  *unknown = false;
  for (int i = 0; i < n; i++) {
    const size_t size = strlen(list[i].text);
    if (size && (size_t)utf8_decode(list[i].text, size, &list[i].code) == size) {
      single++;
      continue;
    }
    const bool u = is_unknown(list[i].text) && !*unknown;
    list[i].code = u ? UNKNOWN_CODE : (uint32_t)(SPECIAL + special);
    *unknown |= u;
    special++;
  }
  if (single < 2 || special > 8 || special > single) return false;
  qsort(list, (size_t)n, sizeof *list, by_code);
  for (int i = 1; i < n; i++)
    if (list[i].code == list[i - 1].code) return false;
  return true;
}

/* <unk> comes first: the entry of that meaning, or a new one. */
static int as_words(entry *list, int n) {
  int at = -1;
  for (int i = 0; i < n && at < 0; i++)
    if (is_unknown(list[i].text)) at = i;
  if (at < 0) {
    memmove(list + 1, list, (size_t)n * sizeof *list);
    list[0].number = -1;
    n++;
  } else {
    const entry found = list[at];
    memmove(list + 1, list, (size_t)at * sizeof *list);
    list[0] = found;
  }
  list[0].text = UNKNOWN_WORD;
  return n;
}

/* Words are cut at white space, and each is there once. */
static unroll_status check_words(const entry *list, int n, const char *path, unroll_error *err) {
  lexicon seen = {0};
  unroll_status status = UNROLL_OK;
  for (int i = 0; i < n && !status; i++) {
    const int32_t k = lexicon_add(&seen, list[i].text, strlen(list[i].text));
    if (k < 0) status = error_memory(err);
    if (k >= 0 && k != i)
      status = error_at(err, UNROLL_BAD_INPUT, path, NULL, 0, 0, "the symbol '%.60s' is there twice", list[i].text);
    if (!list[i].text[0] || strpbrk(list[i].text, " \t\r\n"))
      status =
          error_at(err, UNROLL_BAD_INPUT, path, NULL, 0, 0, "the symbol '%.60s' is empty or has white space in it", list[i].text);
  }
  lexicon_free(&seen);
  return status;
}

/* Rows by the new order. A row that is new is zeros; of a bias it is so low that it is never predicted. */
static const float *reorder(symbol_plan *p, const float *x, const entry *list, int n, int cols, float fresh) {
  float *y = arena_alloc(&p->memory, (size_t)n * (size_t)cols + 1, sizeof *y);
  for (int i = 0; y && i < n; i++)
    for (int c = 0; c < cols; c++) y[(int64_t)i * cols + c] = list[i].number < 0 ? fresh : x[(int64_t)list[i].number * cols + c];
  return y;
}

static unroll_status take_order(symbol_plan *p, int at, const entry *list, int n, unroll_error *err) {
  layers *l = &p->l;
  for (int i = 0; i < l->n; i++) {
    layer *e = &l->list[i];
    if (e->kind == LAYER_EMBED && e->in[0] == at && !(e->W = reorder(p, e->W, list, n, e->width, 0))) return error_memory(err);
  }
  l->list[at].width = n;
  if (!p->language) return UNROLL_OK;
  layer *out = &l->list[l->outputs[0].layer];
  const int cols = l->list[out->in[0]].width;
  if (!out->b && n > out->width && !(out->b = arena_alloc(&p->memory, (size_t)n + 1, sizeof *out->b))) return error_memory(err);
  if (out->b && !(out->b = reorder(p, out->b, list, n, 1, -100))) return error_memory(err);
  if (!(out->W = reorder(p, out->W, list, n, cols, 0))) return error_memory(err);
  out->width = n;
  return UNROLL_OK;
}

static unroll_status texts_out(symbol_plan *p, const char *of, const entry *list, int n, bool codes, unroll_error *err) {
  const char **texts = texts_new(&p->memory, n);
  if (!texts) return error_memory(err);
  for (int i = 0; i < n; i++) {
    char s[4];
    texts[i] = codes ? arena_text(&p->memory, s, (size_t)utf8_encode(list[i].code, s)) : list[i].text;
    if (!texts[i]) return error_memory(err);
  }
  p->symbols[p->n_symbols++] = (net_symbols){.variable = of, .kind = p->input_kind, .texts = texts, .n = n};
  return UNROLL_OK;
}

static unroll_status plan_input(symbol_plan *p, int at, const import_options *o, unroll_error *err) {
  const char **texts;
  bool unknown = false;
  int n = p->l.list[at].width;
  const char *name = p->language ? "token" : p->l.list[at].name;
  if (n > MOST_SYMBOLS) return error_set(err, UNROLL_BAD_INPUT, "%d symbols are too many", n);
  unroll_status status = o->vocabulary ? read_texts(p, o->vocabulary, n, &texts, err) : numbers_as_texts(p, n, &texts, err);
  entry *list = status ? NULL : arena_alloc(&p->memory, (size_t)n + 2, sizeof *list);
  if (!status && !list) status = error_memory(err);
  if (status) return status;
  for (int i = 0; i < n; i++) list[i] = (entry){.text = texts[i], .number = i};
  if (!o->vocabulary && !p->language) {
    p->input_kind = p->l.list[at].steps ? "category each" : "category whole";
    text_format(&p->told, "symbols are read as their numbers, from 0 to %d; option 'vocabulary' gives them texts\n", n - 1);
    return texts_out(p, name, list, n, false, err);
  }
  if (o->vocabulary && as_characters(list, n, &unknown)) {
    p->input_kind = unknown ? "chars unknown" : "chars";
    status = take_order(p, at, list, n, err);
    return status ? status : texts_out(p, name, list, n, true, err);
  }
  for (int i = 0; i < n; i++) list[i] = (entry){.text = texts[i], .number = i};
  n = as_words(list, n);
  if (list[0].number < 0)
    text_format(&p->told,
                "words that are not known are <unk>, which the model lacks: its row is zeros, and it is never predicted\n");
  p->input_kind = "words spaced";
  status = check_words(list, n, o->vocabulary, err);
  if (!status) status = take_order(p, at, list, n, err);
  return status ? status : texts_out(p, name, list, n, false, err);
}

unroll_status symbols_of_labels(symbol_plan *p, const char *name, int n, const import_options *o, unroll_error *err) {
  const char **texts = NULL;
  const char *own = arena_text(&p->memory, name, strlen(name));
  const unroll_status status = !own        ? error_memory(err)
                               : o->labels ? read_texts(p, o->labels, n, &texts, err)
                                           : numbers_as_texts(p, n, &texts, err);
  if (!status) p->symbols[p->n_symbols++] = (net_symbols){.variable = own, .kind = "category", .texts = texts, .n = n};
  return status;
}

static unroll_status plan_output(symbol_plan *p, const import_options *o, unroll_error *err) {
  if (p->language || !p->l.n_outputs || p->l.outputs[0].predicts != PREDICTS_SYMBOLS) return UNROLL_OK;
  return symbols_of_labels(p, "y", p->l.list[p->l.outputs[0].layer].width, o, err);
}

unroll_status symbols_plan(symbol_plan *p, const layers *l, const import_options *o, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  *p = (symbol_plan){.l = *l};
  p->l.list = arena_alloc(&p->memory, (size_t)l->n + 1, sizeof *l->list);
  if (!p->l.list) return error_memory(err);
  if (l->n) memcpy(p->l.list, l->list, (size_t)l->n * sizeof *l->list);
  p->language =
      layers_are_language(l) && l->outputs[0].predicts != PREDICTS_BITS && !(o->predicts && strcmp(o->predicts, "labels"));
  if (p->language) {
    p->l.outputs[0].predicts = PREDICTS_SYMBOLS;
    text_format(&p->told, "it predicts each symbol from those before: the net is a language model\n");
  }
  for (int i = 0; i < l->n && !status; i++)
    if (l->list[i].kind == LAYER_SYMBOLS && p->n_symbols < NET_OUTPUTS) status = plan_input(p, i, o, err);
  return status ? status : plan_output(p, o, err);
}

void symbols_plan_free(symbol_plan *p) {
  text_free(&p->told);
  arena_free(&p->memory);
}

unroll_status symbols_set(variable *v, const net_symbols *s, unroll_error *err) {
  const enum symbol_unit unit = v->form.unit;
  size_t *sizes = mem_zero((size_t)s->n + 1, sizeof *sizes);
  uint32_t *codes = mem_zero((size_t)s->n + 1, sizeof *codes);
  unroll_status status = sizes && codes ? UNROLL_OK : error_memory(err);
  for (int i = 0; i < s->n && !status; i++) {
    sizes[i] = strlen(s->texts[i]);
    if (!unit_has_lexicon(unit)) utf8_decode(s->texts[i], sizes[i], &codes[i]);
  }
  if (!status && (unit == UNIT_NUMBERS || unit == UNIT_BPE))
    status = error_set(err, UNROLL_BAD_INPUT, "'%s' is not of the kind %s", v->form.name, s->kind);
  if (!status)
    status = unit_has_lexicon(unit) ? vocabulary_set_words(&v->words, unit, false, s->texts, sizes, (size_t)s->n, err)
                                    : vocabulary_set(&v->words, unit, false, codes, (size_t)s->n, err);
  if (!status && v->form.unknown) status = vocabulary_open(&v->words, err);
  mem_free(sizes);
  mem_free(codes);
  return status;
}
