/* test_parse.c - what texts mean: each row's canonical print, the round trip through it, and the tree itself where print is blind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <locale.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/file.h"
#include "lang/lang.h"

static bool same_text(const char *a, const char *b) { return a == b || (a && b && !strcmp(a, b)); }

/* Equal trees, places aside. */
static bool same_expr(const expr *a, const expr *b) {
  if (!a || !b) return a == b;
  if (a->kind != b->kind || !same_text(a->name, b->name) || memcmp(&a->number, &b->number, sizeof a->number) ||
      a->shift != b->shift || a->transposed != b->transposed || a->n_args != b->n_args)
    return false;
  for (int i = 0; i < a->n_args; i++) {
    if (a->arg_names && (!b->arg_names || !same_text(a->arg_names[i], b->arg_names[i]))) return false;
    if (!same_expr(a->args[i], b->args[i])) return false;
  }
  return true;
}

static bool same_program(const program *a, const program *b) {
  if (a->n_statements != b->n_statements || strcmp(a->comment, b->comment)) return false;
  for (int i = 0; i < a->n_statements; i++) {
    const statement *s = &a->statements[i], *r = &b->statements[i];
    if (s->kind != r->kind || !same_text(s->name, r->name) || !same_text(s->word, r->word) || s->n_names != r->n_names)
      return false;
    if (memcmp(&s->number, &r->number, sizeof s->number) || !same_expr(s->value, r->value)) return false;
    for (int k = 0; k < s->n_names; k++)
      if (strcmp(s->names[k], r->names[k])) return false;
  }
  return true;
}

static program *parse(const char *source, arena *memory) {
  unroll_error err;
  program *p = NULL;
  if (lang_parse(&p, "test.net", source, memory, &err))
    fail_msg("%s\n%d:%d: %s\n  %s", source, err.line, err.column, err.message, err.source);
  return p;
}

/* The canonical text is `expected`, and parses back to the same program. */
static void check(const char *source, const char *expected) {
  arena memory = {0};
  text out = {0}, again = {0};
  program *p = parse(source, &memory);
  lang_print(p, &out);
  const char *printed = out.data ? out.data : "";
  if (strcmp(printed, expected)) fail_msg("%s\nprints as\n%s\nnot as\n%s", source, printed, expected);
  program *q = parse(printed, &memory);
  lang_print(q, &again);
  assert_string_equal(printed, again.data ? again.data : "");
  if (!same_program(p, q)) fail_msg("%s\nis another tree than its print\n%s", source, printed);
  text_free(&out);
  text_free(&again);
  arena_free(&memory);
}

