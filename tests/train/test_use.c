/* test_use.c - using a model: generating, scoring and evaluating agree with each other. */
#include <math.h>
#include "help.h"
#include "base/error.h"
#include "use/evaluate.h"
#include "use/predict.h"

static char folder[200];
static model names, language; /* small, trained for a moment */

static void train_one(const char *net, const char *name, model *m) {
  char data[300], dir[300], path[400];
  train_result r;
  snprintf(data, sizeof data, "%s/words.txt", folder);
  snprintf(dir, sizeof dir, "%s/%s", folder, name);
  train_options o = small_options(net, data, dir);
  o.steps = 150;
  o.rate = 0.01;
  o.valid = "0";
  OK(train_run(&o, NULL, &r, err));
  snprintf(path, sizeof path, "%s/model.safetensors", dir);
  OK(model_load(m, path, false, err));
}

static int setup(void **state) {
  (void)state;
  folder_make(folder, sizeof folder);
  words_put(folder, "words.txt", 90);
  train_one("names", "names", &names);
  train_one("language", "language", &language);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  model_free(&names);
  model_free(&language);
  folder_remove(folder);
  assert_int_equal(mem_live(), 0);
  return 0;
}

static void parse(dataset *d, const model *m, const char *s, size_t size) {
  OK(dataset_parse(d, &m->schema.list->form, "text", s, size, err));
  OK(dataset_encode(d, &m->schema, err));
}

/* --- generating --- */

typedef struct collected {
  int64_t n;
  text all; /* sequences, each with | after it */
  double log_p[64];
  int64_t ended, longest;
  int64_t stop_after; /* 0: never */
} collected;

static unroll_status collect(void *context, const generated *g, unroll_error *err) {
  collected *c = context;
  assert_int_equal(g->number, c->n);
  assert_int_equal(strlen(g->text), g->size);
  if (c->n < 64) c->log_p[c->n] = g->log_probability;
  c->n++;
  c->ended += g->ended;
  if (g->n > c->longest) c->longest = g->n;
  text_add(&c->all, g->text, g->size);
  text_add(&c->all, "|", 1);
  return c->n == c->stop_after ? error_set(err, UNROLL_FAILED, "enough") : UNROLL_OK;
}

static void run(const model *m, const generate_options *o, int threads, collected *c) {
  pool *workers = pool_new(threads);
  const generate_sink sink = {.context = c, .emit = collect};
  OK(generate(m, o, workers, &sink, err));
  pool_free(workers);
}

static void test_same_texts(void **state) {
  (void)state;
  for (int which = 0; which < 2; which++) {
    const model *m = which ? &language : &names;
    collected few = {0}, many = {0}, threads = {0};
    generate_options o;
    generate_defaults(&o, m);
    o.length = 30;
    o.n = 5;
    run(m, &o, 1, &few);
    o.n = 50; /* more than a group */
    run(m, &o, 1, &many);
    run(m, &o, 3, &threads);
    assert_int_equal(few.n, 5);
    assert_int_equal(many.n, 50);
    assert_memory_equal(few.all.data, many.all.data, few.all.length);
    assert_string_equal(many.all.data, threads.all.data);
    if (which) assert_true(many.ended == 0 && many.longest == 30);
    if (!which) assert_true(many.ended > 40 && many.longest <= 30);
    text_free(&few.all);
    text_free(&many.all);
    text_free(&threads.all);
  }
}

/* What generate says of a line's probability is what score gives to it. */
static void test_probability(void **state) {
  (void)state;
  for (int which = 0; which < 2; which++) {
    const model *m = which ? &language : &names;
    collected c = {0};
    generate_options o;
    generate_defaults(&o, m);
    o.n = 20;
    o.length = 40;
    o.temperature = 0.8; /* does not change what the model gives */
    run(m, &o, 1, &c);
    const char *line = c.all.data;
    for (int i = 0; i < 20; i++) {
      const char *end = strchr(line, '|');
      dataset d;
      score_total total;
      if (end > line) {
        parse(&d, m, line, (size_t)(end - line));
        OK(score(m, &d, NULL, &(score_sink){0}, &total, err));
        assert_true(fabs(total.nats + c.log_p[i]) < 1e-4 * (1 + total.nats));
        dataset_free(&d);
      }
      line = end + 1;
    }
    text_free(&c.all);
  }
}

static void test_next(void **state) {
  (void)state;
  double p[64];
  static const char *const prefixes[] = {"", "b", "bara", "tino\xc3\xa9"};
  for (int which = 0; which < 2; which++)
    for (int i = 0; i < 4; i++) {
      const model *m = which ? &language : &names;
      double sum = 0;
      OK(generate_next(m, prefixes[i], strlen(prefixes[i]), p, err));
      for (int j = 0; j < m->schema.list->words.n; j++) {
        assert_true(p[j] > 0);
        sum += p[j];
      }
      assert_true(fabs(sum - 1) < 1e-9);
    }
}

