// gemma4 logits: the next-token logits after given positions.
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <map>
#include <numeric>

#include "arguments.hpp"
#include "commands.hpp"
#include "json_writer.hpp"
#include "terminal.hpp"

namespace cli {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the hash is defined over little-endian numbers");

struct PositionLogits {
  std::vector<std::pair<gemma4::Token, float>> top;  // largest first, lowest id first among equals
  std::string hash;
};

PositionLogits summarize(std::span<const float> logits, std::size_t top) {
  std::vector<gemma4::Token> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const std::size_t count = std::min(top, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](gemma4::Token a, gemma4::Token b) {
                      const float x = logits[static_cast<std::size_t>(a)],
                                  y = logits[static_cast<std::size_t>(b)];
                      return x != y ? x > y : a < b;
                    });
  PositionLogits result;
  for (std::size_t i = 0; i < count; ++i) {
    result.top.emplace_back(order[i], logits[static_cast<std::size_t>(order[i])]);
  }
  char hash[20];
  std::snprintf(hash, sizeof hash, "%016llx",
                static_cast<unsigned long long>(XXH64(logits.data(), logits.size_bytes(), 0)));
  result.hash = hash;
  return result;
}

void print_text(const std::map<std::uint64_t, PositionLogits>& results,
                const gemma4::Tokenizer& tokenizer) {
  for (const auto& [position, result] : results) {
    write_out("after position " + std::to_string(position) + " (xxh64 " + result.hash + "):\n");
    for (const auto& [token, logit] : result.top) {
      char line[64];
      std::snprintf(line, sizeof line, "  %7d  %10.5f  ", token, static_cast<double>(logit));
      write_out(line + shown(tokenizer.decode({&token, 1}, true)) + "\n");
    }
  }
}

void print_json(const std::map<std::uint64_t, PositionLogits>& results) {
  JsonWriter json;
  json.object().key("positions").array();
  for (const auto& [position, result] : results) {
    json.object().pair("position", position).key("top").array();
    for (const auto& [token, logit] : result.top) json.array().value(token).value(logit).end();
    json.end().pair("xxh64", result.hash).end();
  }
  json.end().end();
  write_out(json.text() + "\n");
}

}  // namespace

int run_logits(const Arguments& words) {
  std::optional<std::vector<std::uint64_t>> ids, positions;
  std::uint32_t top = 10;
  LoadArguments load;
  SessionArguments session_arguments;
  OptionTable table("logits --tokens 1,2,3 [OPTIONS]",
                    "Evaluates token ids as they are (begin with bos, see gemma4 tokenize) and "
                    "prints what the model expects "
                    "to follow. xxh64 is the hash of all logits as little-endian 32-bit floats: "
                    "equal hashes, equal bits.");
  table.section("Input:");
  table.list("--tokens", "IDS", "the token ids", ids, INT32_MAX);
  table.list("--positions", "I,J", "after which tokens, counted from 0; default: the last",
             positions, INT32_MAX);
  table.integer("--top", "K", "how many of the largest logits to print; default: 10", 0, 1u << 30,
                top);
  session_arguments.declare(table);
  load.declare(table);
  if (!table.parse(words)) {
    write_out(table.help());
    return 0;
  }
  if (!ids) throw UsageError("--tokens: expected a list of token ids, found nothing");
  if (!positions) positions = {ids->size() - 1};
  for (const std::uint64_t position : *positions) {
    if (position < ids->size()) continue;
    throw UsageError("--positions: expected numbers from 0 to " + std::to_string(ids->size() - 1) +
                     ", found " + std::to_string(position));
  }

  gemma4::Session session(load.load(), session_arguments.options(load));
  const CancelOnInterrupt cancel(session);
  std::map<std::uint64_t, PositionLogits> results;
  session.prefill_tokens(
      to_tokens(*ids), [&](std::uint32_t position, std::span<const float> logits) {
        if (std::find(positions->begin(), positions->end(), position) != positions->end()) {
          results[position] = summarize(logits, top);
        }
      });
  if (load.json) {
    print_json(results);
  } else {
    print_text(results, session.model().tokenizer());
  }
  return 0;
}

}  // namespace cli
