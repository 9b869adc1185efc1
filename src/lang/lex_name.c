/* lex_name.c - names and their subscripts.
 *
 * A name is letters, digits and '_'. Textbook subscripts are undone here, so that every spelling gives the same token:
 *   W_{hh} = Whh   b_{f} = b_f = bf   W_f = Wf   h_1 in small digits = h1      part of the name
 *   b^{(i)} = bi   h_t^l = hl[t]   h^{(t-1)} = h[t-1]   W^T = W'               superscripts, see lex_latex.c
 *   h_{t-1} = h[t-1]   x_t = x_{t} = x[t]                                      an index; `_t` stays in front of '(': student_t(
 *   c~ and c with a combining tilde = c_tilde
 *   y.seen                                                                      a name with a point: was y observed?
 * What a capital means is the parser's business: only it knows which names the file defines. */
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/text.h"
#include "lang/lex.h"
#include "lang/lex_name.h"

enum { COMBINING_TILDE = 0x0303, SUB_ZERO = 0x2080, SUB_NINE = 0x2089, SUB_MINUS = 0x208B, SUB_T = 0x209C, MINUS = 0x2212 };

void name_append(name *n, const char *s, size_t length) {
  if (n->length + length > LEX_NAME) {
    n->too_long = true;
    return;
  }
  memcpy(n->text + n->length, s, length);
  n->length += length;
  n->text[n->length] = 0;
}

void name_append_code(name *n, uint32_t code) {
  char s[4];
  name_append(n, s, (size_t)utf8_encode(code, s));
}

/* The first character that is not a blank, from `ahead` bytes on. */
static uint32_t peek_solid(const lexer *l, size_t ahead) {
  uint32_t code;
  while ((code = lex_peek(l, ahead, NULL)) == ' ' || code == '\t') ahead++;
  return code;
}

/* Is the '~' that stands here, right behind a name, a part of it? `c~ = ...`, `z * c~ + d`: yes; `y~softmax(...)`, `y~ softmax`:
 * no. */
static bool tilde_is_name(const lexer *l) {
  uint32_t code = lex_peek(l, 1, NULL);
  if (code == '_' || code == '[') return true;
  code = peek_solid(l, 1);
  switch (code) {
  case 0:
  case '\n':
  case '\r':
  case '#':
  case '=':
  case ')':
  case ']':
  case ',':
  case '+':
  case '-':
  case '*':
  case '/':
  case '^':
  case MINUS:
  case 0x00D7:
  case 0x2217:
  case 0x2218:
  case 0x2299:
  case 0x00B7:
  case 0x22C5:
  case 0x00B2:
  case 0x00B3:
    return true;
  default:
    return false;
  }
}

static void skip_blanks(lexer *l) {
  int length;
  uint32_t code;
  while ((code = lex_peek(l, 0, &length)) == ' ' || code == '\t') lex_step(l, length);
}

/* Reads digits into a shift. Above the cap it stays above. */
static bool read_shift(lexer *l, name *n, uint32_t zero) {
  int length, digits = 0, value = 0;
  for (uint32_t code; (code = lex_peek(l, 0, &length)) >= zero && code <= zero + 9; digits++) {
    lex_step(l, length);
    if (value <= LEX_SHIFT) value = 10 * value + (int)(code - zero);
  }
  if (digits == 0) return false;
  if (value > LEX_SHIFT) n->problem = "an index goes back at most 1000 steps";
  n->shift = -value;
  return true;
}

void name_index(lexer *l, name *n, uint32_t close) {
  int length;
  skip_blanks(l);
  uint32_t code = lex_peek(l, 0, &length), after = lex_peek(l, 1, NULL);
  if (code == 't' && !letter(after) && !digit(after)) {
    lex_step(l, 1);
    skip_blanks(l);
    if (n->timed) n->problem = "a name has one time index";
    n->timed = true;
    code = lex_peek(l, 0, &length);
    if (code == '+') n->problem = "the future is not known: use 'backward' for a recurrence that reads from the end";
    if (code == '-' || code == MINUS) {
      lex_step(l, length);
      skip_blanks(l);
      if (!read_shift(l, n, '0')) n->problem = "expected a number of steps, as in h_{t-1}";
    }
  } else {
    bool any = false;
    for (; letter(code) || digit(code); code = lex_peek(l, 0, &length), any = true) {
      name_append_code(n, code);
      lex_step(l, length);
    }
    if (!any) n->problem = "expected letters, t or t-1 in the subscript, as in W_{hh} or h_{t-1}";
  }
  skip_blanks(l);
  if (!n->problem && lex_peek(l, 0, NULL) != close)
    n->problem = close == '}' ? "expected '}': a subscript is letters, t or t-1, as in W_{hh} or h_{t-1}"
                              : "expected its closing bracket: a superscript is letters, t or t-1, as in U^{(f)} or h^{(t-1)}";
}

/* "_{" ( "t" ["-" digits] | letters and digits ) "}" */
static void braces(lexer *l, name *n) {
  lex_step(l, 1);
  lex_step(l, 1);
  name_index(l, n, '}');
  if (!n->problem) lex_step(l, 1);
}

/* Small raised-down letters: hₜ, hₜ₋₁. */
static void small_index(lexer *l, name *n, int length) {
  lex_step(l, length);
  n->timed = true;
  if (lex_peek(l, 0, &length) != SUB_MINUS) return;
  lex_step(l, length);
  if (!read_shift(l, n, SUB_ZERO)) n->problem = "expected a number of steps, as in hₜ₋₁";
}

