#include "bench_report.hpp"

#include <cmath>
#include <cstdio>

#include "json_writer.hpp"
#include "terminal.hpp"

namespace cli {
namespace {

void write_ms(JsonWriter& json, const Spread& seconds) {
  json.pair("ms", seconds.median * 1e3)
      .pair("min", seconds.min * 1e3)
      .pair("max", seconds.max * 1e3);
}

void write_prefill(JsonWriter& json, const BenchArguments& arguments, double macs,
                   const BenchResults& results) {
  const double rate = macs / results.prefill.median;
  json.key("prefill").object().pair("tokens", arguments.prompt_tokens);
  json.pair("tokens_per_second", arguments.prompt_tokens / results.prefill.median);
  json.pair("gmac_s", rate * 1e-9);
  json.pair("share", results.int8_rate ? rate / results.int8_rate->median : NAN);
  write_ms(json, results.prefill);
  json.end();
}

/// As multiples of the first.
void write_passes(JsonWriter& json, const char* key, const std::vector<PassTime>& passes) {
  json.key(key).array();
  for (const PassTime& pass : passes) {
    json.object().pair("n", pass.tokens);
    write_ms(json, pass.seconds);
    json.pair("ratio", pass.seconds.median / passes[0].seconds.median).end();
  }
  json.end();
}

void write_speculation(JsonWriter& json, const SpeculationResult& result) {
  json.object();
  json.pair("replayed", result.replayed());
  if (!result.replayed()) json.pair("prompt", result.prompt);
  json.pair("acceptance", result.replayed() ? result.wanted_acceptance : result.acceptance());
  json.key("draft");
  if (result.depth.tokens > 0) {
    json.value(result.depth.tokens);
  } else {
    json.value(result.depth.name());
  }
  json.pair("tokens_per_second", result.tokens_per_second.median)
      .pair("min", result.tokens_per_second.min)
      .pair("max", result.tokens_per_second.max);
  json.pair("speedup", result.speedup.median)
      .pair("speedup_min", result.speedup.min)
      .pair("speedup_max", result.speedup.max);
  json.pair("drafted", result.drafted).pair("accepted", result.accepted);
  json.key("passes").array();
  for (const std::uint64_t count : result.passes) json.value(count);
  json.end().end();
}

template <class... Values>
void line(const char* format, Values... values) {
  char text[256];
  std::snprintf(text, sizeof text, format, values...);
  write_out(text);
}

void print_times(const BenchArguments& arguments, double weights, double macs,
                 const BenchResults& results) {
  const Spread& decode = results.decode;
  const Spread& prefill = results.prefill;
  line("memory    %8.2f GB/s read  (%.2f ... %.2f)\n", results.bandwidth.median * 1e-9,
       results.bandwidth.min * 1e-9, results.bandwidth.max * 1e-9);
  line("decode    %8.3f ms a token  (%.3f ... %.3f), %.1f tokens/s\n", decode.median * 1e3,
       decode.min * 1e3, decode.max * 1e3, 1 / decode.median);
  line("          weights at %.2f GB/s, %.0f %% of the memory's speed\n",
       weights / decode.median * 1e-9, 100 * weights / decode.median / results.bandwidth.median);
  line("prefill   %8.1f tokens/s  (%u tokens in %.1f ms, %.1f ... %.1f)\n",
       arguments.prompt_tokens / prefill.median, arguments.prompt_tokens, prefill.median * 1e3,
       prefill.min * 1e3, prefill.max * 1e3);
  line("          %.1f billion multiply-adds/s", macs / prefill.median * 1e-9);
  if (results.int8_rate) {
    line(", %.0f %% of the %.1f of 8-bit integers",
         100 * macs / prefill.median / results.int8_rate->median, results.int8_rate->median * 1e-9);
  }
  write_out("\n");
  for (const PassTime& pass : results.verification) {
    line("verify %2d %8.3f ms  (%.3f ... %.3f), %.2f x one\n", static_cast<int>(pass.tokens),
         pass.seconds.median * 1e3, pass.seconds.min * 1e3, pass.seconds.max * 1e3,
         pass.seconds.median / results.one());
  }
  for (const PassTime& pass : results.sessions) {
    const double one = results.sessions[0].seconds.median, median = pass.seconds.median;
    const auto n = static_cast<int>(pass.tokens);
    line("%2d session%s %7.3f ms  (%.3f ... %.3f), %.2f x one, %.1f tokens/s\n", n,
         n == 1 ? " " : "s", median * 1e3, pass.seconds.min * 1e3, pass.seconds.max * 1e3,
         median / one, n / median);
  }
  if (results.draft_step) {
    const Spread& step = *results.draft_step;
    line("draft     %8.3f ms a token  (%.3f ... %.3f), %.1f %% of verify 1\n", step.median * 1e3,
         step.min * 1e3, step.max * 1e3, 100 * step.median / results.one());
  }
}

void print_speculation(const SpeculationResult& result) {
  if (result.depth.tokens == 0) {  // the first of a group
    if (result.replayed()) {
      line("\nreplayed drafts, each right with probability %.2f\n", result.wanted_acceptance);
    } else {
      line("\nprompt: %s\n", result.prompt.c_str());
    }
  }
  line("draft %4s %8.1f tokens/s  (%.1f ... %.1f), %.2f x", result.depth.name().c_str(),
       result.tokens_per_second.median, result.tokens_per_second.min, result.tokens_per_second.max,
       result.speedup.median);
  if (result.drafted > 0) line(", %.0f %% accepted", 100 * result.acceptance());
  write_out("\n");
  if (result.depth.tokens != DraftDepth::kAutomatic) return;
  write_out("           passes by depth:");
  for (const std::uint64_t count : result.passes) line(" %.0f", static_cast<double>(count));
  write_out("\n");
}

class JsonReport final : public BenchReport {
 public:
  JsonReport(const BenchArguments& arguments, const gemma4::Model& model)
      : arguments_(arguments), model_(model) {}

