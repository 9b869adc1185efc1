/* search.c - `unroll search`: many runs of one net on the same data, of which the weakest half is stopped early.
 *
 * Successive halving (Jamieson & Talwalkar 2016). All runs train for a part of the steps. The better half goes on, for twice as
 * many in all, and so on. A run is a folder of `unroll train`, which is resumed from round to round, so a search that was
 * stopped goes on where it was. Runs are ranked by what their logs say, so the result does not depend on how many train at the
 * same time.
 *
 * Ranks share the runs of a round, in a folder that all see. Whoever is free takes the next run: it makes a folder with the run's
 * number, and only one can. Rank 0 reads the logs and tells the others who goes on. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/hash.h"
#include "base/threads.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/space.h"
#include "cli/terminal.h"
#include "io/json.h"
#include "ranks/ranks.h"
#include "report/run_log.h"

enum { RUNS = 20, ROUNDS = 4 /* at most: the first trains for a sixteenth of the steps */ };

typedef struct trial { /* a point of the space, with all its seeds */
  int point;
  int64_t steps; /* that its runs were trained for */
  int round;     /* the last that it took part in */
  double bits;   /* the median over the seeds; infinite: none of them has a finite loss */
} trial;

typedef struct search {
  const options *o;
  const ranks *ranks; /* NULL: alone */
  space space;
  trial *trials; /* [space.n_points], the best first */
  int seeds;
  int64_t first_seed, steps; /* steps: of a run that is never stopped */
  /* A round: its runs are taken one by one by the workers. */
  int running, round, rounds;
  int64_t budget;
  atomic_int next, done;
  atomic_bool failed;
  unroll_error error;
  unroll_status status;
} search;

/* --- one run --- */

static void run_folder(const search *s, int point, int seed, text *out) {
  text_format(out, "%s/run-%03d-%" PRId64, s->o->output, point + 1, s->first_seed + seed);
}

/* Of the last round: the least bits that a validation came to. INFINITY: there was none. */
static unroll_status read_bits(const char *folder, double *bits, int64_t *steps, unroll_error *err) {
  run_log log;
  const unroll_status status = run_log_read(&log, folder, err);
  *bits = (double)INFINITY;
  *steps = 0;
  if (!status) {
    const char *column = run_log_column(&log, "valid_bits") ? "valid_bits" : "valid_loss";
    const double least = run_log_least(&log, column, NULL), last = run_log_last(&log, "step", NULL);
    if (isfinite(least)) *bits = least;
    if (isfinite(last)) *steps = (int64_t)last;
  }
  run_log_free(&log);
  return status;
}

/* What was typed for training, without what the search is about. */
static unroll_status typed_options(const search *s, unroll_options *all, unroll_error *err) {
  static const char *const own[] = {"output", "try", "runs", "seeds", "grid", "jobs", "seed", "steps", "threads", "json", "quiet"};
  unroll_status status = unroll_options_set(all, "net", s->o->arguments[0], err);
  for (int i = 1; i < s->o->n_arguments && !status; i++) status = unroll_options_set(all, "data", s->o->arguments[i], err);
  for (int i = 0; i < s->o->n_typed && !status; i++) {
    bool mine = false;
    for (size_t k = 0; k < sizeof own / sizeof *own; k++) mine |= !strcmp(own[k], s->o->typed[i].name);
    if (!mine) status = unroll_options_set(all, s->o->typed[i].name, s->o->typed[i].value, err);
  }
  return status;
}

static unroll_status point_options(const search *s, int point, unroll_options *all, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  for (int k = 0; k < s->space.n && !status; k++) {
    const char *name = s->space.dims[k].name, *value = s->space.points[point][k];
    text setting = {0};
    text_format(&setting, "%s=%s", name, value);
    if (setting.failed)
      status = error_memory(err);
    else
      status =
          s->space.dims[k].option ? unroll_options_set(all, name, value, err) : unroll_options_set(all, "set", setting.data, err);
    text_free(&setting);
  }
  return status;
}

static unroll_status set_number(unroll_options *all, const char *name, int64_t value, unroll_error *err) {
  char typed[32];
  snprintf(typed, sizeof typed, "%" PRId64, value);
  return unroll_options_set(all, name, typed, err);
}

