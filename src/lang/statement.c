/* statement.c - the grammar of statements, and lang_parse.
 *
 * A first pass over the tokens notes which names the file defines, because the meaning of a name may depend on a line further
 * down. A capital is a matrix only if nothing defines it, and `cell = lstm` is a setting only if nothing defines `lstm`. */
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "lang/parser.h"

/* --- the first pass --- */

static bool note(parser *p, const char *name, enum statement_kind kind, int at) {
  if (p->n_definitions == p->cap_definitions) {
    int capacity = p->cap_definitions ? 2 * p->cap_definitions : 64;
    definition *grown = mem_resize(p->definitions, (size_t)capacity * sizeof *grown);
    if (!grown) {
      parser_no_memory(p);
      return false;
    }
    p->definitions = grown;
    p->cap_definitions = capacity;
  }
  p->definitions[p->n_definitions++] = (definition){.name = name, .kind = kind, .token = at};
  return true;
}

static bool is_word(const token *t, const char *word) { return t->kind == TOKEN_NAME && !t->timed && !strcmp(t->name, word); }

static int compare(const void *left, const void *right) {
  const definition *a = left, *b = right;
  int order = strcmp(a->name, b->name);
  if (order) return order;
  if ((a->kind == STATEMENT_INIT) != (b->kind == STATEMENT_INIT)) return a->kind == STATEMENT_INIT ? 1 : -1;
  return a->token < b->token ? -1 : a->token > b->token;
}

/* Tokens of "[t]" or "[t-1]" at t, or 0. */
static int index_length(const token *t) {
  if (t[0].kind != TOKEN_OPEN_INDEX || !is_word(&t[1], "t")) return 0;
  if (t[2].kind == TOKEN_CLOSE_INDEX) return 3;
  return t[2].kind == TOKEN_MINUS && t[3].kind == TOKEN_NUMBER && t[4].kind == TOKEN_CLOSE_INDEX ? 5 : 0;
}

/* stack = "(" NAME {"," NAME} ")" "=" expression: tokens up to the ")", or 0. */
static int stack_length(const token *t) {
  if (t->kind != TOKEN_OPEN) return 0;
  int n = 1;
  for (; t[n].kind == TOKEN_NAME && t[n + 1].kind == TOKEN_COMMA; n += 2) {
  }
  return n > 1 && t[n].kind == TOKEN_NAME && t[n + 1].kind == TOKEN_CLOSE ? n + 2 : 0;
}

static bool find_definitions(parser *p) {
  int n = p->lex.n_tokens;
  for (int i = 0; i < n; i++) {
    const token *t = p->lex.tokens + i;
    const int stack = i == 0 || t[-1].kind == TOKEN_NEWLINE ? stack_length(t) : 0;
    for (int j = 1; j < stack && t[stack].kind == TOKEN_EQUALS; j += 2)
      if (!note(p, t[j].name, STATEMENT_DEFINE, i + j)) return false;
    if (t->kind != TOKEN_NAME || (i > 0 && t[-1].kind != TOKEN_NEWLINE)) continue;
    bool list = is_word(t, "param") || is_word(t, "init");
    enum statement_kind kind = list && !strcmp(t->name, "init") ? STATEMENT_INIT : STATEMENT_PARAM;
    const token *after = t + 1 + index_length(t + 1); /* the last token is TOKEN_END, so there are enough */
    if (after->kind == TOKEN_EQUALS || after->kind == TOKEN_TILDE) {
      if (!note(p, t->name, after->kind == TOKEN_EQUALS ? STATEMENT_DEFINE : STATEMENT_DISTRIBUTION, i)) return false;
    } else if (is_word(t, "data") && t[1].kind == TOKEN_NAME) {
      if (!note(p, t[1].name, STATEMENT_DATA, i + 1)) return false;
    } else if (list) {
      for (int j = i + 1; p->lex.tokens[j].kind == TOKEN_NAME; j += 2) {
        if (!note(p, p->lex.tokens[j].name, kind, j)) return false;
        if (p->lex.tokens[j + 1].kind != TOKEN_COMMA) break;
      }
    }
  }
  if (p->n_definitions > 0) qsort(p->definitions, (size_t)p->n_definitions, sizeof *p->definitions, compare);
  return true;
}

