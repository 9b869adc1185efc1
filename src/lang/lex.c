/* lex.c - text -> tokens: characters, numbers, comments and the ends of lines. Names are in lex_name.c. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/text.h"
#include "lang/lex.h"

uint32_t lex_peek(const lexer *l, size_t ahead, int *length) {
  uint32_t code = 0;
  int n = 0;
  if (ahead < l->size - l->position) n = utf8_decode(l->text + l->position + ahead, l->size - l->position - ahead, &code);
  if (n == 0) code = 0;
  if (length) *length = n;
  return code;
}

void lex_step(lexer *l, int length) {
  l->position += (size_t)length;
  l->column++;
}

token *lex_add(lexer *l, enum token_kind kind, size_t start, int column, unroll_error *err) {
  if (l->n_tokens == LEX_TOKENS) {
    if (l->problem.code && err)
      *err = l->problem; /* a file of rubbish is better described by its first character */
    else
      error_at(err, UNROLL_BAD_INPUT, l->file, l->text, l->line, column, "the file is too long: more than %d words and signs",
               LEX_TOKENS);
    return NULL;
  }
  if (l->n_tokens == l->capacity) {
    int capacity = l->capacity ? 2 * l->capacity : 256;
    token *tokens = mem_resize(l->tokens, (size_t)capacity * sizeof *tokens);
    if (!tokens) {
      error_memory(err);
      return NULL;
    }
    l->tokens = tokens;
    l->capacity = capacity;
  }
  token *t = &l->tokens[l->n_tokens++];
  *t = (token){.kind = kind, .space = l->space, .first = l->first, .start = start, .end = l->position};
  t->at = (span){.line = l->line, .column = column, .length = l->column > column ? l->column - column : 1};
  l->space = l->first = false;
  return t;
}

unroll_status lex_no_room(const lexer *l) { return l->n_tokens == LEX_TOKENS ? UNROLL_BAD_INPUT : UNROLL_FAILED; }

unroll_status lex_bad(lexer *l, size_t start, int column, unroll_error *err, const char *format, ...) {
  if (l->problem.code == UNROLL_OK) {
    char message[sizeof l->problem.message];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    error_at(&l->problem, UNROLL_BAD_INPUT, l->file, l->text, l->line, column, "%s", message);
  }
  return lex_add(l, TOKEN_BAD, start, column, err) ? UNROLL_OK : lex_no_room(l);
}

static unroll_status simple(lexer *l, enum token_kind kind, int length, unroll_error *err) {
  size_t start = l->position;
  int column = l->column;
  lex_step(l, length);
  return lex_add(l, kind, start, column, err) ? UNROLL_OK : lex_no_room(l);
}

/* number = digits ["." digits] [("e" | "E") ["+" | "-"] digits] | "." digits ... */
static unroll_status number(lexer *l, unroll_error *err) {
  size_t start = l->position, n = 0, left = l->size - l->position;
  int column = l->column;
  const char *s = l->text + start;
#define AT(i) ((i) < left ? (unsigned char)s[i] : 0u)
  while (digit(AT(n))) n++;
  if (AT(n) == '.' && digit(AT(n + 1)))
    for (n++; digit(AT(n));) n++;
  if (AT(n) == 'e' || AT(n) == 'E') {
    size_t sign = AT(n + 1) == '+' || AT(n + 1) == '-';
    if (digit(AT(n + 1 + sign)))
      for (n += 1 + sign; digit(AT(n));) n++;
  }
#undef AT
  double value = 0;
  int bad = text_number(s, n, &value);
  l->position += n;
  l->column += (int)n;
  if (bad || !isfinite(value)) return lex_bad(l, start, column, err, "the number %.*s is too large", (int)(n < 40 ? n : 40), s);
  token *t = lex_add(l, TOKEN_NUMBER, start, column, err);
  if (!t) return lex_no_room(l);
  t->number = value;
  return UNROLL_OK;
}

/* The digit that a raised character stands for, or -1. */
static int raised(uint32_t code) {
  if (code == 0x00B9) return 1;
  if (code == 0x00B2) return 2;
  if (code == 0x00B3) return 3;
  return code == 0x2070 || (code >= 0x2074 && code <= 0x2079) ? (int)(code - 0x2070) : -1;
}

enum { RAISED_MINUS = 0x207B };

