/* settings.h - "hidden=512" -> a setting of the graph room. */
#ifndef GRAPH_SETTINGS_H
#define GRAPH_SETTINGS_H
#include "graph/graph.h"

/* n texts, each NAME=NUMBER or NAME=WORD, into memory; a name given twice counts as given last. UNROLL_USAGE says what is wrong. */
unroll_status settings_parse(setting **out, int *n_out, const char *const *texts, int n, arena *memory, unroll_error *err);
#endif
