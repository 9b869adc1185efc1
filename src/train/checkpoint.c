/* checkpoint.c - the whole state of training in a file. It is a model file with further tensors (moments, carried states) and
 * metadata (options, state). A hash over all of it notices damage, whatever bit it was.
 *
 * Two are kept: the last one becomes checkpoint-1.safetensors before a new one is written, each step atomic. At whatever instant
 * a process is killed, one of the two is whole. */
#include <stdarg.h>
#include <stdio.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/error.h"
#include "base/file.h"
#include "train/trainer.h"

void trainer_warn(const trainer *t, const char *format, ...) {
  char message[512];
  va_list list;
  if (!t->calls.warning) return;
  va_start(list, format);
  vsnprintf(message, sizeof message, format, list);
  va_end(list);
  t->calls.warning(t->calls.context, message);
}

static const char *in_folder(trainer *t, const char *dir, const char *name) {
  text path = {0};
  const size_t n = strlen(dir);
  text_format(&path, "%s%s%s", dir, n > 0 && dir[n - 1] == '/' ? "" : "/", name);
  const char *copy = path.failed ? NULL : arena_text(&t->memory, path.data, path.length);
  text_free(&path);
  return copy;
}

unroll_status trainer_set_folder(trainer *t, const char *dir, unroll_error *err) {
  int lock;
  const bool writes = !t->ranks || t->ranks->own == 0;
  const unroll_status status = writes ? file_lock_folder(dir, &lock, err) : UNROLL_OK;
  if (status) return status;
  if (writes) t->lock = lock + 1;
  if (writes && lock >= 0) file_clean_folder(dir);
  t->files.model = in_folder(t, dir, "model.safetensors");
  t->files.checkpoint = in_folder(t, dir, "checkpoint.safetensors");
  t->files.previous = in_folder(t, dir, "checkpoint-1.safetensors");
  t->files.log = in_folder(t, dir, "log.jsonl");
  return t->files.model && t->files.checkpoint && t->files.previous && t->files.log ? UNROLL_OK : error_memory(err);
}

static const char *const moment_names[2] = {"@moment1", "@moment2"};

static tensor block(const char *name, const float *data, int64_t n) {
  return (tensor){.name = name, .type = TENSOR_F32, .rank = 1, .shape = {n}, .data = data};
}

/* t->carry holds the states. */
static unroll_status write_state(trainer *t, const char *path, unroll_error *err) {
  tensor tensors[3];
  int n = 0;
  for (int i = 0; i < 2; i++)
    if (t->opt.moments[i]) tensors[n++] = block(moment_names[i], t->opt.moments[i], t->opt.n);
  tensors[n++] = block("@carry", t->carry, run_carry_size(t->run));
  char *options = train_options_text(&t->o), *state = train_state_text(&t->s);
  char folder[32] = "";
  struct stat st;
  if (t->lock && fstat(t->lock - 1, &st) == 0) snprintf(folder, sizeof folder, "%llu", (unsigned long long)st.st_ino);
  const char *const keys[] = {"options", "state", "folder"}, *const values[] = {options, state, folder};
  const model_extra extra = {
      .format = CHECKPOINT_FORMAT, .tensors = tensors, .n_tensors = n, .keys = keys, .values = values, .n_keys = 3, .hashed = true};
  const unroll_status status = options && state ? model_write(&t->m, t->m.weights, path, &extra, err) : error_memory(err);
  mem_free(options);
  mem_free(state);
  return status;
}

unroll_status checkpoint_save(trainer *t, unroll_error *err) {
  const unroll_status told = together_carry(t, err);
  if (told || !t->o.dir) return told;
  const int bad = model_first_bad(&t->m, t->m.weights);
  if (bad >= 0)
    return error_set(err, UNROLL_FAILED, "at step %lld, %s holds a number that is not finite; try a smaller learning rate",
                     (long long)t->s.step, t->m.g.params[bad].name);
  unroll_status status = t->damaged ? UNROLL_OK : file_rename(t->files.checkpoint, t->files.previous, err);
  if (!status) status = write_state(t, t->files.checkpoint, err);
  if (!status) t->damaged = false;
  t->last_checkpoint = time_now();
  return status;
}

unroll_status checkpoint_start(trainer *t, unroll_error *err) {
  if (!t->o.dir) return UNROLL_OK;
  run_carry_get(t->run, t->carry);
  unroll_status status = write_state(t, t->files.previous, err); /* else a resumed run could take up that of an older training */
  if (!status) status = write_state(t, t->files.checkpoint, err);
  t->last_checkpoint = time_now();
  return status;
}

