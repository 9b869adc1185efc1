/* backtest.h - what `unroll eval` says of models of series with dates. */
#ifndef CLI_BACKTEST_H
#define CLI_BACKTEST_H
#include <unroll.h>

void backtest_print(const unroll_result *r);
#endif
