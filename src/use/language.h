/* language.h - a language model as the search of ctc asks it: how likely each next symbol of a text is.
 *
 * The model is one of a text. Either it has the symbols of what is searched, or its symbols are words and those of what is
 * searched are characters. Then a word counts when it is over. A place in a text is a state, which is made once for each text
 * that goes on.
 */
#ifndef USE_LANGUAGE_H
#define USE_LANGUAGE_H
#include "data/schema.h"
#include "dist/ctc.h"

typedef struct language language;

/* From a model file, for the texts of a variable, which is borrowed. UNROLL_USAGE for a model that is none of such texts. */
unroll_status language_load(language **out, const char *path, const variable *of, unroll_error *err);
void language_free(language *l);
/* Valid as long as l. Places are forgotten when the next search begins. */
const ctc_language *language_asked(const language *l);
#endif
