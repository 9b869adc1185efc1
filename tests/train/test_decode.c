/* test_decode.c - the decoder: what it says of its texts, tags and series is what the whole net says of them when it is shown them;
 * beams find the best of all texts; nothing depends on what runs side by side. */
#include <math.h>
#include "help.h"
#include "use/decode.h"
#include "use/predict.h"

enum { N_NETS = 6, EXAMPLES = 12 };
static const struct {
  const char *name, *text;
  bool standardise;
} nets[N_NETS] = {{"translate", /* recurrences that start from others, and an encoder that is read to its end */
                   "data source : chars\ndata target : chars\nhidden = 7\nembedding = 4\n"
                   "s = lstm(embed(source, embedding), hidden, layers = 2, backward)\n"
                   "d = lstm(embed(target[t-1], embedding), hidden, layers = 2, start = s)\ntarget ~ softmax(W d + b)\n",
                   false},
                  {"tags", /* as long as the words; a backward recurrence on the same axis; two steps back */
                   "data word : words\ndata tag : category\nhidden = 6\nembedding = 4\ne = embed(word, embedding)\n"
                   "g = gru(e, hidden, backward)\nh = gru([embed(tag[t-1], 3), embed(tag[t-2], 3), e, g], hidden)\n"
                   "tag ~ softmax(W tanh(A h + B h[t-2]) + b)\n",
                   false},
                  {"numbers", /* numbers fed back, with others beside them and a label for all steps */
                   "data y : number\ndata x : number\ndata kind : category\nhidden = 6\nembedding = 2\n"
                   "h = lstm([y[t-1], y[t-2], x], hidden)\nk = embed(kind, embedding)\n"
                   "y ~ gaussian(mean = Wm [h, k] + bm, scale = 0.1 + softplus(Ws h + bs))\n",
                   true},
                  {"pair", /* two predictions at each step, one of which sees the other; states that start from a vector; a mean */
                   "data source : chars\ndata x : number\ndata v : number\ndata c : category\nhidden = 6\nembedding = 3\n"
                   "e = embed(source, embedding)\nm = mean(e)\n"
                   "h = gru([embed(c[t-1], 3), v[t-1], x, m], hidden, start = tanh(Z last(gru(e, 5)) + bz))\n"
                   "c ~ softmax(W h + b)\nv ~ gaussian(mean = V [h, embed(c, 2)] + bv, scale = 1)\n",
                   false},
                  {"attend", /* attention with the state, in the recurrence and after it */
                   "data source : chars\ndata target : chars\nhidden = 6\nembedding = 4\n"
                   "s = gru(embed(source, embedding), hidden, backward)\n"
                   "d = gru([embed(target[t-1], embedding), a[t-1]], hidden, start = s)\na = attend(d, s)\n"
                   "target ~ softmax(W tanh(V [d, a] + b) + bw)\n",
                   false},
                  {"aligned", /* tags that look at all words of their own sentence, by additive scores */
                   "data word : words\ndata tag : category\nhidden = 6\nembedding = 4\ne = embed(word, embedding)\n"
                   "f = gru(e, hidden)\nh = gru([embed(tag[t-1], 3), e], hidden)\na = attend(h, f, f, additive = p)\nparam p\n"
                   "tag ~ softmax(W [h, a] + b)\n",
                   false}};

/* What is in the tables. */
static const int like[N_NETS] = {0, 1, 2, 3, 0, 1};

static char folder[200];
static model models[N_NETS];

static const char *path_of(const char *name, const char *end) {
  static char paths[4][400];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s%s", folder, name, end);
  return path;
}

/* --- tables --- */

static void add_inputs(text *t, int number, int i) { /* of example i */
  const int net = like[number];
  static const char *const words[] = {"the", "dog", "runs", "a"};
  const uint64_t h = hash_mix((uint64_t)(net * 1000 + i));
  const int n = 1 + (int)(h % 6);
  if (net == 0 || net == 3) {
    for (int k = 0; k < n; k++) text_format(t, "%c", 'a' + (int)((h >> (3 + k)) % 3));
    text_add(t, ",", 1);
  }
  if (net == 1) {
    for (int k = 0; k < n; k++) text_format(t, "%s%s", k ? " " : "", words[(h >> (3 + 2 * k)) % 4]);
    text_add(t, ",", 1);
  }
  if (net >= 2) {
    for (int k = 0; k < n; k++) text_format(t, "%s%d.5", k ? " " : "", (int)((h >> (5 + k)) % 4));
    text_add(t, ",", 1);
  }
  if (net == 2) text_format(t, "%s,", h % 2 ? "even" : "odd");
}

