/* ctc_body.h - one step of the sums over alignments of a short sequence with a long one. Compiled per instruction set.
 *
 * See kernel.h for how a row of states lies. All numbers are logarithms, and CTC_NEVER stands for log 0: a finite number, so that
 * two of them have a difference. States beyond the last one stay CTC_NEVER without being looked at, for nothing leads to them. */
#ifndef KERNEL_CTC_BODY_H
#define KERNEL_CTC_BODY_H

/* log(exp(a) + exp(b) + exp(c)) */
VECTOR_FUNCTION v16 ctc_sum(v16 a, v16 b, v16 c) {
  const v16 top = v_max(v_max(a, b), c);
  const v16 sum = v_add(v_add(v_exp_low(v_sub(a, top)), v_exp_low(v_sub(b, top))), v_exp_low(v_sub(c, top)));
  return v_add(top, v_log(sum));
}

static float ctc_forward_run(float *out, const float *from, const float *heard, const float *skip, float blank, float shift,
                             int n) {
  const ptrdiff_t section = ctc_section(n);
  const float *const b = from + LANES, *const s = b + section;
  v16 top = v_set1(CTC_NEVER);
  for (int i = 0; i <= n; i += LANES) {
    const v16 stay_b = v_load(b + i), stay_s = v_load(s + i), before = v_load(s + i - 1);
    const v16 to_b = v_add(ctc_sum(stay_b, before, v_set1(CTC_NEVER)), v_set1(blank - shift));
    const v16 to_s = v_add(ctc_sum(stay_s, stay_b, v_add(before, v_load(skip + i))), v_sub(v_load(heard + i), v_set1(shift)));
    v_store(out + LANES + i, to_b);
    v_store(out + LANES + section + i, to_s);
    top = v_max(v_max(to_b, to_s), top);
  }
  return v_peak(top);
}

static float ctc_back_run(float *out, const float *from, const float *heard, const float *skip, float blank, float shift, int n) {
  const ptrdiff_t section = ctc_section(n);
  const float *const b = from + LANES, *const s = b + section;
  const v16 own = v_set1(blank - shift), by = v_set1(shift);
  v16 top = v_set1(CTC_NEVER);
  for (int i = 0; i <= n; i += LANES) {
    const v16 stay_b = v_add(v_load(b + i), own), next_b = v_add(v_load(b + i + 1), own);
    const v16 stay_s = v_add(v_load(s + i), v_sub(v_load(heard + i), by));
    const v16 next_s = v_add(v_load(s + i + 1), v_sub(v_load(heard + i + 1), by));
    const v16 to_b = ctc_sum(stay_b, stay_s, v_set1(CTC_NEVER));
    const v16 to_s = ctc_sum(stay_s, next_b, v_add(next_s, v_load(skip + i + 1)));
    v_store(out + LANES + i, to_b);
    v_store(out + LANES + section + i, to_s);
    top = v_max(v_max(to_b, to_s), top);
  }
  return v_peak(top);
}

static float ctc_share_run(float *share, const float *forward, const float *back, int n) {
  const ptrdiff_t section = ctc_section(n);
  v16 top = v_set1(CTC_NEVER), blanks = v_zero(), symbols = v_zero();
  for (ptrdiff_t i = LANES; i <= LANES + n; i += LANES) {
    top = v_max(v_add(v_load(forward + i), v_load(back + i)), top);
    top = v_max(v_add(v_load(forward + section + i), v_load(back + section + i)), top);
  }
  top = v_set1(v_peak(top));
  for (ptrdiff_t i = LANES; i <= LANES + n; i += LANES) {
    const v16 one = v_exp_low(v_sub(v_add(v_load(forward + section + i), v_load(back + section + i)), top));
    blanks = v_add(blanks, v_exp_low(v_sub(v_add(v_load(forward + i), v_load(back + i)), top)));
    symbols = v_add(symbols, one);
    v_store(share + i - LANES, one);
  }
  const float blank = v_sum(blanks), all = blank + v_sum(symbols);
  for (int i = 0; i <= n; i += LANES) v_store(share + i, v_div(v_load(share + i), v_set1(all)));
  return blank / all;
}
#endif
