// gemma4 generate: one completion.
#include <algorithm>
#include <array>
#include <cstdio>

#include "answer.hpp"
#include "arguments.hpp"
#include "commands.hpp"
#include "json_writer.hpp"
#include "measure.hpp"
#include "read_file.hpp"
#include "terminal.hpp"

namespace cli {
namespace {

constexpr std::uint32_t kDefaultMaxTokens = 256;

struct GenerateArguments {
  std::optional<std::string> prompt, prompt_file, system, save, restore;
  std::optional<std::vector<std::uint64_t>> tokens;
  bool chat = false, thinking = false, stats = false;
  LoadArguments load;
  SessionArguments session;
  ContextArguments context;
  SpeculationArguments speculation;
  SamplingArguments sampling;

  OptionTable table();
  void check() const;
};

OptionTable GenerateArguments::table() {
  OptionTable table(
      "generate (--prompt S | --prompt-file F | --tokens 1,2,3) [OPTIONS]",
      "Completes a prompt and prints the completion as it comes. Without --chat the prompt is raw "
      "text: "
      "bos is put in front, and the texts of special tokens in it (\"<|turn>\") become these "
      "tokens. With "
      "--chat it is a message of the user, in which nothing becomes a special token.");
  table.section("Prompt (exactly one; after --restore at most one):");
  table.text("--prompt", "S", "the prompt itself", prompt);
  table.text("--prompt-file", "F", "a file that holds the prompt; - reads standard input",
             prompt_file);
  table.list("--tokens", "IDS", "token ids, taken as they are (no bos is added)", tokens,
             INT32_MAX);
  table.section("A session on disk:");
  table.text("--restore", "F", "go on with a session that --save wrote; the prompt comes after it",
             restore);
  table.text("--save", "F", "write the session to a file when the completion has ended", save);
  table.section("Chat format:");
  table.flag("--chat", "wrap the prompt as a user's turn", chat);
  table.text("--system", "S", "with --chat: instructions before the conversation", system);
  table.flag("--thinking", "with --chat: let the model think before it answers", thinking);
  sampling.declare(table, "default: greedy");
  table.section("Output:");
  table.flag("--stats", "print speeds and what drafts did on standard error after the answer",
             stats);
  session.declare(table);
  context.declare(table);
  speculation.declare(table);
  load.declare(table);
  return table;
}

void GenerateArguments::check() const {
  const int sources = prompt.has_value() + prompt_file.has_value() + tokens.has_value();
  if (sources != 1 && !(sources == 0 && restore && !chat)) {
    throw UsageError("expected exactly one of --prompt, --prompt-file and --tokens, found " +
                     std::to_string(sources));
  }
  if (chat && tokens) throw UsageError("--chat: expected a text prompt, found --tokens");
  if (!chat && system) throw UsageError("--system: expected --chat beside it");
  if (!chat && thinking) throw UsageError("--thinking: expected --chat beside it");
  if (prompt && prompt->empty()) throw UsageError("--prompt: expected a text, found nothing");
}

void append_prompt(const GenerateArguments& arguments, gemma4::Session& session) {
  if (arguments.tokens) {
    session.append_tokens(to_tokens(*arguments.tokens));
    return;
  }
  if (!arguments.prompt && !arguments.prompt_file) return;  // a restored session goes on as it is
  const std::string text = arguments.prompt ? *arguments.prompt : read_file(*arguments.prompt_file);
  if (text.empty())
    throw std::runtime_error("the prompt file " + shown(*arguments.prompt_file) + " is empty");
  if (!arguments.chat) {
    session.append_text(text, gemma4::SpecialTokens::all);
    return;
  }
  gemma4::Chat chat;
  if (arguments.system) chat.system(*arguments.system);
  session.append(chat.user(text).thinking(arguments.thinking));
}

/// The tokens of a session as they come. A full context may lose the older ones.
class TokenLog {
 public:
  explicit TokenLog(const gemma4::Session& session) : session_(session), seen_(total()) {}

  void update() {
    const std::span<const gemma4::Token> tokens = session_.tokens();
    const std::uint64_t now = total();
    const auto fresh = tokens.last(std::min<std::uint64_t>(now - seen_, tokens.size()));
    tokens_.insert(tokens_.end(), fresh.begin(), fresh.end());
    seen_ = now;
  }
  const std::vector<gemma4::Token>& tokens() const { return tokens_; }

 private:
  std::uint64_t total() const { return session_.position() + session_.statistics().dropped_tokens; }