static int steps_of(int number, int i) { return 1 + (int)(hash_mix((uint64_t)(like[number] * 1000 + i)) % 6); }

static const char *names_of(int net) {
  static const char *const names[] = {"source,target\n", "word,tag\n", "x,kind,y\n", "source,x,c,v\n"};
  return names[like[net]];
}

static void add_targets(text *t, int number, int i) {
  const int net = like[number];
  const uint64_t h = hash_mix((uint64_t)(net * 1000 + i) + 77);
  const int n = steps_of(net, i);
  if (net == 0) {
    for (int k = 0; k < (int)(h % 5); k++) text_format(t, "%c", 'x' + (int)((h >> (3 + k)) % 3));
  } else {
    for (int k = 0; k < n && net != 2; k++) text_format(t, "%s%c", k ? " " : "", 'A' + (int)((h >> (3 + k)) % 3));
    if (net == 3) text_add(t, ",", 1);
    for (int k = 0; k < n && net >= 2; k++) text_format(t, "%s%d", k ? " " : "", 3 + (int)((h >> (9 + k)) % 5));
  }
  text_add(t, "\n", 1);
}

static void put(const char *name, text *t) {
  assert_false(t->failed);
  file_put(folder, name, t->data, t->length);
  text_free(t);
}

static void train_one(int k) {
  char net[400], data[400], dir[400], name[64];
  text t = {0};
  train_result r;
  snprintf(name, sizeof name, "%s.net", nets[k].name);
  file_put(folder, name, nets[k].text, strlen(nets[k].text));
  text_format(&t, "%s", names_of(k));
  for (int i = 0; i < 40; i++) {
    add_inputs(&t, k, i);
    add_targets(&t, k, i);
  }
  snprintf(name, sizeof name, "%s.csv", nets[k].name);
  put(name, &t);
  snprintf(net, sizeof net, "%s", path_of(nets[k].name, ".net"));
  snprintf(data, sizeof data, "%s", path_of(nets[k].name, ".csv"));
  snprintf(dir, sizeof dir, "%s", path_of(nets[k].name, ""));
  train_options o = small_options(net, data, dir);
  o.n_settings = 0;
  o.steps = 40;
  o.rate = 0.02;
  o.valid = "0";
  o.standardise = nets[k].standardise;
  OK(train_run(&o, NULL, &r, err));
  OK(model_load(&models[k], path_of(nets[k].name, "/model.safetensors"), false, err));
}

static int setup(void **state) {
  (void)state;
  folder_make(folder, sizeof folder);
  for (int k = 0; k < N_NETS; k++) train_one(k);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  for (int k = 0; k < N_NETS; k++) model_free(&models[k]);
  folder_remove(folder);
  assert_int_equal(mem_live(), 0);
  return 0;
}

/* --- decoding --- */

typedef struct collected {
  const model *m;
  int net;
  text table;   /* a table with what was drawn as the truth */
  text lines;   /* the same values alone, with example and number */
  double log_p; /* of all */
  double each[64], score[64];
  int64_t n, ended;
} collected;

static void add_part(text *t, const decoded_part *p, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    if (p->words && p->words->unit == UNIT_CHARS) {
      vocabulary_add_text(p->words, p->symbols[i], t);
      continue;
    }
    if (i) text_add(t, " ", 1);
    if (p->words)
      vocabulary_add_text(p->words, p->symbols[i], t);
    else
      text_format(t, "%.9g", p->numbers[i]);
  }
}

static unroll_status collect(void *context, const decoded *d, unroll_error *err) {
  collected *c = context;
  (void)err;
  text_format(&c->lines, "%d.%d:", (int)d->example, (int)d->number);
  add_inputs(&c->table, c->net, (int)d->example);
  const int last = d->n_parts - 1; /* c, then v: as in the table */
  for (int k = 0; k <= last; k++) {
    if (k) text_add(&c->table, ",", 1);
    add_part(&c->table, &d->parts[k], d->n);
    add_part(&c->lines, &d->parts[k], d->n);
    text_add(&c->lines, k < last ? "," : "|", 1);
  }
  text_add(&c->table, "\n", 1);
  if (c->n < 64) {
    c->each[c->n] = d->log_probability;
    c->score[c->n] = d->score;
  }
  c->n++;
  c->ended += d->ended;
  c->log_p += d->log_probability;
  return UNROLL_OK;
}