/* x² and x⁻¹ are x^2 and x^-1: tokens that share one place. */
static unroll_status raised_number(lexer *l, unroll_error *err) {
  size_t start = l->position;
  int column = l->column, length, digits = 0;
  uint32_t code = lex_peek(l, 0, &length);
  bool minus = code == RAISED_MINUS;
  double value = 0;
  if (minus) lex_step(l, length);
  for (; (code = lex_peek(l, 0, &length), raised(code) >= 0); digits++) {
    lex_step(l, length);
    value = 10 * value + raised(code);
  }
  if (digits == 0 || digits > 15) return lex_bad(l, start, column, err, "expected a raised number of 1 to 15 digits, as in x²");
  if (!lex_add(l, TOKEN_CARET, start, column, err)) return lex_no_room(l);
  if (minus && !lex_add(l, TOKEN_MINUS, start, column, err)) return lex_no_room(l);
  token *t = lex_add(l, TOKEN_NUMBER, start, column, err);
  if (!t) return lex_no_room(l);
  t->number = value;
  return UNROLL_OK;
}

/* x^{2} and x^{-1}; the braces of a superscript that is no number are those of a name. */
static unroll_status braced_number(lexer *l, unroll_error *err) {
  size_t start = l->position;
  int column = l->column, length;
  lex_step(l, 1);
  lex_step(l, 1);
  if (!lex_add(l, TOKEN_CARET, start, column, err)) return lex_no_room(l);
  while (lex_peek(l, 0, &length) == ' ') lex_step(l, length);
  uint32_t code = lex_peek(l, 0, &length);
  if (code == '-' || code == 0x2212) {
    start = l->position;
    column = l->column;
    lex_step(l, length);
    if (!lex_add(l, TOKEN_MINUS, start, column, err)) return lex_no_room(l);
    code = lex_peek(l, 0, NULL);
  }
  if (digit(code) || code == '.') {
    const unroll_status status = number(l, err);
    if (status) return status;
  }
  while (lex_peek(l, 0, &length) == ' ') lex_step(l, length);
  if (lex_peek(l, 0, NULL) != '}')
    return lex_bad(l, l->position, l->column, err, "expected a number and '}': an exponent is a number, as in x^{2}");
  lex_step(l, 1);
  return UNROLL_OK;
}

static enum token_kind sign(uint32_t code) {
  switch (code) {
  case '+':
    return TOKEN_PLUS;
  case '-':
  case 0x2212:
    return TOKEN_MINUS;
  case '*':
  case 0x00D7: /* × */
  case 0x2217: /* ∗ */
  case 0x2218: /* ∘ */
  case 0x2299: /* ⊙ */
    return TOKEN_STAR;
  case 0x00B7: /* · */
  case 0x22C5: /* ⋅ */
    return TOKEN_DOT;
  case '/':
    return TOKEN_SLASH;
  case '^':
    return TOKEN_CARET;
  case '(':
    return TOKEN_OPEN;
  case ')':
    return TOKEN_CLOSE;
  case '[':
    return TOKEN_OPEN_INDEX;
  case ']':
    return TOKEN_CLOSE_INDEX;
  case ',':
    return TOKEN_COMMA;
  case ':':
    return TOKEN_COLON;
  case '=':
    return TOKEN_EQUALS;
  case '~':
  case 0x223C: /* ∼ */
    return TOKEN_TILDE;
  default:
    return TOKEN_BAD;
  }
}

static unroll_status unexpected(lexer *l, uint32_t code, int length, unroll_error *err) {
  size_t start = l->position;
  int column = l->column;
  lex_step(l, length);
  const char *s = l->text + start;
  switch (code) {
  case '\'':
  case 0x2019:
  case 0x2032:
    return lex_bad(l, start, column, err, "unexpected %.*s: a transpose follows its matrix directly, as in W' x", length, s);
  case '{':
  case '}':
    return lex_bad(l, start, column, err, "unexpected '%.*s': braces are for subscripts, as in h_{t-1}", length, s);
  case '_':
    return lex_bad(l, start, column, err, "unexpected '_': a name starts with a letter");
  case '.':
    return lex_bad(l, start, column, err, "unexpected '.': a number has digits, as in 0.5");
  case '@':
    return lex_bad(l, start, column, err, "unexpected '@': the product with a matrix is written W x");
  case ';':
    return lex_bad(l, start, column, err, "unexpected ';': a statement ends at the end of its line");
  case '"':
    return lex_bad(l, start, column, err, "unexpected '\"': words are written without quotes");
  case 0x2010:
  case 0x2011:
  case 0x2013:
  case 0x2014:
    return lex_bad(l, start, column, err, "unexpected dash '%.*s': minus is written -", length, s);
  default:
    break;
  }
  if (code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0xFEFF)
    return lex_bad(l, start, column, err, "unexpected character U+%04X", (unsigned)code);
  return lex_bad(l, start, column, err, "unexpected character '%.*s' (U+%04X)", length, s, (unsigned)code);
}

