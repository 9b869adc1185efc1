/* scene.h - what the targets over whole commands share.
 *
 * An input is text in sections, with a line %% between them: options as words NAME=VALUE, then the net, then the data. The net is
 * built as training on the data would begin with it, by the functions of unroll.h. So whatever the fuzzer writes, a net and a table
 * that fit each other are near. Files lie in a folder of this process, which goes with it.
 *
 * Of the options those are taken which name no file, and numbers above what a quick run needs are passed over. */
#ifndef FUZZ_SCENE_H
#define FUZZ_SCENE_H
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unroll.h>
#include "api/api.h"
#include "base/budget.h"
#include "base/memory.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void scene_check(int good) {
  if (!good) abort();
}

/* --- sections --- */

enum { SCENE_SECTIONS = 4 };
typedef struct sections {
  const char *at[SCENE_SECTIONS];
  size_t size[SCENE_SECTIONS];
} sections;

/* Cuts at lines of %%; what is left over belongs to the last of n. */
static inline sections scene_cut(const uint8_t *data, size_t size, int n) {
  sections s = {0};
  const char *at = (const char *)data, *end = at + size;
  for (int i = 0; i < n; i++) {
    const char *to = i + 1 < n && at ? memmem(at, (size_t)(end - at), "%%\n", 3) : NULL;
    s.at[i] = at ? at : "";
    s.size[i] = at ? (size_t)((to ? to : end) - at) : 0;
    at = to ? to + 3 : NULL;
  }
  return s;
}

/* --- files --- */

static char scene_folder[64];

static inline int scene_remove(const char *path, const struct stat *st, int kind, struct FTW *place) {
  (void)st;
  (void)kind;
  (void)place;
  return remove(path);
}
static inline void scene_clear(void) { nftw(scene_folder, scene_remove, 8, FTW_DEPTH | FTW_PHYS); }

/* The path of a file in the folder, until the fourth call from now. */
static inline const char *scene_path(const char *name) {
  static char paths[4][128];
  static int next;
  char *path = paths[next++ % 4];
  if (!scene_folder[0]) {
    snprintf(scene_folder, sizeof scene_folder, "/tmp/unroll-fuzz-XXXXXX");
    scene_check(mkdtemp(scene_folder) != NULL && atexit(scene_clear) == 0);
  }
  snprintf(path, sizeof paths[0], "%s/%s", scene_folder, name);
  return path;
}

static inline const char *scene_write(const char *name, const void *data, size_t size) {
  const char *path = scene_path(name);
  FILE *f = fopen(path, "wb");
  scene_check(f && fwrite(data, 1, size, f) == size && fclose(f) == 0);
  return path;
}

/* --- options --- */

typedef struct scene_option {
  const char *name;
  double most; /* of a number; 0: any value */
} scene_option;

static const scene_option scene_training[] = {
    {"series", 0}, {"tagged", 0}, {"column", 0}, {"separator", 0}, {"decimal", 0}, {"dates", 0},
    {"time", 0},   {"fill", 0},   {"scale", 0},  {"skip-bad", 0},  {"set", 0},     {"standardise", 0},
    {"init", 0},   {"seed", 9e9}, {"batch", 64}, {"context", 20},  {"horizon", 8}, {"labels-from-folders", 0},
};
static const scene_option scene_using[] = {
    {"batch", 64},       {"unroll", 64},       {"beam", 8},           {"n-best", 8},     {"samples", 8},  {"length", 12},
    {"temperature", 10}, {"bias", 10},         {"length-penalty", 9}, {"top", 20},       {"top-k", 20},   {"top-p", 1},
    {"seed", 9e9},       {"probabilities", 0}, {"quantiles", 0},      {"word-bonus", 9}, {"times", 0},    {"hits", 0},
    {"decode", 0},       {"references", 0},    {"skip-bad", 0},       {"horizon", 8},    {"backtest", 4}, {"stride", 4},
    {"season", 9},       {"trained", 0},       {"precision", 0},      {"confusion", 0},  {"column", 0},   {"series", 0},
    {"tagged", 0},       {"separator", 0},     {"decimal", 0},        {"dates", 0},
};

