#include "model/forward.hpp"

#include "model/attention.hpp"

namespace gemma4 {

bool Forward::run(std::span<const Token> tokens, std::uint32_t first, KvCache& cache,
                  const std::atomic<bool>* cancel) {
  const std::uint32_t rows = static_cast<std::uint32_t>(tokens.size());
  cancel_ = cancel;
  cache.grow(first + rows);
  cache.written(first + rows);
  embed(tokens, first);
  for (std::size_t layer = 0; layer < network_.config.layers.size(); ++layer) {
    attention_block(layer, first, rows, cache);
    feed_forward_block(layer, rows);
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) return false;
  }
  return true;
}

/// Embedding rows into the residual stream, and the angles of their positions.
void Forward::embed(std::span<const Token> tokens, std::uint32_t first) {
  const std::uint32_t hidden = network_.config.hidden;
  pool_.run(
      static_cast<std::uint32_t>(tokens.size()), cancel_, [&](std::uint32_t row, std::uint32_t) {
        const std::span<float> x = work_.residual.subspan(std::uint64_t{row} * hidden, hidden);
        read_row(network_.weights.embedding, static_cast<std::uint32_t>(tokens[row]), x);
        for (float& value : x) value *= network_.config.embedding_scale;
        for (int kind = 0; kind < 2; ++kind) {
          const RotaryTable& table = kind == 0 ? network_.rotary_full : network_.rotary_sliding;
          const std::uint64_t at = std::uint64_t{row} * table.pairs();
          table.angles(first + row, work_.cosine[kind].data() + at, work_.sine[kind].data() + at);
        }
      });
}

