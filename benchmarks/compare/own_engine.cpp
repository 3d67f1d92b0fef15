// gemma4-compare-own: this library. It is driven below Session, as a session drives it, because
// only there can a deep context be made without evaluating it.
#include <algorithm>
#include <cstring>
#include <optional>

#include "base/error.hpp"
#include "engine.hpp"
#include "gemma4/version.hpp"
#include "machine/limits.hpp"
#include "model/forward.hpp"
#include "session/model_impl.hpp"

namespace gemma4::bench {
namespace {

class OwnEngine : public Engine {
 public:
  std::string load(const EngineOptions& options) override {
    LoadOptions load;
    load.threads = options.threads;
    load.isa = isa_of(options.isa);
    load.activations = activations_of(options.activations);
    model_ = Model::load(options.model, load);
    SessionOptions session;
    session.context_tokens = options.context;
    session.kv = kv_of(options.kv);
    const ModelConfig& config = network().config;
    session = settled(session, config, false);
    const WorkspaceShape shape = workspace_shape(session, model_->threads());
    batch_ = shape.batch;
    work_.emplace(config, shape);
    cache_.emplace(config, session.kv, session.context_tokens, shape.batch);
    forward_.emplace(network(), *model_->impl()->pool, *work_);
    return format_text("gemma4 %s, %s kernels, KV %s", version(), isa_name(model_->isa()),
                       options.kv.c_str());
  }

  std::uint32_t vocabulary() const override { return network().config.vocabulary; }

  double read_weights() override {
    const Weights& weights = network().weights;
    const std::span<const std::byte> memory =
        weights.files.empty()
            ? std::span<const std::byte>(weights.memory.data(), weights.memory.size_bytes())
            : weights.files.front().bytes();
    WorkerPool& pool = *model_->impl()->pool;
    return std::min(read_seconds(pool, memory, true), read_seconds(pool, memory, false));
  }

  void evaluate(std::span<const std::int32_t> tokens, bool all_logits) override {
    while (!tokens.empty()) {
      const std::size_t rows = std::min<std::size_t>(tokens.size(), batch_);
      const bool last = rows == tokens.size();
      forward_->run(tokens.first(rows), position_, *cache_, nullptr);
      const auto count = static_cast<std::uint32_t>(rows);
      position_ += count;
      std::uint32_t row = all_logits ? 0 : last ? count - 1 : count;
      for (; row < count; row += kLogitRows) {
        const std::uint32_t some = std::min(kLogitRows, count - row);
        forward_->logits(row, some, nullptr);
        last_row_ = some - 1;
      }
      tokens = tokens.subspan(rows);
    }
  }

  std::span<const float> logits() override { return forward_->logits_row(last_row_); }

  void rewind(std::uint32_t position) override {
    if (position == 0) cache_->reset();
    position_ = position;
  }

  void stretch(std::uint32_t depth) override {
    cache_->open(position_, depth);
    const ModelConfig& config = network().config;
    for (std::size_t layer = 0; layer < config.layers.size(); ++layer) {
      const std::uint32_t needed = config.layers[layer].sliding ? config.window : depth;
      std::uint32_t to = std::max(position_, depth - std::min(needed, depth)) / kChunk * kChunk;
      for (; to < depth; to += kChunk) copy_chunk(layer, to % position_, to);
    }
    position_ = depth;
  }

 private:
  const Network& network() const { return *model_->impl()->network; }

  static Isa isa_of(const std::string& name) {
    if (name.empty()) return Isa::automatic;
    for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avxvnni, Isa::avx512}) {
      if (name == isa_name(isa)) return isa;
    }
    fail(ErrorCode::invalid_argument, "unknown instruction set " + name);
  }

  static ActivationType activations_of(const std::string& name) {
    if (name == "auto") return ActivationType::automatic;
    if (name == "int8") return ActivationType::int8;
    if (name == "int16") return ActivationType::int16;
    fail(ErrorCode::invalid_argument, "unknown type of activations " + name);
  }

  static KvType kv_of(const std::string& name) {
    if (name == "f16") return KvType::f16;
    if (name == "f32") return KvType::f32;
    if (name == "q8_0") return KvType::q8_0;
    fail(ErrorCode::invalid_argument, "unknown type of KV rows " + name);
  }

  void copy_chunk(std::size_t layer, std::uint32_t from, std::uint32_t to) {
    const std::size_t bytes = cache_->row(layer).bytes();
    for (std::uint32_t head = 0; head < network().config.layers[layer].kv_heads; ++head) {
      std::memmove(cache_->keys(layer, head, to), cache_->keys(layer, head, from), bytes);
      std::memmove(cache_->values(layer, head, to), cache_->values(layer, head, from), bytes);
    }
  }

  std::optional<Model> model_;
  std::optional<Workspace> work_;
  std::optional<KvCache> cache_;
  std::optional<Forward> forward_;
  std::uint32_t batch_ = 0, position_ = 0, last_row_ = 0;
};

}  // namespace
}  // namespace gemma4::bench

int main() {
  gemma4::bench::OwnEngine engine;
  return gemma4::bench::serve(engine);
}
