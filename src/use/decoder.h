/* decoder.h - what the files of the decoder share. decode.c: groups and results; decode_feed.c: batches; decode_search.c: draws and
 * beams; decode_ranks.c: processes that share the groups; decode_source.c: where examples come from. */
#ifndef USE_DECODER_H
#define USE_DECODER_H
#include "graph/cut.h"
#include "run/make.h"
#include "use/decode.h"

typedef struct head { /* what is drawn at each step: a line with ~ */
  distribution d;
  int loss, data; /* of the whole graph */
  int slot, seen; /* the whole graph's inputs of lag 0: the value, and whether it was observed (or -1) */
  int level;      /* drawn after those of lower level, which it sees in the same step */
  const vocabulary *words;
  int32_t end; /* -1: none */
  bool ends;   /* 1 says that this step is the last one */
} head;

typedef struct values { /* of one head, for some rows: [rows][room] */
  int32_t *symbols;
  float *numbers; /* [rows][room][width] as the net takes them */
  double *units;  /* the same in the units of the data */
} values;

typedef struct hypothesis {
  int example;    /* of the group */
  int64_t number; /* of the sample */
  int64_t n;      /* drawn, end symbol included */
  double log_p;
  bool closed; /* by its end symbol */
  bool marked; /* its last step says that it is the last */
  bool over;   /* at its last step */
} hypothesis;

typedef struct rowset {
  hypothesis *list;
  values *heads; /* [n_heads] */
  int n;
} rowset;

typedef struct feed_row { /* steps `from` .. of an example; values after its known ones are those of row `history` */
  int example, history;   /* history -1: there are none */
  int64_t from;
  int count;
} feed_row;

typedef struct feed { /* batches of the decoder's graph */
  batch b;
  batch_axis *axes;
  int **active, **order; /* [n_axes] */
  int64_t **first;
  int32_t **index; /* [decoder.n_inputs] */
  float **number;
  feed_row *rows;
  int *begin; /* [group + 1] rows of each example: they follow each other */
  int *until; /* [group + 1] scratch */
  bool *used; /* [n_axes] some input has steps there */
} feed;

typedef struct candidate {
  double log_p; /* of the whole hypothesis */
  int row;
  int32_t symbol;
} candidate;

typedef struct decoder {
  const model *m;
  const decode_options *o;
  const decode_source *source;
  const decode_sink *sink;
  pool *workers;
  cut c;
  head *heads;
  int n_heads, levels;
  bool again;       /* something drawn is seen in the same step */
  bool bounded;     /* the data says how many steps there are */
  int group, width; /* examples at a time; rows of an example */
  int warm_steps;   /* known steps of a pass */
  plan *encode, *warm, *step;
  run *encoder, *warmer, *stepper; /* the first two may be NULL */
  feed warm_feed, feed;
  int *whole_slot; /* [decoder.n_inputs] the same input of the whole graph; -1: boundary */
  int start_rows, carry_rows;
  float *start;             /* states after what is known: carry after carry [start_rows][width] */
  float *carry, *carry_new; /* [carry_rows][width] scratch */

  /* the group */
  const batch *b; /* of the whole graph */
  int64_t first;  /* number of its first example */
  int n;
  int *place;       /* [n_axes][group] where an example is along an axis */
  int64_t *known;   /* [group] */
  int64_t *limit;   /* [group] steps to draw at most */
  int64_t room;     /* steps of a row, the end symbol included */
  rowset now, next; /* what goes on */
  rowset results;   /* [group][2 * width]: what came out */
  int *n_results;   /* [group] */
  int *from;        /* [2 * max rows] scratch: the row that each was; the order of results */
  candidate *best;  /* [max rows][2 * width] scratch */
  char *scratch;    /* [threads][scratch_size] */
  size_t scratch_size;
  bool *bad; /* [threads] a row was not finite */
  decoded_part *parts;
} decoder;

/* decode_feed.c */
unroll_status feed_init(feed *f, const decoder *s, int rows, int steps, unroll_error *err);
void feed_free(feed *f, const decoder *s);
/* For f->rows[0..n), those of an example together: everything but the steps. */
void feed_set_rows(feed *f, const decoder *s, int n);
/* The values of all inputs on the decoded axis, and who is there for how many steps. */
void feed_set_steps(feed *f, const decoder *s);

/* decode_search.c */
/* One step of all rows after another, until none goes on; what came out is in s->results. */
unroll_status decoder_run(decoder *s, unroll_error *err);
double decoder_score(const decoder *s, const hypothesis *h);

/* decode_ranks.c: all groups of s->source, of which `one` decodes the one that begins with example s->first. */
struct ranks;
typedef unroll_status decode_group_run(decoder *s, unroll_error *err);
unroll_status decode_shared(decoder *s, const struct ranks *r, decode_group_run *one, unroll_error *err);
#endif