  void times(const BenchResults& results) override {
    const double weights = static_cast<double>(model_.plan().weights_bytes);
    const double macs = prefill_macs(model_.info()) * arguments_.prompt_tokens;
    json_.object();
    json_.pair("model", model_.info().name)
        .pair("isa", gemma4::isa_name(model_.isa()))
        .pair("activations", gemma4::activation_type_name(model_.info().activations))
        .pair("threads", model_.threads());
    json_.pair("depth", arguments_.depth).pair("weights_bytes", model_.plan().weights_bytes);
    json_.pair("bandwidth_gb_s", results.bandwidth.median * 1e-9);
    json_.key("bandwidth").object().pair("gb_s", results.bandwidth.median * 1e-9);
    json_.pair("min", results.bandwidth.min * 1e-9).pair("max", results.bandwidth.max * 1e-9).end();
    json_.pair("int8_gmac_s", results.int8_rate ? results.int8_rate->median * 1e-9 : NAN);
    json_.key("decode").object();
    write_ms(json_, results.decode);
    json_.pair("gb_s", weights / results.decode.median * 1e-9);
    json_.pair("share", weights / results.decode.median / results.bandwidth.median).end();
    write_prefill(json_, arguments_, macs, results);
    write_passes(json_, "verification", results.verification);
    if (!results.sessions.empty()) write_passes(json_, "sessions", results.sessions);
    if (results.draft_step) {
      json_.key("draft_step").object();
      write_ms(json_, *results.draft_step);
      json_.pair("ratio", results.draft_step->median / results.one()).end();
    }
    json_.key("speculation").array();
    print();
  }

  void speculation(const std::vector<SpeculationResult>& results) override {
    for (const SpeculationResult& result : results) write_speculation(json_, result);
    print();
  }

  void end() override {
    if (printed_ == 0) return;  // it failed before there was anything to say
    json_.end().end();
    print();
    write_out("\n");
  }

 private:
  void print() {
    write_out(std::string_view(json_.text()).substr(printed_));
    flush_out();
    printed_ = json_.text().size();
  }

  const BenchArguments& arguments_;
  const gemma4::Model& model_;
  JsonWriter json_;
  std::size_t printed_ = 0;  // bytes of its text
};

class TextReport final : public BenchReport {
 public:
  TextReport(const BenchArguments& arguments, const gemma4::Model& model)
      : arguments_(arguments),
        model_(model),
        weights_(static_cast<double>(model.plan().weights_bytes)) {}

  void times(const BenchResults& results) override {
    line("%.60s, %s kernels, %s activations, %d threads, %u tokens in the context\n",
         harmless(model_.info().name).c_str(), gemma4::isa_name(model_.isa()),
         gemma4::activation_type_name(model_.info().activations), model_.threads(),
         arguments_.depth);
    print_times(arguments_, weights_, prefill_macs(model_.info()) * arguments_.prompt_tokens,
                results);
    if (weights_ < 0x1p28) {
      write_out(
          "\nThe weights are small enough to stay in the processor's cache: the share of the\n"
          "memory's speed says nothing, and drafts gain less than with weights that do not.\n");
    }
    flush_out();
  }

  void speculation(const std::vector<SpeculationResult>& results) override {
    for (const SpeculationResult& result : results) print_speculation(result);
    flush_out();
  }

  void end() override {}

 private:
  const BenchArguments& arguments_;
  const gemma4::Model& model_;
  double weights_;
};

}  // namespace

std::unique_ptr<BenchReport> make_report(const BenchArguments& arguments,
                                         const gemma4::Model& model) {
  if (arguments.load.json) return std::make_unique<JsonReport>(arguments, model);
  return std::make_unique<TextReport>(arguments, model);
}

}  // namespace cli
