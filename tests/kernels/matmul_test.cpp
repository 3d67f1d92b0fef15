// Matrix kernels: the definition against plain arithmetic on codes, and every instruction set
// against the definition, bit for bit.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>

#include "kernels/random.hpp"

namespace gemma4::test {
namespace {

/// A matrix of random codes with sane scales, as aligned bytes.
struct RandomMatrix {
  RandomMatrix(MatrixFormat f, std::uint32_t tile_count, std::uint32_t column_count,
               std::uint64_t seed)
      : format(f),
        tiles(tile_count),
        columns(column_count),
        storage(tiles * tile_bytes(f, columns) + 64) {
    void* p = storage.data();
    std::size_t space = storage.size();
    data = static_cast<std::byte*>(std::align(64, storage.size() - 64, p, space));
    Random random(seed);
    const std::size_t bytes = tiles * tile_bytes(f, columns);
    for (std::size_t i = 0; i < bytes; ++i) data[i] = static_cast<std::byte>(random.bits());
    if (takes_int8(f)) {
      set_scales(random);
    } else if (f == MatrixFormat::f32) {
      for (std::size_t i = 0; i < bytes / 4; ++i) reinterpret_cast<float*>(data)[i] = random.unit();
    } else {
      for (std::size_t i = 0; i < bytes / 2; ++i) {
        const float value = random.unit();
        std::uint32_t bits;
        std::memcpy(&bits, &value, 4);
        reinterpret_cast<std::uint16_t*>(data)[i] =
            f == MatrixFormat::f16 ? float_to_half(value) : std::uint16_t(bits >> 16);
      }
    }
  }
  template <typename Block>
  void scales_of_pairs(Random& random) {
    Block* blocks = reinterpret_cast<Block*>(data);
    for (std::size_t i = 0; i < tiles * tile_bytes(format, columns) / sizeof(Block); ++i) {
      for (auto& part : blocks[i].scale) {
        for (auto& s : part) set_scale(s, 0.1f * random.unit());
      }
    }
  }
  static void set_scale(std::uint16_t& scale, float value) { scale = float_to_half(value); }
  static void set_scale(float& scale, float value) { scale = value; }
  static void set_scale(Bf16Scale& scale, float value) {
    scale.bits = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16);
  }
  void set_scales(Random& random) {
    if (format == MatrixFormat::q4_0) return scales_of_pairs<Q4Block>(random);
    if (format == MatrixFormat::q8_0) return scales_of_pairs<Q8Block>(random);
    if (format == MatrixFormat::i4_bf16) return scales_of_pairs<I4Bf16Block>(random);
    if (format == MatrixFormat::i4_f32) return scales_of_pairs<I4F32Block>(random);
    Q6Block* blocks = reinterpret_cast<Q6Block*>(data);
    for (std::size_t i = 0; i < tiles * tile_bytes(format, columns) / sizeof(Q6Block); ++i) {
      for (auto& s : blocks[i].scale) s = float_to_half(0.001f * random.unit());
    }
  }

  MatrixFormat format;
  std::uint32_t tiles, columns;
  std::vector<std::byte> storage;
  std::byte* data;
};

std::vector<float> multiply(const Kernels& kernels, const RandomMatrix& m, const Activations& a,
                            std::uint32_t count) {
  std::vector<float> y(std::size_t{count} * m.tiles * kTileRows, -1.0f);
  kernels.matmul(m.format, m.data, m.tiles, a, count, y.data(), m.tiles * kTileRows);
  return y;
}

constexpr MatrixFormat kFormats[] = {MatrixFormat::q4_0,    MatrixFormat::q8_0,  MatrixFormat::q6_k,
                                     MatrixFormat::f32,     MatrixFormat::f16,   MatrixFormat::bf16,
                                     MatrixFormat::i4_bf16, MatrixFormat::i4_f32};

/// The worst codes: unsigned sums at their largest, activations at +-127.
void saturate(RandomMatrix& m, std::uint8_t byte) {
  const std::size_t bytes = m.tiles * tile_bytes(m.format, m.columns);
  for (std::size_t i = 0; i < bytes; ++i) m.data[i] = static_cast<std::byte>(byte);
  Random random(1);
  m.set_scales(random);
}

}  // namespace

