/* model.h - a model: the texts of its net and cells, its settings and vocabulary, the graph built from them, and the weights.
 *
 * A model file holds all of that except the graph, so the file alone is enough to use the model anywhere. The flat block of
 * weights is the truth; packed copies belong to plans. See docs/model-file.md for the format. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H
#include "data/schema.h"
#include "graph/graph.h"
#include "io/safetensors.h"
#include "kernel/kernel.h"
#include "model/ramp.h"

struct json_t; /* io/json.h */

typedef struct model_cell {
  const char *name, *file, *text;
} model_cell;

typedef struct data_identity {
  uint64_t bytes, hash;
} data_identity;

typedef struct model {
  arena memory;
  const char *net_file, *net_text;
  const program *net;
  schema schema;     /* its variables */
  model_cell *cells; /* those that the net uses, in order of first use */
  int n_cells, cap_cells;
  bool sealed;              /* from a model file: cells come from it and nowhere else */
  bool starved;             /* model_find_cell ran out of memory */
  const char *missing;      /* a built-in cell that a sealed model lacks */
  enum precision precision; /* of the products in every pass; not part of the model file */
  bool built;
  graph g;                  /* with its gradient if asked for */
  float *weights;           /* [g.n_weights], 64-byte aligned */
  const char *const *inits; /* --init, for model_build; in `memory` once it was saved or loaded */
  int n_inits;
  ramp *ramps; /* --ramp, likewise: settings that change in training */
  int n_ramps;
  class_weights *weighted; /* --class-weights, for model_build with a gradient: a weight for each label of these variables */
  int n_weighted;
  bool gaps;          /* the graph is one of values that may not be observed */
  bool lent;          /* the graph is that of the model of which this is a copy */
  data_identity data; /* what it was trained on; zeros when unknown */
} model;

/* The text of a net by the name of a built-in one or of a file (anything with '/' or '.'). Text and file live in `memory`. */
unroll_status model_find_net(const char *name, arena *memory, const char **file, const char **source, unroll_error *err);
/* For build_options.find_cell, with a `model` as context: a file NAME.cell beside the net, else a built-in one. A model from a
 * file has only the saved ones. Remembers what was used. */
const char *model_find_cell(void *model, const char *name, arena *memory, const char **file);

/* A cell that the net uses, where it is neither built in nor a file. */
unroll_status model_add_cell(model *m, const char *name, const char *text, unroll_error *err);

/* Parses the net and reads its data line. model_free in every case. */
unroll_status model_begin(model *m, const char *net_file, const char *net_text, unroll_error *err);
/* What the equations say about the variables before there are vocabularies. Widths of numbers are known. */
unroll_status model_learn_steps(model *m, const setting *settings, int n_settings, unroll_error *err);
/* The variable of a model of plain texts; else UNROLL_USAGE saying that `what` cannot be done, and NULL. */
const variable *model_text(const model *m, const char *what, unroll_error *err);
/* By its name; NULL: as it is. UNROLL_USAGE for a name that is none. */
unroll_status model_set_precision(model *m, const char *name, unroll_error *err);
/* Builds the graph (and its gradient) and a block of zero weights; m->schema has its vocabularies. */
unroll_status model_build(model *m, const setting *settings, int n_settings, bool derive, unroll_error *err);
/* The graph of a model that is built, once more; with its gradient where `derive`. graph_free in any case. */
unroll_status model_graph(model *m, graph *g, bool derive, unroll_error *err);
/* The graph again, for data that lacks values of what is predicted (dataset_has_gaps); weights, settings and parameters stay as
 * they are. Plans and runs of the graph before it are not to be used any more. */
unroll_status model_see_gaps(model *m, unroll_error *err);
/* The same net with its data read as one stream, so that a pass of one step can be continued: for generating lines. The graph has
 * the same parameters at the same places. Freed by graph_free and arena_free. */
unroll_status model_stream_graph(const model *m, graph *g, arena *memory, unroll_error *err);
void model_free(model *m);
/* The settings that change, as they are after `step` of `total` steps: in the graph, whose plans follow, and for the model file. */
void model_set_ramps(model *m, int64_t step, int64_t total);

/* Initial weights: every number is a function of (seed, number of the parameter, place in it). init.c */
unroll_status model_init(model *m, uint64_t seed, unroll_error *err);

/* Data as a model wants it: read, encoded and measured. how->series NULL: the column that the model remembers, if any; "": none.
 * dataset_free in any case. */
unroll_status model_read(dataset *d, const model *m, const char *paths, const data_options *how, unroll_error *err);
/* The same as codes: only read, with a schema that says which of its variables are there. */
unroll_status model_read_codes(dataset *d, const model *m, const schema *s, const char *paths, const data_options *how,
                               unroll_error *err);

/* The first parameter with a number in `block` that is not finite, or -1. */
int model_first_bad(const model *m, const float *block);

/* --- files (file.c) --- */
unroll_status model_save(const model *m, const char *path, unroll_error *err);
/* derive: the gradient too. A checkpoint can be loaded as a model too. */
unroll_status model_load(model *m, const char *path, bool derive, unroll_error *err);
/* The same from the bytes of a file, which are copied. Without the gradient. */
unroll_status model_load_memory(model *m, const void *bytes, size_t size, unroll_error *err);
unroll_status model_from_tensors(model *m, const char *name, const tensor_file *f, bool derive, unroll_error *err);
/* With further tensors and metadata, for checkpoints; names of further tensors begin with '@'. */
typedef struct model_extra {
  const char *format; /* MODEL_FORMAT or CHECKPOINT_FORMAT */
  const tensor *tensors;
  int n_tensors;
  const char *const *keys, *const *values;
  int n_keys;
  bool hashed; /* adds the key "hash" over everything else */
} model_extra;
unroll_status model_write(const model *m, const float *weights, const char *path, const model_extra *extra, unroll_error *err);
/* The metadata "unroll". */
#define MODEL_FORMAT "model 1"
#define CHECKPOINT_FORMAT "checkpoint 1"
/* What a file says that it is: one of these, or another; NULL: nothing. Older files say it by another key, in other words. */
const char *model_format(const tensor_file *f);
/* series.c: the metadata 'series'; NULL: out of memory. Reading a file without it leaves m->schema.time empty. */
char *model_series_text(const series_form *f);
unroll_status model_read_series(model *m, const tensor_file *f, const char *name, unroll_error *err);
/* class_weights.c: the metadata 'class_weights', likewise. The JSON object is the caller's. */
struct json_t *model_weights_json(const model *m);
char *model_weights_text(const model *m);
unroll_status model_read_weights(model *m, const tensor_file *f, const char *name, unroll_error *err);
/* Hash over all tensors and metadata but the key "hash". */
uint64_t model_hash(const tensor *tensors, size_t n_tensors, const char *const *keys, const char *const *values, size_t n_keys);
#endif
