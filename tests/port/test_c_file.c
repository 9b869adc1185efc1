/* test_c_file.c - `export c` of every built-in net and cell, and of random nets: the files compile without a warning, and their
 * self-tests say that the numbers are those of the reference.
 *
 * UNROLL_NETS=N tests N random nets instead of a few, those from number UNROLL_NETS_FROM=S on; UNROLL_KEEP=1 leaves the files in
 * c_file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../part.h"
#include "../run/random_net.h"
#include "base/file.h"
#include "port/port.h"
#include "verify/random_batch.h"

enum { MOST = 400, USUAL_NETS = 12 };
static const char flags[] = "-std=c99 -Wall -Wextra -Wconversion -pedantic -Werror -DSELFTEST";

typedef struct written {
  char name[MOST][64];
  int n;
} written;

static int choose(const char *source, setting *list) {
  static const struct {
    const char *line;
    setting as;
  } known[] = {{"\nhidden = ", {"hidden", 6, NULL}},
               {"\nembedding = ", {"embedding", 5, NULL}},
               {"\nvocabulary = ", {"vocabulary", 20, NULL}},
               {"\nchannels = ", {"channels", 3, NULL}}};
  int n = 0;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strstr(source, known[i].line)) list[n++] = known[i].as;
  return n;
}

/* Small pictures. */
static void shrink(char *s) {
  static const char *const from[] = {"64, 64", "28, 28", "30, 40"}, *const to[] = {"12, 12", "16, 16", "14, 16"};
  for (int i = 0; i < 3; i++)
    for (char *at = s; (at = strstr(at, from[i]));) memcpy(at, to[i], strlen(to[i]));
}

static void standardise(model *m) {
  for (int i = 0; i < m->schema.n; i++) {
    variable *v = &m->schema.list[i];
    if (v->form.unit != UNIT_NUMBERS || v->width < 1) continue;
    assert_int_equal(variable_scale(v, NULL), UNROLL_OK);
    for (int j = 0; j < v->width; j++)
      if (!variable_stays(v, j)) v->mean[j] = 0.5 * j - 1, v->deviation[j] = 1 + 0.25 * j;
  }
}

static void save(const char *folder, const char *name, const char *ending, const text *t) {
  char path[256];
  snprintf(path, sizeof path, "%s/%s%s", folder, name, ending);
  assert_int_equal(file_write(path, t->data, t->length, NULL), UNROLL_OK);
}

static unroll_status make(model *m, const char *name, const char *source, const made_net *made, unroll_error *err) {
  setting settings[8];
  char file[80];
  snprintf(file, sizeof file, "%s.net", name);
  unroll_status status = model_begin(m, file, source, err);
  for (int i = 0; made && i < made->n_cells && !status; i++)
    status = model_add_cell(m, made->cell_names[i], made->cells[i].data, err);
  const int n = made || !strncmp(name, "cell_", 5) ? 0 : choose(source, settings);
  return status ? status : model_build(m, settings, n, false, err);
}

/* A model with made-up weights as a C file; false: the net does not build. Pictures are small where the net bears it. */
static bool write_net(written *w, const char *folder, const char *name, const char *source, const made_net *made, bool plain,
                      bool bytes) {
  model m = {0};
  unroll_error err = {0};
  char header[80], *copy = strdup(source);
  snprintf(header, sizeof header, "%s.h", name);
  shrink(copy);
  unroll_status status = make(&m, name, copy, made, &err);
  if (status && strcmp(copy, source) != 0) {
    model_free(&m);
    m = (model){0};
    status = make(&m, name, source, made, &err);
  }
  if (status) {
    print_error("%s: %s\n", name, err.message);
    model_free(&m);
    free(copy);
    return false;
  }
  random_weights(m.weights, &m.g, 7);
  if (!plain) standardise(&m);
  port_c out = {.name = name, .header = header, .no_libm = plain, .bytes = bytes};
  status = port_write_c(&out, &m, &err);
  if (status) fail_msg("%s: %s\n%s", name, err.message, source);
  save(folder, name, ".c", &out.source);
  save(folder, name, ".h", &out.file);
  text_free(&out.source);
  text_free(&out.file);
  model_free(&m);
  free(copy);
  assert_true(w->n < MOST);
  snprintf(w->name[w->n++], sizeof w->name[0], "%s", name);
  return true;
}

