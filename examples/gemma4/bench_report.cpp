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
  json.pair("drafted", result.drafted).pair("accepted", result.accepted).end();
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
}

}  // namespace

void print_json(const BenchArguments& arguments, const gemma4::Model& model,
                const BenchResults& results) {
  const double weights = static_cast<double>(model.plan().weights_bytes);
  const double macs = prefill_macs(model.info()) * arguments.prompt_tokens;
  JsonWriter json;
  json.object();
  json.pair("model", model.info().name)
      .pair("isa", gemma4::isa_name(model.isa()))
      .pair("activations", gemma4::activation_type_name(model.info().activations))
      .pair("threads", model.threads());
  json.pair("depth", arguments.depth).pair("weights_bytes", model.plan().weights_bytes);
  json.pair("bandwidth_gb_s", results.bandwidth.median * 1e-9);
  json.key("bandwidth").object().pair("gb_s", results.bandwidth.median * 1e-9);
  json.pair("min", results.bandwidth.min * 1e-9).pair("max", results.bandwidth.max * 1e-9).end();
  json.pair("int8_gmac_s", results.int8_rate ? results.int8_rate->median * 1e-9 : NAN);
  json.key("decode").object();
  write_ms(json, results.decode);
  json.pair("gb_s", weights / results.decode.median * 1e-9);
  json.pair("share", weights / results.decode.median / results.bandwidth.median).end();
  write_prefill(json, arguments, macs, results);
  write_passes(json, "verification", results.verification);
  if (!results.sessions.empty()) write_passes(json, "sessions", results.sessions);
  if (results.draft_step) {
    json.key("draft_step").object();
    write_ms(json, *results.draft_step);
    json.pair("ratio", results.draft_step->median / results.one()).end();
  }
  json.key("speculation").array();
  for (const SpeculationResult& result : results.speculation) write_speculation(json, result);
  json.end().end();
  write_out(json.text() + "\n");
}

void print_text(const BenchArguments& arguments, const gemma4::Model& model,
                const BenchResults& results) {
  const double weights = static_cast<double>(model.plan().weights_bytes);
  line("%.60s, %s kernels, %s activations, %d threads, %u tokens in the context\n",
       harmless(model.info().name).c_str(), gemma4::isa_name(model.isa()),
       gemma4::activation_type_name(model.info().activations), model.threads(), arguments.depth);
  print_times(arguments, weights, prefill_macs(model.info()) * arguments.prompt_tokens, results);
  for (const SpeculationResult& result : results.speculation) print_speculation(result);
  if (weights < 0x1p28) {
    write_out(
        "\nThe weights are small enough to stay in the processor's cache: the share of the\n"
        "memory's speed says nothing, and drafts gain less than with weights that do not.\n");
  }
}

}  // namespace cli
