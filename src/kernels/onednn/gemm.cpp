#include "kernels/onednn/gemm.hpp"

#include <oneapi/dnnl/dnnl.hpp>

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/buffer.hpp"
#include "base/checked.hpp"
#include "base/error.hpp"
#include "base/half.hpp"

#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
#include <omp.h>
#elif DNNL_CPU_THREADING_RUNTIME != DNNL_RUNTIME_SEQ
#error "oneDNN: only its OpenMP and its sequential build can be kept to the calling thread"
#endif

namespace gemma4 {
namespace {

/// While it lives, oneDNN computes on the calling thread alone. Its OpenMP build asks
/// omp_get_max_threads() how many to use; that number belongs to the calling thread's OpenMP task,
/// so other threads do not see the change, and the caller finds its own number again.
class OneThread {
 public:
#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
  OneThread() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  ~OneThread() {
    if (before_ != 1) omp_set_num_threads(before_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  const int before_;
#else
  OneThread() {}
#endif
};

/// Batch rows that one call takes, largest first: oneDNN makes its code for fixed sizes. What is
/// left over of a batch is computed with some of the rows before it once more.
constexpr std::uint32_t kRows[] = {256, 128, 64, kGemmMinRows};
constexpr std::size_t kSizes = std::size(kRows);

constexpr int kArguments = 4;

struct Prepared {
  GemmShape shape;
  dnnl::matmul primitive[kSizes];
  dnnl::memory::desc a[kSizes], weights, out[kSizes], scratch[kSizes];
};

/// oneDNN's handles that carry addresses: one set per worker, made ahead.
struct Handles {
  dnnl::memory a, weights, out, scratch;
};

dnnl::matmul::primitive_desc describe(const dnnl::engine& engine, const dnnl::memory::desc& a,
                                      const dnnl::memory::desc& weights,
                                      const dnnl::memory::desc& out) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR >= 3
  return {engine, a, weights, out, attributes};
#else
  return {{a, weights, out}, attributes, engine};
#endif
}

Prepared prepare(const dnnl::engine& engine, const GemmShape& shape) {
  using dnnl::memory;
  const auto type = shape.type == GemmType::f32 ? memory::data_type::f32 : memory::data_type::bf16;
  const memory::dim k = shape.columns, n = kGemmOutputs;
  Prepared made;
  made.shape = shape;
  made.weights = memory::desc({k, n}, type, memory::dims{1, k});
  for (std::size_t i = 0; i < kSizes; ++i) {
    const memory::dim m = kRows[i];
    made.a[i] = memory::desc({m, k}, type, memory::dims{k, 1});
    made.out[i] = memory::desc({m, n}, memory::data_type::f32, memory::dims{n, 1});
    const auto description = describe(engine, made.a[i], made.weights, made.out[i]);
    made.scratch[i] = description.scratchpad_desc();
    made.primitive[i] = dnnl::matmul(description);
  }
  return made;
}

float number(const void* row, GemmType type, std::uint32_t k) {
  return type == GemmType::f32 ? static_cast<const float*>(row)[k]
                               : bf16_to_float(static_cast<const std::uint16_t*>(row)[k]);
}

void multiply_plainly(const GemmShape& shape, const std::byte* a, std::uint32_t rows,
                      const std::byte* weights, float* out) {
  const std::uint64_t row_bytes = shape.columns * gemm_type_bytes(shape.type);
  for (std::uint32_t i = 0; i < rows; ++i) {
    for (std::uint32_t j = 0; j < kGemmOutputs; ++j) {
      float sum = 0;
      for (std::uint32_t k = 0; k < shape.columns; ++k)
        sum += number(a + i * row_bytes, shape.type, k) *
               number(weights + j * row_bytes, shape.type, k);
      out[std::uint64_t{i} * kGemmOutputs + j] = sum;
    }
  }
}

}  // namespace

struct Gemm::Impl {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  std::vector<dnnl::stream> streams;  // [workers]
  std::vector<Prepared> prepared;     // [shapes]
  std::vector<Handles> handles;       // [workers][shapes][kSizes]
  Buffer scratch;                     // [workers][scratch_bytes]
  std::uint64_t scratch_bytes = 0;

