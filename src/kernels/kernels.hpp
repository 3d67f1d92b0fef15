// The arithmetic, as a table of functions: one table per instruction set, all giving the same bits
// (docs/numerics.md).
#pragma once

#include <cstddef>
#include <cstdint>

#include "gemma4/memory.hpp"
#include "gemma4/model.hpp"
#include "kernels/activations.hpp"
#include "kernels/kv_rows.hpp"
#include "kernels/tiles.hpp"

namespace gemma4 {

constexpr std::uint32_t kSegment =
    1024;  ///< KV positions whose chunks are merged before segments are merged

/// The running state of attention for `rows` query vectors: maximum, sum of exponentials, weighted
/// sum of V.
struct AttentionState {
  float* maximum = nullptr;  ///< [rows]
  float* sum = nullptr;      ///< [rows]
  float* value = nullptr;    ///< [rows][head_size]
};

/// One chunk of keys and values against a set of query vectors of one KV head.
struct AttentionChunk {
  Activations query;  ///< [rows][head size]: a multiple of 16; q8_0: of 32, as integers
  std::uint32_t rows = 0;
  const std::byte* keys = nullptr;    ///< a chunk of rows that begin with a key
  const std::byte* values = nullptr;  ///< a chunk of rows that hold a value; may be the same rows
  std::uint32_t width = 0;            ///< numbers in a row of either
  std::uint32_t value_column = 0;     ///< where values begin in their rows: as head size
  KvType type = KvType::f16;
  const std::uint8_t* first =
      nullptr;  ///< [rows]: visible rows of the chunk are first ... last-1; equal: none
  const std::uint8_t* last = nullptr;  ///< [rows]
  float* scores = nullptr;             ///< scratch [rows][kChunk]
  float* widened = nullptr;            ///< scratch [attention_scratch(head_size, rows)]
  const void* next_keys = nullptr;     ///< the chunk that comes next, asked for early; may be null
};

/// Floats that attention needs to widen rows into: eight keys, or 64 columns of V; or one block of
/// V in 16 bits, and for each query vector two weights of a position in 16 bits, and a scale.
constexpr std::uint64_t attention_scratch(std::uint32_t head_size, std::uint32_t rows) {
  const std::uint64_t keys = std::uint64_t{8} * head_size, values = std::uint64_t{64} * kChunk,
                      codes = kBlock * kChunk / 2 + std::uint64_t{rows} * (kChunk + 1);
  const std::uint64_t most = keys > values ? keys : values;
  return most > codes ? most : codes;
}

/// What a sketch is asked: which of its rows have large products with these numbers?
struct SketchQuery {
  std::uint32_t blocks = 0;              ///< of 256 columns
  const std::int8_t* codes = nullptr;    ///< [blocks][256], zero behind the last column
  const std::int32_t* offset = nullptr;  ///< [blocks]: -3 * sum(codes)
};

struct Kernels {
  Isa isa;

  /// y[c * y_stride + 16 t + r] = row 16 t + r of the matrix times column c, for `tiles` tiles from
  /// `matrix` on and `count` columns (rows of activations). Writes whole tiles.
  void (*matmul)(MatrixFormat format, const std::byte* matrix, std::uint32_t tiles,
                 const Activations& a, std::uint32_t count, float* y, std::uint64_t y_stride);

  /// best[t] = the largest score of the 16 rows of tile t of a sketch. A row's score is, block by
  /// block, fma(float(sum((2 c - 3) * q)), scale, score), c being the row's codes and q the
  /// query's.
  void (*match)(const std::byte* sketch, std::uint32_t tiles, const SketchQuery& query,
                float* best);

  /// Fills in the integer form of columns `column` ... `column` + `width` - 1 (multiples of 32) of
  /// a row from `values` [width].
  void (*quantize)(const float* values, std::uint32_t width, const Activations& a,
                   std::uint32_t row, std::uint64_t column);

  /// out = x / sqrt(mean(x^2) + epsilon) * weight; weight may be null. out may be x.
  void (*rms_norm)(const float* x, const float* weight, std::uint32_t size, float epsilon,
                   float* out);

  /// x = (x + rms_norm(y, weight)) * factor
  void (*add_rms_norm)(float* x, const float* y, const float* weight, std::uint32_t size,
                       float epsilon, float factor);

  /// Rotates the pairs (i, i + size/2), i < pairs, by the given cosines and sines, in place.
  void (*rotate)(float* x, std::uint32_t size, std::uint32_t pairs, const float* cosine,
                 const float* sine);

  /// out = gelu(gate) * up (tanh form). out may be gate.
  void (*gelu_multiply)(const float* gate, const float* up, std::uint32_t size, float* out);

  /// x = cap * tanh(x / cap), in place.
  void (*soft_cap)(float* x, std::uint32_t size, float cap);

  /// Stores `width` numbers as row `index` of a chunk (rule 8).
  void (*store_row)(const float* x, std::uint32_t width, KvType type, std::byte* chunk,
                    std::uint32_t index);

  /// Takes one chunk into the state.
  void (*attend)(const AttentionChunk& chunk, const AttentionState& state);

  /// Takes the state of a later segment into `state`.
  void (*merge)(const AttentionState& state, const AttentionState& later, std::uint32_t rows,
                std::uint32_t head_size);

  /// out = value / sum.
  void (*finish)(const AttentionState& state, std::uint32_t rows, std::uint32_t head_size,
                 float* out);

  // For tests: the elementary functions on arrays.
  void (*exponential)(const float* x, std::uint32_t size, float* out);
  void (*hyperbolic_tangent)(const float* x, std::uint32_t size, float* out);
};

/// The table for an instruction set, or nullptr when this build or this processor lacks it.
/// automatic = the best there is.
const Kernels* find_kernels(Isa isa) noexcept;

/// An empty state.
void reset(const AttentionState& state, std::uint32_t rows, std::uint32_t head_size) noexcept;

}  // namespace gemma4
