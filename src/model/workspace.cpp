#include "model/workspace.hpp"

#include <algorithm>

#include "base/checked.hpp"

namespace gemma4 {
namespace {

struct Largest {
  std::uint32_t query = 0, kv = 0, feed_forward = 0, head = 0, full_head = 0;
  explicit Largest(const ModelConfig& config) {
    for (const LayerConfig& layer : config.layers) {
      query = std::max(query, config.query_size(layer));
      kv = std::max(kv, config.kv_size(layer));
      feed_forward = std::max(feed_forward, layer.feed_forward);
      head = std::max(head, layer.head_size);
      if (!layer.sliding) full_head = std::max(full_head, layer.head_size);
    }
  }
};

AttentionState take_state(Carver& carver, std::uint64_t rows, std::uint32_t head_size) {
  return {carver.take<float>(rows).data(), carver.take<float>(rows).data(),
          carver.take<float>(rows * head_size).data()};
}

}  // namespace

void Workspace::carve(Carver& carver, const ModelConfig& config, const WorkspaceShape& shape) {
  const Largest largest(config);
  const std::uint64_t batch = shape.batch;
  const std::uint32_t digits = activation_digits(config.activations);
  residual = carver.take<float>(batch * config.hidden);
  projected = carver.take<float>(batch * config.hidden);
  query = carver.take<float>(batch * largest.query);
  key = carver.take<float>(batch * largest.kv);
  value = carver.take<float>(batch * largest.kv);
  rotated = carver.take<float>(batch * largest.query);
  for (int kind = 0; kind < 2; ++kind) {
    cosine[kind] = carver.take<float>(batch * largest.head / 2);
    sine[kind] = carver.take<float>(batch * largest.head / 2);
  }
  normed = take_activations(carver, batch, config.hidden, digits,
                            carver.take<float>(batch * config.hidden).data());
  attended = carver.take<float>(batch * largest.query);
  gated = carver.take<float>(batch * largest.feed_forward);
  wide = take_activations(carver, batch, std::max(largest.query, largest.feed_forward), digits,
                          nullptr);
  const std::uint64_t segments = divide_up(shape.context, kSegment);
  split = take_state(carver, segments * shape.split_rows * config.query_heads, largest.full_head);
  split_rows = shape.split_rows;
  logits =
      carver.take<float>(std::uint64_t{shape.logit_rows} * round_up(config.vocabulary, kTileRows));
  hidden = carver.take<float>(std::uint64_t{shape.logit_rows} * config.hidden);
  workers = carver.take<WorkerScratch>(shape.threads);
  for (std::uint32_t i = 0; i < shape.threads; ++i) {
    WorkerScratch scratch;
    scratch.scores = carver.take<float>(kQueryRows * kChunk);
    scratch.widened = carver.take<float>(attention_scratch(largest.head, kQueryRows));
    scratch.total = take_state(carver, kQueryRows, largest.head);
    scratch.segment = take_state(carver, kQueryRows, largest.head);
    scratch.up = carver.take<float>(batch * kPairTiles * kTileRows);
    if (!workers.empty()) workers[i] = scratch;
  }
}

std::uint64_t Workspace::bytes(const ModelConfig& config, const WorkspaceShape& shape) {
  Carver plan;
  Workspace unused;
  unused.carve(plan, config, shape);
  return plan.used_bytes();
}

Workspace::Workspace(const ModelConfig& config, const WorkspaceShape& shape, AllocatorPtr allocator)
    : memory_(bytes(config, shape), std::move(allocator)) {
  Carver carver(memory_.data());
  carve(carver, config, shape);
}

}  // namespace gemma4