/* Of the words NAME=VALUE those that the list has; what a command does not take it refuses by itself. */
static inline void scene_options(unroll_options *o, const scene_option *list, size_t n, const char *words, size_t size) {
  for (const char *at = words, *end = words + size; at < end;) {
    char word[96];
    double x;
    const char *stop = at;
    while (stop < end && *stop != ' ' && *stop != '\n') stop++;
    snprintf(word, sizeof word, "%.*s", (int)(stop - at), at);
    at = stop + 1;
    char *value = strchr(word, '=');
    if (value) *value++ = 0;
    for (size_t i = 0; i < n; i++)
      if (!strcmp(list[i].name, word) &&
          (!value || list[i].most == 0 || text_number(value, strlen(value), &x) || x <= list[i].most))
        unroll_options_set(o, word, value, NULL);
  }
}

/* The options of a command, quick ones first. */
static inline unroll_options *scene_asked(const char *command, const char *const (*usual)[2], const char *words, size_t size) {
  unroll_options *o = unroll_options_new(command);
  scene_check(o != NULL);
  unroll_options_set(o, "threads", "1", NULL);
  for (; usual && (*usual)[0]; usual++) unroll_options_set(o, (*usual)[0], (*usual)[1], NULL);
  scene_options(o, scene_using, sizeof scene_using / sizeof *scene_using, words, size);
  return o;
}

/* --- the model --- */

static inline bool scene_small(const model *m) {
  if (m->g.n_weights > 4096 || m->g.n_nodes > 1500) return false;
  for (int i = 0; i < m->g.n_nodes; i++)
    if (m->g.nodes[i].width > 4096 && graph_steps_axis(m->g.nodes[i].width) < 0) return false;
  return true;
}

/* The model and table of an input's sections options, net, data; NULL: there is none, and that was said. */
static inline unroll_model *scene_model(const sections *s, unroll_table **t) {
  unroll_error err = {0};
  unroll_model *m = NULL;
  unroll_options *o = unroll_options_new("train");
  const char *kind = memmem(s->at[0], s->size[0], "file=", 5);
  char name[16] = "data.csv";
  for (size_t i = 0; kind && i < 8; i++) { /* file=json: how the data is written */
    const size_t left = (size_t)(s->at[0] + s->size[0] - kind - 5);
    const char c = i < left && i < 7 ? kind[5 + i] : 0;
    name[5 + i] = c >= 'a' && c <= 'z' ? c : 0;
    if (!name[5 + i]) break;
  }
  *t = unroll_table_new();
  scene_check(o && *t);
  scene_options(o, scene_training, sizeof scene_training / sizeof *scene_training, s->at[0], s->size[0]);
  scene_check(!unroll_options_set(o, "net", scene_write("net.net", s->at[1], s->size[1]), &err));
  scene_check(!unroll_table_read(*t, scene_write(name, s->at[2], s->size[2]), &err));
  budget_set((uint64_t)200 << 20);
  const unroll_status status = unroll_untrained(o, *t, &m, &err);
  unroll_options_free(o);
  scene_check(status ? err.code == status && err.message[0] && !m : m != NULL);
  if (m && !scene_small(&m->m)) {
    unroll_model_free(m);
    m = NULL;
  }
  return m;
}

/* Looks at all that a result says. */
static inline void scene_read(const unroll_result *r) {
  for (int64_t i = 0; i < unroll_result_rows(r); i++) {
    unroll_row row;
    unroll_row_init(&row);
    scene_check(!unroll_result_row(r, i, &row, NULL));
    for (int k = 0; k < unroll_result_variables(r); k++) {
      unroll_value v;
      unroll_error err = {0};
      char *line = NULL;
      unroll_value_init(&v);
      if (unroll_result_value(r, i, unroll_result_variable(r, k), &v, &err)) continue;
      if (!unroll_value_line(&v, &line, &err)) scene_check(line != NULL);
      unroll_free(line);
    }
  }
  for (int i = 0; i < unroll_result_figures(r); i++) {
    unroll_figure f;
    unroll_figure_init(&f);
    scene_check(!unroll_result_figure(r, i, &f, NULL) && f.name && f.unit && f.of);
  }
}

typedef unroll_status scene_call(const unroll_model *m, const unroll_table *t, const unroll_options *o, unroll_result **out,
                                 unroll_error *err);
static inline void scene_ask(scene_call *call, const unroll_model *m, const unroll_table *t, const unroll_options *o) {
  unroll_error err = {0};
  unroll_result *r = NULL;
  const unroll_status status = call(m, t, o, &r, &err);
  scene_check(status ? err.code == status && err.message[0] && !r : r != NULL);
  if (r) scene_read(r);
  unroll_result_free(r);
}
#endif
