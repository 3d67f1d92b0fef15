#include "weights/hf_tensors.hpp"

#include <cstring>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "weights/hf_names.hpp"

namespace gemma4 {
namespace {

constexpr std::string_view kPacked = ".weight_packed", kScale = ".weight_scale",
                           kShape = ".weight_shape", kZero = ".weight_zero_point",
                           kOrder = ".weight_g_idx", kWeight = ".weight";

constexpr std::uint64_t kCodesPerWord = 8;

constexpr std::string_view kHeadCentroids = "masked_embd_centroids.weight",
                           kHeadOrder = "masked_embd_ordering";

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text = "[";
  for (const std::uint64_t extent : shape)
    text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

/// The module's name when `name` ends in `suffix`.
std::optional<std::string_view> module_of(std::string_view name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return std::nullopt;
  return name.substr(0, name.size() - suffix.size());
}

/// Tensors that are left out, of one kind.
struct LeftOut {
  std::uint64_t count = 0, bytes = 0;
  std::string first;

  void add(const SafetensorsTensor& tensor) {
    if (count++ == 0) first = in_quotes(tensor.name);
    bytes += tensor.bytes.size();
  }
  void note(const char* kind, Checkpoint& out) const {
    if (count == 0) return;
    out.notes.push_back(std::string(kind) + ": " + std::to_string(count) +
                        (count == 1 ? " tensor, " : " tensors, ") + std::to_string(bytes) +
                        " bytes, not used (" + (count == 1 ? "" : "the first is ") + first + ")");
  }
};

class Builder {
 public:
  Builder(const SafetensorsFiles& source, const std::string& folder, const HfConfig& config,
          const HfQuantization& quantization, Checkpoint& out)
      : source_(source), folder_(folder), config_(config), quantization_(quantization), out_(out) {
    for (const SafetensorsTensor& tensor : source_.tensors) by_name_.emplace(tensor.name, &tensor);
  }

  void run() {
    for (const SafetensorsTensor& tensor : source_.tensors) {
      const HfPart part = hf_part(tensor.name);
      if (part == HfPart::vision) {
        vision_.add(tensor);
      } else if (part == HfPart::audio) {
        audio_.add(tensor);
      } else if (const auto packed = module_of(tensor.name, kPacked)) {
        add_packed(*packed, tensor);
      } else if (!is_companion(tensor)) {
        add_plain(tensor);
      }
    }
    vision_.note("vision", out_);
    audio_.note("audio", out_);
    head_.note("head, which is the embedding", out_);
    others_.note("other", out_);
    if (!config_.assistant) check_values();
    if (config_.centroids) check_centroids();
    add_rope_factors();
  }

 private:
  [[noreturn]] void refuse(std::string_view tensor, const std::string& expected,
                           const std::string& found, ErrorCode code = ErrorCode::format) const {
    fail(code, folder_ + ": tensor " + in_quotes(tensor, 160) + ": expected " + expected +
                   ", found " + found);
  }

  const SafetensorsTensor* find(std::string_view module, std::string_view suffix) const {
    const auto found = by_name_.find(std::string(module).append(suffix));
    return found != by_name_.end() ? found->second : nullptr;
  }
  const SafetensorsTensor& require(std::string_view module, std::string_view suffix) const {
    const SafetensorsTensor* tensor = find(module, suffix);
    if (tensor == nullptr) {
      refuse(std::string(module).append(suffix), "it beside " + in_quotes(module) + " packed",
             "no such tensor");
    }
    return *tensor;
  }

  /// Whether it belongs to a packed matrix and was looked at there.
  bool is_companion(const SafetensorsTensor& tensor) const {
    for (const std::string_view suffix : {kScale, kShape, kZero, kOrder}) {
      const auto module = module_of(tensor.name, suffix);
      if (!module) continue;
      require(*module, kPacked);
      return true;
    }
    return false;
  }