/* `data y` and `y ~ ...` go together; nothing else does. */
static bool clash(enum statement_kind a, enum statement_kind b) {
  return !((a == STATEMENT_DATA && b == STATEMENT_DISTRIBUTION) || (a == STATEMENT_DISTRIBUTION && b == STATEMENT_DATA));
}

/* Was the name at token i given a meaning before? */
static bool is_new(parser *p, int i, enum statement_kind kind) {
  const token *t = p->lex.tokens + i;
  if (!strcmp(t->name, "t")) {
    parser_fail(p, t, "'t' is the step and cannot be defined");
    return false;
  }
  int low = 0, high = p->n_definitions; /* the first of its kind: `init` and the rest are two worlds */
  definition key = {.name = t->name, .kind = kind, .token = -1};
  while (low < high) {
    int middle = low + (high - low) / 2;
    if (compare(p->definitions + middle, &key) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  for (; low < p->n_definitions && p->definitions[low].token < i && !strcmp(p->definitions[low].name, t->name); low++) {
    const definition *d = p->definitions + low;
    if ((d->kind == STATEMENT_INIT) != (kind == STATEMENT_INIT)) break;
    if (!clash(d->kind, kind)) continue;
    int line = p->lex.tokens[d->token].at.line;
    if (kind == STATEMENT_INIT)
      parser_fail(p, t, "'%s' has an init already, on line %d", t->name, line);
    else if (kind == STATEMENT_DISTRIBUTION && d->kind == STATEMENT_DISTRIBUTION)
      parser_fail(p, t, "'%s' has a distribution already, on line %d", t->name, line);
    else
      parser_fail(p, t, "'%s' is defined already, on line %d", t->name, line);
    return false;
  }
  return true;
}

/* --- statements --- */

static const char end_of_line[] = "an operator or the end of the line";

static bool parse_end(parser *p, const char *what) {
  if (parser_is(p, TOKEN_NEWLINE)) {
    parser_take(p);
    return true;
  }
  if (what == end_of_line)
    parser_expected_after(p, what);
  else
    parser_expected(p, what);
  return false;
}

/* A list of names whose items stay on the stack from `first` on. */
static bool parse_names(parser *p, enum statement_kind kind) {
  for (;;) {
    if (!parser_is(p, TOKEN_NAME)) {
      parser_expected(p, "a name");
      return false;
    }
    int at = p->at;
    const token *t = parser_take(p);
    if (t->timed || t->transposed) {
      parser_fail(p, t, "a parameter is the same at every step: write its name alone, '%s'", t->name);
      return false;
    }
    if (!is_new(p, at, kind) || !parser_push(p, NULL, t->name, t->at)) return false;
    if (!parser_is(p, TOKEN_COMMA)) return true;
    parser_take(p);
  }
}

/* The items from `first` on become s->names. */
static bool take_names(parser *p, int first, statement *s) {
  int n = p->n_items - first;
  s->n_names = n;
  if (n == 0) return true;
  s->names = arena_alloc(p->memory, (size_t)n, sizeof *s->names);
  s->names_at = arena_alloc(p->memory, (size_t)n, sizeof *s->names_at);
  if (!s->names || !s->names_at) {
    parser_no_memory(p);
    return false;
  }
  for (int i = 0; i < n; i++) {
    s->names[i] = p->items[first + i].name;
    s->names_at[i] = p->items[first + i].at;
  }
  p->n_items = first;
  return true;
}

/* A name that may stand alone or before arguments: `chars`, `words(20000)`, `orthogonal`. */
static expr *parse_kind(parser *p, const char *what) {
  const token *t = parser_now(p);
  if (t->kind != TOKEN_NAME || t->capital || t->timed) return parser_expected(p, what);
  if (parser_ahead(p, 1)->kind == TOKEN_OPEN) return parse_call(p);
  expr *e = parser_node(p, EXPR_NAME, t);
  if (e) e->name = t->name;
  parser_take(p);
  return e;
}

/* data = "data" NAME ":" kind {NAME} */
static bool parse_data(parser *p, statement *s) {
  s->kind = STATEMENT_DATA;
  parser_take(p);
  int at = p->at;
  const token *t = parser_take(p);
  s->name = t->name;
  s->at = t->at;
  if (!is_new(p, at, STATEMENT_DATA)) return false;
  if (t->transposed || (t->timed && t->shift < 0)) {
    parser_fail(p, t, "a data line takes the name alone, as in 'data %s : number'", t->name);
    return false;
  }
  if (!parser_is(p, TOKEN_COLON)) {
    parser_expected(p, "':' and what kind of data it is, as in 'data token : chars'");
    return false;
  }
  parser_take(p);
  if (!(s->value = parse_kind(p, "a kind of data after ':', such as chars, words(20000) or number"))) return false;
  int first = p->n_items;
  while (parser_is(p, TOKEN_NAME)) {
    t = parser_take(p);
    if (!parser_push(p, NULL, t->name, t->at)) return false;
  }
  return take_names(p, first, s) && parse_end(p, "a word or the end of the line");
}

/* param = "param" NAME {"," NAME} */
static bool parse_param(parser *p, statement *s) {
  s->kind = STATEMENT_PARAM;
  int first = p->n_items;
  parser_take(p);
  s->name = parser_now(p)->name;
  s->at = parser_now(p)->at;
  return parse_names(p, STATEMENT_PARAM) && take_names(p, first, s) && parse_end(p, "',' or the end of the line");
}

/* init = "init" NAME {"," NAME} "=" (["-"] NUMBER | NAME | call) */
static bool parse_init(parser *p, statement *s) {
  s->kind = STATEMENT_INIT;
  int first = p->n_items;
  parser_take(p);
  s->name = parser_now(p)->name;
  s->at = parser_now(p)->at;
  if (!parse_names(p, STATEMENT_INIT) || !take_names(p, first, s)) return false;
  if (!parser_is(p, TOKEN_EQUALS)) {
    parser_expected(p, "',' or '='");
    return false;
  }
  parser_take(p);
  bool minus = parser_is(p, TOKEN_MINUS);
  if (minus) parser_take(p);
  if (parser_is(p, TOKEN_NUMBER)) {
    const token *t = parser_take(p);
    if (!(s->value = parser_node(p, EXPR_NUMBER, t))) return false;
    s->value->number = minus ? -t->number : t->number;
  } else if (minus) {
    parser_expected(p, "a number after '-'");
    return false;
  } else if (!(s->value = parse_kind(p, "a number, or a name such as orthogonal, xavier or uniform(0.1)"))) {
    return false;
  }
  return parse_end(p, "the end of the line");
}

/* output = "output" NAME */
static bool parse_output(parser *p, statement *s) {
  s->kind = STATEMENT_OUTPUT;
  const token *t = (parser_take(p), parser_take(p));
  s->name = t->name;
  s->at = t->at;
  for (int i = 0; i < p->n_statements; i++)
    if (p->statements[i].kind == STATEMENT_OUTPUT) {
      parser_fail(p, t, "the output is given already, on line %d", p->statements[i].at.line);
      return false;
    }
  return parse_end(p, "the end of the line");
}

/* width = "width" NAME "=" expression */
static bool parse_width(parser *p, statement *s) {
  s->kind = STATEMENT_WIDTH;
  parser_take(p);
  const token *t = parser_take(p);
  s->name = t->name;
  s->at = t->at;
  for (int i = 0; i < p->n_statements; i++)
    if (p->statements[i].kind == STATEMENT_WIDTH && !strcmp(p->statements[i].name, t->name)) {
      parser_fail(p, t, "'%s' has a width already, on line %d", t->name, p->statements[i].at.line);
      return false;
    }
  if (t->transposed || (t->timed && t->shift < 0)) {
    parser_fail(p, t, "a value is as wide at every step: write its name alone, '%s'", t->name);
    return false;
  }
  if (!parser_is(p, TOKEN_EQUALS)) {
    parser_expected(p, "'=' and a number");
    return false;
  }
  parser_take(p);
  return (s->value = parse_expression(p)) && parse_end(p, end_of_line);
}

/* Is the whole right side a number or a word? Then the statement is a setting. */
static void see_setting(parser *p, statement *s) {
  const expr *e = s->value;
  if (e->kind == EXPR_NUMBER || (e->kind == EXPR_NEGATE && e->args[0]->kind == EXPR_NUMBER)) {
    s->kind = STATEMENT_SETTING;
    s->number = e->kind == EXPR_NUMBER ? e->number : -e->args[0]->number;
  } else if (e->kind == EXPR_NAME && !p->indexed && !parser_defined(p, e->name)) {
    s->kind = STATEMENT_SETTING; /* a capital would be a matrix without its operand */
    s->word = e->name;
  }
}

/* definition = NAME ["[" "t" "]"] "=" expression */
static bool parse_definition(parser *p, statement *s) {
  s->kind = STATEMENT_DEFINE;
  parser_take(p);
  if (!(s->value = parse_expression(p))) return false;
  see_setting(p, s);
  return parse_end(p, end_of_line);
}

/* distribution = NAME ["[" "t" "]"] "~" call */
static bool parse_distribution(parser *p, statement *s) {
  s->kind = STATEMENT_DISTRIBUTION;
  parser_take(p);
  const token *t = parser_now(p);
  if (t->kind != TOKEN_NAME || t->capital || t->timed) {
    parser_expected(p, "a distribution after '~', such as softmax(W h + b)");
    return false;
  }
  if (parser_ahead(p, 1)->kind != TOKEN_OPEN) {
    parser_take(p);
    parser_expected(p, "'(' and what the distribution depends on, as in softmax(W h + b)");
    return false;
  }
  return (s->value = parse_call(p)) && parse_end(p, "the end of the line after the distribution");
}

/* start = NAME "[" "0" "]" "=" expression */
static bool at_start(const parser *p) {
  const token *zero = parser_ahead(p, 1);
  return parser_is(p, TOKEN_OPEN_INDEX) && !parser_now(p)->space && zero->kind == TOKEN_NUMBER && zero->number == 0 &&
         parser_ahead(p, 2)->kind == TOKEN_CLOSE_INDEX && parser_ahead(p, 3)->kind == TOKEN_EQUALS;
}

static bool parse_start(parser *p, statement *s) {
  s->kind = STATEMENT_START;
  for (int i = 0; i < p->n_statements; i++)
    if (p->statements[i].kind == STATEMENT_START && !strcmp(p->statements[i].name, s->name)) {
      parser_fail(p, parser_now(p) - 1, "'%s' has a start already, on line %d", s->name, p->statements[i].at.line);
      return false;
    }
  for (int k = 0; k < 4; k++) parser_take(p);
  return (s->value = parse_expression(p)) && parse_end(p, end_of_line);
}

/* --- several names at once --- */

static bool push_statement(parser *p, statement s) {
  if (p->n_statements == PARSER_STATEMENTS) {
    parser_fail(p, parser_now(p), "more than %d statements", PARSER_STATEMENTS);
    return false;
  }
  if (p->n_statements == p->cap_statements) {
    int capacity = p->cap_statements ? 2 * p->cap_statements : 16;
    statement *grown = mem_resize(p->statements, (size_t)capacity * sizeof *grown);
    if (!grown) {
      parser_no_memory(p);
      return false;
    }
    p->statements = grown;
    p->cap_statements = capacity;
  }
  p->statements[p->n_statements++] = s;
  return true;
}

/* A call of a function with expressions that are there already. */
static expr *call_of(parser *p, const token *at, const char *name, expr **args, int n) {
  expr *e = parser_node(p, EXPR_CALL, at);
  if (!e) return NULL;
  e->name = name;
  e->n_args = n;
  e->args = arena_alloc(p->memory, (size_t)n, sizeof *e->args);
  e->arg_names = arena_alloc(p->memory, (size_t)n, sizeof *e->arg_names);
  e->arg_at = arena_alloc(p->memory, (size_t)n, sizeof *e->arg_at);
  if (!e->args || !e->arg_names || !e->arg_at) return parser_no_memory(p);
  for (int i = 0; i < n; i++) {
    e->args[i] = args[i];
    e->arg_at[i] = args[i]->at;
  }
  return e;
}

static expr *number_of(parser *p, const token *at, int value) {
  expr *e = parser_node(p, EXPR_NUMBER, at);
  if (e) e->number = value;
  return e;
}

/* "stack_i_f_o_g": what all of them are cut from. */
static const char *stack_name(parser *p, const token *first, int n) {
  char word[LEX_NAME + 1] = "stack";
  size_t length = 5;
  for (int k = 0; k < n; k++) {
    const size_t more = strlen(first[2 * k].name);
    if (length + 1 + more > LEX_NAME) break;
    word[length++] = '_';
    memcpy(word + length, first[2 * k].name, more + 1);
    length += more;
  }
  return arena_text(p->memory, word, length);
}

/* (i, f, o, g) = W [x, h[t-1]] + b: each name is one of so many equal parts of the value. With functions for each,
 * (i, f, o, g) = (sigmoid, sigmoid, sigmoid, tanh) W [x, h[t-1]], these are applied to the parts. */
static bool parse_stack(parser *p) {
  const token *t = parser_now(p), *names = t + 1, *functions = NULL;
  const int length = stack_length(t), n = (length - 1) / 2;
  for (int k = 0; k < n; k++) {
    if (names[2 * k].transposed || names[2 * k].shift < 0) {
      parser_fail(p, &names[2 * k], "only the value at this step can be defined: write '%s' on the left", names[2 * k].name);
      return false;
    }
    if (!is_new(p, p->at + 1 + 2 * k, STATEMENT_DEFINE)) return false;
  }
  p->at += length;
  if (!parser_is(p, TOKEN_EQUALS)) {
    parser_expected(p, "'=' after the names");
    return false;
  }
  parser_take(p);
  const int list = stack_length(parser_now(p));
  const enum token_kind after = parser_ahead(p, list)->kind;
  if (list && (after == TOKEN_NAME || after == TOKEN_OPEN || after == TOKEN_OPEN_INDEX)) {
    functions = parser_now(p) + 1;
    if ((list - 1) / 2 != n) {
      parser_fail(p, functions - 1, "%d functions for %d names", (list - 1) / 2, n);
      return false;
    }
    p->at += list;
  }
  statement whole = {.kind = STATEMENT_DEFINE, .at = t->at, .name = stack_name(p, names, n)};
  if (!whole.name) {
    parser_no_memory(p);
    return false;
  }
  if (parser_defined(p, whole.name)) {
    parser_fail(p, t, "'%s', which these names are cut from, is defined in line %d", whole.name,
                p->lex.tokens[parser_defined(p, whole.name)->token].at.line);
    return false;
  }
  if (!(whole.value = functions ? parse_operand(p) : parse_expression(p)) || !parse_end(p, end_of_line)) return false;
  if (!push_statement(p, whole)) return false;
  for (int k = 0; k < n; k++) {
    const token *at = &names[2 * k];
    expr *of = parser_node(p, EXPR_NAME, at), *args[] = {of, number_of(p, at, k + 1), number_of(p, at, n)};
    if (!of || !args[1] || !args[2]) return false;
    of->name = whole.name;
    expr *value = call_of(p, at, "part", args, 3);
    const char *function = functions ? functions[2 * k].name : NULL;
    if (value && function) value = call_of(p, &functions[2 * k], !strcmp(function, "\xCF\x83") ? "sigmoid" : function, &value, 1);
    if (!value || !push_statement(p, (statement){.kind = STATEMENT_DEFINE, .at = at->at, .name = at->name, .value = value}))
      return false;
  }
  return true;
}

/* A statement that begins with the name it gives a meaning to. */
static bool parse_named(parser *p, statement *s) {
  int at = p->at, shift = 0;
  const token *t = parser_take(p);
  s->name = t->name;
  s->at = t->at;
  if (!t->timed && at_start(p)) return parse_start(p, s);
  if (!t->timed && parser_is(p, TOKEN_OPEN_INDEX) && !parser_now(p)->space && !parse_index(p, &shift, NULL)) return false;
  bool equals = parser_is(p, TOKEN_EQUALS);
  if (!equals && !parser_is(p, TOKEN_TILDE)) {
    const char *name = t->name;
    if (parser_is(p, TOKEN_COLON))
      parser_fail(p, t, "expected a statement, found '%s :'; did you mean 'data %s : ...'?", name, name);
    else
      parser_expected(p, "'=' or '~' after the name");
    return false;
  }
  if (t->transposed || t->shift < 0 || shift < 0) {
    parser_fail(p, t, "only the value at this step can be defined: write '%s' on the left", t->name);
    return false;
  }
  if (!is_new(p, at, equals ? STATEMENT_DEFINE : STATEMENT_DISTRIBUTION)) return false;
  return equals ? parse_definition(p, s) : parse_distribution(p, s);
}

/* statement = data | param | init | output | width | definition | distribution */
static bool parse_statement(parser *p, statement *s) {
  const token *t = parser_now(p), *next = parser_ahead(p, 1);
  if (t->kind != TOKEN_NAME) {
    parser_expected(p, "a statement (NAME = ..., NAME ~ ..., data, param, init, output or width)");
    return false;
  }
  if (next->kind == TOKEN_NAME) {
    if (is_word(t, "data")) return parse_data(p, s);
    if (is_word(t, "param")) return parse_param(p, s);
    if (is_word(t, "init")) return parse_init(p, s);
    if (is_word(t, "output")) return parse_output(p, s);
    if (is_word(t, "width")) return parse_width(p, s);
  }
  return parse_named(p, s);
}

/* program = {statement NEWLINE} */
static bool parse_program(parser *p) {
  while (!parser_is(p, TOKEN_END)) {
    if (stack_length(parser_now(p))) {
      if (!parse_stack(p)) return false;
      continue;
    }
    statement s = {.value = NULL};
    if (!parse_statement(p, &s) || !push_statement(p, s)) return false;
  }
  return true;
}

/* --- whole files --- */

static unroll_status start(parser *p, const char *file, const char *source, arena *memory, unroll_error *err) {
  *p = (parser){.open = -1, .memory = memory, .err = err};
  p->status = lex(&p->lex, file, source, memory, err);
  if (!p->status) find_definitions(p);
  return p->status;
}

static void stop(parser *p) {
  lex_free(&p->lex);
  mem_free(p->definitions);
  mem_free(p->items);
  mem_free(p->statements);
}

unroll_status lang_parse(program **out, const char *file, const char *source, arena *memory, unroll_error *err) {
  *out = NULL;
  if (err) *err = (unroll_error){.code = UNROLL_OK};
  size_t size = strnlen(source, LEX_TEXT + 1);
  program *result = arena_alloc(memory, 1, sizeof *result);
  char *file_copy = arena_text(memory, file ? file : "", file ? strlen(file) : 0);
  char *copy = size <= LEX_TEXT ? arena_text(memory, source, size) : (char *)source; /* too long: refused below */
  if (!result || !file_copy || !copy) return error_memory(err);
  parser p;
  if (!start(&p, file_copy, copy, memory, err) && parse_program(&p)) {
    *result = (program){.file = file_copy, .text = copy, .n_statements = p.n_statements};
    result->comment = lang_comment(copy, memory);
    result->statements = arena_alloc(memory, (size_t)p.n_statements, sizeof *result->statements);
    if (!result->comment || (p.n_statements > 0 && !result->statements))
      parser_no_memory(&p);
    else if (p.n_statements > 0)
      memcpy(result->statements, p.statements, (size_t)p.n_statements * sizeof *p.statements);
  }
  stop(&p);
  if (!p.status) *out = result;
  return p.status;
}

unroll_status lang_parse_expr(expr **out, const char *source, arena *memory, unroll_error *err) {
  *out = NULL;
  if (err) *err = (unroll_error){.code = UNROLL_OK};
  parser p;
  expr *e = NULL;
  if (!start(&p, "", source, memory, err) && (e = parse_expression(&p)) && parse_end(&p, end_of_line)) {
    if (parser_is(&p, TOKEN_END))
      *out = e;
    else
      parser_expected(&p, "one expression");
  }
  stop(&p);
  return p.status;
}