TEST_CASE("a column's result does not depend on the columns beside it") {
  const Kernels& scalar = *find_kernels(Isa::scalar);
  std::vector<const Kernels*> all = fast_kernels();
  all.push_back(&scalar);
  for (const Kernels* kernels : all) {
    for (const MatrixFormat format : kFormats) {
      for (const std::uint32_t digits : {1u, 2u}) {
        const std::uint32_t columns = format == MatrixFormat::q6_k ? 512 : 192;
        const RandomMatrix m(format, 2, columns, 7);
        Random random(8);
        const Batch batch(*kernels, random.floats(17 * columns, 3.0f), columns, digits);
        const std::vector<float> together = multiply(*kernels, m, batch.get(), 17);
        for (std::uint32_t c = 0; c < 17; ++c) {
          const std::vector<float> alone = multiply(*kernels, m, batch.get().from(c), 1);
          CHECK(std::memcmp(alone.data(), together.data() + c * alone.size(), alone.size() * 4) ==
                0);
        }
      }
    }
  }
}

TEST_CASE("every instruction set gives the scalar bits, for 1 to 17 columns") {
  const Kernels& scalar = *find_kernels(Isa::scalar);
  if (fast_kernels().empty()) MESSAGE("skipped: this processor has the scalar kernels only");
  for (const Kernels* kernels : fast_kernels()) {
    for (const MatrixFormat format : kFormats) {
      for (const std::uint32_t columns : {32u, 96u, 256u, 768u}) {
        if (format == MatrixFormat::q6_k && columns % 256 != 0) continue;
        const RandomMatrix m(format, 3, columns, columns + 1);
        Random random(columns);
        for (std::uint32_t count = 1; count <= 17; ++count) {
          for (const std::uint32_t digits : {1u, 2u}) {
            const std::vector<float> values = random.floats(count * columns, 5.0f);
            const Batch slow(scalar, values, columns, digits),
                fast(*kernels, values, columns, digits);
            REQUIRE(slow.equal_bits(fast));
            CHECK(same_bits(multiply(scalar, m, slow.get(), count),
                            multiply(*kernels, m, fast.get(), count)));
          }
        }
      }
    }
  }
}

TEST_CASE("extreme codes do not overflow the 16-bit sums") {
  const Kernels& scalar = *find_kernels(Isa::scalar);
  for (const Kernels* kernels : fast_kernels()) {
    for (const MatrixFormat format : {MatrixFormat::q4_0, MatrixFormat::q8_0, MatrixFormat::q6_k,
                                      MatrixFormat::i4_bf16, MatrixFormat::i4_f32}) {
      for (const int byte : {0x00, 0xff, 0x80, 0x7f, 0x0f, 0xf0}) {
        RandomMatrix m(format, 1, 256, 3);
        saturate(m, static_cast<std::uint8_t>(byte));
        for (const int pattern : {0, 1, 2}) {
          std::vector<float> values(256);
          for (std::size_t i = 0; i < values.size(); ++i)
            values[i] = pattern == 0 ? 1.0f : pattern == 1 ? -1.0f : (i % 2 ? 1.0f : -1.0f);
          for (const std::uint32_t digits : {1u, 2u}) {  // the largest code is the largest digits
            const Batch batch(*kernels, values, 256, digits);
            REQUIRE(std::abs(batch.get().codes[0]) == 127);
            REQUIRE(batch.get().from_digits(digits - 1).codes[0] == batch.get().codes[0]);
            CHECK(same_bits(multiply(scalar, m, batch.get(), 1),
                            multiply(*kernels, m, batch.get(), 1)));
          }
        }
      }
    }
  }
}

