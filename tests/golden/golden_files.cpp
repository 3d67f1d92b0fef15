#include "golden/golden_files.hpp"

#include <simdjson.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace gemma4::golden {
namespace {

using simdjson::dom::element;

std::string path(const std::string& name) { return GEMMA4_SOURCE_DIR "/tests/golden/" + name; }

std::string bytes_of(const std::string& name) {
  std::ifstream file(path(name), std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path(name));
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// A parsed file; elements live as long as it.
struct Json {
  explicit Json(const std::string& name) : root(parser.load(path(name)).value()) {}
  simdjson::dom::parser parser;
  element root;
};

std::string text(element e) { return std::string(std::string_view(e)); }

std::vector<double> numbers(element e) {
  std::vector<double> out;
  for (element value : simdjson::dom::array(e)) out.push_back(double(value));
  return out;
}

template <typename T>
std::vector<T> integers(element e) {
  std::vector<T> out;
  for (element value : simdjson::dom::array(e)) out.push_back(static_cast<T>(std::int64_t(value)));
  return out;
}

Summary summary(element e) {
  Summary out;
  for (element pair : simdjson::dom::array(e["top"])) {
    out.top.emplace_back(static_cast<Token>(std::int64_t(pair.at(0))), double(pair.at(1)));
  }
  out.sum = double(e["sum"]);
  out.sum_of_squares = double(e["sum_sq"]);
  out.minimum = double(e["min"]);
  out.log_sum_exp = double(e["logsumexp"]);
  return out;
}

std::vector<Summary> summaries(element e) {
  std::vector<Summary> out;
  for (element value : simdjson::dom::array(e)) out.push_back(summary(value));
  return out;
}

std::vector<std::vector<float>> rows_of(const std::string& bytes, element full) {
  const std::size_t offset = std::uint64_t(full["offset"]);
  const std::size_t rows = std::uint64_t(full["rows"]), columns = std::uint64_t(full["cols"]);
  std::vector<std::vector<float>> out(rows, std::vector<float>(columns));
  if (offset + rows * columns * sizeof(float) > bytes.size())
    throw std::runtime_error("logits.f32 is too short");
  for (std::size_t r = 0; r < rows; ++r) {
    std::memcpy(out[r].data(), bytes.data() + offset + r * columns * sizeof(float),
                columns * sizeof(float));
  }
  return out;
}

Greedy greedy(element e) {
  Greedy out{integers<Token>(e["ids"]), 0};
  const element first = e["first_small_margin"];
  out.first_small_margin = first.is_null() ? out.tokens.size() : std::uint64_t(first);
  return out;
}

}  // namespace

std::string target_path() { return GEMMA4_SOURCE_DIR "/models/tiny/gemma4-tiny-q4_0.gguf"; }
std::string assistant_path() {
  return GEMMA4_SOURCE_DIR "/models/tiny/gemma4-tiny-assistant-q4_0.gguf";
}

std::string folder_path() { return GEMMA4_SOURCE_DIR "/models/tiny/w4a16/gemma4-tiny"; }

std::vector<LogitPrompt> logit_prompts() {
  const Json json("logits.json");
  const std::string all = bytes_of("logits.f32");
  std::vector<LogitPrompt> out;
  for (element prompt : simdjson::dom::array(json.root["prompts"])) {
    LogitPrompt item;
    item.name = text(prompt["name"]);
    item.ids = integers<Token>(prompt["ids"]);
    item.positions = integers<std::size_t>(prompt["positions"]);
    item.exact = summaries(prompt["exact"]);
    for (const auto& [kv, value] : simdjson::dom::object(prompt["llama"]))
      item.llama[std::string(kv)] = summaries(value);
    item.full = rows_of(all, prompt["full"]);
    out.push_back(std::move(item));
  }
  return out;
}

Agreement llama_agreement(const std::string& kv) {
  const Json json("logits.json");
  const element e = json.root["agreement"][kv];
  return {double(e["max_abs_diff_exact"]), double(e["mean_abs_diff_exact"]),
          double(e["argmax_agreement_exact"])};
}

std::vector<Continuation> continuations() {
  const Json json("continuations.json");
  std::vector<Continuation> out;
  for (element e : simdjson::dom::array(json.root["prompts"])) {
    out.push_back({text(e["name"]), integers<Token>(e["ids"]), greedy(e["f32"]), greedy(e["f16"])});
  }
  return out;
}

Perplexity perplexity(const std::string& result) {
  const Json json("perplexity.json");
  const element e = json.root["results"][result];
  Perplexity out;
  for (element document : simdjson::dom::array(e["documents"])) {
    out.documents.emplace_back(std::uint64_t(document.at(0)), double(document.at(1)));
  }
  out.tokens = double(e["tokens"]);
  out.nll = double(e["nll"]);
  out.perplexity = double(e["perplexity"]);
  return out;
}

std::vector<std::string> held_out_documents() {
  const Json json("perplexity.json");
  const std::string separator = text(json.root["separator"]),
                    all = bytes_of(text(json.root["file"]));
  std::vector<std::string> out;
  std::size_t begin = 0;
  for (std::size_t end; (end = all.find(separator, begin)) != std::string::npos;
       begin = end + separator.size()) {
    out.push_back(all.substr(begin, end - begin));
  }
  out.push_back(all.substr(begin));
  return out;
}

std::vector<DraftRun> draft_runs() {
  const Json json("mtp.json");
  std::vector<DraftRun> out;
  for (element run : simdjson::dom::array(json.root["single_steps"])) {
    DraftRun item;
    item.name = text(run["name"]);
    item.ids = integers<Token>(run["ids"]);
    item.hidden = numbers(run["hidden_exact"]);
    for (element step : simdjson::dom::array(run["steps"])) {
      item.steps.push_back({static_cast<Token>(std::int64_t(step["token"])), summary(step["exact"]),
                            summary(step["llama"]), numbers(step["state_exact"])});
    }
    out.push_back(std::move(item));
  }
  return out;
}

std::vector<SpeculativeRun> speculative_runs() {
  const Json json("mtp.json");
  std::vector<SpeculativeRun> out;
  for (element run : simdjson::dom::array(json.root["runs"])) {
    SpeculativeRun item{
        text(run["name"]), integers<Token>(run["ids"]), integers<Token>(run["greedy"]), {}};
    for (const auto& [most, e] : simdjson::dom::object(run["drafts"])) {
      item.counts[static_cast<std::uint32_t>(std::stoul(std::string(most)))] = {
          std::uint64_t(e["drafted"]), std::uint64_t(e["accepted"]), std::uint64_t(e["rounds"]),
          integers<std::uint64_t>(e["offered_at"]), integers<std::uint64_t>(e["accepted_at"])};
    }
    out.push_back(std::move(item));
  }
  return out;
}

std::vector<ChatCase> chat_cases() {
  const Json json("chat.json");
  std::vector<ChatCase> out;
  for (element e : simdjson::dom::array(json.root["cases"])) {
    ChatCase item{Chat::from_json(simdjson::minify(e["messages"])), text(e["prompt"]),
                  integers<Token>(e["ids"])};
    item.chat.generation_prompt(bool(e["add_generation_prompt"]))
        .thinking(bool(e["enable_thinking"]));
    out.push_back(std::move(item));
  }
  return out;
}

}  // namespace gemma4::golden
