// Attention: against double, against itself row by row, and every instruction set against the
// scalar bits.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "kernels/kv_chunks.hpp"
#include "kernels/random.hpp"

namespace gemma4::test {
namespace {

constexpr std::uint32_t kPositions = 5 * kChunk;

/// Keys and values in rows of their own, or in one row where the last `head - own` numbers of the
/// key are the first ones of the value.
struct Problem {
  Problem(KvType t, std::uint32_t head_size, std::uint32_t own_keys)
      : type(t),
        head(head_size),
        own(own_keys),
        width(own < head ? own + head : head),
        keys(t, width, numbers(1), *find_kernels(Isa::scalar)),
        values(t, width, numbers(2), *find_kernels(Isa::scalar)) {}
  std::vector<float> numbers(int seed) const {
    return Random(static_cast<std::uint64_t>(seed) + 16)
        .floats(kPositions * width, seed == 1 ? 1.0f : 2.0f);
  }
  bool shared() const { return own < head; }
  const std::byte* value_chunk(std::uint32_t c) const {
    return shared() ? keys.chunk(c) : values.chunk(c);
  }
  double value(std::uint32_t j, std::uint32_t i) const {
    return static_cast<double>(shared() ? keys.at(j, own + i) : values.at(j, i));
  }
  KvType type;
  std::uint32_t head, own, width;
  KvChunks keys, values;
};

/// Rows of queries, row r sees positions from[r] ... to[r]-1. Chunks before `split` go to one
/// segment, the rest to another.
std::vector<float> run(const Kernels& k, const Problem& p, const Activations& query,
                       const std::vector<std::uint32_t>& from, const std::vector<std::uint32_t>& to,
                       std::uint32_t split) {
  const std::uint32_t rows = static_cast<std::uint32_t>(from.size());
  std::vector<float> memory[2], scores(rows * kChunk), widened(attention_scratch(p.head, rows)),
      out(rows * p.head);
  AttentionState state[2];
  for (int s = 0; s < 2; ++s) {
    memory[s].resize(rows * (p.head + 2));
    state[s] = {memory[s].data(), memory[s].data() + rows, memory[s].data() + 2 * rows};
    reset(state[s], rows, p.head);
  }
  for (std::uint32_t c = 0; c < kPositions / kChunk; ++c) {
    std::vector<std::uint8_t> first(rows), last(rows);
    for (std::uint32_t r = 0; r < rows; ++r) {
      const std::uint32_t low = std::max(from[r], c * kChunk),
                          high = std::min(to[r], (c + 1) * kChunk);
      if (low < high)
        first[r] = std::uint8_t(low - c * kChunk), last[r] = std::uint8_t(high - c * kChunk);
    }
    k.attend({query, rows, p.keys.chunk(c), p.value_chunk(c), p.width, p.shared() ? p.own : 0,
              p.type, first.data(), last.data(), scores.data(), widened.data()},
             state[c >= split]);
  }
  k.merge(state[0], state[1], rows, p.head);
  k.finish(state[0], rows, p.head, out.data());
  return out;
}

/// In double, over the rows as they are stored and the query as it is multiplied.
std::vector<double> exact(const Problem& p, const std::vector<double>& query, std::uint32_t from,
                          std::uint32_t to) {
  std::vector<double> score, out(p.head);
  double highest = -INFINITY, sum = 0;
  for (std::uint32_t j = from; j < to; ++j) {
    double s = 0;
    for (std::uint32_t i = 0; i < p.head; ++i) s += query[i] * double(p.keys.at(j, i));
    score.push_back(s);
    highest = std::max(highest, s);
  }
  for (double& s : score) sum += s = std::exp(s - highest);
  for (std::uint32_t j = from; j < to; ++j) {
    for (std::uint32_t i = 0; i < p.head; ++i) out[i] += score[j - from] / sum * p.value(j, i);
  }
  return out;
}

/// A row of queries as attention multiplies it.
std::vector<double> multiplied(const Problem& p, const Activations& query, std::uint32_t row) {
  std::vector<double> out(p.head);
  const Activations a = query.from(row);
  for (std::uint32_t i = 0; i < p.head; ++i) {
    out[i] = p.type == KvType::q8_0 ? double(a.scale[i / 32]) * a.codes[i] : double(a.values[i]);
  }
  return out;
}

void check(const Problem& p, const std::vector<const Kernels*>& all) {
  CAPTURE(p.head);
  CAPTURE(p.own);
  // causal and sliding views, borders inside, at and across chunks, one row with a single key
  const std::vector<std::uint32_t> from = {0,  0,   0,   0, 60, 61, 62, 63, 64,
                                           65, 130, 199, 0, 7,  0,  0,  1,  0},
                                   to = {300, 301, 302, 303, 124, 125, 126, 127, 128,
                                         129, 320, 200, 304, 305, 306, 307, 308, 309};
  // values reach 2: where V is codes, in steps of 1/64, the weights are integers of 15 bits
  const double tolerance = p.type == KvType::q8_0 ? 2e-4 : 2e-5;
  Batch query(*all[0], Random(23).floats(from.size() * p.head, 2.0f), p.head);
  std::vector<float> reference;
  for (const Kernels* k : all) {
    CAPTURE(std::string(isa_name(k->isa)));
    const std::vector<float> together = run(*k, p, query.get(), from, to, 3);
    if (reference.empty()) reference = together;
    CHECK(same_bits(reference, together));
    for (std::uint32_t r = 0; r < from.size(); ++r) {
      const std::vector<float> alone = run(*k, p, query.get().from(r), {from[r]}, {to[r]}, 3);
      CHECK(std::memcmp(alone.data(), together.data() + r * p.head, p.head * 4) == 0);
      const std::vector<double> truth = exact(p, multiplied(p, query.get(), r), from[r], to[r]);
      for (std::uint32_t i = 0; i < p.head; ++i)
        CHECK(std::fabs(truth[i] - double(alone[i])) < tolerance);
    }
  }
}

}  // namespace

TEST_CASE("attention: exact, the same alone and in company, the same on every instruction set") {
  std::vector<const Kernels*> all = {find_kernels(Isa::scalar)};
  for (const Kernels* k : fast_kernels()) all.push_back(k);
  for (const KvType type : {KvType::f32, KvType::f16, KvType::q8_0}) {
    CAPTURE(static_cast<int>(type));
    // keys of their own, all of them or some; q8_0 blocks that fill their tiles and do not
    for (const auto& [head, own] : {std::pair(96u, 96u), {96u, 32u}, {128u, 64u}, {160u, 32u}})
      check(Problem(type, head, own), all);
    // less than the registers of one pass hold; one block of q8_0 is too coarse for check()'s bound
    if (type != KvType::q8_0) check(Problem(type, 32, 32), all);
  }
}

TEST_CASE("attention: damage in a q8_0 row of V shows to those who see the row, to nobody else") {
  constexpr std::uint32_t kHead = 96, kDamaged = 70;
  const Problem sound(KvType::q8_0, kHead, kHead);
  Problem damaged(KvType::q8_0, kHead, kHead);
  std::vector<float> row(kHead, 1.0f);
  row[40] = INFINITY;
  damaged.values.store(kDamaged, row.data(), *find_kernels(Isa::scalar));
  std::vector<const Kernels*> all = {find_kernels(Isa::scalar)};
  for (const Kernels* k : fast_kernels()) all.push_back(k);
  const Batch query(*all[0], Random(23).floats(std::size_t{4} * kHead, 2.0f), kHead);
  // before it, behind it, and twice with it
  const std::vector<std::uint32_t> from = {0, kDamaged + 1, 0, kDamaged},
                                   to = {kDamaged, 200, 200, kDamaged + 1};
  for (const Kernels* k : all) {
    CAPTURE(std::string(isa_name(k->isa)));
    const std::vector<float> good = run(*k, sound, query.get(), from, to, 3),
                             bad = run(*k, damaged, query.get(), from, to, 3);
    CHECK(std::memcmp(good.data(), bad.data(), std::size_t{2} * kHead * sizeof(float)) == 0);
    for (std::size_t i = 0; i < std::size_t{2} * kHead; ++i) {
      CHECK(std::isfinite(good[i]));
      CHECK(std::isnan(bad[2 * kHead + i]));
    }
  }
}

}  // namespace gemma4::test
