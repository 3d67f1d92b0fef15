#include "io/tensor_types.hpp"

namespace gemma4 {

const TensorTypeTraits* tensor_type_traits(TensorType type) noexcept {
  // Numbers, block lengths and block sizes as in ggml's type table; those of tiles as in
  // kernels/tiles.hpp (tests/weights/packing_test.cpp compares).
  struct Entry {
    TensorType type;
    TensorTypeTraits traits;
  };
  static constexpr Entry kTable[] = {
      {TensorType::f32, {"F32", 1, 4}},
      {TensorType::f16, {"F16", 1, 2}},
      {TensorType::q4_0, {"Q4_0", 32, 18}},
      {TensorType::q4_1, {"Q4_1", 32, 20}},
      {TensorType::q5_0, {"Q5_0", 32, 22}},
      {TensorType::q5_1, {"Q5_1", 32, 24}},
      {TensorType::q8_0, {"Q8_0", 32, 34}},
      {TensorType::q2_k, {"Q2_K", 256, 84}},
      {TensorType::q3_k, {"Q3_K", 256, 110}},
      {TensorType::q4_k, {"Q4_K", 256, 144}},
      {TensorType::q5_k, {"Q5_K", 256, 176}},
      {TensorType::q6_k, {"Q6_K", 256, 210}},
      {TensorType::iq2_xxs, {"IQ2_XXS", 256, 66}},
      {TensorType::iq2_xs, {"IQ2_XS", 256, 74}},
      {TensorType::iq3_xxs, {"IQ3_XXS", 256, 98}},
      {TensorType::iq1_s, {"IQ1_S", 256, 50}},
      {TensorType::iq4_nl, {"IQ4_NL", 32, 18}},
      {TensorType::iq3_s, {"IQ3_S", 256, 110}},
      {TensorType::iq2_s, {"IQ2_S", 256, 82}},
      {TensorType::iq4_xs, {"IQ4_XS", 256, 136}},
      {TensorType::i8, {"I8", 1, 1}},
      {TensorType::i16, {"I16", 1, 2}},
      {TensorType::i32, {"I32", 1, 4}},
      {TensorType::i64, {"I64", 1, 8}},
      {TensorType::f64, {"F64", 1, 8}},
      {TensorType::iq1_m, {"IQ1_M", 256, 56}},
      {TensorType::bf16, {"BF16", 1, 2}},
      {TensorType::mxfp4, {"MXFP4", 32, 17}},
      {TensorType::nvfp4, {"NVFP4", 64, 36}},
      {TensorType::q4_0x16, {"Q4_0x16", 64, 576, 16}},
      {TensorType::q8_0x16, {"Q8_0x16", 64, 1088, 16}},
      {TensorType::q6_kx16, {"Q6_Kx16", 256, 3360, 16}},
      {TensorType::f32x16, {"F32x16", 1, 64, 16}},
      {TensorType::f16x16, {"F16x16", 1, 32, 16}},
      {TensorType::bf16x16, {"BF16x16", 1, 32, 16}},
      {TensorType::i4_bf16x16, {"I4_BF16x16", 64, 576, 16}},
      {TensorType::i4_f32x16, {"I4_F32x16", 64, 640, 16}},
      {TensorType::sketchx16, {"SKETCHx16", 256, 1088, 16}},
      {TensorType::i4_bf16, {"I4_BF16", 32, 18}},
      {TensorType::i4_f32, {"I4_F32", 32, 20}},
  };
  for (const Entry& entry : kTable) {
    if (entry.type == type) return &entry.traits;
  }
  return nullptr;
}

const char* tensor_type_name(TensorType type) noexcept {
  if (type == TensorType::i4) return "I4";
  const TensorTypeTraits* traits = tensor_type_traits(type);
  return traits != nullptr ? traits->name : "unknown type";
}

}  // namespace gemma4
