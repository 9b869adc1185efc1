/* test_search.c - language models and words in the search of ctc: beside the models' own probabilities, and beside all alignments
 * one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <math.h>
#include <cmocka.h>
#include "base/text.h"
#include "graph/settings.h"
#include "use/generate.h"
#include "use/search.h"

enum { A, B, SPACE, BLANK, WIDTH, STEPS = 6, PATHS = 4096 /* WIDTH^STEPS */, TEXTS = 2000 };
static const char *const letters = "ab ";
static const char *folder;
static char places[4][64]; /* of the files below */
enum { HEARD, CHARS, WORDS, RUNNING };

static const char *const nets[] = {
    "data sound : numbers(2)\ndata text : chars\ntext ~ ctc(W gru(sound, 3) + b)\n",
    "data text : chars lines\nh = lstm(embed(text[t-1], 3), 5)\ntext ~ softmax(W h + V embed(text[t-2], 2) + b)\n",
    "data text : words lines\nh = gru(embed(text[t-1], 4), 6)\ntext ~ softmax(W h + b)\n",
    "data text : words\nh = gru(embed(text[t-1], 4), 6)\ntext ~ softmax(W h + b)\n",
};

static void check_status(unroll_status status, const unroll_error *err) {
  if (status) fail_msg("%s", err->message);
}

/* A model with the symbols of its kind and weights that nobody trained, larger than at the start of training. */
static void make_model(model *m, int which) {
  static const uint32_t codes[] = {' ', 'a', 'b', '\n'};
  static const char *const words[] = {"<unk>", "a", "ab", "b", "\n"};
  static const size_t sizes[] = {5, 1, 2, 1, 1};
  unroll_error err = {0};
  check_status(model_begin(m, "test.net", nets[which], &err), &err);
  for (int i = 0; i < m->schema.n; i++) {
    variable *v = &m->schema.list[i];
    if (v->form.unit == UNIT_CHARS)
      check_status(vocabulary_set(&v->words, UNIT_CHARS, v->form.lines, codes, v->form.lines ? 4 : 3, &err), &err);
    if (v->form.unit == UNIT_WORDS)
      check_status(vocabulary_set_words(&v->words, UNIT_WORDS, v->form.lines, words, sizes, 5, &err), &err);
  }
  check_status(model_build(m, NULL, 0, false, &err), &err);
  check_status(model_init(m, 7, &err), &err);
  for (int64_t i = 0; i < m->g.n_weights; i++) m->weights[i] *= 3;
}

static int make_files(void **state) {
  static char name[] = "/tmp/unroll-search-XXXXXX";
  (void)state;
  folder = mkdtemp(name);
  for (int i = 0; i < 4; i++) {
    model m = {0};
    make_model(&m, i);
    snprintf(places[i], sizeof places[i], "%s/%d", folder, i);
    assert_int_equal(model_save(&m, places[i], NULL), UNROLL_OK);
    model_free(&m);
  }
  return 0;
}

static int remove_files(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) unlink(places[i]);
  return rmdir(folder);
}

/* --- what a language model says of a text --- */

static double log_next(const model *m, const char *before, int32_t symbol) {
  double p[16];
  unroll_error err = {0};
  check_status(generate_next(m, before, strlen(before), p, &err), &err);
  return log(p[symbol]);
}

/* By the chain rule, each symbol by a pass over all before it. */
static double log_chars(const model *m, const char *s) {
  char before[64] = "";
  double sum = 0;
  for (size_t i = 0;; i++) {
    const uint32_t code = s[i] ? (uint32_t)s[i] : '\n';
    sum += log_next(m, before, vocabulary_find(&m->schema.list->words, code));
    if (!s[i]) return sum;
    before[i] = s[i];
    before[i + 1] = '\0';
  }
}

static double log_words(const model *m, const char *s) {
  char before[64] = "";
  const vocabulary *v = &m->schema.list->words;
  double sum = 0;
  for (size_t at = 0; s[at];) {
    const size_t n = strcspn(s + at, " ");
    if (n) sum += log_next(m, before, vocabulary_find_word(v, s + at, n));
    if (n) snprintf(before + strlen(before), sizeof before - strlen(before), "%s%.*s", *before ? " " : "", (int)n, s + at);
    at += n + (s[at + n] == ' ');
  }
  return v->end < 0 ? sum : sum + log_next(m, before, v->end);
}

/* Goes through the places of a text as the search does. */
static double asked(const ctc_language *l, const vocabulary *v, const char *s) {
  int64_t at = l->start;
  double sum = 0;
  for (; *s; s++) {
    const int32_t k = vocabulary_find(v, (uint32_t)*s);
    sum += l->log_p(l->context, at, k);
    at = l->after(l->context, at, k);
    assert_true(at >= 0);
  }
  return sum + l->log_p(l->context, at, -1);
}

