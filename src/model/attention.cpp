#include "model/attention.hpp"

#include <algorithm>

#include "base/checked.hpp"
#include "model/matmul.hpp"

namespace gemma4 {
namespace {

/// One layer's job: which query vectors make a task and what they see.
class LayerAttention {
 public:
  LayerAttention(const AttentionJob& job, Workspace& work)
      : kernels_(job.network.kernels),
        shape_(job.network.config.layers[job.layer]),
        source_(job.source),
        window_(job.network.config.window),
        cache_(job.cache),
        row_(job.cache.row(job.source)),
        first_(job.first),
        rows_(job.rows),
        begin_(job.begin),
        batch_(job.batch),
        own_(job.keys == Keys::with_own ? 1 : 0),
        query_heads_(job.network.config.query_heads),
        work_(work) {
    group_ = query_heads_ / shape_.kv_heads;
    task_heads_ = std::min(group_, kQueryRows);
    first_segment_ = oldest(0) / kSegment;
    segments_ = (end(rows_ - 1) - 1) / kSegment - first_segment_ + 1;
  }

  void run(WorkerPool& pool, const std::atomic<bool>* cancel) {
    const std::uint64_t work = std::uint64_t{2} * rows_ * query_heads_ * shape_.head_size *
                               std::min(segments_ * kSegment, first_ + rows_);
    const std::uint32_t threads = static_cast<std::uint32_t>(pool.sharers(work));
    const bool split = threads > 1 && !shape_.sliding && rows_ <= work_.split_rows && segments_ > 1;
    // few rows over a short range: let threads take different heads of a group
    while (!split && row_blocks() * shape_.kv_heads * head_blocks() < threads && task_heads_ > 1)
      task_heads_ = (task_heads_ + 1) / 2;
    const std::uint32_t units = shape_.kv_heads * head_blocks() * row_blocks();
    if (!split) {
      pool.run(units, work, cancel, [&](std::uint32_t task, std::uint32_t worker) {
        whole(unit(task), work_.workers[worker]);
      });
      return;
    }
    pool.run(units * segments_, work, cancel, [&](std::uint32_t task, std::uint32_t worker) {
      const Unit u = unit(task / segments_);
      segment(u, first_segment_ + task % segments_, split_state(u, task % segments_),
              work_.workers[worker]);
    });
    // each query vector by itself: the states of all segments are a stream of megabytes
    const std::uint64_t states =
        elementwise(std::uint64_t{rows_} * query_heads_ * segments_ * shape_.head_size);
    pool.run(rows_ * query_heads_, states, cancel, [&](std::uint32_t task, std::uint32_t worker) {
      const Unit u = {task % query_heads_ / group_, task % group_, 1, task / query_heads_, 1};
      const AttentionState& total = work_.workers[worker].total;
      reset(total, u.vectors(), shape_.head_size);
      for (std::uint32_t s = 0; s < segments_; ++s)
        kernels_.merge(total, split_state(u, s), u.vectors(), shape_.head_size);
      finish(u, total);
    });
  }

 private:
  /// Query vectors of one KV head: `rows` rows from `row` on, `heads` query heads from `head`
  /// (within the group) on. They lie together in `rotated`, because several rows are taken only
  /// when all heads of the group are.
  struct Unit {
    std::uint32_t kv_head, head, heads, row, rows;
    std::uint32_t vectors() const { return heads * rows; }
  };

  std::uint32_t task_rows() const {
    return task_heads_ < group_ ? 1 : std::max(1u, kQueryRows / group_);
  }
  std::uint32_t head_blocks() const { return (group_ + task_heads_ - 1) / task_heads_; }
  std::uint32_t row_blocks() const { return (rows_ + task_rows() - 1) / task_rows(); }

  Unit unit(std::uint32_t task) const {
    Unit u;
    u.row = task % row_blocks() * task_rows();
    u.rows = std::min(task_rows(), rows_ - u.row);
    task /= row_blocks();
    u.head = task % head_blocks() * task_heads_;
    u.heads = std::min(task_heads_, group_ - u.head);
    u.kv_head = task / head_blocks();
    return u;
  }

