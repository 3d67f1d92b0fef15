// A model's weights in the layout the kernels read.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/buffer.hpp"
#include "gemma4/model.hpp"
#include "io/checkpoint.hpp"
#include "kernels/tiles.hpp"
#include "parallel/worker_pool.hpp"
#include "weights/assistant_config.hpp"
#include "weights/model_config.hpp"

namespace gemma4 {

/// A matrix in tiles of 16 rows. An absent matrix has no rows.
struct Matrix {
  MatrixFormat format = MatrixFormat::f32;
  std::uint32_t rows = 0, columns = 0;
  const std::byte* data = nullptr;
  std::uint32_t tiles() const { return (rows + kTileRows - 1) / kTileRows; }
  std::uint64_t bytes() const { return tiles() * tile_bytes(format, columns); }
};

struct LayerWeights {
  // value is absent when the layer makes V from the raw K projection; key and value in an assistant
  Matrix query, key, value, output, gate, up, down;
  std::span<const float> attention_norm, query_norm, key_norm, post_attention_norm,
      feed_forward_norm, post_feed_forward_norm;
  float scale = 1.0f;  ///< multiplies the residual stream at the layer's end
};

/// What an assistant has besides.
struct DraftWeights {
  Matrix pre_projection;   ///< [hidden][2 * backbone]: the model's embedding, then its hidden state
  Matrix post_projection;  ///< [backbone][hidden]
  Matrix centroids;        ///< [centroids][hidden]; absent: the head has none
  Matrix sketch;           ///< of the embedding; absent: the head has none
  /// The token of each embedding row, which lie cluster after cluster; empty: in the order of
  /// tokens.
  std::span<const std::uint32_t> row_tokens;
};

struct Weights {
  Matrix embedding;  ///< [vocabulary][hidden]; also the head unless `head` exists
  Matrix head;       ///< absent in tied models
  std::span<const float> output_norm;
  std::vector<double>
      rope_factors;  ///< per pair of a full layer: the angle is divided by it; the rest do not turn
  std::vector<LayerWeights> layers;
  DraftWeights draft;  ///< of assistants only
  // What the spans above point into: memory of our own, or the mapping of a packed file.
  Buffer memory;
  std::vector<MappedFile> files;
};

/// Receives the weights in kernel layout, piece by piece in ascending order of their place.
class WeightSink {
 public:
  virtual ~WeightSink() = default;
  /// Where to put the next piece, at least 16-byte aligned.
  virtual std::byte* room(std::uint64_t offset, std::uint64_t bytes) = 0;
  /// The piece that room() was asked for is there.
  virtual void take(std::uint64_t offset, std::uint64_t bytes) = 0;
};

/// (done, total) in bytes of the file, called on the calling thread after each piece; false
/// cancels: Error(cancelled). Must not be empty.
using ReadProgress = std::function<bool(std::uint64_t, std::uint64_t)>;

/// How a long read is computed, watched and stopped.
struct ReadJob {
  WorkerPool& pool;
  ReadProgress progress;
  std::stop_token stop;
  AllocatorPtr allocator = {};  ///< for the weights
};

/// A tensor as a packed file lists it. Its place counts from the start of the weights.
struct PlacedTensor {
  std::string name;
  TensorType type;
  std::vector<std::uint64_t> shape;  ///< contiguous dimension first
  std::uint64_t offset;
};

/// Tensors and their place in the memory to come, settled before any of it is taken. Lives no
/// longer than its file.
class WeightPlan {
 public:
  /// Finds every tensor the configuration needs and checks its type and shape; settles
  /// LayerConfig::value_from_key and turning_pairs. Throws Error(format | unsupported) naming file,
  /// tensor, expected and found. Of a packed file its header is checked too.
  WeightPlan(const Checkpoint& file, ModelConfig& config, const WeightStorage& storage = {});

  /// The same for an assistant; settles AssistantConfig::centroids and sketched.
  WeightPlan(const Checkpoint& file, AssistantConfig& config, const WeightStorage& storage = {});