/* The end of a statement, put right behind its last token, so that a message about it points there. */
static unroll_status end_statement(lexer *l, unroll_error *err) {
  if (l->n_tokens == 0 || l->tokens[l->n_tokens - 1].kind == TOKEN_NEWLINE) return UNROLL_OK;
  span last = l->tokens[l->n_tokens - 1].at;
  token *t = lex_add(l, TOKEN_NEWLINE, l->position, l->column, err);
  if (!t) return lex_no_room(l);
  t->at = (span){.line = last.line, .column = last.column + last.length, .length = 1};
  return UNROLL_OK;
}

static bool blank(uint32_t code) { return code == ' ' || code == '\t' || code == '\r' || code == 0x00A0 || code == '&'; }

static unroll_status next(lexer *l, unroll_error *err) {
  int length;
  uint32_t code = lex_peek(l, 0, &length);
  if (blank(code)) {
    lex_step(l, length);
    l->space = true;
    return UNROLL_OK;
  }
  if (code == '#') {
    while (l->position < l->size && l->text[l->position] != '\n') l->position++;
    return UNROLL_OK;
  }
  if (code == '\n') {
    if (l->depth == 0 && end_statement(l, err)) return lex_no_room(l);
    l->position++;
    l->line++;
    l->column = 1;
    l->space = l->first = true;
    return UNROLL_OK;
  }
  if (letter(code)) return lex_name(l, err);
  if (digit(code) || (code == '.' && digit(lex_peek(l, 1, NULL)))) return number(l, err);
  if (raised(code) >= 0 || code == RAISED_MINUS) return raised_number(l, err);
  if (code == '\\') return lex_command(l, err);
  if (code == '^' && lex_peek(l, 1, NULL) == '{') return braced_number(l, err);
  enum token_kind kind = sign(code);
  if (code == ';' && l->depth > 0 && l->square & 1) kind = TOKEN_COMMA; /* [h; x] */
  if (kind == TOKEN_BAD) return unexpected(l, code, length, err);
  if (kind == TOKEN_OPEN || kind == TOKEN_OPEN_INDEX) l->depth++, l->square = l->square << 1 | (kind == TOKEN_OPEN_INDEX);
  if ((kind == TOKEN_CLOSE || kind == TOKEN_CLOSE_INDEX) && l->depth > 0) l->depth--, l->square >>= 1;
  const unroll_status status = simple(l, kind, length, err);
  if (!status) l->tokens[l->n_tokens - 1].elementwise = code == 0x2218 || code == 0x2299; /* ∘ ⊙ */
  return status;
}

/* Line and column of a byte, for a text that is not UTF-8 from there on. */
static unroll_status not_utf8(const lexer *l, size_t at, unroll_error *err) {
  int line = 1, column = 1;
  for (size_t i = 0; i < at; i++) {
    if (l->text[i] == '\n') {
      line++;
      column = 1;
    } else if (((unsigned char)l->text[i] & 0xC0) != 0x80) {
      column++;
    }
  }
  return error_at(err, UNROLL_BAD_INPUT, l->file, l->text, line, column, "byte 0x%02X is not UTF-8 text",
                  (unsigned)(unsigned char)l->text[at]);
}

unroll_status lex(lexer *l, const char *file, const char *source, arena *memory, unroll_error *err) {
  *l = (lexer){.file = file, .text = source, .memory = memory, .line = 1, .column = 1, .space = true, .first = true};
  l->size = strnlen(source, LEX_TEXT + 1);
  if (l->size > LEX_TEXT) return error_at(err, UNROLL_BAD_INPUT, file, NULL, 0, 0, "the file is larger than 1 MiB");
  size_t valid = utf8_valid(source, l->size);
  if (valid < l->size) return not_utf8(l, valid, err);
  if (lex_peek(l, 0, NULL) == 0xFEFF) l->position += 3; /* a byte order mark */
  while (l->position < l->size) {
    unroll_status status = next(l, err);
    if (status) return status;
  }
  if (end_statement(l, err) || !lex_add(l, TOKEN_END, l->position, l->column, err)) return lex_no_room(l);
  return UNROLL_OK;
}

void lex_free(lexer *l) {
  mem_free(l->tokens);
  l->tokens = NULL;
}

const char *lex_describe(const lexer *l, const token *t, char out[100]) {
  if (t->kind == TOKEN_END) return "the end of the file";
  if (t->kind == TOKEN_NEWLINE) return "the end of the line";
  size_t n = t->end - t->start, whole = 0;
  while (whole < n && whole < 60) { /* cut between characters */
    uint32_t code;
    int length = utf8_decode(l->text + t->start + whole, n - whole, &code);
    if (length == 0) break;
    whole += (size_t)length;
  }
  const char *kind = t->kind == TOKEN_NAME ? "name " : t->kind == TOKEN_NUMBER ? "number " : "";
  snprintf(out, 100, "%s'%.*s%s'", kind, (int)whole, l->text + t->start, whole < n ? "..." : "");
  return out;
}
