/* print.c - programs and expressions as canonical text, which parses back to the same tree. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lang/lang.h"

/* How tight an expression binds, as in the grammar. */
enum { SUM = 1, PRODUCT, SIGN, APPLICATION, POWER, PRIMARY };

static int binding(const expr *e) {
  switch (e->kind) {
  case EXPR_ADD:
  case EXPR_SUB:
    return SUM;
  case EXPR_MUL:
  case EXPR_DIV:
    return PRODUCT;
  case EXPR_NEGATE:
    return SIGN;
  case EXPR_MATRIX:
    return APPLICATION;
  case EXPR_POWER:
    return POWER;
  case EXPR_NUMBER:
    return signbit(e->number) ? SIGN : PRIMARY;
  default:
    return PRIMARY;
  }
}

/* The shortest of three precisions that reads back as the same number, with a point whatever the locale. */
static void print_number(double x, text *out) {
  char s[40];
  double back;
  for (int precision = 15; precision <= 17; precision++) {
    snprintf(s, sizeof s, "%.*g", precision, x);
    size_t n = 0;
    for (const char *from = s; *from; from++) { /* a decimal sign may be several bytes */
      if (strchr("0123456789+-e", *from))
        s[n++] = *from;
      else if (n > 0 && s[n - 1] != '.')
        s[n++] = '.';
    }
    s[n] = 0;
    if (!text_number(s, n, &back) && !(back < x) && !(back > x)) break;
  }
  text_add(out, s, strlen(s));
}

static void print(const expr *e, int least, text *out);

static void print_index(const expr *e, text *out) {
  const int steps = e->back ? -e->shift - 1 : -e->shift;
  if (e->shift >= 0) return;
  text_format(out, "[t%s%s", e->back ? "-" : "", e->back ? e->back : "");
  if (steps) text_format(out, "-%d", steps);
  text_add(out, "]", 1);
}

static void print_arguments(const expr *e, text *out) {
  for (int i = 0; i < e->n_args; i++) {
    const char *name = e->arg_names ? e->arg_names[i] : NULL;
    const expr *a = e->args[i];
    if (i > 0) text_add(out, ", ", 2);
    if (name && !strcmp(name, "backward") && a->kind == EXPR_NUMBER && a->number >= 1 && a->number <= 1) {
      text_add(out, name, strlen(name));
      continue;
    }
    if (name) text_format(out, "%s = ", name);
    print(a, SUM, out);
  }
}

static void print_binary(const expr *e, const char *sign, int own, text *out) {
  print(e->args[0], own, out);
  text_format(out, " %s ", sign);
  print(e->args[1], own + 1, out);
}

/* In parentheses if it binds less than `least`. */
static void print(const expr *e, int least, text *out) {
  if (binding(e) < least) {
    text_add(out, "(", 1);
    print(e, SUM, out);
    text_add(out, ")", 1);
    return;
  }
  switch (e->kind) {
  case EXPR_NUMBER:
    print_number(e->number, out);
    break;
  case EXPR_NAME:
    text_add(out, e->name, strlen(e->name));
    print_index(e, out);
    break;
  case EXPR_MATRIX:
    text_format(out, "%s%s ", e->name, e->transposed ? "'" : "");
    print(e->args[0], APPLICATION, out);
    break;
  case EXPR_NEGATE:
    text_add(out, "-", 1);
    print(e->args[0], SIGN, out);
    break;
  case EXPR_ADD:
    print_binary(e, "+", SUM, out);
    break;
  case EXPR_SUB:
    print_binary(e, "-", SUM, out);
    break;
  case EXPR_MUL:
    print_binary(e, "*", PRODUCT, out);
    break;
  case EXPR_DIV:
    print_binary(e, "/", PRODUCT, out);
    break;
  case EXPR_POWER:
    print(e->args[0], PRIMARY, out);
    text_add(out, "^", 1);
    print_number(e->number, out);
    break;
  case EXPR_CALL:
    text_format(out, "%s(", e->name);
    print_arguments(e, out);
    text_add(out, ")", 1);
    break;
  case EXPR_CONCAT:
    text_add(out, "[", 1);
    print_arguments(e, out);
    text_add(out, "]", 1);
    break;
  }
}

void lang_print_expr(const expr *e, text *out) { print(e, SUM, out); }

static void print_comment(const char *comment, text *out) {
  if (!*comment) return;
  for (const char *s = comment;; s++) {
    size_t n = strcspn(s, "\n");
    text_format(out, n ? "# %.*s\n" : "#\n", (int)n, s);
    s += n;
    if (!*s) break;
  }
}

static void print_names(const statement *s, const char *between, text *out) {
  for (int i = 0; i < s->n_names; i++) text_format(out, "%s%s", i ? between : "", s->names[i]);
}

/* `a = x` would be a setting if nothing defined x: then the tree had x[t]. */
static bool defined(const program *p, const char *name) {
  for (const statement *s = p->statements; s < p->statements + p->n_statements; s++) {
    if (s->kind == STATEMENT_PARAM) {
      for (int i = 0; i < s->n_names; i++)
        if (!strcmp(s->names[i], name)) return true;
    } else if (s->kind != STATEMENT_INIT && s->kind != STATEMENT_OUTPUT && s->kind != STATEMENT_WIDTH &&
               s->kind != STATEMENT_START && !strcmp(s->name, name)) {
      return true;
    }
  }
  return false;
}

static void print_statement(const program *p, const statement *s, text *out) {
  switch (s->kind) {
  case STATEMENT_SETTING:
    text_format(out, "%s = ", s->name);
    if (s->word)
      text_add(out, s->word, strlen(s->word));
    else
      print_number(s->number, out);
    break;
  case STATEMENT_DEFINE:
    text_format(out, "%s = ", s->name);
    print(s->value, SUM, out);
    if (s->value->kind == EXPR_NAME && s->value->shift == 0 && !defined(p, s->value->name)) text_add(out, "[t]", 3);
    break;
  case STATEMENT_DISTRIBUTION:
    text_format(out, "%s ~ ", s->name);
    print(s->value, SUM, out);
    break;
  case STATEMENT_DATA:
    text_format(out, "data %s : ", s->name);
    print(s->value, SUM, out);
    if (s->n_names) text_add(out, " ", 1);
    print_names(s, " ", out);
    break;
  case STATEMENT_PARAM:
    text_add(out, "param ", 6);
    print_names(s, ", ", out);
    break;
  case STATEMENT_INIT:
    text_add(out, "init ", 5);
    print_names(s, ", ", out);
    text_add(out, " = ", 3);
    print(s->value, SUM, out);
    break;
  case STATEMENT_OUTPUT:
    text_format(out, "output %s", s->name);
    break;
  case STATEMENT_WIDTH:
    text_format(out, "width %s = ", s->name);
    print(s->value, SUM, out);
    break;
  case STATEMENT_START:
    text_format(out, "%s[0] = ", s->name);
    print(s->value, SUM, out);
    break;
  }
  text_add(out, "\n", 1);
}

void lang_print(const program *p, text *out) {
  print_comment(p->comment, out);
  for (int i = 0; i < p->n_statements; i++) print_statement(p, &p->statements[i], out);
}
