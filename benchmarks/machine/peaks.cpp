#include "machine/peaks.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define G4_AVX2 __attribute__((target("avx2,fma")))
#define G4_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")))
#endif

namespace gemma4::bench {
namespace {

#if defined(__x86_64__) && defined(__GNUC__)

// The empty asm statements make an operand unknown to the compiler: it can neither move a product
// out of the loop nor compute it once for two sums.
#define G4_FORGET(kind, x) __asm__ volatile("" : "+" kind(x))

/// What a block of Q4_0 costs at least in 16-bit arithmetic: 8 maddubs and 8 additions for 8 rows x
/// 32 columns, and one maddwd and one addition to widen the sums.
G4_AVX2 double maddubs(std::uint64_t iterations) {
  __m256i wide[6], q[3], ones = _mm256_set1_epi16(1);
  for (__m256i& x : wide) x = _mm256_setzero_si256();
  for (int i = 0; i < 3; ++i) q[i] = _mm256_set1_epi8(static_cast<char>(i - 1));
  for (std::uint64_t n = 0; n < iterations; ++n) {
    __m256i sum[6];
    for (__m256i& x : sum) x = _mm256_setzero_si256();
#pragma GCC unroll 8
    for (int s = 0; s < 8; ++s) {
      __m256i w0 = ones, w1 = ones;
      G4_FORGET("x", w0);
      G4_FORGET("x", w1);
      for (int c = 0; c < 3; ++c) {
        sum[2 * c] = _mm256_add_epi16(sum[2 * c], _mm256_maddubs_epi16(w0, q[c]));
        sum[2 * c + 1] = _mm256_add_epi16(sum[2 * c + 1], _mm256_maddubs_epi16(w1, q[c]));
      }
    }
    for (int i = 0; i < 6; ++i)
      wide[i] = _mm256_add_epi32(wide[i], _mm256_madd_epi16(sum[i], ones));
  }
  for (__m256i& x : wide) G4_FORGET("x", x);
  return 6.0 * 8 * 32 * static_cast<double>(iterations);
}

G4_AVX512 double dpbusd(std::uint64_t iterations) {
  __m512i sum[12], q = _mm512_set1_epi8(1), w = _mm512_set1_epi8(3);
  for (__m512i& x : sum) x = _mm512_setzero_si512();
  for (std::uint64_t n = 0; n < iterations; ++n) {
    G4_FORGET("v", w);
    for (__m512i& x : sum) x = _mm512_dpbusd_epi32(x, w, q);
  }
  for (__m512i& x : sum) G4_FORGET("v", x);
  return 12.0 * 64 * static_cast<double>(iterations);
}

G4_AVX2 double fma256(std::uint64_t iterations) {
  __m256 sum[12], x = _mm256_set1_ps(1.0f), y = _mm256_set1_ps(1e-9f);
  for (__m256& s : sum) s = _mm256_setzero_ps();
  for (std::uint64_t n = 0; n < iterations; ++n) {
    G4_FORGET("x", x);
    for (__m256& s : sum) s = _mm256_fmadd_ps(x, y, s);
  }
  for (__m256& s : sum) G4_FORGET("x", s);
  return 12.0 * 8 * static_cast<double>(iterations);
}

G4_AVX512 double fma512(std::uint64_t iterations) {
  __m512 sum[12], x = _mm512_set1_ps(1.0f), y = _mm512_set1_ps(1e-9f);
  for (__m512& s : sum) s = _mm512_setzero_ps();
  for (std::uint64_t n = 0; n < iterations; ++n) {
    G4_FORGET("v", x);
    for (__m512& s : sum) s = _mm512_fmadd_ps(x, y, s);
  }
  for (__m512& s : sum) G4_FORGET("v", s);
  return 12.0 * 16 * static_cast<double>(iterations);
}

constexpr Peak kMaddubs = {"256-bit vpmaddubsw + vpaddw, widened once in 8", maddubs};
constexpr Peak kDpbusd = {"512-bit vpdpbusd", dpbusd};
constexpr Peak kFma256 = {"256-bit vfmadd, f32", fma256};
constexpr Peak kFma512 = {"512-bit vfmadd, f32", fma512};

#endif

}  // namespace

const Peak* int8_peak(Isa isa) {
#if defined(__x86_64__) && defined(__GNUC__)
  if (isa == Isa::avx512 && __builtin_cpu_supports("avx512vnni")) return &kDpbusd;
  if (isa == Isa::avx2 && __builtin_cpu_supports("avx2")) return &kMaddubs;
#endif
  static_cast<void>(isa);
  return nullptr;
}

const Peak* float_peak(Isa isa) {
#if defined(__x86_64__) && defined(__GNUC__)
  if (isa == Isa::avx512 && __builtin_cpu_supports("avx512vnni")) return &kFma512;
  if (isa == Isa::avx2 && __builtin_cpu_supports("avx2")) return &kFma256;
#endif
  static_cast<void>(isa);
  return nullptr;
}

}  // namespace gemma4::bench
