// Attention of the 12B's two kinds of layers over a cache that comes from memory.
#include <algorithm>
#include <memory>
#include <string>

#include "base/checked.hpp"
#include "base/half.hpp"
#include "model/attention.hpp"
#include "setup.hpp"

namespace gemma4::bench {
namespace {

constexpr std::uint32_t kQueryHeads = 16, kWindow = 1024, kMostRows = 8;

struct Case {
  const char* name;
  bool sliding;
  std::uint32_t kv_heads, head_size, depth;
};

// Beyond its window a sliding layer costs the same at any depth.
constexpr Case kCases[] = {
    {"attention/full", false, 1, 512, 1u << 10},   {"attention/full", false, 1, 512, 4u << 10},
    {"attention/full", false, 1, 512, 16u << 10},  {"attention/full", false, 1, 512, 64u << 10},
    {"attention/sliding", true, 8, 256, 4u << 10},
};
constexpr std::uint32_t kRows[] = {1, 4, 8};

double position_bytes(const KvRow& row) {
  return static_cast<double>(row.rows() * row.bytes()) / kChunk;
}

/// A network of as many equal layers as are needed to keep their rows out of the caches.
ModelConfig make_config(const Case& c, KvType type) {
  const std::uint64_t seen = c.sliding ? kWindow : c.depth;
  ModelConfig config;
  config.hidden = 256;
  config.query_heads = kQueryHeads;
  config.vocabulary = 16;
  config.context_limit = c.depth + kMostRows;
  config.window = kWindow;
  config.rope_base = config.rope_base_sliding = 10000;
  const LayerConfig layer{c.sliding, c.kv_heads, c.head_size, 256, !c.sliding, c.head_size / 8};
  const std::uint64_t bytes = static_cast<std::uint64_t>(static_cast<double>(seen * c.kv_heads) *
                                                         position_bytes(KvRow(type, layer)));
  config.layers.assign(divide_up(beyond_caches_bytes(), bytes) + 1, layer);
  return config;
}

/// Everything that attend_layer() needs, without weights.
class Bench {
 public:
  Bench(Setup& setup, const Case& c, KvType type)
      : setup_(setup),
        case_(c),
        network_(make_config(c, type), Weights{}, setup.kernels),
        work_(network_.config,
              {kMostRows, c.depth + kMostRows, static_cast<std::uint32_t>(setup.pool.threads())}),
        cache_(network_.config, type, c.depth + kMostRows, kMostRows) {
    fill();
  }

  void run(std::uint32_t rows) {
    layer_ = (layer_ + 1) % network_.config.layers.size();
    attend_layer(network_, layer_, cache_, case_.depth, rows, work_, setup_.pool, nullptr);
  }

  /// Positions that row r sees, summed over `rows` rows; and the rows of K and V read at all.
  Work work(std::uint32_t rows) const {
    double seen = 0;
    for (std::uint32_t r = 0; r < rows; ++r) seen += case_.sliding ? kWindow : case_.depth + r + 1;
    const double read = case_.sliding ? kWindow + rows - 1 : case_.depth + rows;
    return {read * case_.kv_heads * position_bytes(cache_.row(0)),
            seen * kQueryHeads * 2.0 * case_.head_size};
  }

 private:
  void fill() {
    const std::uint32_t end = case_.depth + kMostRows;
    cache_.open(0, end);
    const KvRow& row = cache_.row(0);
    std::vector<float> numbers(row.width());
    for (std::uint32_t i = 0; i < row.width(); ++i)
      numbers[i] = 0.02f * static_cast<float>(static_cast<int>(i * 37 % 101) - 50);
    std::fill(work_.rotated.begin(), work_.rotated.end(), 0.05f);
    const Activations queries = work_.queries(case_.head_size);
    for (std::uint32_t i = 0; i < kMostRows * kQueryHeads; ++i)
      setup_.kernels.quantize(queries.from(i).values, case_.head_size, queries, i, 0);
    setup_.pool.run(end, nullptr, [&](std::uint32_t position, std::uint32_t) {
      for (std::size_t layer = 0; layer < network_.config.layers.size(); ++layer) {
        for (std::uint32_t head = 0; head < case_.kv_heads; ++head) {
          for (std::byte* chunk :
               {cache_.keys(layer, head, position), cache_.values(layer, head, position)})
            setup_.kernels.store_row(numbers.data(), row.width(), row.type(), chunk,
                                     position % kChunk);
        }
      }
    });
  }

  Setup& setup_;
  Case case_;
  Network network_;
  Workspace work_;
  KvCache cache_;
  std::size_t layer_ = 0;
};

/// The cache that was last asked for: filled once, used for all numbers of rows.
class Benches {
 public:
  Bench& of(Setup& setup, const Case& c, KvType type) {
    if (bench_ == nullptr || case_ != &c || type_ != type) {
      bench_.reset();
      bench_ = std::make_unique<Bench>(setup, c, type);
      case_ = &c;
      type_ = type;
    }
    return *bench_;
  }

 private:
  const Case* case_ = nullptr;
  KvType type_ = KvType::f16;
  std::unique_ptr<Bench> bench_;
};

}  // namespace

void register_attention(Setup& setup) {
  const auto benches = std::make_shared<Benches>();
  for (const auto& [type, type_name] :
       {std::pair(KvType::f16, "/f16"), {KvType::f32, "/f32"}, {KvType::q8_0, "/q8_0"}}) {
    for (const Case& c : kCases) {
      for (const std::uint32_t n : kRows) {
        const std::string name = std::string(c.name) + type_name +
                                 "/depth:" + std::to_string(c.depth) + "/n:" + std::to_string(n);
        benchmark::RegisterBenchmark(name.c_str(),
                                     [&setup, &c, benches, type, n](benchmark::State& state) {
                                       Bench& bench = benches->of(setup, c, type);
                                       measure(state, setup, setup.floats, n, bench.work(n),
                                               [&](std::uint32_t rows) { bench.run(rows); });
                                     })
            ->UseManualTime()
            ->Unit(benchmark::kMicrosecond);
      }
    }
  }
}

}  // namespace gemma4::bench
