// What is still computed after a cancel, counted: time says little on a busy machine.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <numeric>
#include <thread>

#include "io/temporary_folder.hpp"
#include "model/forward.hpp"
#include "model/matmul.hpp"
#include "session/model_impl.hpp"
#include "weights/hf_folder.hpp"
#include "weights/synthetic_model.hpp"

namespace gemma4::test {
namespace {

constexpr int kThreads = 3;

/// Calls of kernels and their multiply-adds; one of the calls cancels. Tables of kernels have no
/// room for a context, so there is one.
struct Count {
  std::mutex mutex;
  std::uint64_t calls, late_calls, late_work, largest;
  std::uint64_t cancel_at;  ///< the call that cancels, counted from 1; 0: none
  std::atomic<bool> cancel;

  void start(std::uint64_t at) {
    calls = late_calls = late_work = largest = 0;
    cancel_at = at;
    cancel = false;
  }
  /// One after another: no task is counted between the one that cancels and the cancel.
  void add(std::uint64_t work) {
    const std::lock_guard lock(mutex);
    if (cancel) ++late_calls, late_work += work;
    largest = std::max(largest, work);
    if (++calls == cancel_at) cancel = true;
  }
} count;

void count_only(MatrixFormat, const std::byte*, std::uint32_t tiles, const Activations& a,
                std::uint32_t columns, float*, std::uint64_t) {
  count.add(std::uint64_t{tiles} * kTileRows * a.columns * columns);
}

/// The machine's kernels, with those that read weights and rows of the cache counted.
Kernels counted_kernels() {
  Kernels kernels = *find_kernels(Isa::automatic);
  kernels.matmul = [](MatrixFormat format, const std::byte* matrix, std::uint32_t tiles,
                      const Activations& a, std::uint32_t columns, float* y,
                      std::uint64_t y_stride) {
    count_only(format, matrix, tiles, a, columns, y, y_stride);
    find_kernels(Isa::automatic)->matmul(format, matrix, tiles, a, columns, y, y_stride);
  };
  kernels.attend = [](const AttentionChunk& chunk, const AttentionState& state) {
    std::uint64_t pairs = 0;
    for (std::uint32_t row = 0; row < chunk.rows; ++row)
      pairs += chunk.last[row] - chunk.first[row];
    count.add(2 * pairs * chunk.query.columns);
    find_kernels(Isa::automatic)->attend(chunk, state);
  };
  return kernels;
}

/// The same matrices, which stay where they are.
Weights borrowed(const Weights& weights) {
  Weights same;
  same.embedding = weights.embedding, same.head = weights.head;
  same.output_norm = weights.output_norm, same.rope_factors = weights.rope_factors;
  same.layers = weights.layers;
  return same;
}

/// A model evaluated with counted kernels.
class CountedModel {
 public:
  static constexpr std::uint32_t kBefore = 8, kContext = 64;  // one chunk of the cache

  CountedModel() { REQUIRE(forward_.run(tokens(kBefore), 0, cache_, nullptr)); }

  /// `rows` tokens, and the logits of the last `logits`; false when cancelled.
  bool evaluate(std::uint32_t rows, std::uint32_t logits) {
    return forward_.run(tokens(rows), kBefore, cache_, &count.cancel) &&
           forward_.logits(rows - logits, logits, &count.cancel);
  }

 private:
  static std::span<const Token> tokens(std::uint32_t n) {
    static const std::vector<Token> all = [] {
      std::vector<Token> some(kContext);
      std::iota(some.begin(), some.end(), 280);
      return some;
    }();
    return std::span(all).first(n);
  }

