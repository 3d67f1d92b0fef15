#include "model/forward.hpp"

#include <algorithm>

#include "model/attention.hpp"

namespace gemma4 {

namespace {

/// A row of a batch as one of its sequence.
struct SequenceRow {
  SequenceRow(std::span<const Sequence> sequences, std::uint32_t row) : sequence(&sequences[0]) {
    for (; row >= sequence->tokens.size(); ++sequence)
      row -= static_cast<std::uint32_t>(sequence->tokens.size());
    token = sequence->tokens[row];
    position = sequence->first + row;
  }
  const Sequence* sequence;
  Token token;
  std::uint32_t position;
};

std::uint32_t rows_of(const Sequence& sequence) {
  return static_cast<std::uint32_t>(sequence.tokens.size());
}

}  // namespace

bool Forward::run(std::span<const Sequence> sequences, const std::atomic<bool>* cancel) {
  std::uint32_t rows = 0;
  blocks_.set_cancel(cancel);
  for (const Sequence& sequence : sequences) {
    sequence.cache->open(sequence.first, sequence.first + rows_of(sequence));
    rows += rows_of(sequence);
  }
  embed(sequences, rows);
  blocks_.begin(rows);
  for (std::size_t layer = 0; layer < network_.config.layers.size(); ++layer) {
    attention_block(layer, sequences, rows);
    blocks_.feed_forward(layer, rows);
    if (blocks_.cancelled()) return false;
  }
  return true;
}

/// Embedding rows into the residual stream, and the angles of their positions.
void Forward::embed(Sequences sequences, std::uint32_t rows) {
  const std::uint32_t hidden = network_.config.hidden;
  pool_.run(rows, elementwise(std::uint64_t{rows} * hidden), blocks_.cancel(),
            [&](std::uint32_t row, std::uint32_t) {
              const SequenceRow own(sequences, row);
              const std::span<float> x =
                  work_.residual.subspan(std::uint64_t{row} * hidden, hidden);
              read_row(network_.weights.embedding, static_cast<std::uint32_t>(own.token), x);
              for (float& value : x) value *= network_.config.embedding_scale;
              blocks_.set_position(row, own.position);
            });
}

/// Norms and rotates keys and values of a row into the cache.
void Forward::kv_heads(std::size_t layer, std::uint32_t row, std::uint32_t begin, std::uint32_t end,
                       KvCache& cache, std::uint32_t position, float* scratch) {
  const LayerConfig& shape = network_.config.layers[layer];
  const Kernels& kernels = network_.kernels;
  const float epsilon = network_.config.norm_epsilon;
  const std::uint32_t size = shape.head_size, pairs = network_.rotary(shape).pairs();
  const std::uint64_t angles = std::uint64_t{row} * pairs;
  const KvRow& form = cache.row(layer);
  const auto store = [&](const float* numbers, std::byte* chunk) {
    kernels.store_row(numbers, form.width(), form.type(), chunk, position % kChunk);
  };
  for (std::uint32_t head = begin; head < end; ++head) {
    const std::uint64_t at = (std::uint64_t{row} * shape.kv_heads + head) * size;
    float* key = work_.key.data() + at;
    float* value = scratch;
    kernels.rms_norm(shape.value_from_key ? key : work_.value.data() + at, nullptr, size, epsilon,
                     value);
    kernels.rms_norm(key, network_.weights.layers[layer].key_norm.data(), size, epsilon, key);
    kernels.rotate(key, size, pairs, work_.cosine[shape.sliding].data() + angles,
                   work_.sine[shape.sliding].data() + angles);
    if (form.shared()) {
      form.join(key, value, scratch + size);
      store(scratch + size, cache.keys(layer, head, position));
    } else {
      store(value, cache.values(layer, head, position));
      store(key, cache.keys(layer, head, position));
    }
  }
}

/// Between projections and attention.
void Forward::heads(std::size_t layer, Sequences sequences, std::uint32_t rows) {
  const std::uint32_t queries = network_.config.query_heads,
                      kvs = network_.config.layers[layer].kv_heads;
  blocks_.share_heads(layer, rows, [&](const Blocks::HeadShare& share, std::uint32_t worker) {
    const SequenceRow own(sequences, share.row);
    KvCache& cache = *own.sequence->cache;
    const Blocks::QueryForm form = {cache.row(layer), network_.weights.layers[layer].key_norm};
    blocks_.query_heads(layer, share.row, rows, share.begin(queries), share.end(queries), form);
    kv_heads(layer, share.row, share.begin(kvs), share.end(kvs), cache, own.position,
             work_.workers[worker].widened.data());
  });
}

void Forward::attention_block(std::size_t layer, Sequences sequences, std::uint32_t rows) {
  blocks_.project_heads(layer, rows);
  heads(layer, sequences, rows);
  std::uint32_t begin = 0;
  for (const Sequence& sequence : sequences) {
    attend({network_, layer, layer, *sequence.cache, sequence.first, rows_of(sequence),
            Keys::with_own, begin, rows},
           work_, pool_, blocks_.cancel());
    begin += rows_of(sequence);
  }
  blocks_.finish_attention(layer, rows);
}

bool Forward::logits(std::uint32_t row, std::uint32_t count, const std::atomic<bool>* cancel) {
  blocks_.set_cancel(cancel);
  const Matrix& head = network_.head();
  blocks_.norm_rows(row, count, network_.weights.output_norm, takes_int8(head.format));
  const std::uint64_t numbers = std::uint64_t{count} * network_.config.hidden;
  std::copy_n(work_.normed.values, numbers, work_.hidden.begin());
  const std::uint64_t work = std::uint64_t{count} * head.rows * head.columns, stride = logits_at(1);
  const std::uint32_t step = tiles_per_task(head, pool_.sharers(work), count);
  pool_.run(static_cast<std::uint32_t>(divide_up(head.tiles(), step)), work, cancel,
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

void Forward::set_row(std::uint32_t i, std::span<const float> logits,
                      std::span<const float> hidden) {
  std::copy(logits.begin(), logits.end(), work_.logits.subspan(logits_at(i)).begin());
  std::copy(hidden.begin(), hidden.end(), work_.hidden.subspan(hidden_at(i)).begin());
}

std::span<const float> Forward::logits_row(std::uint32_t i) const {
  return work_.logits.subspan(logits_at(i), network_.config.vocabulary);
}

std::span<const float> Forward::hidden_row(std::uint32_t i) const {
  return work_.hidden.subspan(hidden_at(i), network_.config.hidden);
}

}  // namespace gemma4
