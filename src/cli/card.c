/* card.c - `unroll card`: what a model is, on a page that a hub of models shows: YAML that it reads, and Markdown.
 *
 * All of it comes from the model file, and from checkpoint and log where they are beside it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "report/run_log.h"

typedef struct card {
  const unroll_model *m;
  const char *path; /* of the model */
  char *name;
  tensor_file file; /* the same, for its metadata */
  run_log log;
  bool has_log;
  text out;
} card;

static const char *meta(const card *c, const char *key) {
  const char *value = tensor_metadata(&c->file, key);
  return value ? value : "";
}

/* A JSON text of the metadata; NULL: there is none, or memory was lacking. */
static json_t *parsed(card *c, const char *key) {
  const char *value = tensor_metadata(&c->file, key);
  int starved = 0;
  json_error_t error;
  json_t *j = value ? json_read(value, strlen(value), &error, &starved) : NULL;
  if (starved) c->out.failed = 1;
  return j;
}

/* --- what the net does --- */

/* The task by the names that hubs have for it, from what is predicted and from what. */
static const char *task_of(const unroll_model *m) {
  unroll_series series;
  unroll_variable v, predicted;
  bool pictures = false, sounds = false;
  unroll_series_init(&series);
  unroll_variable_init(&predicted);
  unroll_model_series(m, &series, NULL);
  if (series.time) return "time-series-forecasting";
  for (int i = unroll_model_variables(m) - 1; i >= 0; i--) {
    unroll_variable_init(&v);
    unroll_model_variable(m, i, &v, NULL);
    if (v.predicted) predicted = v;
    if (v.file) {
      pictures |= !strcmp(v.file, "picture");
      sounds |= !strcmp(v.file, "recording");
    }
  }
  if (!predicted.predicted) return NULL;
  const bool label = predicted.unit && !strcmp(predicted.unit, "labels"), texts = predicted.symbols && !label;
  if (sounds) return texts ? "automatic-speech-recognition" : label ? "audio-classification" : NULL;
  if (pictures) return texts ? "image-to-text" : label ? "image-classification" : NULL;
  if (texts) return unroll_model_variables(m) == 1 ? "text-generation" : "translation";
  if (label) return predicted.has_steps ? "token-classification" : "text-classification";
  return predicted.fed_back || !predicted.has_steps ? "tabular-regression" : NULL;
}

static void add_json_text(text *out, const char *s) {
  json_t *j = json_stringn_nocheck(s, utf8_valid(s, strlen(s)));
  char *quoted = j ? json_write(j, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;
  if (quoted)
    text_format(out, "%s", quoted);
  else
    out->failed = 1;
  mem_free(quoted);
  json_decref(j);
}

/* --- figures --- */

typedef struct card_figure {
  const char *column, *type, *name;
} card_figure;

/* Columns of the log, in the order of interest. */
static const card_figure shown[] = {{"test_bits", "bits_per_symbol", "bits per symbol, test"},
                                    {"test_loss", "loss", "loss, test"},
                                    {"valid_bits", "bits_per_symbol", "bits per symbol, validation"},
                                    {"valid_loss", "loss", "loss, validation"}};

/* The least that a validation came to: the model is the one of then. A test is made once. */
static double figure_of(const card *c, const char *column) {
  return c->has_log && run_log_column(&c->log, column) ? run_log_least(&c->log, column, NULL) : (double)NAN;
}

static void add_yaml(card *c) {
  const char *task = task_of(c->m);
  bool any = false;
  text *out = &c->out;
  text_format(out, "---\nlibrary_name: unroll\n");
  if (task) text_format(out, "pipeline_tag: %s\n", task);
  text_format(out, "tags:\n- unroll\n- recurrent-neural-network\n");
  for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
    const double x = figure_of(c, shown[i].column);
    if (isnan(x)) continue;
    if (!any) {
      text_format(out, "model-index:\n- name: ");
      add_json_text(out, c->name);
      text_format(out, "\n  results:\n  - task:\n      type: %s\n    dataset:\n      name: ", task ? task : "other");
      add_json_text(out, "the data that it was trained on, held out");
      text_format(out, "\n      type: %s\n    metrics:\n", "custom");
    }
    any = true;
    text_format(out, "    - type: %s\n      name: %s\n      value: ", shown[i].type, shown[i].name);
    text_add_number(out, x);
    text_format(out, "\n");
  }
  text_format(out, "---\n\n");
}

static void add_variables(card *c) {
  text_format(&c->out, "| variable | kind | steps | values | |\n|---|---|---|---|---|\n");
  for (int i = 0; i < unroll_model_variables(c->m); i++) {
    unroll_variable v;
    char n[32];
    unroll_variable_init(&v);
    unroll_model_variable(c->m, i, &v, NULL);
    text_format(&c->out, "| `%s` | %s | %s | %s %s | %s%s |\n", v.name, v.kind, v.has_steps ? "yes" : "no",
                text_count(v.symbols ? v.symbols : v.width, n), v.symbols ? v.unit : "numbers",
                v.predicted ? "predicted by " : "given", v.predicted && v.distribution ? v.distribution : "");
  }
  text_format(&c->out, "\n");
}

