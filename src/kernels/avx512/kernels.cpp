// AVX-512 kernels with VNNI, bit-equal to the scalar ones.
#include "kernels/kernels.hpp"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

// Everything from here on may use the instruction set; nothing of the standard library is included
// or instantiated below, so no inline function of it can leak into code that runs on older
// processors.
#if defined(__clang__)
#pragma clang attribute push(                                                               \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC diagnostic ignored \
    "-Wuninitialized"  // GCC 12's own AVX-512 header starts from undefined registers
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")
#endif

#include "kernels/avx512/vec.hpp"

namespace gemma4::avx512 {
namespace {

constexpr Isa kIsa = Isa::avx512;
constexpr int kScoreRows = 4, kValueRows = 4, kValueVectors = 4, kCodeRows = 8, kCodeVectors = 2;

// Each of these builds on those before it; the empty lines keep their order.
#include "kernels/generic/math.inl"

#include "kernels/generic/elementwise.inl"

#include "kernels/generic/pages.inl"

#include "kernels/generic/float_matmul.inl"

#include "kernels/avx2/digits.inl"

#include "kernels/avx512/quantize.inl"

#include "kernels/generic/quantize.inl"

#include "kernels/generic/x86_tiles.inl"

#include "kernels/avx512/matmul.inl"

#include "kernels/generic/tile_driver.inl"

static_assert(kTakesPairs<Q4> && kTakesPairs<Q8> && !kTakesPairs<Q6>);

#include "kernels/avx512/sketch.inl"

#include "kernels/generic/sketch.inl"

#include "kernels/avx512/pairs.inl"

#include "kernels/avx512/pair_rows.inl"

#include "kernels/generic/kv_rows.inl"

#include "kernels/generic/ahead.inl"

#include "kernels/generic/value_codes.inl"

#include "kernels/generic/attention.inl"

}  // namespace

extern const Kernels kTable;
#include "kernels/generic/table.inl"

}  // namespace gemma4::avx512

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
