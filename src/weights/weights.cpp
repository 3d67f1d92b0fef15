#include "weights/weights.hpp"

#include "base/checked.hpp"
#include "base/error.hpp"
#include "weights/block_formats.hpp"
#include "weights/packing.hpp"

namespace gemma4 {
namespace {

std::string shape_text(const TensorView& tensor) {
  std::string text = "[";
  for (std::uint32_t i = 0; i < tensor.dimensions; ++i) {
    text += format_text(i == 0 ? "%llu" : ", %llu", static_cast<unsigned long long>(tensor.ne[i]));
  }
  return text + "]";
}

std::string layer_name(std::size_t layer, const char* name) {
  return format_text("blk.%zu.%s.weight", layer, name);
}

/// Rows packed as one task: some hundred KiB of work, so that many threads find some.
constexpr std::uint32_t kTilesPerTask = 8;

/// Source bytes packed before their pages are dropped, progress is told and a cancel is honoured:
/// so much of the file is resident beside the packed weights at most.
constexpr std::uint64_t kBatchBytes = 32u << 20;

}  // namespace

const TensorView* WeightPlan::find(const std::string& name) const {
  return file_.tensors.find(name);
}

const TensorView& WeightPlan::require(const std::string& name) const {
  const TensorView* tensor = find(name);
  if (tensor == nullptr)
    fail(ErrorCode::format, file_.metadata.file() + ": tensor " + name +
                                ": expected in the file, found no such tensor");
  return *tensor;
}

void WeightPlan::check_shape(const TensorView& tensor, std::uint64_t columns,
                             std::uint64_t rows) const {
  const std::string where = file_.metadata.file() + ": tensor " + quoted(tensor.name);
  const std::string expected =
      rows == 1 ? format_text("[%llu]", static_cast<unsigned long long>(columns))
                : format_text("[%llu, %llu]", static_cast<unsigned long long>(columns),
                              static_cast<unsigned long long>(rows));
  if (tensor.ne[0] != columns || tensor.ne[1] != rows || tensor.ne[2] != 1 || tensor.ne[3] != 1) {
    fail(ErrorCode::format,
         where + ": expected shape " + expected + ", found " + shape_text(tensor));
  }
  if (!can_dequantize(tensor.type)) {
    fail(ErrorCode::unsupported, where +
                                     ": expected one of F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, "
                                     "Q8_0, Q4_K, Q5_K, Q6_K, found " +
                                     tensor_type_name(tensor.type));
  }
}

std::uint64_t WeightPlan::reserve(std::uint64_t bytes) {
  const std::uint64_t offset = round_up(bytes_, 64);
  bytes_ = offset + bytes;
  return offset;
}

void WeightPlan::add_matrix(const TensorView& tensor, std::uint64_t first_row, std::uint32_t rows,
                            std::uint32_t columns, MatrixItem item) {
  item.tensor = &tensor;
  item.first_row = first_row;
  item.matrix = {matrix_format_of(tensor.type), rows, columns, nullptr};
  item.offset = reserve(item.matrix.bytes());
  source_bytes_ += tensor.row_bytes() * rows;
  parameters_ += std::uint64_t{rows} * columns;
  matrices_.push_back(item);
}

void WeightPlan::add_layer_matrix(const std::string& name, std::uint32_t rows,
                                  std::uint32_t columns, std::size_t layer,
                                  Matrix LayerWeights::*target) {
  const TensorView& tensor = require(name);
  check_shape(tensor, columns, rows);
  MatrixItem item{};
  item.layer_target = target;
  item.layer = layer;
  add_matrix(tensor, 0, rows, columns, item);
}

void WeightPlan::add_vector(const std::string& name, std::uint32_t size, VectorItem item) {
  item.tensor = &require(name);
  check_shape(*item.tensor, size, 1);
  item.offset = reserve(std::uint64_t{size} * sizeof(float));
  source_bytes_ += item.tensor->bytes.size();
  parameters_ += size;
  vectors_.push_back(item);
}

/// Query, key and value projections: three tensors, or one that holds their rows in this order.
void WeightPlan::add_projections(const ModelConfig& config, std::size_t layer) {
  const LayerConfig& shape = config.layers[layer];
  const std::uint32_t q = config.query_size(shape), kv = config.kv_size(shape);
  if (const TensorView* fused = find(layer_name(layer, "attn_qkv"))) {
    check_shape(*fused, config.hidden, std::uint64_t{q} + kv + (shape.value_from_key ? 0 : kv));
    MatrixItem item{};
    item.layer = layer;
    item.layer_target = &LayerWeights::query;
    add_matrix(*fused, 0, q, config.hidden, item);
    item.layer_target = &LayerWeights::key;
    add_matrix(*fused, q, kv, config.hidden, item);
    item.layer_target = &LayerWeights::value;
    if (!shape.value_from_key) add_matrix(*fused, std::uint64_t{q} + kv, kv, config.hidden, item);
    return;
  }
  add_layer_matrix(layer_name(layer, "attn_q"), q, config.hidden, layer, &LayerWeights::query);
  add_layer_matrix(layer_name(layer, "attn_k"), kv, config.hidden, layer, &LayerWeights::key);
  if (!shape.value_from_key)
    add_layer_matrix(layer_name(layer, "attn_v"), kv, config.hidden, layer, &LayerWeights::value);
}

void WeightPlan::add_layer(ModelConfig& config, std::size_t layer) {
  LayerConfig& shape = config.layers[layer];
  // Full layers of the larger models have no V projection; the file says so by leaving the tensor
  // out.
  const TensorView* fused = find(layer_name(layer, "attn_qkv"));
  const bool has_value =
      fused != nullptr
          ? fused->ne[1] != std::uint64_t{config.query_size(shape)} + config.kv_size(shape)
          : find(layer_name(layer, "attn_v")) != nullptr;
  shape.value_from_key = !shape.sliding && !has_value;
  add_projections(config, layer);
  add_layer_matrix(layer_name(layer, "attn_output"), config.hidden, config.query_size(shape), layer,
                   &LayerWeights::output);
  add_layer_matrix(layer_name(layer, "ffn_gate"), shape.feed_forward, config.hidden, layer,
                   &LayerWeights::gate);
  add_layer_matrix(layer_name(layer, "ffn_up"), shape.feed_forward, config.hidden, layer,
                   &LayerWeights::up);
  add_layer_matrix(layer_name(layer, "ffn_down"), config.hidden, shape.feed_forward, layer,
                   &LayerWeights::down);
  const auto vector = [&](const char* name, std::uint32_t size,
                          std::span<const float> LayerWeights::*target) {
    VectorItem item{};
    item.layer_target = target;
    item.layer = layer;
    add_vector(layer_name(layer, name), size, item);
  };
  vector("attn_norm", config.hidden, &LayerWeights::attention_norm);
  vector("attn_q_norm", shape.head_size, &LayerWeights::query_norm);
  vector("attn_k_norm", shape.head_size, &LayerWeights::key_norm);
  vector("post_attention_norm", config.hidden, &LayerWeights::post_attention_norm);
  vector("ffn_norm", config.hidden, &LayerWeights::feed_forward_norm);
  vector("post_ffw_norm", config.hidden, &LayerWeights::post_feed_forward_norm);
  float scale = 1.0f;  // a missing scale counts as 1
  if (const TensorView* tensor = find(layer_name(layer, "layer_output_scale"))) {
    check_shape(*tensor, 1, 1);
    dequantize_row(tensor->type, tensor->bytes, {&scale, 1});
    parameters_ += 1;
  }
  layer_scales_.push_back(scale);
}

void WeightPlan::read_rope_factors(const ModelConfig& config) {
  const TensorView* tensor = find("rope_freqs.weight");
  if (tensor == nullptr) return;
  std::uint32_t pairs = 0;
  for (const LayerConfig& layer : config.layers) {
    if (!layer.sliding) pairs = layer.head_size / 2;
  }
  if (pairs == 0) return;
  check_shape(*tensor, pairs, 1);
  std::vector<float> factors(pairs);
  dequantize_row(tensor->type, tensor->bytes, factors);
  for (const float factor : factors) {
    if (!(factor > 0))
      fail(ErrorCode::format, file_.metadata.file() +
                                  ": tensor rope_freqs.weight: expected positive numbers, found " +
                                  format_text("%g", double(factor)));
  }
  rope_factors_.assign(factors.begin(), factors.end());
}

WeightPlan::WeightPlan(const GgufFile& file, ModelConfig& config) : file_(file) {
  const TensorView& embedding = require("token_embd.weight");
  check_shape(embedding, config.hidden, config.vocabulary);
  MatrixItem item{};
  item.target = &Weights::embedding;
  add_matrix(embedding, 0, config.vocabulary, config.hidden, item);
  if (const TensorView* head = find("output.weight")) {
    check_shape(*head, config.hidden, config.vocabulary);
    item.target = &Weights::head;
    add_matrix(*head, 0, config.vocabulary, config.hidden, item);
  }
  VectorItem norm{};
  norm.target = &Weights::output_norm;
  add_vector("output_norm.weight", config.hidden, norm);
  for (std::size_t layer = 0; layer < config.layers.size(); ++layer) add_layer(config, layer);
  read_rope_factors(config);
}

Weights WeightPlan::load(const GgufFile& file, WorkerPool& pool,
                         const std::function<bool(std::uint64_t, std::uint64_t)>& progress,
                         const std::stop_token& stop) const {
  Weights weights;
  weights.memory = Buffer(bytes_);
  weights.layers.resize(layer_scales_.size());
  for (std::size_t i = 0; i < layer_scales_.size(); ++i) weights.layers[i].scale = layer_scales_[i];
  weights.rope_factors = rope_factors_;

  // A stop request sets the flag that the pool looks at between tasks.
  std::atomic<bool> cancel{false};
  const std::stop_callback on_stop(stop, [&cancel] { cancel = true; });
  std::uint64_t done = 0;
  const auto finished = [&](std::span<const std::byte> source) {
    done += source.size();
    for (const MappedFile& mapped : file.files) {
      const std::span<const std::byte> all = mapped.bytes();
      if (source.data() >= all.data() && source.data() + source.size() <= all.data() + all.size())
        mapped.drop(source);
    }
    if (progress && !progress(done, source_bytes_)) cancel = true;
    if (cancel) fail(ErrorCode::cancelled, file.metadata.file() + ": loading was cancelled");
  };

  for (const VectorItem& item : vectors_) {
    float* out = reinterpret_cast<float*>(weights.memory.data() + item.offset);
    const std::span<float> values(out, item.tensor->elements());
    dequantize_row(item.tensor->type, item.tensor->bytes, values);
    (item.target != nullptr ? weights.*item.target
                            : weights.layers[item.layer].*item.layer_target) = values;
    finished(item.tensor->bytes);
  }
  for (const MatrixItem& item : matrices_) {
    Matrix matrix = item.matrix;
    std::byte* out = weights.memory.data() + item.offset;
    matrix.data = out;
    const std::uint64_t row_bytes = item.tensor->row_bytes(),
                        bytes = tile_bytes(matrix.format, matrix.columns);
    const std::byte* source = item.tensor->bytes.data() + item.first_row * row_bytes;
    const std::uint32_t batch = static_cast<std::uint32_t>(
        std::max<std::uint64_t>(1, kBatchBytes / (row_bytes * kTileRows)));
    for (std::uint32_t first = 0; first < matrix.tiles(); first += batch) {
      const std::uint32_t last = std::min(matrix.tiles(), first + batch);
      pool.run((last - first + kTilesPerTask - 1) / kTilesPerTask, &cancel,
               [&](std::uint32_t task, std::uint32_t) {
                 const std::uint32_t end = std::min(last, first + (task + 1) * kTilesPerTask);
                 for (std::uint32_t t = first + task * kTilesPerTask; t < end; ++t) {
                   const std::uint32_t row = t * kTileRows,
                                       rows = std::min(kTileRows, matrix.rows - row);
                   pack_tile(item.tensor->type, source + row * row_bytes, row_bytes, rows,
                             matrix.columns, out + t * bytes);
                 }
               });
      const std::uint64_t from = std::uint64_t{first} * kTileRows,
                          to =
                              std::min<std::uint64_t>(matrix.rows, std::uint64_t{last} * kTileRows);
      finished({source + from * row_bytes, (to - from) * row_bytes});
    }
    (item.target != nullptr ? weights.*item.target
                            : weights.layers[item.layer].*item.layer_target) = matrix;
  }
  return weights;
}

}  // namespace gemma4