static void add_block(text *out, const char *kind, const char *s) {
  const size_t n = strlen(s);
  const char *fence = strstr(s, "```") ? "~~~~" : "```";
  text_format(out, "%s%s\n%s%s%s\n\n", fence, kind, s, n && s[n - 1] == '\n' ? "" : "\n", fence);
}

static void add_equations(card *c) {
  json_t *cells = parsed(c, "cells");
  const char *name;
  json_t *source;
  text_format(&c->out, "## Equations\n\nThe net, as it was written:\n\n");
  add_block(&c->out, "", meta(c, "net"));
  json_object_foreach(cells, name, source) {
    text_format(&c->out, "The cell `%s`:\n\n", name);
    add_block(&c->out, "", json_string_value(source) ? json_string_value(source) : "");
  }
  json_decref(cells);
  cells = parsed(c, "settings");
  if (json_object_size(cells)) {
    text_format(&c->out, "Settings:");
    bool more = false;
    json_object_foreach(cells, name, source) {
      text_format(&c->out, "%s `%s` = ", more ? "," : "", name);
      if (json_is_string(source))
        text_format(&c->out, "%s", json_string_value(source));
      else
        text_add_number(&c->out, json_number_value(source));
      more = true;
    }
    text_format(&c->out, ".\n\n");
  }
  json_decref(cells);
}

static void add_training(card *c) {
  text *out = &c->out;
  json_t *data = parsed(c, "data");
  const json_int_t bytes = json_integer_value(json_object_get(data, "bytes"));
  const char *hash = json_string_value(json_object_get(data, "hash"));
  char n[32];
  text_format(out, "## Training\n\n");
  if (bytes && hash) text_format(out, "Data: %s bytes, hash `%s`.\n\n", text_count(bytes, n), hash);
  json_decref(data);
  if (c->has_log && c->log.n_records) {
    text_format(out, "| figure | value |\n|---|---|\n");
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
      const double x = figure_of(c, shown[i].column);
      if (isnan(x)) continue;
      text_format(out, "| %s | ", shown[i].name);
      text_add_number(out, x);
      text_format(out, " |\n");
    }
    text_format(out, "| steps | %s |\n", text_count((int64_t)run_log_last(&c->log, "step", NULL), n));
    text_format(out, "| seconds | %.0f |\n\n", run_log_last(&c->log, "seconds", NULL));
  }
}

/* --- the command that makes the same bits --- */

static void add_word(text *out, const char *s) {
  if (*s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%") == strlen(s)) {
    text_format(out, " %s", s);
    return;
  }
  text_format(out, " '");
  for (; *s; s++)
    if (*s == '\'')
      text_format(out, "'\\''");
    else
      text_add(out, s, 1);
  text_format(out, "'");
}

static bool same_value(const char *a, const char *b) {
  double x, y;
  if (!a || !b) return a == b;
  return !strcmp(a, b) || (!text_number(a, strlen(a), &x) && !text_number(b, strlen(b), &y) && x == y);
}

/* An option that was asked for, as it is typed; nothing where it is as without. */
static void add_option(text *out, const option_row *row, const char *value) {
  double x;
  const bool number = row->kind == OPTION_WHOLE || row->kind == OPTION_REAL || row->kind == OPTION_BYTES;
  if (row->kind == OPTION_FLAG) {
    if (!strcmp(value, "true")) text_format(out, " --%s", row->name);
    return;
  }
  if (same_value(value, row->initial) || (number && text_number(value, strlen(value), &x))) return;
  if (number && (row->least != 0 || row->most != 0) && (x < row->least || x > row->most || (row->open && x <= row->least))) return;
  text_format(out, " --%s", row->name);
  if (number && row->kind != OPTION_REAL)
    text_format(out, " %.0f", x);
  else
    add_word(out, value);
}

static const option_row *row_of(const char *field) {
  const command *train = command_find("train");
  for (int i = 0; i < n_option_rows; i++)
    if (option_rows[i].name && option_rows[i].field && !strcmp(option_rows[i].field, field) && command_has(train, &option_rows[i]))
      return &option_rows[i];
  return NULL;
}

static void add_lists(card *c, const char *key, const char *option, text *to) {
  json_t *list = parsed(c, key);
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *item = json_string_value(json_array_get(list, i));
    if (!item) continue;
    text_format(to, " --%s", option);
    add_word(to, item);
  }
  json_decref(list);
}

