// Powers and roundings as fast as the processor has them.
#pragma once

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#include "vector16.h"

// Whether activations of this type are worth the last digits of a float.
template <typename T>
constexpr bool IS_EXACT = sizeof(T) == sizeof(float);

// 2^x for x <= 126, 0 where that is too small for a float; to 1e-7 of it if EXACT, else to 1e-4.
template <bool EXACT>
inline V16 power16(V16 x) {
#ifdef __AVX512DQ__
  // 2^x = 2^floor(x) 2^r with r in [0, 1): minimax polynomials of relative error 8e-8 and 8e-5
  const __m512 r = _mm512_reduce_ps((__m512)x, 1);
  __m512 p = _mm512_set1_ps(EXACT ? 1.877576608e-3f : 7.802451680e-2f);
  if (EXACT) {
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.989340252e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.582631792e-2f));
  }
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXACT ? 2.401536171e-1f : 2.260671637e-1f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXACT ? 6.931530732e-1f : 6.958335376e-1f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(EXACT ? 9.999999251e-1f : 9.999252187e-1f));
  return (V16)_mm512_scalef_ps(p, (__m512)x);
#else
  return exp16(x * 0.69314718f);
#endif
}

// 1 / x for x from 1 to 1e38, to the same precision
template <bool EXACT>
inline V16 inverse16(V16 x) {
#ifdef __AVX512F__
  const __m512 y = _mm512_rcp14_ps((__m512)x);
  if (!EXACT) return (V16)y;
  return (V16)_mm512_mul_ps(y, _mm512_fnmadd_ps((__m512)x, y, _mm512_set1_ps(2)));  // Newton's step
#else
  return 1.0f / x;
#endif
}

inline void round16(float* to, V16 x) { store16(to, x); }

inline void round16(Bf16* to, V16 x) {
#ifdef __AVX512BF16__
  const __m256bh y = _mm512_cvtneps_pbh((__m512)x);
  std::memcpy(to, &y, sizeof y);
#else
  store16(to, x);
#endif
}

// Sixteen sums of which each is a part of the product of `channels` numbers of a and b.
inline V16 parts16(const float* a, const float* b, int64_t channels) {
  V16 sums = load16(a) * load16(b);
  for (int64_t c = LANES; c < channels; c += LANES) sums += load16(a + c) * load16(b + c);
  return sums;
}

inline V16 parts16(const Bf16* a, const Bf16* b, int64_t channels) {
#ifdef __AVX512BF16__
  if (channels % (2 * LANES) == 0) {
    __m512 sums = _mm512_setzero_ps();
    for (int64_t c = 0; c < channels; c += 2 * LANES)
      sums = _mm512_dpbf16_ps(sums, (__m512bh)_mm512_loadu_si512(a + c), (__m512bh)_mm512_loadu_si512(b + c));
    return (V16)sums;
  }
#endif
  V16 sums = load16(a) * load16(b);
  for (int64_t c = LANES; c < channels; c += LANES) sums += load16(a + c) * load16(b + c);
  return sums;
}
