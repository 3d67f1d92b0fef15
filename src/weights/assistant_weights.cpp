// Which tensors an assistant has.
#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "kernels/tiles.hpp"
#include "weights/weights.hpp"

namespace gemma4 {
namespace {

constexpr const char* kCentroids = "masked_embd_centroids.weight";
constexpr const char* kOrdering = "masked_embd_ordering";
constexpr const char* kSketch = "token_embd.sketch";

/// Element `i` of a tensor of 32 or 64-bit integers.
std::int64_t integer_at(const TensorView& tensor, std::uint64_t i) {
  if (tensor.type == TensorType::i64) {
    std::int64_t value;
    std::memcpy(&value, tensor.bytes.data() + i * sizeof value, sizeof value);
    return value;
  }
  std::int32_t value;
  std::memcpy(&value, tensor.bytes.data() + i * sizeof value, sizeof value);
  return value;
}

/// Early conversions keep the training code's module names.
void refuse_old_names(const Checkpoint& file) {
  for (const TensorView& tensor : file.tensors.all()) {
    if (!tensor.name.starts_with("mtp.")) continue;
    fail(ErrorCode::unsupported,
         file.metadata.file() +
             ": tensor nextn.pre_projection.weight: expected in the file, found " +
             in_quotes(tensor.name) +
             " (an early conversion: convert the assistant again with a present converter)");
  }
}

}  // namespace

void WeightPlan::add_draft_matrix(const char* name, std::uint32_t rows, std::uint32_t columns,
                                  Matrix DraftWeights::*target) {
  const TensorView& tensor = require(name);
  check_shape(tensor, columns, rows);
  MatrixItem item{};
  item.draft_target = target;
  add_matrix(tensor.name, tensor, 0, rows, columns, std::move(item));
}

/// Every token exactly once, or a draft could name a token that does not exist.
void WeightPlan::read_row_tokens(const TensorView& tensor) {
  const std::uint64_t count = tensor.elements();
  std::vector<bool> seen(count);
  row_tokens_.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::int64_t token = integer_at(tensor, i);
    if (token < 0 || static_cast<std::uint64_t>(token) >= count ||
        seen[static_cast<std::size_t>(token)]) {
      fail(ErrorCode::format,
           file_.metadata.file() +
               format_text(
                   ": tensor %s, element %llu: expected each of 0 ... %llu once, found %lld",
                   kOrdering, static_cast<unsigned long long>(i),
                   static_cast<unsigned long long>(count - 1), static_cast<long long>(token)));
    }
    seen[static_cast<std::size_t>(token)] = true;
    row_tokens_.push_back(static_cast<std::uint32_t>(token));
  }
}

/// The two tensors of a centroid head: neither, or both.
void WeightPlan::add_centroids(AssistantConfig& config) {
  if (find(kCentroids) == nullptr && find(kOrdering) == nullptr) return;
  const std::uint32_t vocabulary = config.shapes.vocabulary;
  const TensorView &centroids = require(kCentroids), &ordering = require(kOrdering);
  const std::uint64_t count = centroids.ne[1];
  const std::string where = file_.metadata.file() + ": tensor ";
  // whole tiles, so that a cluster is a run of them
  if (count == 0 || count > vocabulary || vocabulary % (count * kTileRows) != 0) {
    fail(ErrorCode::unsupported,
         where + kCentroids +
             format_text(": expected clusters of a multiple of %u tokens, found %llu for %u tokens",
                         kTileRows, static_cast<unsigned long long>(count), vocabulary));
  }
  check_shape(ordering, vocabulary, 1);
  if (ordering.type != TensorType::i32 && (packed_ || ordering.type != TensorType::i64)) {
    fail(ErrorCode::unsupported, where + kOrdering + ": expected " +
                                     (packed_ ? "I32 in a packed file" : "I64 or I32") +
                                     ", found " + tensor_type_name(ordering.type));
  }
  config.centroids = static_cast<std::uint32_t>(count);
  add_draft_matrix(kCentroids, config.centroids, config.shapes.hidden, &DraftWeights::centroids);
  read_row_tokens(ordering);
  VectorItem item{};
  item.tensor = &ordering;
  item.tokens = true;
  source_bytes_ += ordering.bytes.size();
  vectors_.push_back(item);
}

/// Made of the embedding's rows; a packed file has it ready.
void WeightPlan::add_sketch(AssistantConfig& config) {
  config.sketched = config.centroids == 0 && config.shapes.vocabulary >= kSketchedRows;
  if (!config.sketched) return;
  MatrixItem item = *std::find_if(matrices_.begin(), matrices_.end(), [](const MatrixItem& other) {
    return other.target == &Weights::embedding;
  });
  item.name = kSketch;
  item.target = nullptr;
  item.draft_target = &DraftWeights::sketch;
  item.matrix.format = MatrixFormat::sketch;
  if (packed_) {
    item.tensor = &require(kSketch);
    check_shape(*item.tensor, item.matrix.columns, item.matrix.rows);
    if (item.tensor->type != TensorType::sketchx16) {
      fail(ErrorCode::format, file_.metadata.file() + ": tensor " + kSketch + ": expected " +
                                  tensor_type_name(TensorType::sketchx16) + ", found " +
                                  tensor_type_name(item.tensor->type));
    }
  }
  source_bytes_ += bytes_to_read(item);
  matrices_.push_back(std::move(item));
}

WeightPlan::WeightPlan(const Checkpoint& file, AssistantConfig& config,
                       const WeightStorage& storage)
    : WeightPlan(file, storage) {
  if (find("nextn.pre_projection.weight") == nullptr) refuse_old_names(file);
  const ModelConfig& shapes = config.shapes;
  add_draft_matrix("nextn.pre_projection.weight", shapes.hidden, 2 * config.backbone,
                   &DraftWeights::pre_projection);
  add_draft_matrix("nextn.post_projection.weight", config.backbone, shapes.hidden,
                   &DraftWeights::post_projection);
  add_centroids(config);
  add_embedding(shapes, config.centroids != 0);
  add_sketch(config);
  VectorItem norm{};
  norm.target = &Weights::output_norm;
  add_vector("output_norm.weight", shapes.hidden, norm);
  for (std::size_t layer = 0; layer < shapes.layers.size(); ++layer) {
    add_layer_matrix("attn_q", shapes.query_size(shapes.layers[layer]), shapes.hidden, layer,
                     &LayerWeights::query);
    add_layer_rest(shapes, layer, false);
  }
  add_rope_factors(config.shapes);
  place();
}

}  // namespace gemma4
