// What one position of one KV head keeps: its key and its value, and how they share numbers.
//
// Where V is the raw K projection, key and value are one vector before the key's norm weights and
// its rotation: k = rotate(v * key_norm). A full layer turns the first quarter of its pairs only.
// So the other numbers of the key need not be stored: their share of a score is
// sum(q_i * (v_i * key_norm_i)) = sum((q_i * key_norm_i) * v_i), with the norm's weights in the
// query. One row then holds
//
//   [own numbers of the key | value: those that no own number stands for | the rest of the value]
//
// Its first head_size numbers are the key that such a query wants, its last ones the value, and
// both are in one piece: 640 numbers instead of 1,024 for heads of 512 of which 128 turn. Where
// nothing can be shared key and value are rows of their own, in the order of the head.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "kernels/kv_rows.hpp"
#include "weights/model_config.hpp"

namespace gemma4 {

class KvRow {
 public:
  KvRow(KvType type, const LayerConfig& layer)
      : type_(type), head_size_(layer.head_size), own_(own_keys(layer)) {}

  KvType type() const { return type_; }

  /// Key and value are one row; otherwise two.
  bool shared() const { return own_ < head_size_; }
  std::uint32_t rows() const { return shared() ? 1 : 2; }

  /// Numbers in a row.
  std::uint32_t width() const { return shared() ? own_ + head_size_ : head_size_; }

  /// Where the value begins in its row; the key begins at 0.
  std::uint32_t value_column() const { return shared() ? own_ : 0; }

  /// Bytes of kChunk positions of one of the rows.
  std::uint64_t bytes() const { return chunk_bytes(type_, width()); }

  /// Numbers `from` ... `from + size - 1` of a head.
  struct Piece {
    std::uint32_t from, size;
  };

  /// The value's numbers in the order they are stored in.
  std::array<Piece, 4> value_order() const {
    if (!shared()) return {{{0, head_size_}, {0, 0}, {0, 0}, {0, 0}}};
    const std::uint32_t half = head_size_ / 2, own = own_ / 2;
    return {{{own, half - own}, {half + own, half - own}, {0, own}, {half, own}}};
  }

  /// Builds a shared row [width()] from a whole key and a whole value [head size].
  void join(const float* key, const float* value, float* row) const {
    row = std::copy_n(key, own_ / 2, row);
    row = std::copy_n(key + head_size_ / 2, own_ / 2, row);
    for (const Piece& piece : value_order()) row = std::copy_n(value + piece.from, piece.size, row);
  }

  /// Brings a rotated query [head size] into the form that shared rows want: `out` is another
  /// place.
  void arrange_query(const float* query, std::span<const float> key_norm, float* out) const {
    out = std::copy_n(query, own_ / 2, out);
    out = std::copy_n(query + head_size_ / 2, own_ / 2, out);
    const std::array<Piece, 4> order = value_order();
    for (const Piece& piece : std::span(order).first(2)) {
      for (std::uint32_t i = piece.from; i < piece.from + piece.size; ++i)
        *out++ = query[i] * key_norm[i];
    }
  }

 private:
  /// Whole blocks of 32, so that key and value are in q8_0 too.
  static std::uint32_t own_keys(const LayerConfig& layer) {
    if (!layer.value_from_key) return layer.head_size;
    const std::uint32_t turning = 2 * std::min(layer.turning_pairs, layer.head_size / 2);
    return std::min((turning + 31) / 32 * 32, layer.head_size);
  }

  KvType type_;
  std::uint32_t head_size_, own_;
};

}  // namespace gemma4
