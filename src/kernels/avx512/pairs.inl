// Pairs of 16-bit integers in 512-bit registers, for P times V in integers.

constexpr std::uint32_t kPairs = 16;
using Pairs = __m512i;
using Sums = __m512i;

inline Sums zero_sums() { return _mm512_setzero_si512(); }
inline Pairs load_pairs(const std::int16_t* p) { return load64(p); }
inline Pairs broadcast_pair(const std::int16_t* p) { return broadcast4(p); }
inline void add_scaled(float* out, Sums sums, float scale) {
  store(out, fma(_mm512_cvtepi32_ps(sums), set1(scale), load(out)));
}
/// In place: GCC would give each sum a second register and move it there and back.
inline Sums add_pairs(Sums sums, Pairs x, Pairs y) {
  sums = _mm512_dpwssd_epi32(sums, x, y);
  __asm__ volatile("" : "+v"(sums));
  return sums;
}
inline void store_rounded(std::int16_t* p, Vec v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(v)));
}
