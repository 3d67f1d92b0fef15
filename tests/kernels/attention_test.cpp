// Attention: against double, against itself row by row, and every instruction set against the
// scalar bits.
#include <doctest/doctest.h>

#include <cmath>

#include "kernels/random.hpp"

namespace gemma4::test {
namespace {

constexpr std::uint32_t kHead = 48, kPositions = 5 * kChunk;

struct Problem {
  explicit Problem(KvType t) : type(t) {
    Random random(17);
    keys = random.floats(kPositions * kHead), values = random.floats(kPositions * kHead, 2.0f);
    if (type == KvType::f16) {
      for (float& v : keys)
        key_halfs.push_back(float_to_half(v)), v = half_to_float(key_halfs.back());
      for (float& v : values)
        value_halfs.push_back(float_to_half(v)), v = half_to_float(value_halfs.back());
    }
  }
  const void* chunk(const std::vector<float>& floats, const std::vector<std::uint16_t>& halfs,
                    std::uint32_t c) const {
    const std::size_t at = std::size_t{c} * kChunk * kHead;
    return type == KvType::f32 ? static_cast<const void*>(floats.data() + at)
                               : static_cast<const void*>(halfs.data() + at);
  }
  KvType type;
  std::vector<float> keys, values;
  std::vector<std::uint16_t> key_halfs, value_halfs;
};

/// Rows of queries, row r sees positions from[r] ... to[r]-1. Chunks before `split` go to one
/// segment, the rest to another.
std::vector<float> run(const Kernels& k, const Problem& p, const std::vector<float>& query,
                       const std::vector<std::uint32_t>& from, const std::vector<std::uint32_t>& to,
                       std::uint32_t split) {
  const std::uint32_t rows = static_cast<std::uint32_t>(from.size());
  std::vector<float> memory[2], scores(rows * kChunk), widened(attention_scratch(kHead)),
      out(rows * kHead);
  AttentionState state[2];
  for (int s = 0; s < 2; ++s) {
    memory[s].resize(rows * (kHead + 2));
    state[s] = {memory[s].data(), memory[s].data() + rows, memory[s].data() + 2 * rows};
    reset(state[s], rows, kHead);
  }
  for (std::uint32_t c = 0; c < kPositions / kChunk; ++c) {
    std::vector<std::uint8_t> first(rows), last(rows);
    for (std::uint32_t r = 0; r < rows; ++r) {
      const std::uint32_t low = std::max(from[r], c * kChunk),
                          high = std::min(to[r], (c + 1) * kChunk);
      if (low < high)
        first[r] = std::uint8_t(low - c * kChunk), last[r] = std::uint8_t(high - c * kChunk);
    }
    k.attend({query.data(), rows, kHead, p.chunk(p.keys, p.key_halfs, c),
              p.chunk(p.values, p.value_halfs, c), p.type, first.data(), last.data(), scores.data(),
              widened.data()},
             state[c >= split]);
  }
  k.merge(state[0], state[1], rows, kHead);
  k.finish(state[0], rows, kHead, out.data());
  return out;
}

std::vector<double> exact(const Problem& p, const float* query, std::uint32_t from,
                          std::uint32_t to) {
  std::vector<double> score, out(kHead);
  double highest = -INFINITY, sum = 0;
  for (std::uint32_t j = from; j < to; ++j) {
    double s = 0;
    for (std::uint32_t i = 0; i < kHead; ++i) s += double(query[i]) * p.keys[j * kHead + i];
    score.push_back(s);
    highest = std::max(highest, s);
  }
  for (double& s : score) sum += s = std::exp(s - highest);
  for (std::uint32_t j = from; j < to; ++j) {
    for (std::uint32_t i = 0; i < kHead; ++i)
      out[i] += score[j - from] / sum * p.values[j * kHead + i];
  }
  return out;
}

}  // namespace

TEST_CASE("attention: exact, the same alone and in company, the same on every instruction set") {
  std::vector<const Kernels*> all = {find_kernels(Isa::scalar)};
  for (const Kernels* k : fast_kernels()) all.push_back(k);
  for (const KvType type : {KvType::f32, KvType::f16}) {
    const Problem p(type);
    Random random(23);
    // causal and sliding views, borders inside, at and across chunks, one row with a single key
    const std::vector<std::uint32_t> from = {0, 0, 0, 0, 60, 61, 62, 63, 64, 65, 130, 199},
                                     to = {300, 301, 302, 303, 124, 125,
                                           126, 127, 128, 129, 320, 200};
    const std::vector<float> query = random.floats(from.size() * kHead, 2.0f);
    std::vector<float> reference;
    for (const Kernels* k : all) {
      const std::vector<float> together = run(*k, p, query, from, to, 3);
      if (reference.empty()) reference = together;
      CHECK(same_bits(reference, together));
      for (std::size_t r = 0; r < from.size(); ++r) {
        const std::vector<float> one(query.begin() + std::ptrdiff_t(r * kHead),
                                     query.begin() + std::ptrdiff_t((r + 1) * kHead));
        const std::vector<float> alone = run(*k, p, one, {from[r]}, {to[r]}, 3);
        CHECK(std::memcmp(alone.data(), together.data() + r * kHead, kHead * 4) == 0);
        const std::vector<double> truth = exact(p, one.data(), from[r], to[r]);
        for (std::uint32_t i = 0; i < kHead; ++i) CHECK(std::fabs(truth[i] - alone[i]) < 1e-5);
      }
    }
  }
}

}  // namespace gemma4::test
