/* test_data.c - texts as sequences of symbols: reading, vocabularies, parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/memory.h"
#include "plain.h"
#include "base/hash.h"
#include "base/sort.h"

static const data_form stream = {.name = "token", .of = &data_kinds[KIND_chars]},
                       lines = {.name = "token", .of = &data_kinds[KIND_chars], .lines = true};
static const data_form bytes = {.name = "token", .of = &data_kinds[KIND_bytes], .unit = UNIT_BYTES},
                       byte_lines = {.name = "token", .of = &data_kinds[KIND_bytes], .unit = UNIT_BYTES, .lines = true};

static const data_form hex = {.name = "token", .of = &data_kinds[KIND_hex], .unit = UNIT_BYTES},
                       hex_lines = {.name = "token", .of = &data_kinds[KIND_hex], .unit = UNIT_BYTES, .lines = true};

/* A row: a text, what it is read as, and the sequences that come out: end symbols as '|', sequences in brackets. */
static const struct {
  const char *data;
  const data_form *form;
  const char *expected;
} texts[] = {
    {"hello", &stream, "[hello]"},
    {"a\nb\n", &stream, "[a\nb\n]"},
    {"a\r\nb", &stream, "[a\r\nb]"},
    {"\xef\xbb\xbf"
     "ab",
     &stream, "[ab]"},
    {"\xef\xbb\xbf"
     "ab",
     &bytes,
     "[\xef\xbb\xbf"
     "ab]"},
    {"one\ntwo\n", &lines, "[one|][two|]"},
    {"one\ntwo", &lines, "[one|][two|]"},
    {"one\r\ntwo\r\n", &lines, "[one|][two|]"},
    {"one\r\ntwo\r", &lines, "[one|][two|]"},
    {"a\rb\n", &lines, "[a\rb|]"},
    {"\n", &lines, "[|]"},
    {"\n\n", &lines, "[|][|]"},
    {"\r\n", &lines, "[|]"},
    {"a\n\nb", &lines, "[a|][|][b|]"},
    {"a", &lines, "[a|]"},
    {"\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80", &lines, "[\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80|]"},
    {"\xff\n\xfe", &byte_lines, "[\xff|][\xfe|]"},
    {"61 62\n0A6a\n", &hex, "[ab\nj]"},
    {"61 62\r\n\n FE ff", &hex_lines, "[ab|][|][\xfe\xff|]"},
};

static void test_texts(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    dataset d;
    vocabulary v;
    text out = {0};
    unroll_error err = {0};
    if (dataset_parse(&d, texts[i].form, "text", texts[i].data, strlen(texts[i].data), &err))
      fail_msg("row %zu: %s", i, err.message);
    const column_values *c = &d.columns[0];
    const int32_t *codes = c->symbols;
    assert_true(d.plain && d.stream == !texts[i].form->lines);
    assert_int_equal(vocabulary_collect(&v, texts[i].form->unit, texts[i].form->lines, &codes, &c->n, 1, &err), UNROLL_OK);
    assert_int_equal(plain_encode(&d, texts[i].form, &v, &err), UNROLL_OK);
    for (int64_t s = 0; s < d.n_sequences; s++) {
      text_add(&out, "[", 1);
      for (int64_t j = c->first[s]; j < c->first[s + 1]; j++) {
        assert_in_range(c->symbols[j], 0, v.n - 1);
        if (c->symbols[j] == v.end)
          text_add(&out, "|", 1);
        else
          vocabulary_add_text(&v, c->symbols[j], &out);
      }
      text_add(&out, "]", 1);
    }
    assert_int_equal(d.first[d.n_sequences], d.n_symbols);
    if (strcmp(out.data, texts[i].expected)) fail_msg("row %zu: %s, expected %s", i, out.data, texts[i].expected);
    text_free(&out);
    vocabulary_free(&v);
    dataset_free(&d);
  }
  assert_int_equal(mem_live(), 0);
}