  Impl(std::span<const GemmShape> shapes, int workers, const AllocatorPtr& allocator);
  bool execute(std::uint32_t worker, std::size_t shape, std::size_t size, const void* a,
               const void* weights, float* out) const noexcept;
};

Gemm::Impl::Impl(std::span<const GemmShape> shapes, int workers, const AllocatorPtr& allocator) {
  for (const GemmShape& shape : shapes) {
    prepared.push_back(prepare(engine, shape));
    for (const dnnl::memory::desc& desc : prepared.back().scratch)
      scratch_bytes = std::max<std::uint64_t>(scratch_bytes, round_up(desc.get_size(), 64));
  }
  scratch = Buffer(scratch_bytes * static_cast<std::uint64_t>(workers), allocator);
  for (int worker = 0; worker < workers; ++worker) {
    streams.emplace_back(engine);
    for (const Prepared& p : prepared) {
      for (std::size_t i = 0; i < kSizes; ++i) {
        const auto at = [&](const dnnl::memory::desc& desc) {
          return dnnl::memory(desc, engine, nullptr);
        };
        handles.push_back({at(p.a[i]), at(p.weights), at(p.out[i]), at(p.scratch[i])});
        handles.back().scratch.set_data_handle(scratch.data() + scratch_bytes * worker);
      }
    }
  }
}

bool Gemm::Impl::execute(std::uint32_t worker, std::size_t shape, std::size_t size, const void* a,
                         const void* weights, float* out) const noexcept {
  const Handles& h = handles[(worker * prepared.size() + shape) * kSizes + size];
  const auto place = [](const dnnl::memory& memory, const void* data) {
    return dnnl_memory_set_data_handle(memory.get(), const_cast<void*>(data)) == dnnl_success;
  };
  const dnnl_exec_arg_t arguments[kArguments] = {{DNNL_ARG_SRC, h.a.get()},
                                                 {DNNL_ARG_WEIGHTS, h.weights.get()},
                                                 {DNNL_ARG_DST, h.out.get()},
                                                 {DNNL_ARG_SCRATCHPAD, h.scratch.get()}};
  try {  // the C functions return a status, but build containers on the way
    return place(h.a, a) && place(h.weights, weights) && place(h.out, out) &&
           dnnl_primitive_execute(prepared[shape].primitive[size].get(), streams[worker].get(),
                                  kArguments, arguments) == dnnl_success;
  } catch (...) {
    return false;
  }
}

bool Gemm::available() noexcept { return true; }

bool Gemm::fast_bf16() noexcept {
  // an instruction set's number has the bits of all that it includes; other architectures say 0
  constexpr int wanted = dnnl_cpu_isa_avx512_core_bf16;
  return (static_cast<int>(dnnl_get_effective_cpu_isa()) & wanted) == wanted;
}

Gemm::Gemm(std::span<const GemmShape> shapes, int workers, const AllocatorPtr& allocator) {
  const OneThread one_thread;  // the thread count is part of what is prepared
  try {
    impl_ = std::make_unique<Impl>(shapes, workers, allocator);
  } catch (const dnnl::error& error) {
    fail(error.status == dnnl_out_of_memory ? ErrorCode::out_of_memory : ErrorCode::unsupported,
         format_text("prefill: expected products that oneDNN can compute, found its status %d (%s)",
                     static_cast<int>(error.status), error.what()));
  }
}

Gemm::~Gemm() = default;

std::uint64_t Gemm::bytes() const noexcept { return impl_->scratch.size_bytes(); }

void Gemm::multiply(std::uint32_t worker, const GemmShape& shape, const void* a, std::uint32_t rows,
                    const void* weights, float* out) const noexcept {
  const OneThread one_thread;
  const std::size_t index =
      static_cast<std::size_t>(std::find_if(impl_->prepared.begin(), impl_->prepared.end(),
                                            [&](const Prepared& p) { return p.shape == shape; }) -
                               impl_->prepared.begin());
  const std::uint64_t row_bytes = shape.columns * gemm_type_bytes(shape.type);
  for (std::uint32_t done = 0; done < rows;) {
    std::size_t size = 0;
    while (size + 1 < kSizes && kRows[size] > rows - done) ++size;
    const std::uint32_t count = kRows[size], first = std::min(done, rows - count);
    const std::byte* from = static_cast<const std::byte*>(a) + first * row_bytes;
    float* to = out + std::uint64_t{first} * kGemmOutputs;
    if (!impl_->execute(worker, index, size, from, weights, to))
      multiply_plainly(shape, from, count, static_cast<const std::byte*>(weights), to);
    done = first + count;
  }
}

}  // namespace gemma4
