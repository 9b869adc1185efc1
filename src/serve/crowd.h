/* crowd.h - texts of several requests that go on side by side. They are the rows of one session, a step of all in one pass.
 *
 * A thread of the model makes the steps, as long as there is a text. It draws the symbols too, and each request takes its own from
 * there. No bit of a text depends on the others (unroll.h), so a text is the same as alone. */
#ifndef SERVE_CROWD_H
#define SERVE_CROWD_H
#include "serve/server.h"

typedef struct seat seat; /* a text */

typedef struct seat_order { /* what is wanted */
  const int32_t *prompt;    /* [n_prompt]: is copied */
  int64_t n_prompt, most;   /* symbols to draw, at most */
  unroll_sample_options how;
  bool at_once; /* the text is wanted as a whole: nobody is woken for a symbol */
} seat_order;

/* NULL: there is no room (or no memory), and the request goes alone. seat_leave at the end. */
seat *crowd_join(server *s, served *model, const seat_order *o);
/* Waits for the next symbol. *stop not 0: UNROLL_INTERRUPTED. */
unroll_status seat_next(seat *x, volatile sig_atomic_t *stop, int32_t *symbol, unroll_error *err);
bool seat_ready(seat *x); /* it would not wait */
void seat_leave(seat *x);
/* All seats are left. */
void crowd_free(crowd *c);
#endif