/* The chain rule by hand: log P of a line is the sum over its symbols of log P(symbol | those before). */
static void test_chain(void **state) {
  (void)state;
  static const char line[] = "baratimu";
  double p[64], nats = 0;
  dataset d;
  score_total total;
  parse(&d, &names, line, strlen(line));
  for (int64_t i = 0; i < d.n_symbols; i++) {
    OK(generate_next(&names, line, (size_t)i, p, err));
    nats -= log(p[d.columns[0].symbols[i]]);
  }
  OK(score(&names, &d, NULL, &(score_sink){0}, &total, err));
  assert_int_equal(total.symbols, 9);
  assert_true(fabs(total.nats - nats) < 1e-4);
  dataset_free(&d);
}

/* Frequencies of first symbols: as drawn with temperature and top-k against the distribution. */
static void test_frequencies(void **state) {
  (void)state;
  enum { N = 4000 };
  static const struct {
    double temperature;
    int top_k;
  } rows[] = {{1, 0}, {0.5, 0}, {2, 3}, {1, 1}, {0, 0}};
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    double p[64], q[64], sum = 0;
    int seen[64] = {0}, rank[64];
    collected c = {0};
    generate_options o;
    generate_defaults(&o, &names);
    OK(generate_next(&names, "", 0, p, err));
    const int n = names.schema.list->words.n;
    for (int i = 0; i < n; i++) {
      rank[i] = 0;
      for (int j = 0; j < n; j++) rank[i] += p[j] > p[i];
      const bool in = rows[r].temperature == 0 ? rank[i] == 0 : rows[r].top_k == 0 || rank[i] < rows[r].top_k;
      q[i] = !in ? 0 : rows[r].temperature == 0 ? 1 : pow(p[i], 1 / rows[r].temperature);
      sum += q[i];
    }
    o.n = N;
    o.length = 1;
    o.temperature = rows[r].temperature;
    o.top_k = rows[r].top_k;
    run(&names, &o, 1, &c);
    for (const char *s = c.all.data; *s;) { /* each is one symbol, or nothing at the end of a line */
      uint32_t code = '\n';
      if (*s != '|') s += utf8_decode(s, strlen(s), &code);
      seen[vocabulary_find(&names.schema.list->words, code)]++;
      s++;
    }
    for (int i = 0; i < n; i++) {
      const double expected = q[i] / sum, off = fabs((double)seen[i] / N - expected);
      if (off > 5 * sqrt(expected * (1 - expected) / N) + 1e-12)
        fail_msg("row %zu, symbol %d: %d of %d, expected %g", r, i, seen[i], N, expected);
    }
    text_free(&c.all);
  }
}

