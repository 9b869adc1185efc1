/* test_bpe.c - byte-pair encoding: merges against a plain implementation, texts that come back as they were, merges that are
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/memory.h"
#include "symbols/bpe.h"
#include "data/dataset.h"
#include "base/hash.h"
#include "plain.h"
#include "symbols/words.h"

static bool take(void *context, const char *s, size_t n) { return lexicon_add(context, s, n) >= 0; }

static const data_form stream = {.name = "t", .of = &data_kinds[KIND_bpe], .unit = UNIT_BPE},
                       lines = {.name = "t", .of = &data_kinds[KIND_bpe], .unit = UNIT_BPE, .lines = true};

/* The example of the paper: low 5 times, lower 2, newest 6, widest 3. "es", "est" come first, as there; then "lo", "low". */
static void test_paper(void **state) {
  (void)state;
  lexicon l = {0};
  static const struct {
    const char *word;
    int count;
  } words[] = {{"low", 5}, {"lower", 2}, {"newest", 6}, {"widest", 3}};
  for (int i = 0; i < 4; i++)
    for (int k = 0; k < words[i].count; k++) lexicon_add(&l, words[i].word, strlen(words[i].word));
  bpe_merge *merges;
  int n;
  assert_int_equal(bpe_learn(&l, 256 + 4, false, &merges, &n, NULL), UNROLL_OK);
  assert_int_equal(n, 4);
  const bpe_merge expected[4] = {{'e', 's'}, {256, 't'}, {'l', 'o'}, {258, 'w'}};
  assert_memory_equal(merges, expected, sizeof expected);
  vocabulary v;
  assert_int_equal(vocabulary_set_merges(&v, false, merges, 4, NULL), UNROLL_OK);
  int32_t out[BPE_CHUNK];
  assert_int_equal(bpe_encode(&v, "lowest", 6, out), 2); /* never seen */
  assert_int_equal(out[0], 259);
  assert_int_equal(out[1], 257);
  vocabulary_free(&v);
  mem_free(merges);
  lexicon_free(&l);
}

/* All pairs counted anew for each merge. */
static int plain_learn(const lexicon *l, int most, bpe_merge *out) {
  static int32_t s[200][BPE_CHUNK];
  int length[200], bytes[1000], n = 0;
  for (int i = 0; i < 256; i++) bytes[i] = 1;
  for (int i = 0; i < l->n; i++) {
    size_t size;
    const char *t = lexicon_text(l, i, &size);
    length[i] = (int)size;
    for (size_t k = 0; k < size; k++) s[i][k] = (unsigned char)t[k];
  }
  for (; 256 + n < most; n++) {
    static int64_t count[1000][1000];
    memset(count, 0, sizeof count);
    for (int i = 0; i < l->n; i++)
      for (int k = 0; k + 1 < length[i]; k++) count[s[i][k]][s[i][k + 1]] += l->count[i];
    bpe_merge best = {-1, -1};
    int64_t most_often = 1;
    for (int a = 0; a < 256 + n; a++)
      for (int b = 0; b < 256 + n; b++)
        if (count[a][b] > most_often && bytes[a] + bytes[b] <= BPE_SYMBOL) most_often = count[a][b], best = (bpe_merge){a, b};
    if (best.left < 0) break;
    bytes[256 + n] = bytes[best.left] + bytes[best.right];
    out[n] = best;
    for (int i = 0; i < l->n; i++) {
      int kept = 0;
      for (int k = 0; k < length[i]; k++) {
        const bool pair = k + 1 < length[i] && s[i][k] == best.left && s[i][k + 1] == best.right;
        s[i][kept++] = pair ? 256 + n : s[i][k];
        k += pair;
      }
      length[i] = kept;
    }
  }
  return n;
}