static const struct row {
  const char *source, *expected;
} expressions[] = {
    /* numbers */
    {"y = 3 + .5", "y = 3 + 0.5\n"},
    {"y = 1e-3 * 2.50e2", "y = 0.001 * 250\n"},
    {"y = 0.1 + 123456789012", "y = 0.1 + 123456789012\n"},
    {"y = 0.30000000000000004 + 1e300", "y = 0.30000000000000004 + 1e+300\n"},
    {"y = 3", "y = 3\n"},
    {"y = -3.5", "y = -3.5\n"},
    {"y = (3)", "y = 3\n"},
    {"y = --3", "y = --3\n"},
    /* binding */
    {"y = a + b * c", "y = a + b * c\n"},
    {"y = (a + b) * c", "y = (a + b) * c\n"},
    {"y = a - b - c", "y = a - b - c\n"},
    {"y = a - (b - c)", "y = a - (b - c)\n"},
    {"y = a - (b + c)", "y = a - (b + c)\n"},
    {"y = (a + b) - c", "y = a + b - c\n"},
    {"y = a / b / c", "y = a / b / c\n"},
    {"y = a / (b * c)", "y = a / (b * c)\n"},
    {"y = -x^2", "y = -x^2\n"},
    {"y = (-x)^2", "y = (-x)^2\n"},
    {"y = -(x^2)", "y = -x^2\n"},
    {"y = -a * b", "y = -a * b\n"},
    {"y = -(a * b)", "y = -(a * b)\n"},
    {"y = a * -b", "y = a * -b\n"},
    {"y = a - -b", "y = a - -b\n"},
    {"y = --b", "y = --b\n"},
    {"y = x^-1 + x^(-2) + x^(3) + x^0.5", "y = x^-1 + x^-2 + x^3 + x^0.5\n"},
    {"y = (x^2)^3", "y = (x^2)^3\n"},
    {"y = 2^3", "y = 2^3\n"},
    {"y = tanh(x)^2", "y = tanh(x)^2\n"},
    {"y = [a, b]^2", "y = [a, b]^2\n"},
    /* several names at once, and starts */
    {"(i, f) = W x", "stack_i_f = W x\ni = part(stack_i_f, 1, 2)\nf = part(stack_i_f, 2, 2)\n"},
    {"(i, g) = (σ, tanh) W [x; y] ", "stack_i_g = W [x, y]\ni = sigmoid(part(stack_i_g, 1, 2))\ng = tanh(part(stack_i_g, 2, 2))\n"},
    {"(i, g) = (tanh, relu)(a + b)", "stack_i_g = a + b\ni = tanh(part(stack_i_g, 1, 2))\ng = relu(part(stack_i_g, 2, 2))\n"},
    {"h[0] = s + 1\nh = h[t-1]", "h[0] = s + 1\nh = h[t-1]\n"},
    /* matrices */
    {"y = W x", "y = W x\n"},
    {"y = W x * a", "y = W x * a\n"},
    {"y = W (x * a)", "y = W (x * a)\n"},
    {"y = W(x)", "y = W x\n"},
    {"y = W x^2", "y = W x^2\n"},
    {"y = (W x)^2", "y = (W x)^2\n"},
    {"y = W V x", "y = W V x\n"},
    {"y = W (V x)", "y = W V x\n"},
    {"y = W' V' x", "y = W' V' x\n"},
    {"y = -W x", "y = -W x\n"},
    {"y = W (-x)", "y = W (-x)\n"},
    {"y = W [a, b]", "y = W [a, b]\n"},
    {"y = W[a, b]", "y = W [a, b]\n"},
    {"y = W tanh(V [d, a] + b) + e", "y = W tanh(V [d, a] + b) + e\n"},
    {"y = W 2", "y = W 2\n"},
    {"y = Wz x + Uz h[t-1] + bz", "y = Wz x + Uz h[t-1] + bz\n"},
    {"y = Uc (r * h[t-1])", "y = Uc (r * h[t-1])\n"},
    {"X = tanh(W x)\ny = X * V X[t-1]", "X = tanh(W x)\ny = X * V X[t-1]\n"},
    {"y = V X\ndata X : numbers", "y = V X\ndata X : numbers\n"},
    {"param P\ny = P * x", "param P\ny = P * x\n"},
    {"y = Y\nY ~ softmax(x)", "y = Y\nY ~ softmax(x)\n"},
    /* indices */
    {"y = h[t-1] + h[t-12] + x[t]", "y = h[t-1] + h[t-12] + x\n"},
    {"y = h[t - 1000]", "y = h[t-1000]\n"},
    {"y[t] = W x", "y = W x\n"},
    {"Y[t-0] = W x\nz = Y", "Y = W x\nz = Y\n"},
    {"y = x[t-0]", "y = x[t]\n"},
    /* calls */
    {"y = f()", "y = f()\n"},
    {"y = f (x)", "y = f(x)\n"},
    {"y = f(x, 3, a = 2, b = W x)", "y = f(x, 3, a = 2, b = W x)\n"},
    {"y = lstm(x, 3, backward)", "y = lstm(x, 3, backward)\n"},
    {"y = lstm(x, 3, backward, layers = 2)", "y = lstm(x, 3, backward, layers = 2)\n"},
    {"y = lstm(x, 3, layers = 2, backward)", "y = lstm(x, 3, layers = 2, backward)\n"},
    {"y = lstm(x, 3, backward = 1)", "y = lstm(x, 3, backward)\n"},
    {"y = lstm(x, 3, backward = k)", "y = lstm(x, 3, backward = k)\n"},
    {"y = lstm(x, 3, forward)", "y = lstm(x, 3, forward)\n"},
    {"y = f(backward + 1)", "y = f(backward + 1)\n"},
    {"y = lstm(x,\n  3,\n\n  # the last\n  layers = 2\n)", "y = lstm(x, 3, layers = 2)\n"},
    /* statements */
    {"cell = lstm", "cell = lstm\n"},
    {"cell = (lstm)", "cell = lstm\n"},
    {"cell = lstm\nlstm = W x", "cell = lstm\nlstm = W x\n"},
    {"y = x[t]", "y = x[t]\n"},
    {"y = (x[t])", "y = x[t]\n"},
    {"y = x_t", "y = x[t]\n"},
    {"y = x\ndata x : number", "y = x\ndata x : number\n"},
    {"y = y", "y = y\n"},
    {"data token : chars", "data token : chars\n"},
    {"data token : words(20000) lines", "data token : words(20000) lines\n"},
    {"data v:image(3,32,32)more words", "data v : image(3, 32, 32) more words\n"},
    {"data y : number\ny ~ gaussian(W y[t-1])", "data y : number\ny ~ gaussian(W y[t-1])\n"},
    {"param a,b , c", "param a, b, c\n"},
    {"init W, bf = 1", "init W, bf = 1\n"},
    {"init W = -0.5\ninit V = orthogonal\ninit U = uniform(0.1)", "init W = -0.5\ninit V = orthogonal\ninit U = uniform(0.1)\n"},
    {"h = W x\nc = h\noutput c", "h = W x\nc = h\noutput c\n"},
    {"n = 2\nh = W x\nwidth h = (3 * n) / 2", "n = 2\nh = W x\nwidth h = 3 * n / 2\n"},
    {"data = 3\nparam = 2\ninit = 1\noutput = 0\nwidth = 5", "data = 3\nparam = 2\ninit = 1\noutput = 0\nwidth = 5\n"},
    {"output ~ softmax(W data + init)", "output ~ softmax(W data + init)\n"},
    /* the shape of the text */
    {"", ""},
    {"\n\n  \n", ""},
    {"# one\n#  two\n#\n#three  \n\n# four\ny = 1 # five", "# one\n#  two\n#\n# three\ny = 1\n"},
    {"y = 1\n# no comment of the file", "y = 1\n"},
    {"\xEF\xBB\xBF# mark\r\ny\t=\t1\r\n", "# mark\ny = 1\n"},
    {"\r\n\r\ny = 1\r\n\r\nz = 2\r", "y = 1\nz = 2\n"},
    {"y = (\n  a +\n  b)\n", "y = a + b\n"},
    {"y = x # to the end )(", "y = x\n"},
};

