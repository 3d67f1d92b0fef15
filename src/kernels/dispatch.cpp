// Which table serves which processor.
#include "base/cpu.hpp"
#include "kernels/kernels.hpp"

namespace gemma4 {

namespace scalar {
extern const Kernels kTable;
}
namespace avx2 {
extern const Kernels kTable;
}
namespace avxvnni {
extern const Kernels kTable;
}
namespace avx512 {
extern const Kernels kTable;
}
namespace neon {
const Kernels& table(bool dot_products) noexcept;
}

const char* isa_name(Isa isa) noexcept {
  switch (isa) {
    case Isa::automatic:
      return "auto";
    case Isa::scalar:
      return "scalar";
    case Isa::avx2:
      return "avx2";
    case Isa::avxvnni:
      return "avxvnni";
    case Isa::avx512:
      return "avx512";
    case Isa::neon:
      return "neon";
  }
  return "unknown";
}

const Kernels* find_kernels(Isa isa) noexcept {
#if defined(__x86_64__) && defined(__GNUC__)
  if ((isa == Isa::automatic || isa == Isa::avx512) && cpu_features().avx512_vnni)
    return &avx512::kTable;
#if defined(G4_AVXVNNI)
  if ((isa == Isa::automatic || isa == Isa::avxvnni) && cpu_features().avxvnni)
    return &avxvnni::kTable;
#endif
  if ((isa == Isa::automatic || isa == Isa::avx2) && cpu_features().avx2) return &avx2::kTable;
#elif defined(__aarch64__) && defined(__GNUC__)
  if ((isa == Isa::automatic || isa == Isa::neon) && cpu_features().neon)
    return &neon::table(cpu_features().neon_dotprod);
#endif
  if (isa == Isa::automatic || isa == Isa::scalar) return &scalar::kTable;
  return nullptr;
}

void reset(const AttentionState& state, std::uint32_t rows, std::uint32_t head_size) noexcept {
  for (std::uint32_t r = 0; r < rows; ++r) {
    state.maximum[r] = -__builtin_inff();
    state.sum[r] = 0.0f;
  }
  for (std::uint64_t i = 0; i < std::uint64_t{rows} * head_size; ++i) state.value[i] = 0.0f;
}

}  // namespace gemma4
