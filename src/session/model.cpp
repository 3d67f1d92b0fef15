#include <algorithm>
#include <functional>
#include <new>
#include <optional>

#include "base/cpu.hpp"
#include "base/error.hpp"
#include "base/huge_pages.hpp"
#include "cache/kv_cache.hpp"
#include "decode/sampler.hpp"
#include "gemma4/version.hpp"
#include "session/drafters.hpp"
#include "session/model_impl.hpp"
#include "session/opened_files.hpp"
#include "weights/hf_folder.hpp"
#include "weights/packed_file.hpp"
#include "weights/packing.hpp"

namespace gemma4 {
namespace {

constexpr std::uint32_t kDefaultContext = 8192;

/// Prompt tokens evaluated at once: more reuse each weight block oftener, but the ring of every
/// sliding layer grows with it.
constexpr std::uint32_t kDefaultChunk = 256, kMaxChunk = 256;

constexpr int kMaxThreads = 1024;

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

void check_storage(const WeightStorage& storage) {
  for (const StoredAs stored : {storage.embedding, storage.layers}) {
    if (stored < StoredAs::exact || stored > StoredAs::q6_k) {
      fail(ErrorCode::invalid_argument,
           format_text("storage: expected exact, q4_0, q8_0 or q6_k, found %d",
                       static_cast<int>(stored)));
    }
  }
}

void check_activations(ActivationType activations) {
  if (activations != ActivationType::automatic && activations != ActivationType::int8 &&
      activations != ActivationType::int16) {
    fail(ErrorCode::invalid_argument,
         format_text("activations: expected automatic, int8 or int16, found %d",
                     static_cast<int>(activations)));
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

/// Reports a file's progress as part of the whole: `before` bytes are done already.
ReadProgress progress_of(const std::function<bool(const LoadProgress&)>& report,
                         std::uint64_t before, std::uint64_t total) {
  return [&report, before, total](std::uint64_t done, std::uint64_t) {
    return !report || report({before + done, total});
  };
}

ReadProgress progress_of(const std::function<bool(const LoadProgress&)>& report) {
  return [&report](std::uint64_t done, std::uint64_t total) {
    return !report || report({done, total});
  };
}

/// The parts of a plan that each session takes.
MemoryPlan session_plan(const ModelConfig& config, const AssistantConfig* assistant,
                        const SessionOptions& options, int threads) {
  const WorkspaceShape shape = workspace_shape(options, threads);
  MemoryPlan plan;
  plan.kv_bytes = KvCache::bytes(config, options.kv, options.context_tokens, shape.batch);
  plan.workspace_bytes = Workspace::bytes(config, shape) +
                         Sampler::scratch_bytes(static_cast<std::int32_t>(config.vocabulary)) +
                         std::uint64_t{options.context_tokens} * sizeof(Token) +
                         drafter_bytes(options, assistant, threads);
  return plan;
}

void tell_what_computes(const Log& log, const Model::Impl& model, Isa isa, Prefill prefill) {
  const auto tell = [&](const std::string& path, ActivationType activations) {
    log.info(path + format_text(": computed with %s kernels on %d threads, activations %s%s",
                                isa_name(isa), model.pool->threads(),
                                activation_type_name(activations),
                                prefill == Prefill::onednn ? ", long prompts with oneDNN" : ""));
  };
  tell(model.info.path, model.info.activations);
  if (model.info.assistant) tell(model.info.assistant->path, model.info.assistant->activations);
}

void tell_unused(const Log& log, const Checkpoint& file) {
  for (const std::string& note : file.notes) log.info(file.path + ": " + note);
}

void tell_huge_pages(const Log& log, const std::string& path, std::uint64_t bytes) {
  if (bytes >= kHugePagesFrom && huge_pages_off())
    log.info(path + ": no huge pages, so reading the weights takes longer: " + kHugePagesSetting +
             " says never");
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

const char* activation_type_name(ActivationType type) noexcept {
  switch (type) {
    case ActivationType::automatic:
      return "auto";
    case ActivationType::int8:
      return "int8";
    case ActivationType::int16:
      return "int16";
  }
  return "unknown";
}

SessionOptions settled(const SessionOptions& options, const ModelConfig& config,
                       bool has_assistant) {
  SessionOptions s = options;
  if (s.context_tokens == 0) s.context_tokens = std::min(kDefaultContext, config.context_limit);
  if (s.context_tokens > config.context_limit) {
    fail(ErrorCode::invalid_argument,
         format_text("context_tokens: expected at most %u (the model's limit), found %u",
                     config.context_limit, s.context_tokens));
  }
  if (s.kv != KvType::f16 && s.kv != KvType::f32 && s.kv != KvType::q8_0) {
    fail(ErrorCode::invalid_argument,
         format_text("kv: expected f16, f32 or q8_0, found %d", static_cast<int>(s.kv)));
  }
  if (s.prefill_chunk_tokens == 0) s.prefill_chunk_tokens = kDefaultChunk;
  if (s.prefill_chunk_tokens > kMaxChunk) {
    fail(ErrorCode::invalid_argument,
         format_text("prefill_chunk_tokens: expected 0 ... %u, found %u", kMaxChunk,
                     s.prefill_chunk_tokens));
  }
  if (s.context_policy != ContextPolicy::error && s.context_policy != ContextPolicy::shift) {
    fail(ErrorCode::invalid_argument,
         format_text("context_policy: expected error or shift, found %d",
                     static_cast<int>(s.context_policy)));
  }
  if (s.context_policy == ContextPolicy::shift && s.keep_first_tokens >= s.context_tokens) {
    fail(ErrorCode::invalid_argument,
         format_text("keep_first_tokens: expected less than the context's %u, found %u",
                     s.context_tokens, s.keep_first_tokens));
  }
  s.speculation = settled(s.speculation, has_assistant);
  return s;
}

WorkspaceShape workspace_shape(const SessionOptions& options, int threads) {
  const std::uint32_t rows =
      std::max(options.prefill_chunk_tokens, decode_rows(options.speculation));
  // a batch is never longer than the context
  return {std::min(rows, options.context_tokens), options.context_tokens,
          static_cast<std::uint32_t>(threads)};
}

AssistantShape assistant_shape(const SessionOptions& options, int threads) {
  return {options.context_tokens, static_cast<std::uint32_t>(threads), kDraftChoices};
}

Model::Impl::Impl(const std::string& path, const LoadOptions& options)
    : allocator(options.allocator), tokenizer(nullptr) {
  const Kernels& kernels = choose_kernels(options.isa);
  const int threads = choose_threads(options.threads);
  check_prefill(options.prefill);
  check_storage(options.storage);
  check_storage(options.assistant_storage);
  check_activations(options.activations);
  const Log log(options.log);
  OpenedFiles files(path, options.assistant, options.packed_path, options.activations,
                    {options.storage, options.assistant_storage}, log);
  weights_bytes = files.weights_bytes();
  assistant_bytes = files.assistant_bytes();
  prefix_cache_bytes = options.prefix_cache_bytes;
  const auto check = [&] {
    check_budget(path, weights_bytes + assistant_bytes + prefix_cache_bytes,
                 options.memory_budget_bytes);
  };
  check();
  info = files.info();
  fingerprint = files.model.fingerprint();
  ModelConfig& config = files.model.config;
  auto vocabulary = Tokenizer::Impl::from_metadata(files.model.file().metadata);
  config.sampling.suppress = vocabulary->suppressed();
  info.recommended_sampling.suppress = config.sampling.suppress;
  chat_style = chat_style_of(*vocabulary);
  tokenizer = Tokenizer(std::move(vocabulary));
  pool = options.executor ? std::make_unique<WorkerPool>(options.executor)
                          : std::make_unique<WorkerPool>(threads);
  tell_unused(log, files.model.source);
  if (files.assistant) tell_unused(log, files.assistant->source);
  tell_what_computes(log, *this, kernels.isa, options.prefill);
  if (allocator == nullptr && !files.model.plan.packed()) tell_huge_pages(log, path, weights_bytes);
  const std::uint64_t total = files.source_bytes(), own = files.model.plan.source_bytes();
  Weights weights = files.model.plan.load(
      files.model.file(),
      {*pool, progress_of(options.on_progress, 0, total), options.stop, allocator});
  auto made = std::make_unique<Network>(std::move(config), std::move(weights), kernels, allocator);
  if (options.prefill == Prefill::onednn) {
    made->onednn = std::make_unique<const OnednnPrefill>(made->weights, pool->threads(), allocator);
    weights_bytes += made->onednn->bytes();
    check();
  }
  network = std::move(made);
  if (prefix_cache_bytes > 0)
    prefixes = std::make_unique<PrefixCache>(network->config.window, prefix_cache_bytes);
  if (!files.assistant) return;
  weights = files.assistant->plan.load(
      files.assistant->file(),
      {*pool, progress_of(options.on_progress, own, total), options.stop, allocator});
  assistant = std::make_unique<const AssistantNetwork>(std::move(files.assistant->config),
                                                       std::move(weights), *network, allocator);
}

MemoryPlan Model::Impl::plan(const SessionOptions& options) const {
  MemoryPlan plan =
      session_plan(network->config, assistant != nullptr ? &assistant->config : nullptr, options,
                   pool->threads());
  plan.weights_bytes = weights_bytes;
  plan.assistant_bytes = assistant_bytes;
  plan.prefix_cache_bytes = prefix_cache_bytes;
  return plan;
}

std::shared_ptr<KvPages> Model::Impl::pages(KvType type) const {
  const std::lock_guard<std::mutex> lock(pages_mutex_);
  std::shared_ptr<KvPages>& pages = pages_[type];
  if (pages == nullptr) pages = std::make_shared<KvPages>(network->config, type, allocator);
  return pages;
}

Model Model::load(const std::string& path, const LoadOptions& options) {
  return with_memory_error(path,
                           [&] { return Model(std::make_shared<const Impl>(path, options)); });
}

MemoryPlan Model::plan(const SessionOptions& options) const {
  return impl_->plan(settled(options, impl_->network->config, impl_->assistant != nullptr));
}

PrefixStatistics Model::prefix_statistics() const {
  return impl_->prefixes != nullptr ? impl_->prefixes->statistics() : PrefixStatistics();
}

const ModelInfo& Model::info() const { return impl_->info; }
const Tokenizer& Model::tokenizer() const { return impl_->tokenizer; }
Isa Model::isa() const { return impl_->network->kernels.isa; }
int Model::threads() const { return impl_->pool->threads(); }

Inspection inspect(const std::string& path, const SessionOptions& options,
                   const std::string& assistant, ActivationType activations,
                   const StorageOptions& storage) {
  check_activations(activations);
  check_storage(storage.model);
  check_storage(storage.assistant);
  const OpenedFiles files(path, assistant, {}, activations, storage);
  const ModelConfig& config = files.model.config;
  Inspection result;
  result.info = files.info();
  result.info.recommended_sampling.suppress =
      read_suppressed(files.model.source.metadata, static_cast<std::int32_t>(config.vocabulary));
  result.plan =
      session_plan(config, files.assistant ? &files.assistant->config : nullptr,
                   settled(options, config, files.assistant.has_value()), available_cores());
  result.plan.weights_bytes = files.weights_bytes();
  result.plan.assistant_bytes = files.assistant_bytes();
  for (const TensorView& tensor : files.model.source.tensors.all()) {
    result.tensors.push_back(
        {tensor.name,
         tensor_type_name(tensor.type),
         {tensor.ne.begin(), tensor.ne.begin() + tensor.dimensions},
         tensor.bytes.size() + tensor.groups.bytes.size() + tensor.groups.zeros.size()});
  }
  const Matrix embedding = files.model.plan.embedding();
  result.embedding = {"token_embd.weight",
                      matrix_format_name(embedding.format),
                      {embedding.columns, embedding.rows},
                      embedding.bytes()};
  result.notes = files.model.source.notes;
  if (files.assistant) {
    for (const std::string& note : files.assistant->source.notes)
      result.notes.push_back("assistant: " + note);
  }
  return result;
}

MemoryPlan plan_memory(const std::string& path, const SessionOptions& options,
                       const std::string& assistant, ActivationType activations,
                       const StorageOptions& storage) {
  return inspect(path, options, assistant, activations, storage).plan;
}

namespace {

/// Packs one kind of file.
template <class Config>
PackedFile pack_file(const std::string& path, Checkpoint source, const std::string& out_path,
                     const PackOptions& options) {
  check_storage(options.storage);
  const Log log(options.log);
  OpenedFile<Config> opened(path, std::move(source), {}, ActivationType::automatic,
                            options.storage);
  tell_unused(log, opened.source);
  if (opened.plan.packed()) {
    fail(ErrorCode::invalid_argument, path + ": expected a model file to pack, found a packed one");
  }
  WorkerPool pool(choose_threads(options.threads));
  PackedFile result{packed_path(opened.source, out_path), 0};
  result.bytes = write_packed(opened.source, opened.plan, options.storage, result.path,
                              {pool, progress_of(options.on_progress), options.stop});
  try {
    log.info(path + format_text(": packed into %s, %llu bytes", result.path.c_str(),
                                static_cast<unsigned long long>(result.bytes)));
  } catch (const std::bad_alloc&) {  // the file is there: a line less is no reason to fail
  }
  return result;
}

template <class Config>
PackedFile verify_file(const std::string& path, Checkpoint source, const PackOptions& options) {
  const OpenedFile<Config> opened(path, std::move(source), {}, ActivationType::automatic, {});
  if (!opened.plan.packed())
    fail(ErrorCode::format, path + ": expected a packed file, found an ordinary model file");
  verify_contents(opened.source, progress_of(options.on_progress), options.stop);
  return {path, opened.source.file_bytes};
}

bool holds_assistant(const Checkpoint& file) {
  return is_assistant(file.metadata.text("general.architecture").value_or(""));
}

}  // namespace

PackedFile pack(const std::string& model_path, const std::string& out_path,
                const PackOptions& options) {
  return with_memory_error(model_path, [&] {
    Checkpoint file = open_checkpoint(model_path);
    const auto pack_as =
        holds_assistant(file) ? pack_file<AssistantConfig> : pack_file<ModelConfig>;
    return pack_as(model_path, std::move(file), out_path, options);
  });
}

PackedFile verify_packed(const std::string& path, const PackOptions& options) {
  return with_memory_error(path, [&] {
    Checkpoint file = open_checkpoint(path);
    const auto verify_as =
        holds_assistant(file) ? verify_file<AssistantConfig> : verify_file<ModelConfig>;
    return verify_as(path, std::move(file), options);
  });
}

Tokenizer load_tokenizer(const std::string& path) {
  const Checkpoint file = open_checkpoint(path);
  return Tokenizer(Tokenizer::Impl::from_metadata(file.metadata));
}

}  // namespace gemma4