static void test_language(void **state) {
  static const char *const texts[] = {"", "a", "b", "ab", "ab a b", "bb a", "aab b ab a", "a b"};
  model heard = {0};
  (void)state;
  make_model(&heard, HEARD);
  for (int which = CHARS; which <= WORDS; which++) {
    model m = {0};
    language *l;
    unroll_error err = {0};
    make_model(&m, which);
    check_status(language_load(&l, places[which], search_variable(&heard), &err), &err);
    const ctc_language *as = language_asked(l);
    for (int round = 0; round < 2; round++) {
      as->begin(as->context);
      for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const double want = which == CHARS ? log_chars(&m, texts[i]) : log_words(&m, texts[i]);
        const double got = asked(as, &search_variable(&heard)->words, texts[i]);
        if (!(fabs(got - want) < 1e-5)) fail_msg("model %d, '%s': %.8g, not %.8g", which, texts[i], got, want);
      }
    }
    language_free(l);
    model_free(&m);
  }
  model_free(&heard);
}

/* Of running text: what follows the end of a line, and the end of a line is the end. */
static void test_running(void **state) {
  model heard = {0}, m = {0};
  language *l;
  (void)state;
  make_model(&heard, HEARD);
  make_model(&m, RUNNING);
  const vocabulary *v = &m.schema.list->words;
  assert_int_equal(v->end, -1);
  assert_int_equal(language_load(&l, places[RUNNING], search_variable(&heard), NULL), UNROLL_OK);
  const ctc_language *as = language_asked(l);
  as->begin(as->context);
  const double want = log_next(&m, "\n", 3) + log_next(&m, "\nb", 2) + log_next(&m, "\nb ab", 4);
  const double got = asked(as, &search_variable(&heard)->words, "b ab");
  if (!(fabs(got - want) < 1e-5)) fail_msg("%.8g, not %.8g", got, want);
  language_free(l);
  model_free(&m);
  model_free(&heard);
}

/* --- all alignments --- */

typedef struct exact {
  char s[STEPS + 1];
  double p, score;
} exact;

static int find_texts(const float *x, exact *list) {
  int n = 0;
  for (int path = 0; path < PATHS; path++) {
    char s[STEPS + 1] = "";
    double log_p = 0;
    int last = BLANK, size = 0;
    for (int t = 0, rest = path; t < STEPS; t++, rest /= WIDTH) {
      const int k = rest % WIDTH;
      double sum = 0;
      for (int j = 0; j < WIDTH; j++) sum += exp((double)x[t * WIDTH + j]);
      log_p += (double)x[t * WIDTH + k] - log(sum);
      if (k != last && k != BLANK) s[size++] = letters[k];
      last = k;
    }
    int i = 0;
    while (i < n && strcmp(list[i].s, s) != 0) i++;
    if (i == n) assert_true(n < TEXTS), memset(&list[n], 0, sizeof list[n]), memcpy(list[n++].s, s, sizeof s);
    list[i].p += exp(log_p);
  }
  return n;
}

static int count_words(const char *s) {
  int n = 0;
  for (size_t i = 0; s[i]; i++) n += s[i] != ' ' && (s[i + 1] == ' ' || !s[i + 1]);
  return n;
}

/* Words of the lexicon with one space between them. */
static bool fits(const char *s) {
  static const char *const words[] = {"ab", "b", "aba"};
  for (size_t at = 0; s[at];) {
    const size_t n = strcspn(s + at, " ");
    bool known = false;
    for (int k = 0; k < 3; k++) known |= strlen(words[k]) == n && !memcmp(words[k], s + at, n);
    if (!known || (s[at + n] && !s[at + n + 1])) return false;
    at += n + (s[at + n] == ' ');
  }
  return true;
}

static int by_score(const void *a, const void *b) {
  const exact *x = a, *y = b;
  return x->score > y->score ? -1 : x->score < y->score;
}

static const struct {
  int model; /* 0: none */
  bool lexicon;
  double weight, bonus;
} searches[] = {
    {0, false, 1, 0},       {CHARS, false, 0.7, 0}, {CHARS, true, 1.5, 0.5}, {WORDS, false, 0.8, 0},
    {WORDS, true, 1, 1.25}, {0, true, 1, -2},       {0, false, 1, 0.75},
};