static void read_name(lexer *l, name *n, bool *capital, bool *transposed) {
  static const uint32_t composed[] = {0x00E3, 'a', 0x1EBD, 'e', 0x0129, 'i', 0x00F1, 'n',
                                      0x00F5, 'o', 0x0169, 'u', 0x1E7D, 'v', 0x1EF9, 'y'};
  int length;
  for (uint32_t code; (code = lex_peek(l, 0, &length)) != 0 && !n->problem && !*transposed;) {
    if (n->length && code == '^') {
      if (!name_superscript(l, n, *capital, transposed)) break;
    } else if (n->timed) {
      break;
    } else if (n->length == 0 && name_command(l, n)) {
      uint32_t first = 0;
      utf8_decode(n->text, n->length, &first);
      *capital = letter_capital(first);
    } else if (code == '_' && lex_peek(l, 1, NULL) == '{') {
      braces(l, n);
    } else if (letter(code) || digit(code) || code == '_') {
      name_append_code(n, code);
      lex_step(l, length);
    } else if (code == COMBINING_TILDE || (code == '~' && tilde_is_name(l))) {
      name_append(n, "_tilde", 6);
      lex_step(l, length);
    } else if (code >= SUB_ZERO && code <= SUB_NINE) {
      name_append_code(n, '0' + code - SUB_ZERO);
      lex_step(l, length);
    } else if (code == SUB_T) {
      small_index(l, n, length);
    } else {
      break;
    }
  }
  uint32_t code = 0; /* ñ typed as one character is n with a tilde too, when it is the whole name */
  if ((size_t)utf8_decode(n->text, n->length, &code) == n->length)
    for (size_t i = 0; i < sizeof composed / sizeof *composed; i += 2)
      if (code == composed[i]) {
        n->length = 0;
        name_append_code(n, composed[i + 1]);
        name_append(n, "_tilde", 6);
      }
}

/* `.seen` right behind a name: whether that was observed. */
static void read_seen(lexer *l, name *n) {
  static const char seen[] = ".seen";
  int length;
  for (size_t i = 0; i + 1 < sizeof seen; i++)
    if (lex_peek(l, i, NULL) != (uint32_t)seen[i]) return;
  const uint32_t next = lex_peek(l, sizeof seen - 1, NULL);
  if (letter(next) || digit(next) || next == '_') return;
  for (size_t i = 0; i + 1 < sizeof seen; i++) {
    lex_peek(l, 0, &length);
    lex_step(l, length);
  }
  name_append(n, seen, sizeof seen - 1);
}

void name_unscript(name *n, bool capital, bool call) {
  const bool braced = n->timed;
  while (!call && n->length > 2 && memcmp(n->text + n->length - 2, "_t", 2) == 0) {
    if (braced) n->problem = "a name has one time index";
    n->length -= 2;
    n->text[n->length] = 0;
    n->timed = true;
  }
  char *under = strrchr(n->text, '_');
  if (!under || under == n->text || under[-1] == '_') return;
  uint32_t code = 0;
  size_t base = (size_t)(under - n->text), rest = n->length - base - 1;
  if (rest == 0 || (size_t)utf8_decode(under + 1, rest, &code) != rest) return; /* more than one letter */
  if (!capital && !(base == 1 && n->text[0] == 'b')) return;
  memmove(under, under + 1, rest + 1);
  n->length--;
}

/* h_t-1: is it the step before, or 1 less? */
static void check_minus(const lexer *l, name *n) {
  const uint32_t next = lex_peek(l, 0, NULL);
  if ((next == '-' || next == MINUS) && digit(lex_peek(l, next == '-' ? 1 : 3, NULL)))
    n->problem = "the step before is written h[t-1] or h_{t-1}; put spaces around a minus";
}

unroll_status lex_name(lexer *l, unroll_error *err) {
  size_t start = l->position;
  int column = l->column, length;
  bool capital = letter_capital(lex_peek(l, 0, NULL)), transposed = false;
  name n = {.length = 0};
  read_name(l, &n, &capital, &transposed);
  const bool indexed = n.timed;
  if (!n.problem && !n.timed && !transposed) read_seen(l, &n);
  if (!n.problem && !n.too_long) name_unscript(&n, capital, !capital && name_before_call(l));
  if (!n.problem && n.timed && !indexed) check_minus(l, &n);
  if (n.problem) return lex_bad(l, start, column, err, "%s", n.problem);
  if (n.too_long) return lex_bad(l, start, column, err, "a name has at most %d bytes", LEX_NAME);
  if (!strcmp(n.text, "σ") && !n.timed && name_before_call(l)) {
    n.length = 0;
    name_append(&n, "sigmoid", 7);
  }
  uint32_t code = lex_peek(l, 0, &length);
  if (capital && (code == '\'' || code == 0x2019 || code == 0x2032)) {
    transposed = true;
    lex_step(l, length);
  }
  token *t = lex_add(l, TOKEN_NAME, start, column, err);
  if (!t) return lex_no_room(l);
  t->capital = capital;
  t->transposed = transposed;
  t->timed = n.timed;
  t->shift = n.shift;
  t->name = arena_text(l->memory, n.text, n.length);
  return t->name ? UNROLL_OK : error_memory(err);
}
