// The sum of an array over the processes of one machine, through memory they share.
//
// Processes of a training step meet a hundred times a second, with a few hundred kilobytes each: a round trip through
// the network stack of the same machine takes longer than the sum.

#include <sched.h>
#include <time.h>

#include <atomic>
#include <cstring>

#include "export.h"
#include "vector16.h"

namespace {

// Each process counts its arrivals in a cache line of its own; then come two slots per process, used by turns: who
// writes for the next sum cannot disturb who still reads for this one.
struct alignas(64) Arrivals {
  std::atomic<uint64_t> count;
};

double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

}  // namespace

EXPORT int64_t shared_sum_bytes(int64_t world, int64_t n) {
  return world * int64_t(sizeof(Arrivals)) + 2 * world * n * int64_t(sizeof(float));
}

// Put the `n` numbers of process `rank` where all can read them, as its part of sum number `round`, counted from 1.
EXPORT void shared_sum_give(void* shared, int64_t rank, int64_t world, int64_t round, int64_t n, const float* values) {
  auto* arrivals = static_cast<Arrivals*>(shared);
  auto* slots = reinterpret_cast<float*>(arrivals + world);
  std::memcpy(slots + ((round % 2) * world + rank) * n, values, n * sizeof(float));
  arrivals[rank].count.store(uint64_t(round), std::memory_order_release);
}

// Replace `values` by the sum of all parts, added in the order of the processes, once all are there; returns 0, with
// nothing changed, if they are not within `patience` seconds.
EXPORT int64_t shared_sum_take(void* shared, int64_t world, int64_t round, int64_t n, float* values, double patience) {
  auto* arrivals = static_cast<Arrivals*>(shared);
  const auto* slots = reinterpret_cast<const float*>(arrivals + world) + (round % 2) * world * n;
  const double deadline = now() + patience;
  for (int64_t r = 0; r < world; r++)
    for (int64_t tries = 0; arrivals[r].count.load(std::memory_order_acquire) < uint64_t(round); tries++) {
      if (tries < 1000) continue;
      sched_yield();  // perhaps it waits for this very core
      if (tries % 64 == 0 && now() > deadline) return 0;
    }
  std::memcpy(values, slots, n * sizeof(float));
  for (int64_t r = 1; r < world; r++) {
    const float* part = slots + r * n;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) values[i] += part[i];
  }
  return 1;
}
