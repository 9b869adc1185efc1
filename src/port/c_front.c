/* c_front.c - what makes symbols of a text: the rules of the room `symbols`, as C. */
#include <string.h>
#include "port/c_internal.h"
#include "symbols/words.h"

static const char decode[] =
    "/* A character of UTF-8, and its bytes; what is no character is U+FFFD. */\n"
    "static unsigned long front_code(const char *s, int *bytes) {\n"
    "  const unsigned char *u = (const unsigned char *)s;\n"
    "  const int n = u[0] < 0x80 ? 1 : u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : u[0] < 0xf5 ? 4 : 0;\n"
    "  unsigned long code = n > 1 ? u[0] & (0xffu >> (n + 1)) : u[0];\n"
    "  *bytes = 1;\n"
    "  for (int i = 1; i < n; i++) {\n"
    "    if ((u[i] & 0xc0) != 0x80) return 0xfffd;\n"
    "    code = code << 6 | (u[i] & 0x3f);\n"
    "  }\n"
    "  if (!n || (n == 3 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) ||\n"
    "      (n == 4 && (code < 0x10000 || code > 0x10ffff)))\n"
    "    return 0xfffd;\n"
    "  *bytes = n;\n"
    "  return code;\n"
    "}\n";

static const char find[] =
    "/* The text of so many bytes among others, which are sorted: number k is texts[sorted[k]]; -1: it is not there. */\n"
    "static int front_find(const char *const *texts, const int *sorted, int n, const char *s, int bytes) {\n"
    "  int low = 0;\n"
    "  while (low < n) {\n"
    "    const int middle = low + (n - low) / 2, number = sorted ? sorted[middle] : middle;\n"
    "    const char *other = texts[number];\n"
    "    int i = 0;\n"
    "    while (i < bytes && s[i] == other[i]) i++;\n"
    "    const int a = i < bytes ? (unsigned char)s[i] : 0, b = (unsigned char)other[i];\n"
    "    if (a == b) return number;\n"
    "    if (a < b) n = middle;\n"
    "    else low = middle + 1;\n"
    "  }\n"
    "  return -1;\n"
    "}\n";

static const char letters[] =
    "static int front_digit(unsigned long c) { return c >= '0' && c <= '9'; }\n"
    "static int front_han(unsigned long c) {\n"
    "  return (c >= 0x3400 && c <= 0x9fff) || (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x3ffff);\n"
    "}\n"
    "/* Letters, marks, digits and '_', but no Han character. */\n"
    "static int front_letter(unsigned long c) {\n"
    "  if (c < 0x80) return front_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');\n"
    "  if (front_han(c)) return 0;\n"
    "  for (unsigned i = 0; i < sizeof front_signs / sizeof *front_signs; i++)\n"
    "    if (c >= front_signs[i][0] && c <= front_signs[i][1]) return 0;\n"
    "  return 1;\n"
    "}\n";

static const char words[] =
    "static int front_space(unsigned long c) {\n"
    "  return c == ' ' || (c >= '\\t' && c <= '\\r') || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||\n"
    "         c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;\n"
    "}\n"
    "static int front_joins(unsigned long before, unsigned long c, unsigned long after) {\n"
    "  if (!front_letter(before) || !front_letter(after)) return 0;\n"
    "  if (front_digit(before) && front_digit(after) && (c == '.' || c == ',' || c == ':')) return 1;\n"
    "  return c == '\\'' || c == 0x2019 || c == '-';\n"
    "}\n"
    "/* The bytes of the word at s: letters with single signs between them, <name>, dots or hyphens in a row, or one sign. */\n"
    "static int front_word(const char *s) {\n"
    "  int n, m, i;\n"
    "  unsigned long before = front_code(s, &n), c;\n"
    "  i = n;\n"
    "  if (front_letter(before)) {\n"
    "    for (;;) {\n"
    "      c = front_code(s + i, &n);\n"
    "      if (!s[i]) return i;\n"
    "      if (front_letter(c)) {\n"
    "        before = c;\n"
    "        i += n;\n"
    "        continue;\n"
    "      }\n"
    "      const unsigned long after = front_code(s + i + n, &m);\n"
    "      if (!s[i + n] || !front_joins(before, c, after)) return i;\n"
    "      before = after;\n"
    "      i += n + m;\n"
    "    }\n"
    "  }\n"
    "  if (before == '<') {\n"
    "    while (s[i] && front_letter(front_code(s + i, &n))) i += n;\n"
    "    return i > 1 && s[i] == '>' ? i + 1 : 1;\n"
    "  }\n"
    "  while ((before == '.' || before == '-') && s[i] == s[0]) i++;\n"
    "  return i;\n"
    "}\n";

