#include "table.hpp"

#include "base/error.hpp"
#include "json_writer.hpp"
#include "machine/report.hpp"
#include "machine/spread.hpp"

namespace gemma4::bench {
namespace {

int as_int(std::uint64_t value) { return static_cast<int>(value); }

std::string name_of(const Row& row) {
  switch (row.what) {
    case What::load:
      return "load, file in the page cache, s";
    case What::prefill:
      return format_text("prefill of %d tokens, s", as_int(row.tokens));
    case What::decode:
      return format_text("depth %d: decode, ms a token", as_int(row.depth));
    case What::batch:
      return format_text("depth %d: T(%d), ms", as_int(row.depth), as_int(row.tokens));
  }
  return "";
}

double unit(const Row& row) {
  return row.what == What::load || row.what == What::prefill ? 1.0 : 1e3;
}

/// T(1) of the same depth.
const Row* one_of(const Results& results, const Row& row) {
  for (const Row& other : results.rows) {
    if (other.what == What::batch && other.depth == row.depth && other.tokens == 1) return &other;
  }
  return nullptr;
}

/// "as a multiple of T(1)" for batches; tokens a second otherwise.
std::string remark(const Results& results, const Row& row, std::size_t e) {
  const double median = spread(row.seconds[e]).median;
  if (row.what == What::prefill)
    return format_text("%.1f tok/s", static_cast<double>(row.tokens) / median);
  if (row.what == What::decode) return format_text("%.2f tok/s", 1 / median);
  const Row* one = row.what == What::batch ? one_of(results, row) : nullptr;
  if (one == nullptr) return "";
  return format_text("%.2f T(1)", median / spread(one->seconds[e]).median);
}

std::string cell(const Results& results, const Row& row, std::size_t e) {
  const Spread s = spread(row.seconds[e]);
  const double u = unit(row);
  const std::string range = format_text("(%.4g ... %.4g)", s.min * u, s.max * u);
  return format_text("%8.4g %-19s %-11s", s.median * u, range.c_str(),
                     remark(results, row, e).c_str());
}

std::string head(const CompareOptions& options, const Results& results) {
  const Spread read = spread(results.read);
  std::string text = describe_machine() + "\n" + options.model + ", ";
  text += format_text("%.3f GB of weights, %d threads\n", results.weights_bytes * 1e-9,
                      options.threads);
  text += format_text("memory: %.1f GB/s streaming read (%.1f ... %.1f)", read.median * 1e-9,
                      read.min * 1e-9, read.max * 1e-9);
  if (results.int8 > 0)
    text += format_text("; int8: %.0f GMAC/s (%s)", results.int8 * 1e-9, results.int8_name.c_str());
  text += "\n";
  for (std::size_t e = 0; e < results.engines.size(); ++e)
    text += format_text("engine %d: %s; most likely token and logit after the test prompt: %s\n",
                        as_int(e + 1), results.engines[e].c_str(), results.tops[e].c_str());
  return text + "Medians (least ... most).\n\n";
}

/// Of an engine's decode steps, how much of the memory's speed they use: of the pass over this
/// library's own weights and of the buffer's.
std::string shares(const Results& results) {
  const double read = spread(results.read).median;
  const Spread weights = spread(results.read_weights);
  std::string text = format_text("bare pass over the weights: %.1f ms (%.1f ... %.1f), %.1f GB/s\n",
                                 weights.median * 1e3, weights.min * 1e3, weights.max * 1e3,
                                 results.weights_bytes / weights.median * 1e-9);
  for (const Row& row : results.rows) {
    if (row.what != What::decode || read <= 0) continue;
    text += format_text("depth %d: weights are read at", as_int(row.depth));
    for (const auto& seconds : row.seconds) {
      const double rate = results.weights_bytes / spread(seconds).median;
      text += format_text("  %.1f GB/s = %.0f %% of the bare pass, %.0f %% of the buffer's speed",
                          rate * 1e-9, 100 * rate * weights.median / results.weights_bytes,
                          100 * rate / read);
    }
    text += "\n";
  }
  return text;
}

void write_row(cli::JsonWriter& json, const Results& results, const Row& row) {
  constexpr const char* kNames[] = {"load", "prefill", "decode", "batch"};
  json.object().pair("what", kNames[static_cast<int>(row.what)]);
  json.pair("depth", row.depth).pair("tokens", row.tokens).key("engines").array();
  for (std::size_t e = 0; e < row.seconds.size(); ++e) {
    const Spread s = spread(row.seconds[e]);
    json.object().pair("median_s", s.median).pair("min_s", s.min).pair("max_s", s.max);
    if (const Row* one = one_of(results, row); one != nullptr && row.what == What::batch)
      json.pair("x_one", s.median / spread(one->seconds[e]).median);
    json.key("seconds").values(row.seconds[e]).end();
  }
  json.end().end();
}

}  // namespace

std::string as_text(const CompareOptions& options, const Results& results) {
  std::string text = head(options, results);
  const bool two = results.engines.size() > 1;
  text += format_text("%-33s %-40s %-40s %s\n", "", "engine 1", two ? "engine 2" : "",
                      two ? "2 / 1" : "");
  for (const Row& row : results.rows) {
    text += format_text("%-32s", name_of(row).c_str()) + cell(results, row, 0);
    if (two)
      text += cell(results, row, 1) +
              format_text(" %.2f", spread(row.seconds[1]).median / spread(row.seconds[0]).median);
    text += "\n";
  }
  text += format_text("%-32s", "memory, peak resident, GB");
  for (const Memory& memory : results.memory)
    text += format_text("%8.2f (%.2f anonymous)          ", memory.peak_bytes * 1e-9,
                        memory.anonymous_bytes * 1e-9);
  return text + "\n\n" + shares(results);
}

std::string as_json(const CompareOptions& options, const Results& results) {
  const Spread read = spread(results.read);
  cli::JsonWriter json;
  json.object().pair("machine", describe_machine()).pair("model", options.model);
  json.pair("threads", options.threads).pair("weights_bytes", results.weights_bytes);
  json.key("read_bytes_per_second").object().pair("median", read.median);
  json.pair("min", read.min).pair("max", read.max).end();
  const Spread weights = spread(results.read_weights);
  json.key("read_weights_seconds").object().pair("median", weights.median);
  json.pair("min", weights.min).pair("max", weights.max).end();
  json.pair("int8_macs_per_second", results.int8).pair("int8_loop", results.int8_name);
  json.key("engines").array();
  for (std::size_t e = 0; e < results.engines.size(); ++e) {
    json.object().pair("name", results.engines[e]).pair("top", results.tops[e]);
    json.pair("peak_bytes", results.memory[e].peak_bytes);
    json.pair("anonymous_bytes", results.memory[e].anonymous_bytes).end();
  }
  json.end().key("results").array();
  for (const Row& row : results.rows) write_row(json, results, row);
  return json.end().end().text() + "\n";
}

}  // namespace gemma4::bench
