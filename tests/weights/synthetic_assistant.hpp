// A small random assistant for SyntheticModel, as a GGUF in memory. Its width and its number of
// query heads differ from the model's.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "weights/synthetic_model.hpp"

namespace gemma4::test {

struct SyntheticAssistant {
  static constexpr std::uint32_t kHidden = 512, kHeads = 8, kFeedForward = 256, kLayers = 4;

  TensorType matrices = TensorType::q4_0;
  TensorType embedding = TensorType::q6_k;
  std::uint32_t tokens = SyntheticModel::kVocabulary;
  std::uint32_t centroids = 0;  ///< 0: a dense head
  TensorType ordering = TensorType::i64;
  std::function<void(WrittenTensor&)> change;        ///< looks at every tensor before it is written
  std::function<bool(const std::string&)> keep_key;  ///< false leaves a key out
  std::function<void(GgufWriter&)> more_keys;

  static bool full(std::uint32_t layer) { return layer == 3; }
  static std::uint32_t head_size(std::uint32_t layer) { return full(layer) ? 128 : 64; }

  std::string bytes() const {
    GgufWriter file;
    keys(file);
    Random random(7);
    const auto put = [&](WrittenTensor tensor) {
      if (change) change(tensor);
      if (!tensor.name.empty()) file.tensors.push_back(std::move(tensor));
    };
    const auto add = [&](const std::string& name, std::vector<std::uint64_t> ne, TensorType type) {
      WrittenTensor tensor{name, ne, static_cast<std::uint32_t>(type), "", {}};
      tensor.data =
          SyntheticModel::random_data(random, ne, type, name.find("norm") != std::string::npos);
      put(std::move(tensor));
    };
    const std::uint64_t hidden = kHidden, backbone = SyntheticModel::kHidden;
    add("token_embd.weight", {hidden, tokens}, embedding);
    add("output_norm.weight", {hidden}, TensorType::f32);
    put(SyntheticModel::rope_factors());
    add("nextn.pre_projection.weight", {2 * backbone, hidden}, matrices);
    add("nextn.post_projection.weight", {hidden, backbone}, matrices);
    for (std::uint32_t i = 0; i < kLayers; ++i) layer(i, add);
    if (centroids != 0) {
      add("masked_embd_centroids.weight", {hidden, centroids}, matrices);
      put(shuffled_tokens(random));
    }
    return file.bytes();
  }

 private:
  template <typename Add>
  void layer(std::uint32_t i, const Add& add) const {
    const std::string blk = "blk." + std::to_string(i) + ".";
    const std::uint64_t q = kHeads * head_size(i), hidden = kHidden;
    add(blk + "attn_q.weight", {hidden, q}, matrices);
    add(blk + "attn_output.weight", {q, hidden}, matrices);
    add(blk + "ffn_gate.weight", {hidden, kFeedForward}, matrices);
    add(blk + "ffn_up.weight", {hidden, kFeedForward}, matrices);
    add(blk + "ffn_down.weight", {kFeedForward, hidden}, matrices);
    for (const char* norm : {"attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"})
      add(blk + norm + ".weight", {hidden}, TensorType::f32);
    add(blk + "attn_q_norm.weight", {head_size(i)}, TensorType::f32);
    add(blk + "layer_output_scale.weight", {1}, TensorType::f32);
  }

  WrittenTensor shuffled_tokens(Random& random) const {
    std::vector<std::int64_t> order(tokens);
    for (std::uint32_t i = 0; i < tokens; ++i) order[i] = i;
    for (std::uint32_t i = tokens; i > 1; --i) std::swap(order[i - 1], order[random.bits() % i]);
    WrittenTensor tensor{
        "masked_embd_ordering", {tokens}, static_cast<std::uint32_t>(ordering), "", {}};
    for (const std::int64_t token : order) {
      if (ordering == TensorType::i64)
        append_number(tensor.data, token);
      else
        append_number(tensor.data, static_cast<std::int32_t>(token));
    }
    return tensor;
  }

  void keys(GgufWriter& file) const {
    const std::string prefix = "gemma4-assistant.";
    const auto wanted = [&](const std::string& key) { return !keep_key || keep_key(key); };
    const auto number = [&](const char* key, std::uint32_t value) {
      if (wanted(prefix + key)) file.value(prefix + key, value);
    };
    if (wanted("general.architecture")) file.text("general.architecture", "gemma4-assistant");
    file.text("general.name", "a synthetic assistant");
    number("block_count", kLayers);
    number("context_length", 4096);
    number("embedding_length", kHidden);
    number("embedding_length_out", SyntheticModel::kHidden);
    number("feed_forward_length", kFeedForward);
    number("attention.head_count", kHeads);
    if (wanted(prefix + "attention.head_count_kv"))
      file.array<std::int32_t>(prefix + "attention.head_count_kv", {2, 2, 2, 1});
    number("attention.key_length", head_size(3));
    number("attention.value_length", head_size(3));
    number("attention.key_length_swa", head_size(0));
    number("attention.value_length_swa", head_size(0));
    number("attention.sliding_window", SyntheticModel::kWindow);
    number("attention.shared_kv_layers", kLayers);
    if (wanted(prefix + "attention.sliding_window_pattern"))
      file.array<bool>(prefix + "attention.sliding_window_pattern", {true, true, true, false});
    if (wanted(prefix + "attention.layer_norm_rms_epsilon"))
      file.value(prefix + "attention.layer_norm_rms_epsilon", 1e-6f);
    for (const auto& [key, value] :
         {std::pair{"rope.freq_base", 1e6f}, {"rope.freq_base_swa", 1e4f}}) {
      if (wanted(prefix + key)) file.value(prefix + key, value);
    }
    SyntheticModel vocabulary;
    vocabulary.tokens = tokens;
    vocabulary.keep_key = keep_key;
    vocabulary.vocabulary(file);
    if (more_keys) more_keys(file);
  }
};

}  // namespace gemma4::test
