#include <algorithm>
#include <functional>
#include <new>
#include <optional>

#include "base/cpu.hpp"
#include "base/error.hpp"
#include "cache/kv_cache.hpp"
#include "decode/sampler.hpp"
#include "gemma4/version.hpp"
#include "session/drafters.hpp"
#include "session/model_impl.hpp"
#include "weights/packed_file.hpp"
#include "weights/packed_header.hpp"

namespace gemma4 {
namespace {

constexpr std::uint32_t kDefaultContext = 8192;

/// Prompt tokens evaluated at once: more reuse each weight block oftener, but the ring of every
/// sliding layer grows with it.
constexpr std::uint32_t kDefaultChunk = 256, kMaxChunk = 256;

constexpr int kMaxThreads = 1024;

std::uint64_t weights_and_tables(const WeightPlan& plan, const ModelConfig& config) {
  return plan.bytes() + Network::table_bytes(config);
}

ModelInfo describe(const std::string& path, const GgufFile& file, const ModelConfig& config,
                   const WeightPlan& plan) {
  ModelInfo info;
  info.architecture = config.architecture;
  info.name = std::string(file.metadata.text("general.name").value_or(""));
  info.path = path;
  info.hidden_size = config.hidden;
  info.query_heads = config.query_heads;
  info.vocabulary = config.vocabulary;
  info.context_limit = config.context_limit;
  info.sliding_window = config.window;
  info.logit_softcap = config.softcap;
  info.norm_epsilon = config.norm_epsilon;
  info.rope_base = static_cast<float>(config.rope_base);
  info.rope_base_sliding = static_cast<float>(config.rope_base_sliding);
  for (const LayerConfig& layer : config.layers) {
    info.layers.push_back({!layer.sliding, layer.kv_heads, layer.head_size, layer.feed_forward,
                           layer.value_from_key});
  }
  info.parameters = plan.parameters();
  info.file_bytes = file.file_bytes;
  info.tensors = file.tensors.all().size();
  info.recommended_sampling = config.sampling;
  if (plan.packed()) info.packed_path = path;
  return info;
}

const Kernels& choose_kernels(Isa isa) {
  const Kernels* kernels = find_kernels(isa);
  if (kernels == nullptr) {
    fail(ErrorCode::unsupported,
         std::string("isa: expected an instruction set of this processor, found ") + isa_name(isa));
  }
  return *kernels;
}

int choose_threads(int threads) {
  if (threads < 0 || threads > kMaxThreads) {
    fail(ErrorCode::invalid_argument,
         format_text("threads: expected 0 ... %d, found %d", kMaxThreads, threads));
  }
  return threads == 0 ? available_cores() : threads;
}

void check_prefill(Prefill prefill) {
  if (prefill == Prefill::exact) return;
  if (prefill != Prefill::onednn) {
    fail(ErrorCode::invalid_argument,
         format_text("prefill: expected exact or onednn, found %d", static_cast<int>(prefill)));
  }
  if (!Gemm::available()) {
    fail(ErrorCode::unsupported,
         "prefill: expected a build with oneDNN (GEMMA4_ONEDNN), found one without");
  }
}

void check_budget(const std::string& what, std::uint64_t needed, std::uint64_t budget) {
  if (budget != 0 && needed > budget) {
    fail(ErrorCode::budget_exceeded,
         format_text("%s: expected at most %llu bytes (the memory budget), found %llu needed",
                     what.c_str(), static_cast<unsigned long long>(budget),
                     static_cast<unsigned long long>(needed)));
  }
}

ReadProgress progress_of(const std::function<bool(const LoadProgress&)>& report) {
  return [&report](std::uint64_t done, std::uint64_t total) {
    return !report || report({done, total});
  };
}

/// What the system may refuse at any time, as an Error.
template <class Work>
auto with_memory_error(const std::string& path, const Work& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_memory, path + ": the system gave no memory");
  }
}

}  // namespace

const char* version() noexcept {
#define G4_TEXT_OF(x) #x
#define G4_TEXT(x) G4_TEXT_OF(x)
  return G4_TEXT(GEMMA4_VERSION_MAJOR) "." G4_TEXT(GEMMA4_VERSION_MINOR) "." G4_TEXT(
      GEMMA4_VERSION_PATCH);
#undef G4_TEXT
#undef G4_TEXT_OF
}

SessionOptions settled(const SessionOptions& options, const ModelConfig& config) {
  SessionOptions s = options;
  if (s.context_tokens == 0) s.context_tokens = std::min(kDefaultContext, config.context_limit);
  if (s.context_tokens > config.context_limit) {
    fail(ErrorCode::invalid_argument,
         format_text("context_tokens: expected at most %u (the model's limit), found %u",
                     config.context_limit, s.context_tokens));
  }
  if (s.kv != KvType::f16 && s.kv != KvType::f32) {
    fail(ErrorCode::invalid_argument,
         format_text("kv: expected f16 or f32, found %d", static_cast<int>(s.kv)));
  }
  if (s.prefill_chunk_tokens == 0) s.prefill_chunk_tokens = kDefaultChunk;
  if (s.prefill_chunk_tokens > kMaxChunk) {
    fail(ErrorCode::invalid_argument,
         format_text("prefill_chunk_tokens: expected 0 ... %u, found %u", kMaxChunk,
                     s.prefill_chunk_tokens));
  }
  s.speculation = settled(s.speculation);
  return s;
}