static void test_primes(void **state) {
  (void)state;
  generate_options o;
  collected c = {0};
  unroll_error e = {0};
  generate_defaults(&o, &names);
  o.prime = "bara";
  o.prime_size = 4;
  o.n = 3;
  o.length = 0;
  run(&names, &o, 1, &c);
  assert_string_equal(c.all.data, "bara|bara|bara|");
  text_free(&c.all);
  const generate_sink sink = {.context = &c, .emit = collect};
  static const struct {
    const char *prime;
    size_t size;
    unroll_status status;
    const char *message;
  } bad[] = {{"baxra", 5, UNROLL_BAD_INPUT, "does not know the character 'x'"},
             {"ba\nra", 5, UNROLL_USAGE, "over the end of a line"},
             {"ba\xff", 3, UNROLL_BAD_INPUT, "invalid UTF-8"},
             {"ba\0ra", 5, UNROLL_BAD_INPUT, "a NUL"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    o.prime = bad[i].prime;
    o.prime_size = bad[i].size;
    assert_int_equal(generate(&names, &o, NULL, &sink, &e), bad[i].status);
    assert_non_null(strstr(e.message, bad[i].message));
  }
  o.prime = NULL;
  o.temperature = -1;
  assert_int_equal(generate(&names, &o, NULL, &sink, &e), UNROLL_USAGE);
  o.temperature = 1;
  o.n = 0;
  assert_int_equal(generate(&names, &o, NULL, &sink, &e), UNROLL_USAGE);
}

static void test_stopping(void **state) {
  (void)state;
  generate_options o;
  collected c = {.stop_after = 7};
  volatile sig_atomic_t stop = 1;
  generate_defaults(&o, &names);
  o.n = 1000000;
  assert_int_equal(generate(&names, &o, NULL, &(generate_sink){.context = &c, .emit = collect}, NULL), UNROLL_FAILED);
  assert_int_equal(c.n, 7);
  text_free(&c.all);
  assert_int_equal(generate(&names, &o, NULL, &(generate_sink){.context = &c, .emit = collect, .stop = &stop}, NULL),
                   UNROLL_INTERRUPTED);
}

/* --- scoring --- */

typedef struct scores {
  double total[200], sum_of_symbols[200];
  int64_t n, symbols;
} scores;

static unroll_status keep_score(void *context, const scored *s, unroll_error *err) {
  scores *k = context;
  (void)err;
  assert_int_equal(s->number, k->n);
  k->total[k->n] = s->nats_total;
  k->sum_of_symbols[k->n] = 0;
  assert_true(s->n_parts == 1 && s->parts[0].n == s->n);
  for (int64_t i = 0; i < s->n && s->parts[0].nats; i++) k->sum_of_symbols[k->n] += (double)s->parts[0].nats[i];
  k->n++;
  k->symbols += s->n;
  return UNROLL_OK;
}

static void test_scores(void **state) {
  (void)state;
  char path[300];
  dataset d, one;
  score_total total, alone;
  static scores k, threads;
  k = threads = (scores){0};
  snprintf(path, sizeof path, "%s/words.txt", folder);
  OK(model_read(&d, &names, path, &(data_options){.wanted = BIND_TRUTH}, err));
  OK(score(&names, &d, NULL, &(score_sink){.context = &k, .emit = keep_score, .per_symbol = true}, &total, err));
  pool *workers = pool_new(3);
  OK(score(&names, &d, workers, &(score_sink){.context = &threads, .emit = keep_score}, &total, err));
  pool_free(workers);
  assert_int_equal(k.n, 90);
  assert_int_equal(total.sequences, 90);
  assert_true(total.symbols == d.n_symbols && k.symbols == d.n_symbols);
  double sum = 0;
  for (int i = 0; i < 90; i++) {
    assert_true(k.total[i] == threads.total[i]);
    assert_true(fabs(k.total[i] - k.sum_of_symbols[i]) < 1e-5);
    sum += k.total[i];
  }
  assert_true(fabs(sum - total.nats) < 1e-9);
  char *data; /* a line alone has the same score, bit for bit */
  size_t size;
  OK(file_read(path, &data, &size, err));
  for (char *line = data, *end; (end = strchr(line, '\n')); line = end + 1) {
    static int64_t i;
    parse(&one, &names, line, (size_t)(end - line) + 1);
    OK(score(&names, &one, NULL, &(score_sink){0}, &alone, err));
    assert_true(alone.nats == k.total[i++]);
    dataset_free(&one);
  }
  mem_free(data);
  dataset_free(&d);
}

/* --- evaluating --- */

/* A stream's part in parallel streams against exact scores: each symbol is predicted from at least 256 before it. */
static void test_evaluate_stream(void **state) {
  (void)state;
  char path[300];
  dataset d;
  part p;
  evaluator *e;
  snprintf(path, sizeof path, "%s/words.txt", folder);
  OK(model_read(&d, &language, path, &(data_options){.wanted = BIND_TRUTH}, err));
  assert_true(d.n_symbols > 450 && d.n_symbols < 2000);
  static const struct {
    int begin, end, rows, steps;
  } rows[] = {{0, 450, 1, 64},  {300, 450, 1, 64}, {300, 450, 4, 10}, {100, 440, 6, 33},
              {3, 400, 32, 64}, {0, 450, 7, 300},  {440, 450, 32, 64}};
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    const int n = rows[r].end - rows[r].begin, streams = n < 2 * rows[r].rows ? 1 : rows[r].rows;
    double expected = 0;
    p = (part){.data = &d, .begin = rows[r].begin, .end = rows[r].end, .n_symbols = n};
    OK(evaluator_new(&e, &language, language.weights, &p, rows[r].rows, rows[r].steps, 0, 0, NULL, err));
    assert_int_equal(evaluator_symbols(e), n);
    double found, again;
    OK(evaluator_run(e, &found, err));
    OK(evaluator_run(e, &again, err));
    mem_fail_after(1, 1); /* again: the same, and without memory */
    assert_true(again == found);
    mem_fail_after(0, 0);
    evaluator_free(e);
    for (int i = 0, from = rows[r].begin; i < streams; i++) { /* each stream by itself */
      const int length = n / streams + (i < n % streams), before = from < 256 ? from : 256;
      int64_t first[2] = {0, before + length};
      column_values column = {.there = true, .symbols = d.columns[0].symbols + from - before, .first = first, .n = before + length};
      dataset slice = {.plain = true,
                       .stream = true,
                       .columns = &column,
                       .n_columns = 1,
                       .n_symbols = before + length,
                       .first = first,
                       .n_sequences = 1};
      score_total total;
      OK(score(&language, &slice, NULL, &(score_sink){0}, &total, err));
      expected += total.nats;
      slice.n_symbols = column.n = first[1] = before;
      if (before > 0) {
        OK(score(&language, &slice, NULL, &(score_sink){0}, &total, err));
        expected -= total.nats;
      }
      from += length;
    }
    if (!(fabs(found - expected / n) < 1e-5)) fail_msg("row %zu: %.9g, expected %.9g", r, found, expected / n);
  }
  dataset_free(&d);
}

