// Tensors of a file to weights in kernel layout.
#include <algorithm>
#include <atomic>
#include <cstring>

#include "base/error.hpp"
#include "weights/block_formats.hpp"
#include "weights/matrix_rows.hpp"
#include "weights/packing.hpp"
#include "weights/sketch.hpp"
#include "weights/weights.hpp"

namespace gemma4 {
namespace {

/// Rows packed as one task: some hundred KiB of work, so that many threads find some.
constexpr std::uint32_t kTilesPerTask = 8;

/// Bytes packed before their source pages are dropped, progress is told and a cancel is honoured:
/// so much of the file is resident beside the packed weights at most.
constexpr std::uint64_t kPackedAtOnce = 32u << 20;

/// Puts everything where the plan says, into one piece of memory.
class MemorySink final : public WeightSink {
 public:
  explicit MemorySink(std::byte* memory) : memory_(memory) {}
  std::byte* room(std::uint64_t offset, std::uint64_t) override { return memory_ + offset; }
  void take(std::uint64_t, std::uint64_t) override {}

 private:
  std::byte* memory_;
};

}  // namespace

/// One run of WeightPlan::read().
class WeightPlan::Reading {
 public:
  Reading(const WeightPlan& plan, WeightSink& sink, const ReadJob& job)
      : plan_(plan), sink_(sink), job_(job), on_stop_(job.stop, SetFlag{&cancel_}) {}

  void read(const VectorItem& item) {
    const std::uint64_t count = item.tensor->elements(), bytes = count * sizeof(float);
    std::byte* out = sink_.room(item.offset, bytes);
    if (item.tokens)
      std::memcpy(out, plan_.row_tokens_.data(), bytes);
    else
      dequantize_row(item.tensor->type, item.tensor->bytes, {reinterpret_cast<float*>(out), count});
    sink_.take(item.offset, bytes);
    finished(item.tensor->bytes);
  }

  void read(const MatrixItem& item) {
    const std::uint64_t row_bytes = item.tensor->row_bytes(),
                        tile = tile_bytes(item.matrix.format, item.matrix.columns);
    const std::byte* source = item.tensor->bytes.data() + item.first_row * row_bytes;
    const std::uint32_t piece = static_cast<std::uint32_t>(
        std::max<std::uint64_t>(1, kPackedAtOnce / std::max(tile, row_bytes * kTileRows)));
    for (std::uint32_t first = 0; first < item.matrix.tiles(); first += piece) {
      const std::uint32_t last = std::min(item.matrix.tiles(), first + piece);
      const std::uint64_t offset = item.offset + first * tile, bytes = (last - first) * tile;
      pack(item, first, last, sink_.room(offset, bytes));
      const std::uint64_t from = std::uint64_t{first} * kTileRows,
                          to = std::min<std::uint64_t>(item.matrix.rows,
                                                       std::uint64_t{last} * kTileRows);
      if (!cancel_) sink_.take(offset, bytes);
      finished({source + from * row_bytes, (to - from) * row_bytes});
    }
    if (!item.tensor->groups.bytes.empty()) finished(item.tensor->groups.bytes);
  }

 private:
  struct SetFlag {
    std::atomic<bool>* flag;
    void operator()() const { *flag = true; }
  };

  /// Tiles `first` ... `last` - 1 of a matrix. Rows that lie in the file as they are packed are
  /// packed from there; others are put together first.
  void pack(const MatrixItem& item, std::uint32_t first, std::uint32_t last, std::byte* out) {
    const Matrix& matrix = item.matrix;
    const TensorView& tensor = *item.tensor;
    const bool in_place = item.rows == tensor.type && !item.reordered;
    const std::uint64_t row_bytes = row_bytes_of(item.rows, matrix.columns),
                        tile = tile_bytes(matrix.format, matrix.columns),
                        gathered_bytes = in_place ? 0 : kTileRows * row_bytes;
    const Buffer gathered(gathered_bytes * static_cast<std::uint64_t>(job_.pool.threads()));
    const auto task = [&](std::uint32_t number, std::uint32_t worker) {
      const std::uint32_t begin = first + number * kTilesPerTask;
      for (std::uint32_t t = begin; t < std::min(last, begin + kTilesPerTask); ++t) {
        const std::uint32_t row = t * kTileRows, rows = std::min(kTileRows, matrix.rows - row);
        const std::byte* in = tensor.bytes.data() + (item.first_row + row) * tensor.row_bytes();
        if (!in_place) {
          std::byte* copy = gathered.data() + worker * gathered_bytes;
          for (std::uint32_t r = 0; r < rows; ++r)
            copy_row(tensor, source_row(item, row + r), item.rows, copy + r * row_bytes);
          in = copy;
        }
        const auto put = matrix.format == MatrixFormat::sketch ? sketch_tile : pack_tile;
        put(item.rows, in, row_bytes, rows, matrix.columns, out + (t - first) * tile);
      }
    };
    job_.pool.run((last - first + kTilesPerTask - 1) / kTilesPerTask, &cancel_, task);
  }

