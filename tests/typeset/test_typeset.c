/* Equations as LaTeX, MathML and a drawing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "typeset/typeset.h"

static void latex_rows(void **state) {
  static const char *const rows[][2] = {
      {"h[t] = tanh(W x[t] + U h[t-1] + b)", "h_{t} &= \\tanh(W\\,x_{t} + U\\,h_{t - 1} + b)"},
      {"i[t] = sigmoid(Wi x[t])", "i_{t} &= \\sigma(W_{i}\\,x_{t})"},
      {"a_b[t] = x1[t] * c", "a_{b,t} &= x_{1,t} \\odot c"},
      {"y[t] = 2 * x[t]", "y_{t} &= 2 \\cdot x_{t}"},
      {"\xe2\x88\x82z[t] = (s[t] - 1) * 1/n", "\\partial z_{t} &= (s_{t} - 1) \\cdot \\frac{1}{n}"},
      {"y = (a + b) / (c - d)", "y &= \\frac{a + b}{c - d}"},
      {"y = W' z", "y &= {W}^{\\top}\\,z"},
      {"y = (a * b) h[t-1]'", "y &= (a \\odot b)\\,{h_{t - 1}}^{\\top}"},
      {"y = x^2", "y &= {x}^{2}"},
      {"y = x^-1", "y &= {x}^{-1}"},
      {"y = -log softmax(z)[token[t]]", "y &= -\\log\\,{\\operatorname{softmax}(z)}_{\\mathit{token}_{t}}"},
      {"y[t] ~ softmax([a, b])", "y_{t} &\\sim \\operatorname{softmax}([a;\\, b])"},
      {"\xe2\x88\x82W = sum over t of x + sum over t and positions of z",
       "\\partial W &= \\sum_{t} x + \\sum_{\\text{t and positions}} z"},
      {"y = h.c[t] + alpha", "y &= c^{(h)}_{t} + \\alpha"},
      {"y = W[:, 0:5] x", "y &= W_{:,0:5}\\,x"},
      {"y = attend(q, k, additive = v)", "y &= \\operatorname{attend}(q,\\, k,\\, \\mathit{additive} = v)"},
      {"y = rate_100% of", "&\\text{y = rate\\_100\\% of}"}, /* not of the notation: as it is */
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    text out = {0}, want = {0};
    typeset_latex(rows[i][0], &out);
    text_format(&want, "\\begin{align*}\n  %s\n\\end{align*}\n", rows[i][1]);
    assert_string_equal(out.data, want.data);
    text_free(&out);
    text_free(&want);
  }
}

static void long_sums_are_broken(void **state) {
  text line = {0}, out = {0};
  (void)state;
  text_format(&line, "y = a");
  for (int i = 0; i < 60; i++) text_format(&line, " + W x");
  typeset_latex(line.data, &out);
  int lines = 0;
  for (const char *s = out.data; (s = strstr(s, "&\\quad")); s++) lines++;
  assert_in_range(lines, 2, 6);
  text_free(&line);
  text_free(&out);
}

/* Within brackets too, but not within braces: there LaTeX knows no end of a line. */
static void long_products_are_broken(void **state) {
  text line = {0}, out = {0};
  (void)state;
  text_format(&line, "\xe2\x88\x82"
                     "E = sum over t of onehot(x[t]) (f(a * b");
  for (int i = 0; i < 40; i++) text_format(&line, " + W' (z[t] * z[t])");
  text_format(&line, "))'");
  typeset_latex(line.data, &out);
  int lines = 0, deep = 0;
  for (const char *s = out.data; *s; s++) {
    if (!strncmp(s, "&\\quad", 6)) lines++;
    if (!strncmp(s, "\\\\\n", 3)) assert_int_equal(deep, 0);
    deep += *s == '{' ? 1 : *s == '}' ? -1 : 0;
  }
  assert_in_range(lines, 4, 10);
  assert_non_null(strstr(out.data, "))^{\\top}\n"));
  assert_int_equal(deep, 0);
  text_free(&line);
  text_free(&out);
}

static void mathml_rows(void **state) {
  static const char *const rows[][2] = {
      {"y = x / 2", "<mrow><mi data-name=\"y\">y</mi><mo>=</mo><mfrac><mi data-name=\"x\">x</mi><mn>2</mn></mfrac></mrow>"},
      {"y = h.c[t]",
       "<mrow><mi data-name=\"y\">y</mi><mo>=</mo><msubsup><mi data-name=\"h.c\">c</mi><mrow><mi>t</mi></mrow><mrow><mo>(</"
       "mo><mi>h</mi><mo>)</mo></mrow></msubsup></mrow>"},
      {"y = a < b", "<mtext>y = a &lt; b</mtext>"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    text out = {0}, want = {0};
    typeset_mathml(rows[i][0], &out);
    text_format(&want, "<math xmlns=\"http://www.w3.org/1998/Math/MathML\" display=\"block\">%s</math>\n", rows[i][1]);
    assert_string_equal(out.data, want.data);
    text_free(&out);
    text_free(&want);
  }
}

static void arrows(void **state) {
  text out = {0};
  (void)state;
  typeset_dot("a net", "h[t] = tanh(W x[t] + U h[t-1] + b)\ny[t] ~ softmax(V h[t])", &out);
  static const char *const has[] = {"digraph \"a net\" {", "\"x\" -> \"h\" [label=\"W\"]",
                                    "\"h\" -> \"h\" [label=\"U, t-1\" style=\"dashed\" constraint=\"false\"]",
                                    "\"h\" -> \"y\" [label=\"V\"]", "\"y\" [shape=doubleoctagon]"};
  for (size_t i = 0; i < sizeof has / sizeof *has; i++) assert_non_null(strstr(out.data, has[i]));
  assert_null(strstr(out.data, "\"b\""));
  text_free(&out);
}

/* Nothing that is nested too deep, cut off or empty does harm. */
static void hostile_lines(void **state) {
  static const char *const rows[] = {"",          "=",      "h[t",          "h = (",         "h = [a,", "h = f(,)",
                                     "h = x^",    "= =",    "\xe2\x88\x82", "a = sum over ", "a = -",   "h[]",
                                     "f() = g()", "x = 1e", "x = 1e+",      "[:]",           "a:b"};
  text deep = {0}, out = {0};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    typeset_latex(rows[i], &out);
    typeset_mathml(rows[i], &out);
    typeset_dot(rows[i], rows[i], &out);
  }
  text_format(&deep, "x = ");
  for (int i = 0; i < 100000; i++) text_format(&deep, "(");
  typeset_latex(deep.data, &out);
  assert_false(out.failed);
  text_free(&deep);
  text_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(latex_rows),
                                     cmocka_unit_test(long_sums_are_broken),
                                     cmocka_unit_test(long_products_are_broken),
                                     cmocka_unit_test(mathml_rows),
                                     cmocka_unit_test(arrows),
                                     cmocka_unit_test(hostile_lines)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