static void add_command(card *c) {
  text line = {0};
  const char *net = NULL, *data = NULL;
  for (int i = 0; i < c->log.n_asked; i++) {
    if (!strcmp(c->log.asked[i].name, "net")) net = c->log.asked[i].value;
    if (!strcmp(c->log.asked[i].name, "data")) data = c->log.asked[i].value;
  }
  if (!net) return;
  text_format(&line, "unroll train");
  add_word(&line, net);
  for (const char *at = data ? data : ""; *at;) {
    const size_t n = strcspn(at, "\n");
    char *one = mem_alloc(n + 1);
    if (one) {
      memcpy(one, at, n);
      one[n] = 0;
      add_word(&line, one);
    }
    line.failed |= !one;
    mem_free(one);
    at += n + (at[n] == '\n');
  }
  text_format(&line, " -o");
  add_word(&line, c->name);
  for (int i = 0; i < c->log.n_asked; i++) {
    const char *field = c->log.asked[i].name, *value = c->log.asked[i].value;
    const option_row *row = row_of(field);
    if (!strcmp(field, "net") || !strcmp(field, "data") || !strcmp(field, "threads")) continue;
    if (row) {
      add_option(&line, row, value);
      continue;
    }
    text setting = {0};
    text_format(&setting, "%s=%s", field, value);
    text_format(&line, " --set");
    if (setting.failed)
      line.failed = 1;
    else
      add_word(&line, setting.data);
    text_free(&setting);
  }
  add_lists(c, "init", "init", &line);
  if (line.failed) {
    c->out.failed = 1;
  } else {
    text_format(&c->out, "The command that makes the same bits from the same data, with any number of threads, by version %s:\n\n",
                unroll_version());
    add_block(&c->out, "sh", line.data);
    if (*meta(c, "ramp") || *meta(c, "class_weights"))
      text_format(&c->out, "Besides, `--ramp` or `--class-weights` were given; the model file has them.\n\n");
  }
  text_free(&line);
}

static void add_use(card *c) {
  const char *task = task_of(c->m);
  const bool draws = task && !strcmp(task, "text-generation");
  text_format(&c->out, "## Use\n\n");
  text line = {0};
  text_format(&line,
              draws ? "unroll sample %s -n 5\nunroll score %s text.txt\n" : "unroll predict %s data.csv\nunroll eval %s data.csv\n",
              c->name, c->name);
  if (line.failed)
    c->out.failed = 1;
  else
    add_block(&c->out, "sh", line.data);
  text_free(&line);
  text_format(&c->out,
              "`unroll explain %s` shows parameters and gradient, `unroll export c %s -o model.c` makes one C file of it.\n",
              c->name, c->name);
}

static void write_card(card *c) {
  char n[32];
  add_yaml(c);
  text_format(&c->out, "# %s\n\nA recurrent network of %s weights, trained by Unroll from the equations below.\n\n", c->name,
              text_count(unroll_model_weights(c->m), n));
  add_variables(c);
  add_equations(c);
  add_training(c);
  add_command(c);
  add_use(c);
}

/* Checkpoint and log are beside the model, in the folder of its run. */
static unroll_status read_run(card *c, unroll_error *err) {
  text log = {0}, folder = {0};
  const char *slash = strrchr(c->path, '/');
  text_format(&folder, "%.*s", slash ? (int)(slash - c->path + 1) : 2, slash ? c->path : "./");
  text_format(&log, "%slog.jsonl", folder.failed ? "" : folder.data);
  unroll_status status = log.failed || folder.failed ? error_memory(err) : UNROLL_OK;
  if (!status && file_exists(log.data)) {
    status = run_log_read(&c->log, folder.data, err);
    c->has_log = !status && c->log.n_records;
  }
  text_free(&folder);
  text_free(&log);
  return status;
}

/* A model is called as its folder is. */
static unroll_status find_name(card *c, unroll_error *err) {
  char *whole = realpath(c->path, NULL);
  if (!whole) return error_memory(err);
  char *slash = strrchr(whole, '/');
  if (slash) *slash = 0;
  const char *folder = slash ? strrchr(whole, '/') : NULL;
  c->name = mem_text(folder && folder[1] ? folder + 1 : "model");
  free(whole);
  return c->name ? UNROLL_OK : error_memory(err);
}

unroll_status command_card(const options *o, unroll_error *err) {
  card c = {.path = o->arguments[0]};
  unroll_model *m = NULL;
  unroll_status status = unroll_model_load(&m, c.path, err);
  c.m = m;
  if (!status) status = tensor_file_load(&c.file, c.path, err);
  if (!status) status = read_run(&c, err);
  if (!status) status = find_name(&c, err);
  if (!status) {
    write_card(&c);
    status = c.out.failed ? error_memory(err) : output_put(o->output, c.out.data, c.out.length, err);
  }
  text_free(&c.out);
  run_log_free(&c.log);
  tensor_file_free(&c.file);
  mem_free(c.name);
  unroll_model_free(m);
  return status;
}
