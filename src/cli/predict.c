/* predict.c - `unroll predict`: what a model says about each example of a table. */
#include "train/predict.h"
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/output.h"
#include "cli/terminal.h"

enum { ROWS = 32 };

static const option_row rows[] = {
    {OPTION_TEXT, "series", 0, offsetof(options, series), "COLUMN", 0, 0, false,
     "successive rows with the same COLUMN are the steps of one example [a row each]"},
    {OPTION_TEXT, "tagged", 0, offsetof(options, tagged), "NAMES", 0, 0, false,
     "DATA is tagged text with columns of these names, as in --tagged word,tag"},
    {OPTION_FLAG, "labels-from-folders", 0, offsetof(options, folders), NULL, 0, 0, false,
     "DATA is folders of texts, a folder for each label [so if the net has one text and one category]"},
    {OPTION_FLAG, "skip-bad", 0, offsetof(options, skip_bad), NULL, 0, 0, false,
     "rows and lines that cannot be read are reported, counted and left out [they are an error]"},
    {OPTION_INTEGER, "batch", 0, offsetof(options, batch), "N", 1, 65536, false, "examples at a time [32]"},
    {OPTION_INTEGER, "threads", 0, offsetof(options, threads), "N", 0, 1024, false, "0: one per processor; changes no result [0]"},
    {OPTION_FLAG, "json", 0, offsetof(options, json), NULL, 0, 0, false, "one JSON object on standard output"},
    {.kind = OPTION_END},
};

typedef struct printer {
  const options *o;
  json_t *list;
} printer;

/* Symbols: characters follow each other, words and labels have a space between them. */
static void add_symbols(text *out, const predicted_part *p) {
  const bool apart = p->v->form.unit == UNIT_WORDS || p->v->form.unit == UNIT_LABELS;
  for (int64_t i = 0; i < p->n; i++) {
    if (p->symbols[i] == p->v->words.end) break;
    if (apart && i > 0) text_add(out, " ", 1);
    output_symbols(out, &p->v->words, &p->symbols[i], 1, 1);
  }
}

static void add_numbers(text *out, const predicted_part *p) {
  for (int64_t i = 0; i < p->n; i++)
    for (int j = 0; j < p->v->width; j++)
      text_format(out, "%s%.7g", j ? ";" : i ? " " : "", (double)p->numbers[i * p->v->width + j]);
}

static json_t *part_json(const predicted_part *p) {
  text t = {0};
  json_t *j = NULL;
  if (p->numbers) {
    j = json_array();
    for (int64_t i = 0; i < p->n * p->v->width; i++) json_array_append_new(j, json_number((double)p->numbers[i]));
    return j;
  }
  add_symbols(&t, p);
  if (!t.failed) j = json_pack("{s:o}", "value", output_json_text(t.data ? t.data : "", t.length));
  text_free(&t);
  json_t *shares = json_array();
  for (int64_t i = 0; i < p->n; i++) json_array_append_new(shares, json_number((double)p->p[i]));
  json_object_set_new(j, "probability", shares);
  return j;
}

static unroll_status emit(void *context, const predicted *p, unroll_error *err) {
  printer *out = context;
  if (out->o->json) {
    json_t *row = json_object();
    for (int k = 0; k < p->n; k++) json_object_set_new(row, p->parts[k].v->form.name, part_json(&p->parts[k]));
    return row && json_array_append_new(out->list, row) == 0 ? UNROLL_OK : error_memory(err);
  }
  text line = {0};
  for (int k = 0; k < p->n; k++) {
    const predicted_part *one = &p->parts[k];
    if (k) text_add(&line, "\t", 1);
    if (one->numbers)
      add_numbers(&line, one);
    else
      add_symbols(&line, one);
    if (one->symbols && !one->v->step) text_format(&line, "\t%.4f", (double)one->p[0]);
  }
  const bool failed = line.failed != 0;
  if (!failed) printf("%s\n", line.data ? line.data : "");
  text_free(&line);
  if (failed) return error_memory(err);
  return ferror(stdout) ? error_set(err, UNROLL_FAILED, "cannot write to standard output") : UNROLL_OK;
}

static unroll_status run_predict(const options *o, unroll_error *err) {
  model m = {0};
  dataset d = {0};
  printer p = {.o = o, .list = o->json ? json_array() : NULL};
  const predict_sink sink = {.context = &p, .emit = emit, .stop = signals_flag()};
  pool *workers = pool_new(o->threads > 0 ? (int)o->threads : 0);
  text paths = {0};
  unroll_status status = workers ? model_load(&m, o->arguments[0], false, err) : error_memory(err);
  if (!status) status = data_paths(o, 1, &paths, err);
  if (!status)
    status = predict_read(
        &d, &m, paths.data,
        &(predict_table){.series = o->series, .tagged = o->tagged, .folders = o->folders, .skip_bad = o->skip_bad}, false, err);
  if (!status) data_report(&d);
  if (!status) status = predict(&m, &d, false, o->batch > 0 ? (int)o->batch : ROWS, workers, &sink, NULL, err);
  if (!status && o->json) {
    json_t *out = json_pack("{s:O}", "predictions", p.list);
    data_report_json(out, &d);
    status = output_json(out, err);
  }
  text_free(&paths);
  json_decref(p.list);
  dataset_free(&d);
  model_free(&m);
  pool_free(workers);
  return status;
}

const command command_predict = {
    .name = "predict",
    .usage = "MODEL DATA... [options]",
    .summary = "labels, tags and numbers for the rows of a table",
    .text = "What MODEL says about each example of DATA, a table (files, folders, or - for standard input): a line each. A label "
            "comes\n"
            "with a tab and its probability, tags with spaces between them, of numbers the mean. DATA need not have the columns\n"
            "that are predicted.",
    .rows = rows,
    .least = 2,
    .most = NO_BOUND,
    .run = run_predict,
};