static void test_plain(void **state) {
  (void)state;
  for (uint64_t start = 1; start < 9; start++) {
    lexicon l = {0};
    uint64_t h = start;
    for (int i = 0; i < 150; i++) {
      char word[60];
      h = hash_mix(h + 1);
      const int size = 1 + (int)(h % (start % 2 ? 12 : 59)), letters = 2 + (int)(start % 5);
      for (int k = 0; k < size; k++) {
        h = hash_mix(h + 1);
        word[k] = (char)('a' + h % (uint64_t)letters);
      }
      for (uint64_t k = h % 4; k < 4; k++) lexicon_add(&l, word, (size_t)size);
    }
    bpe_merge *merges, plain[200];
    int n;
    assert_int_equal(bpe_learn(&l, 256 + 120, false, &merges, &n, NULL), UNROLL_OK);
    const int m = plain_learn(&l, 256 + 120, plain);
    assert_int_equal(n, m);
    assert_memory_equal(merges, plain, (size_t)n * sizeof *plain);
    mem_free(merges);
    lexicon_free(&l);
  }
  assert_int_equal(mem_live(), 0);
}

static const char *const texts[] = {
    "The cat sat on the mat.\nThe cat sat.\n",
    "a  b   c    \n\n  indented\n\ttabs\t \n \n  \n",
    "na\xc3\xafve caf\xc3\xa9 \xe4\xb8\xad\xe6\x96\x87\xe3\x80\x82 \xf0\x9f\x98\x80!\n x",
    " leading, trailing \r\nand carriage\rreturns",
    "1234567890 abc123 12abc ... !!! don't",
    "x",
    " ",
    "\n",
    "the the the the the the the the",
};

/* Whatever the merges, a text comes back as it was. */
static void test_lossless(void **state) {
  (void)state;
  lexicon all = {0};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    for (int k = 0; k < 3; k++) assert_true(words_each(&stream, texts[i], strlen(texts[i]), take, &all));
  for (int most = 256; most < 420; most += 40) {
    vocabulary v;
    assert_int_equal(vocabulary_of_chunks(&v, false, &all, most, NULL), UNROLL_OK);
    assert_true(v.n <= most);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
      dataset d;
      text out = {0};
      assert_int_equal(dataset_parse(&d, &stream, "t", texts[i], strlen(texts[i]), NULL), UNROLL_OK);
      assert_int_equal(plain_encode(&d, &stream, &v, NULL), UNROLL_OK);
      assert_int_equal(d.first[1], d.n_symbols);
      vocabulary_add_texts(&v, d.columns[0].symbols, d.n_symbols, &out);
      assert_string_equal(out.data, texts[i]);
      text_free(&out);
      dataset_free(&d);
    }
    vocabulary_free(&v);
  }
  lexicon_free(&all);
  assert_int_equal(mem_live(), 0);
}

static void test_lines(void **state) {
  (void)state;
  dataset d;
  vocabulary v;
  static const char s[] = "the cat\r\nthe cat sat\n\nthe";
  assert_int_equal(dataset_parse(&d, &lines, "t", s, strlen(s), NULL), UNROLL_OK);
  assert_int_equal(vocabulary_of_chunks(&v, true, &d.columns[0].words, 270, NULL), UNROLL_OK);
  assert_int_equal(v.end, v.n - 1);
  assert_int_equal(plain_encode(&d, &lines, &v, NULL), UNROLL_OK);
  assert_int_equal(d.n_sequences, 4);
  static const char *const expected[] = {"the cat\n", "the cat sat\n", "\n", "the\n"};
  for (int i = 0; i < 4; i++) {
    text out = {0};
    assert_int_equal(d.columns[0].symbols[d.first[i + 1] - 1], v.end);
    vocabulary_add_texts(&v, d.columns[0].symbols + d.first[i], d.first[i + 1] - d.first[i], &out);
    assert_string_equal(out.data, expected[i]);
    text_free(&out);
  }
  assert_true(d.first[1] - d.first[0] <= 3); /* " the", " cat" and the end */
  dataset_free(&d);
  vocabulary_free(&v);
  unroll_error err = {0};
  bpe_merge *merges;
  int n;
  lexicon none = {0};
  assert_int_equal(bpe_learn(&none, 256, true, &merges, &n, &err), UNROLL_BAD_INPUT);
  assert_non_null(strstr(err.message, "at least 257"));
  assert_int_equal(mem_live(), 0);
}

