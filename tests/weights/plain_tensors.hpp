// A GGUF's tensors as the safetensors of an unquantised folder.
#pragma once

#include <string>
#include <vector>

#include "weights/hf_fixture.hpp"
#include "weights/hf_names.hpp"

namespace gemma4::test {

/// Every `shards`-th tensor of a GGUF, from number `shard` on, as the bytes of a file: numbers as
/// F32 or BF16, integers and what is BF16 as they are. Adds to the entries of an index's weight_map
/// what is where.
inline std::string plain_tensors(const Checkpoint& gguf, bool assistant, TensorType type, int shard,
                                 int shards, std::string& index) {
  SafetensorsWriter writer;
  int number = 0;
  for (const TensorView& tensor : gguf.tensors.all()) {
    const auto name = hf_name(tensor.name, assistant);
    if (!name || number++ % shards != shard) continue;
    const bool kept = tensor.type == TensorType::i32 || tensor.type == TensorType::i64 ||
                      tensor.type == TensorType::bf16;
    const TensorType written = kept ? tensor.type : type;
    std::string data;
    if (kept) {
      data.assign(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
    } else {
      for (const float value : values_of(tensor)) data += number_bytes(value, type);
    }
    std::vector<std::uint64_t> shape;
    for (std::uint32_t i = tensor.dimensions; i-- > 0;) shape.push_back(tensor.ne[i]);
    writer.add(*name, tensor_type_name(written), shape, data);
    index += std::string(index.empty() ? "" : ",") + "\"" + *name + "\":\"s" +
             std::to_string(shard) + ".safetensors\"";
  }
  return writer.bytes();
}

}  // namespace gemma4::test
