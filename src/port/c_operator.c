/* c_operator.c - operators as C, and numbers. */
#include <stdio.h>
#include <string.h>
#include "port/c_internal.h"

/* Elementwise operators, and helpers of others. Float functions of C99's math.h, and nothing else. */
const c_operator c_operators[OP_COUNT] = {
    [OP_NEG] = {"-#", NULL},
    [OP_SIGMOID] = {"sigmoid_of(#)", "static float sigmoid_of(float x) { return 1.0f / (1.0f + expf(-x)); }\n"},
    [OP_TANH] = {"tanhf(#)", NULL},
    [OP_RELU] = {"relu_of(#)", "static float relu_of(float x) { return x > 0.0f ? x : 0.0f; }\n"},
    [OP_STEP] = {"step_of(#)", "static float step_of(float x) { return x > 0.0f ? 1.0f : 0.0f; }\n"},
    [OP_EXP] = {"expf(#)", NULL},
    [OP_LOG] = {"logf(#)", NULL},
    [OP_SOFTPLUS] = {"softplus_of(#)",
                     "static float softplus_of(float x) { return (x > 0.0f ? x : 0.0f) + log1pf(expf(-fabsf(x))); }\n"},
    [OP_ABS] = {"fabsf(#)", NULL},
    [OP_SIGN] = {"sign_of(#)", "static float sign_of(float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : 0.0f; }\n"},
    [OP_SQRT] = {"sqrtf(#)", NULL},
    [OP_SQUARE] = {"square_of(#)", "static float square_of(float x) { return x * x; }\n"},
    [OP_HARD_SIGMOID] = {"hard_sigmoid_of(#)", "static float hard_sigmoid_of(float x) {\n"
                                               "  const float y = 0.2f * x + 0.5f;\n"
                                               "  return y < 0.0f ? 0.0f : y > 1.0f ? 1.0f : y;\n"
                                               "}\n"},
    [OP_GELU] = {"gelu_of(#)", "static float gelu_of(float x) { return x * 0.5f * erfcf(-x * 0.707106781f); }\n"},
    [OP_NORMAL_CDF] = {"normal_cdf_of(#)", "static float normal_cdf_of(float x) { return 0.5f * erfcf(-x * 0.707106781f); }\n"},
    [OP_SIN] = {"sinf(#)", NULL},
    [OP_COS] = {"cosf(#)", NULL},
    [OP_LOG1P_SQUARE] = {"log1p_square_of(#)", "static float log1p_square_of(float x) {\n"
                                               "  return fabsf(x) > 1e18f ? 2.0f * logf(fabsf(x)) : log1pf(x * x);\n"
                                               "}\n"},
    [OP_HOLD] = {"#", NULL},
    [OP_ADD] = {"(# + @)", NULL},
    [OP_SUB] = {"(# - @)", NULL},
    [OP_MUL] = {"(# * @)", NULL},
    [OP_DIV] = {"(# / @)", NULL},
    [OP_MIN] = {"min_of(#, @)", "static float min_of(float a, float b) { return b < a ? b : a; }\n"},
    [OP_MAX] = {"max_of(#, @)", "static float max_of(float a, float b) { return a < b ? b : a; }\n"},
    [OP_LESS] = {"less_of(#, @)", "static float less_of(float a, float b) { return a < b ? 1.0f : 0.0f; }\n"},
    [OP_LGAMMA] = {"lgammaf(#)", NULL},
    [OP_LBETA] = {"lbeta_of(#, @)", "static float lbeta_of(float a, float b) {\n"
                                    "  return (float)(lgamma((double)a) + lgamma((double)b) - lgamma((double)a + (double)b));\n"
                                    "}\n"},
    [OP_SOFTMAX] = {NULL, "static void softmax_of(float *x, int n) {\n"
                          "  float best = x[0], sum = 0.0f;\n"
                          "  for (int i = 1; i < n; i++) best = x[i] > best ? x[i] : best;\n"
                          "  for (int i = 0; i < n; i++) x[i] = expf(x[i] - best), sum += x[i];\n"
                          "  for (int i = 0; i < n; i++) x[i] /= sum;\n"
                          "}\n"},
    [OP_LOG_SUM_EXP] = {NULL, "static float log_sum_exp_of(const float *x, int n) {\n"
                              "  float best = x[0], sum = 0.0f;\n"
                              "  for (int i = 1; i < n; i++) best = x[i] > best ? x[i] : best;\n"
                              "  for (int i = 0; i < n; i++) sum += expf(x[i] - best);\n"
                              "  return best + logf(sum);\n"
                              "}\n"},
    [OP_LAYERNORM_SCALE] = {NULL, "static float layernorm_scale_of(const float *x, int n) {\n"
                                  "  float mean = 0.0f, squares = 0.0f;\n"
                                  "  for (int i = 0; i < n; i++) mean += x[i];\n"
                                  "  mean /= (float)n;\n"
                                  "  for (int i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean);\n"
                                  "  return 1.0f / sqrtf(squares / (float)n + 1e-5f);\n"
                                  "}\n"},
    [OP_LAYERNORM] = {NULL, "static void layernorm_of(float *x, int n, float scale) {\n"
                            "  float mean = 0.0f;\n"
                            "  for (int i = 0; i < n; i++) mean += x[i];\n"
                            "  mean /= (float)n;\n"
                            "  for (int i = 0; i < n; i++) x[i] = (x[i] - mean) * scale;\n"
                            "}\n"},
    /* Pixels are [rows][columns][channels], weights [channels of y][size][size][channels of a group]. */
    [OP_CONV] =
        {NULL,
         "static void conv_of(float *y, const float *w, const float *bias, const float *x, int rows, int columns, int channels,\n"
         "                    int size, int before, int stride, int groups, int y_rows, int y_columns, int y_channels) {\n"
         "  const int each = channels / groups;\n"
         "  for (int r = 0; r < y_rows; r++)\n"
         "    for (int c = 0; c < y_columns; c++)\n"
         "      for (int o = 0; o < y_channels; o++) {\n"
         "        const int first = o / (y_channels / groups) * each;\n"
         "        float sum = bias[o];\n"
         "        for (int i = 0; i < size; i++)\n"
         "          for (int j = 0; j < size; j++) {\n"
         "            const int row = r * stride + i - before, column = c * stride + j - before;\n"
         "            if (row < 0 || row >= rows || column < 0 || column >= columns) continue;\n"
         "            const float *pixel = x + (row * columns + column) * channels + first;\n"
         "            const float *from = w + ((o * size + i) * size + j) * each;\n"
         "            for (int k = 0; k < each; k++) sum += from[k] * pixel[k];\n"
         "          }\n"
         "        y[(r * y_columns + c) * y_channels + o] = sum;\n"
         "      }\n"
         "}\n"},
    [OP_POOL] = {NULL, "static void pool_of(float *y, const float *x, int columns, int channels, int size, int stride, int y_rows, "
                       "int y_columns) {\n"
                       "  for (int r = 0; r < y_rows; r++)\n"
                       "    for (int c = 0; c < y_columns; c++)\n"
                       "      for (int o = 0; o < channels; o++) {\n"
                       "        const float *first = x + (r * stride * columns + c * stride) * channels + o;\n"
                       "        float best = *first;\n"
                       "        for (int i = 0; i < size; i++)\n"
                       "          for (int j = 0; j < size; j++)\n"
                       "            if (first[(i * columns + j) * channels] > best) best = first[(i * columns + j) * channels];\n"
                       "        y[(r * y_columns + c) * channels + o] = best;\n"
                       "      }\n"
                       "}\n"},
    [OP_POOL_MEAN] = {NULL, "static void pool_mean_of(float *y, const float *x, int columns, int channels, int size, int stride, "
                            "int y_rows, int y_columns) {\n"
                            "  for (int r = 0; r < y_rows; r++)\n"
                            "    for (int c = 0; c < y_columns; c++)\n"
                            "      for (int o = 0; o < channels; o++) {\n"
                            "        const float *first = x + (r * stride * columns + c * stride) * channels + o;\n"
                            "        float sum = 0.0f;\n"
                            "        for (int i = 0; i < size; i++)\n"
                            "          for (int j = 0; j < size; j++) sum += first[(i * columns + j) * channels];\n"
                            "        y[(r * y_columns + c) * channels + o] = sum / (float)(size * size);\n"
                            "      }\n"
                            "}\n"},
};

