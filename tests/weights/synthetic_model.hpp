// A small random Gemma 4 with every layer kind, as a GGUF in memory: what tests change one thing
// of.
#pragma once

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "base/half.hpp"
#include "io/gguf_writer.hpp"
#include "kernels/random.hpp"

namespace gemma4::test {

struct SyntheticModel {
  static constexpr std::uint32_t kHidden = 256, kHeads = 4, kFeedForward = 512, kVocabulary = 512,
                                 kWindow = 8, kLayers = 3;

  TensorType matrices = TensorType::q4_0;  ///< of all linear layers
  TensorType embedding = TensorType::q6_k;
  bool fused = false;          ///< attn_qkv instead of three projections
  bool untied = false;         ///< an output matrix of its own
  bool value_on_full = false;  ///< a V projection on the full layer too
  int turning_pairs = 16;  ///< of the full layer's 64, by rope_freqs.weight; -1: without the tensor
  std::uint32_t tokens = kVocabulary;                ///< at least kVocabulary
  std::uint32_t context = 4096;                      ///< the longest
  std::vector<std::string> words;                    ///< pieces of text that the vocabulary has
  std::function<void(WrittenTensor&)> change;        ///< looks at every tensor before it is written
  std::function<bool(const std::string&)> keep_key;  ///< false leaves a key out
  std::function<void(GgufWriter&)> more_keys;

  static std::uint32_t head_size(std::uint32_t layer) { return layer == 2 ? 128 : 64; }
  static std::uint32_t kv_heads(std::uint32_t layer) { return layer == 2 ? 1 : 2; }

  std::string bytes() const {
    GgufWriter file;
    keys(file);
    Random random(99);
    const std::uint64_t hidden = kHidden, vocabulary = tokens;
    const auto add = [&](const std::string& name, std::vector<std::uint64_t> ne, TensorType type) {
      WrittenTensor tensor{name, ne, static_cast<std::uint32_t>(type), "", {}};
      tensor.data = random_data(random, ne, type, name.find("norm") != std::string::npos);
      if (change) change(tensor);
      if (!tensor.name.empty()) file.tensors.push_back(std::move(tensor));
    };
    add("token_embd.weight", {hidden, vocabulary}, embedding);
    if (untied) add("output.weight", {hidden, vocabulary}, embedding);
    add("output_norm.weight", {hidden}, TensorType::f32);
    if (turning_pairs >= 0) file.tensors.push_back(rope_factors(turning_pairs));
    for (std::uint32_t i = 0; i < kLayers; ++i) layer(i, add);
    return file.bytes();
  }

  static WrittenTensor rope_factors(int turning = 16) {
    WrittenTensor tensor{"rope_freqs.weight", {64}, 0, "", {}};
    for (int i = 0; i < 64; ++i) append_number(tensor.data, i < turning ? 1.0f : 1e30f);
    return tensor;
  }

  /// Random codes with scales that keep activations near 1.
  static std::string random_data(Random& random, const std::vector<std::uint64_t>& ne,
                                 TensorType type, bool norm) {
    std::uint64_t count = 1;
    for (const std::uint64_t n : ne) count *= n;
    std::string out;
    const auto half = [&](float x) { append_number(out, float_to_half(x)); };
    const auto code_bytes = [&](int n) {
      for (int i = 0; i < n; ++i) out += static_cast<char>(random.bits());
    };
    switch (type) {
      case TensorType::f32:
        for (std::uint64_t i = 0; i < count; ++i)
          append_number(
              out, norm || ne.size() == 1 ? 1.0f + 0.2f * random.unit() : 0.1f * random.unit());
        break;
      case TensorType::f16:
        for (std::uint64_t i = 0; i < count; ++i) half(0.1f * random.unit());
        break;
      case TensorType::bf16:
        for (std::uint64_t i = 0; i < count; ++i) {
          std::uint32_t bits;
          const float x = 0.1f * random.unit();
          std::memcpy(&bits, &x, 4);
          append_number(out, static_cast<std::uint16_t>(bits >> 16));
        }
        break;
      case TensorType::q4_0:
        for (std::uint64_t i = 0; i < count / 32; ++i) half(0.012f * random.unit()), code_bytes(16);
        break;
      case TensorType::q4_1:
        for (std::uint64_t i = 0; i < count / 32; ++i) half(0.012f), half(-0.09f), code_bytes(16);
        break;
      case TensorType::q5_0:
        for (std::uint64_t i = 0; i < count / 32; ++i) half(0.006f * random.unit()), code_bytes(20);
        break;
      case TensorType::q8_0:
        for (std::uint64_t i = 0; i < count / 32; ++i)
          half(0.0008f * random.unit()), code_bytes(32);
        break;
      case TensorType::q4_k:
        for (std::uint64_t i = 0; i < count / 256; ++i)
          half(0.0003f), half(0.002f), code_bytes(140);
        break;
      case TensorType::q5_k:
        for (std::uint64_t i = 0; i < count / 256; ++i)
          half(0.0002f), half(0.002f), code_bytes(172);
        break;
      case TensorType::q6_k:
        for (std::uint64_t i = 0; i < count / 256; ++i)
          code_bytes(208), half(0.00004f * random.unit());
        break;
      default:
        break;
    }
    return out;
  }