static void test_vocabulary(void **state) {
  (void)state;
  const int32_t a[] = {'b', 'a', 0x4e2d, '\n', 'b'}, b[] = {0xe9};
  const int32_t *codes[] = {a, b};
  const int64_t counts[] = {5, 1};
  vocabulary v, w;
  assert_int_equal(vocabulary_collect(&v, UNIT_CHARS, true, codes, counts, 2, NULL), UNROLL_OK);
  const uint32_t expected[] = {'a', 'b', 0xe9, 0x4e2d, '\n'};
  assert_int_equal(v.n, 5);
  assert_int_equal(v.end, 4);
  assert_memory_equal(v.codes, expected, sizeof expected);
  for (int i = 0; i < v.n; i++) assert_int_equal(vocabulary_find(&v, v.codes[i]), i);
  assert_int_equal(vocabulary_find(&v, 'c'), -1);
  assert_int_equal(vocabulary_find(&v, 0x4e2e), -1);
  assert_int_equal(vocabulary_find(&v, 0x10ffff), -1);
  assert_int_equal(vocabulary_set(&w, UNIT_CHARS, true, v.codes, 5, NULL), UNROLL_OK);
  assert_memory_equal(w.low, v.low, sizeof v.low);
  vocabulary_free(&w);
  vocabulary_free(&v);
  assert_int_equal(vocabulary_collect(&v, UNIT_CHARS, false, codes, counts, 2, NULL), UNROLL_OK);
  assert_int_equal(v.n, 5);
  assert_int_equal(v.end, -1);
  assert_int_equal(v.codes[0], '\n');
  vocabulary_free(&v);
  assert_int_equal(vocabulary_collect(&v, UNIT_BYTES, true, NULL, NULL, 0, NULL), UNROLL_OK);
  assert_int_equal(v.n, 256);
  assert_int_equal(v.end, 255);
  assert_int_equal(v.codes[255], '\n');
  assert_int_equal(v.codes[10], 11);
  vocabulary_free(&v);
}

static void test_bad_vocabulary(void **state) {
  (void)state;
  static const struct {
    enum symbol_unit unit;
    bool lines;
    uint32_t codes[4];
    size_t n;
  } rows[] = {
      {UNIT_CHARS, false, {0}, 0},           {UNIT_CHARS, false, {'a', 'a'}, 2},       {UNIT_CHARS, false, {'b', 'a'}, 2},
      {UNIT_CHARS, true, {'a', 'b'}, 2},     {UNIT_CHARS, true, {'\n', 'b', '\n'}, 3}, {UNIT_CHARS, false, {'a', 0x110000}, 2},
      {UNIT_CHARS, false, {'a', 0xd800}, 2}, {UNIT_BYTES, false, {'a', 256}, 2},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    vocabulary v;
    unroll_error err = {0};
    if (vocabulary_set(&v, rows[i].unit, rows[i].lines, rows[i].codes, rows[i].n, &err) != UNROLL_BAD_INPUT) fail_msg("row %zu", i);
    assert_true(err.message[0] != 0);
  }
}

static void parse(dataset *d, const data_form *f, const char *s) {
  assert_int_equal(dataset_parse(d, f, "text", s, strlen(s), NULL), UNROLL_OK);
}

static void test_split_stream(void **state) {
  (void)state;
  dataset d;
  part p[3];
  unroll_error err = {0};
  parse(&d, &stream, "0123456789012345678901234567890123456789");
  assert_int_equal(part_split(&p[0], &p[1], &p[2], &d, 0.25, 0.1, 1, &err), UNROLL_OK);
  assert_int_equal(p[0].begin, 0);
  assert_int_equal(p[0].end, 26);
  assert_int_equal(p[1].begin, 26);
  assert_int_equal(p[1].end, 36);
  assert_int_equal(p[2].begin, 36);
  assert_int_equal(p[2].end, 40);
  for (int i = 0; i < 3; i++) part_free(&p[i]);
  assert_int_equal(part_split(&p[0], &p[1], &p[2], &d, 0.001, 0, 1, &err), UNROLL_USAGE);
  assert_int_equal(part_split(&p[0], &p[1], &p[2], &d, 0.5, 0.5, 1, &err), UNROLL_USAGE);
  assert_int_equal(part_split(&p[0], &p[1], &p[2], &d, -0.5, 0.5, 1, &err), UNROLL_USAGE);
  dataset_free(&d);
}

static void test_split_lines(void **state) {
  (void)state;
  text all = {0};
  dataset d;
  part p[3], q[3];
  for (int i = 0; i < 2000; i++) text_format(&all, "name%d\n", i % 1000); /* every line twice */
  parse(&d, &lines, all.data);
  assert_int_equal(part_split(&p[0], &p[1], &p[2], &d, 0.2, 0.1, 7, NULL), UNROLL_OK);
  assert_int_equal(p[0].n + p[1].n + p[2].n, 2000);
  assert_int_equal(p[0].n_symbols + p[1].n_symbols + p[2].n_symbols, d.n_symbols);
  assert_in_range(p[1].n, 320, 480);
  assert_in_range(p[2].n, 140, 260);
  int side[2000] = {0};
  for (int i = 0; i < 3; i++)
    for (int64_t j = 0; j < p[i].n; j++) {
      side[p[i].list[j]] += i + 1;
      if (j > 0) assert_true(p[i].list[j] > p[i].list[j - 1]);
    }
  for (int i = 0; i < 1000; i++) assert_true(side[i] > 0 && side[i] == side[i + 1000]);
  assert_int_equal(part_split(&q[0], &q[1], &q[2], &d, 0.2, 0.1, 8, NULL), UNROLL_OK);
  assert_false(q[1].n == p[1].n &&
               !memcmp(p[1].list, q[1].list, (size_t)p[1].n * sizeof *p[1].list)); /* another seed, another split */
  for (int i = 0; i < 3; i++) {
    part_free(&p[i]);
    part_free(&q[i]);
  }
  dataset_free(&d);
  text_free(&all);
  assert_int_equal(mem_live(), 0);
}

