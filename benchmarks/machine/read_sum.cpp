#include "machine/read_sum.hpp"

#include <cstring>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace gemma4::bench {
namespace {

/// How far ahead lines are asked for, and the first line of each page, so that the page's address
/// is translated when its lines come.
constexpr std::uint64_t kAheadBytes = 4096, kPagesAhead = 12288, kPage = 4096;

std::uint64_t plain_sum(const std::byte* data, std::uint64_t bytes, bool) {
  std::uint64_t total = 0;
  for (std::uint64_t at = 0; at < bytes; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, data + at, 8);
    total += word;
  }
  return total;
}

#if defined(__x86_64__) && defined(__GNUC__)
/// Four chains of sums, so that the loads and not the additions are the limit. By hand: the
/// compiler's own vectors go through the stack here and halve the speed.
__attribute__((target("avx2"))) std::uint64_t avx2_sum(const std::byte* data, std::uint64_t bytes,
                                                       bool prefetch) {
  __m256i lanes[4] = {};
  for (std::uint64_t at = 0; at < bytes; at += 128) {
    const auto* p = reinterpret_cast<const __m256i*>(data + at);
    if (prefetch) {
      _mm_prefetch(reinterpret_cast<const char*>(p) + kAheadBytes, _MM_HINT_T0);
      _mm_prefetch(reinterpret_cast<const char*>(p + 2) + kAheadBytes, _MM_HINT_T0);
      const char* later = reinterpret_cast<const char*>(p) + kPagesAhead;
      _mm_prefetch(later - reinterpret_cast<std::uintptr_t>(later) % kPage, _MM_HINT_T0);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) lanes[i] = _mm256_add_epi64(lanes[i], _mm256_load_si256(p + i));
  }
  const __m256i all =
      _mm256_add_epi64(_mm256_add_epi64(lanes[0], lanes[1]), _mm256_add_epi64(lanes[2], lanes[3]));
  std::uint64_t words[4];
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(words), all);
  return words[0] + words[1] + words[2] + words[3];
}
#endif

}  // namespace

ReadSum best_read_sum() {
#if defined(__x86_64__) && defined(__GNUC__)
  if (__builtin_cpu_supports("avx2")) return avx2_sum;
#endif
  return plain_sum;
}

}  // namespace gemma4::bench