static const char spaced[] = "static int front_white(char c) { return c == ' ' || (c >= '\\t' && c <= '\\r'); }\n";

static const char lower[] =
    "static unsigned long front_lower(unsigned long c) {\n"
    "  for (unsigned i = 0; i < sizeof front_runs / sizeof *front_runs; i++)\n"
    "    if (c >= front_runs[i][0] && c <= front_runs[i][1]) return c + front_runs[i][2];\n"
    "  for (unsigned i = 0; i < sizeof front_pairs / sizeof *front_pairs; i++)\n"
    "    if (c >= front_pairs[i][0] && c <= front_pairs[i][1] && (c - front_pairs[i][0]) % 2 == 0) return c + 1;\n"
    "  return c == 0x130 ? 'i' : c == 0x178 ? 0xff : c == 0x1e9e ? 0xdf : c;\n"
    "}\n"
    "/* A word in small letters; its bytes, -1 where it is too long for any symbol. */\n"
    "static int front_small(const char *s, int bytes, char *out, int most) {\n"
    "  int n, to = 0;\n"
    "  for (int i = 0; i < bytes; i += n) {\n"
    "    const unsigned long c = front_lower(front_code(s + i, &n));\n"
    "    if (to + 4 > most) return -1;\n"
    "    if (c < 0x80) {\n"
    "      out[to++] = (char)c;\n"
    "      continue;\n"
    "    }\n"
    "    if (c >= 0x10000) out[to++] = (char)(0xf0 | c >> 18);\n"
    "    if (c >= 0x10000) out[to++] = (char)(0x80 | (c >> 12 & 0x3f));\n"
    "    else if (c >= 0x800) out[to++] = (char)(0xe0 | c >> 12);\n"
    "    if (c >= 0x800) out[to++] = (char)(0x80 | (c >> 6 & 0x3f));\n"
    "    else out[to++] = (char)(0xc0 | c >> 6);\n"
    "    out[to++] = (char)(0x80 | (c & 0x3f));\n"
    "  }\n"
    "  return to;\n"
    "}\n";

/* Which of them a variable needs. */
enum piece {
  PIECE_DECODE = 1,
  PIECE_FIND = 2,
  PIECE_LETTERS = 4,
  PIECE_WORDS = 8,
  PIECE_SPACED = 16,
  PIECE_LOWER = 32,
  PIECE_BPE = 64
};

bool c_has_front(const c_export *c, int data) {
  const variable *v = &c->m->schema.list[data];
  const data_form *f = &v->form;
  if (!c->data[data].used || !c->out->symbols || c->out->symbols[data].n < 1) return false;
  if (f->unit == UNIT_LABELS) return true;
  if (f->unit == UNIT_BPE && f->lower) return false;
  return (f->unit == UNIT_CHARS || f->unit == UNIT_BPE || f->unit == UNIT_BYTES || f->unit == UNIT_WORDS) && !f->nfc &&
         f->of->sort == KIND_TEXT && strcmp(f->kind, "hex") != 0;
}

static unsigned pieces_of(const data_form *f) {
  switch (f->unit) {
  case UNIT_CHARS:
    return PIECE_DECODE | PIECE_FIND;
  case UNIT_BPE:
    return PIECE_DECODE | PIECE_LETTERS | PIECE_BPE;
  case UNIT_LABELS:
    return PIECE_FIND;
  case UNIT_WORDS:
    return PIECE_FIND | (f->lower ? PIECE_LOWER | PIECE_DECODE : 0) |
           (f->spaced ? PIECE_SPACED : PIECE_DECODE | PIECE_LETTERS | PIECE_WORDS);
  default:
    return 0;
  }
}

