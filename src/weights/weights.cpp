#include "weights/weights.hpp"

#include <algorithm>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "weights/block_formats.hpp"
#include "weights/matrix_rows.hpp"
#include "weights/packed_header.hpp"
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

}  // namespace

const TensorView* WeightPlan::find(const std::string& name) const {
  return file_.tensors.find(name);
}

/// A packed file has no fused tensors: its matrices were taken apart.
const TensorView* WeightPlan::find_fused(std::size_t layer) const {
  return packed_ ? nullptr : find(layer_name(layer, "attn_qkv"));
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
  const std::string where = file_.metadata.file() + ": tensor " + in_quotes(tensor.name);
  const std::string expected =
      rows == 1 ? format_text("[%llu]", static_cast<unsigned long long>(columns))
                : format_text("[%llu, %llu]", static_cast<unsigned long long>(columns),
                              static_cast<unsigned long long>(rows));
  if (tensor.ne[0] != columns || tensor.ne[1] != rows || tensor.ne[2] != 1 || tensor.ne[3] != 1) {
    fail(ErrorCode::format,
         where + ": expected shape " + expected + ", found " + shape_text(tensor));
  }
}

void WeightPlan::check_type(const TensorView& tensor, bool matrix) const {
  const std::string where = file_.metadata.file() + ": tensor " + in_quotes(tensor.name);
  const std::string found = std::string(", found ") + tensor_type_name(tensor.type);
  if (!packed_) {
    if (can_dequantize(tensor.type) || (matrix && tensor.type == TensorType::i4)) return;
    fail(ErrorCode::unsupported, where +
                                     ": expected one of F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, "
                                     "Q8_0, Q4_K, Q5_K, Q6_K" +
                                     found);
  }
  if (!matrix) {
    if (tensor.type == TensorType::f32) return;
    fail(ErrorCode::format, where + ": expected F32 in a packed file" + found);
  }
  const std::optional<MatrixFormat> format = tile_format(tensor.type);
  if (!format) fail(ErrorCode::format, where + ": expected tiles in a packed file" + found);
  const std::uint32_t multiple = column_multiple(*format);
  if (tensor.ne[0] % multiple != 0) {
    fail(ErrorCode::format,
         where + format_text(": row length: expected a multiple of %u, found %llu", multiple,
                             static_cast<unsigned long long>(tensor.ne[0])));
  }
}

/// What a matrix's rows are packed as: what they are, or, if they are plain numbers, what the user
/// wants.
TensorType WeightPlan::stored_type(const TensorView& tensor, StoredAs wanted) const {
  const bool plain = tensor.type == TensorType::f32 || tensor.type == TensorType::f16 ||
                     tensor.type == TensorType::bf16;
  if (wanted == StoredAs::exact || !plain) return row_type(tensor);
  const TensorType type = wanted == StoredAs::q4_0   ? TensorType::q4_0
                          : wanted == StoredAs::q8_0 ? TensorType::q8_0
                                                     : TensorType::q6_k;
  const std::uint32_t multiple = tensor_type_traits(type)->block_elements;
  if (tensor.ne[0] % multiple != 0) {
    fail(ErrorCode::unsupported,
         file_.metadata.file() + ": tensor " + in_quotes(tensor.name) +
             format_text(": stored as %s: expected rows of a multiple of %u, found %llu",
                         tensor_type_name(type), multiple,
                         static_cast<unsigned long long>(tensor.ne[0])));
  }
  return type;
}

std::uint64_t WeightPlan::bytes_to_read(const MatrixItem& item) const {
  return packed_ ? item.matrix.bytes()
                 : item.tensor->row_bytes() * item.matrix.rows + item.tensor->groups.bytes.size();
}

void WeightPlan::add_matrix(std::string name, const TensorView& tensor, std::uint64_t first_row,
                            std::uint32_t rows, std::uint32_t columns, MatrixItem item) {
  check_type(tensor, true);
  item.name = std::move(name);
  item.tensor = &tensor;
  item.first_row = first_row;
  const bool outer = item.target == &Weights::embedding || item.target == &Weights::head;
  const StoredAs wanted = outer ? storage_.embedding : storage_.layers;
  if (packed_) {
    item.matrix.format = *tile_format(tensor.type);
    if (wanted != StoredAs::exact && !takes_int8(item.matrix.format)) {
      fail(ErrorCode::invalid_argument,
           file_.metadata.file() + ": tensor " + in_quotes(tensor.name) +
               ": a packed file keeps its matrices as they are: expected no other storage, or the "
               "model it was made from");
    }
  } else {
    item.rows = stored_type(tensor, wanted);
    item.matrix.format = matrix_format_of(item.rows);
  }
  item.matrix.rows = rows;
  item.matrix.columns = columns;
  source_bytes_ += bytes_to_read(item);
  parameters_ += std::uint64_t{rows} * columns;
  matrices_.push_back(std::move(item));
}

