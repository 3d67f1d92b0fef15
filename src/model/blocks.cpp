#include "model/blocks.hpp"

#include <algorithm>

namespace gemma4 {

void Blocks::begin(std::uint32_t rows) {
  norm_rows(0, rows, network_.weights.layers[0].attention_norm, codes_for_attention(0, rows));
}

void Blocks::set_position(std::uint32_t row, std::uint32_t position) {
  for (int kind = 0; kind < 2; ++kind) {
    const RotaryTable& table = kind == 0 ? network_.rotary_full : network_.rotary_sliding;
    const std::uint64_t at = std::uint64_t{row} * table.pairs();
    table.angles(position, work_.cosine[kind].data() + at, work_.sine[kind].data() + at);
  }
}

/// One row of normed = rms_norm(residual row from + row), for the matrices that follow.
void Blocks::norm_row(std::uint32_t from, std::uint32_t row, std::span<const float> weight,
                      bool codes) {
  const std::uint32_t hidden = network_.config.hidden;
  const Activations out = work_.normed.from(row);
  network_.kernels.rms_norm(work_.residual.data() + std::uint64_t{from + row} * hidden,
                            weight.data(), hidden, network_.config.norm_epsilon, out.values);
  if (codes) network_.kernels.quantize(out.values, hidden, work_.normed, row, 0);
}

void Blocks::norm_rows(std::uint32_t from, std::uint32_t rows, std::span<const float> weight,
                       bool codes) {
  pool_.run(rows, elementwise(std::uint64_t{rows} * network_.config.hidden), cancel_,
            [&](std::uint32_t row, std::uint32_t) { norm_row(from, row, weight, codes); });
}

/// residual = (residual + rms_norm(projected)) * factor; then, unless there is none, the norm that
/// the next block begins with.
void Blocks::add_rows(std::uint32_t rows, std::span<const float> weight, float factor,
                      std::span<const float> next_norm, bool codes) {
  const std::uint32_t hidden = network_.config.hidden;
  const std::uint64_t work = elementwise(std::uint64_t{rows} * hidden);
  pool_.run(rows, work, cancel_, [&](std::uint32_t row, std::uint32_t) {
    const std::uint64_t at = std::uint64_t{row} * hidden;
    network_.kernels.add_rms_norm(work_.residual.data() + at, work_.projected.data() + at,
                                  weight.data(), hidden, network_.config.norm_epsilon, factor);
    if (!next_norm.empty()) norm_row(0, row, next_norm, codes);
  });
}

/// Whether a block's first matrices want activations as integers.
bool Blocks::codes_for_attention(std::size_t layer, std::uint32_t rows) const {
  const LayerWeights& w = network_.weights.layers[layer];
  return network_.onednn_for(rows) == nullptr &&
         (takes_int8(w.query.format) || (w.key.rows != 0 && takes_int8(w.key.format)) ||
          (w.value.rows != 0 && takes_int8(w.value.format)));
}
bool Blocks::codes_for_feed_forward(std::size_t layer, std::uint32_t rows) const {
  const LayerWeights& w = network_.weights.layers[layer];
  return network_.onednn_for(rows) == nullptr &&
         (takes_int8(w.gate.format) || takes_int8(w.up.format));
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
  project({{w.query, work_.query.data()}, {w.key, work_.key.data()}, {w.value, work_.value.data()}},
          work_.normed, rows, work_.projected.data());
}

void Blocks::query_heads(std::size_t layer, std::uint32_t row, std::uint32_t rows,
                         std::uint32_t begin, std::uint32_t end, const QueryForm& form) {
  const LayerConfig& shape = network_.config.layers[layer];
  const Kernels& kernels = network_.kernels;
  const std::uint32_t size = shape.head_size, group = network_.config.query_heads / shape.kv_heads,
                      pairs = network_.rotary(shape).pairs();
  const std::uint64_t angles = std::uint64_t{row} * pairs;
  for (std::uint32_t head = begin; head < end; ++head) {
    float* in =
        work_.query.data() + (std::uint64_t{row} * network_.config.query_heads + head) * size;
    const Activations out =
        work_.queries(size).from((head / group * rows + row) * group + head % group);
    float* turned = form.row.shared() ? in : out.values;
    kernels.rms_norm(in, network_.weights.layers[layer].query_norm.data(), size,
                     network_.config.norm_epsilon, turned);
    kernels.rotate(turned, size, pairs, work_.cosine[shape.sliding].data() + angles,
                   work_.sine[shape.sliding].data() + angles);
    if (form.row.shared()) form.row.arrange_query(turned, form.key_norm, out.values);
    if (form.row.type() == KvType::q8_0) kernels.quantize(out.values, size, out, 0, 0);
  }
}

void Blocks::finish_attention(std::size_t layer, std::uint32_t rows) {
  const LayerWeights& w = network_.weights.layers[layer];
  const Activations attended =
      work_.wide_with(work_.attended, network_.config.query_size(network_.config.layers[layer]));
  if (takes_int8(w.output.format) && network_.onednn_for(rows) == nullptr) {
    const std::uint64_t work = elementwise(std::uint64_t{rows} * attended.columns);
    pool_.run(rows, work, cancel_, [&](std::uint32_t row, std::uint32_t) {
      network_.kernels.quantize(attended.from(row).values, attended.columns, attended, row, 0);
    });
  }
  project({{w.output, work_.projected.data()}}, attended, rows, work_.query.data());
  add_rows(rows, w.post_attention_norm, 1.0f, w.feed_forward_norm,
           codes_for_feed_forward(layer, rows));
}

/// gated = gelu(gate) * up, as integers too where the next matrix wants them, tile by tile: the up
/// matrix's rows go to scratch and are used at once.
void Blocks::gate_and_up(const LayerWeights& w, std::uint32_t rows, const Activations& gated) {
  const Kernels& kernels = network_.kernels;
  const bool codes = takes_int8(w.down.format);
  // an even number of tiles: blocks of 32 columns end with the task
  const std::uint64_t work = std::uint64_t{2} * rows * w.gate.rows * w.gate.columns;
  const std::uint32_t step =
      std::clamp(tiles_per_task(w.gate, pool_.sharers(work), rows), 2u, kPairTiles);
  pool_.run(static_cast<std::uint32_t>(divide_up(w.gate.tiles(), step)), work, cancel_,
            [&](std::uint32_t task, std::uint32_t worker) {
              const std::uint32_t tile = task * step, tiles = std::min(step, w.gate.tiles() - tile),
                                  width = tiles * kTileRows;
              const std::uint64_t column = std::uint64_t{tile} * kTileRows;
              float* gate = gated.values + column;
              float* up = work_.workers[worker].up.data();
              kernels.matmul(w.gate.format,
                             w.gate.data + tile * tile_bytes(w.gate.format, w.gate.columns), tiles,
                             work_.normed, rows, gate, gated.columns);
              kernels.matmul(w.up.format, w.up.data + tile * tile_bytes(w.up.format, w.up.columns),
                             tiles, work_.normed, rows, up, width);
              for (std::uint32_t row = 0; row < rows; ++row) {
                float* out = gate + std::uint64_t{row} * gated.columns;
                kernels.gelu_multiply(out, up + std::uint64_t{row} * width, width, out);
                if (codes) kernels.quantize(out, width, gated, row, column);
              }
            });
}

void Blocks::feed_forward(std::size_t layer, std::uint32_t rows) {
  const LayerWeights& w = network_.weights.layers[layer];
  float* projected = work_.projected.data();
  if (const OnednnPrefill* onednn = network_.onednn_for(rows)) {
    onednn->feed_forward(network_.kernels, pool_, cancel_, w, work_.normed, rows, projected,
                         work_.gated.data(), projected);
  } else {
    const Activations gated =
        work_.wide_with(work_.gated, network_.config.layers[layer].feed_forward);
    gate_and_up(w, rows, gated);
    multiply(network_.kernels, pool_, cancel_, {{w.down, projected}}, gated, rows);
  }
  const bool last = layer + 1 == network_.config.layers.size();
  add_rows(rows, w.post_feed_forward_norm, w.scale,
           last ? std::span<const float>() : network_.weights.layers[layer + 1].attention_norm,
           !last && codes_for_attention(layer + 1, rows));
}

}  // namespace gemma4