WorkspaceShape workspace_shape(const SessionOptions& options, int threads) {
  const std::uint32_t rows =
      std::max(options.prefill_chunk_tokens, decode_rows(options.speculation));
  // a batch is never longer than the context
  return {std::min(rows, options.context_tokens), options.context_tokens,
          static_cast<std::uint32_t>(threads)};
}

MemoryPlan make_plan(const ModelConfig& config, std::uint64_t weights_bytes,
                     const SessionOptions& options, int threads) {
  const WorkspaceShape shape = workspace_shape(options, threads);
  MemoryPlan plan;
  plan.weights_bytes = weights_bytes;
  plan.kv_bytes = KvCache::bytes(config, options.kv, options.context_tokens, shape.batch);
  plan.workspace_bytes = Workspace::bytes(config, shape) +
                         Sampler::scratch_bytes(static_cast<std::int32_t>(config.vocabulary)) +
                         std::uint64_t{options.context_tokens} * sizeof(Token) +
                         drafter_bytes(options);
  return plan;
}

Model::Impl::Impl(const std::string& path, const LoadOptions& options) : tokenizer(nullptr) {
  const Kernels& kernels = choose_kernels(options.isa);
  const int threads = choose_threads(options.threads);
  check_prefill(options.prefill);
  GgufFile source = open_gguf(path);
  std::optional<GgufFile> packed;
  if (!options.packed_path.empty() && !is_packed(source.metadata))
    packed = find_packed(source, options.packed_path);
  GgufFile& file = packed ? *packed : source;
  ModelConfig config = read_model_config(file.metadata);
  const WeightPlan plan(file, config);
  weights_bytes = weights_and_tables(plan, config);
  check_budget(path, weights_bytes, options.memory_budget_bytes);
  info = describe(path, source, config, plan);
  if (packed) info.packed_path = packed->metadata.file();
  auto vocabulary = Tokenizer::Impl::from_metadata(file.metadata);
  config.sampling.suppress = vocabulary->suppressed();
  info.recommended_sampling.suppress = config.sampling.suppress;
  chat_style = chat_style_of(*vocabulary);
  tokenizer = Tokenizer(std::move(vocabulary));
  pool = options.executor ? std::make_unique<WorkerPool>(options.executor)
                          : std::make_unique<WorkerPool>(threads);
  Weights weights = plan.load(file, {*pool, progress_of(options.on_progress), options.stop});
  auto made = std::make_unique<Network>(std::move(config), std::move(weights), kernels);
  if (options.prefill == Prefill::onednn) {
    made->onednn = std::make_unique<const OnednnPrefill>(made->weights, pool->threads());
    weights_bytes += made->onednn->bytes();
    check_budget(path, weights_bytes, options.memory_budget_bytes);
  }
  network = std::move(made);
}

Model Model::load(const std::string& path, const LoadOptions& options) {
  return with_memory_error(path,
                           [&] { return Model(std::make_shared<const Impl>(path, options)); });
}

MemoryPlan Model::plan(const SessionOptions& options) const {
  const ModelConfig& config = impl_->network->config;
  return make_plan(config, impl_->weights_bytes, settled(options, config), impl_->pool->threads());
}

const ModelInfo& Model::info() const { return impl_->info; }
const Tokenizer& Model::tokenizer() const { return impl_->tokenizer; }
Isa Model::isa() const { return impl_->network->kernels.isa; }
int Model::threads() const { return impl_->pool->threads(); }

Inspection inspect(const std::string& path, const SessionOptions& options) {
  const GgufFile file = open_gguf(path);
  ModelConfig config = read_model_config(file.metadata);
  const WeightPlan plan(file, config);
  Inspection result;
  result.info = describe(path, file, config, plan);
  result.plan = make_plan(config, weights_and_tables(plan, config), settled(options, config),
                          available_cores());
  for (const TensorView& tensor : file.tensors.all()) {
    result.tensors.push_back({tensor.name,
                              tensor_type_name(tensor.type),
                              {tensor.ne.begin(), tensor.ne.begin() + tensor.dimensions},
                              tensor.bytes.size()});
  }
  return result;
}

MemoryPlan plan_memory(const std::string& path, const SessionOptions& options) {
  return inspect(path, options).plan;
}

PackedFile pack(const std::string& model_path, const std::string& out_path,
                const PackOptions& options) {
  return with_memory_error(model_path, [&] {
    const GgufFile file = open_gguf(model_path);
    ModelConfig config = read_model_config(file.metadata);
    const WeightPlan plan(file, config);
    if (plan.packed()) {
      fail(ErrorCode::invalid_argument,
           model_path + ": expected a model file to pack, found a packed one");
    }
    WorkerPool pool(choose_threads(options.threads));
    PackedFile result{packed_path(file, out_path), 0};
    result.bytes = write_packed(file, plan, result.path,
                                {pool, progress_of(options.on_progress), options.stop});
    return result;
  });
}

PackedFile verify_packed(const std::string& path, const PackOptions& options) {
  return with_memory_error(path, [&] {
    const GgufFile file = open_gguf(path);
    ModelConfig config = read_model_config(file.metadata);
    const WeightPlan plan(file, config);
    if (!plan.packed())
      fail(ErrorCode::format, path + ": expected a packed file, found an ordinary model file");
    verify_contents(file, progress_of(options.on_progress), options.stop);
    return PackedFile{path, file.file_bytes};
  });
}

Tokenizer load_tokenizer(const std::string& path) {
  const GgufFile file = open_gguf(path);
  return Tokenizer(Tokenizer::Impl::from_metadata(file.metadata));
}

}  // namespace gemma4