static void compare(const float *x, size_t row, const model *heard, const model *m, const char *file) {
  static exact list[TEXTS];
  int n = find_texts(x, list), kept = 0, found = 0;
  search s;
  ctc_text *out;
  arena memory = {0};
  unroll_error err = {0};
  const char *path = searches[row].model ? places[searches[row].model] : NULL;
  const search_options how = {.beam = 1024,
                              .best = 5,
                              .language = path,
                              .lexicon = searches[row].lexicon ? file : NULL,
                              .weight = path ? searches[row].weight : (double)NAN,
                              .bonus = searches[row].bonus != 0 ? searches[row].bonus : (double)NAN};
  for (int i = 0; i < n; i++) {
    if (searches[row].lexicon && !fits(list[i].s)) continue;
    const double said = !path ? 0 : searches[row].model == CHARS ? log_chars(m, list[i].s) : log_words(m, list[i].s);
    list[i].score = log(list[i].p) + searches[row].weight * said + searches[row].bonus * count_words(list[i].s);
    list[kept++] = list[i];
  }
  qsort(list, (size_t)kept, sizeof *list, by_score);
  check_status(search_init(&s, heard, &how, &err), &err);
  /* The lattice has a, b, space; the vocabulary is sorted: space, a, b. */
  float sorted[STEPS * WIDTH];
  static const int place[WIDTH] = {SPACE, A, B, BLANK};
  for (int t = 0; t < STEPS; t++)
    for (int k = 0; k < WIDTH; k++) sorted[t * WIDTH + k] = x[t * WIDTH + place[k]];
  const ctc_steps steps = {sorted, WIDTH, STEPS, WIDTH};
  check_status(ctc_find(&steps, search_asked(&s), &out, &found, &memory, &err), &err);
  assert_int_equal(found, kept < 5 ? kept : 5);
  for (int i = 0; i < found; i++) {
    char got[STEPS + 1] = "";
    for (int k = 0; k < out[i].n; k++) got[k] = " ab"[out[i].symbols[k]];
    if (strcmp(got, list[i].s) != 0 || !(fabs(out[i].score - list[i].score) < 1e-4))
      fail_msg("search %zu, rank %d: '%s' of %.6g, not '%s' of %.6g", row, i, got, out[i].score, list[i].s, list[i].score);
  }
  arena_free(&memory);
  search_free(&s);
}

static void test_searches(void **state) {
  char file[64];
  model heard = {0};
  (void)state;
  make_model(&heard, HEARD);
  snprintf(file, sizeof file, "%s/words", folder);
  FILE *f = fopen(file, "wb");
  assert_non_null(f);
  fputs("ab  AH B\nb\tB\n\nxyz\naba", f);
  fclose(f);
  for (size_t row = 0; row < sizeof searches / sizeof *searches; row++) {
    model m = {0};
    make_model(&m, searches[row].model ? searches[row].model : CHARS);
    for (int turn = 1; turn <= 2; turn++) {
      float x[STEPS * WIDTH];
      for (int t = 0; t < STEPS; t++)
        for (int k = 0; k < WIDTH; k++) x[t * WIDTH + k] = (float)(1.5 * sin(1.3 * t + 2.1 * k * k + 0.7 * turn));
      compare(x, row, &heard, &m, file);
    }
    model_free(&m);
  }
  unlink(file);
  model_free(&heard);
}

/* --- what is refused --- */

static void test_refused(void **state) {
  static const struct {
    int model; /* that predicts */
    search_options how;
    const char *message;
  } rows[] = {
      {CHARS, {.language = "x", .weight = (double)NAN, .bonus = (double)NAN}, "option 'lm' is for texts that ctc predicts"},
      {HEARD, {.language = "/no/such", .weight = (double)NAN, .bonus = (double)NAN}, "cannot open"},
      {HEARD, {.language = places[HEARD], .weight = (double)NAN, .bonus = (double)NAN}, "a language model needs a model of texts"},
      {HEARD, {.weight = 2, .bonus = (double)NAN}, "option 'lm-weight' goes with option 'lm'"},
      {HEARD,
       {.beam = 2, .best = 3, .weight = (double)NAN, .bonus = (double)NAN},
       "option 'n-best' is at most option 'beam', which is 2"},
      {HEARD, {.lexicon = "/dev/null", .weight = (double)NAN, .bonus = (double)NAN}, "/dev/null"},
      {HEARD, {.lexicon = places[CHARS], .weight = (double)NAN, .bonus = (double)NAN}, "has no word of the symbols of 'text'"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    model m = {0};
    search s;
    unroll_error err = {0};
    make_model(&m, rows[i].model);
    assert_int_not_equal(search_init(&s, &m, &rows[i].how, &err), UNROLL_OK);
    if (!strstr(err.message, rows[i].message)) fail_msg("row %zu: %s", i, err.message);
    search_free(&s);
    model_free(&m);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_language), cmocka_unit_test(test_running),
                                     cmocka_unit_test(test_searches), cmocka_unit_test(test_refused)};
  return cmocka_run_group_tests(tests, make_files, remove_files);
}
