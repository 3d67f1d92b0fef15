// Pairs of 16-bit integers in 256-bit registers, for P times V in integers. Included after
// registers.inl.

constexpr std::uint32_t kPairs = 8;
using Pairs = __m256i;
using Sums = __m256i;

inline Sums zero_sums() { return _mm256_setzero_si256(); }
inline Pairs load_pairs(const std::int16_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
inline Pairs broadcast_pair(const std::int16_t* p) { return broadcast4(p); }
/// One after another: GCC would gather the products of several sums until it runs out of registers.
/// AVX-VNNI's vpdpwssd is no faster.
inline Sums add_pairs(Sums sums, Pairs x, Pairs y) {
  sums = _mm256_add_epi32(sums, _mm256_madd_epi16(x, y));
  __asm__ volatile("" : "+x"(sums));
  return sums;
}
inline void add_scaled(float* out, Sums sums, float scale) {
  _mm256_storeu_ps(
      out, _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), _mm256_set1_ps(scale), _mm256_loadu_ps(out)));
}
inline void store_rounded(std::int16_t* p, Vec v) {
  const __m256i packed = _mm256_packs_epi32(_mm256_cvtps_epi32(v.a), _mm256_cvtps_epi32(v.b));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute4x64_epi64(packed, 0xd8));
}
