// A checkpoint in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "gemma4/allocator.hpp"
#include "gemma4/error.hpp"
#include "gemma4/executor.hpp"
#include "gemma4/log.hpp"
#include "gemma4/memory.hpp"
#include "gemma4/prefix.hpp"
#include "gemma4/sampling.hpp"
#include "gemma4/tokenizer.hpp"

namespace gemma4 {

/// Which kernels compute. All give the same bits; they differ in speed.
enum class Isa : std::int32_t {
  automatic = 0,  ///< the best that the processor has
  scalar = 1,     ///< plain C++, everywhere
  avx2 = 2,       ///< x86-64 with AVX2, FMA and F16C
  avx512 = 3,     ///< x86-64 with AVX-512 F, BW, VL, DQ and VNNI
  neon = 4,       ///< 64-bit Arm, with the dot product instruction where the processor has it
  avxvnni = 5,    ///< x86-64 with AVX2 and AVX-VNNI: recent processors without AVX-512
};

/// "scalar", "avx2", ...; a static string.
const char* isa_name(Isa isa) noexcept;

/// Who computes the matrix products of long batches.
enum class Prefill : std::int32_t {
  exact = 0,  ///< the library's own kernels: the same bits for any batch
  /// oneDNN, for batches of 32 tokens and more; Error(unsupported) when this build has none. For
  /// every format of weights: 4 to 8-bit codes are widened block by block. Its rounding is its own,
  /// so what follows a prompt is close to what exact gives, not equal, and depends on how the
  /// prompt is cut into batches. Shorter batches, decoding steps among them, are computed as ever,
  /// on the cache that is there. See docs/onednn.md for what it gains and costs.
  onednn = 1,
};

/// How a matrix is kept that the checkpoint has unquantised, as BF16, F16 or F32.
enum class StoredAs : std::int32_t {
  exact = 0,  ///< as it is
  // quantised while it is read, with the rounding of ggml's reference quantisers
  q4_0 = 1,  ///< 4.5 bits per weight
  q8_0 = 2,  ///< 8.5 bits
  q6_k = 3,  ///< 6.6 bits, for rows of a multiple of 256; Error(unsupported) for others
};

/// Which unquantised matrices are quantised. What a checkpoint has quantised is never changed.
struct WeightStorage {
  StoredAs embedding = StoredAs::exact;  ///< the embedding, and the head where it is another matrix
  StoredAs layers = StoredAs::exact;     ///< all other matrices
};

/// What quantised matrices meet: activations as integers in blocks of 32 that share a scale, sums
/// exact within a block. Matrices of floats meet floats.
enum class ActivationType : std::int32_t {
  /// What the checkpoint is made for: ModelInfo::activations tells.
  automatic = 0,
  int8 = 1,   ///< one part in 127 of a block's largest: what Q4_0 was trained with
  int16 = 2,  ///< one part in 32,512, for twice the arithmetic
};

/// "int8", "int16", "auto"; a static string.
const char* activation_type_name(ActivationType type) noexcept;

struct LoadProgress {
  std::uint64_t done_bytes = 0;  ///< bytes of tensors prepared so far
  std::uint64_t total_bytes = 0;
};

struct LoadOptions {
  int threads =
      0;  ///< threads that compute, the caller's included; 0 = the cores this process may use
  Isa isa = Isa::automatic;  ///< automatic takes the best; Error(unsupported) when the processor
                             ///< lacks the one asked for
  std::uint64_t memory_budget_bytes =
      0;  ///< Error(budget_exceeded) when the weights alone are larger; 0 = no limit
  /// Called on the loading thread, at least once per tensor; false cancels the load
  /// (Error(cancelled)).
  std::function<bool(const LoadProgress&)> on_progress = {};
  std::stop_token stop = {};  ///< cancels the load from another thread
  /// A file that pack() made of this model, or a folder that holds it under its default name. When
  /// it fits the model file its weights are mapped; when it is missing, damaged, of another version
  /// or of another model it is ignored: ModelInfo::packed_path tells, and `log` why. Empty = none
  /// is looked for.
  std::string packed_path = {};
  /// The model's MTP assistant, a GGUF file, a folder (or a packed file): it guesses tokens that
  /// the model then checks several at a time. Empty = none. Error(invalid_argument) when it was
  /// made for another model. When `packed_path` is a folder, the assistant's packed file is looked
  /// for there too.
  std::string assistant = {};
  /// The host's threads: `threads` is ignored then and the library starts none of its own.
  std::shared_ptr<Executor> executor = {};
  Prefill prefill = Prefill::exact;
  /// Of the model and its assistant. Part of the arithmetic, so the choice shows in the results.
  /// What oneDNN computes meets floats or BF16 whatever this says.
  ActivationType activations = ActivationType::automatic;
  /// Error(invalid_argument) when it asks for a change of a packed file.
  WeightStorage storage = {};
  WeightStorage assistant_storage = {};
  /// Memory for rows of prompts that sessions have evaluated. A prompt that begins like an earlier
  /// one (in pieces of 64 tokens) takes these rows and evaluates the rest: the same bits, sooner.
  /// Whoever may send prompts to the model can find out by the time they take how others began. 0 =
  /// none is kept.
  std::uint64_t prefix_cache_bytes = 0;
  /// The host's memory for weights, KV caches and workspaces; null: the operating system's.
  std::shared_ptr<Allocator> allocator = {};
  /// What load() has to say: why a packed file was ignored, what of the files is not used, which
  /// kernels compute. Empty = nobody is told.
  LogSink log = {};
};

/// Facts about one layer.
struct LayerInfo {
  bool full_attention = false;  ///< false: sliding window
  std::uint32_t kv_heads = 0, head_size = 0, feed_forward = 0;
  bool shares_kv_projection = false;  ///< V is made from the raw K projection
};

/// Facts about an MTP assistant.
struct AssistantInfo {
  std::string name;  ///< what the file calls itself; may be empty
  std::string path;
  std::uint32_t hidden_size = 0, query_heads = 0;
  std::vector<LayerInfo> layers;  ///< KV heads are the model's, whose cache they read
  std::uint32_t centroids = 0;    ///< clusters its head chooses from first; 0: none
  std::uint64_t parameters = 0, file_bytes = 0, tensors = 0;
  std::string packed_path;  ///< the packed file that its weights are mapped from; empty: none
  ActivationType activations = ActivationType::int8;  ///< in use; not automatic
};

/// Facts about a model.
struct ModelInfo {
  std::string architecture;  ///< "gemma4"
  std::string name;          ///< what the file calls itself; may be empty
  std::string path;
  std::uint32_t hidden_size = 0, query_heads = 0, vocabulary = 0, context_limit = 0,
                sliding_window = 0;
  float logit_softcap = 0, norm_epsilon = 0, rope_base = 0, rope_base_sliding = 0;
  std::vector<LayerInfo> layers;
  std::uint64_t parameters = 0, file_bytes = 0, tensors = 0;
  SamplingOptions recommended_sampling;  ///< from the file, or Gemma 4's own: temperature 1, top_k
                                         ///< 64, top_p 0.95
  std::string packed_path;  ///< the packed file that the weights are mapped from; empty: none
  ActivationType activations = ActivationType::int8;  ///< in use; not automatic
  std::optional<AssistantInfo> assistant;             ///< of the assistant, when there is one
};

/// One tensor of the file, for display.
struct TensorInfo {
  std::string name, type;
  std::vector<std::uint64_t> shape;  ///< contiguous dimension first, as GGUF counts
  std::uint64_t bytes = 0;
};

/// A model's weights, vocabulary and worker threads. Immutable once loaded: copies are cheap
/// handles to the same model, and any number of sessions on any threads may use it. The last handle
/// or session frees it.
class Model {
 public:
  /// Reads a GGUF file (of a split checkpoint: its first file) or a Hugging Face folder
  /// (config.json, tokenizer.json, safetensors: docs/formats.md), or maps a packed file, which then
  /// must not be changed while the model lives. Throws Error naming the file and what is wrong with
  /// it.
  static Model load(const std::string& path, const LoadOptions& options = {});