void WeightPlan::add_layer_matrix(const char* name, std::uint32_t rows, std::uint32_t columns,
                                  std::size_t layer, Matrix LayerWeights::*target) {
  const TensorView& tensor = require(layer_name(layer, name));
  check_shape(tensor, columns, rows);
  MatrixItem item{};
  item.layer_target = target;
  item.layer = layer;
  add_matrix(tensor.name, tensor, 0, rows, columns, std::move(item));
}

void WeightPlan::add_vector(const std::string& name, std::uint32_t size, VectorItem item) {
  item.tensor = &require(name);
  check_shape(*item.tensor, size, 1);
  check_type(*item.tensor, false);
  source_bytes_ += item.tensor->bytes.size();
  parameters_ += size;
  vectors_.push_back(item);
}

void WeightPlan::add_layer_vector(const char* name, std::uint32_t size, std::size_t layer,
                                  std::span<const float> LayerWeights::*target) {
  VectorItem item{};
  item.layer_target = target;
  item.layer = layer;
  add_vector(layer_name(layer, name), size, item);
}

void WeightPlan::add_embedding(const ModelConfig& config, bool reordered) {
  const TensorView& embedding = require("token_embd.weight");
  check_shape(embedding, config.hidden, config.vocabulary);
  MatrixItem item{};
  item.target = &Weights::embedding;
  item.reordered = reordered;
  add_matrix(embedding.name, embedding, 0, config.vocabulary, config.hidden, item);
}

/// Query, key and value projections: three tensors, or one that holds their rows in this order.
void WeightPlan::add_projections(const ModelConfig& config, std::size_t layer) {
  const LayerConfig& shape = config.layers[layer];
  const std::uint32_t q = config.query_size(shape), kv = config.kv_size(shape);
  if (const TensorView* fused = find_fused(layer)) {
    check_shape(*fused, config.hidden, std::uint64_t{q} + kv + (shape.value_from_key ? 0 : kv));
    MatrixItem item{};
    item.layer = layer;
    item.layer_target = &LayerWeights::query;
    add_matrix(layer_name(layer, "attn_q"), *fused, 0, q, config.hidden, item);
    item.layer_target = &LayerWeights::key;
    add_matrix(layer_name(layer, "attn_k"), *fused, q, kv, config.hidden, item);
    item.layer_target = &LayerWeights::value;
    if (!shape.value_from_key) {
      add_matrix(layer_name(layer, "attn_v"), *fused, std::uint64_t{q} + kv, kv, config.hidden,
                 item);
    }
    return;
  }
  add_layer_matrix("attn_q", q, config.hidden, layer, &LayerWeights::query);
  add_layer_matrix("attn_k", kv, config.hidden, layer, &LayerWeights::key);
  if (!shape.value_from_key)
    add_layer_matrix("attn_v", kv, config.hidden, layer, &LayerWeights::value);
}

void WeightPlan::add_layer(ModelConfig& config, std::size_t layer) {
  LayerConfig& shape = config.layers[layer];
  // Full layers of the larger models have no V projection; the file says so by leaving the tensor
  // out.
  const TensorView* fused = find_fused(layer);
  const bool has_value =
      fused != nullptr
          ? fused->ne[1] != std::uint64_t{config.query_size(shape)} + config.kv_size(shape)
          : find(layer_name(layer, "attn_v")) != nullptr;
  shape.value_from_key = !shape.sliding && !has_value;
  add_projections(config, layer);
  add_layer_rest(config, layer, true);
}

/// All of a layer but the projections of queries, keys and values. Assistants have no keys.
void WeightPlan::add_layer_rest(const ModelConfig& config, std::size_t layer, bool keys) {
  const LayerConfig& shape = config.layers[layer];
  add_layer_matrix("attn_output", config.hidden, config.query_size(shape), layer,
                   &LayerWeights::output);
  add_layer_matrix("ffn_gate", shape.feed_forward, config.hidden, layer, &LayerWeights::gate);
  add_layer_matrix("ffn_up", shape.feed_forward, config.hidden, layer, &LayerWeights::up);
  add_layer_matrix("ffn_down", config.hidden, shape.feed_forward, layer, &LayerWeights::down);
  add_layer_vector("attn_norm", config.hidden, layer, &LayerWeights::attention_norm);
  add_layer_vector("attn_q_norm", shape.head_size, layer, &LayerWeights::query_norm);
  if (keys) add_layer_vector("attn_k_norm", shape.head_size, layer, &LayerWeights::key_norm);
  add_layer_vector("post_attention_norm", config.hidden, layer, &LayerWeights::post_attention_norm);
  add_layer_vector("ffn_norm", config.hidden, layer, &LayerWeights::feed_forward_norm);
  add_layer_vector("post_ffw_norm", config.hidden, layer, &LayerWeights::post_feed_forward_norm);
  add_layer_scale(layer);
}