  /// Whether a tensor is one of those that the configuration says have no use.
  bool is_left_out(const SafetensorsTensor& tensor, const std::string& name) {
    if (name == "output.weight" && config_.tied) {
      head_.add(tensor);
      return true;
    }
    const bool unused = (!config_.centroids && name.starts_with("masked_embd_")) ||
                        (config_.value_from_key && is_value_of_full(name));
    if (unused) others_.add(tensor);
    return unused;
  }

  bool is_value_of_full(const std::string& name) const {
    for (std::size_t i = 0; i < config_.sliding.size(); ++i) {
      if (!config_.sliding[i] && name == value_name(i)) return true;
    }
    return false;
  }

  static std::string value_name(std::size_t layer) {
    return "blk." + std::to_string(layer) + ".attn_v.weight";
  }

  void add(TensorView view, std::string_view hf) {
    if (!out_.tensors.add(std::move(view)))
      refuse(hf, "one tensor of this meaning", "another one too");
  }

  void add_plain(const SafetensorsTensor& tensor) {
    const auto name = gguf_name(tensor.name);
    if (!name) {
      if (tensor.name.ends_with(".bias"))
        refuse(tensor.name, "no biases", "one", ErrorCode::unsupported);
      others_.add(tensor);
      return;
    }
    if (is_left_out(tensor, *name)) return;
    if (!tensor.type->type) {
      refuse(tensor.name, "F32, F16 or BF16, or packed 4-bit codes", tensor.type->name,
             ErrorCode::unsupported);
    }
    TensorView view;
    view.name = *name;
    view.type = *tensor.type->type;
    const std::size_t dimensions = tensor.shape.size();
    if (dimensions == 0 || dimensions > view.ne.size() || tensor.bytes.empty())
      refuse(tensor.name, "1 to 4 dimensions above 0", shape_text(tensor.shape));
    view.dimensions = static_cast<std::uint32_t>(dimensions);
    for (std::size_t i = 0; i < dimensions; ++i) view.ne[i] = tensor.shape[dimensions - 1 - i];
    view.bytes = tensor.bytes;
    add(std::move(view), tensor.name);
  }

  void add_packed(std::string_view module, const SafetensorsTensor& codes) {
    const auto name = gguf_name(std::string(module).append(kWeight));
    if (!name) {
      others_.add(codes);
      return;
    }
    if (is_left_out(codes, *name)) return;
    const QuantizationScheme* scheme = quantization_.scheme_of(module);
    if (scheme == nullptr)
      refuse(codes.name, "a module that quantization_config names and does not ignore", "another");
    if (find(module, kOrder) != nullptr) {
      refuse(std::string(module).append(kOrder), "columns in their order", "another order",
             ErrorCode::unsupported);
    }
    TensorView view;
    view.name = *name;
    view.type = TensorType::i4;
    view.dimensions = 2;
    view.bytes = codes.bytes;
    read_shape(module, view);
    check(codes, "I32", {view.ne[1], view.ne[0] / kCodesPerWord});
    add_groups(module, *scheme, view);
    add(std::move(view), codes.name);
  }

  void read_shape(std::string_view module, TensorView& view) const {
    const SafetensorsTensor& shape = require(module, kShape);
    check(shape, "I64", {2});
    std::int64_t extent[2];
    std::memcpy(extent, shape.bytes.data(), sizeof extent);
    // far above every real matrix; products with it fit 64 bits
    constexpr std::int64_t kMost = std::int64_t{1} << 30;
    if (extent[0] < 1 || extent[0] > kMost || extent[1] < 1 || extent[1] > kMost ||
        extent[1] % 32 != 0) {
      refuse(shape.name, "rows, and columns in a multiple of 32",
             "[" + std::to_string(extent[0]) + ", " + std::to_string(extent[1]) + "]");
    }
    view.ne[0] = static_cast<std::uint64_t>(extent[1]);
    view.ne[1] = static_cast<std::uint64_t>(extent[0]);
  }

