#include "reference/checkpoint.hpp"

#include <cstring>
#include <stdexcept>

#include "io/gguf.hpp"
#include "weights/block_formats.hpp"

namespace gemma4::reference {
namespace {

// Integers stay what they are.
Matrix integers(const TensorView& tensor) {
  const bool wide = tensor.type == TensorType::i64;
  Matrix row(1, static_cast<Index>(tensor.elements()));
  for (Index i = 0; i < row.cols(); ++i) {
    std::int64_t value = 0;
    std::int32_t narrow = 0;
    if (wide)
      std::memcpy(&value, tensor.bytes.data() + i * 8, 8);
    else
      std::memcpy(&narrow, tensor.bytes.data() + i * 4, 4);
    row(0, i) = static_cast<double>(wide ? value : narrow);
  }
  return row;
}

Matrix dequantised(const TensorView& tensor) {
  const std::size_t columns = tensor.ne[0], rows = tensor.ne[1] * tensor.ne[2] * tensor.ne[3];
  Matrix matrix(static_cast<Index>(rows), static_cast<Index>(columns));
  std::vector<float> row(columns);
  for (std::size_t r = 0; r < rows; ++r) {
    dequantize_row(tensor.type, tensor.bytes.subspan(r * tensor.row_bytes(), tensor.row_bytes()),
                   row);
    for (std::size_t c = 0; c < columns; ++c) {
      matrix(static_cast<Index>(r), static_cast<Index>(c)) = row[c];
    }
  }
  return matrix;
}

// A key with one value for all layers or one for each.
std::vector<std::uint64_t> per_layer(const Metadata& metadata, const std::string& key,
                                     std::size_t layers) {
  std::vector<std::uint64_t> values = metadata.unsigned_array(key).value();
  if (values.size() == 1) values.assign(layers, values[0]);
  return values;
}

}  // namespace

Checkpoint::Checkpoint(const std::string& path) {
  const gemma4::Checkpoint file = open_gguf(path);
  const Metadata& metadata = file.metadata;
  const std::string prefix = std::string(metadata.text("general.architecture").value()) + ".";
  const auto integer = [&](const char* key) {
    return static_cast<Index>(metadata.unsigned_integer(prefix + key).value());
  };
  const auto real = [&](const char* key) { return metadata.real(prefix + key).value(); };

  hidden_size = integer("embedding_length");
  query_heads = integer("attention.head_count");
  window = integer("attention.sliding_window");
  epsilon = real("attention.layer_norm_rms_epsilon");
  softcap = metadata.real(prefix + "final_logit_softcapping").value_or(0.0);

  const std::size_t count = static_cast<std::size_t>(integer("block_count"));
  const auto kv_heads = per_layer(metadata, prefix + "attention.head_count_kv", count);
  const auto sliding = metadata.boolean_array(prefix + "attention.sliding_window_pattern").value();
  for (std::size_t i = 0; i < count; ++i) {
    Layer layer;
    layer.full_attention = !sliding.at(i);
    layer.kv_heads = static_cast<Index>(kv_heads.at(i));
    layer.head_size =
        integer(layer.full_attention ? "attention.key_length" : "attention.key_length_swa");
    layer.rope_base = real(layer.full_attention ? "rope.freq_base" : "rope.freq_base_swa");
    layers.push_back(layer);
  }
  for (const TensorView& tensor : file.tensors.all()) {
    const bool whole = tensor.type == TensorType::i32 || tensor.type == TensorType::i64;
    tensors[tensor.name] = whole ? integers(tensor) : dequantised(tensor);
  }
}

const Matrix& Checkpoint::operator[](const std::string& name) const {
  const auto found = tensors.find(name + ".weight");
  if (found == tensors.end()) throw std::runtime_error("no tensor " + name + ".weight");
  return found->second;
}

}  // namespace gemma4::reference
