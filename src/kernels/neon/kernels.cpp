// NEON kernels, bit-equal to the scalar ones. Every 64-bit Arm has NEON; the dot product
// instruction came later, so the quantised matrix products, and attention on q8_0 rows with them,
// exist with and without it.
#include "kernels/kernels.hpp"

#if defined(__aarch64__) && defined(__GNUC__)

#include <arm_neon.h>

#include "kernels/neon/vec.hpp"

// Whether the compiler can produce the instruction in a marked region. Clang's own header hides it
// there before version 16; then only a build for such processors has it.
#if defined(__ARM_FEATURE_DOTPROD) || !defined(__clang__) || __clang_major__ >= 16
#define G4_NEON_DOTPROD 1
#else
#define G4_NEON_DOTPROD 0
#endif

namespace gemma4::neon {
namespace {

constexpr Isa kIsa = Isa::neon;
constexpr int kScoreRows = 4, kValueRows = 4, kValueVectors = 1, kCodeRows = 4, kCodeVectors = 2;

// Each of these builds on those before it; the empty lines keep their order.
#include "kernels/generic/math.inl"

#include "kernels/generic/elementwise.inl"

#include "kernels/generic/pages.inl"

#include "kernels/generic/float_matmul.inl"

#include "kernels/neon/quantize.inl"

#include "kernels/generic/quantize.inl"

#include "kernels/generic/kv_rows.inl"

#include "kernels/neon/pairs.inl"

namespace plain {

#include "kernels/neon/dot_plain.inl"

#include "kernels/neon/matmul.inl"

#include "kernels/generic/tile_driver.inl"

#include "kernels/neon/sketch.inl"

#include "kernels/generic/sketch.inl"

#include "kernels/generic/ahead.inl"

#include "kernels/generic/value_codes.inl"

#include "kernels/generic/attention.inl"

#include "kernels/generic/table.inl"

}  // namespace plain

#if G4_NEON_DOTPROD

// Where the whole build may use the instruction there is no region: it could only take away.
#if !defined(__ARM_FEATURE_DOTPROD)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=armv8.2-a+dotprod")
#endif
#define G4_NEON_REGION 1
#endif

namespace dotprod {

#include "kernels/neon/dot_dotprod.inl"

#include "kernels/neon/matmul.inl"

#include "kernels/generic/tile_driver.inl"

#include "kernels/neon/sketch.inl"

#include "kernels/generic/sketch.inl"

#include "kernels/generic/ahead.inl"

#include "kernels/generic/value_codes.inl"

#include "kernels/generic/attention.inl"

#include "kernels/generic/table.inl"

}  // namespace dotprod

#if defined(G4_NEON_REGION)
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

#endif  // G4_NEON_DOTPROD

}  // namespace

const Kernels& table([[maybe_unused]] bool dot_products) noexcept {
#if G4_NEON_DOTPROD
  if (dot_products) return dotprod::kTable;
#endif
  return plain::kTable;
}

}  // namespace gemma4::neon

#endif