namespace {

/// The definition for 4-bit codes, told by the layout: one fma chain over exact block sums.
template <typename Block>
float chain_over_blocks(const RandomMatrix& m, std::uint32_t row, const Activations& digits) {
  const Block* blocks = reinterpret_cast<const Block*>(m.data);
  float chain = 0.0f;
  for (std::uint32_t b = 0; b < m.columns / 32; ++b) {
    int sum = 0;
    for (std::uint32_t k = 0; k < 32; ++k) {
      const std::uint8_t byte = blocks[b / 2].codes[b % 2][k % 16 / 4 * 64 + row * 4 + k % 4];
      sum += ((k / 16 ? byte / 16 : byte % 16) - 8) * digits.codes[b * 32 + k];
    }
    chain =
        std::fma(float(sum), scale_value(blocks[b / 2].scale[b % 2][row]) * digits.scale[b], chain);
  }
  return chain;
}

template <typename Block>
void check_definition(MatrixFormat format) {
  const Kernels& scalar = *find_kernels(Isa::scalar);
  const RandomMatrix m(format, 1, 128, 11);
  Random random(12);
  const std::vector<float> values = random.floats(128);
  const Batch one(scalar, values, 128, 1), two(scalar, values, 128, 2);
  const std::vector<float> y1 = multiply(scalar, m, one.get(), 1),
                           y2 = multiply(scalar, m, two.get(), 1);
  for (std::uint32_t row = 0; row < 16; ++row) {
    CHECK(y1[row] == chain_over_blocks<Block>(m, row, one.get()));
    CHECK(y2[row] == chain_over_blocks<Block>(m, row, two.get()) +
                         chain_over_blocks<Block>(m, row, two.get().from_digits(1)));
  }
}

}  // namespace

TEST_CASE("the definition: exact block sums, one fma chain for each digit") {
  check_definition<Q4Block>(MatrixFormat::q4_0);
  check_definition<I4Bf16Block>(MatrixFormat::i4_bf16);
  check_definition<I4F32Block>(MatrixFormat::i4_f32);
}

namespace {

/// Number i of a matrix of floats.
float float_at(const RandomMatrix& m, std::size_t i) {
  if (m.format == MatrixFormat::f32) return reinterpret_cast<const float*>(m.data)[i];
  const std::uint16_t bits = reinterpret_cast<const std::uint16_t*>(m.data)[i];
  return m.format == MatrixFormat::f16 ? half_to_float(bits) : bf16_to_float(bits);
}

/// The definition for floats: 16 lanes, each one chain, folded by halves.
float sixteen_lanes(const RandomMatrix& m, std::size_t row, const float* x) {
  float lane[16] = {};
  for (std::size_t i = 0; i < m.columns; ++i)
    lane[i % 16] = std::fma(float_at(m, row * m.columns + i), x[i], lane[i % 16]);
  for (int width = 8; width >= 1; width /= 2) {
    for (int i = 0; i < width; ++i) lane[i] += lane[i + width];
  }
  return lane[0];
}

}  // namespace

TEST_CASE("the definition: floats go to 16 lanes, however many columns there are") {
  const Kernels& scalar = *find_kernels(Isa::scalar);
  constexpr std::uint32_t kCount = 9;
  for (const MatrixFormat format : {MatrixFormat::f32, MatrixFormat::f16, MatrixFormat::bf16}) {
    for (const std::uint32_t columns : {32u, 192u, 416u}) {
      const RandomMatrix m(format, 2, columns, 13);
      Random random(14);
      const std::vector<float> values = random.floats(std::size_t{kCount} * columns);
      const Batch batch(scalar, values, columns);
      const std::vector<float> y = multiply(scalar, m, batch.get(), kCount);
      for (std::size_t i = 0; i < y.size(); ++i)
        CHECK(y[i] == sixteen_lanes(m, i % 32, values.data() + i / 32 * columns));
    }
  }
}

TEST_CASE("two digits hold every number they can, and it in one way") {
  for (std::int32_t code = -32512; code <= 32512; ++code) {
    const std::int32_t first = first_digit(code), second = code - 255 * first;
    REQUIRE(std::abs(first) <= 127);
    REQUIRE(std::abs(second) <= 127);
  }
  CHECK(largest_code(2) == 32512.0f);
}