  /// Row `row` of a matrix as a row of its tensor.
  std::uint64_t source_row(const MatrixItem& item, std::uint32_t row) const {
    return item.reordered ? plan_.row_tokens_[row] : item.first_row + row;
  }

  /// After each piece: its pages are dropped, progress is told, a cancel ends the run.
  void finished(std::span<const std::byte> source) {
    done_ += source.size();
    for (const MappedFile& mapped : plan_.file_.files) {
      const std::span<const std::byte> all = mapped.bytes();
      if (source.data() >= all.data() && source.data() + source.size() <= all.data() + all.size())
        mapped.drop(source);
    }
    if (!job_.progress(done_, plan_.source_bytes_)) cancel_ = true;
    if (cancel_)
      fail(ErrorCode::cancelled, plan_.file_.metadata.file() + ": loading was cancelled");
  }

  const WeightPlan& plan_;
  WeightSink& sink_;
  const ReadJob& job_;
  std::uint64_t done_ = 0;
  std::atomic<bool> cancel_{false};  // the pool looks at it between tasks
  std::stop_callback<SetFlag> on_stop_;
};

void WeightPlan::read(WeightSink& sink, const ReadJob& job) const {
  Reading reading(*this, sink, job);
  for (const VectorItem& item : vectors_) reading.read(item);
  for (const MatrixItem& item : matrices_) reading.read(item);
}

/// The weights in `memory` as placed, or, without memory, where their tensors lie.
Weights WeightPlan::at(const std::byte* memory) const {
  Weights weights;
  weights.layers.resize(layer_scales_.size());
  for (std::size_t i = 0; i < layer_scales_.size(); ++i) weights.layers[i].scale = layer_scales_[i];
  weights.rope_factors = rope_factors_;
  const auto data = [&](const auto& item) {
    return memory != nullptr ? memory + item.offset : item.tensor->bytes.data();
  };
  for (const VectorItem& item : vectors_) {
    const std::uint64_t count = item.tensor->elements();
    if (item.tokens) {
      weights.draft.row_tokens = {reinterpret_cast<const std::uint32_t*>(data(item)), count};
      continue;
    }
    const std::span<const float> values(reinterpret_cast<const float*>(data(item)), count);
    if (item.target != nullptr) weights.*item.target = values;
    if (item.layer_target != nullptr) weights.layers[item.layer].*item.layer_target = values;
  }
  for (const MatrixItem& item : matrices_) {
    Matrix matrix = item.matrix;
    matrix.data = data(item);
    if (item.target != nullptr) weights.*item.target = matrix;
    if (item.draft_target != nullptr) weights.draft.*item.draft_target = matrix;
    if (item.layer_target != nullptr) weights.layers[item.layer].*item.layer_target = matrix;
  }
  return weights;
}

Weights WeightPlan::load(Checkpoint& file, const ReadJob& job) const {
  if (packed_) {
    if (!job.progress(source_bytes_, source_bytes_) || job.stop.stop_requested())
      fail(ErrorCode::cancelled, file.metadata.file() + ": loading was cancelled");
    Weights weights = at(nullptr);
    weights.files = std::move(file.files);
    return weights;
  }
  Buffer memory(bytes_, job.allocator, Contents::any);
  MemorySink sink(memory.data());
  read(sink, job);
  Weights weights = at(memory.data());
  weights.memory = std::move(memory);
  return weights;
}

}  // namespace gemma4
