/* isa_body.h - all bodies for one instruction set, and the table of what they define. isa_*.c set VECTOR_* and ISA, then this. */
#include "base/random.h"
#include "base/threads.h"
#include "kernel/isa.h"
#include "kernel/optimizer.h"
#include "kernel/vector.h"
#include "kernel/vector_math.h"
#include "kernel/vector_gamma.h"
#include "kernel/product_body.h"
#define PRODUCT_PAIRS
#include "kernel/product_body.h"
#include "kernel/pairs_body.h"
#include "kernel/product_bytes_body.h"
#include "kernel/bytes_body.h"
#include "kernel/tile_body.h"
#include "kernel/rows_body.h"
#include "kernel/picture_body.h"
#include "kernel/attend_body.h"
#include "kernel/mask_body.h"
#include "kernel/time_body.h"
#include "kernel/ctc_body.h"
#include "kernel/optimizer_body.h"
#include "kernel/measure_body.h"

static const kernels table = {
    .isa = ISA,
    .product = product_run,
    .product_pairs = pairs_product_run,
    .pairs_of_row = pairs_of_row_run,
    .pairs_of_rows = pairs_of_rows_run,
    .product_bytes = product_bytes_run,
    .bytes_of_row = bytes_of_row_run,
    .tile = tile_run,
    .softmax = softmax_run,
    .softmax_grad = softmax_grad_run,
    .cross_entropy = cross_entropy_run,
    .cross_entropy_grad = cross_entropy_grad_run,
    .row_sum = row_sum_run,
    .log_sum_exp = log_sum_exp_run,
    .layernorm_scale = layernorm_scale_run,
    .layernorm = layernorm_run,
    .layernorm_grad = layernorm_grad_run,
    .gather = gather_run,
    .scatter = scatter_run,
    .mask = mask_run,
    .sum_rows = sum_rows_run,
    .dot_rows = dot_rows_run,
    .square_max = square_max_run,
    .square_max_grad = square_max_grad_run,
    .square_max_add = square_max_add_run,
    .planes = planes_run,
    .im2col = im2col_run,
    .rectify = rectify_run,
    .square_pick = square_pick_run,
    .picks_list = picks_list_run,
    .picks_outer = picks_outer_run,
    .picks_back = picks_back_run,
    .picks_sum = picks_sum_run,
    .square_sum = square_sum_run,
    .square_sum_add = square_sum_add_run,
    .match = match_run,
    .blend = blend_run,
    .paint = paint_run,
    .channel_squares = channel_squares_run,
    .channel_dots = channel_dots_run,
    .channel_scale = channel_scale_run,
    .channel_grad = channel_grad_run,
    .dots = dots_run,
    .mix = mix_run,
    .additive = additive_run,
    .additive_grad = additive_grad_run,
    .additive_mix = additive_mix_run,
    .sum_time = sum_time_run,
    .max_time = max_time_run,
    .max_time_grad = max_time_grad_run,
    .ctc_forward = ctc_forward_run,
    .ctc_back = ctc_back_run,
    .ctc_share = ctc_share_run,
    .adam = adam_run,
    .rmsprop = rmsprop_run,
    .sgd = sgd_run,
    .clip_value = clip_value_run,
    .sum_squares = sum_squares_run,
    .peak = peak_run,
    .read = read_run,
};
