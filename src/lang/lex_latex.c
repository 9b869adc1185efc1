/* lex_latex.c - what lectures and papers type: commands with a backslash, and superscripts.
 *
 *   \tanh \sigma \alpha \mathrm{tanh} \mathbf{h} \tilde{c}      names, which lex_name.c goes on with
 *   \odot \circ \times \cdot \sim                              signs
 *   \left \right \, \; \quad \\                                nothing
 *   b^{(i)} U^{(f)} h^{(t-1)} h^{<t>} h_t^l W^T W^{\top}       part of the name, its index, or a transpose
 * A raised number stays a power: x^2, x^{-1}. */
#include <string.h>
#include "lang/lex.h"
#include "lang/lex_name.h"

enum { NESTING = 3 };
enum command_kind { COMMAND_NAME, COMMAND_SIGN, COMMAND_NOTHING, COMMAND_FONT, COMMAND_ACCENT };

static const struct command {
  const char *word;
  enum command_kind kind;
  const char *text; /* of a name or an accent */
  enum token_kind sign;
} commands[] = {
    {"tanh", COMMAND_NAME, "tanh", TOKEN_BAD},
    {"exp", COMMAND_NAME, "exp", TOKEN_BAD},
    {"log", COMMAND_NAME, "log", TOKEN_BAD},
    {"ln", COMMAND_NAME, "log", TOKEN_BAD},
    {"max", COMMAND_NAME, "max", TOKEN_BAD},
    {"min", COMMAND_NAME, "min", TOKEN_BAD},
    {"sin", COMMAND_NAME, "sin", TOKEN_BAD},
    {"cos", COMMAND_NAME, "cos", TOKEN_BAD},
    {"sigmoid", COMMAND_NAME, "sigmoid", TOKEN_BAD},
    {"softmax", COMMAND_NAME, "softmax", TOKEN_BAD},
    {"relu", COMMAND_NAME, "relu", TOKEN_BAD},
    {"ReLU", COMMAND_NAME, "relu", TOKEN_BAD},
    {"alpha", COMMAND_NAME, "\xCE\xB1", TOKEN_BAD},
    {"beta", COMMAND_NAME, "\xCE\xB2", TOKEN_BAD},
    {"gamma", COMMAND_NAME, "\xCE\xB3", TOKEN_BAD},
    {"delta", COMMAND_NAME, "\xCE\xB4", TOKEN_BAD},
    {"epsilon", COMMAND_NAME, "\xCE\xB5", TOKEN_BAD},
    {"zeta", COMMAND_NAME, "\xCE\xB6", TOKEN_BAD},
    {"eta", COMMAND_NAME, "\xCE\xB7", TOKEN_BAD},
    {"theta", COMMAND_NAME, "\xCE\xB8", TOKEN_BAD},
    {"kappa", COMMAND_NAME, "\xCE\xBA", TOKEN_BAD},
    {"lambda", COMMAND_NAME, "\xCE\xBB", TOKEN_BAD},
    {"mu", COMMAND_NAME, "\xCE\xBC", TOKEN_BAD},
    {"nu", COMMAND_NAME, "\xCE\xBD", TOKEN_BAD},
    {"xi", COMMAND_NAME, "\xCE\xBE", TOKEN_BAD},
    {"pi", COMMAND_NAME, "\xCF\x80", TOKEN_BAD},
    {"rho", COMMAND_NAME, "\xCF\x81", TOKEN_BAD},
    {"sigma", COMMAND_NAME, "\xCF\x83", TOKEN_BAD},
    {"tau", COMMAND_NAME, "\xCF\x84", TOKEN_BAD},
    {"phi", COMMAND_NAME, "\xCF\x86", TOKEN_BAD},
    {"psi", COMMAND_NAME, "\xCF\x88", TOKEN_BAD},
    {"omega", COMMAND_NAME, "\xCF\x89", TOKEN_BAD},
    {"Gamma", COMMAND_NAME, "\xCE\x93", TOKEN_BAD},
    {"Delta", COMMAND_NAME, "\xCE\x94", TOKEN_BAD},
    {"Theta", COMMAND_NAME, "\xCE\x98", TOKEN_BAD},
    {"Lambda", COMMAND_NAME, "\xCE\x9B", TOKEN_BAD},
    {"Phi", COMMAND_NAME, "\xCE\xA6", TOKEN_BAD},
    {"Omega", COMMAND_NAME, "\xCE\xA9", TOKEN_BAD},
    {"ell", COMMAND_NAME, "\xE2\x84\x93", TOKEN_BAD},
    {"odot", COMMAND_SIGN, NULL, TOKEN_STAR},
    {"circ", COMMAND_SIGN, NULL, TOKEN_STAR},
    {"times", COMMAND_SIGN, NULL, TOKEN_STAR},
    {"ast", COMMAND_SIGN, NULL, TOKEN_STAR},
    {"cdot", COMMAND_SIGN, NULL, TOKEN_DOT},
    {"sim", COMMAND_SIGN, NULL, TOKEN_TILDE},
    {"left", COMMAND_NOTHING, NULL, TOKEN_BAD},
    {"right", COMMAND_NOTHING, NULL, TOKEN_BAD},
    {"big", COMMAND_NOTHING, NULL, TOKEN_BAD},
    {"Big", COMMAND_NOTHING, NULL, TOKEN_BAD},
    {"bigl", COMMAND_NOTHING, NULL, TOKEN_BAD},
    {"bigr", COMMAND_NOTHING, NULL, TOKEN_BAD},
    {"quad", COMMAND_NOTHING, NULL, TOKEN_BAD},
    {"qquad", COMMAND_NOTHING, NULL, TOKEN_BAD},
    {"displaystyle", COMMAND_NOTHING, NULL, TOKEN_BAD},
    {"mathrm", COMMAND_FONT, NULL, TOKEN_BAD},
    {"mathbf", COMMAND_FONT, NULL, TOKEN_BAD},
    {"mathit", COMMAND_FONT, NULL, TOKEN_BAD},
    {"mathcal", COMMAND_FONT, NULL, TOKEN_BAD},
    {"boldsymbol", COMMAND_FONT, NULL, TOKEN_BAD},
    {"bm", COMMAND_FONT, NULL, TOKEN_BAD},
    {"text", COMMAND_FONT, NULL, TOKEN_BAD},
    {"textrm", COMMAND_FONT, NULL, TOKEN_BAD},
    {"textbf", COMMAND_FONT, NULL, TOKEN_BAD},
    {"operatorname", COMMAND_FONT, NULL, TOKEN_BAD},
    {"vec", COMMAND_FONT, NULL, TOKEN_BAD},
    {"tilde", COMMAND_ACCENT, "_tilde", TOKEN_BAD},
    {"widetilde", COMMAND_ACCENT, "_tilde", TOKEN_BAD},
    {"hat", COMMAND_ACCENT, "_hat", TOKEN_BAD},
    {"widehat", COMMAND_ACCENT, "_hat", TOKEN_BAD},
    {"bar", COMMAND_ACCENT, "_bar", TOKEN_BAD},
    {"overline", COMMAND_ACCENT, "_bar", TOKEN_BAD},
};

