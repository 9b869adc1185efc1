/* What a page is written with: escapes, numbers, base64, PNG, charts; and units that follow something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>
#include <cmocka.h>
#include "report/html.h"
#include "report/png.h"
#include "report/svg.h"
#include "report/units.h"

#define SAYS(call, wanted)                                                                                                         \
  do {                                                                                                                             \
    text out = {0};                                                                                                                \
    call;                                                                                                                          \
    assert_false(out.failed);                                                                                                      \
    assert_non_null(out.data);                                                                                                     \
    assert_string_equal(out.data, wanted);                                                                                         \
    text_free(&out);                                                                                                               \
  } while (0)

static void escapes(void **state) {
  (void)state;
  SAYS(html_text(&out, "<a href=\"x\">&'", 14), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
  SAYS(html_text(&out, "a\nb\tc\x01", 6), "a\nb\tc\xef\xbf\xbd");
  SAYS(html_text(&out, "\xff\xc3", 2), "\xef\xbf\xbd\xef\xbf\xbd");             /* no UTF-8; cut off */
  SAYS(html_text(&out, "\xc2\x80\xef\xbf\xbf", 5), "\xef\xbf\xbd\xef\xbf\xbd"); /* a control character, and what is none */
  SAYS(html_symbol(&out, " \n<", 3), "␣↵&lt;");
  SAYS(html_symbol(&out, "", 0), "∅");
  SAYS(html_short(&out, "a<bc", 4, 2), "a&lt;…");
  SAYS(html_short(&out, "ab", 2, 2), "ab");
  SAYS(html_id(&out, "h.1 \"\xc3\xa9"), "h.1_20_22_C3_A9");
  SAYS(html_json(&out, "</script>\"\\\n&\xff", 14), "\"\\u003c/script\\u003e\\u0022\\u005c\\u000a\\u0026\xef\xbf\xbd\"");
  SAYS(html_number(&out, (double)INFINITY), "∞");
  SAYS(html_number(&out, (double)NAN), "–");
  SAYS(html_number(&out, 12345), "12345");
  SAYS(html_number(&out, 0.123456), "0.1235");
}

static void writes_base64(void **state) { /* the vectors of RFC 4648 */
  (void)state;
  SAYS(html_base64(&out, "f", 1), "Zg==");
  SAYS(html_base64(&out, "fo", 2), "Zm8=");
  SAYS(html_base64(&out, "foobar", 6), "Zm9vYmFy");
  assert_int_equal(html_level(-3), 'A');
  assert_int_equal(html_level(63), '/');
  assert_int_equal(html_level(99), '/');
}

/* Two grey pixels, as other writers of PNG have them. */
static void writes_png(void **state) {
  (void)state;
  SAYS(png_picture(&out, (const uint8_t[]){0, 255}, 1, 2, 1),
       "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAAAAADRSSBWAAAADklEQVR4AQEDAPz/AAD/AQIBALcBLvcAAAAASUVORK5CYII=");
  assert_int_equal(png_level(0, 1), 7);
  assert_int_equal(png_level(1, 1), 14);
  assert_int_equal(png_level(-5, 1), 0);
  assert_int_equal(png_level((double)NAN, 1), 7);
  assert_int_equal(png_level(1, 0), 7);
}

static int count(const char *s, const char *word) {
  int n = 0;
  for (const char *at = s; (at = strstr(at, word)) != NULL; at++) n++;
  return n;
}

static void draws_charts(void **state) {
  const double nan = (double)NAN, x[] = {0, 1, 2, 3}, y[] = {1, nan, 3, 4}, none[] = {nan, nan, nan, (double)INFINITY};
  const double low[] = {0.5, nan, 2, 3}, high[] = {2, nan, 4, 5}, same[] = {7, 7, 7, 7}, far[] = {-1e308, 1e308, 0, 0};
  const svg_line line = {.name = "a<b", .x = x, .y = y, .n = 4, .low = low, .high = high};
  const svg_line empty = {.name = "none", .x = x, .y = none, .n = 4}, level = {.x = x, .y = same, .n = 4},
                 one = {.x = x, .y = y, .n = 1};
  const svg_line wide = {.x = x, .y = far, .n = 4};
  text out = {0};
  (void)state;
  assert_true(svg_chart(&out, &line, 1, &(svg_form){.title = "\"t\""}));
  assert_non_null(strstr(out.data, "aria-label=\"&quot;t&quot;\""));
  assert_non_null(strstr(out.data, "a&lt;b"));
  assert_int_equal(count(out.data, "class=\"band\""), 1);
  assert_null(strstr(out.data, "nan"));
  assert_int_equal(count(out.data, "<g"), count(out.data, "</g>"));
  text_free(&out);
  assert_false(svg_chart(&out, &empty, 1, &(svg_form){.title = ""}));
  assert_null(out.data);
  assert_true(svg_chart(&out, &level, 1, &(svg_form){.title = ""}));
  assert_null(strstr(out.data, "nan"));
  text_free(&out);
  assert_true(svg_chart(&out, &one, 1, &(svg_form){.title = ""})); /* a point, as no line has one */
  assert_int_equal(count(out.data, "<circle"), 1);
  text_free(&out);
  assert_false(svg_chart(&out, &wide, 1, &(svg_form){.title = ""})); /* its range is no number */
  text_free(&out);
  assert_true(svg_chart(&out, &level, 1, &(svg_form){.title = "", .log = true}));
  text_free(&out);
}

static const double *row_at(const void *context, int64_t t) { return (const double *)context + 3 * t; }

/* Unit 1 is on inside quotes, unit 2 counts letters of a line, unit 3 never changes. */
static void ranks_units(void **state) {
  static const char string[] = "ab \"cd\" e\n(f) \"g\"\nhijk l\n";
  enum { N = sizeof string - 1 };
  const char *texts[N];
  size_t lengths[N];
  double x[N * 3], r[PROPERTIES * 3];
  property list[PROPERTIES] = {{0}};
  (void)state;
  for (int t = 0, quoted = 0, line = 0; t < N; t++) {
    texts[t] = string + t;
    lengths[t] = 1;
    if (string[t] == '"') quoted = !quoted;
    line = string[t] == '\n' ? 0 : line + 1;
    x[3 * t] = quoted ? 0.9 : -0.9;
    x[3 * t + 1] = -line;
    x[3 * t + 2] = 5;
  }
  const reading of = {texts, lengths, N, false};
  assert_true(properties_of(list, &of));
  assert_true(units_follow(r, list, N, 3, row_at, x));
  for (int k = 0; k < PROPERTIES; k++) {
    const bool quotes = !strcmp(list[k].name, "quotes"), line = !strcmp(list[k].name, "place in the line");
    if (quotes) assert_true(fabs(r[3 * k] - 1) < 1e-5);
    if (line) assert_true(fabs(r[3 * k + 1] + 1) < 1e-5);
    if (!quotes) assert_true(fabs(r[3 * k]) < 0.9);
    assert_true(r[3 * k + 2] == 0);
    if (!strcmp(list[k].name, "digits")) assert_null(list[k].values); /* there are none */
  }
  properties_free(list);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(escapes), cmocka_unit_test(writes_base64), cmocka_unit_test(writes_png),
                                     cmocka_unit_test(draws_charts), cmocka_unit_test(ranks_units)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
