/* test_tables.c - training on tables: what is learned, the same bits after a resume and with other numbers of threads, models in
 * files, what they predict, and lack of memory. */
#include <math.h>
#include "help.h"
#include "use/evaluate.h"
#include "use/predict.h"

static char folder[200];

static const char classify_net[] = "data text : words(20)\ndata label : category\nhidden = 10\nembedding = 6\ndrop = 0.1\n"
                                   "e = dropout(embed(text, embedding), drop)\nf = gru(e, hidden)\ng = gru(e, hidden, backward)\n"
                                   "label ~ softmax(W [last(f), first(g)] + b)\n";
static const char tag_net[] = "data word : words\ndata tag : category\nhidden = 10\nembedding = 6\ne = embed(word, embedding)\n"
                              "tag ~ softmax(W [gru(e, hidden), gru(e, hidden, backward)] + b)\n";
static const char adding_net[] = "data x : numbers\ndata y : number\nhidden = 12\nembedding = 1\n"
                                 "y ~ gaussian(mean = W last(lstm(x, hidden)) + b, scale = embedding)\n";
static const char both_net[] = "data text : chars\ndata label : category\ndata size : number\nhidden = 10\nembedding = 6\n"
                               "h = last(gru(embed(text, embedding), hidden))\n"
                               "label ~ softmax(W h + b)\nsize ~ gaussian(mean = V h + bv, scale = 1)\n";

static const struct {
  const char *name, *text, *data, *series, *tagged;
  bool standardise;
} nets[] = {{"classify.net", classify_net, "sentences.csv", NULL, NULL, false},
            {"tag.net", tag_net, "tags.tsv", NULL, NULL, false},
            {"tag.net", tag_net, "tags.txt", NULL, "word,tag", false},
            {"adding.net", adding_net, "adding.csv", "id", NULL, false},
            {"adding.net", adding_net, "adding.csv", "id", NULL, true},
            {"both.net", both_net, "sizes.csv", NULL, NULL, false},
            {"both.net", both_net, "sizes.csv", NULL, NULL, true}};
enum { N_NETS = sizeof nets / sizeof *nets };