  void add_groups(std::string_view module, const QuantizationScheme& scheme,
                  TensorView& view) const {
    const std::uint64_t columns = scheme.group != 0 ? scheme.group : view.ne[0];
    const SafetensorsTensor& scale = require(module, kScale);
    if (view.ne[0] % columns != 0) {
      refuse(scale.name, "rows of a multiple of " + std::to_string(columns) + ", the group_size",
             std::to_string(view.ne[0]));
    }
    const std::uint64_t groups = view.ne[0] / columns;
    const auto type = scale.type->type;
    if (type != TensorType::bf16 && type != TensorType::f16 && type != TensorType::f32)
      refuse(scale.name, "BF16, F16 or F32", scale.type->name, ErrorCode::unsupported);
    check(scale, scale.type->name, {view.ne[1], groups});
    view.groups = {*type, columns, scale.bytes, {}};
    const SafetensorsTensor* zero = find(module, kZero);
    if (scheme.symmetric) {
      if (zero != nullptr) refuse(zero->name, "none, as symmetric says", "zero points");
      return;
    }
    const std::uint64_t words = (view.ne[1] + kCodesPerWord - 1) / kCodesPerWord;
    check(require(module, kZero), "I32", {words, groups});
    view.groups.zeros = zero->bytes;
  }

  void check(const SafetensorsTensor& tensor, std::string_view type,
             const std::vector<std::uint64_t>& shape) const {
    if (tensor.type->name != type)
      refuse(tensor.name, std::string(type), tensor.type->name, ErrorCode::unsupported);
    if (tensor.shape != shape)
      refuse(tensor.name, "shape " + shape_text(shape), shape_text(tensor.shape));
  }

  /// Full layers leave their V out when the configuration says so, not otherwise.
  void check_values() const {
    for (std::size_t i = 0; i < config_.sliding.size() && !config_.value_from_key; ++i) {
      if (!config_.sliding[i] && out_.tensors.find(value_name(i)) == nullptr) {
        refuse("layers." + std::to_string(i) + ".self_attn.v_proj",
               "it, as attention_k_eq_v is not true", "no such tensor");
      }
    }
  }

  /// A head that chooses clusters first has their centroids, as many as the configuration says, and
  /// the order of tokens.
  void check_centroids() const {
    for (const std::string_view name : {kHeadCentroids, kHeadOrder}) {
      const TensorView* found = out_.tensors.find(name);
      const std::string hf = hf_name(name, true).value_or(std::string(name));
      if (found == nullptr) refuse(hf, "it, as use_ordered_embeddings is true", "no such tensor");
      const std::uint64_t rows = config_.centroid_count.value_or(found->ne[1]);
      if (name == kHeadCentroids && found->ne[1] != rows) {
        refuse(hf, std::to_string(rows) + " rows, as num_centroids says",
               std::to_string(found->ne[1]));
      }
    }
  }

  void add_rope_factors() {
    const std::vector<float>& factors = config_.rope_factors;
    if (factors.empty()) return;
    const std::string& bytes = out_.texts.emplace_back(
        reinterpret_cast<const char*>(factors.data()), factors.size() * sizeof(float));
    TensorView view;
    view.name = "rope_freqs.weight";
    view.ne[0] = factors.size();
    view.bytes = std::as_bytes(std::span(bytes));
    out_.tensors.add(std::move(view));
  }

  const SafetensorsFiles& source_;
  const std::string& folder_;
  const HfConfig& config_;
  const HfQuantization& quantization_;
  Checkpoint& out_;
  std::map<std::string, const SafetensorsTensor*, std::less<>> by_name_;
  LeftOut vision_, audio_, head_, others_;
};

}  // namespace

void add_hf_tensors(const SafetensorsFiles& source, const std::string& folder,
                    const HfConfig& config, const HfQuantization& quantization, Checkpoint& out) {
  Builder(source, folder, config, quantization, out).run();
}

}  // namespace gemma4