static void collected_free(collected *c) {
  text_free(&c->table);
  text_free(&c->lines);
}

/* The inputs of `n` examples, without what is predicted. */
static void questions(dataset *d, int net, int n) {
  text t = {0};
  static const char *const names[] = {"source\n", "word\n", "x,kind\n", "source,x\n"};
  text_format(&t, "%s", names[like[net]]);
  for (int i = 0; i < n; i++) {
    add_inputs(&t, net, i);
    t.data[t.length - 1] = '\n';
  }
  put("questions.csv", &t);
  OK(model_read(d, &models[net], path_of("questions", ".csv"), &(data_options){.wanted = BIND_GIVEN}, err));
}

static void decode_some(int net, int n, const decode_options *o, int threads, collected *c) {
  dataset d;
  pool *workers = pool_new(threads);
  *c = (collected){.m = &models[net], .net = net};
  text_format(&c->table, "%s", names_of(net));
  questions(&d, net, n);
  const decode_sink sink = {.context = c, .emit = collect};
  OK(decode_table(&models[net], &d, NULL, o, workers, &sink, err));
  dataset_free(&d);
  pool_free(workers);
}

/* -log P of a table, by the whole net in one pass. */
static double nats_of(int net, const char *rows, size_t size) {
  dataset d;
  predict_total totals[4];
  double nats = 0;
  file_put(folder, "shown.csv", rows, size);
  OK(model_read(&d, &models[net], path_of("shown", ".csv"), &(data_options){.wanted = BIND_TRUTH}, err));
  OK(predict(&models[net], &d, true, 5, 1, NULL, &(predict_sink){0}, totals, err));
  for (int k = 0; k < models[net].g.n_losses; k++) nats += totals[k].nats;
  dataset_free(&d);
  return nats;
}

static void test_probabilities(void **state) {
  (void)state;
  for (int net = 0; net < N_NETS; net++)
    for (int how = 0; how < 3; how++) {
      collected c;
      decode_options o;
      decode_defaults(&o);
      o.length = 400;
      if (how) o.samples = how == 1 ? 1 : 40; /* 40: more than a group */
      decode_some(net, EXAMPLES, &o, 1, &c);
      if (how == 0 && like[net] == 0 && c.ended < EXAMPLES) { /* a greedy text may go on for ever, and cannot be shown then */
        collected_free(&c);
        continue;
      }
      assert_int_equal(c.n, EXAMPLES * (how == 2 ? 40 : 1));
      assert_int_equal(c.ended, c.n);
      const double nats = nats_of(net, c.table.data, c.table.length);
      if (!(fabs(nats + c.log_p) < 1e-4 * fabs(nats))) fail_msg("%s, %d: %.9g, not %.9g", nets[net].name, how, c.log_p, -nats);
      collected_free(&c);
    }
}

static void test_same(void **state) {
  (void)state;
  for (int net = 0; net < N_NETS; net++)
    for (int how = 0; how < 2; how++) {
      collected one, many, few;
      decode_options o;
      if (how && like[net] >= 2) continue; /* beams are of symbols */
      decode_defaults(&o);
      if (how) o.beam = o.best = 3;
      if (!how) o.samples = 3;
      o.length = 30;
      decode_some(net, EXAMPLES, &o, 3, &many);
      o.rows = 1;
      decode_some(net, EXAMPLES, &o, 1, &one);
      assert_string_equal(one.lines.data, many.lines.data);
      decode_some(net, 2, &o, 1, &few);
      assert_memory_equal(few.lines.data, many.lines.data, few.lines.length);
      assert_memory_equal(one.each, many.each, sizeof one.each);
      o.seed = 2;
      collected other;
      decode_some(net, EXAMPLES, &o, 1, &other);
      assert_int_equal(strcmp(other.lines.data, many.lines.data) == 0, how);
      collected_free(&one);
      collected_free(&many);
      collected_free(&few);
      collected_free(&other);
    }
}

/* --- beams --- */

enum { LONGEST = 4, TEXTS = 1 + 3 + 9 + 27 };

static int falling(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x < y) - (x > y);
}

