#include "model/onednn_prefill.hpp"

#include <cstring>
#include <vector>

#include "kernels/onednn/unpack.hpp"

namespace gemma4 {
namespace {

/// Rows of a session's longest batch.
constexpr std::uint32_t kMaxRows = 256;

/// F32 and F16 values fit no bf16, so their products stay in float; 4 to 8-bit codes lose less by
/// it than by the 8-bit activations they meet otherwise.
GemmType type_for(const Matrix& matrix) {
  const bool exact = matrix.format == MatrixFormat::f32 || matrix.format == MatrixFormat::f16;
  return exact || !Gemm::fast_bf16() ? GemmType::f32 : GemmType::bf16;
}

/// Matrices that meet the same activations.
GemmType type_for(std::initializer_list<const Matrix*> matrices) {
  for (const Matrix* matrix : matrices) {
    if (matrix->rows != 0 && type_for(*matrix) == GemmType::f32) return GemmType::f32;
  }
  return GemmType::bf16;
}

bool kept_as(const Matrix& matrix, GemmType type) {
  return matrix.format == (type == GemmType::f32 ? MatrixFormat::f32 : MatrixFormat::bf16);
}

std::uint32_t blocks(const Matrix& matrix) {
  return static_cast<std::uint32_t>(divide_up(matrix.rows, kGemmOutputs));
}

std::vector<GemmShape> shapes_of(const Weights& weights) {
  std::vector<GemmShape> shapes;
  const auto add = [&](std::initializer_list<const Matrix*> matrices) {
    const GemmShape shape{type_for(matrices), (*matrices.begin())->columns};
    if (std::find(shapes.begin(), shapes.end(), shape) == shapes.end()) shapes.push_back(shape);
  };
  for (const LayerWeights& w : weights.layers) {
    add({&w.query, &w.key, &w.value});
    add({&w.output});
    add({&w.gate, &w.up});
    add({&w.down});
  }
  return shapes;
}

std::uint64_t largest_block(std::span<const GemmShape> shapes) {
  std::uint64_t bytes = 0;
  for (const GemmShape& shape : shapes)
    bytes = std::max(bytes, kGemmOutputs * shape.columns * gemm_type_bytes(shape.type));
  return bytes;
}

}  // namespace

OnednnPrefill::OnednnPrefill(const Weights& weights, int threads, const AllocatorPtr& allocator)
    : gemm_(shapes_of(weights), threads, allocator) {
  const std::uint64_t block_bytes = largest_block(shapes_of(weights));
  Carver plan;
  carve(plan, static_cast<std::uint32_t>(threads), block_bytes);
  memory_ = Buffer(plan.used_bytes(), allocator);
  Carver carver(memory_.data());
  carve(carver, static_cast<std::uint32_t>(threads), block_bytes);
}

void OnednnPrefill::carve(Carver& carver, std::uint32_t threads, std::uint64_t block_bytes) {
  workers_ = carver.take<Scratch>(threads);
  for (std::uint32_t i = 0; i < threads; ++i) {
    Scratch scratch;
    scratch.weights = carver.take<std::byte>(block_bytes);
    for (std::span<float>& out : scratch.out)
      out = carver.take<float>(std::uint64_t{kMaxRows} * kGemmOutputs);
    if (!workers_.empty()) workers_[i] = scratch;
  }
}

OnednnPrefill::Rows OnednnPrefill::narrowed(WorkerPool& pool, const std::atomic<bool>* cancel,
                                            GemmType type, const Activations& a,
                                            std::uint32_t count, float* spare) {
  if (type == GemmType::f32) return {type, a.values, count};
  std::uint16_t* out = reinterpret_cast<std::uint16_t*>(spare);
  pool.run(count, cancel, [&](std::uint32_t row, std::uint32_t) {
    const std::uint64_t at = std::uint64_t{row} * a.columns;
    narrow(a.values + at, a.columns, out + at);
  });
  return {type, out, count};
}

void OnednnPrefill::multiply_block(const Matrix& matrix, std::uint32_t block, const Rows& rows,
                                   std::uint32_t worker, float* out) const {
  const GemmShape shape{rows.type, matrix.columns};
  const std::uint64_t tile_size = tile_bytes(matrix.format, matrix.columns);
  const std::uint32_t first = block * (kGemmOutputs / kTileRows),
                      tiles = std::min(kGemmOutputs / kTileRows, matrix.tiles() - first);
  const std::byte* data = matrix.data + first * tile_size;
  if (!kept_as(matrix, rows.type) || tiles < kGemmOutputs / kTileRows) {
    std::byte* unpacked = workers_[worker].weights.data();
    const std::uint64_t step = kTileRows * matrix.columns * gemm_type_bytes(rows.type);
    for (std::uint32_t tile = 0; tile < tiles; ++tile) {
      std::byte* to = unpacked + tile * step;
      if (rows.type == GemmType::f32) {
        unpack_tile(matrix.format, data + tile * tile_size, matrix.columns,
                    reinterpret_cast<float*>(to));
      } else {
        unpack_tile(matrix.format, data + tile * tile_size, matrix.columns,
                    reinterpret_cast<std::uint16_t*>(to));
      }
    }
    data = unpacked;  // rows behind the last tile are old ones; nobody looks at their products
  }
  gemm_.multiply(worker, shape, rows.data, rows.count, data, out);
}

void OnednnPrefill::multiply_rows(WorkerPool& pool, const std::atomic<bool>* cancel,
                                  std::initializer_list<Product> products, const Rows& rows) const {
  std::uint32_t tasks = 0;
  for (const Product& p : products) tasks += blocks(p.matrix);
  pool.run(tasks, cancel, [&](std::uint32_t task, std::uint32_t worker) {
    const Product* p = products.begin();
    for (; task >= blocks(p->matrix); ++p) task -= blocks(p->matrix);
    float* block = workers_[worker].out[0].data();
    multiply_block(p->matrix, task, rows, worker, block);
    const std::uint64_t stride = std::uint64_t{p->matrix.tiles()} * kTileRows,
                        first = std::uint64_t{task} * kGemmOutputs,
                        width = std::min<std::uint64_t>(kGemmOutputs, stride - first);
    for (std::uint32_t i = 0; i < rows.count; ++i)
      std::memcpy(p->out + i * stride + first, block + std::uint64_t{i} * kGemmOutputs,
                  width * sizeof(float));
  });
}

void OnednnPrefill::multiply(WorkerPool& pool, const std::atomic<bool>* cancel,
                             std::initializer_list<Product> products, const Activations& a,
                             std::uint32_t count, float* spare) const {
  GemmType type = GemmType::bf16;
  for (const Product& p : products) {
    if (type_for({&p.matrix}) == GemmType::f32) type = GemmType::f32;
  }
  multiply_rows(pool, cancel, products, narrowed(pool, cancel, type, a, count, spare));
}

void OnednnPrefill::feed_forward(const Kernels& kernels, WorkerPool& pool,
                                 const std::atomic<bool>* cancel, const LayerWeights& w,
                                 const Activations& a, std::uint32_t count, float* spare,
                                 float* gated, float* out) const {
  const Rows rows = narrowed(pool, cancel, type_for({&w.gate, &w.up}), a, count, spare);
  const Rows inner{type_for({&w.down}), gated, count};
  const std::uint32_t size = w.gate.rows;
  pool.run(blocks(w.gate), cancel, [&](std::uint32_t block, std::uint32_t worker) {
    float* gate = workers_[worker].out[0].data();
    float* up = workers_[worker].out[1].data();
    multiply_block(w.gate, block, rows, worker, gate);
    multiply_block(w.up, block, rows, worker, up);
    const std::uint32_t first = block * kGemmOutputs, width = std::min(kGemmOutputs, size - first);
    for (std::uint32_t i = 0; i < count; ++i) {
      float* row = gate + std::uint64_t{i} * kGemmOutputs;
      kernels.gelu_multiply(row, up + std::uint64_t{i} * kGemmOutputs, width, row);
      const std::uint64_t at = std::uint64_t{i} * size + first;
      if (inner.type == GemmType::f32)
        std::memcpy(gated + at, row, width * sizeof(float));
      else
        narrow(row, width, reinterpret_cast<std::uint16_t*>(gated) + at);
    }
  });
  multiply_rows(pool, cancel, {{w.down, out}}, inner);
}

}  // namespace gemma4
