// The bytes of a packed file are a promise to files that exist: a changed layout must change its
// name.
#include <xxhash.h>

#include "io/gguf.hpp"
#include "weights/packed_fixture.hpp"
#include "weights/packed_header.hpp"
#include "weights/sketch.hpp"

namespace gemma4::test {

TEST_CASE("the layout with this name has these bytes") {
  SyntheticModel model;
  model.change = [](WrittenTensor& tensor) {
    for (const auto& [name, type] : {std::pair{"blk.0.attn_q.weight", TensorType::q4_0},
                                     std::pair{"blk.1.attn_q.weight", TensorType::q8_0},
                                     std::pair{"blk.0.ffn_up.weight", TensorType::q6_k},
                                     std::pair{"blk.1.ffn_up.weight", TensorType::f32},
                                     std::pair{"blk.0.ffn_gate.weight", TensorType::f16},
                                     std::pair{"blk.1.ffn_gate.weight", TensorType::bf16}}) {
      if (tensor.name != name) continue;
      const TensorTypeTraits& traits = *tensor_type_traits(type);
      tensor.type = static_cast<std::uint32_t>(type);
      tensor.data.resize(tensor.ne[0] * tensor.ne[1] / traits.block_elements * traits.block_bytes);
      for (std::size_t i = 0; i < tensor.data.size(); ++i)
        tensor.data[i] = static_cast<char>((static_cast<std::uint32_t>(i) * 2654435761u >> 13) &
                                           0x3b);  // no NaN
    }
  };
  const PackedFixture fixture(model);
  fixture.pack_it();
  const Checkpoint file = open_gguf(fixture.packed);
  std::uint64_t hash = 0;
  for (const char* name :
       {"blk.0.attn_q.weight", "blk.1.attn_q.weight", "blk.0.ffn_up.weight", "blk.1.ffn_up.weight",
        "blk.0.ffn_gate.weight", "blk.1.ffn_gate.weight"}) {
    const auto bytes = file.tensors.find(name)->bytes;
    hash = XXH64(bytes.data(), bytes.size(), hash);
  }
  std::string rows;
  for (std::uint32_t i = 0; i < 16 * 300; ++i)
    append_number(rows, static_cast<float>((i * 2654435761u >> 13) % 2001) - 1000.0f);
  std::vector<std::byte> sketch(tile_bytes(MatrixFormat::sketch, 300));
  sketch_tile(TensorType::f32, reinterpret_cast<const std::byte*>(rows.data()), 1200, 16, 300,
              sketch.data());
  hash = XXH64(sketch.data(), sketch.size(), hash);
  INFO("layout changed: give kPackedLayout a new name, and this test its hash");
  CHECK(std::string(kPackedLayout) == "16x4-1");
  CHECK(hash == 14429121274751842359u);
}

}  // namespace gemma4::test