/* A line that is a quarter of all falls to both sides in proportion; lines that are there twenty times each do not fall apart, nor
 * does one of few lines that is there as often as the others. */
static void test_split_frequent(void **state) {
  (void)state;
  static const struct {
    int n, kinds, often; /* line i is number i % kinds, but each `often`-th one is "home"; 0: none is */
    bool apart;
  } cases[] = {{4000, 3000, 4, true}, {4000, 200, 0, false}, {4000, 40, 0, false}, {4000, 3000, 1000, false}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    text all = {0};
    dataset d;
    part p[3];
    int side[3][3001] = {0}, both = 0;
    for (int i = 0; i < cases[k].n; i++) {
      const bool home = cases[k].often && i % cases[k].often == 0;
      text_format(&all, home ? "home\n" : "line%d\n", i % cases[k].kinds);
    }
    parse(&d, &lines, all.data);
    assert_int_equal(part_split(&p[0], &p[1], &p[2], &d, 0.2, 0.2, 7, NULL), UNROLL_OK);
    for (int i = 0; i < 3; i++)
      for (int64_t j = 0; j < p[i].n; j++) {
        const int64_t line = p[i].list[j];
        side[i][cases[k].often && line % cases[k].often == 0 ? 3000 : line % cases[k].kinds]++;
      }
    for (int i = 0; i < 3000; i++) both += (side[0][i] > 0) + (side[1][i] > 0) + (side[2][i] > 0) > 1;
    assert_int_equal(both, 0);
    if (cases[k].apart) {
      assert_in_range(side[1][3000], 160, 240);
      assert_in_range(side[2][3000], 160, 240);
    } else {
      assert_true((side[0][3000] > 0) + (side[1][3000] > 0) + (side[2][3000] > 0) <= 1);
    }
    for (int i = 0; i < 3; i++) part_free(&p[i]);
    dataset_free(&d);
    text_free(&all);
  }
  assert_int_equal(mem_live(), 0);
}

static void test_sort(void **state) {
  (void)state;
  uint64_t keys[300];
  for (size_t n = 0; n < 300; n += 1 + n / 8) {
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += keys[i] = hash_mix(i * n) % (n + 1);
    sort_keys(keys, n);
    for (size_t i = 0; i < n; i++) sum -= keys[i];
    for (size_t i = 1; i < n; i++) assert_true(keys[i - 1] <= keys[i]);
    assert_int_equal(sum, 0);
  }
}

static void test_hash(void **state) {
  (void)state;
  char s[64] = "the quick brown fox";
  const uint64_t h = hash_bytes(0, s, 19);
  assert_true(h == hash_bytes(0, s, 19));
  assert_true(h != hash_bytes(0, s, 20));
  assert_true(h != hash_bytes(1, s, 19));
  for (int i = 0; i < 19 * 8; i++) {
    s[i / 8] ^= (char)(1 << i % 8);
    assert_true(h != hash_bytes(0, s, 19));
    s[i / 8] ^= (char)(1 << i % 8);
  }
}

static void test_no_memory(void **state) {
  (void)state;
  for (long n = 1;; n++) {
    dataset d = {0};
    vocabulary v = {0};
    part p[3] = {{0}, {0}, {0}};
    mem_fail_after(n, 0);
    unroll_error err = {0};
    unroll_status status = dataset_parse(&d, &lines, "text", "one\ntwo\nthree\nfour\n", 19, &err);
    if (!status) {
      const int32_t *codes = d.columns[0].symbols;
      status = vocabulary_collect(&v, UNIT_CHARS, true, &codes, &d.n_symbols, 1, &err);
    }
    if (!status) status = plain_encode(&d, &lines, &v, &err);
    if (!status) status = part_split(&p[0], &p[1], &p[2], &d, 0.3, 0, 1, &err);
    for (int i = 0; i < 3; i++) part_free(&p[i]);
    vocabulary_free(&v);
    dataset_free(&d);
    mem_fail_after(0, 0);
    assert_int_equal(mem_live(), 0);
    if (!status) break;
    assert_int_equal(status, UNROLL_FAILED);
    assert_true(n < 100);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_texts),        cmocka_unit_test(test_vocabulary),  cmocka_unit_test(test_bad_vocabulary),
      cmocka_unit_test(test_split_stream), cmocka_unit_test(test_split_lines), cmocka_unit_test(test_split_frequent),
      cmocka_unit_test(test_sort),         cmocka_unit_test(test_hash),        cmocka_unit_test(test_no_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