static bool has_checkpoint(const char *folder) {
  text path = {0};
  text_format(&path, "%s/checkpoint.safetensors", folder);
  const bool has = !path.failed && file_exists(path.data);
  text_free(&path);
  return has;
}

/* Options of a run that trains until `steps`: a new one, or one that goes on. */
static unroll_status run_options(const search *s, int point, int seed, const char *folder, int64_t steps, unroll_options **out,
                                 unroll_error *err) {
  unroll_options *all = *out = unroll_options_new("train");
  unroll_status status = all ? UNROLL_OK : error_memory(err);
  if (!status && has_checkpoint(folder)) {
    status = unroll_options_set(all, "resume", folder, err);
  } else if (!status) {
    status = typed_options(s, all, err);
    if (!status) status = point_options(s, point, all, err);
    if (!status) status = set_number(all, "seed", s->first_seed + seed, err);
    if (!status) status = unroll_options_set(all, "output", folder, err);
  }
  if (!status && steps) status = set_number(all, "steps", steps, err);
  if (!status) status = unroll_options_set(all, "threads", "1", err);
  if (!status) unroll_options_set_stop(all, signals_flag());
  return status;
}

/* Whether the last step had a loss and a gradient. */
static int look_at_loss(void *context, const unroll_progress *p) {
  *(bool *)context = isfinite(p->loss) && isfinite(p->gradient_norm);
  return 0;
}

/* Trains one run until the budget of the round. A loss that is not finite is a bad run, not an error. */
static unroll_status make_run(const search *s, int point, int seed, unroll_error *err) {
  unroll_options *all = NULL;
  text folder = {0};
  double bits;
  int64_t steps = 0;
  bool finite = true;
  unroll_watch watch;
  unroll_watch_init(&watch);
  watch.progress = look_at_loss;
  watch.context = &finite;
  run_folder(s, point, seed, &folder);
  unroll_status status = folder.failed ? error_memory(err) : UNROLL_OK;
  if (!status && has_checkpoint(folder.data)) status = read_bits(folder.data, &bits, &steps, err);
  if (!status && steps < s->budget) {
    status = run_options(s, point, seed, folder.data, s->budget, &all, err);
    if (!status) status = unroll_train_watched(all, NULL, &watch, NULL, NULL, err);
    if (status == UNROLL_FAILED && !finite) status = UNROLL_OK;
  }
  unroll_options_free(all);
  text_free(&folder);
  return status;
}

/* --- a round --- */

static int own_rank(const search *s) { return s->ranks ? s->ranks->own : 0; }

static void show_progress(search *s) {
  if (!s->o->quiet && progress_due())
    progress_show("round %d of %d: %d of %d runs to %" PRId64 " steps", s->round + 1, s->rounds, atomic_load(&s->done),
                  s->running * s->seeds, s->budget);
}

static bool taken_folder(const search *s, int i, text *out) {
  text_format(out, "%s/taken-%d", s->o->output, i);
  return !out->failed;
}

/* Is run i of the round this rank's? Yes, where no other rank was faster. */
static unroll_status take_run(const search *s, int i, bool *mine, unroll_error *err) {
  text folder = {0};
  unroll_status status = UNROLL_OK;
  *mine = true;
  if (!s->ranks) return UNROLL_OK;
  if (!taken_folder(s, i, &folder))
    status = error_memory(err);
  else if (mkdir(folder.data, 0777)) {
    *mine = false;
    if (errno != EEXIST)
      status = error_at(err, UNROLL_FAILED, folder.data, NULL, 0, 0, "cannot create the folder: %s", strerror(errno));
  }
  text_free(&folder);
  return status;
}

/* All runs of the round may be taken again: also those that a search has left which was killed. */
static void clear_taken(const search *s) {
  for (int i = 0; s->ranks && !own_rank(s) && i < s->space.n_points * s->seeds; i++) {
    text folder = {0};
    if (taken_folder(s, i, &folder)) rmdir(folder.data);
    text_free(&folder);
  }
}

