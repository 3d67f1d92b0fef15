// Matching a query with a sketch: the definition against plain arithmetic on codes, and every
// instruction set against the definition, bit for bit.
#include <doctest/doctest.h>

#include <cmath>

#include "kernels/random.hpp"

namespace gemma4::test {
namespace {

struct RandomSketch {
  RandomSketch(std::uint32_t tile_count, std::uint32_t block_count, std::uint64_t seed)
      : tiles(tile_count), blocks(block_count), memory(tiles * blocks * sizeof(SketchBlock)) {
    Random random(seed);
    for (std::uint32_t i = 0; i < tiles * blocks; ++i) {
      for (std::uint8_t& code : at()[i].codes) code = static_cast<std::uint8_t>(random.bits());
      for (float& scale : at()[i].scale) scale = random.unit();
    }
    for (std::uint32_t i = 0; i < blocks * kSketchColumns; ++i)
      query.push_back(static_cast<std::int8_t>(static_cast<int>(random.bits() % 255) - 127));
  }

  SketchBlock* at() { return reinterpret_cast<SketchBlock*>(memory.data()); }

  std::vector<float> match(const Kernels& kernels) const {
    std::vector<std::int32_t> offset(blocks);
    for (std::uint32_t i = 0; i < blocks * kSketchColumns; ++i)
      offset[i / kSketchColumns] -= 3 * query[i];
    std::vector<float> best(tiles, -1.0f);
    kernels.match(memory.data(), tiles, {blocks, query.data(), offset.data()}, best.data());
    return best;
  }

  std::uint32_t tiles, blocks;
  Buffer memory;
  std::vector<std::int8_t> query;
};

}  // namespace

TEST_CASE("the definition of a tile's best score") {
  for (const std::uint32_t blocks : {1u, 4u}) {
    RandomSketch sketch(3, blocks, 5);
    const std::vector<float> found = sketch.match(*find_kernels(Isa::scalar));
    for (std::uint32_t t = 0; t < sketch.tiles; ++t) {
      float best = -INFINITY;
      for (std::uint32_t r = 0; r < kTileRows; ++r) {
        float score = 0.0f;
        for (std::uint32_t b = 0; b < blocks; ++b) {
          const SketchBlock& block = sketch.at()[t * blocks + b];
          std::int32_t sum = 0;
          for (std::uint32_t k = 0; k < kSketchColumns; ++k) {
            // 16 columns in 64 bytes; a byte of a row has columns j, j + 4, j + 8 and j + 12
            const int byte = block.codes[64 * (k / 16) + 4 * r + k % 4];
            sum +=
                (2 * ((byte >> (k % 16 / 4 * 2)) % 4) - 3) * sketch.query[b * kSketchColumns + k];
          }
          score = std::fma(static_cast<float>(sum), block.scale[r], score);
        }
        best = std::max(best, score);
      }
      CHECK(found[t] == best);
    }
  }
}

TEST_CASE("every instruction set finds the scalar kernel's scores") {
  for (const std::uint32_t blocks : {1u, 2u, 4u, 7u}) {
    CAPTURE(blocks);
    RandomSketch sketch(19, blocks, blocks);
    sketch.at()[0].scale[3] = INFINITY;
    sketch.at()[blocks].scale[15] = NAN;
    for (int extreme = 0; extreme < 3; ++extreme) {
      if (extreme > 0) {  // the largest sums
        std::memset(sketch.at()[0].codes, extreme == 1 ? 0xff : 0, sizeof sketch.at()[0].codes);
        for (std::int8_t& code : sketch.query) code = extreme == 1 ? 127 : -127;
      }
      const std::vector<float> expected = sketch.match(*find_kernels(Isa::scalar));
      for (const Kernels* kernels : fast_kernels()) {
        CAPTURE(isa_name(kernels->isa));
        CHECK(same_bits(sketch.match(*kernels), expected));
      }
    }
  }
}

}  // namespace gemma4::test