static bool roman(uint32_t code) { return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z'); }

/* Letters behind the backslash that stands `ahead` bytes further. */
static size_t word_length(const lexer *l, size_t ahead) {
  size_t n = 0;
  while (roman(lex_peek(l, ahead + 1 + n, NULL))) n++;
  return n;
}

static bool is_command(const lexer *l, size_t ahead, const char *word) {
  const size_t n = word_length(l, ahead);
  return lex_peek(l, ahead, NULL) == '\\' && n == strlen(word) && !memcmp(l->text + l->position + ahead + 1, word, n);
}

static const struct command *command_at(const lexer *l) {
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (is_command(l, 0, commands[i].word)) return &commands[i];
  return NULL;
}

static void skip(lexer *l, size_t n) { /* bytes that are one character each */
  while (n--) lex_step(l, 1);
}

unroll_status lex_command(lexer *l, unroll_error *err) {
  const size_t start = l->position, n = word_length(l, 0);
  const int column = l->column;
  const struct command *c = command_at(l);
  if (c && c->kind != COMMAND_SIGN && c->kind != COMMAND_NOTHING) return lex_name(l, err);
  const uint32_t sign = lex_peek(l, 1, NULL);
  const bool spacing = n == 0 && sign && strchr(",;:! \\", (int)sign);
  if (!c && !spacing) {
    const int length = (int)(n < 40 ? n : 40);
    skip(l, n + 1);
    return lex_bad(l, start, column, err,
                   "unknown command '\\%.*s'; known are letters such as \\sigma, functions such as \\tanh, \\odot, "
                   "\\cdot, \\tilde{c}, \\mathbf{h} and the like",
                   length, l->text + start + 1);
  }
  skip(l, spacing ? 2 : n + 1);
  l->space = true;
  if (!c || c->kind == COMMAND_NOTHING) return UNROLL_OK;
  token *t = lex_add(l, c->sign, start, column, err);
  if (t) t->elementwise = !strcmp(c->word, "odot") || !strcmp(c->word, "circ");
  return t ? UNROLL_OK : lex_no_room(l);
}

static bool command(lexer *l, name *n, int depth);

/* The letters and digits of "{hh}", or one letter without braces; a few commands within each other. */
static void argument(lexer *l, name *n, int depth) {
  int length;
  const bool braced = lex_peek(l, 0, NULL) == '{';
  bool any = false;
  if (braced) skip(l, 1);
  while (lex_peek(l, 0, NULL) == ' ') skip(l, 1);
  for (uint32_t code; (code = lex_peek(l, 0, &length)) != 0 && (braced || !any) && !n->problem; any = true) {
    if (depth < NESTING && command(l, n, depth + 1)) continue;
    if (!letter(code) && !digit(code) && code != '_' && code != ' ') break;
    if (code != ' ') name_append_code(n, code);
    lex_step(l, length);
  }
  if (!any) n->problem = "expected a name in braces, as in \\tilde{c} or \\mathrm{tanh}";
  if (!braced || n->problem) return;
  if (lex_peek(l, 0, NULL) == '}')
    skip(l, 1);
  else
    n->problem = "expected '}': a command in front of a name takes letters, as in \\tilde{c}";
}

static bool command(lexer *l, name *n, int depth) {
  const struct command *c = lex_peek(l, 0, NULL) == '\\' ? command_at(l) : NULL;
  if (!c || c->kind == COMMAND_SIGN || c->kind == COMMAND_NOTHING) return false;
  skip(l, strlen(c->word) + 1);
  if (c->kind == COMMAND_NAME) {
    name_append(n, c->text, strlen(c->text));
    return true;
  }
  argument(l, n, depth);
  if (c->kind == COMMAND_ACCENT && !n->problem) name_append(n, c->text, strlen(c->text));
  return true;
}

bool name_command(lexer *l, name *n) { return command(l, n, 0); }

/* Does a call follow: '(', perhaps after blanks and \left? */
bool name_before_call(const lexer *l) {
  size_t ahead = 0;
  for (uint32_t code; (code = lex_peek(l, ahead, NULL)) == ' ' || code == '\t';) ahead++;
  while (is_command(l, ahead, "left") || is_command(l, ahead, "big") || is_command(l, ahead, "Big") || is_command(l, ahead, "bigl"))
    ahead += word_length(l, ahead) + 1;
  return lex_peek(l, ahead, NULL) == '(';
}

/* --- superscripts --- */

/* W^T, W^{T}, W^\top, W^{\top} of a capital: bytes behind '^', or 0. */
static size_t transpose_length(const lexer *l) {
  const bool braced = lex_peek(l, 1, NULL) == '{';
  const size_t at = braced ? 2 : 1;
  size_t n = 0;
  if (is_command(l, at, "top") || is_command(l, at, "intercal")) n = word_length(l, at) + 1;
  const uint32_t after = lex_peek(l, at + 1, NULL);
  if (!n && lex_peek(l, at, NULL) == 'T' && !letter(after) && !digit(after)) n = 1;
  if (!n || (braced && lex_peek(l, at + n, NULL) != '}')) return 0;
  return n + (braced ? 2 : 0);
}

/* May letters behind '^' belong to the name? x^n is more likely a power that the language has not. */
static bool takes_letters(const name *n, bool capital) {
  if (n->timed || capital || !strcmp(n->text, "b")) return true;
  return n->length > 2 && !memcmp(n->text + n->length - 2, "_t", 2);
}

/* What stands behind '^': t or t-1 in any brackets, anything in "{(...)}", letters of what takes them; x^2, x^{-1} and x^(-1) are
 * powers. */
static bool is_superscript(const lexer *l, const name *n, bool capital) {
  size_t ahead = 1;
  const bool braced = lex_peek(l, ahead, NULL) == '{';
  if (braced) ahead++;
  while (lex_peek(l, ahead, NULL) == ' ') ahead++;
  const bool angle = is_command(l, ahead, "langle");
  uint32_t code = lex_peek(l, ahead, NULL);
  const bool bracket = angle || code == '(' || code == '<';
  if (bracket) ahead += angle ? 7 : 1;
  while (lex_peek(l, ahead, NULL) == ' ') ahead++;
  code = lex_peek(l, ahead, NULL);
  const uint32_t after = lex_peek(l, ahead + 1, NULL);
  if (code == 't' && !letter(after) && !digit(after)) return true;
  if (braced && bracket) return letter(code) || digit(code);
  return letter(code) && takes_letters(n, capital);
}

bool name_superscript(lexer *l, name *n, bool capital, bool *transposed) {
  if (lex_peek(l, 0, NULL) != '^') return false;
  const size_t transpose = capital ? transpose_length(l) : 0;
  if (transpose) {
    skip(l, transpose + 1);
    return *transposed = true;
  }
  if (!is_superscript(l, n, capital)) return false;
  name_unscript(n, capital, false);
  skip(l, 1);
  if (letter(lex_peek(l, 0, NULL))) { /* h_t^l */
    int length;
    const uint32_t code = lex_peek(l, 0, &length);
    if (code == 't' && !letter(lex_peek(l, 1, NULL)))
      n->timed = true;
    else
      name_append_code(n, code);
    lex_step(l, length);
    return true;
  }
  const bool braced = lex_peek(l, 0, NULL) == '{';
  if (braced) skip(l, 1);
  while (lex_peek(l, 0, NULL) == ' ') skip(l, 1);
  uint32_t open = lex_peek(l, 0, NULL);
  const bool angle = is_command(l, 0, "langle");
  if (angle)
    skip(l, 7);
  else if (open == '(' || open == '<')
    skip(l, 1);
  else
    open = 0;
  name_index(l, n, angle ? '\\' : open == '(' ? ')' : open == '<' ? '>' : '}');
  if (n->problem) return true;
  if (angle && is_command(l, 0, "rangle"))
    skip(l, 7);
  else if (open)
    skip(l, 1);
  while (lex_peek(l, 0, NULL) == ' ') skip(l, 1);
  if (braced && lex_peek(l, 0, NULL) == '}')
    skip(l, 1);
  else if (braced)
    n->problem = "expected '}': a superscript is letters, t or t-1, as in U^{(f)} or h^{(t-1)}";
  return true;
}