static const char *path_of(const char *name) {
  static char paths[4][300];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

static void put(const char *name, text *t) {
  assert_false(t->failed);
  file_put(folder, name, t->data, t->length);
  text_free(t);
}

static void make_tables(void) {
  static const char *const words[] = {"good", "bad", "a", "film", "the", "very"};
  text s = {0}, g = {0}, a = {0}, z = {0}, l = {0};
  uint64_t h = 1;
  text_format(&s, "label,text\n");
  text_format(&g, "word\ttag\n");
  text_format(&z, "text,size,label\n");
  text_format(&a, "id,x1,x2,y\n");
  for (int i = 0; i < 120; i++) {
    const int n = i % 7, good = i % 2;
    text one = {0}, tags = {0};
    for (int k = 0; k < n; k++) {
      h = hash_mix(h + 1);
      const char *w = words[2 + h % 4];
      text_format(&one, "%s%s", k ? " " : "", k == n / 2 ? words[!good] : w);
      const char tag = k == n / 2 ? 'J' : *w == 'f' ? 'N' : 'D';
      text_format(&tags, "%s%c", k ? " " : "", tag);
      text_format(&l, "%s %c\n", k == n / 2 ? words[!good] : w, tag);
    }
    if (n) {
      text_format(&s, "%s,\"%s, \"\"%d\"\"\"\n", good ? "yes" : "no", one.data, i);
      text_format(&g, "%s\t%s\n", one.data, tags.data);
    } else
      text_format(&s, "none,\n");
    text_format(&z, "%.*s,%d,%s\n", n, "abcabcabc", n, n > 3 ? "long" : "short");
    for (int k = 0; k < 2 + n; k++) text_format(&a, "%d,0.%d,%d,%d.5\n", i, (int)(hash_mix(h + (uint64_t)k) % 100), k == 1, n);
    text_format(&l, "\n");
    text_free(&one);
    text_free(&tags);
  }
  put("sentences.csv", &s);
  put("tags.tsv", &g);
  put("tags.txt", &l);
  put("adding.csv", &a);
  put("sizes.csv", &z);
}

static int setup(void **state) {
  (void)state;
  folder_make(folder, sizeof folder);
  for (int i = 0; i < N_NETS; i++) file_put(folder, nets[i].name, nets[i].text, strlen(nets[i].text));
  make_tables();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  folder_remove(folder);
  assert_int_equal(mem_live(), 0);
  return 0;
}

static train_options options_of(int i, const char *dir) {
  static char net[N_NETS][300], data[N_NETS][300], out[8][300];
  static int next;
  char *to = out[next++ % 8];
  snprintf(net[i], sizeof net[i], "%s", path_of(nets[i].name));
  snprintf(data[i], sizeof data[i], "%s", path_of(nets[i].data));
  snprintf(to, sizeof out[0], "%s", path_of(dir));
  train_options o = small_options(net[i], data[i], to);
  o.n_settings = 0;
  o.series = nets[i].series;
  o.tagged = nets[i].tagged;
  o.standardise = nets[i].standardise;
  o.batch = 8;
  o.valid = "0.2";
  o.test = "0.1";
  return o;
}

static void on_progress(void *context, const train_progress *p) {
  int64_t *at = context; /* where to stop, and the flag */
  if (p->step == at[0]) *(volatile sig_atomic_t *)(at + 1) = 1;
}

static unroll_status run(const train_options *o, int64_t stop_at, bool resumed, train_result *r, unroll_error *err) {
  int64_t at[2] = {stop_at, 0};
  const train_callbacks c = {.context = at, .progress = on_progress, .stop = (volatile sig_atomic_t *)(at + 1)};
  return resumed ? train_resume(o->dir, NULL, &c, r, err) : train_run(o, &c, r, err);
}

static uint64_t tensors_hash(const char *dir) {
  char file[600];
  tensor_file f;
  snprintf(file, sizeof file, "%s/checkpoint.safetensors", dir);
  OK(tensor_file_load(&f, file, err));
  const uint64_t h = model_hash(f.tensors, f.count, NULL, NULL, 0);
  tensor_file_free(&f);
  return h;
}

static void test_resume(void **state) {
  (void)state;
  for (int i = 0; i < N_NETS; i++) {
    train_result whole, cut;
    train_options o = options_of(i, "whole");
    o.steps = 40;
    OK(run(&o, 0, false, &whole, err));
    const uint64_t model_hash_ = file_hash(o.dir, "model.safetensors"), checkpoint = tensors_hash(o.dir);
    for (int64_t at = 3; at < 40; at += 11) {
      o = options_of(i, "cut");
      o.steps = 40;
      assert_int_equal(run(&o, at, false, &cut, NULL), UNROLL_INTERRUPTED);
      assert_int_equal(run(&o, at + 5, true, &cut, NULL), at + 5 < 40 ? UNROLL_INTERRUPTED : UNROLL_OK);
      OK(run(&o, 0, true, &cut, err));
      assert_int_equal(cut.symbols, whole.symbols);
      if (file_hash(o.dir, "model.safetensors") != model_hash_ || tensors_hash(o.dir) != checkpoint)
        fail_msg("%s: stopped at %d, other bits", nets[i].name, (int)at);
      assert_true(cut.test_loss == whole.test_loss);
    }
  }
}

static void test_threads(void **state) {
  (void)state;
  static const int threads[] = {1, 2, 5};
  for (int i = 0; i < N_NETS; i++) {
    uint64_t first = 0;
    for (int k = 0; k < 3; k++) {
      train_result r;
      train_options o = options_of(i, "threads");
      o.threads = threads[k];
      o.batch = 19;
      o.steps = 12;
      OK(run(&o, 0, false, &r, err));
      if (k == 0) first = tensors_hash(o.dir);
      if (tensors_hash(o.dir) != first) fail_msg("%s: %d threads give other bits than one", nets[i].name, threads[k]);
    }
  }
}

typedef struct lines {
  text out;
  int64_t n;
} lines;

static unroll_status take(void *context, const predicted *p, unroll_error *err) {
  lines *l = context;
  (void)err;
  assert_int_equal(p->number, l->n++);
  for (int k = 0; k < p->n; k++)
    for (int64_t i = 0; i < p->parts[k].n; i++) {
      if (p->parts[k].symbols)
        vocabulary_add_text(&p->parts[k].v->words, p->parts[k].symbols[i], &l->out);
      else
        text_format(&l->out, "%.3f", (double)p->parts[k].numbers[i * p->parts[k].v->width]);
      text_add(&l->out, " ", 1);
    }
  text_add(&l->out, "\n", 1);
  return UNROLL_OK;
}

static void test_learned(void **state) {
  (void)state;
  for (int i = 0; i < N_NETS; i++) {
    train_result r;
    train_options o = options_of(i, "learned");
    model m;
    dataset d;
    predict_total totals[2];
    lines a = {{0}, 0}, b = {{0}, 0};
    char file[600];
    o.epochs = 40;
    o.rate = 0.02;
    o.valid = "0";
    o.test = NULL;
    OK(run(&o, 0, false, &r, err));
    snprintf(file, sizeof file, "%s/model.safetensors", o.dir);
    OK(model_load(&m, file, false, err));
    OK(model_read(&d, &m, o.data, &(data_options){.wanted = BIND_TRUTH, .series = o.series, .tagged = o.tagged}, err));
    OK(predict(&m, &d, true, 5, 1, NULL, &(predict_sink){.context = &a, .emit = take}, totals, err));
    assert_int_equal(a.n, d.n_sequences);
    double nats = 0;
    for (int k = 0; k < m.g.n_losses; k++) {
      const variable *v = &m.schema.list[m.g.losses[k].data];
      assert_int_equal(v->mean != NULL, nets[i].standardise && v->form.unit == UNIT_NUMBERS);
      nats += totals[k].nats;
      if (v->mean) nats -= (double)totals[k].n * log(v->deviation[0]); /* the evaluator is in standardised units */
      if (totals[k].distribution->support != SUPPORT_SYMBOLS)
        assert_true(totals[k].squared < 0.3);
      else
        assert_true(totals[k].correct > 0.95);
    }
    part p;
    evaluator *e;
    OK(part_whole(&p, &d, err));
    OK(evaluator_new(&e, &m, m.weights, &p, 9, 1, 0, 0, NULL, err));
    double found;
    OK(evaluator_run(e, &found, err));
    assert_true(fabs(found - nats / (double)d.n_symbols) < 1e-6);
    evaluator_free(e);
    part_free(&p);
    dataset_free(&d);
    OK(model_read(&d, &m, o.data, &(data_options){.wanted = BIND_GIVEN, .series = o.series, .tagged = o.tagged},
                  err)); /* without looking at the truth, in other batches */
    OK(predict(&m, &d, false, 64, 1, NULL, &(predict_sink){.context = &b, .emit = take}, NULL, err));
    assert_string_equal(a.out.data, b.out.data);
    dataset_free(&d);
    char copy[600];
    snprintf(copy, sizeof copy, "%s/copy.safetensors", folder);
    OK(model_save(&m, copy, err));
    assert_true(file_hash(folder, "copy.safetensors") == file_hash(o.dir, "model.safetensors"));
    text_free(&a.out);
    text_free(&b.out);
    model_free(&m);
  }
}

static void test_refused(void **state) {
  (void)state;
  train_options o = options_of(0, "refused");
  train_result r;
  unroll_error e = {0};
  model m;
  dataset d;
  char file[600];
  o.steps = 2;
  OK(run(&o, 0, false, &r, err));
  snprintf(file, sizeof file, "%s/model.safetensors", o.dir);
  OK(model_load(&m, file, false, err));
  generate_options g;
  generate_defaults(&g, &m);
  assert_int_equal(generate(&m, &g, NULL, &(generate_sink){0}, &e), UNROLL_USAGE);
  assert_non_null(strstr(e.message, "reads tables"));
  assert_int_equal(model_read(&d, &m, path_of("adding.csv"), &(data_options){.wanted = BIND_GIVEN}, &e), UNROLL_BAD_INPUT);
  assert_non_null(strstr(e.message, "there is no column 'text'"));
  dataset_free(&d);
  model_free(&m);
  file_put(folder, "more.csv", "text,label\nx,yes\ny,maybe\n", 25); /* a label that only the file for validation has is known */
  o.valid = path_of("more.csv");
  OK(run(&o, 0, false, &r, err));
  file_put(folder, "sentences.csv", "label,text\nno,b\nyes,a\nno,b\n", 27);
  assert_int_equal(train_resume(o.dir, NULL, NULL, &r, &e), UNROLL_BAD_INPUT);
  assert_non_null(strstr(e.message, "not the data"));
  o.series = "id";
  o.data = path_of("tags.tsv");
  assert_int_equal(run(&o, 0, false, &r, &e), UNROLL_BAD_INPUT);
  o.net = "names";
  assert_int_equal(run(&o, 0, false, &r, &e), UNROLL_USAGE);
  assert_non_null(strstr(e.message, "option 'series' is for tables"));
  make_tables();
}

#define GOOD "{\"text\":{\"symbols\":[\"a\"],\"end\":false},\"label\":{\"symbols\":[\"x\"],\"end\":false},\"size\":"
/* What a model file may not say about its variables; of both.net, standardised. NULL: the metadata is missing. */
static const struct {
  const char *variables, *message;
} bad[] = {
    {NULL, "'variables' is missing"},
    {"[]", "is not a JSON object"},
    {"{}", "'text' has no good vocabulary"},
    {"{\"text\":{\"symbols\":[\"a\",\"b\"]}}", "'text' has no good vocabulary"},
    {"{\"text\":{\"symbols\":[\"b\",\"a\"],\"end\":false}}", "out of order"},
    {"{\"text\":{\"symbols\":[],\"end\":false}}", "the vocabulary is empty"},
    {"{\"text\":{\"symbols\":[\"a\",\"\\n\"],\"end\":true},\"label\":{\"symbols\":[\"x\"],\"end\":true}}", "'label' has no good"},
    {"{\"text\":{\"symbols\":[\"a\"],\"end\":false},\"label\":{\"symbols\":[\"x\",\"x\"],\"end\":false}}", "has 'x' twice"},
    {"{\"text\":{\"symbols\":[\"a\"],\"end\":false},\"label\":{\"symbols\":[\"x\",1],\"end\":false}}",
     "symbol 1 of a vocabulary is no text"},
    {GOOD "{}}", "'size' has no good width"},
    {GOOD "{\"width\":0}}", "'size' has no good width"},
    {GOOD "{\"width\":2}}", "'size' has no good width"},
    {GOOD "{\"width\":1,\"mean\":[1,2],\"deviation\":[1,2]}}", "no good mean and deviation"},
    {GOOD "{\"width\":1,\"mean\":[1],\"deviation\":[0]}}", "no good mean and deviation"},
    {GOOD "{\"width\":1,\"mean\":[1],\"deviation\":[-2]}}", "no good mean and deviation"},
    {GOOD "{\"width\":1,\"mean\":[\"x\"],\"deviation\":[1]}}", "no good mean and deviation"},
    {GOOD "{\"width\":1}}", "is not a matrix"},
    {"{\"text\":{\"symbols\":[\"\\n\"],\"end\":true},\"label\":{\"symbols\":[\"x\"],\"end\":false},\"size\":{\"width\":1}}",
     "the vocabulary of 'text' has an end symbol"},
};

static void test_bad_variables(void **state) {
  (void)state;
  train_options o = options_of(6, "bad");
  train_result r;
  char good[600], path[600];
  tensor_file f;
  model m;
  o.steps = 1;
  OK(run(&o, 0, false, &r, err));
  snprintf(good, sizeof good, "%s/model.safetensors", o.dir);
  snprintf(path, sizeof path, "%s/changed.safetensors", folder);
  OK(tensor_file_load(&f, good, err));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    const char *keys[16], *values[16];
    size_t n = 0;
    unroll_error e = {0};
    for (size_t k = 0; k < f.metadata; k++) {
      const bool here = !strcmp(f.keys[k], "variables");
      if (here && !bad[i].variables) continue;
      keys[n] = f.keys[k];
      values[n++] = here ? bad[i].variables : f.values[k];
    }
    OK(tensor_file_save(path, f.tensors, f.count, keys, values, n, err));
    const unroll_status status = model_load(&m, path, i % 2 == 0, &e);
    if (status != UNROLL_BAD_INPUT || !strstr(e.message, bad[i].message)) fail_msg("row %zu: %d: %s", i, (int)status, e.message);
    assert_true(e.file[0] != 0);
  }
  tensor_file_free(&f);
}

static void test_memory(void **state) {
  (void)state;
  for (int resumed = 0; resumed < 2; resumed++) {
    int failures = 0;
    for (long n = 1;; n += n > 60 ? 1 + n / 14 : 1) {
      train_options o = options_of(6, "sweep");
      train_result r;
      unroll_error e = {0};
      o.steps = 3;
      if (resumed) assert_int_equal(run(&o, 1, false, &r, NULL), UNROLL_INTERRUPTED);
      const long live = mem_live();
      mem_fail_after(n, 0);
      const unroll_status status = run(&o, 0, resumed, &r, &e);
      mem_fail_after(0, 0);
      assert_int_equal(mem_live(), live);
      if (status) {
        failures++;
        if (e.code != status || !e.message[0]) fail_msg("failure %ld has no message", n);
        if (status == UNROLL_BAD_INPUT && !resumed) fail_msg("lack of memory %ld reported as bad input: %s", n, e.message);
      } else if (n > 3000)
        break;
    }
    assert_true(failures > 20);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_resume),  cmocka_unit_test(test_threads),       cmocka_unit_test(test_learned),
      cmocka_unit_test(test_refused), cmocka_unit_test(test_bad_variables), cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
