/* score.h - the last line of score, and of eval of a text. */
#ifndef CLI_SCORE_H
#define CLI_SCORE_H
#include <jansson.h>
#include <stdint.h>

/* accuracy: NaN where it was not counted. what: "symbol" */
json_t *score_total_json(double nats, int64_t symbols, int64_t sequences, double accuracy);
void score_total_print(const char *what, double nats, int64_t symbols, int64_t sequences, double accuracy);
#endif
