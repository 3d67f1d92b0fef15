#include "weights/block_formats.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/half.hpp"

namespace gemma4 {
namespace {

using Byte = std::uint8_t;

std::uint16_t load_u16(const Byte* p) { return static_cast<std::uint16_t>(p[0] | (p[1] << 8)); }

float load_half(const Byte* p) { return half_to_float(load_u16(p)); }

std::uint32_t load_u32(const Byte* p) {
  return p[0] | (std::uint32_t{p[1]} << 8) | (std::uint32_t{p[2]} << 16) |
         (std::uint32_t{p[3]} << 24);
}

float code(int value) { return static_cast<float>(value); }

void decode_f32(const Byte* in, float* out) { std::memcpy(out, in, sizeof(float)); }
void decode_f16(const Byte* in, float* out) { *out = load_half(in); }
void decode_bf16(const Byte* in, float* out) { *out = bf16_to_float(load_u16(in)); }

/// qs[16]: low nibbles are elements 0 to 15, high nibbles 16 to 31.
void decode_nibbles(float d, const Byte* qs, float* out) {
  for (int j = 0; j < 16; ++j) {
    out[j] = d * code((qs[j] & 15) - 8);
    out[j + 16] = d * code((qs[j] >> 4) - 8);
  }
}

// Q4_0 { f16 d; u8 qs[16] }, I4_BF16 { bf16 d; u8 qs[16] }, I4_F32 { f32 d; u8 qs[16] }
void decode_q4_0(const Byte* in, float* out) { decode_nibbles(load_half(in), in + 2, out); }
void decode_i4_bf16(const Byte* in, float* out) {
  decode_nibbles(bf16_to_float(load_u16(in)), in + 2, out);
}
void decode_i4_f32(const Byte* in, float* out) {
  decode_nibbles(std::bit_cast<float>(load_u32(in)), in + 4, out);
}

// Q4_1 { f16 d; f16 m; u8 qs[16] }
void decode_q4_1(const Byte* in, float* out) {
  const float d = load_half(in);
  const float m = load_half(in + 2);
  for (int j = 0; j < 16; ++j) {
    out[j] = d * code(in[4 + j] & 15) + m;
    out[j + 16] = d * code(in[4 + j] >> 4) + m;
  }
}

/// The 5-bit codes of Q5_0 and Q5_1: a nibble of qs[16] below, a bit of the u32 before it above.
int code5_low(std::uint32_t high_bits, const Byte* qs, int j) {
  return (qs[j] & 15) | static_cast<int>(((high_bits >> j) & 1) << 4);
}
int code5_high(std::uint32_t high_bits, const Byte* qs, int j) {
  return (qs[j] >> 4) | static_cast<int>(((high_bits >> (j + 16)) & 1) << 4);
}

// Q5_0 { f16 d; u8 qh[4]; u8 qs[16] }
void decode_q5_0(const Byte* in, float* out) {
  const float d = load_half(in);
  const std::uint32_t high_bits = load_u32(in + 2);
  for (int j = 0; j < 16; ++j) {
    out[j] = d * code(code5_low(high_bits, in + 6, j) - 16);
    out[j + 16] = d * code(code5_high(high_bits, in + 6, j) - 16);
  }
}

// Q5_1 { f16 d; f16 m; u8 qh[4]; u8 qs[16] }
void decode_q5_1(const Byte* in, float* out) {
  const float d = load_half(in);
  const float m = load_half(in + 2);
  const std::uint32_t high_bits = load_u32(in + 4);
  for (int j = 0; j < 16; ++j) {
    out[j] = d * code(code5_low(high_bits, in + 8, j)) + m;
    out[j + 16] = d * code(code5_high(high_bits, in + 8, j)) + m;
  }
}

// Q8_0 { f16 d; i8 qs[32] }
void decode_q8_0(const Byte* in, float* out) {
  const float d = load_half(in);
  for (int j = 0; j < 32; ++j) out[j] = d * code(static_cast<std::int8_t>(in[2 + j]));
}

struct ScaleAndMin {
  int scale;
  int minimum;
};

/// The 6-bit scale and minimum of sub-block j of Q4_K and Q5_K, packed into s[12].
ScaleAndMin scale_and_min(const Byte* s, int j) {
  if (j < 4) return {s[j] & 63, s[j + 4] & 63};
  return {(s[j + 4] & 15) | ((s[j - 4] >> 6) << 4), (s[j + 4] >> 4) | ((s[j] >> 6) << 4)};
}

// Q4_K { f16 d; f16 dmin; u8 s[12]; u8 qs[128] }: sub-blocks of 32; two of them share 32 bytes.
void decode_q4_k(const Byte* in, float* out) {
  const float d = load_half(in);
  const float dmin = load_half(in + 2);
  for (int j = 0; j < 8; ++j) {
    const ScaleAndMin sub = scale_and_min(in + 4, j);
    const float scale = d * code(sub.scale);
    const float minimum = dmin * code(sub.minimum);
    const Byte* qs = in + 16 + 32 * (j / 2);
    const int shift = 4 * (j % 2);
    for (int l = 0; l < 32; ++l) {
      out[32 * j + l] = scale * code((qs[l] >> shift) & 15) - minimum;
    }
  }
}

// Q5_K { f16 d; f16 dmin; u8 s[12]; u8 qh[32]; u8 qs[128] }: as Q4_K, bit j of qh[l] is the fifth.
void decode_q5_k(const Byte* in, float* out) {
  const float d = load_half(in);
  const float dmin = load_half(in + 2);
  const Byte* qh = in + 16;
  for (int j = 0; j < 8; ++j) {
    const ScaleAndMin sub = scale_and_min(in + 4, j);
    const float scale = d * code(sub.scale);
    const float minimum = dmin * code(sub.minimum);
    const Byte* qs = in + 48 + 32 * (j / 2);
    const int shift = 4 * (j % 2);
    for (int l = 0; l < 32; ++l) {
      const int q = ((qs[l] >> shift) & 15) | (((qh[l] >> j) & 1) << 4);
      out[32 * j + l] = scale * code(q) - minimum;
    }
  }
}

// Q6_K { u8 ql[128]; u8 qh[64]; i8 sc[16]; f16 d }: two halves of 128 elements, each four runs of
// 32 that share qh bytes; a scale covers 16 elements.
void decode_q6_k(const Byte* in, float* out) {
  const float d = load_half(in + 208);
  for (int half = 0; half < 2; ++half) {
    const Byte* ql = in + 64 * half;
    const Byte* qh = in + 128 + 32 * half;
    const Byte* scales = in + 192 + 8 * half;
    for (int run = 0; run < 4; ++run) {
      for (int l = 0; l < 32; ++l) {
        const int low = (ql[l + 32 * (run % 2)] >> (4 * (run / 2))) & 15;
        const int q = low | (((qh[l] >> (2 * run)) & 3) << 4);
        const float scale = d * code(static_cast<std::int8_t>(scales[2 * run + l / 16]));
        out[128 * half + 32 * run + l] = scale * code(q - 32);
      }
    }
  }
}

using Decode = void (*)(const Byte* in, float* out);

/// Decodes one block of a type; nullptr for a type that has no reader.
Decode decoder(TensorType type) {
  switch (type) {
    case TensorType::f32:
      return decode_f32;
    case TensorType::f16:
      return decode_f16;
    case TensorType::bf16:
      return decode_bf16;
    case TensorType::q4_0:
      return decode_q4_0;
    case TensorType::i4_bf16:
      return decode_i4_bf16;
    case TensorType::i4_f32:
      return decode_i4_f32;
    case TensorType::q4_1:
      return decode_q4_1;
    case TensorType::q5_0:
      return decode_q5_0;
    case TensorType::q5_1:
      return decode_q5_1;
    case TensorType::q8_0:
      return decode_q8_0;
    case TensorType::q4_k:
      return decode_q4_k;
    case TensorType::q5_k:
      return decode_q5_k;
    case TensorType::q6_k:
      return decode_q6_k;
    default:
      return nullptr;
  }
}

}  // namespace

bool can_dequantize(TensorType type) noexcept { return decoder(type) != nullptr; }

void dequantize_row(TensorType type, std::span<const std::byte> bytes,
                    std::span<float> out) noexcept {
  const Decode decode = decoder(type);
  const TensorTypeTraits* traits = tensor_type_traits(type);
  if (decode == nullptr || traits == nullptr) {
    std::fill(out.begin(), out.end(), 0.0f);
    return;
  }
  const Byte* in = reinterpret_cast<const Byte*>(bytes.data());
  const std::size_t blocks = out.size() / traits->block_elements;
  for (std::size_t i = 0; i < blocks; ++i) {
    decode(in + i * traits->block_bytes, out.data() + i * traits->block_elements);
  }
}

}  // namespace gemma4