  /// What a session with these options will take, to the byte.
  MemoryPlan plan(const SessionOptions& options = {}) const;

  /// What the prefix cache did; all 0 without one. Any thread may ask at any time.
  PrefixStatistics prefix_statistics() const;

  const ModelInfo& info() const;
  const Tokenizer& tokenizer() const;
  Isa isa() const;      ///< the kernels in use
  int threads() const;  ///< threads that compute

  class Impl;
  const std::shared_ptr<const Impl>& impl() const { return impl_; }

 private:
  explicit Model(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

/// What a file is and what a session on it will take, without reading its weights. `assistant` and
/// `activations` as in LoadOptions.
struct Inspection {
  ModelInfo info;
  MemoryPlan plan;
  std::vector<TensorInfo> tensors;
  TensorInfo embedding;            ///< as it will be held: its type and bytes are the plan's
  std::vector<std::string> notes;  ///< what of the files is not used: "vision: 434 tensors, ..."
};

/// How the weights will be loaded, as far as it changes their memory: as in LoadOptions.
struct StorageOptions {
  WeightStorage model = {}, assistant = {};
};
Inspection inspect(const std::string& path, const SessionOptions& options = {},
                   const std::string& assistant = {},
                   ActivationType activations = ActivationType::automatic,
                   const StorageOptions& storage = {});

/// The memory plan alone, before anything large is read.
MemoryPlan plan_memory(const std::string& path, const SessionOptions& options = {},
                       const std::string& assistant = {},
                       ActivationType activations = ActivationType::automatic,
                       const StorageOptions& storage = {});

struct PackOptions {
  int threads = 0;  ///< as in LoadOptions
  /// As in LoadOptions, after some MiB each time.
  std::function<bool(const LoadProgress&)> on_progress = {};
  std::stop_token stop = {};
  WeightStorage storage = {};  ///< as in LoadOptions; a load uses the file if it asks for the same
  LogSink log = {};            ///< what pack() has to say: what was written, what was left out
};

struct PackedFile {
  std::string path;
  std::uint64_t bytes = 0;
};

/// Writes the weights of a model, or of an assistant, in the layout the kernels read. The file is a
/// model by itself: Model::load maps it instead of reading it, so loading takes no time and
/// processes share its memory. `out_path` is a file, a folder, or empty: beside the model, its name
/// with the suffix .g4pack. The file appears whole or not at all, in place of one that was there.
/// Throws Error(io | cancelled) and what Model::load throws.
PackedFile pack(const std::string& model_path, const std::string& out_path = {},
                const PackOptions& options = {});

/// Reads a packed file to the last byte and compares it with its checksum; loading checks all but
/// the weights themselves. Throws Error(format) when they differ.
PackedFile verify_packed(const std::string& path, const PackOptions& options = {});

/// The tokenizer of a GGUF file, which may hold a vocabulary only, or of a folder.
Tokenizer load_tokenizer(const std::string& path);

}  // namespace gemma4