void c_number(text *out, double x) {
  char s[40];
  if (x != x || x - x != 0) {
    text_format(out, x != x ? "NAN" : x > 0 ? "HUGE_VALF" : "(-HUGE_VALF)");
    return;
  }
  snprintf(s, sizeof s, "%.9g", (double)(float)x);
  const char *point = strpbrk(s, ".e") ? "" : ".0";
  if (*s == '-')
    text_format(out, "(%s%sf)", s, point);
  else
    text_format(out, "%s%sf", s, point);
}

/* Is s[at] the begin of a word that a bracket follows? Its length, or 0. */
static size_t call_at(const char *s, size_t at) {
  size_t n = 0;
  const char before = at ? s[at - 1] : ' ';
  if ((before >= 'a' && before <= 'z') || (before >= '0' && before <= '9') || before == '_') return 0;
  while ((s[at + n] >= 'a' && s[at + n] <= 'z') || (n && s[at + n] >= '0' && s[at + n] <= '9')) n++;
  return s[at + n] == '(' ? n : 0;
}

void c_code(const c_export *c, const char *code, text *out) {
  for (size_t i = 0; code[i];) {
    const size_t n = c->out->no_libm ? call_at(code, i) : 0;
    if (n && c_math_has(code + i, n))
      text_format(out, "own_%.*s", (int)n, code + i);
    else
      text_add(out, code + i, n ? n : 1);
    i += n ? n : 1;
  }
}