/* log P / penalty of all texts of at most LONGEST - 1 symbols as the translation of example 0, the best first. */
static void all_scores(double penalty, double out[TEXTS]) {
  char texts[TEXTS][LONGEST] = {""};
  int n = 1;
  for (int i = 0; n < TEXTS; i++)
    for (int k = 0; k < 3; k++, n++) {
      memcpy(texts[n], texts[i], LONGEST);
      texts[n][strlen(texts[i])] = (char)('x' + k);
    }
  for (int i = 0; i < TEXTS; i++) {
    text t = {0};
    text_format(&t, "%s", names_of(0));
    add_inputs(&t, 0, 0);
    text_format(&t, "%s\n", texts[i]);
    out[i] = -nats_of(0, t.data, t.length) / pow((5 + (double)strlen(texts[i]) + 1) / 6, penalty);
    text_free(&t);
  }
  qsort(out, TEXTS, sizeof *out, falling);
}

static void test_beam(void **state) {
  (void)state;
  for (int how = 0; how < 2; how++) {
    double all[TEXTS];
    collected c;
    decode_options o;
    decode_defaults(&o);
    o.penalty = how ? 0.9 : 0;
    o.beam = TEXTS; /* drops nothing */
    o.best = 20;
    o.length = LONGEST;
    all_scores(o.penalty, all);
    decode_some(0, 3, &o, 1, &c);
    assert_int_equal(c.n, 60);
    for (int i = 0; i < 20; i++)
      if (!(fabs(c.score[i] - all[i]) < 1e-4))
        fail_msg("the %dth of all has %.9g, that of the beam %.9g", i + 1, all[i], c.score[i]);
    collected_free(&c);
    o.best = 1; /* may stop earlier, with the same */
    decode_some(0, 3, &o, 1, &c);
    assert_true(fabs(c.score[0] - all[0]) < 1e-4);
    collected_free(&c);
  }
}

/* A beam is not worse than greedy; of one it is greedy. Temperature 0 is greedy too. */
static void test_greedy(void **state) {
  (void)state;
  for (int net = 0; net < N_NETS; net++) {
    if (like[net] >= 2) continue;
    collected greedy, cold, beam;
    decode_options o;
    decode_defaults(&o);
    o.length = 12;
    decode_some(net, EXAMPLES, &o, 1, &greedy);
    o.beam = 6;
    decode_some(net, EXAMPLES, &o, 1, &beam);
    o.beam = 1;
    o.samples = 1;
    o.choice.temperature = 0;
    decode_some(net, EXAMPLES, &o, 1, &cold);
    assert_string_equal(greedy.lines.data, cold.lines.data);
    assert_true(like[net] == 0 || beam.log_p >= greedy.log_p - 1e-6);
    assert_int_equal(beam.n, EXAMPLES);
    collected_free(&greedy);
    collected_free(&cold);
    collected_free(&beam);
  }
}

/* --- true values that come first --- */

/* Series whose first values are given, in one example more than a pass of known steps: P of the rest is P of all over P of those.
 */
static void test_known(void **state) {
  (void)state;
  text t = {0};
  int64_t known[6] = {0, 1, 300, 2, 128, 4};
  const int64_t length[6] = {3, 1, 305, 5, 130, 4};
  dataset d;
  decode_options o;
  collected c = {.m = &models[2], .net = 2};
  text_format(&t, "x,kind,y\n");
  for (int i = 0; i < 6; i++) {
    for (int k = 0; k < length[i]; k++) text_format(&t, "%s%d", k ? " " : "", k % 3);
    text_format(&t, ",odd,");
    for (int k = 0; k < length[i]; k++) text_format(&t, "%s%d", k ? " " : "", 3 + k * k % 5);
    text_format(&t, "\n");
  }
  put("context.csv", &t);
  OK(model_read(&d, &models[2], path_of("context", ".csv"), &(data_options){.wanted = BIND_TRUTH}, err));
  decode_defaults(&o);
  o.samples = 2;
  for (int rows = 1; rows <= 12; rows += 11) {
    o.rows = rows;
    collected_free(&c);
    c = (collected){.m = &models[2], .net = 2};
    OK(decode_table(&models[2], &d, known, &o, NULL, &(decode_sink){.context = &c, .emit = collect}, err));
    assert_int_equal(c.n, 12);
    /* the whole series with what was drawn after what was known */
    double nats = 0, before = 0;
    const char *line = c.lines.data;
    for (int i = 0; i < 12; i++) {
      const int e = i / 2;
      line = strchr(line, ':') + 1;
      const int size = (int)(strchr(line, '|') - line);
      text all = {0}, first = {0};
      text_format(&all, "x,kind,y\n");
      text_format(&first, "x,kind,y\n");
      for (int k = 0; k < length[e]; k++) text_format(&all, "%s%d", k ? " " : "", k % 3);
      for (int k = 0; k < known[e]; k++) text_format(&first, "%s%d", k ? " " : "", k % 3);
      text_format(&all, ",odd,");
      text_format(&first, ",odd,");
      for (int k = 0; k < known[e]; k++) text_format(&all, "%d ", 3 + k * k % 5);
      for (int k = 0; k < known[e]; k++) text_format(&first, "%d ", 3 + k * k % 5);
      text_format(&all, "%.*s\n", size, line);
      text_format(&first, "\n");
      nats += nats_of(2, all.data, all.length);
      if (known[e]) before += nats_of(2, first.data, first.length);
      text_free(&all);
      text_free(&first);
    }
    if (!(fabs(nats - before + c.log_p) < 1e-4 * fabs(nats))) fail_msg("%d rows: %.9g, not %.9g", rows, c.log_p, before - nats);
  }
  collected_free(&c);
  dataset_free(&d);
}