static unroll_status load_one(trainer *t, tensor_file *f, const char *path, unroll_error *err) {
  unroll_status status = tensor_file_load(f, path, err);
  if (status) return status;
  const char *format = model_format(f);
  if (!format || strcmp(format, CHECKPOINT_FORMAT))
    status = error_at(err, UNROLL_BAD_INPUT, path, NULL, 0, 0, "this is not a checkpoint");
  if (!status) status = model_from_tensors(&t->m, path, f, true, err);
  const char *options = tensor_metadata(f, "options"), *state = tensor_metadata(f, "state");
  if (!status && (!options || !state))
    status = error_at(err, UNROLL_BAD_INPUT, path, NULL, 0, 0, "the checkpoint lacks its options or state");
  if (!status) status = train_options_parse(t, path, options, err);
  if (!status) status = train_state_parse(&t->s, path, state, err);
  if (status) {
    model_free(&t->m);
    tensor_file_free(f);
  }
  return status;
}

unroll_status checkpoint_load(trainer *t, tensor_file *f, const char **file, unroll_error *err) {
  unroll_error first = {0};
  *file = t->files.checkpoint;
  unroll_status status = load_one(t, f, *file, &first);
  if (status == UNROLL_BAD_INPUT) {
    *file = t->files.previous;
    status = load_one(t, f, *file, NULL);
    if (!status) {
      trainer_warn(t, "%s: %s; going on from %s", t->files.checkpoint, first.message, t->files.previous);
      t->damaged = true;
    }
  }
  if (status && err) *err = first;
  return status ? first.code : UNROLL_OK;
}

/* Is each of the paths, with newlines between them, below the folder? */
static bool all_below(const char *paths, const char *dir) {
  char folder[PATH_MAX], real[PATH_MAX], path[PATH_MAX];
  if (!realpath(dir, folder)) return false;
  const size_t n = strlen(folder);
  for (const char *at = paths; *at;) {
    const size_t size = strcspn(at, "\n");
    if (size >= sizeof path) return false;
    memcpy(path, at, size);
    path[size] = 0;
    if (!realpath(path, real) || strncmp(real, folder, n) || real[n] != '/') return false;
    at += size + (at[size] == '\n');
  }
  return true;
}

/* Nobody can know the number of the folder that a file will come to lie in, so who sends a checkpoint cannot forge it. */
unroll_status checkpoint_trust(const trainer *t, const tensor_file *f, const char *file, const train_options *change,
                               unroll_error *err) {
  char here[32] = "?";
  struct stat st;
  const char *folder = tensor_metadata(f, "folder");
  double share;
  if (t->lock && fstat(t->lock - 1, &st) == 0) snprintf(here, sizeof here, "%llu", (unsigned long long)st.st_ino);
  if ((folder && !strcmp(folder, here)) || (change && change->trust)) return UNROLL_OK;
  const char *const paths[3] = {change && change->data ? NULL : t->o.data, t->o.valid, t->o.test};
  static const char *const names[3] = {"training", "validation", "test"};
  for (int i = 0; i < 3; i++) {
    const bool asked = !paths[i] || (i && !text_number(paths[i], strlen(paths[i]), &share));
    if (asked || all_below(paths[i], t->o.dir)) continue;
    return error_at(
        err, UNROLL_USAGE, file, NULL, 0, 0,
        "this checkpoint was not written in this folder, and it names a file elsewhere, '%.200s', as the data for %s; give "
        "the data, or option 'trust'",
        paths[i], names[i]);
  }
  return UNROLL_OK;
}

static unroll_status fetch(const tensor_file *f, const char *file, const char *name, float *out, int64_t n, unroll_error *err) {
  const tensor *t = tensor_find(f, name);
  if (!t || t->type != TENSOR_F32 || t->rank != 1 || t->shape[0] != n)
    return error_at(err, UNROLL_BAD_INPUT, file, NULL, 0, 0, "the checkpoint has no tensor %s of %lld numbers", name, (long long)n);
  if (t->bytes) memcpy(out, t->data, t->bytes);
  return UNROLL_OK;
}

unroll_status checkpoint_finish(trainer *t, const tensor_file *f, const char *file, unroll_error *err) {
  unroll_status status = fetch(f, file, "@carry", t->carry, run_carry_size(t->run), err);
  for (int i = 0; i < 2 && !status; i++)
    if (t->opt.moments[i]) status = fetch(f, file, moment_names[i], t->opt.moments[i], t->opt.n, err);
  if (!status) run_carry_set(t->run, t->carry);
  return status;
}