  std::uint64_t bytes() const { return bytes_; }                ///< memory the weights will take
  std::uint64_t source_bytes() const { return source_bytes_; }  ///< tensor bytes to be read
  std::uint64_t parameters() const { return parameters_; }
  Matrix embedding() const;                ///< without data
  bool packed() const { return packed_; }  ///< the weights are mapped, not read
  ActivationType made_for() const;         ///< what the checkpoint calls for; not automatic

  /// Reads and packs everything in parallel, dropping source pages as they are done with. Not for
  /// packed files.
  void read(WeightSink& sink, const ReadJob& job) const;

  /// The weights: read into memory, or, of a packed file, where they lie in `file`, the plan's own,
  /// whose mapping they take over.
  Weights load(Checkpoint& file, const ReadJob& job) const;

  /// All tensors in ascending order of their place, as read() gives them.
  std::vector<PlacedTensor> placed() const;

 private:
  struct MatrixItem {
    std::string name;          // in a packed file: a fused tensor becomes several
    const TensorView* tensor;  // in this file
    std::uint64_t first_row;   // of the tensor: fused tensors hold several matrices
    TensorType rows;           // what its rows become on their way into tiles
    Matrix matrix;             // without data
    std::uint64_t offset;      // in the memory
    Matrix Weights::*target = nullptr;
    Matrix LayerWeights::*layer_target = nullptr;
    Matrix DraftWeights::*draft_target = nullptr;
    std::size_t layer = 0;
    bool reordered = false;  // row i of the matrix is row row_tokens_[i] of the tensor
  };
  struct VectorItem {  // without a target: the plan knows the values already
    const TensorView* tensor;
    std::uint64_t offset;
    std::span<const float> Weights::*target = nullptr;
    std::span<const float> LayerWeights::*layer_target = nullptr;
    std::size_t layer = 0;
    bool tokens = false;  // integers of 32 bits: row_tokens_
  };
  class Reading;

  WeightPlan(const Checkpoint& file, const WeightStorage& storage);
  const TensorView* find(const std::string& name) const;
  const TensorView* find_fused(std::size_t layer) const;
  const TensorView& require(const std::string& name) const;
  void check_shape(const TensorView& tensor, std::uint64_t columns, std::uint64_t rows) const;
  void check_type(const TensorView& tensor, bool matrix) const;
  TensorType stored_type(const TensorView& tensor, StoredAs wanted) const;
  std::uint64_t bytes_to_read(const MatrixItem& item) const;
  void add_matrix(std::string name, const TensorView& tensor, std::uint64_t first_row,
                  std::uint32_t rows, std::uint32_t columns, MatrixItem item);
  void add_layer_matrix(const char* name, std::uint32_t rows, std::uint32_t columns,
                        std::size_t layer, Matrix LayerWeights::*target);
  void add_vector(const std::string& name, std::uint32_t size, VectorItem item);
  void add_layer_vector(const char* name, std::uint32_t size, std::size_t layer,
                        std::span<const float> LayerWeights::*target);
  void add_embedding(const ModelConfig& config, bool reordered);
  void add_projections(const ModelConfig& config, std::size_t layer);
  void add_layer(ModelConfig& config, std::size_t layer);
  void add_layer_rest(const ModelConfig& config, std::size_t layer, bool keys);
  void add_layer_scale(std::size_t layer);
  void add_rope_factors(ModelConfig& config);
  void read_rope_factors(std::uint32_t pairs);
  void add_draft_matrix(const char* name, std::uint32_t rows, std::uint32_t columns,
                        Matrix DraftWeights::*target);
  void add_centroids(AssistantConfig& config);
  void add_sketch(AssistantConfig& config);
  void read_row_tokens(const TensorView& tensor);
  void place();
  Weights at(const std::byte* memory) const;

  const Checkpoint& file_;
  WeightStorage storage_;
  bool packed_;
  std::vector<MatrixItem> matrices_;
  std::vector<VectorItem> vectors_;
  std::vector<float> layer_scales_;
  std::vector<double> rope_factors_;
  std::vector<std::uint32_t> row_tokens_;
  std::uint64_t bytes_ = 0, source_bytes_ = 0, parameters_ = 0;
};

/// Row `row` of a matrix as floats, out.size() == columns; the exact values of the file.
void read_row(const Matrix& matrix, std::uint32_t row, std::span<float> out) noexcept;

}  // namespace gemma4
