// gemma4 bench: prefill and decoding, beside the bandwidth of the memory measured in the same run.
#include <cstdio>

#include "arguments.hpp"
#include "commands.hpp"
#include "json_writer.hpp"
#include "measure.hpp"
#include "progress.hpp"
#include "terminal.hpp"

namespace cli {
namespace {

constexpr int kPrefillRepeats = 3;
constexpr int kBatchRepeats = 7;
constexpr std::uint64_t kMaxBatch = 64;

struct BenchArguments {
  std::uint32_t prompt_tokens = 512, generate = 32, depth = 0;
  std::optional<std::vector<std::uint64_t>> batch;
  LoadArguments load;
  SessionArguments session;

  OptionTable table() {
    OptionTable table(
        "bench [OPTIONS]",
        "Measures reading a prompt, decoding one token after another, and evaluating several "
        "tokens in one "
        "pass, each as a median with the least and the most. The decode time is compared with the "
        "time it "
        "takes to read the weights once at the memory's own speed, measured in the same run.");
    table.section("Measurements:");
    table.integer("--prompt-tokens", "N", "length of the prompt; default: 512", 1, 1u << 20,
                  prompt_tokens);
    table.integer("--generate", "N", "tokens to decode; default: 32", 1, 1u << 20, generate);
    table.integer("--depth", "N", "tokens already in the context; default: 0", 0, 1u << 28, depth);
    table.list("--batch", "1,2,...", "tokens in one pass; default: 1,2,3,4,6,8", batch, kMaxBatch);
    session.declare(table);
    load.declare(table);
    return table;
  }

  // What the longest measurement needs.
  std::uint32_t context_tokens() const {
    std::uint64_t batches = 0;
    for (const std::uint64_t n : *batch) batches += n * (kBatchRepeats + 1);
    const std::uint64_t longest =
        std::max({std::uint64_t{prompt_tokens}, std::uint64_t{generate} + 2, batches});
    return static_cast<std::uint32_t>(depth + longest + 1);
  }
};

struct BatchTime {
  std::uint64_t tokens = 0;
  Spread seconds;
};

struct Results {
  Spread bandwidth;  // bytes a second
  Spread prefill;    // seconds
  Spread decode;     // seconds a token
  std::vector<BatchTime> batches;
};

class Bench {
 public:
  Bench(const BenchArguments& arguments, gemma4::Session& session)
      : arguments_(arguments), session_(session) {}

  Results run() {
    Results results;
    Progress progress("measuring");
    progress.update(0, 4);
    results.bandwidth = read_bandwidth(session_.model().threads());
    progress.update(1, 4);
    results.prefill = prefill_time();
    progress.update(2, 4);
    results.decode = decode_time();
    progress.update(3, 4);
    results.batches = batch_times();
    return results;
  }

 private:
  // Tokens without meaning: the time does not depend on them. A fixed generator gives every run the
  // same ones.
  std::vector<gemma4::Token> tokens(std::uint64_t count) {
    const auto vocabulary =
        static_cast<std::uint64_t>(session_.model().tokenizer().vocabulary_size());
    std::vector<gemma4::Token> result;
    for (std::uint64_t i = 0; i < count; ++i) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      result.push_back(static_cast<gemma4::Token>((state_ >> 33) % vocabulary));
    }
    return result;
  }

  // An empty session, then bos and --depth tokens.
  void start() {
    session_.rewind(0);
    session_.append_tokens(std::vector<gemma4::Token>{session_.model().tokenizer().bos()});
    session_.append_tokens(tokens(arguments_.depth));
    evaluate();
  }

  void evaluate() {
    const CancelOnInterrupt cancel(session_);
    session_.prefill([&](std::uint32_t, std::uint32_t) { return !cancel.pressed(); });
  }

  Spread prefill_time() {
    std::vector<double> seconds;
    for (int repeat = 0; repeat < kPrefillRepeats; ++repeat) {
      start();
      session_.append_tokens(tokens(arguments_.prompt_tokens));
      const Stopwatch watch;
      evaluate();
      seconds.push_back(watch.seconds());
    }
    return spread(seconds);
  }

  // A step evaluates the token before it, so the first one, after a prefill, is not measured.
  Spread decode_time() {
    start();
    session_.decode_step();
    std::vector<double> seconds;
    for (std::uint32_t i = 0; i < arguments_.generate; ++i) {
      const Stopwatch watch;
      session_.decode_step();
      seconds.push_back(watch.seconds());
      if (interrupted()) throw gemma4::Error(gemma4::ErrorCode::cancelled, "cancelled");
    }
    return spread(seconds);
  }

  // All sizes in turn, again and again: what disturbs the machine for a while disturbs them alike.
  std::vector<BatchTime> batch_times() {
    const std::vector<std::uint64_t>& sizes = *arguments_.batch;
    std::vector<std::vector<double>> seconds(sizes.size());
    start();
    for (int repeat = 0; repeat <= kBatchRepeats; ++repeat) {
      for (std::size_t i = 0; i < sizes.size(); ++i) {
        const std::vector<gemma4::Token> batch = tokens(sizes[i]);
        const Stopwatch watch;
        session_.prefill_tokens(batch, [](std::uint32_t, std::span<const float>) {});
        if (repeat > 0) seconds[i].push_back(watch.seconds());  // the first round warms up
        if (interrupted()) throw gemma4::Error(gemma4::ErrorCode::cancelled, "cancelled");
      }
    }
    std::vector<BatchTime> result;
    for (std::size_t i = 0; i < sizes.size(); ++i) result.push_back({sizes[i], spread(seconds[i])});
    return result;
  }

