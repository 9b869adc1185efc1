/* made.h - small models made by the tests: a net, columns in memory, and a few steps of training. */
#ifndef TESTS_API_MADE_H
#define TESTS_API_MADE_H
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <unroll.h>

#define OK(call)                                                                                                                   \
  do {                                                                                                                             \
    unroll_error err_ = {0}, *const err = &err_;                                                                                   \
    if ((call) != UNROLL_OK) fail_msg("%s:%d: %s %s", __FILE__, __LINE__, err->file, err->message);                                \
  } while (0)

static char folder[256];

static int make_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "%s/unroll-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
  char command[300];
  (void)state;
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

static void in_folder(char out[300], const char *name) { snprintf(out, 300, "%s/%s", folder, name); }

static void set(unroll_options *o, const char *name, const char *value) { OK(unroll_options_set(o, name, value, err)); }

/* Trains `net` on the table. `more`: further options, a NULL at the end. */
static inline unroll_model *make_model(const char *name, const char *net, const unroll_table *t, const char *const *more) {
  char file[300], out[300];
  unroll_model *m = NULL;
  snprintf(file, sizeof file, "%s/%s.net", folder, name);
  in_folder(out, name);
  FILE *f = fopen(file, "w");
  assert_non_null(f);
  fputs(net, f);
  fclose(f);
  unroll_options *o = unroll_options_new("train");
  assert_non_null(o);
  set(o, "net", file);
  set(o, "output", out);
  set(o, "valid", "0");
  set(o, "threads", "1");
  for (; more && *more; more += 2) set(o, more[0], more[1]);
  OK(unroll_train_table(o, t, NULL, NULL, &m, err));
  unroll_options_free(o);
  return m;
}

/* Sentences of three words with a tag each and two numbers at each step. */
enum { SENTENCES = 24, WORDS = 3 };
static inline unroll_table *make_sentences(void) {
  static const char *const texts[] = {"the cat sat", "a dog ran", "the dog sat", "a cat ran"}, *const tags[] = {"D N V"};
  const char *text[SENTENCES], *tag[SENTENCES];
  float x[SENTENCES * WORDS * 2];
  int64_t first[SENTENCES + 1];
  for (int i = 0; i < SENTENCES; i++) {
    text[i] = texts[i % 4];
    tag[i] = tags[0];
    for (int k = 0; k < WORDS * 2; k++) x[i * WORDS * 2 + k] = (float)((i + k) % 5) / 4;
  }
  for (int i = 0; i <= SENTENCES; i++) first[i] = i * WORDS;
  unroll_table *t = unroll_table_new();
  assert_non_null(t);
  OK(unroll_table_add_texts(t, "text", text, NULL, SENTENCES, err));
  OK(unroll_table_add_texts(t, "tag", tag, NULL, SENTENCES, err));
  OK(unroll_table_add_sequences(t, "x", x, first, SENTENCES, 2, err));
  return t;
}
#define SENTENCE_X(i, k) ((float)(((i) + (k)) % 5) / 4)

static const char tagger[] = "data text : words\ndata tag : category\ndata x : numbers(2)\ncell = lstm\n"
                             "h = cell([embed(text, 6), x], 8)\ntag ~ softmax(W h + b)\n";
static const char *const few[] = {"steps", "40", "lr", "0.02", "batch", "8", NULL};
#endif