static void work(void *context, int thread, int threads) {
  search *s = context;
  (void)threads;
  for (int i; (i = atomic_fetch_add(&s->next, 1)) < s->running * s->seeds;) {
    if (atomic_load(&s->failed)) break;
    unroll_error e = {0};
    bool mine;
    unroll_status status = take_run(s, i, &mine, &e);
    if (!status && mine) status = make_run(s, s->trials[i / s->seeds].point, i % s->seeds, &e);
    if (status && !atomic_exchange(&s->failed, true)) {
      s->status = status;
      s->error = e;
    }
    atomic_fetch_add(&s->done, 1);
    if (!thread) show_progress(s);
  }
}

static int by_number(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Later rounds first, then fewer bits, then the earlier point. */
static int by_bits(const void *a, const void *b) {
  const trial *x = a, *y = b;
  if (x->round != y->round) return x->round < y->round ? 1 : -1;
  if (x->bits < y->bits || y->bits < x->bits) return x->bits < y->bits ? -1 : 1;
  return (x->point > y->point) - (x->point < y->point);
}

static unroll_status take_bits(search *s, trial *t, unroll_error *err) {
  double *bits = mem_zero((size_t)s->seeds, sizeof *bits);
  unroll_status status = bits ? UNROLL_OK : error_memory(err);
  t->steps = 0;
  for (int k = 0; k < s->seeds && !status; k++) {
    text folder = {0};
    int64_t steps;
    run_folder(s, t->point, k, &folder);
    bits[k] = (double)INFINITY;
    if (folder.failed)
      status = error_memory(err);
    else if (has_checkpoint(folder.data))
      status = read_bits(folder.data, &bits[k], &steps, err);
    if (!status && isfinite(bits[k]) && steps > t->steps) t->steps = steps;
    text_free(&folder);
  }
  if (!status) qsort(bits, (size_t)s->seeds, sizeof *bits, by_number);
  t->round = s->round;
  if (!status) t->bits = s->seeds % 2 ? bits[s->seeds / 2] : (bits[s->seeds / 2 - 1] + bits[s->seeds / 2]) / 2;
  mem_free(bits);
  return status;
}

/* What rank 0 knows becomes what all know. An error there is one of all. */
static unroll_status tell(const search *s, unroll_status status, void *what, size_t n, unroll_error *err) {
  text bytes = {0};
  if (!s->ranks->module) return status; /* all know already, and have come to their end */
  if (!own_rank(s)) text_add(&bytes, what, n);
  if (!status && bytes.failed) status = error_memory(err);
  status = ranks_spread(s->ranks, status, &bytes, err);
  if (status) ranks_end();
  if (!status && own_rank(s)) memcpy(what, bytes.data, n);
  text_free(&bytes);
  return status;
}

static unroll_status make_round(search *s, pool *workers, unroll_error *err) {
  atomic_store(&s->next, 0);
  atomic_store(&s->done, 0);
  show_progress(s);
  clear_taken(s);
  unroll_status status = s->ranks ? ranks_same(s->ranks, UNROLL_OK, NULL, 0, err) : UNROLL_OK;
  if (status) return status;
  pool_run(workers, work, s);
  status = s->status;
  if (status && err) *err = s->error;
  if (s->ranks) status = ranks_same(s->ranks, status, NULL, 0, err); /* all runs are there */
  clear_taken(s);
  if (!own_rank(s)) {
    for (int i = 0; i < s->running && !status; i++) status = take_bits(s, &s->trials[i], err);
    if (!status) qsort(s->trials, (size_t)s->running, sizeof *s->trials, by_bits);
  }
  return s->ranks ? tell(s, status, s->trials, (size_t)s->space.n_points * sizeof *s->trials, err) : status;
}

/* --- the whole --- */

static int first_step(void *context, const unroll_progress *p) {
  int64_t *steps = context;
  *steps = p->steps;
  return 1;
}

/* How many steps training takes by itself, where nobody says it: the first run is begun to see, and goes on from there later. */
static unroll_status find_steps(search *s, unroll_error *err) {
  unroll_options *all = NULL;
  text folder = {0};
  unroll_watch watch;
  if (s->o->steps > 0) {
    s->steps = s->o->steps;
    return UNROLL_OK;
  }
  unroll_watch_init(&watch);
  watch.progress = first_step;
  watch.context = &s->steps;
  run_folder(s, 0, 0, &folder);
  unroll_status status = folder.failed ? error_memory(err) : UNROLL_OK;
  if (!status) status = run_options(s, 0, 0, folder.data, 0, &all, err);
  if (!status) {
    unroll_options_set_stop(all, NULL); /* what stops it is not the interrupt of the whole */
    status = unroll_train_watched(all, NULL, &watch, NULL, NULL, err);
    if (status == UNROLL_INTERRUPTED && s->steps) status = UNROLL_OK;
  }
  unroll_options_free(all);
  text_free(&folder);
  if (!status && *signals_flag()) status = error_set(err, UNROLL_INTERRUPTED, "interrupted");
  return status;
}

/* What makes it this search, as JSON; search.json in the folder holds it, and the steps. */
static json_t *identity(const search *s) {
  json_t *j = json_object(), *list = json_array();
  for (int i = 0; i < s->o->n_arguments; i++)
    json_array_append_new(list, json_stringn_nocheck(s->o->arguments[i], strlen(s->o->arguments[i])));
  json_object_set_new(j, "arguments", list);
  list = json_array();
  for (int i = 0; i < s->o->n_typed; i++) {
    const char *name = s->o->typed[i].name, *value = s->o->typed[i].value;
    if (!strcmp(name, "jobs") || !strcmp(name, "threads") || !strcmp(name, "json") || !strcmp(name, "quiet") ||
        !strcmp(name, "output"))
      continue;
    json_array_append_new(list, json_pack("[s, s?]", name, value));
  }
  json_object_set_new(j, "options", list);
  return j;
}

static unroll_status put_text(const char *folder, const char *name, const char *bytes, size_t size, unroll_error *err) {
  text path = {0};
  text_format(&path, "%s/%s", folder, name);
  const unroll_status status = path.failed ? error_memory(err) : file_write(path.data, bytes, size, err);
  text_free(&path);
  return status;
}

/* Finds the search of the folder, or begins one. */
static unroll_status open_search(search *s, unroll_error *err) {
  text path = {0};
  char *known = NULL;
  size_t size = 0;
  json_error_t bad;
  int starved = 0;
  json_t *now = identity(s), *old = NULL;
  unroll_status status = now && !mem_failures() ? file_make_folder(s->o->output, err) : error_memory(err);
  text_format(&path, "%s/search.json", s->o->output);
  if (!status && path.failed) status = error_memory(err);
  const bool there = !status && file_exists(path.data);
  if (there) status = file_read(path.data, &known, &size, err);
  if (there && !status) old = json_read(known, size, &bad, &starved);
  if (starved) status = error_memory(err);
  if (old) {
    s->steps = json_integer_value(json_object_get(old, "steps"));
    json_object_del(old, "steps");
  }
  if (there && !status && (s->steps <= 0 || !json_equal(old, now)))
    status = error_at(err, UNROLL_USAGE, path.data, NULL, 0, 0,
                      "this folder has a search of other values, data or options: choose another folder, or ask for the same");
  if (!there && !status) {
    status = find_steps(s, err);
    json_object_set_new(now, "steps", json_integer(s->steps));
    char *line = status ? NULL : json_write(now, JSON_INDENT(1));
    if (!status) status = line ? put_text(s->o->output, "search.json", line, strlen(line), err) : error_memory(err);
    mem_free(line);
  }
  json_decref(now);
  json_decref(old);
  mem_free(known);
  text_free(&path);
  return status;
}

static json_t *trial_json(const search *s, const trial *t) {
  json_t *j = json_object(), *values = json_object();
  for (int k = 0; k < s->space.n; k++)
    json_object_set_new(values, s->space.dims[k].name, json_string_nocheck(s->space.points[t->point][k]));
  json_object_set_new(j, "run", json_integer(t->point + 1));
  json_object_set_new(j, "values", values);
  json_object_set_new(j, "seeds", json_integer(s->seeds));
  json_object_set_new(j, "steps", json_integer(t->steps));
  json_object_set_new(j, "rounds", json_integer(t->round + 1));
  json_object_set_new(j, "valid_bits", json_number(t->bits));
  return j;
}

/* A line a run, the best first. */
static unroll_status all_lines(const search *s, text *out, unroll_error *err) {
  for (int i = 0; i < s->space.n_points; i++) {
    json_t *j = trial_json(s, &s->trials[i]);
    char *line = mem_failures() ? NULL : json_write(j, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(j);
    if (line) text_format(out, "%s\n", line);
    if (!line) out->failed = 1;
    mem_free(line);
  }
  return out->failed ? error_memory(err) : UNROLL_OK;
}

static void print_table(const search *s) {
  int widths[SPACE_DIMS];
  printf("%5s %11s %9s", "run", "valid bits", "steps");
  for (int k = 0; k < s->space.n; k++) {
    widths[k] = (int)strlen(s->space.dims[k].name);
    for (int i = 0; i < s->space.n_points; i++) {
      const int n = (int)strlen(s->space.points[i][k]);
      widths[k] = n > widths[k] ? n : widths[k];
    }
    printf("  %*s", widths[k], s->space.dims[k].name);
  }
  printf("\n");
  for (int i = 0; i < s->space.n_points; i++) {
    const trial *t = &s->trials[i];
    char bits[32];
    snprintf(bits, sizeof bits, isfinite(t->bits) ? "%.4f" : "-", t->bits);
    printf("%5d %11s %9" PRId64, t->point + 1, bits, t->steps);
    for (int k = 0; k < s->space.n; k++) printf("  %*s", widths[k], s->space.points[t->point][k]);
    printf("\n");
  }
}

/* The model of the best run, of its best seed, is that of the search. */
static unroll_status take_best(const search *s, unroll_error *err) {
  double least = (double)INFINITY;
  text best = {0};
  char *bytes = NULL;
  size_t size = 0;
  unroll_status status = UNROLL_OK;
  for (int k = 0; k < s->seeds && !status; k++) {
    text folder = {0};
    double bits = (double)INFINITY;
    int64_t steps;
    run_folder(s, s->trials[0].point, k, &folder);
    status = folder.failed                 ? error_memory(err)
             : has_checkpoint(folder.data) ? read_bits(folder.data, &bits, &steps, err)
                                           : UNROLL_OK;
    if (!status && bits < least) {
      least = bits;
      text_free(&best);
      text_format(&best, "%s/model.safetensors", folder.data);
      if (best.failed) status = error_memory(err);
    }
    text_free(&folder);
  }
  if (!status && !best.data) status = error_set(err, UNROLL_FAILED, "no run has a finite loss of validation");
  if (!status) status = file_read(best.data, &bytes, &size, err);
  if (!status) status = put_text(s->o->output, "model.safetensors", bytes, size, err);
  if (!status && !s->o->json && !s->o->quiet)
    terminal_note("the best is run %d, %.4f bits; its model is %s, and as %s/model.safetensors", s->trials[0].point + 1,
                  s->trials[0].bits, best.data, s->o->output);
  mem_free(bytes);
  text_free(&best);
  return status;
}

static unroll_status all_rounds(search *s, pool *workers, unroll_error *err) {
  unroll_status status = UNROLL_OK;
  const int n = s->space.n_points;
  for (s->rounds = 1; s->rounds <= ROUNDS && n >> s->rounds; s->rounds++) continue;
  s->running = n;
  for (s->round = 0; s->round < s->rounds && !status; s->round++) {
    s->budget = s->steps >> (s->rounds - 1 - s->round);
    if (s->budget < 1) s->budget = 1;
    status = make_round(s, workers, err);
    text lines = {0};
    if (!status && !own_rank(s)) status = all_lines(s, &lines, err);
    if (!status && !own_rank(s)) status = put_text(s->o->output, "search.jsonl", lines.data, lines.length, err);
    text_free(&lines);
    s->running = s->running > 1 ? s->running / 2 : 1;
  }
  if (!s->o->quiet) progress_end();
  return status;
}

static unroll_status print_result(const search *s, unroll_error *err) {
  text lines = {0};
  unroll_status status = UNROLL_OK;
  if (s->o->json)
    status = all_lines(s, &lines, err);
  else
    print_table(s);
  if (!status && s->o->json) fputs(lines.data, stdout);
  text_free(&lines);
  return status;
}

/* The bytes of a file, piece by piece: it may be large. */
static uint64_t file_hash(uint64_t hash, const char *path) {
  enum { PIECE = 1 << 20 };
  file_source f = {0};
  char *piece = mem_alloc(PIECE);
  unroll_status status = piece ? file_open(&f, path, NULL) : UNROLL_FAILED;
  for (uint64_t at = 0; !status && at < f.size; at += PIECE) {
    const size_t n = f.size - at < PIECE ? (size_t)(f.size - at) : PIECE;
    status = file_get(&f, at, piece, n, NULL);
    if (!status) hash = hash_bytes(hash, piece, n);
  }
  file_close(&f);
  mem_free(piece);
  return hash;
}

/* The bytes of the files of data, those of folders too. Who cannot read one says so when it trains. */
static uint64_t data_hash(const options *o) {
  uint64_t hash = 0;
  for (int i = 1; i < o->n_arguments; i++) {
    const char *path = o->arguments[i];
    if (!folder_is(path)) {
      hash = file_hash(hash, path);
      continue;
    }
    text names = {0};
    int n = 0;
    const char *name = folder_list(path, &names, &n, NULL) ? NULL : names.data;
    for (int k = 0; k < n && name; k++, name += strlen(name) + 1) {
      hash = hash_bytes(hash, name + strlen(path), strlen(name + strlen(path)));
      hash = file_hash(hash, name);
    }
    text_free(&names);
  }
  return hash;
}

/* Rank 0 finds the search or begins it; the others must see its folder. */
static unroll_status open_together(search *s, unroll_error *err) {
  text path = {0};
  const ranks_trait data = {"other data", data_hash(s->o)};
  unroll_status status = ranks_same(s->ranks, UNROLL_OK, &data, 1, err);
  if (status) return status;
  if (!own_rank(s)) status = open_search(s, err);
  status = tell(s, status, &s->steps, sizeof s->steps, err);
  text_format(&path, "%s/search.json", s->o->output);
  if (!status && path.failed) status = error_memory(err);
  if (!status && !file_exists(path.data))
    status = error_at(err, UNROLL_USAGE, path.data, NULL, 0, 0,
                      "rank 0 has written this file; a search needs a folder that all ranks see");
  text_free(&path);
  return s->ranks->module ? ranks_same(s->ranks, status, NULL, 0, err) : status;
}

unroll_status command_search(const options *o, unroll_error *err) {
  search s = {.o = o, .seeds = o->seeds > 0 ? (int)o->seeds : 1, .first_seed = o->seed >= 0 ? o->seed : 1};
  pool *workers = NULL;
  if (!o->output) return error_set(err, UNROLL_USAGE, "where to? -o DIR");
  for (int i = 1; i < o->n_arguments; i++)
    if (!strcmp(o->arguments[i], "-"))
      return error_set(err, UNROLL_USAGE, "each run reads the data, so it must be a file: standard input can be read once only");
  json_setup();
  signals_flag();
  s.ranks = ranks_here();
  ranks_apart(true); /* a run is trained by one */
  unroll_status status = space_read(&s.space, &o->tries, err);
  if (!status) status = space_points(&s.space, o->grid, o->runs > 0 ? o->runs : RUNS, (uint64_t)s.first_seed, err);
  if (!status && !(s.trials = mem_zero((size_t)s.space.n_points, sizeof *s.trials))) status = error_memory(err);
  for (int i = 0; !status && i < s.space.n_points; i++) s.trials[i] = (trial){.point = i, .bits = (double)INFINITY};
  if (!status) status = s.ranks ? open_together(&s, err) : open_search(&s, err);
  if (!status && !(workers = pool_new(o->jobs > 0 ? (int)o->jobs : s.ranks ? 1 : 0))) status = error_memory(err);
  if (!status) status = all_rounds(&s, workers, err);
  if (!status && !own_rank(&s)) status = take_best(&s, err);
  if (!status && !own_rank(&s)) status = print_result(&s, err);
  ranks_apart(false);
  pool_free(workers);
  mem_free(s.trials);
  space_free(&s.space);
  return status;
}
