// gemma4-compare-llama: llama.cpp through its C API, with the settings of its own programs.
#include <dlfcn.h>
#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <llama.h>

#include <filesystem>

#include "base/error.hpp"
#include "engine.hpp"
#include "llama_state.hpp"

namespace gemma4::bench {
namespace {

[[noreturn]] void failed(const std::string& what) {
  fail(ErrorCode::internal, "llama.cpp: " + what);
}

/// The folder that libllama was loaded from; the backends lie beside it.
std::filesystem::path library_folder() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&llama_backend_init), &info) == 0)
    failed("where its library lies is unknown");
  return std::filesystem::path(info.dli_fname).parent_path();
}

class LlamaEngine : public Engine {
 public:
  ~LlamaEngine() override {
    if (batch_.token != nullptr) llama_batch_free(batch_);
    if (context_ != nullptr) llama_free(context_);
    if (model_ != nullptr) llama_model_free(model_);
  }

  std::string load(const EngineOptions& options) override {
    llama_log_set(keep_errors, this);
    load_backend(options.isa);
    llama_backend_init();
    model_ = llama_model_load_from_file(options.model.c_str(), llama_model_default_params());
    if (model_ == nullptr) failed("cannot load the model: " + last_error_);
    llama_context_params params = llama_context_default_params();
    params.n_ctx = (options.context + 255) / 256 * 256;
    params.n_threads = params.n_threads_batch = options.threads;
    params.swa_full = false;  // as its programs do; true would keep all positions everywhere
    params.no_perf = true;
    context_ = llama_init_from_model(model_, params);
    if (context_ == nullptr) failed("cannot create a context: " + last_error_);
    attach_threads(options.threads);
    chunk_ = llama_n_batch(context_);
    batch_ = llama_batch_init(static_cast<std::int32_t>(chunk_), 0, 1);
    return "llama.cpp " GEMMA4_LLAMA_VERSION ", " + backend_ + ", KV f16";
  }

  std::uint32_t vocabulary() const override {
    return static_cast<std::uint32_t>(llama_vocab_n_tokens(llama_model_get_vocab(model_)));
  }

  void evaluate(std::span<const std::int32_t> tokens, bool all_logits) override {
    while (!tokens.empty()) {
      const std::size_t rows = std::min<std::size_t>(tokens.size(), chunk_);
      batch_.n_tokens = static_cast<std::int32_t>(rows);
      for (std::size_t i = 0; i < rows; ++i) {
        batch_.token[i] = tokens[i];
        batch_.pos[i] = static_cast<llama_pos>(position_ + i);
        batch_.n_seq_id[i] = 1;
        batch_.seq_id[i][0] = 0;
        batch_.logits[i] = all_logits || i + 1 == tokens.size();
      }
      if (llama_decode(context_, batch_) != 0) failed("llama_decode refused: " + last_error_);
      position_ += static_cast<std::uint32_t>(rows);
      tokens = tokens.subspan(rows);
    }
    llama_synchronize(context_);
  }

  std::span<const float> logits() override {
    return {llama_get_logits_ith(context_, -1), vocabulary()};
  }

  void rewind(std::uint32_t position) override {
    llama_memory_t memory = llama_get_memory(context_);
    if (position == 0) {
      llama_memory_clear(memory, false);
    } else if (!llama_memory_seq_rm(memory, 0, static_cast<llama_pos>(position), -1)) {
      failed("cannot rewind");
    }
    position_ = position;
  }

  void stretch(std::uint32_t depth) override {
    std::vector<std::uint8_t> state(llama_state_seq_get_size(context_, 0));
    state.resize(llama_state_seq_get_data(context_, state.data(), state.size(), 0));
    state = stretched_state(state, depth, static_cast<std::uint32_t>(llama_model_n_swa(model_)));
    llama_memory_clear(llama_get_memory(context_), false);
    if (llama_state_seq_set_data(context_, state.data(), state.size(), 0) != state.size())
      failed("refuses the stretched state: " + last_error_);
    position_ = depth;
  }

 private:
  static void keep_errors(ggml_log_level level, const char* text, void* self) {
    if (level == GGML_LOG_LEVEL_ERROR) static_cast<LlamaEngine*>(self)->last_error_ = text;
  }

  /// The best of its CPU libraries, or the named one ("haswell", "zen4", ...).
  void load_backend(const std::string& name) {
    const std::filesystem::path folder = library_folder();
    if (name.empty()) {
      ggml_backend_load_all_from_path(folder.c_str());
    } else {
      ggml_backend_load((folder / ("libggml-cpu-" + name + ".so")).c_str());
    }
    const ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    if (cpu == nullptr) failed("no CPU library could be loaded");
    cpu_ = ggml_backend_dev_backend_reg(cpu);
    void* symbol = ggml_backend_reg_get_proc_address(cpu_, "ggml_threadpool_new");
    Dl_info info{};
    if (symbol != nullptr && ::dladdr(symbol, &info) != 0)
      backend_ = std::filesystem::path(info.dli_fname).stem().string();
  }

  /// Threads that live as long as the context, as in llama.cpp's own benchmark; otherwise each
  /// evaluation would start its own.
  void attach_threads(int threads) {
    using New = decltype(&ggml_threadpool_new);
    const auto create =
        reinterpret_cast<New>(ggml_backend_reg_get_proc_address(cpu_, "ggml_threadpool_new"));
    if (create == nullptr) failed("its CPU library has no thread pool");
    ggml_threadpool_params params = ggml_threadpool_params_default(threads);
    ggml_threadpool* pool = create(&params);
    if (pool == nullptr) failed("cannot start threads");
    llama_attach_threadpool(context_, pool, nullptr);
  }

  llama_model* model_ = nullptr;
  llama_context* context_ = nullptr;
  llama_batch batch_{};
  ggml_backend_reg_t cpu_ = nullptr;
  std::string backend_ = "unknown backend", last_error_;
  std::uint32_t chunk_ = 0, position_ = 0;
};

}  // namespace
}  // namespace gemma4::bench

int main() {
  gemma4::bench::LlamaEngine engine;
  return gemma4::bench::serve(engine);
}