static const struct {
  bpe_merge merges[4];
  int n;
  const char *message;
} bad[] = {
    {{{256, 'a'}}, 1, "not there yet"},
    {{{'a', 'b'}, {256, 257}}, 2, "merge 1 is of symbols that are not there yet"},
    {{{-1, 'b'}}, 1, "not there yet"},
    {{{'a', 'b'}, {'a', 'b'}}, 2, "merge 1 is there twice"},
    {{{'a', 'b'}, {'b', 'a'}, {'a', 'b'}}, 3, "twice"},
};

static void test_bad(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    vocabulary v;
    unroll_error err = {0};
    assert_int_equal(vocabulary_set_merges(&v, false, bad[i].merges, (size_t)bad[i].n, &err), UNROLL_BAD_INPUT);
    if (!strstr(err.message, bad[i].message)) fail_msg("%zu: %s", i, err.message);
  }
  bpe_merge doubling[8] = {{'a', 'a'}}; /* each twice as long as the one before */
  for (int i = 1; i < 8; i++) doubling[i] = (bpe_merge){255 + i, 255 + i};
  vocabulary v;
  unroll_error err = {0};
  assert_int_equal(vocabulary_set_merges(&v, false, doubling, 8, &err), UNROLL_BAD_INPUT);
  assert_non_null(strstr(err.message, "merge 6 is longer than 64 bytes"));
  assert_int_equal(mem_live(), 0);
}

static void test_memory(void **state) {
  (void)state;
  lexicon l = {0};
  words_each(&stream, texts[0], strlen(texts[0]), take, &l);
  int failures = 0;
  for (long n = 1; n < 1000; n++) {
    vocabulary v = {.end = -1};
    mem_fail_after(n, 0);
    const unroll_status status = vocabulary_of_chunks(&v, true, &l, 300, NULL);
    mem_fail_after(0, 0);
    if (status) assert_int_equal(status, UNROLL_FAILED);
    vocabulary_free(&v);
    failures += status != 0;
    if (!status) break;
  }
  assert_true(failures > 8);
  lexicon_free(&l);
  assert_int_equal(mem_live(), 0);
}

static void test_nfc(void **state) {
  (void)state;
  if (!words_can_compose()) skip();
  static const char apart[] = "cafe\xcc\x81 e\xcc\x81t\xc3\xa9\nA\xcc\x8a", together[] = "caf\xc3\xa9 \xc3\xa9t\xc3\xa9\n\xc3\x85";
  static const enum symbol_unit units[] = {UNIT_CHARS, UNIT_WORDS, UNIT_BPE};
  static const int kinds[] = {KIND_chars, KIND_words, KIND_bpe};
  for (int u = 0; u < 3; u++) {
    data_form form = {.name = "t", .of = &data_kinds[kinds[u]], .unit = units[u]};
    dataset a, b;
    assert_int_equal(dataset_parse(&b, &form, "t", together, strlen(together), NULL), UNROLL_OK);
    form.nfc = true;
    assert_int_equal(dataset_parse(&a, &form, "t", apart, strlen(apart), NULL), UNROLL_OK);
    assert_int_equal(a.n_symbols, b.n_symbols);
    assert_memory_equal(a.columns[0].symbols, b.columns[0].symbols, (size_t)a.n_symbols * sizeof(int32_t));
    assert_true(a.hash != b.hash); /* of what the file holds */
    dataset_free(&a);
    dataset_free(&b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_paper), cmocka_unit_test(test_plain), cmocka_unit_test(test_lossless),
                                     cmocka_unit_test(test_lines), cmocka_unit_test(test_bad),   cmocka_unit_test(test_memory),
                                     cmocka_unit_test(test_nfc)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