/* All self-tests in one program, which says which of them fail. */
static void compile_and_run(const written *w, const char *folder, const char *compiler, const char *libraries) {
  text all = {0}, main_file = {0}, command = {0};
  text_format(&command, "cd %s && %s %s -o all main.c", folder, compiler, flags);
  text_format(&main_file, "#include <stdio.h>\n");
  for (int i = 0; i < w->n; i++) {
    text one = {0};
    char name[80];
    text_format(&one, "int main_%d(void);\n#define main main_%d\n#include \"%s.c\"\n", i, i, w->name[i]);
    snprintf(name, sizeof name, "all_%d", i);
    save(folder, name, ".c", &one);
    text_format(&command, " all_%d.c", i);
    text_format(&main_file, "int main_%d(void);\n", i);
    text_free(&one);
  }
  text_format(&main_file, "int main(void) {\n  int failed = 0;\n");
  for (int i = 0; i < w->n; i++)
    text_format(&main_file, "  if (main_%d()) failed = 1, puts(\"%s: the self-test says no\");\n", i, w->name[i]);
  text_format(&main_file, "  return failed;\n}\n");
  save(folder, "main", ".c", &main_file);
  text_format(&command, " %s", libraries);
  if (system(command.data) != 0) fail_msg("%s says no to a file", compiler);
  text_free(&command);
  text_format(&command, "cd %s && ./all", folder);
  if (system(command.data) != 0) fail_msg("a self-test says no");
  text_free(&all);
  text_free(&command);
  text_free(&main_file);
}

static const char *compiler(void) { return getenv("CC") ? getenv("CC") : "cc"; }

static bool has_compiler(const char *name) {
  char command[256];
  snprintf(command, sizeof command, "command -v %s >/dev/null", name);
  if (system(command) == 0) return true;
  print_message("no %s: not tested\n", name);
  return false;
}

static void begin(char *folder) {
  strcpy(folder, "/tmp/unroll_c_file_XXXXXX");
  if (getenv("UNROLL_KEEP"))
    mkdir(strcpy(folder, "c_file"), 0777);
  else
    assert_non_null(mkdtemp(folder));
}

static void end(const char *folder) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  if (!getenv("UNROLL_KEEP")) assert_int_equal(system(command), 0);
}

static void test_nets(void **state) {
  (void)state;
  written w = {.n = 0};
  char folder[64], name[64];
  if (!has_compiler(compiler())) skip();
  begin(folder);
  for (const builtin *b = lang_nets; b->name; b++) {
    snprintf(name, sizeof name, "net_%s", b->name);
    assert_true(write_net(&w, folder, name, b->text, NULL, false, false));
  }
  compile_and_run(&w, folder, compiler(), "-lm");
  end(folder);
}

static void test_cells(void **state) {
  (void)state;
  written w = {.n = 0};
  char folder[64], name[64], source[512];
  if (!has_compiler(compiler())) skip();
  begin(folder);
  int number = 0;
  for (const builtin *b = lang_cells; b->name; b++) {
    if (!part_takes(number++)) continue;
    snprintf(name, sizeof name, "cell_%s", b->name);
    const char *second = strcmp(b->name, "rnn_image") ? "" : ", v";
    snprintf(source, sizeof source,
             "data x : numbers(18)\ndata v : numbers(4)\ndata y : number each\nhidden = 18\nh = %s(x%s, hidden%s)\n"
             "y ~ gaussian(mean = A h + B v + b, scale = 1)\n",
             b->name, second, number % 2 ? "" : ", backward");
    assert_true(write_net(&w, folder, name, source, NULL, number % 3 == 0, number % 4 == 0));
  }
  compile_and_run(&w, folder, compiler(), "-lm");
  end(folder);
}

static void test_random(void **state) {
  (void)state;
  written w = {.n = 0};
  char folder[64], name[64];
  const char *nets = getenv("UNROLL_NETS"), *from = getenv("UNROLL_NETS_FROM");
  if (!has_compiler(compiler())) skip();
  begin(folder);
  const int first = from ? atoi(from) : 1, most = nets ? atoi(nets) : USUAL_NETS;
  for (int i = 0; i < most; i++) {
    made_net made;
    made_new(&made, (uint64_t)(first + i));
    text source = {0};
    text_format(&source, "%s%s", made.net.out.data, made.net.end.data ? made.net.end.data : "");
    snprintf(name, sizeof name, "random_%d", first + i);
    write_net(&w, folder, name, source.data, &made, false, false);
    text_free(&source);
    made_free(&made);
  }
  assert_true(2 * w.n >= most);
  compile_and_run(&w, folder, compiler(), "-lm");
  end(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_nets), cmocka_unit_test(test_cells), cmocka_unit_test(test_random)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
