/* c_math.c - the elementary functions that a C file carries with --no-libm.
 *
 * They are those of kernel/vector_math.h, a number at a time and without fused multiply-adds, so the last bits differ. Largest
 * errors, in units in the last place: tests/port/test_c_math.c measures them, docs/export-c.md says them. */
#include <string.h>
#include "port/c_internal.h"

typedef struct math_row {
  const char *name, *code;
  const char *needs[2];
} math_row;

static const math_row rows[] = {
    {"bits",
     "/* A float and its bits; 2^n, n from -126 to 127. */\n"
     "typedef union own_bits { float x; uint32_t u; } own_bits;\n"
     "static float own_power2(int n) {\n"
     "  own_bits b;\n"
     "  b.u = (uint32_t)(n + 127) << 23;\n"
     "  return b.x;\n"
     "}\n",
     {NULL, NULL}},
    {"fabsf", "static float own_fabsf(float x) { return x < 0.0f ? -x : x; }\n", {NULL, NULL}},
    {"expf",
     "/* exp(x) = 2^n exp(r), r = x - n ln 2. */\n"
     "static float own_expf(float x) {\n"
     "  if (!(x > -104.0f)) return x != x ? x : 0.0f;\n"
     "  if (x > 88.8f) x = 88.8f;\n"
     "  const int n = (int)(x * 1.44269502f + (x < 0.0f ? -0.5f : 0.5f));\n"
     "  const float r = x - (float)n * 0.693145752f - (float)n * 1.42860677e-6f;\n"
     "  float p = 0.0013847543f;\n"
     "  p = p * r + 0.00837000646f;\n"
     "  p = p * r + 0.041668009f;\n"
     "  p = p * r + 0.166665092f;\n"
     "  p = p * r + 0.49999994f;\n"
     "  p = r * r * p + r + 1.0f;\n"
     "  return p * own_power2(n / 2) * own_power2(n - n / 2);\n"
     "}\n",
     {"bits", NULL}},
    {"tanhf",
     "/* tanh|x| = m / (m + 2), m = exp(2|x|) - 1 = 2^n (exp(r) - 1) + (2^n - 1). */\n"
     "static float own_tanhf(float x) {\n"
     "  if (x != x) return x;\n"
     "  const float a = x < 0.0f ? -x : x, y = a < 10.0f ? a + a : 20.0f;\n"
     "  const int n = (int)(y * 1.44269502f + 0.5f);\n"
     "  const float r = y - (float)n * 0.693145752f - (float)n * 1.42860677e-6f, s = own_power2(n);\n"
     "  float p = 0.00139187893f;\n"
     "  p = p * r + 0.00836767815f;\n"
     "  p = p * r + 0.0416666083f;\n"
     "  p = p * r + 0.166665345f;\n"
     "  p = p * r + 0.5f;\n"
     "  const float m = s * (r * r * p + r) + (s - 1.0f), z = m / (m + 2.0f);\n"
     "  return x < 0.0f ? -z : z;\n"
     "}\n",
     {"bits", NULL}},
    {"logf",
     "/* log(x) = e ln 2 + log(1 + f), x = 2^e (1 + f). */\n"
     "static float own_logf(float x) {\n"
     "  own_bits b;\n"
     "  float e = 0.0f;\n"
     "  b.x = x;\n"
     "  if (x != x || b.u == 0x7f800000u) return x;\n"
     "  if (!(x > 0.0f)) b.u = x < 0.0f ? 0x7fc00000u : 0xff800000u;\n"
     "  if (!(x > 0.0f)) return b.x;\n"
     "  if (x < 1.17549435e-38f) b.x = x * 8388608.0f, e = -23.0f;\n"
     "  const int32_t n = (int32_t)(b.u - 0x3f3504f3u) / 8388608 - ((int32_t)(b.u - 0x3f3504f3u) % 8388608 < 0);\n"
     "  b.u -= (uint32_t)n << 23;\n"
     "  e += (float)n;\n"
     "  const float f = b.x - 1.0f, z = f * f;\n"
     "  float p = -0.0786013678f;\n"
     "  p = p * f + 0.12881355f;\n"
     "  p = p * f - 0.131284118f;\n"
     "  p = p * f + 0.141812235f;\n"
     "  p = p * f - 0.166245967f;\n"
     "  p = p * f + 0.200022846f;\n"
     "  p = p * f - 0.250008076f;\n"
     "  p = p * f + 0.333333164f;\n"
     "  p = p * f * z + e * 1.42860677e-6f;\n"
     "  p = f + (p - 0.5f * z);\n"
     "  return e * 0.693145752f + p;\n"
     "}\n",
     {"bits", NULL}},
    {"log1pf",
     "static float own_log1pf(float x) {\n"
     "  const float u = 1.0f + x, rest = u - 1.0f;\n"
     "  if (rest - rest != 0.0f || u <= 0.0f) return own_logf(u);\n"
     "  return rest < 0.0f || rest > 0.0f ? own_logf(u) * (x / rest) : x;\n"
     "}\n",
     {"logf", NULL}},
    {"sqrtf",
     "/* Newton's steps from half the exponent. */\n"
     "static float own_sqrtf(float x) {\n"
     "  own_bits b;\n"
     "  float scale = 1.0f;\n"
     "  b.x = x;\n"
     "  if (!(x > 0.0f) || b.u == 0x7f800000u) {\n"
     "    if (x < 0.0f) b.u = 0x7fc00000u;\n"
     "    return b.x;\n"
     "  }\n"
     "  if (x < 1e-30f) x *= 1099511627776.0f, scale = 9.53674316e-7f;\n"
     "  b.x = x;\n"
     "  b.u = (b.u >> 1) + 0x1fbd1df5u;\n"
     "  for (int i = 0; i < 4; i++) b.x = 0.5f * (b.x + x / b.x);\n"
     "  return b.x * scale;\n"
     "}\n",
     {"bits", NULL}},
    {"erfcf",
     "/* For z = sqrt(2)|x|: 2 exp(-z^2/2) P(q) / (z + 4), q = (z - 4) / (z + 4). */\n"
     "static float own_erfcf(float x) {\n"
     "  const float a = x < 0.0f ? -x : x, z = a < 9.9f ? a * 1.41421356f : 14.0f;\n"
     "  const double square = a < 9.9f ? 2.0 * (double)a * (double)a : 196.0;\n"
     "  const float high = (float)square, low = (float)(square - (double)high);\n"
     "  const float e = own_expf(-0.5f * high), w = 1.0f / (z + 4.0f), q = (z - 4.0f) * w;\n"
     "  if (x != x || x > 10.1f) return x != x ? x : 0.0f;\n"
     "  float p = -0.000129528053f;\n"
     "  p = p * q + 0.000184629302f;\n"
     "  p = p * q + 0.00157185679f;\n"
     "  p = p * q - 0.00351498299f;\n"
     "  p = p * q - 0.007526726f;\n"
     "  p = p * q + 0.0604041442f;\n"
     "  p = p * q - 0.186523214f;\n"
     "  p = p * q + 0.387136877f;\n"
     "  p = p * q - 0.607896626f;\n"
     "  p = p * q + 0.755285144f;\n"
     "  p = 2.0f * p * w * (e - 0.5f * e * low);\n"
     "  return x < 0.0f ? 2.0f - p : p;\n"
     "}\n",
     {"expf", NULL}},
    {"sine",
     "/* sin(x + quarter pi/2), x up to 1e9. */\n"
     "static float own_sine(float x, int quarter) {\n"
     "  if (!(x < 1e9f && x > -1e9f)) return x - x;\n"
     "  const int n = (int)((double)x * 0.63661977236758134 + (x < 0.0f ? -0.5 : 0.5)), to = (n + quarter) & 3;\n"
     "  const float r = (float)((double)x - (double)n * 1.5707963267948966), z = r * r;\n"
     "  float s = -0.000195184053f, c = 2.44306902e-05f;\n"
     "  s = s * z + 0.0083321901f;\n"
     "  s = s * z - 0.166666552f;\n"
     "  s = s * z * r + r;\n"
     "  c = c * z - 0.00138873013f;\n"
     "  c = c * z + 0.0416666456f;\n"
     "  c = c * z - 0.5f;\n"
     "  c = c * z + 1.0f;\n"
     "  const float y = (to & 1) ? c : s;\n"
     "  return (to & 2) ? -y : y;\n"
     "}\n",
     {NULL, NULL}},
    {"sinf", "static float own_sinf(float x) { return own_sine(x, 0); }\n", {"sine", NULL}},
    {"cosf", "static float own_cosf(float x) { return own_sine(x, 1); }\n", {"sine", NULL}},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static int row_of(const char *name, size_t n) {
  for (int i = 0; i < N_ROWS; i++)
    if (strlen(rows[i].name) == n && !memcmp(rows[i].name, name, n)) return i;
  return -1;
}

bool c_math_has(const char *name, size_t n) { return row_of(name, n) >= 0; }

void c_math(const char *source, text *out) {
  bool wanted[N_ROWS] = {false}, any = false;
  for (int i = 0; i < N_ROWS; i++) {
    text call = {0};
    text_format(&call, "own_%s(", rows[i].name);
    wanted[i] = call.data && strstr(source, call.data);
    any |= wanted[i];
    out->failed |= call.failed;
    text_free(&call);
  }
  for (int i = N_ROWS - 1; i >= 0; i--) /* what is needed stands before */
    for (int k = 0; k < 2 && wanted[i]; k++)
      if (rows[i].needs[k]) wanted[row_of(rows[i].needs[k], strlen(rows[i].needs[k]))] = true;
  if (any) text_format(out, "\n/* --- elementary functions --- */\n");
  for (int i = 0; i < N_ROWS; i++)
    if (wanted[i]) text_format(out, "%s", rows[i].code);
}