static void test_evaluate_lines(void **state) {
  (void)state;
  char path[300];
  dataset d;
  part p;
  evaluator *e;
  score_total total;
  snprintf(path, sizeof path, "%s/words.txt", folder);
  OK(model_read(&d, &names, path, &(data_options){.wanted = BIND_TRUTH}, err));
  OK(part_whole(&p, &d, err));
  OK(score(&names, &d, NULL, &(score_sink){0}, &total, err));
  for (int rows = 1; rows < 100; rows *= 3) {
    OK(evaluator_new(&e, &names, names.weights, &p, rows, 64, 0, 0, NULL, err));
    double nats;
    OK(evaluator_run(e, &nats, err));
    assert_true(fabs(nats - total.nats / (double)total.symbols) < 1e-6);
    evaluator_free(e);
  }
  part_free(&p);
  dataset_free(&d);
}

/* A block of weights with which m always says `symbol`, whatever came before. */
static float *stubborn(const model *m, int32_t symbol) {
  float *weights = mem_zero((size_t)m->g.n_weights, sizeof *weights);
  for (int i = 0; i < m->g.n_params; i++)
    if (!strcmp(m->g.params[i].name, "b")) weights[m->g.params[i].offset + symbol] = 1;
  return weights;
}

/* Right is what is right, and what only warms up is not counted. */
static void test_accuracy(void **state) {
  (void)state;
  static const struct { int rows, steps; } rows[] = {{1, 64}, {4, 10}, {32, 64}, {7, 300}};
  char path[300];
  snprintf(path, sizeof path, "%s/words.txt", folder);
  for (int stream = 0; stream < 2; stream++) {
    model m = stream ? language : names; /* borrows all but the weights */
    dataset d;
    OK(model_read(&d, &m, path, &(data_options){.wanted = BIND_TRUTH}, err));
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
      const int32_t symbol = d.columns[0].symbols[4 + r];
      int64_t n = 0;
      predict_total total;
      m.weights = stubborn(&m, symbol);
      for (int64_t i = 0; i < d.n_symbols; i++) n += d.columns[0].symbols[i] == symbol;
      OK(predict(&m, &d, true, rows[r].rows, rows[r].steps, NULL, &(predict_sink){0}, &total, err));
      assert_int_equal(total.n, d.n_symbols);
      assert_true(total.correct == (double)n / (double)d.n_symbols);
      mem_free(m.weights);
    }
    dataset_free(&d);
  }
}

/* --- lack of memory --- */

static void test_no_memory(void **state) {
  (void)state;
  generate_options o;
  dataset d;
  score_total total;
  int failures = 0;
  parse(&d, &names, "bara\ntimu\n", 10);
  generate_defaults(&o, &names);
  o.prime = "ba";
  o.prime_size = 2;
  for (int forever = 0; forever < 2; forever++)
    for (int scoring = 0; scoring < 2; scoring++)
      for (long n = 1;; n++) {
        collected c = {0};
        unroll_error e = {0};
        const long live = mem_live();
        mem_fail_after(n, forever);
        const unroll_status status = scoring ? score(&names, &d, NULL, &(score_sink){.per_symbol = true}, &total, &e)
                                             : generate(&names, &o, NULL, &(generate_sink){.context = &c, .emit = collect}, &e);
        mem_fail_after(0, 0);
        text_free(&c.all);
        assert_int_equal(mem_live(), live);
        if (!status && n > 3000) break;
        if (!status) {
          if (n > 200) n += 50;
          continue;
        }
        failures++;
        if (status != UNROLL_FAILED) fail_msg("allocation %ld: %s", n, e.message);
      }
  assert_true(failures > 100);
  dataset_free(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_texts),     cmocka_unit_test(test_probability), cmocka_unit_test(test_next),
      cmocka_unit_test(test_chain),          cmocka_unit_test(test_frequencies), cmocka_unit_test(test_primes),
      cmocka_unit_test(test_stopping),       cmocka_unit_test(test_scores),      cmocka_unit_test(test_evaluate_stream),
      cmocka_unit_test(test_evaluate_lines), cmocka_unit_test(test_accuracy),    cmocka_unit_test(test_no_memory)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
