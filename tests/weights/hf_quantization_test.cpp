// quantization_config and the tensors it speaks of, through a folder: every weight is the formula's
// value, whatever the groups, scales and zero points, and beside matrices that are not quantised.
#include <doctest/doctest.h>

#include <vector>

#include "gemma4/gemma4.hpp"
#include "weights/coded_matrix.hpp"
#include "weights/hf_fixture.hpp"
#include "weights/hf_folder.hpp"
#include "weights/hf_names.hpp"

namespace gemma4::test {
namespace {

const std::string kModule = "model.layers.0.self_attn.q_proj";

/// A folder that holds one matrix, and says how it is quantised. An assistant's: those need no
/// vocabulary.
struct OneMatrix {
  HfCopy copy{hf_assistant()};
  void write(const CodedMatrix& matrix, const std::string& strategy, const std::string& group) {
    SafetensorsWriter writer;
    matrix.write(writer, kModule);
    copy.write("model.safetensors", writer.bytes());
    std::string config = copy.original("config.json");
    config = replaced(config, "\"group_size\": 32", "\"group_size\": " + group);
    config = replaced(config, "\"strategy\": \"group\"", "\"strategy\": " + strategy);
    if (!matrix.zeros.empty())
      config = replaced(config, "\"symmetric\": true", "\"symmetric\": false");
    copy.write("config.json", config);
  }
};

}  // namespace

TEST_CASE("every group size, scale type and kind of zero point through a folder") {
  constexpr std::uint64_t kRows = 11, kColumns = 384;  // neither whole words of zero points
  OneMatrix folder;
  for (const std::uint64_t group :
       {std::uint64_t{32}, std::uint64_t{64}, std::uint64_t{128}, kColumns}) {
    for (const TensorType scales : {TensorType::bf16, TensorType::f16, TensorType::f32}) {
      for (const bool symmetric : {true, false}) {
        CAPTURE(group);
        CAPTURE(std::string(tensor_type_name(scales)));
        CAPTURE(symmetric);
        const CodedMatrix matrix(kRows, kColumns, group, scales, symmetric);
        if (group == kColumns)
          folder.write(matrix, "\"channel\"", "null");
        else
          folder.write(matrix, group == 64 ? "null" : "\"group\"", std::to_string(group));
        const Checkpoint file = open_checkpoint(folder.copy.path());
        const TensorView* tensor = file.tensors.find("blk.0.attn_q.weight");
        REQUIRE(tensor != nullptr);
        CHECK(tensor->type == TensorType::i4);
        CHECK(tensor->groups.columns == group);
        CHECK(tensor->groups.type == scales);
        std::vector<float> expected;
        for (std::uint64_t o = 0; o < kRows; ++o) {
          for (std::uint64_t k = 0; k < kColumns; ++k) expected.push_back(matrix.weight(o, k));
        }
        CHECK(same_bits(values_of(*tensor), expected));
      }
    }
  }
}

TEST_CASE("scales of another number of groups than the configuration says") {
  OneMatrix folder;
  const auto refusal = [&](std::uint64_t columns, const std::string& strategy,
                           const std::string& group) {
    folder.write(CodedMatrix(8, columns, 32, TensorType::bf16, true), strategy, group);
    const Error error = error_of([&] { open_checkpoint(folder.copy.path()); });
    CHECK(error.code() == ErrorCode::format);
    CHECK(contains(error.what(), kModule + ".weight_scale"));
    return std::string(error.what());
  };
  CHECK(contains(refusal(384, "\"group\"", "64"), "expected shape [8, 6], found [8, 12]"));
  CHECK(contains(refusal(384, "\"channel\"", "null"), "expected shape [8, 1], found [8, 12]"));
  CHECK(contains(refusal(192, "\"group\"", "128"), "a multiple of 128, the group_size, found 192"));
}

TEST_CASE("layers that an expression leaves unquantised, beside packed ones") {
  const Checkpoint whole = open_checkpoint(hf_target());
  const auto left = [](const std::string& name) {
    return name.starts_with("blk.2.ffn_") && !name.ends_with("norm.weight");
  };
  for (const TensorType type : {TensorType::f32, TensorType::bf16}) {
    CAPTURE(std::string(tensor_type_name(type)));
    const auto rounded = [&](float value) {
      return type == TensorType::f32 ? value : bf16_to_float(bf16_of(value));
    };
    const HfCopy copy(hf_target());
    copy.change("config.json", "\"lm_head\"", "\"re:.*layers\\\\.2\\\\.mlp\\\\..*\", \"lm_head\"");
    copy.write("model.safetensors",
               rewritten([&](auto& name, auto& dtype, auto& shape, auto& data) {
                 const std::size_t module = name.find(".weight_");
                 if (!contains(name, ".layers.2.mlp.") || module == name.npos) return;
                 if (!name.ends_with(".weight_packed")) return name.clear();
                 name.replace(module, name.npos, ".weight");
                 const TensorView& matrix = *whole.tensors.find(*gguf_name(name));
                 dtype = tensor_type_name(type);
                 shape[1] = matrix.ne[0];
                 data.clear();
                 for (const float value : values_of(matrix)) data += number_bytes(value, type);
               }));
    const Checkpoint mixed = open_checkpoint(copy.path());
    CHECK(mixed.tensors.all().size() == whole.tensors.all().size());
    int plain = 0, packed = 0;
    for (const TensorView& expected : whole.tensors.all()) {
      CAPTURE(expected.name);
      const TensorView* found = mixed.tensors.find(expected.name);
      REQUIRE(found != nullptr);
      std::vector<float> values = values_of(expected);
      if (left(expected.name)) {
        ++plain;
        CHECK(found->type == type);
        for (float& value : values) value = rounded(value);
      } else {
        packed += found->type == TensorType::i4;
        CHECK(found->type == expected.type);
      }
      CHECK(found->ne == expected.ne);
      CHECK(same_bits(values_of(*found), values));
    }
    CHECK(plain == 3);
    CHECK(packed == 38);
    CHECK(Model::load(copy.path()).info().activations == ActivationType::int16);
    copy.change("config.json", "\"lm_head\"",
                "\"re:.*layers\\\\.[0-2]\\\\.mlp\\\\..*\", \"lm_head\"");
    CHECK(contains(error_of([&] { open_checkpoint(copy.path()); }).what(), "does not ignore"));
  }
}

}  // namespace gemma4::test