  const gemma4::Session& session_;
  std::uint64_t seen_;
  std::vector<gemma4::Token> tokens_;
};

Answer generate(const GenerateArguments& arguments, gemma4::Session& session, TokenLog& log) {
  Answer answer;
  AnswerPrinter printer;
  const gemma4::GenerateOptions options = arguments.sampling.options({}, kDefaultMaxTokens);
  const CancelOnInterrupt cancel(session);
  prefill(session, session.position(), cancel);
  for (const gemma4::Event& event : session.generate(options)) {
    answer.add(event);
    log.update();
    if (!arguments.load.json) printer.print(event);
    if (cancel.pressed()) break;
  }
  if (cancel.pressed()) answer.reason = gemma4::FinishReason::cancelled;
  if (!arguments.load.json) printer.finish();
  return answer;
}

template <std::size_t n>
std::vector<std::uint64_t> list(const std::array<std::uint64_t, n>& counts) {
  return {counts.begin(), counts.end()};
}

void write_statistics(JsonWriter& json, const gemma4::Statistics& statistics, double load_seconds) {
  json.key("statistics").object();
  json.pair("prefill_tokens", statistics.prefill_tokens);
  json.pair("prefill_tokens_per_second", statistics.prefill_tokens_per_second());
  json.pair("decode_tokens", statistics.decode_tokens);
  json.pair("decode_tokens_per_second", statistics.decode_tokens_per_second());
  json.pair("drafted", statistics.drafted).pair("accepted", statistics.accepted);
  json.key("offered_at").values(list(statistics.offered_at));
  json.key("accepted_at").values(list(statistics.accepted_at));
  json.pair("target_steps", statistics.target_steps);
  json.pair("shifts", statistics.shifts).pair("dropped_tokens", statistics.dropped_tokens);
  json.pair("reprocessed_tokens", statistics.reprocessed_tokens);
  json.key("depths").values(list(statistics.depths));
  json.pair("tokens_per_target_step", statistics.tokens_per_target_step());
  json.pair("decode_seconds", 1e-9 * static_cast<double>(statistics.decode_ns));
  json.pair("draft_seconds", 1e-9 * static_cast<double>(statistics.draft_ns));
  json.pair("verify_seconds", 1e-9 * static_cast<double>(statistics.verify_ns));
  json.pair("plain_step_seconds", 1e-9 * statistics.plain_step_ns());
  json.pair("speedup_over_plain", statistics.speedup_over_plain());
  json.pair("load_seconds", load_seconds).pair("peak_rss_bytes", peak_rss_bytes());
  json.end();
}

void print_json(const gemma4::Statistics& statistics, const std::vector<gemma4::Token>& prompt,
                const std::vector<gemma4::Token>& tokens, const Answer& answer,
                double load_seconds) {
  JsonWriter json;
  json.object();
  json.key("prompt_tokens").values(prompt);
  json.key("tokens").values(tokens);
  json.pair("text", answer.text);
  if (!answer.thinking.empty()) json.pair("thinking", answer.thinking);
  if (!answer.tool_calls.empty()) {
    json.key("tool_calls").array();
    for (const gemma4::ToolCall& call : answer.tool_calls) {
      json.object().pair("name", call.name).pair("arguments", call.arguments).end();
    }
    json.end();
  }
  json.pair("finish_reason", gemma4::finish_reason_name(answer.reason));
  write_statistics(json, statistics, load_seconds);
  json.end();
  write_out(json.text() + "\n");
}

}  // namespace

int run_generate(const Arguments& words) {
  GenerateArguments arguments;
  const OptionTable table = arguments.table();
  if (!table.parse(words)) {
    write_out(table.help());
    return 0;
  }
  arguments.check();

  double load_seconds = 0;
  gemma4::SessionOptions options = arguments.session.options(arguments.load);
  options.speculation = arguments.speculation.speculation();
  arguments.context.apply(options);
  const gemma4::Model model = arguments.load.load(&load_seconds);
  gemma4::Session session = arguments.restore
                                ? gemma4::Session::restore(model, *arguments.restore, options)
                                : gemma4::Session(model, options);
  append_prompt(arguments, session);
  const std::vector<gemma4::Token> prompt(session.tokens().begin(), session.tokens().end());
  TokenLog log(session);
  const Answer answer = generate(arguments, session, log);
  if (arguments.save) session.save(*arguments.save);
  std::fputs(describe_shifts({}, session.statistics()).c_str(), stderr);
  if (arguments.load.json)
    print_json(session.statistics(), prompt, log.tokens(), answer, load_seconds);
  if (arguments.stats) std::fprintf(stderr, "%s\n", describe(session.statistics()).c_str());
  if (answer.reason != gemma4::FinishReason::cancelled) return 0;
  flush_out();
  std::fprintf(stderr, "gemma4: cancelled\n");
  return 1;
}

}  // namespace cli