static void test_canonical(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++) check(expressions[i].source, expressions[i].expected);
}

/* A decimal comma of the system's locale changes nothing. */
static void test_locale(void **state) {
  if (!setlocale(LC_ALL, "de_DE.UTF-8")) skip();
  test_canonical(state);
  setlocale(LC_ALL, "C");
}

/* Pairs: textbook notation, plain text. Both compile to the same print. */
static const struct row notation[] = {
    {"f = σ(Wf·[h_{t-1}, x_t] + bf)", "f = sigmoid(Wf [h[t-1], x] + bf)\n"},
    {"f_t = σ(W_f·[h_{t−1}, x_t] + b_f)", "f = sigmoid(Wf [h[t-1], x] + bf)\n"},
    {"f_{t} = σ (W_{f} x_{t} + b_{f})", "f = sigmoid(Wf x + bf)\n"},
    {"h = tanh(W_{hh} h_{t-1} + W_{xh} x + b_{hh})", "h = tanh(Whh h[t-1] + Wxh x + bhh)\n"},
    {"h = tanh(W_{ hh } h_{ t - 12 })", "h = tanh(Whh h[t-12])\n"},
    {"h = z ⊙ c + (1 − z) ⊙ h_{t-1}", "h = z * c + (1 - z) * h[t-1]\n"},
    {"h = a ∘ b × c * d ∗ e", "h = a * b * c * d * e\n"},
    {"h = W·x + a·b + 2·W·V·x + (W x)⋅c", "h = W x + a * b + 2 * W V x + W x * c\n"},
    {"c~ = tanh(W x)\nc = f * c~ + i*c~", "c_tilde = tanh(W x)\nc = f * c_tilde + i * c_tilde\n"},
    {"c~ = tanh(W x)\nh = f(c~, c~[t-1], [c~])", "c_tilde = tanh(W x)\nh = f(c_tilde, c_tilde[t-1], [c_tilde])\n"},
    {"c~= W x\nh = 1 - c~ # end", "c_tilde = W x\nh = 1 - c_tilde\n"},
    {"c~_t = W x\nh = c~_{t-1} + c~_t", "c_tilde = W x\nh = c_tilde[t-1] + c_tilde\n"},
    {"c̃_t = tanh(W x_t)\nh_t = z_t ⊙ c̃_t", "c_tilde = tanh(W x)\nh = z * c_tilde\n"},
    {"h̃ = W x\nh = h̃ + h̃_{t-1}", "h_tilde = W x\nh = h_tilde + h_tilde[t-1]\n"},
    {"\u00F1 = W x\nn = \u00F1²", "n_tilde = W x\nn = n_tilde^2\n"},
    {"token~softmax(W h)", "token ~ softmax(W h)\n"},
    {"token ~softmax(W h)", "token ~ softmax(W h)\n"},
    {"token~ softmax(W h)", "token ~ softmax(W h)\n"},
    {"token_t ∼ softmax(W h_t)", "token ~ softmax(W h)\n"},
    {"y = x² + x³ + x⁻¹ + x¹²", "y = x^2 + x^3 + x^-1 + x^12\n"},
    {"y = W x²", "y = W x^2\n"},
    {"hₜ = tanh(W hₜ₋₁ + V h₁)", "h = tanh(W h[t-1] + V h1)\n"},
    {"y = V_1 x + W_ο x", "y = V1 x + Wο x\n"},
    {"y = V x_1 + x_f + beta_f", "y = V x_1 + x_f + beta_f\n"},
    {"y = W_hh x + W__f x + W_a_f x + b_ff", "y = W_hh x + W__f x + W_af x + b_ff\n"},
    {"y = student_t(mean = μ, scale = σ) + f_t", "y = student_t(mean = μ, scale = σ) + f\n"},
    {"α = σ(β_t) + Θ γ", "α = sigmoid(β) + Θ γ\n"},
    {"Δ = W x\ny = Δ_{t-1} + Δ_t", "Δ = W x\ny = Δ[t-1] + Δ\n"},
    {"y = W′ x + V’ x", "y = W' x + V' x\n"},
    {"b_t = W x\nh = b_t", "b = W x\nh = b\n"},
    {"données = W été", "données = W été\n"},
};