/// normed = rms_norm(residual), for the matrices that follow.
void Forward::norm_rows(std::uint32_t from, std::uint32_t rows, std::span<const float> weight,
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
void Forward::add_rows(std::uint32_t rows, std::span<const float> weight, float factor) {
  const std::uint32_t hidden = network_.config.hidden;
  pool_.run(rows, cancel_, [&](std::uint32_t row, std::uint32_t) {
    const std::uint64_t at = std::uint64_t{row} * hidden;
    network_.kernels.add_rms_norm(work_.residual.data() + at, work_.projected.data() + at,
                                  weight.data(), hidden, network_.config.norm_epsilon, factor);
  });
}

/// A batch of wide rows as activations, in 8 bits where the matrix wants them.
Activations Forward::widen(std::span<float> values, std::uint32_t columns, std::uint32_t rows,
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
void Forward::project(std::initializer_list<Product> products, const Activations& a,
                      std::uint32_t rows, float* spare) {
  if (const OnednnPrefill* onednn = network_.onednn_for(rows))
    onednn->multiply(pool_, cancel_, products, a, rows, spare);
  else
    multiply(network_.kernels, pool_, cancel_, products, a, rows);
}

/// Norms and rotates the heads of one row: queries to where attention wants them, keys and values
/// into the cache.
void Forward::heads(std::size_t layer, std::uint32_t row, std::uint32_t first, std::uint32_t rows,
                    KvCache& cache, WorkerScratch& scratch) {
  const LayerConfig& shape = network_.config.layers[layer];
  const LayerWeights& weights = network_.weights.layers[layer];
  const Kernels& kernels = network_.kernels;
  const std::uint32_t size = shape.head_size, group = network_.config.query_heads / shape.kv_heads;
  const float epsilon = network_.config.norm_epsilon;
  const std::uint32_t pairs = network_.rotary(shape).pairs();
  const float* cosine = work_.cosine[shape.sliding].data() + std::uint64_t{row} * pairs;
  const float* sine = work_.sine[shape.sliding].data() + std::uint64_t{row} * pairs;
  for (std::uint32_t head = 0; head < network_.config.query_heads; ++head) {
    const float* in =
        work_.query.data() + (std::uint64_t{row} * network_.config.query_heads + head) * size;
    float* out = work_.rotated.data() +
                 ((std::uint64_t{head / group} * rows + row) * group + head % group) * size;
    kernels.rms_norm(in, weights.query_norm.data(), size, epsilon, out);
    kernels.rotate(out, size, pairs, cosine, sine);
  }
  float* scratch_row = scratch.widened.data();
  for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
    const std::uint64_t at = (std::uint64_t{row} * shape.kv_heads + head) * size;
    const float* key = work_.key.data() + at;
    const float* value = shape.value_from_key ? key : work_.value.data() + at;
    kernels.rms_norm(value, nullptr, size, epsilon, scratch_row);
    kernels.store_row(scratch_row, size, cache.type(), cache.value_row(layer, head, first + row));
    kernels.rms_norm(key, weights.key_norm.data(), size, epsilon, scratch_row);
    kernels.rotate(scratch_row, size, pairs, cosine, sine);
    kernels.store_row(scratch_row, size, cache.type(), cache.key_row(layer, head, first + row));
  }
}

void Forward::attention_block(std::size_t layer, std::uint32_t first, std::uint32_t rows,
                              KvCache& cache) {
  const LayerConfig& shape = network_.config.layers[layer];
  const LayerWeights& w = network_.weights.layers[layer];
  const bool kernels = network_.onednn_for(rows) == nullptr;
  const bool codes = takes_int8(w.query.format) || takes_int8(w.key.format) ||
                     (w.value.rows != 0 && takes_int8(w.value.format));
  norm_rows(0, rows, w.attention_norm, codes && kernels);
  project({{w.query, work_.query.data()}, {w.key, work_.key.data()}, {w.value, work_.value.data()}},
          work_.normed, rows, work_.projected.data());
  pool_.run(rows, cancel_, [&](std::uint32_t row, std::uint32_t worker) {
    heads(layer, row, first, rows, cache, work_.workers[worker]);
  });
  attend_layer(network_, layer, cache, first, rows, work_, pool_, cancel_);
  const Activations attended = widen(work_.attended, network_.config.query_size(shape), rows,
                                     takes_int8(w.output.format) && kernels);
  project({{w.output, work_.projected.data()}}, attended, rows, work_.query.data());
  add_rows(rows, w.post_attention_norm, 1.0f);
}

/// gated = gelu(gate) * up tile by tile: the up matrix's rows go to scratch and are used at once.
void Forward::feed_forward_block(std::size_t layer, std::uint32_t rows) {
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

bool Forward::logits(std::uint32_t row, std::uint32_t count, const std::atomic<bool>* cancel) {
  cancel_ = cancel;
  const Matrix& head = network_.head();
  norm_rows(row, count, network_.weights.output_norm, takes_int8(head.format));
  const std::uint32_t step = tiles_per_task(head);
  const std::uint64_t stride = std::uint64_t{head.tiles()} * kTileRows;
  pool_.run(static_cast<std::uint32_t>(divide_up(head.tiles(), step)), cancel_,
            [&](std::uint32_t task, std::uint32_t) {
              const std::uint32_t tile = task * step, tiles = std::min(step, head.tiles() - tile);
              float* out = work_.logits.data() + std::uint64_t{tile} * kTileRows;
              network_.kernels.matmul(head.format,
                                      head.data + tile * tile_bytes(head.format, head.columns),
                                      tiles, work_.normed, count, out, stride);
              for (std::uint32_t c = 0; c < count; ++c)
                network_.kernels.soft_cap(out + c * stride, tiles * kTileRows,
                                          network_.config.softcap);
            });
  return cancel == nullptr || !cancel->load(std::memory_order_relaxed);
}

std::span<const float> Forward::logits_row(std::uint32_t i) const {
  return work_.logits.subspan(std::uint64_t{i} * network_.head().tiles() * kTileRows,
                              network_.config.vocabulary);
}

std::span<const float> Forward::hidden_row(std::uint32_t i) const {
  return {work_.normed.from(i).values, network_.config.hidden};
}

}  // namespace gemma4
