#include "model/blocks.hpp"

#include <algorithm>

namespace gemma4 {

void Blocks::set_position(std::uint32_t row, std::uint32_t position) {
  for (int kind = 0; kind < 2; ++kind) {
    const RotaryTable& table = kind == 0 ? network_.rotary_full : network_.rotary_sliding;
    const std::uint64_t at = std::uint64_t{row} * table.pairs();
    table.angles(position, work_.cosine[kind].data() + at, work_.sine[kind].data() + at);
  }
}

void Blocks::norm_rows(std::uint32_t from, std::uint32_t rows, std::span<const float> weight,
                       bool codes) {
  const std::uint32_t hidden = network_.config.hidden;
  pool_.run(rows, cancel_, [&](std::uint32_t row, std::uint32_t) {
    const Activations out = work_.normed.from(row);
    network_.kernels.rms_norm(work_.residual.data() + std::uint64_t{from + row} * hidden,
                              weight.data(), hidden, network_.config.norm_epsilon, out.values);
    if (codes) network_.kernels.quantize(out.values, 1, out);
  });
}

/// residual = (residual + rms_norm(projected)) * factor.
void Blocks::add_rows(std::uint32_t rows, std::span<const float> weight, float factor) {
  const std::uint32_t hidden = network_.config.hidden;
  pool_.run(rows, cancel_, [&](std::uint32_t row, std::uint32_t) {
    const std::uint64_t at = std::uint64_t{row} * hidden;
    network_.kernels.add_rms_norm(work_.residual.data() + at, work_.projected.data() + at,
                                  weight.data(), hidden, network_.config.norm_epsilon, factor);
  });
}

/// A batch of wide rows as activations, in 8 bits where the matrix wants them.
Activations Blocks::widen(std::span<float> values, std::uint32_t columns, std::uint32_t rows,
                          bool codes) {
  Activations a = work_.wide;
  a.columns = columns;
  a.values = values.data();
  if (codes) {
    pool_.run(rows, cancel_, [&](std::uint32_t row, std::uint32_t) {
      const Activations one = a.from(row);
      network_.kernels.quantize(one.values, 1, one);
    });
  }
  return a;
}

/// Products of a batch. `spare` is an array that is free meanwhile and not smaller than a.
void Blocks::project(std::initializer_list<Product> products, const Activations& a,
                     std::uint32_t rows, float* spare) {
  if (const OnednnPrefill* onednn = network_.onednn_for(rows))
    onednn->multiply(pool_, cancel_, products, a, rows, spare);
  else
    multiply(network_.kernels, pool_, cancel_, products, a, rows);
}

void Blocks::project_heads(std::size_t layer, std::uint32_t rows) {
  const LayerWeights& w = network_.weights.layers[layer];
  const bool kernels = network_.onednn_for(rows) == nullptr;
  const auto wants_codes = [](const Matrix& matrix) {
    return matrix.rows != 0 && takes_int8(matrix.format);
  };
  const bool codes = wants_codes(w.query) || wants_codes(w.key) || wants_codes(w.value);
  norm_rows(0, rows, w.attention_norm, codes && kernels);
  project({{w.query, work_.query.data()}, {w.key, work_.key.data()}, {w.value, work_.value.data()}},
          work_.normed, rows, work_.projected.data());
}

void Blocks::turn_queries(std::size_t layer, std::uint32_t row, std::uint32_t rows) {
  const LayerConfig& shape = network_.config.layers[layer];
  const std::uint32_t size = shape.head_size, heads = network_.config.query_heads,
                      group = heads / shape.kv_heads, pairs = network_.rotary(shape).pairs();
  const float* weight = network_.weights.layers[layer].query_norm.data();
  const float* cosine = work_.cosine[shape.sliding].data() + std::uint64_t{row} * pairs;
  const float* sine = work_.sine[shape.sliding].data() + std::uint64_t{row} * pairs;
  for (std::uint32_t head = 0; head < heads; ++head) {
    const float* in = work_.query.data() + (std::uint64_t{row} * heads + head) * size;
    float* out = work_.rotated.data() +
                 ((std::uint64_t{head / group} * rows + row) * group + head % group) * size;
    network_.kernels.rms_norm(in, weight, size, network_.config.norm_epsilon, out);
    network_.kernels.rotate(out, size, pairs, cosine, sine);
  }
}

void Blocks::finish_attention(std::size_t layer, std::uint32_t rows) {
  const LayerWeights& w = network_.weights.layers[layer];
  const bool kernels = network_.onednn_for(rows) == nullptr;
  const Activations attended =
      widen(work_.attended, network_.config.query_size(network_.config.layers[layer]), rows,
            takes_int8(w.output.format) && kernels);
  project({{w.output, work_.projected.data()}}, attended, rows, work_.query.data());
  add_rows(rows, w.post_attention_norm, 1.0f);
}

/// gated = gelu(gate) * up tile by tile: the up matrix's rows go to scratch and are used at once.
void Blocks::feed_forward(std::size_t layer, std::uint32_t rows) {
  const LayerConfig& shape = network_.config.layers[layer];
  const LayerWeights& w = network_.weights.layers[layer];
  const Kernels& kernels = network_.kernels;
  if (const OnednnPrefill* onednn = network_.onednn_for(rows)) {
    norm_rows(0, rows, w.feed_forward_norm, false);
    float* projected = work_.projected.data();
    onednn->feed_forward(kernels, pool_, cancel_, w, work_.normed, rows, projected,
                         work_.gated.data(), projected);
    return add_rows(rows, w.post_feed_forward_norm, w.scale);
  }
  norm_rows(0, rows, w.feed_forward_norm, takes_int8(w.gate.format) || takes_int8(w.up.format));
  const std::uint32_t step = std::min({tiles_per_task(w.gate), tiles_per_task(w.up), kPairTiles});
  pool_.run(static_cast<std::uint32_t>(divide_up(w.gate.tiles(), step)), cancel_,
            [&](std::uint32_t task, std::uint32_t worker) {
              const std::uint32_t tile = task * step, tiles = std::min(step, w.gate.tiles() - tile),
                                  width = tiles * kTileRows;
              float* gate = work_.gated.data() + std::uint64_t{tile} * kTileRows;
              float* up = work_.workers[worker].up.data();
              kernels.matmul(w.gate.format,
                             w.gate.data + tile * tile_bytes(w.gate.format, w.gate.columns), tiles,
                             work_.normed, rows, gate, shape.feed_forward);
              kernels.matmul(w.up.format, w.up.data + tile * tile_bytes(w.up.format, w.up.columns),
                             tiles, work_.normed, rows, up, width);
              for (std::uint32_t row = 0; row < rows; ++row) {
                float* out = gate + std::uint64_t{row} * shape.feed_forward;
                kernels.gelu_multiply(out, up + std::uint64_t{row} * width, width, out);
              }
            });
  const Activations gated = widen(work_.gated, shape.feed_forward, rows, takes_int8(w.down.format));
  multiply(kernels, pool_, cancel_, {{w.down, work_.projected.data()}}, gated, rows);
  add_rows(rows, w.post_feed_forward_norm, w.scale);
}

}  // namespace gemma4