  const BenchArguments& arguments_;
  gemma4::Session& session_;
  std::uint64_t state_ = 1;
};

void write_ms(JsonWriter& json, const Spread& seconds) {
  json.pair("ms", seconds.median * 1e3)
      .pair("min", seconds.min * 1e3)
      .pair("max", seconds.max * 1e3);
}

void print_json(const BenchArguments& arguments, const gemma4::Model& model,
                const Results& results) {
  const double weights = static_cast<double>(model.plan().weights_bytes);
  JsonWriter json;
  json.object();
  json.pair("model", model.info().name)
      .pair("isa", gemma4::isa_name(model.isa()))
      .pair("threads", model.threads());
  json.pair("depth", arguments.depth).pair("weights_bytes", model.plan().weights_bytes);
  json.pair("bandwidth_gb_s", results.bandwidth.median * 1e-9);
  json.key("bandwidth").object().pair("gb_s", results.bandwidth.median * 1e-9);
  json.pair("min", results.bandwidth.min * 1e-9).pair("max", results.bandwidth.max * 1e-9).end();
  json.key("decode").object();
  write_ms(json, results.decode);
  json.pair("gb_s", weights / results.decode.median * 1e-9);
  json.pair("share", weights / results.decode.median / results.bandwidth.median).end();
  json.key("prefill").object().pair("tokens", arguments.prompt_tokens);
  json.pair("tokens_per_second", arguments.prompt_tokens / results.prefill.median);
  write_ms(json, results.prefill);
  json.end();
  json.key("batch").array();
  for (const BatchTime& batch : results.batches) {
    json.object().pair("n", batch.tokens);
    write_ms(json, batch.seconds);
    json.pair("ratio", batch.seconds.median / results.batches[0].seconds.median).end();
  }
  json.end().end();
  write_out(json.text() + "\n");
}

void print_text(const BenchArguments& arguments, const gemma4::Model& model,
                const Results& results) {
  const double weights = static_cast<double>(model.plan().weights_bytes);
  const auto line = [](const char* format, auto... values) {
    char text[256];
    std::snprintf(text, sizeof text, format, values...);
    write_out(text);
  };
  line("%.60s, %s kernels, %d threads, %u tokens in the context\n",
       harmless(model.info().name).c_str(), gemma4::isa_name(model.isa()), model.threads(),
       arguments.depth);
  line("memory   %8.2f GB/s read  (%.2f ... %.2f)\n", results.bandwidth.median * 1e-9,
       results.bandwidth.min * 1e-9, results.bandwidth.max * 1e-9);
  line(
      "decode   %8.3f ms a token  (%.3f ... %.3f), %.1f tokens/s; weights at %.2f GB/s, %.0f %% of "
      "the memory's speed\n",
      results.decode.median * 1e3, results.decode.min * 1e3, results.decode.max * 1e3,
      1 / results.decode.median, weights / results.decode.median * 1e-9,
      100 * weights / results.decode.median / results.bandwidth.median);
  line("prefill  %8.1f tokens/s  (%u tokens in %.1f ms, %.1f ... %.1f)\n",
       arguments.prompt_tokens / results.prefill.median, arguments.prompt_tokens,
       results.prefill.median * 1e3, results.prefill.min * 1e3, results.prefill.max * 1e3);
  for (const BatchTime& batch : results.batches) {
    line("batch %2d %8.3f ms  (%.3f ... %.3f), %.2f x one\n", static_cast<int>(batch.tokens),
         batch.seconds.median * 1e3, batch.seconds.min * 1e3, batch.seconds.max * 1e3,
         batch.seconds.median / results.batches[0].seconds.median);
  }
  if (weights < 0x1p28)
    write_out(
        "The weights are small enough to stay in the processor's cache: the share of the memory's "
        "speed says nothing.\n");
}

}  // namespace

int run_bench(const Arguments& words) {
  BenchArguments arguments;
  const OptionTable table = arguments.table();
  if (!table.parse(words)) {
    write_out(table.help());
    return 0;
  }
  // T(1) comes first, whatever was asked for: the others are told as multiples of it.
  std::vector<std::uint64_t> sizes = {1};
  for (const std::uint64_t n :
       arguments.batch.value_or(std::vector<std::uint64_t>{2, 3, 4, 6, 8})) {
    if (n == 0)
      throw UsageError("--batch: expected numbers from 1 to " + std::to_string(kMaxBatch) +
                       ", found 0");
    if (n > 1) sizes.push_back(n);
  }
  arguments.batch = sizes;

  const gemma4::Model model = arguments.load.load();
  gemma4::SessionOptions options = arguments.session.options(arguments.load);
  if (options.context_tokens == 0) options.context_tokens = arguments.context_tokens();
  options.speculation = gemma4::Speculation::off();  // single steps are measured
  gemma4::Session session(model, options);
  const Results results = Bench(arguments, session).run();
  if (arguments.load.json) {
    print_json(arguments, model, results);
  } else {
    print_text(arguments, model, results);
  }
  return 0;
}

}  // namespace cli