void WeightPlan::add_layer_scale(std::size_t layer) {
  const std::string name = layer_name(layer, "layer_output_scale");
  float scale = 1.0f;  // a missing scale counts as 1
  if (find(name) != nullptr) {
    add_vector(name, 1, VectorItem{});
    const TensorView& tensor = *vectors_.back().tensor;
    dequantize_row(tensor.type, tensor.bytes, {&scale, 1});
  }
  layer_scales_.push_back(scale);
}

/// Gemma 4 turns the first quarter of a full layer's pairs ("proportional", partial_rotary_factor
/// 0.25). Files say so with a rope_freqs tensor; without one the same rule holds.
void WeightPlan::add_rope_factors(ModelConfig& config) {
  std::uint32_t pairs = 0;
  for (const LayerConfig& layer : config.layers) {
    if (!layer.sliding) pairs = layer.head_size / 2;
  }
  if (pairs == 0) return;
  if (find("rope_freqs.weight") != nullptr)
    read_rope_factors(pairs);
  else
    rope_factors_.assign(pairs / 4, 1.0);
  for (LayerConfig& layer : config.layers) {
    if (!layer.sliding) layer.turning_pairs = turning_pairs(rope_factors_);
  }
}

void WeightPlan::read_rope_factors(std::uint32_t pairs) {
  add_vector("rope_freqs.weight", pairs, VectorItem{});
  parameters_ -= pairs;  // constants, not trained
  const TensorView& tensor = *vectors_.back().tensor;
  std::vector<float> factors(pairs);
  dequantize_row(tensor.type, tensor.bytes, factors);
  for (const float factor : factors) {
    if (!(factor > 0))
      fail(ErrorCode::format, file_.metadata.file() +
                                  ": tensor rope_freqs.weight: expected positive numbers, found " +
                                  format_text("%g", double(factor)));
  }
  rope_factors_.assign(factors.begin(), factors.end());
}

/// In the order of read(), so that a packed file can be written from start to end.
void WeightPlan::place() {
  const auto reserve = [this](std::uint64_t bytes) {
    const std::uint64_t offset = round_up(bytes_, 64);
    bytes_ = offset + bytes;
    return offset;
  };
  for (VectorItem& item : vectors_) item.offset = reserve(item.tensor->elements() * sizeof(float));
  for (MatrixItem& item : matrices_) item.offset = reserve(item.matrix.bytes());
}

WeightPlan::WeightPlan(const Checkpoint& file, const WeightStorage& storage)
    : file_(file), storage_(storage), packed_(is_packed(file.metadata)) {
  if (packed_) check_packed(file);
}

WeightPlan::WeightPlan(const Checkpoint& file, ModelConfig& config, const WeightStorage& storage)
    : WeightPlan(file, storage) {
  add_embedding(config, false);
  if (const TensorView* head = find("output.weight")) {
    check_shape(*head, config.hidden, config.vocabulary);
    MatrixItem item{};
    item.target = &Weights::head;
    add_matrix(head->name, *head, 0, config.vocabulary, config.hidden, item);
  }
  VectorItem norm{};
  norm.target = &Weights::output_norm;
  add_vector("output_norm.weight", config.hidden, norm);
  for (std::size_t layer = 0; layer < config.layers.size(); ++layer) add_layer(config, layer);
  add_rope_factors(config);
  place();
}

Matrix WeightPlan::embedding() const {
  for (const MatrixItem& item : matrices_) {
    if (item.target == &Weights::embedding) return item.matrix;
  }
  return {};
}

/// Q4_0 was trained with 8 bits. Packed 4-bit codes come from checkpoints that leave activations in
/// 16 bits (W4A16), whatever tiles their scales make of them. Nothing else is known to need more
/// than 8.
ActivationType WeightPlan::made_for() const {
  if (packed_) return claimed_activations(file_.metadata);
  const bool wide = std::any_of(matrices_.begin(), matrices_.end(), [](const MatrixItem& item) {
    return item.tensor->type == TensorType::i4;
  });
  return wide ? ActivationType::int16 : ActivationType::int8;
}

std::vector<PlacedTensor> WeightPlan::placed() const {
  std::vector<PlacedTensor> all;
  for (const VectorItem& item : vectors_)
    all.push_back({item.tensor->name,
                   item.tokens ? TensorType::i32 : TensorType::f32,
                   {item.tensor->ne[0]},
                   item.offset});
  for (const MatrixItem& item : matrices_) {
    all.push_back({item.name,
                   tile_type(item.matrix.format),
                   {item.matrix.columns, item.matrix.rows},
                   item.offset});
  }
  return all;
}

}  // namespace gemma4
