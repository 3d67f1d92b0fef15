// The matrices of the 12B times 1 ... 512 columns, with the weights coming from memory.
#include <array>
#include <cstring>
#include <memory>
#include <string>

#include "model/matmul.hpp"
#include "setup.hpp"

namespace gemma4::bench {
namespace {

struct Shape {
  const char* name;  // columns x rows, as a GGUF file counts
  MatrixFormat format;
  std::uint32_t columns, rows;
  std::uint32_t most;  // columns of activations that the model ever asks for

  std::uint64_t bytes() const {
    return std::uint64_t{rows} / kTileRows * tile_bytes(format, columns);
  }
};

constexpr Shape kShapes[] = {
    {"q4_0/3840x4096_sliding_query", MatrixFormat::q4_0, 3840, 4096, 512},
    {"q4_0/3840x8192_full_query", MatrixFormat::q4_0, 3840, 8192, 512},
    {"q4_0/3840x2048_sliding_key", MatrixFormat::q4_0, 3840, 2048, 512},
    {"q4_0/3840x512_full_key", MatrixFormat::q4_0, 3840, 512, 512},
    {"q4_0/3840x15360_gate_up", MatrixFormat::q4_0, 3840, 15360, 512},
    {"q4_0/15360x3840_down", MatrixFormat::q4_0, 15360, 3840, 512},
    {"q4_0/4096x3840_sliding_output", MatrixFormat::q4_0, 4096, 3840, 512},
    {"q4_0/8192x3840_full_output", MatrixFormat::q4_0, 8192, 3840, 512},
    {"i4_bf16/3840x15360_gate_up", MatrixFormat::i4_bf16, 3840, 15360, 512},
    {"i4_bf16/15360x3840_down", MatrixFormat::i4_bf16, 15360, 3840, 512},
    {"q6_k/3840x262144_head", MatrixFormat::q6_k, 3840, 262144, 8},
    {"bf16/3840x262144_head", MatrixFormat::bf16, 3840, 262144, 8},
};
constexpr std::uint32_t kCounts[] = {1, 2, 3, 4, 5, 6, 7, 8, 16, 64, 512};

std::uint32_t next_random(std::uint64_t& state) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return static_cast<std::uint32_t>(state >> 32);
}

/// Random codes and small scales, so that no sum leaves the range that real weights stay in.
template <typename Block>
void randomize(Block& block, std::uint64_t& random) {
  std::uint8_t bytes[sizeof block];
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(next_random(random));
  std::memcpy(&block, bytes, sizeof block);
  for (std::uint64_t at = 0; at < sizeof block.scale; at += 2) {
    constexpr std::uint16_t kScale = 0x2000;  // 2^-7 as IEEE half, 2^-63 as BF16
    std::memcpy(reinterpret_cast<std::byte*>(&block.scale) + at, &kScale, 2);
  }
}

/// Floats of 16 bits: nothing but scale.
struct FloatRun {
  std::uint16_t scale[512];
};

/// Memory full of blocks of one format, out of which matrices are cut one after another.
class Stream {
 public:
  Stream(WorkerPool& pool, MatrixFormat format, std::uint64_t bytes) : buffer_(bytes) {
    if (format == MatrixFormat::q4_0) fill<Q4Block>(pool);
    if (format == MatrixFormat::i4_bf16) fill<I4Bf16Block>(pool);
    if (format == MatrixFormat::q6_k) fill<Q6Block>(pool);
    if (format == MatrixFormat::bf16) fill<FloatRun>(pool);
  }

  Matrix next(const Shape& shape) {
    if (at_ + shape.bytes() > buffer_.size_bytes()) at_ = 0;
    const Matrix matrix{shape.format, shape.rows, shape.columns, buffer_.data() + at_};
    at_ += shape.bytes();
    return matrix;
  }

 private:
  template <typename Block>
  void fill(WorkerPool& pool) {
    std::uint64_t random = 1;
    const auto blocks = std::make_unique<std::array<Block, 512>>();
    for (Block& block : *blocks) randomize(block, random);
    const std::uint64_t step = sizeof *blocks;
    pool.run(static_cast<std::uint32_t>(divide_up(buffer_.size_bytes(), step)), nullptr,
             [&](std::uint32_t task, std::uint32_t) {
               const std::uint64_t at = task * step;
               std::memcpy(buffer_.data() + at, blocks->data(),
                           std::min(step, buffer_.size_bytes() - at));
             });
  }

  Buffer buffer_;
  std::uint64_t at_ = 0;
};

/// Activations as integers, and where the products go.
class Columns {
 public:
  Columns(const Setup& setup, std::uint32_t count, const Shape& shape) {
    Carver plan;
    carve(plan, setup.digits, count, shape);
    memory_ = Buffer(plan.used_bytes());
    Carver carver(memory_.data());
    carve(carver, setup.digits, count, shape);
    std::uint64_t random = 2;
    for (std::uint64_t i = 0; i < std::uint64_t{count} * shape.columns; ++i)
      a.values[i] = static_cast<float>(next_random(random)) * 0x1p-31f - 1.0f;
    for (std::uint32_t row = 0; row < count; ++row)
      setup.kernels.quantize(a.from(row).values, a.columns, a, row, 0);
  }

  Activations a;
  float* out = nullptr;

 private:
  void carve(Carver& carver, std::uint32_t digits, std::uint32_t count, const Shape& shape) {
    float* values = carver.take<float>(std::uint64_t{count} * shape.columns).data();
    a = take_activations(carver, count, shape.columns, digits, values);
    out = carver.take<float>(std::uint64_t{count} * shape.rows).data();
  }

  Buffer memory_;
};

/// The stream of the format that was last asked for: a gigabyte is filled once, not per benchmark.
class Streams {
 public:
  explicit Streams(WorkerPool& pool) : pool_(pool) {}
  Stream& of(const Shape& shape) {
    if (stream_ == nullptr || format_ != shape.format) {
      stream_.reset();
      const std::uint64_t bytes = std::max(shape.bytes(), 2 * beyond_caches_bytes());
      stream_ = std::make_unique<Stream>(pool_, shape.format, bytes);
      format_ = shape.format;
    }
    return *stream_;
  }

 private:
  WorkerPool& pool_;
  MatrixFormat format_ = MatrixFormat::f32;
  std::unique_ptr<Stream> stream_;
};

void run(benchmark::State& state, Setup& setup, Streams& streams, const Shape& shape,
         std::uint32_t n) {
  Stream& stream = streams.of(shape);
  Columns columns(setup, n, shape);
  const double macs = static_cast<double>(shape.rows) * shape.columns * n;
  measure(state, setup, setup.int8, n, {static_cast<double>(shape.bytes()), macs},
          [&](std::uint32_t count) {
            const Matrix matrix = stream.next(shape);
            multiply(setup.kernels, setup.pool, nullptr, {{matrix, columns.out}}, columns.a, count);
          });
}

}  // namespace

void register_matmul(Setup& setup) {
  const auto streams = std::make_shared<Streams>(setup.pool);
  for (const Shape& shape : kShapes) {
    for (const std::uint32_t n : kCounts) {
      if (n > shape.most) continue;
      const std::string name = std::string(shape.name) + "/n:" + std::to_string(n);
      benchmark::RegisterBenchmark(name.c_str(),
                                   [&setup, &shape, streams, n](benchmark::State& state) {
                                     run(state, setup, *streams, shape, n);
                                   })
          ->UseManualTime()
          ->Unit(benchmark::kMicrosecond);
    }
  }
}

}  // namespace gemma4::bench
