// A build without oneDNN: nothing is available, and nobody gets to multiply.
#include "base/error.hpp"
#include "kernels/onednn/gemm.hpp"

namespace gemma4 {

struct Gemm::Impl {};

bool Gemm::available() noexcept { return false; }
bool Gemm::fast_bf16() noexcept { return false; }

Gemm::Gemm(std::span<const GemmShape>, int, const AllocatorPtr&) {
  fail(ErrorCode::unsupported, "oneDNN: this build of the library has none");
}
Gemm::~Gemm() = default;

std::uint64_t Gemm::bytes() const noexcept { return 0; }

void Gemm::multiply(std::uint32_t, const GemmShape&, const void*, std::uint32_t, const void*,
                    float*) const noexcept {}

}  // namespace gemma4