TEST_CASE("activation blocks: rounding, zero, tiny and damaged blocks") {
  std::vector<const Kernels*> all = fast_kernels();
  all.push_back(find_kernels(Isa::scalar));
  for (const Kernels* kernels : all) {
    std::vector<float> values(32 * 6, 0.0f);
    for (int i = 0; i < 32; ++i) values[i] = float(i) - 15.5f;        // ordinary
    for (int i = 0; i < 32; ++i) values[64 + i] = 1e-42f * float(i);  // denormal scale
    values[96] = std::numeric_limits<float>::infinity();
    values[128] = std::numeric_limits<float>::quiet_NaN();
    values[160] = 127.0f, values[161] = 0.5f, values[162] = 1.5f,
    values[163] = -2.5f;  // ties to even at d = 1
    const Batch batch(*kernels, values, 192);
    const Activations& a = batch.get();
    CHECK(a.scale[0] == 16.5f * 0.0f + std::fabs(values[0]) / 127.0f * 1.0f);
    CHECK(a.codes[0] == -127);
    CHECK(a.scale[1] == 0.0f);
    CHECK(a.scale[2] == 0.0f);
    CHECK(std::isnan(a.scale[3]));
    CHECK(std::isnan(a.scale[4]));
    CHECK(a.codes[96] == 0);
    CHECK(a.codes[160] == 127);
    CHECK(a.codes[161] == 0);
    CHECK(a.codes[162] == 2);
    CHECK(a.codes[163] == -2);
    int sum = 0;
    for (int k = 0; k < 32; ++k) sum += a.codes[k];
    CHECK(a.offset8[0] + a.offset8[1] == -8 * sum);
    CHECK(a.offset32[0] + a.offset32[1] + a.offset32[2] + a.offset32[3] == -32 * sum);
  }
}

TEST_CASE("blocks of two digits: rounding, zero, tiny and damaged blocks") {
  std::vector<const Kernels*> all = fast_kernels();
  all.push_back(find_kernels(Isa::scalar));
  for (const Kernels* kernels : all) {
    std::vector<float> values(2 * 128, 0.0f);  // two rows
    values[0] = 32512.0f, values[1] = 127.5f, values[2] = -128.5f, values[3] = -32384.6f;
    values[32] = 1e-35f;  // would be an ordinary scale in 8 bits
    values[64] = -std::numeric_limits<float>::infinity();
    Random random(5);
    for (std::size_t i = 0; i < 32; ++i) values[128 + i] = random.unit();
    const Batch batch(*kernels, values, 128, 2);
    const Activations first = batch.get(), second = first.from_digits(1);
    const auto code = [&](int i) { return 255 * first.codes[i] + second.codes[i]; };
    CHECK(first.scale[0] == 255.0f);
    CHECK(second.scale[0] == 1.0f);
    CHECK(code(0) == 32512);
    CHECK(code(1) == 128);
    CHECK(code(2) == -128);
    CHECK(code(3) == -32385);
    CHECK(first.scale[1] == 0.0f);
    CHECK(std::isnan(first.scale[2]));
    CHECK(std::isnan(second.scale[2]));
    CHECK(first.scale[3] == 0.0f);
    const Activations row = first.from(1), rest = row.from_digits(1);
    CHECK(row.scale[0] == 255.0f * rest.scale[0]);
    for (int i = 0; i < 32; ++i) {
      const double near = 255.0 * row.codes[i] + rest.codes[i];
      CHECK(std::fabs(near * rest.scale[0] - row.values[i]) <= 0.5001 * rest.scale[0]);
    }
  }
}

TEST_CASE("a row's integers can be filled in part by part") {
  std::vector<const Kernels*> all = fast_kernels();
  all.push_back(find_kernels(Isa::scalar));
  for (const Kernels* kernels : all) {
    for (const std::uint32_t digits : {1u, 2u}) {
      Random random(6);
      const std::vector<float> values = random.floats(3 * 160);
      const Batch whole(*kernels, values, 160, digits);
      const Batch parts(*kernels, std::vector<float>(values.size()), 160, digits);
      for (std::uint32_t row = 0; row < 3; ++row) {
        for (const auto& [column, width] : {std::pair(64u, 96u), std::pair(0u, 64u)})
          kernels->quantize(values.data() + row * 160 + column, width, parts.get(), row, column);
      }
      CHECK(whole.equal_bits(parts));
    }
  }
}

}  // namespace gemma4::test
