/* hash.h - a 64-bit hash of bytes: tells changed data and damaged checkpoints. Not a defence against forgery.
 *
 * Each word goes through an invertible step, so any single damaged bit changes the result. Words are read little-endian: the
 * same value on every machine. */
#ifndef BASE_HASH_H
#define BASE_HASH_H
#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t hash_mix(uint64_t h) {
  h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
  h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
  return h ^ (h >> 31);
}

/* The hash of n bytes, going on from h (0 to start); the length counts too. */
static inline uint64_t hash_bytes(uint64_t h, const void *data, size_t n) {
  const unsigned char *p = data;
  h = hash_mix(h + 0x9e3779b97f4a7c15u + n);
  for (size_t i = 0; i < n; i += 8) {
    uint64_t word = 0;
    memcpy(&word, p + i, n - i < 8 ? n - i : 8);
    word = le64toh(word);
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    h ^= h >> 29;
  }
  return hash_mix(h);
}

/* Two hashes side by side, for keys that must not meet by chance. */
static inline void hash_both(uint64_t h[2], const void *data, size_t n) {
  h[0] = hash_bytes(h[0], data, n);
  h[1] = hash_bytes(~h[1], data, n);
}
#endif