static void test_notation(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof notation / sizeof *notation; i++) check(notation[i].source, notation[i].expected);
}

static void test_kinds(void **state) {
  (void)state;
  arena memory = {0};
  program *p = parse("# a\ndata y : number lines\nn = -3\ncell = lstm\nX = x[t]\nz = n\ny ~ gaussian(X)\nparam p, q\ninit W, V = "
                     "-2\noutput z\nwidth z = 2 * n",
                     &memory);
  static const enum statement_kind kinds[] = {STATEMENT_DATA,   STATEMENT_SETTING,      STATEMENT_SETTING, STATEMENT_DEFINE,
                                              STATEMENT_DEFINE, STATEMENT_DISTRIBUTION, STATEMENT_PARAM,   STATEMENT_INIT,
                                              STATEMENT_OUTPUT, STATEMENT_WIDTH};
  static const char *const names[] = {"y", "n", "cell", "X", "z", "y", "p", "W", "z", "z"};
  assert_int_equal(p->n_statements, 10);
  for (int i = 0; i < 10; i++) {
    assert_int_equal(p->statements[i].kind, kinds[i]);
    assert_string_equal(p->statements[i].name, names[i]);
    assert_int_equal(p->statements[i].at.line, i + 2);
  }
  assert_string_equal(p->file, "test.net");
  assert_string_equal(p->comment, "a");
  assert_string_equal(p->statements[0].names[0], "lines");
  assert_true(p->statements[1].number < -2.9 && p->statements[1].number > -3.1);
  assert_null(p->statements[1].word);
  assert_string_equal(p->statements[2].word, "lstm");
  assert_int_equal(p->statements[4].value->kind, EXPR_NAME);
  assert_int_equal(p->statements[6].n_names, 2);
  assert_int_equal(p->statements[6].names_at[1].column, 10);
  assert_int_equal(p->statements[7].value->kind, EXPR_NUMBER);
  arena_free(&memory);
}

