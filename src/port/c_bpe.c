/* c_bpe.c - what makes symbols of byte-pair encoding: the rules of symbols/bpe.h, as C. */
#include "port/c_internal.h"
#include "symbols/bpe.h"

const char *const c_bpe_code = "enum { FRONT_CHUNK = 128 };\n"
                               "static int front_kind(const char *s, int *bytes) {\n"
                               "  const unsigned long c = front_code(s, bytes);\n"
                               "  if (*bytes == 1 && (unsigned char)*s >= 0x80) return 3; /* no character */\n"
                               "  return c == ' ' ? 0 : front_digit(c) ? 2 : front_letter(c) || front_han(c) ? 1 : 3;\n"
                               "}\n"
                               "/* The chunk at s: letters, digits or signs in a row with the space before them. `before` spaces "
                               "stand before s, which are not\n"
                               " * there. Its bytes, with these; a chunk ends with its line. */\n"
                               "static int front_chunk(const char *s, int before, char *out) {\n"
                               "  int i = 0, bytes;\n"
                               "  while (i < FRONT_CHUNK && (i < before || s[i - before] == ' ')) i++;\n"
                               "  const char next = s[i - before];\n"
                               "  if (next && next != '\\n' && next != ' ') {\n"
                               "    if (i > 1) {\n"
                               "      i--; /* the last space belongs to what follows */\n"
                               "    } else {\n"
                               "      const int kind = front_kind(s + i - before, &bytes);\n"
                               "      while (s[i - before] && s[i - before] != '\\n' && front_kind(s + i - before, &bytes) == kind "
                               "&& i + bytes <= FRONT_CHUNK)\n"
                               "        i += bytes;\n"
                               "    }\n"
                               "  }\n"
                               "  for (int k = 0; k < i; k++) out[k] = k < before ? ' ' : s[k - before];\n"
                               "  return i;\n"
                               "}\n";

static const char find[] = "/* The merge of two symbols, or -1. */\n"
                           "static int @_merge(int left, int right) {\n"
                           "  int low = 0, n = %d;\n"
                           "  while (low < n) {\n"
                           "    const int middle = low + (n - low) / 2;\n"
                           "    const int a = @_merges[middle][0], b = @_merges[middle][1];\n"
                           "    if (a == left && b == right) return @_merges[middle][2];\n"
                           "    if (a < left || (a == left && b < right)) low = middle + 1;\n"
                           "    else n = middle;\n"
                           "  }\n"
                           "  return -1;\n"
                           "}\n";

static const char encode[] = " {\n"
                             "  char chunk[FRONT_CHUNK];\n"
                             "  int piece[FRONT_CHUNK], count = 0, before = 1;\n"
                             "  while (*utf8) {\n"
                             "    if (*utf8 == '\\n') {\n"
                             "      if (count >= most) return -2;\n"
                             "      symbols[count++] = %d;\n"
                             "      utf8++;\n"
                             "      before = 1;\n"
                             "      continue;\n"
                             "    }\n"
                             "    int n = front_chunk(utf8, before, chunk);\n"
                             "    utf8 += n - before;\n"
                             "    before = 0;\n"
                             "    for (int i = 0; i < n; i++) piece[i] = (unsigned char)chunk[i];\n"
                             "    for (;;) { /* the earliest merge that there is, everywhere */\n"
                             "      int best = -1, left = 0, right = 0, kept = 0;\n"
                             "      for (int i = 0; i + 1 < n; i++) {\n"
                             "        const int k = @_merge(piece[i], piece[i + 1]);\n"
                             "        if (k < 0 || (best >= 0 && k >= best)) continue;\n"
                             "        best = k;\n"
                             "        left = piece[i];\n"
                             "        right = piece[i + 1];\n"
                             "      }\n"
                             "      if (best < 0) break;\n"
                             "      for (int i = 0; i < n; i++) {\n"
                             "        const int pair = i + 1 < n && piece[i] == left && piece[i + 1] == right;\n"
                             "        piece[kept++] = pair ? 256 + best : piece[i];\n"
                             "        i += pair;\n"
                             "      }\n"
                             "      n = kept;\n"
                             "    }\n"
                             "    if (n > most - count) return -2;\n"
                             "    for (int i = 0; i < n; i++) symbols[count++] = piece[i];\n"
                             "  }\n";

/* The text with the variable's name for @, and a number for %d. */
static void put(const char *name, const char *code, int number, text *out) {
  for (; *code; code++)
    if (*code == '@')
      text_format(out, "%s", name);
    else if (code[0] == '%' && code[1] == 'd') {
      text_format(out, "%d", number);
      code++;
    } else
      text_add(out, code, 1);
}

static bool pair_after(const void *context, int a, int b) {
  const bpe_merge *m = (const bpe_merge *)context + a, *n = (const bpe_merge *)context + b;
  return m->left != n->left ? m->left > n->left : m->right > n->right;
}

void c_bpe(c_export *c, int data, text *out) {
  const vocabulary *v = &c->m->schema.list[data].words;
  const char *name = c->g->data[data].name;
  const int *sorted = c_sorted(c, v->n_merges, pair_after, v->merges);
  out->failed |= !sorted;
  if (!sorted) return;
  text_format(out, "/* Of each merge: left, right, and its number. */\nstatic const %s %s_merges[%d][3] = {\n ",
              v->n < 1 << 16 ? "unsigned short" : "int", name, v->n_merges ? v->n_merges : 1);
  for (int i = 0; i < v->n_merges; i++)
    text_format(out, "%s{%d, %d, %d}%s", i && i % 6 == 0 ? "\n  " : " ", (int)v->merges[sorted[i]].left,
                (int)v->merges[sorted[i]].right, sorted[i], i + 1 < v->n_merges ? "," : "");
  text_format(out, v->n_merges ? "\n};\n" : " {0, 0, 0}\n};\n");
  put(name, find, v->n_merges, out);
  text_format(out, "\n");
  c_front_signature(c, data, out);
  put(name, encode, v->end >= 0 ? (int)v->end : '\n', out);
}
