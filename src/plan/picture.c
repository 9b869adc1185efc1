/* picture.c - convolutions, pools and batch normalization: sizes, packed weights, scratch.
 *
 * The adjoint of a convolution is one, too. It is of dy, with the patch turned by half a turn and as many zeros around dy as
 * the patch reaches over. Where the patches had a stride, there are zeros between dy's pixels. So both are one kind of stage,
 * and differ in how W is packed. */
#include "base/error.h"
#include "plan/internal.h"

static int vectors_of(int channels, int first) {
  const int left = (int)padded(channels) - first;
  return left >= PANEL_VECTORS * LANES ? PANEL_VECTORS : left / LANES;
}

/* One panel of a group: the columns are out channels first .., k runs over the rows, columns and channels of the patch. */
static unroll_status pack_panel(struct plan *p, const stage_picture *q, const param *w, bool back, int g, int first,
                                unroll_error *err) {
  const int K = q->size * q->size * q->channels, vectors = vectors_of(q->out_channels, first);
  unroll_status s = UNROLL_OK;
  for (int v = 0; v < vectors && !s; v++) {
    const int at = first + v * LANES, left = q->out_channels - at;
    pack_job job = {.by_rows = !back,
                    .out = q->pack + (g * padded(q->out_channels) + first) * K,
                    .weight = w->offset,
                    .row = w->cols,
                    .vectors = vectors,
                    .v = v,
                    .first = g * q->out_channels + at,
                    .count = left < LANES ? left : LANES,
                    .k0 = back ? g * q->channels : 0,
                    .k = back ? q->channels : K};
    if (!back) s = plan_add_pack(p, &job, err);
    for (int i = 0; back && i < q->size * q->size && !s; i++) { /* entry i of the turned patch: all rows of W */
      job.first = (q->size * q->size - 1 - i) * q->out_channels + at;
      s = plan_add_pack(p, &job, err);
      job.out += (int64_t)q->channels * vectors * LANES;
    }
  }
  return s;
}

static unroll_status pack_conv(struct plan *p, stage_picture *q, const param *w, bool back, unroll_error *err) {
  unroll_status s = UNROLL_OK;
  q->pack = p->out.pack;
  for (int g = 0; g < q->groups && !s; g++)
    for (int first = 0; first < q->out_channels && !s; first += PANEL_VECTORS * LANES) s = pack_panel(p, q, w, back, g, first, err);
  p->out.pack += q->groups * padded(q->out_channels) * q->size * q->size * q->channels;
  return s;
}

static unroll_status note_floats(struct plan *p, int64_t floats, unroll_error *err) {
  if (floats > PLAN_FLOATS_MAX) return error_set(err, UNROLL_FAILED, "a picture of this net is too large");
  if (floats > p->out.outer) p->out.outer = floats;
  return UNROLL_OK;
}

/* What a thread needs for one group of one picture: the picture with its border, a row of the result, and a bias. For weight
 * gradients it needs the same of x, dy with room at the end of its rows, and the sums. A panel may read beyond the last
 * pixel. */
static unroll_status note_room(struct plan *p, const stage_picture *q, int64_t more, bool outer, unroll_error *err) {
  const int64_t columns = stage_framed(q->out_columns, q), rows = stage_framed(q->out_rows, q);
  int64_t floats = padded(rows * columns * q->channels) + PANEL_VECTORS * LANES + (q->out_columns + 1) * padded(q->out_channels);
  floats += more;
  if (outer)
    floats += padded(q->out_rows * columns * q->out_channels) +
              q->groups * padded(q->out_channels) * q->size * padded(q->size * q->channels);
  return note_floats(p, floats, err);
}

/* Lines of a patch that are shorter than a vector are written out. Scratch: a plane for each channel, and the patches of so many
 * lines of positions. */
static int64_t note_im2col(stage_picture *q, int lines) {
  q->im2col = q->size > 1 && q->size * q->channels < LANES && q->stride == 1 && q->spread == 1;
  if (!q->im2col) return 0;
  const int64_t area = (int64_t)stage_framed(q->out_rows, q) * stage_framed(q->out_columns, q);
  return (padded(area) + LANES) * q->channels + (int64_t)q->size * q->size * q->channels * padded(lines * q->out_columns) + LANES;
}