  TemporaryFolder folder_;
  Model model_ =
      Model::load(folder_.write("model.gguf", SyntheticModel{}.bytes()), {.threads = kThreads});
  Kernels kernels_ = counted_kernels();
  Network network_{model_.impl()->network->config, borrowed(model_.impl()->network->weights),
                   kernels_};
  Workspace work_{network_.config, {.batch = kContext, .context = kContext, .threads = kThreads}};
  KvCache cache_{network_.config, KvType::f16, kContext, kContext};
  Forward forward_{network_, *model_.impl()->pool, work_};
};

/// Weights as they are packed: pieces keep a pattern until they are written.
struct WatchedSink final : WeightSink {
  std::vector<std::byte> piece;
  int rooms = 0, taken = 0;
  std::byte* room(std::uint64_t, std::uint64_t bytes) override {
    ++rooms;
    piece.assign(bytes, std::byte{0xa5});
    return piece.data();
  }
  void take(std::uint64_t, std::uint64_t) override { ++taken; }
};

/// A host that cancels from another thread before it runs its n-th job.
struct CancellingExecutor final : Executor {
  std::stop_source stop;
  int jobs = 0, cancel_at = 0;
  int concurrency() const noexcept override { return 2; }
  void parallel_for(int calls, void (*call)(void*, int), void* context) noexcept override {
    if (++jobs == cancel_at) std::thread([this] { stop.request_stop(); }).join();
    for (int i = 0; i < calls; ++i) call(context, i);
  }
};

}  // namespace

TEST_CASE("after a cancel inside products no task begins but those that threads had taken") {
  const std::uint32_t size = 2048;
  const Kernels kernels = [] {
    Kernels counting = *find_kernels(Isa::scalar);
    counting.matmul = count_only;
    return counting;
  }();
  const std::vector<std::byte> data(size / kTileRows * tile_bytes(MatrixFormat::q4_0, size));
  const Matrix matrix = {MatrixFormat::q4_0, size, size, data.data()};
  WorkerPool pool(kThreads);
  for (const std::uint32_t columns : {1u, 8u, 256u}) {
    CAPTURE(columns);
    std::vector<float> out(std::size_t{2} * size * columns);
    Activations a;
    a.columns = size;
    const auto run = [&](std::uint64_t cancel_at) {
      count.start(cancel_at);
      multiply(kernels, pool, &count.cancel,
               {{matrix, out.data()}, {matrix, out.data() + out.size() / 2}}, a, columns);
    };
    run(0);
    const std::uint64_t all = count.calls;
    REQUIRE(all >= 32);
    for (std::uint64_t at = 1; at < all; at += 3) {
      CAPTURE(at);
      run(at);
      CHECK(count.late_calls <= kThreads - 1);
      CHECK(count.calls <= at + kThreads - 1);
    }
  }
}

TEST_CASE("a cancel ends prefill, decoding and verification within a task a thread") {
  CountedModel model;
  struct Pass {
    const char* name;
    std::uint32_t rows, logits;
  };
  for (const Pass pass : {Pass{"prefill", 56, 1}, {"decoding", 1, 1}, {"verification", 8, 8}}) {
    CAPTURE(std::string(pass.name));
    count.start(0);
    REQUIRE(model.evaluate(pass.rows, pass.logits));
    const std::uint64_t all = count.calls;
    REQUIRE(all > 40);  // a pass that nobody shares takes each matrix at once
    // Where threads share nothing a task may be a whole small product; another one does two.
    const std::uint64_t task = std::max(WorkerPool::kWorthSharing, 2 * count.largest);
    int cancelled = 0;
    for (std::uint64_t at = 1; at < all; at += 1 + at / 10) {
      CAPTURE(at);
      count.start(at);
      // a pass is cut into fewer calls when the helpers happen to sleep
      if (model.evaluate(pass.rows, pass.logits))
        CHECK(count.calls < at);
      else
        ++cancelled;
      CHECK(count.late_work <= kThreads * task);
    }
    CHECK(cancelled >= 10);
  }
}

TEST_CASE("a cancel from another thread while weights are packed: no tile more, nothing taken") {
  const TemporaryFolder folder;
  const Checkpoint file = open_checkpoint(folder.write("model.gguf", SyntheticModel{}.bytes()));
  ModelConfig config = read_model_config(file.metadata);
  const WeightPlan plan(file, config);
  const auto read = [&](int cancel_at, WatchedSink& sink) {
    const auto host = std::make_shared<CancellingExecutor>();
    host->cancel_at = cancel_at;
    WorkerPool pool(host);
    int told = 0;
    const auto progress = [&](std::uint64_t, std::uint64_t) {
      told += host->stop.stop_requested();
      return true;
    };
    try {
      plan.read(sink, {pool, progress, host->stop.get_token()});
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::cancelled);
      CHECK(told == 1);  // of the piece that was begun
      return -1;
    }
    return host->jobs;
  };
  WatchedSink whole;
  const int jobs = read(0, whole);
  REQUIRE(jobs > 10);
  CHECK(whole.taken == whole.rooms);
  for (int at = 1; at <= jobs; ++at) {
    CAPTURE(at);
    WatchedSink sink;
    CHECK(read(at, sink) == -1);
    CHECK(sink.taken == sink.rooms - 1);
    CHECK(std::all_of(sink.piece.begin(), sink.piece.end(),
                      [](std::byte byte) { return byte == std::byte{0xa5}; }));
  }
}

}  // namespace gemma4::test
