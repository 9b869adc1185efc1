/* test_c_math.c - the elementary functions of a C file without math.h: how far they are from the right values, in units in the last
 * place, at most. UNROLL_STRIDE=N takes every Nth float; the bounds were measured with 211. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <unistd.h>
#include "base/file.h"
#include "port/c_internal.h"

static const char head[] = "#include <math.h>\n#include <stdint.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n";
static const char tail[] =
    "static double worst(float (*own)(float), double (*right)(double), float from, float to, unsigned stride, float *at) {\n"
    "  double most = 0;\n"
    "  for (uint64_t i = 0; i < 0x100000000u; i += stride) {\n"
    "    const uint32_t bits = (uint32_t)i;\n"
    "    float x;\n"
    "    memcpy(&x, &bits, sizeof x);\n"
    "    if (!(x >= from && x <= to)) continue;\n"
    "    const double y = right((double)x), got = (double)own(x);\n"
    "    int e;\n"
    "    frexp(y, &e);\n"
    "    const double unit = ldexp(1, (e < -125 ? -125 : e) - 24);\n"
    "    double d = isinf(y) || fabs(y) > 3.4028235e38 ? (got == (double)(float)y ? 0 : 1e9) : fabs(got - y) / unit;\n"
    "    if (!(d <= most)) most = isnan(d) ? 1e9 : d, *at = x;\n"
    "  }\n"
    "  return most;\n"
    "}\n"
    "static int bad;\n"
    "static void look(const char *name, float (*own)(float), double (*right)(double), float from, float to, double bound, unsigned "
    "stride) {\n"
    "  float at = 0;\n"
    "  const double most = worst(own, right, from, to, stride, &at);\n"
    "  if (!(most <= bound)) bad = 1;\n"
    "  if (!(most <= bound) || getenv(\"UNROLL_STRIDE\")) printf(\"%s: %.2f units at %.9g, at most %g are right\\n\", name, most, "
    "(double)at, bound);\n"
    "}\n"
    "int main(void) {\n"
    "  const unsigned stride = getenv(\"UNROLL_STRIDE\") ? (unsigned)atoi(getenv(\"UNROLL_STRIDE\")) : 20011;\n"
    "  look(\"exp\", own_expf, exp, -87.3f, 3e38f, 2.0, stride);\n"
    "  look(\"tanh\", own_tanhf, tanh, -3e38f, 3e38f, 4.0, stride);\n"
    "  look(\"log\", own_logf, log, 0.0f, 3e38f, 2.0, stride);\n"
    "  look(\"log1p\", own_log1pf, log1p, -0.999999f, 3e38f, 4.0, stride);\n"
    "  look(\"sqrt\", own_sqrtf, sqrt, 0.0f, 3e38f, 1.0, stride);\n"
    "  look(\"erfc\", own_erfcf, erfc, -3e38f, 9.0f, 8.0, stride);\n"
    "  look(\"sin\", own_sinf, sin, -1e4f, 1e4f, 2.0, stride);\n"
    "  look(\"cos\", own_cosf, cos, -1e4f, 1e4f, 2.0, stride);\n"
    "  look(\"abs\", own_fabsf, fabs, -3e38f, 3e38f, 0.0, stride);\n"
    "  const float none = nanf(\"\"), all = HUGE_VALF;\n"
    "  if (own_expf(none) == own_expf(none) || own_tanhf(none) == own_tanhf(none) || own_logf(none) == own_logf(none)) bad = 1;\n"
    "  if (own_expf(-all) != 0 || own_expf(all) != all || own_tanhf(all) != 1 || own_tanhf(-all) != -1) bad = 1;\n"
    "  if (own_logf(0) != -all || own_logf(all) != all || own_sqrtf(all) != all || own_sqrtf(0) != 0) bad = 1;\n"
    "  if (own_logf(-1) == own_logf(-1) || own_sqrtf(-1) == own_sqrtf(-1) || own_erfcf(all) != 0 || own_erfcf(-all) != 2) bad = "
    "1;\n"
    "  return bad;\n"
    "}\n";

static void test_errors(void **state) {
  (void)state;
  char folder[] = "/tmp/unroll_c_math_XXXXXX", command[512], path[128];
  const char *cc = getenv("CC") ? getenv("CC") : "cc";
  text source = {0};
  snprintf(command, sizeof command, "command -v %s >/dev/null", cc);
  if (system(command) != 0) skip();
  assert_non_null(mkdtemp(folder));
  text_format(&source, "%s", head);
  c_math(tail, &source);
  assert_null(strstr(source.data, "main"));
  for (size_t i = 0; i < 9; i++) { /* those that are called by their names only */
    static const char *const names[] = {"expf", "tanhf", "logf", "log1pf", "sqrtf", "erfcf", "sinf", "cosf", "fabsf"};
    assert_true(c_math_has(names[i], strlen(names[i])));
  }
  source.length = 0;
  text_format(&source, "%s", head);
  c_math("own_expf( own_tanhf( own_logf( own_log1pf( own_sqrtf( own_erfcf( own_sinf( own_cosf( own_fabsf(", &source);
  text_format(&source, "%s", tail);
  snprintf(path, sizeof path, "%s/math.c", folder);
  assert_int_equal(file_write(path, source.data, source.length, NULL), UNROLL_OK);
  text_free(&source);
  snprintf(command, sizeof command, "cd %s && %s -std=c99 -O1 -Wall -Wextra -pedantic -o math math.c -lm && ./math", folder, cc);
  const int failed = system(command);
  snprintf(command, sizeof command, "rm -rf %s", folder);
  assert_int_equal(system(command), 0);
  assert_int_equal(failed, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_errors)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