static stage_picture turned(const stage_picture *q) {
  return (stage_picture){.rows = q->out_rows,
                         .columns = q->out_columns,
                         .channels = q->out_channels,
                         .out_rows = q->rows,
                         .out_columns = q->columns,
                         .out_channels = q->channels,
                         .size = q->size,
                         .before = q->size - 1 - q->before,
                         .stride = 1,
                         .groups = q->groups,
                         .spread = q->stride};
}

enum stage_kind plan_pooled_stage(enum op op) {
  return op == OP_CONV         ? STAGE_CONV_POOL
         : op == OP_CONV_T     ? STAGE_CONV_POOL_BACK
         : op == OP_CONV_OUTER ? STAGE_CONV_POOL_OUTER
                               : STAGE_POOL_POSITIONS;
}

/* A convolution with a pool, and its gradients, which are about the same picture. They need a framed picture. Forward
 * they need also the lines of a row of squares, and a bias. Back it is a gradient and a place for each square and channel, and the
 * sums. */
static unroll_status emit_pooled(struct plan *p, const value *v, stage *s, unroll_error *err) {
  stage_picture *q = &s->picture;
  const patches *pool = &p->g->nodes[v->pool - 1].patches;
  const int down = patches_along(pool->rows, pool), across = patches_along(pool->columns, pool);
  const int result = v->op == OP_CONV ? v->width : p->values[v->in[2]].width;
  q->pool = pool->size;
  q->out_rows = down * q->pool;
  q->out_columns = across * q->pool;
  q->picks = v->op != OP_CONV || v->picks ? matrix_row(result) : 0;
  if (v->op == OP_SUM_POSITIONS) return UNROLL_OK;
  const int64_t width = q->size * q->channels, squares = (int64_t)down * across;
  int64_t floats = padded((int64_t)stage_framed(q->out_rows, q) * stage_framed(q->out_columns, q) * q->channels);
  floats += PANEL_VECTORS * LANES;
  if (v->op == OP_CONV)
    floats += (q->pool * q->out_columns + 1) * padded(q->out_channels) + note_im2col(q, q->pool);
  else
    floats += 2 * padded(squares * q->out_channels);
  if (v->op == OP_CONV_OUTER) floats += q->groups * q->out_channels * q->size * padded(width);
  const unroll_status status = note_floats(p, floats, err);
  return status || v->op != OP_CONV ? status : pack_conv(p, q, &p->g->params[p->g->nodes[v->node].param], false, err);
}

unroll_status plan_emit_picture(struct plan *p, const value *v, stage *s, unroll_error *err) {
  const node *n = &p->g->nodes[v->node];
  const patches *of = &n->patches;
  stage_picture *q = &s->picture;
  *q = (stage_picture){.rows = of->rows,
                       .columns = of->columns,
                       .channels = of->channels,
                       .size = of->size,
                       .before = of->border / 2,
                       .stride = of->stride,
                       .groups = 1,
                       .spread = 1};
  if (n->param >= 0) s->weight = p->g->params[n->param].offset;
  if (v->op == OP_SUM_POSITIONS) return v->pool ? emit_pooled(p, v, s, err) : UNROLL_OK;
  q->out_rows = patches_along(of->rows, of);
  q->out_columns = patches_along(of->columns, of);
  if (v->op == OP_BATCH_STATS || v->op == OP_BATCH_SUMS || v->op == OP_BATCHNORM || v->op == OP_BATCHNORM_GRAD)
    return note_floats(p, 4 * padded(q->channels), err);
  if (v->op != OP_CONV && v->op != OP_CONV_T && v->op != OP_CONV_OUTER) return UNROLL_OK;
  const param *w = &p->g->params[n->param];
  q->groups = of->groups;
  q->channels = of->channels / of->groups;
  q->out_channels = w->rows / of->groups;
  q->relu = v->relu;
  if (v->pool) return emit_pooled(p, v, s, err);
  if (v->op == OP_CONV_T) *q = turned(q);
  unroll_status status = note_room(p, q, v->op == OP_CONV ? note_im2col(q, 1) : 0, v->op == OP_CONV_OUTER, err);
  if (!status && v->op != OP_CONV_OUTER) status = pack_conv(p, q, w, v->op == OP_CONV_T, err);
  return status;
}