  /// What the tokens are, by id: 256 bytes, the marks of the chat format, `words`, and then "wN".
  std::vector<std::string> pieces() const {
    std::vector<std::string> pieces = {"<pad>", "<eos>", "<bos>", "<unk>"};
    for (int i = 0; i < 256; ++i) {
      char text[8];
      std::snprintf(text, sizeof text, "<0x%02X>", i);
      pieces.push_back(text);
    }
    pieces.insert(pieces.end(), {"<|turn>", "<turn|>", "<|channel>", "<channel|>", "<|think|>",
                                 "<|tool>", "<tool|>", "<|tool_call>", "<tool_call|>",
                                 "<|tool_response>", "<tool_response|>", "<|\"|>", "w", "1", "w1"});
    pieces.insert(pieces.end(), words.begin(), words.end());
    while (pieces.size() < tokens) pieces.push_back("w" + std::to_string(pieces.size()));
    return pieces;
  }

  void vocabulary(GgufWriter& file) const {
    const std::vector<std::string> pieces = this->pieces();
    std::vector<std::int32_t> types(pieces.size(), 1);          // words
    std::fill(types.begin(), types.begin() + 4 + 256 + 12, 3);  // marks
    std::fill(types.begin() + 4, types.begin() + 4 + 256, 6);   // bytes
    types[3] = 2;                                               // unknown
    const auto wanted = [&](const char* key) { return !keep_key || keep_key(key); };
    if (wanted("tokenizer.ggml.model")) file.text("tokenizer.ggml.model", "gemma4");
    if (wanted("tokenizer.ggml.tokens")) file.array("tokenizer.ggml.tokens", pieces);
    file.array("tokenizer.ggml.token_type", types)
        .array<std::string>("tokenizer.ggml.merges", {"w 1"});
    file.value("tokenizer.ggml.bos_token_id", std::uint32_t{2})
        .value("tokenizer.ggml.eos_token_id", std::uint32_t{1});
  }

 private:
  template <typename Add>
  void layer(std::uint32_t i, const Add& add) const {
    const std::string blk = "blk." + std::to_string(i) + ".";
    const std::uint64_t q = kHeads * head_size(i), kv = kv_heads(i) * head_size(i),
                        hidden = kHidden;
    const bool value = i != 2 || value_on_full;
    // the parts are drawn in one order whether fused or not, so both forms hold the same numbers
    if (fused) {
      add(blk + "attn_qkv.weight", {hidden, q + kv + (value ? kv : 0)}, matrices);
    } else {
      add(blk + "attn_q.weight", {hidden, q}, matrices);
      add(blk + "attn_k.weight", {hidden, kv}, matrices);
      if (value) add(blk + "attn_v.weight", {hidden, kv}, matrices);
    }
    add(blk + "attn_output.weight", {q, hidden}, matrices);
    add(blk + "ffn_gate.weight", {hidden, kFeedForward}, matrices);
    add(blk + "ffn_up.weight", {hidden, kFeedForward}, matrices);
    add(blk + "ffn_down.weight", {kFeedForward, hidden}, matrices);
    for (const char* norm : {"attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"})
      add(blk + norm + ".weight", {hidden}, TensorType::f32);
    for (const char* norm : {"attn_q_norm", "attn_k_norm"})
      add(blk + norm + ".weight", {head_size(i)}, TensorType::f32);
    add(blk + "layer_output_scale.weight", {1}, TensorType::f32);
  }

  void keys(GgufWriter& file) const {
    const auto wanted = [&](const char* key) { return !keep_key || keep_key(key); };
    const auto number = [&](const char* key, std::uint32_t value) {
      if (wanted(key)) file.value(key, value);
    };
    if (wanted("general.architecture")) file.text("general.architecture", "gemma4");
    number("gemma4.block_count", kLayers);
    number("gemma4.context_length", context);
    number("gemma4.embedding_length", kHidden);
    number("gemma4.feed_forward_length", kFeedForward);
    number("gemma4.attention.head_count", kHeads);
    if (wanted("gemma4.attention.head_count_kv"))
      file.array<std::int32_t>("gemma4.attention.head_count_kv", {2, 2, 1});
    number("gemma4.attention.key_length", head_size(2));
    number("gemma4.attention.value_length", head_size(2));
    number("gemma4.attention.key_length_swa", head_size(0));
    number("gemma4.attention.value_length_swa", head_size(0));
    number("gemma4.attention.sliding_window", kWindow);
    if (wanted("gemma4.attention.sliding_window_pattern"))
      file.array<bool>("gemma4.attention.sliding_window_pattern", {true, true, false});
    if (wanted("gemma4.attention.layer_norm_rms_epsilon"))
      file.value("gemma4.attention.layer_norm_rms_epsilon", 1e-6f);
    file.value("gemma4.final_logit_softcapping", 30.0f)
        .value("gemma4.rope.freq_base", 1e6f)
        .value("gemma4.rope.freq_base_swa", 1e4f);
    vocabulary(file);
    if (more_keys) more_keys(file);
  }
};

}  // namespace gemma4::test
