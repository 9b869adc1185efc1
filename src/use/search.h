/* search.h - how the texts of ctc are found: the likeliest path, or a beam with a language model and words. */
#ifndef USE_SEARCH_H
#define USE_SEARCH_H
#include "dist/ctc.h"
#include "model/model.h"
#include "use/language.h"

enum { SEARCH_BEAM = 32 /* where a language model or words are given and no beam */ };

typedef struct search_options {
  int64_t beam, best;   /* texts side by side, that come out; below 1: as usual */
  const char *language; /* the file of a model of texts; NULL: none */
  const char *lexicon;  /* a file of words, the first of each line; NULL: all words */
  double weight, bonus; /* of the language model; for each word. NaN: 1 and 0 */
} search_options;

typedef struct search {
  ctc_search how;
  bool any; /* false: the likeliest path will do */
  ctc_words words;
  language *language;
} search;

/* The variable that ctc predicts; NULL: none. */
const variable *search_variable(const model *m);
/* For a model with ctc; of others the options must not be there. UNROLL_USAGE names an option that is out of place. search_free in
 * any case. */
unroll_status search_init(search *s, const model *m, const search_options *o, unroll_error *err);
void search_free(search *s);
/* What predict_sink takes: NULL for the likeliest path. */
const ctc_search *search_asked(const search *s);
#endif
