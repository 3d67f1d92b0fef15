#include "model/forward.hpp"

#include <algorithm>

#include "model/attention.hpp"

namespace gemma4 {

bool Forward::run(std::span<const Token> tokens, std::uint32_t first, KvCache& cache,
                  const std::atomic<bool>* cancel) {
  const std::uint32_t rows = static_cast<std::uint32_t>(tokens.size());
  blocks_.set_cancel(cancel);
  cache.grow(first + rows);
  cache.written(first + rows);
  embed(tokens, first);
  for (std::size_t layer = 0; layer < network_.config.layers.size(); ++layer) {
    attention_block(layer, first, rows, cache);
    blocks_.feed_forward(layer, rows);
    if (blocks_.cancelled()) return false;
  }
  return true;
}

/// Embedding rows into the residual stream, and the angles of their positions.
void Forward::embed(std::span<const Token> tokens, std::uint32_t first) {
  const std::uint32_t hidden = network_.config.hidden;
  pool_.run(static_cast<std::uint32_t>(tokens.size()), blocks_.cancel(),
            [&](std::uint32_t row, std::uint32_t) {
              const std::span<float> x =
                  work_.residual.subspan(std::uint64_t{row} * hidden, hidden);
              read_row(network_.weights.embedding, static_cast<std::uint32_t>(tokens[row]), x);
              for (float& value : x) value *= network_.config.embedding_scale;
              blocks_.set_position(row, first + row);
            });
}

/// Norms and rotates the keys and values of one row into the cache.
void Forward::store_heads(std::size_t layer, std::uint32_t row, std::uint32_t position,
                          KvCache& cache, WorkerScratch& scratch) {
  const LayerConfig& shape = network_.config.layers[layer];
  const Kernels& kernels = network_.kernels;
  const std::uint32_t size = shape.head_size, pairs = network_.rotary(shape).pairs();
  const float epsilon = network_.config.norm_epsilon;
  const float* key_norm = network_.weights.layers[layer].key_norm.data();
  const float* cosine = work_.cosine[shape.sliding].data() + std::uint64_t{row} * pairs;
  const float* sine = work_.sine[shape.sliding].data() + std::uint64_t{row} * pairs;
  float* scratch_row = scratch.widened.data();
  for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
    const std::uint64_t at = (std::uint64_t{row} * shape.kv_heads + head) * size;
    const float* key = work_.key.data() + at;
    const float* value = shape.value_from_key ? key : work_.value.data() + at;
    kernels.rms_norm(value, nullptr, size, epsilon, scratch_row);
    kernels.store_row(scratch_row, size, cache.type(), cache.value_row(layer, head, position));
    kernels.rms_norm(key, key_norm, size, epsilon, scratch_row);
    kernels.rotate(scratch_row, size, pairs, cosine, sine);
    kernels.store_row(scratch_row, size, cache.type(), cache.key_row(layer, head, position));
  }
}

void Forward::attention_block(std::size_t layer, std::uint32_t first, std::uint32_t rows,
                              KvCache& cache) {
  blocks_.project_heads(layer, rows);
  pool_.run(rows, blocks_.cancel(), [&](std::uint32_t row, std::uint32_t worker) {
    blocks_.turn_queries(layer, row, rows);
    store_heads(layer, row, first + row, cache, work_.workers[worker]);
  });
  attend_layer(network_, layer, cache, first, rows, work_, pool_, blocks_.cancel());
  blocks_.finish_attention(layer, rows);
}

bool Forward::logits(std::uint32_t row, std::uint32_t count, const std::atomic<bool>* cancel) {
  blocks_.set_cancel(cancel);
  const Matrix& head = network_.head();
  blocks_.norm_rows(row, count, network_.weights.output_norm, takes_int8(head.format));
  const std::uint64_t numbers = std::uint64_t{count} * network_.config.hidden;
  std::copy_n(work_.normed.values, numbers, work_.hidden.begin());
  const std::uint32_t step = tiles_per_task(head);
  const std::uint64_t stride = std::uint64_t{head.tiles()} * kTileRows;
  pool_.run(static_cast<std::uint32_t>(divide_up(head.tiles(), step)), cancel,
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
  return !blocks_.cancelled();
}

std::span<const float> Forward::logits_row(std::uint32_t i) const {
  return work_.logits.subspan(std::uint64_t{i} * network_.head().tiles() * kTileRows,
                              network_.config.vocabulary);
}

std::span<const float> Forward::hidden_row(std::uint32_t i) const {
  return work_.hidden.subspan(std::uint64_t{i} * network_.config.hidden, network_.config.hidden);
}

}  // namespace gemma4
