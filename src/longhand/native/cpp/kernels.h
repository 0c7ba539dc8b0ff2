// What the kernels of the training step offer to each other.
#pragma once

#include "bf16.h"
#include "export.h"

struct AttentionShape {
  int64_t batch, time;             // the width of the index tables
  int64_t heads, kv_heads, width;  // width: channels of a head
  int64_t q_stride, kv_stride, out_stride;
  float scale;
};

struct AttentionIndex {
  const int32_t* query;    // [batch, time] row of q
  const int32_t* key;      // [batch, time] row of k and v
  const int32_t* output;   // [batch, time] row of the output
  const int32_t* first;    // [batch] the first token that asks
  const int32_t* length;   // [batch] the number of tokens
  const float *cos, *sin;  // [time, width] rotation of channel i against channel i +- width / 2, or null
};

EXPORT int64_t plan_rows(int64_t batch, int64_t time, int64_t vocab, int64_t keep, int64_t room, const int64_t* ids,
                         const int32_t* length, int32_t* row_of, int32_t* token, int32_t* position, int32_t* own,
                         int32_t* bounds);

#define DECLARE(T, NAME)                                                                                              \
  EXPORT void add_norm_##NAME(int64_t n, int64_t d, const float* x, const int32_t* x_index, const T* delta,           \
                              const float* delta_bias, const float* weight, const float* bias, float eps,             \
                              int64_t is_rms, float* y, T* h, float* mean, float* scale);                             \
  EXPORT void activate_relu_##NAME(int64_t n, int64_t d, const T* u, const float* bias, T* a);                        \
  EXPORT void activate_gelu_##NAME(int64_t n, int64_t d, const T* u, const float* bias, T* a);                        \
  EXPORT void activate_swiglu_##NAME(int64_t n, int64_t d, const T* u, const float* bias, T* a);                      \
  EXPORT void attend_##NAME(const AttentionShape* shape, const AttentionIndex* index, const T* q, const T* k,         \
                            const T* v, T* out);

DECLARE(float, float32)
DECLARE(Bf16, bfloat16)
#undef DECLARE