/* --- what is refused --- */

static void test_refused(void **state) {
  (void)state;
  static const struct {
    int net;
    decode_options o;
    const char *message;
  } bad[] = {{2, {.beam = 2, .best = 1, .rows = 1}, "beam search is for nets that generate one variable of symbols"},
             {3, {.beam = 2, .best = 1, .rows = 1}, "beam search is for nets that generate one variable of symbols"},
             {0, {.beam = 2, .best = 3, .rows = 1}, "of a beam of 2 not 3"},
             {0, {.beam = 1, .best = 1, .rows = 1, .penalty = -1}, "the length penalty"},
             {0, {.beam = 1, .best = 1, .rows = 1, .choice = {.top_p = 2}}, "top-p"},
             {0, {.beam = 1, .best = 1, .rows = 1, .choice = {.temperature = -2}}, "temperature"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    unroll_error e = {0};
    dataset d;
    collected c = {.net = bad[i].net};
    questions(&d, bad[i].net, 2);
    const decode_sink sink = {.context = &c, .emit = collect};
    assert_int_equal(decode_table(&models[bad[i].net], &d, NULL, &bad[i].o, NULL, &sink, &e), UNROLL_USAGE);
    if (!strstr(e.message, bad[i].message)) fail_msg("%s", e.message);
    assert_int_equal(c.n, 0);
    dataset_free(&d);
  }
  unroll_error e = {0};
  decode_options o;
  decode_defaults(&o);
  assert_int_equal(decode_nothing(&models[0], NULL, 0, &o, NULL, &(decode_sink){0}, &e), UNROLL_USAGE);
  assert_non_null(strstr(e.message, "generates from data ('source')"));
}

static void test_no_memory(void **state) {
  (void)state;
  int failures = 0;
  for (int net = 0; net < N_NETS; net++) {
    dataset d;
    decode_options o;
    decode_defaults(&o);
    o.length = 4;
    if (like[net] < 2)
      o.beam = 3;
    else
      o.samples = 2;
    questions(&d, net, 3);
    for (long n = 1;; n++) {
      collected c = {.m = &models[net], .net = net};
      unroll_error e = {0};
      const long live = mem_live();
      mem_fail_after(n, net % 2);
      const unroll_status status =
          decode_table(&models[net], &d, NULL, &o, NULL, &(decode_sink){.context = &c, .emit = collect}, &e);
      mem_fail_after(0, 0);
      collected_free(&c);
      assert_int_equal(mem_live(), live);
      if (!status && n > 1000) break;
      if (!status && n > 300) n += 50;
      if (!status) continue;
      failures++;
      if (status != UNROLL_FAILED) fail_msg("allocation %ld: %s", n, e.message);
    }
    dataset_free(&d);
  }
  assert_true(failures > 200);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_probabilities), cmocka_unit_test(test_same),
                                     cmocka_unit_test(test_beam),          cmocka_unit_test(test_greedy),
                                     cmocka_unit_test(test_known),         cmocka_unit_test(test_refused),
                                     cmocka_unit_test(test_no_memory)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
