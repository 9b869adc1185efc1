/* torch_weights.c - where the weights live: nn.Linear, nn.Embedding and nn.Conv2d where a matrix is used as one of these, else a
 * parameter. Cells that are modules of PyTorch bring their own (torch_loop.c). */
#include <string.h>
#include "base/error.h"
#include "port/torch_write.h"

static const node *at(const torch_export *o, int x) { return &o->g->nodes[x]; }

typedef struct param_use {
  int n, matvecs, whole, embeds, convs, vectors, other, last;
} param_use;

static void count(const torch_export *o, param_use *uses) {
  for (int i = 0; i < o->g->n_nodes; i++) {
    const node *n = at(o, i);
    if (!o->cells.live[i] || n->param < 0) continue;
    param_use *u = &uses[n->param];
    u->n++;
    u->last = i;
    u->matvecs += n->op == OP_MATVEC;
    u->whole += n->op == OP_MATVEC && n->c0 == 0 && at(o, n->in[0])->width == o->g->params[n->param].cols;
    u->embeds += n->op == OP_EMBED;
    u->convs += n->op == OP_CONV;
    u->vectors += n->op == OP_VECTOR;
    if (n->op != OP_BATCH_STATS) continue; /* means, and the variances that follow them */
    uses[n->param + 1].n++;
    uses[n->param + 1].other++;
    u->other++;
  }
}

/* The vector that is only added to W x, where that is read by nothing else; else -1. */
static int bias_of(const torch_export *o, const param_use *uses, int w, int made) {
  int found = -1;
  if (uses[w].n != 1 || o->uses[made] != 1 || o->user[made] < 0) return -1;
  const node *sum = at(o, o->user[made]);
  if (at(o, made)->op == OP_CONV)
    found = at(o, made)->in[1];
  else if (sum->op == OP_ADD)
    found = sum->in[0] == made ? sum->in[1] : sum->in[0];
  if (found < 0 || at(o, found)->op != OP_VECTOR || uses[at(o, found)->param].n != 1 || o->uses[found] != 1) return -1;
  return at(o, found)->width == (at(o, made)->op == OP_CONV ? o->g->params[w].rows : at(o, made)->width) ? at(o, found)->param : -1;
}

static const float *numbers(const torch_export *o, int p) { return o->m->weights + o->g->params[p].offset; }

/* [O, rows, columns, channels] as PyTorch has it, [O, channels, rows, columns]. */
static const float *turned(torch_export *o, int p, const patches *q) {
  const param *w = &o->g->params[p];
  const int C = q->channels / q->groups, S = q->size * q->size;
  float *all = arena_alloc(&o->memory, (size_t)w->rows * (size_t)w->cols + 1, sizeof *all), *to = all;
  if (!all) return torch_fail_memory(o), numbers(o, p);
  for (int k = 0; k < w->rows; k++)
    for (int c = 0; c < C; c++)
      for (int i = 0; i < S; i++) *to++ = numbers(o, p)[(int64_t)k * w->cols + (int64_t)i * C + c];
  return all;
}

static void put_module(torch_export *o, int p, const char *name, const param_use *use) {
  const param *w = &o->g->params[p];
  const int64_t shape[] = {w->rows, w->cols};
  const patches *q = &at(o, use->last)->patches;
  const int64_t square[] = {w->rows, q->channels / (q->groups ? q->groups : 1), q->size, q->size};
  const int bias = o->bias_of[p];
  switch (o->homes[p]) {
  case HOME_LINEAR:
    text_format(&o->init, "        self.%s = nn.Linear(%d, %d%s)\n", name, w->cols, w->rows, bias < 0 ? ", bias=False" : "");
    break;
  case HOME_EMBEDDING:
    text_format(&o->init, "        self.%s = nn.Embedding(%d, %d)\n", name, w->rows, w->cols);
    break;
  case HOME_CONV:
    text_format(&o->init, "        self.%s = nn.Conv2d(%d, %d, %d", name, q->channels, w->rows, q->size);
    if (q->stride > 1) text_format(&o->init, ", stride=%d", q->stride);
    if (q->border && q->border % 2 == 0) text_format(&o->init, ", padding=%d", q->border / 2);
    if (q->groups > 1) text_format(&o->init, ", groups=%d", q->groups);
    text_format(&o->init, "%s)\n", bias < 0 ? ", bias=False" : "");
    torch_tensor(o, torch_format(o, "%s.weight", name), TENSOR_F32, square, 4, turned(o, p, q));
    break;
  default:
    if (w->role == PARAM_RUNNING)
      text_format(&o->init, "        self.register_buffer(\"%s\", torch.zeros(%d))\n", name, w->rows);
    else
      text_format(&o->init,
                  w->vector ? "        self.%s = nn.Parameter(torch.zeros(%d))\n"
                            : "        self.%s = nn.Parameter(torch.zeros(%d, %d))\n",
                  name, w->rows, w->cols);
    torch_tensor(o, name, TENSOR_F32, shape, w->vector ? 1 : 2, numbers(o, p));
  }
  if (o->homes[p] == HOME_LINEAR || o->homes[p] == HOME_EMBEDDING)
    torch_tensor(o, torch_format(o, "%s.weight", name), TENSOR_F32, shape, 2, numbers(o, p));
  if (bias >= 0)
    torch_tensor(o, torch_format(o, "%s.bias", name), TENSOR_F32, (const int64_t[]){o->g->params[bias].rows}, 1, numbers(o, bias));
}

void torch_find_homes(torch_export *o) {
  const graph *g = o->g;
  param_use *uses = arena_alloc(&o->memory, (size_t)g->n_params + 2, sizeof *uses);
  bool *taken = arena_alloc(&o->memory, (size_t)g->n_params + 1, sizeof *taken); /* a part of a module */
  if (!uses || !taken) {
    torch_fail_memory(o);
    return;
  }
  count(o, uses);
  for (int p = 0; p < g->n_params; p++) {
    const param_use *u = &uses[p];
    o->bias_of[p] = -1;
    if (!u->n) continue;
    o->homes[p] = u->whole == u->n             ? HOME_LINEAR
                  : u->embeds == u->n          ? HOME_EMBEDDING
                  : u->convs == 1 && u->n == 1 ? HOME_CONV
                                               : HOME_PLAIN;
    if (u->convs && o->homes[p] != HOME_CONV) torch_cannot(o, u->last, "its weights are used twice");
    if (o->homes[p] == HOME_LINEAR || o->homes[p] == HOME_CONV) o->bias_of[p] = bias_of(o, uses, p, u->last);
    if (o->bias_of[p] >= 0) taken[o->bias_of[p]] = true;
  }
  for (int p = 0; p < g->n_params && !o->status; p++) {
    if (!uses[p].n || taken[p]) continue;
    const char *name = torch_attribute(o, g->params[p].name);
    o->held[p] = torch_format(o, "self.%s", name);
    put_module(o, p, name, &uses[p]);
  }
}
