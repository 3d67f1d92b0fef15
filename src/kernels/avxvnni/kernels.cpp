// AVX2 kernels that multiply with AVX-VNNI, bit-equal to the scalar ones: for processors without
// AVX-512.
#include "kernels/kernels.hpp"

#include "base/cpu.hpp"

#if defined(G4_AVXVNNI)

#include <immintrin.h>

// Everything from here on may use the instruction set; nothing of the standard library is included
// or instantiated below, so no inline function of it can leak into code that runs on older
// processors.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avxvnni,avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avxvnni,avx2,fma,f16c")
#endif

namespace gemma4::avxvnni {
namespace {

constexpr Isa kIsa = Isa::avxvnni;
constexpr int kScoreRows = 3, kValueRows = 6, kValueVectors = 1, kCodeRows = 4, kCodeVectors = 2;

// Each of these builds on those before it; the empty lines keep their order.
#include "kernels/avx2/vec.inl"

#include "kernels/generic/math.inl"

#include "kernels/generic/elementwise.inl"

#include "kernels/generic/pages.inl"

#include "kernels/generic/float_matmul.inl"

#include "kernels/avx2/digits.inl"

#include "kernels/avx2/quantize.inl"

#include "kernels/generic/quantize.inl"

#include "kernels/generic/x86_tiles.inl"

#include "kernels/avx2/registers.inl"

#include "kernels/avxvnni/dot.inl"

#include "kernels/avx2/matmul.inl"

#include "kernels/avxvnni/q8.inl"

#include "kernels/generic/tile_driver.inl"

#include "kernels/avx2/sketch.inl"

#include "kernels/generic/sketch.inl"

#include "kernels/avx2/pairs.inl"

#include "kernels/avx2/pair_rows.inl"

#include "kernels/generic/kv_rows.inl"

#include "kernels/generic/ahead.inl"

#include "kernels/generic/value_codes.inl"

#include "kernels/generic/attention.inl"

}  // namespace

extern const Kernels kTable;
#include "kernels/generic/table.inl"

}  // namespace gemma4::avxvnni

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