void c_front_signature(const c_export *c, int data, text *out) {
  const char *name = c->g->data[data].name;
  if (c->m->schema.list[data].form.unit == UNIT_LABELS)
    text_format(out, "int %s_%s_symbol(const char *label)", c->name, name);
  else
    text_format(out, "int %s_%s_symbols(const char *utf8, int *symbols, int most)", c->name, name);
}

void c_front_header(const c_export *c, text *out) {
  bool any = false;
  for (int i = 0; i < c->g->n_data; i++) {
    if (!c_has_front(c, i)) continue;
    const variable *v = &c->m->schema.list[i];
    const bool label = v->form.unit == UNIT_LABELS;
    if (label)
      text_format(out, "/* The number of a label, or -1. */\n");
    else if (!any)
      text_format(out,
                  "/* The symbols of a text, which ends with NUL: how many. -1: a character is not known; -2: they are more than "
                  "`most`. */\n");
    any |= !label;
    c_front_signature(c, i, out);
    text_format(out, ";\n");
    if (v->words.end >= 0)
      text_format(out, "enum { %s_%s_end = %d }; /* the symbol of the end */\n", c->name, c->g->data[i].name, (int)v->words.end);
  }
}

static void put_ranges(text *out, const char *name, const uint32_t (*rows)[3], int n, int columns) {
  text_format(out, "static const unsigned long %s[%d][%d] = {\n ", name, n, columns);
  for (int i = 0; i < n; i++) {
    text_format(out, i && i % 6 == 0 ? "\n  {" : " {");
    for (int j = 0; j < columns; j++) text_format(out, j ? ", 0x%x" : "0x%x", (unsigned)rows[i][j]);
    text_format(out, i + 1 < n ? "}," : "}");
  }
  text_format(out, "\n};\n");
}

static void put_tables(unsigned pieces, text *out) {
  uint32_t rows[WORD_RANGES][3];
  if (pieces & PIECE_LETTERS) put_ranges(out, "front_signs", rows, words_ranges(WORDS_SIGNS, rows), 2);
  if (pieces & PIECE_LOWER) put_ranges(out, "front_runs", rows, words_ranges(WORDS_RUNS, rows), 3);
  if (pieces & PIECE_LOWER) put_ranges(out, "front_pairs", rows, words_ranges(WORDS_PAIRS, rows), 2);
}

int *c_sorted(c_export *c, int n, bool (*after)(const void *context, int a, int b), const void *context) {
  int *sorted = arena_alloc(&c->memory, (size_t)n + 1, sizeof *sorted),
      *other = arena_alloc(&c->memory, (size_t)n + 1, sizeof *other);
  if (!sorted || !other) return NULL;
  for (int i = 0; i < n; i++) sorted[i] = i;
  for (int width = 1; width < n; width *= 2) { /* merging runs */
    for (int first = 0; first < n; first += 2 * width) {
      const int half = first + width < n ? first + width : n, end = first + 2 * width < n ? first + 2 * width : n;
      for (int i = first, j = half, k = first; k < end; k++)
        other[k] = j >= end || (i < half && !after(context, sorted[i], sorted[j])) ? sorted[i++] : sorted[j++];
    }
    memcpy(sorted, other, (size_t)n * sizeof *sorted);
  }
  return sorted;
}

static bool text_after(const void *context, int a, int b) {
  const char *const *texts = context;
  return strcmp(texts[a], texts[b]) > 0;
}

/* Numbers of the texts in the order of their bytes. */
static void put_sorted(c_export *c, int data, int n, text *out) {
  const int *sorted = c_sorted(c, n, text_after, c->out->symbols[data].texts);
  out->failed |= !sorted;
  if (!sorted) return;
  text_format(out, "static const int %s_sorted[%d] = {", c->g->data[data].name, n);
  for (int i = 0; i < n; i++) text_format(out, "%s%d%s", i % 16 ? " " : "\n  ", sorted[i], i + 1 < n ? "," : "");
  text_format(out, "\n};\n");
}