  /// The oldest position that a row sees.
  std::uint32_t oldest(std::uint32_t row) const {
    const std::uint32_t position = first_ + row;
    return shape_.sliding && position >= window_ ? position - window_ + 1 : 0;
  }

  /// Behind the newest position that a row sees.
  std::uint32_t end(std::uint32_t row) const { return first_ + row + own_; }

  AttentionState split_state(const Unit& u, std::uint32_t segment) const {
    const std::uint64_t vector = (std::uint64_t{segment} * work_.split_rows * query_heads_) +
                                 (std::uint64_t{u.kv_head} * rows_ + u.row) * group_ + u.head;
    return {work_.split.maximum + vector, work_.split.sum + vector,
            work_.split.value + vector * shape_.head_size};
  }

  Activations query(const Unit& u) const {
    return work_.queries(shape_.head_size)
        .from((u.kv_head * batch_ + begin_ + u.row) * group_ + u.head);
  }

  /// Takes the visible part of one segment into an emptied state.
  void segment(const Unit& u, std::uint32_t index, const AttentionState& state,
               WorkerScratch& scratch) const {
    reset(state, u.vectors(), shape_.head_size);
    const std::uint32_t begin = std::max(index * kSegment, oldest(u.row) / kChunk * kChunk);
    const std::uint32_t seen = end(u.row + u.rows - 1),
                        stop = std::min((index + 1) * kSegment, seen);
    std::uint8_t first[kQueryRows], last[kQueryRows];
    for (std::uint32_t position = begin; position < stop; position += kChunk) {
      for (std::uint32_t v = 0; v < u.vectors(); ++v) {
        const std::uint32_t row = u.row + v / u.heads;
        const std::uint32_t from = std::clamp(oldest(row), position, position + kChunk) - position;
        const std::uint32_t to = std::clamp(end(row), position, position + kChunk) - position;
        first[v] = static_cast<std::uint8_t>(std::min(from, to));
        last[v] = static_cast<std::uint8_t>(to);
      }
      const std::uint32_t next = position + kChunk;
      kernels_.attend(
          {query(u), u.vectors(), cache_.keys(source_, u.kv_head, position),
           cache_.values(source_, u.kv_head, position), row_.width(), row_.value_column(),
           row_.type(), first, last, scratch.scores.data(), scratch.widened.data(),
           next < seen ? cache_.keys(source_, u.kv_head, next) : nullptr},
          state);
    }
  }

  void whole(const Unit& u, WorkerScratch& scratch) const {
    reset(scratch.total, u.vectors(), shape_.head_size);
    for (std::uint32_t s = first_segment_; s < first_segment_ + segments_; ++s) {
      segment(u, s, scratch.segment, scratch);
      kernels_.merge(scratch.total, scratch.segment, u.vectors(), shape_.head_size);
    }
    finish(u, scratch.total);
  }

  /// Every query vector's result, its numbers back in the order of the head.
  void finish(const Unit& u, const AttentionState& state) const {
    for (std::uint32_t vector = 0; vector < u.vectors(); ++vector) {
      const std::uint64_t head = std::uint64_t{begin_ + u.row + vector / u.heads} * query_heads_ +
                                 u.kv_head * group_ + u.head + vector % u.heads;
      float* out = work_.attended.data() + head * shape_.head_size;
      float* value = state.value + std::uint64_t{vector} * shape_.head_size;
      for (const KvRow::Piece& piece : row_.value_order()) {
        kernels_.finish({state.maximum + vector, state.sum + vector, value}, 1, piece.size,
                        out + piece.from);
        value += piece.size;
      }
    }
  }

  const Kernels& kernels_;
  const LayerConfig& shape_;
  std::size_t source_;
  std::uint32_t window_;
  const KvCache& cache_;
  const KvRow& row_;
  std::uint32_t first_, rows_, begin_, batch_, own_, query_heads_;
  Workspace& work_;
  std::uint32_t group_, task_heads_, first_segment_, segments_;
};

}  // namespace

void attend(const AttentionJob& job, Workspace& work, WorkerPool& pool,
            const std::atomic<bool>* cancel) {
  LayerAttention(job, work).run(pool, cancel);
}

}  // namespace gemma4