/* Places count characters, whatever a character's bytes. */
static void test_places(void **state) {
  (void)state;
  arena memory = {0};
  program *p = parse("α = σ(W_{hh}·h_{t-1} ⊙\n  fehlt(3, was = 4))\n", &memory);
  const expr *call = p->statements[0].value, *product = call->args[0];
  assert_int_equal(call->at.column, 5);
  assert_int_equal(call->at.length, 1);
  assert_int_equal(product->kind, EXPR_MUL);
  assert_int_equal(product->at.column, 22);
  const expr *matrix = product->args[0];
  assert_int_equal(matrix->kind, EXPR_MATRIX);
  assert_int_equal(matrix->at.column, 7);
  assert_int_equal(matrix->at.length, 6);
  assert_int_equal(matrix->args[0]->shift, -1);
  assert_int_equal(matrix->args[0]->at.column, 14);
  assert_int_equal(matrix->args[0]->at.length, 7);
  const expr *last = product->args[1];
  assert_int_equal(last->at.line, 2);
  assert_int_equal(last->at.column, 3);
  assert_null(last->arg_names[0]);
  assert_string_equal(last->arg_names[1], "was");
  assert_int_equal(last->arg_at[1].column, 12);
  assert_int_equal(last->args[1]->at.column, 18);
  unroll_error err;
  assert_int_equal(lang_error(p, last->at, &err, "no '%s'", last->name), UNROLL_BAD_INPUT);
  assert_string_equal(err.message, "no 'fehlt'");
  assert_string_equal(err.source, "  fehlt(3, was = 4))");
  assert_string_equal(err.file, "test.net");
  assert_int_equal(err.line, 2);
  assert_int_equal(err.column, 3);
  assert_int_equal(lang_error(p, last->at, NULL, "no"), UNROLL_BAD_INPUT);
  arena_free(&memory);
}

static void test_one_expression(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"dy * y * (1 - y)", "dy * y * (1 - y)"},
      {"dy * (normal_cdf(x) + x * exp(-x^2 / 2) * 0.3989422804014327)",
       "dy * (normal_cdf(x) + x * exp(-x^2 / 2) * 0.3989422804014327)"},
      {" 0 \n", "0"},
  };
  static const struct row wrong[] = {
      {"", "expected an expression"}, {"a b", "expected an operator"}, {"a = 3", "found '='"}, {"a\nb", "one expression"}};
  arena memory = {0};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    expr *e = NULL;
    text out = {0};
    assert_int_equal(lang_parse_expr(&e, rows[i].source, &memory, NULL), UNROLL_OK);
    lang_print_expr(e, &out);
    assert_string_equal(out.data, rows[i].expected);
    text_free(&out);
  }
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    expr *e = NULL;
    unroll_error err;
    assert_int_equal(lang_parse_expr(&e, wrong[i].source, &memory, &err), UNROLL_BAD_INPUT);
    assert_null(e);
    if (!strstr(err.message, wrong[i].expected)) fail_msg("'%s': %s", wrong[i].source, err.message);
  }
  arena_free(&memory);
}

static void test_builtins(void **state) {
  (void)state;
  const builtin *tables[] = {lang_cells, lang_nets};
  for (int k = 0; k < 2; k++) {
    const char *last = "";
    for (const builtin *b = tables[k]; b->name; b++) {
      char path[600], *data = NULL;
      size_t size = 0;
      snprintf(path, sizeof path, "%s/%s", UNROLL_SOURCE_DIR, b->file);
      assert_int_equal(file_read(path, &data, &size, NULL), UNROLL_OK);
      assert_string_equal(b->text, data);
      mem_free(data);
      assert_true(strcmp(last, b->name) < 0);
      last = b->name;
      arena memory = {0};
      text out = {0};
      program *p = parse(b->text, &memory);
      if (!*p->comment) fail_msg("%s has no comment", b->file);
      lang_print(p, &out);
      if (!same_program(p, parse(out.data, &memory))) fail_msg("%s is another tree than its print", b->file);
      text_free(&out);
      arena_free(&memory);
    }
  }
  assert_ptr_equal(lang_builtin_cell("nothing"), NULL);
  assert_ptr_equal(lang_builtin_net("gru"), NULL);
  assert_string_equal(lang_builtin_cell("gru")->file, "cells/gru.cell");
  assert_string_equal(lang_builtin_net("language")->file, "nets/language.net");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_canonical), cmocka_unit_test(test_locale), cmocka_unit_test(test_notation),
      cmocka_unit_test(test_kinds),     cmocka_unit_test(test_places), cmocka_unit_test(test_one_expression),
      cmocka_unit_test(test_builtins),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