/* Where the symbol of what is found nowhere. */
static void put_words(const c_export *c, int data, int n, text *out) {
  const data_form *f = &c->m->schema.list[data].form;
  const char *name = c->g->data[data].name;
  if (f->spaced)
    text_format(out, "    while (front_white(*utf8)) utf8++;\n    if (!*utf8) break;\n"
                     "    while (utf8[bytes] && !front_white(utf8[bytes])) bytes++;\n");
  else
    text_format(out, "    while (front_space(front_code(utf8, &bytes))) utf8 += bytes;\n    if (!*utf8) break;\n"
                     "    bytes = front_word(utf8);\n");
  text_format(out, "    int number = -1;\n");
  if (f->lower)
    text_format(out,
                "    char small[256];\n    const int length = front_small(utf8, bytes, small, 256);\n"
                "    if (length >= 0) number = front_find(%s_%s_text, %s_sorted, %d, small, length);\n",
                c->name, name, name, n);
  else
    text_format(out, "    number = front_find(%s_%s_text, %s_sorted, %d, utf8, bytes);\n", c->name, name, name, n);
  text_format(out, "    if (number < 0) number = 0; /* <unk> */\n");
}

/* The loop over a text of characters, bytes or words. */
static void put_texts(c_export *c, int data, int n, text *out) {
  const variable *v = &c->m->schema.list[data];
  const char *name = c->g->data[data].name;
  const enum symbol_unit unit = v->form.unit;
  text_format(out, " {\n  int count = 0;\n  for (int bytes; *utf8; utf8 += bytes) {\n    bytes = %d;\n", unit == UNIT_BYTES);
  if (unit == UNIT_BYTES) {
    text_format(out, "    const int number = (unsigned char)*utf8;\n");
  } else if (unit == UNIT_CHARS) {
    text_format(out, "    (void)front_code(utf8, &bytes);\n    int number = front_find(%s_%s_text, 0, %d, utf8, bytes);\n", c->name,
                name, n);
    if (v->words.other)
      text_format(out, "    if (number < 0) number = %d;\n", (int)v->words.other - 1);
    else
      text_format(out, "    if (number < 0) return -1;\n");
  } else {
    put_words(c, data, n, out);
  }
  text_format(out, "    if (count >= most) return -2;\n    symbols[count++] = number;\n  }\n");
}

static void put_function(c_export *c, int data, text *out) {
  const variable *v = &c->m->schema.list[data];
  const char *name = c->g->data[data].name;
  const int n = c->out->symbols[data].n - (v->words.end >= 0);
  const enum symbol_unit unit = v->form.unit;
  if (unit == UNIT_WORDS || unit == UNIT_LABELS) put_sorted(c, data, n, out);
  text_format(out, "\n");
  if (unit == UNIT_BPE)
    c_bpe(c, data, out);
  else
    c_front_signature(c, data, out);
  if (unit == UNIT_LABELS) {
    text_format(
        out,
        " {\n  int bytes = 0;\n  while (label[bytes]) bytes++;\n  return front_find(%s_%s_text, %s_sorted, %d, label, bytes);\n}\n",
        c->name, name, name, n);
    return;
  }
  if (unit != UNIT_BPE) put_texts(c, data, n, out);
  if (v->ends && !v->fed_back)
    text_format(out, "  if (count >= most) return -2;\n  symbols[count++] = %d; /* the end */\n", (int)v->words.end);
  text_format(out, "  return count;\n}\n");
}

void c_front(c_export *c, text *out) {
  const char *const codes[] = {decode, find, letters, words, spaced, lower, c_bpe_code};
  unsigned pieces = 0;
  bool any = false;
  for (int i = 0; i < c->g->n_data; i++) {
    if (!c_has_front(c, i)) continue;
    pieces |= pieces_of(&c->m->schema.list[i].form);
    any = true;
  }
  if (any) text_format(out, "\n/* --- from texts to symbols --- */\n");
  put_tables(pieces, out);
  for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++)
    if (pieces >> i & 1) text_format(out, "%s", codes[i]);
  for (int i = 0; i < c->g->n_data; i++)
    if (c_has_front(c, i)) put_function(c, i, out);
}
