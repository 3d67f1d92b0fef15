// What the processor can do.
#pragma once

namespace gemma4 {

// Whether the compiler can make AVX-VNNI kernels.
#if defined(__x86_64__) && \
    ((defined(__clang__) && __clang_major__ >= 12) || (!defined(__clang__) && __GNUC__ >= 11))
#define G4_AVXVNNI 1
#endif

struct CpuFeatures {
  bool avx2 = false;         ///< AVX2, FMA and F16C, with the operating system saving the registers
  bool avx512_vnni = false;  ///< AVX-512 F, BW, VL, DQ and VNNI, likewise
  bool avxvnni = false;      ///< AVX2 and the 256-bit form of VNNI that needs no AVX-512
  bool neon = false;         ///< 64-bit Arm
  bool neon_dotprod = false;  ///< and its dot product instruction (optional from Armv8.2 on)
};

/// The features of this machine; detected once, on first use.
const CpuFeatures& cpu_features() noexcept;

/// Cores this process may run on (its affinity mask), at least 1.
int available_cores() noexcept;

}  // namespace gemma4
