// gemma4 chat: a conversation on the terminal, or one turn a line from a pipe.
#include <cstdio>

#include "answer.hpp"
#include "arguments.hpp"
#include "commands.hpp"
#include "line_reader.hpp"
#include "measure.hpp"
#include "terminal.hpp"

namespace cli {
namespace {

struct ChatArguments {
  std::optional<std::string> system;
  bool thinking = false;
  LoadArguments load;
  SessionArguments session;
  ContextArguments context;
  SpeculationArguments speculation;
  SamplingArguments sampling;

  OptionTable table() {
    OptionTable table("chat [OPTIONS]",
                      "Talks with the model. Ctrl-C stops an answer, Ctrl-D leaves; a line that "
                      "ends in \\ goes on in the "
                      "next; /help lists the commands. When standard input is not a terminal, each "
                      "line is one turn.");
    table.section("Conversation:");
    table.text("--system", "S", "instructions before the conversation", system);
    table.flag("--thinking", "let the model think before it answers", thinking);
    sampling.declare(table, "default: what the model recommends");
    session.declare(table);
    context.declare(table);
    speculation.declare(table);
    load.declare(table, /*with_json=*/false);
    return table;
  }
};

constexpr const char* kHelp =
    "/reset   forget the conversation\n"
    "/save F  write the conversation to a file, /load F goes on with one\n"
    "/stats   speeds, what drafts did, and how full the context is\n"
    "/exit    leave (also Ctrl-D)\n"
    "/help    this list\n"
    "A line that ends in \\ goes on in the next. Ctrl-C stops an answer; what was said so far is "
    "kept.\n";

class Conversation {
 public:
  Conversation(const ChatArguments& arguments, gemma4::Session session,
               gemma4::SessionOptions session_options)
      : arguments_(arguments),
        session_(std::move(session)),
        session_options_(std::move(session_options)),
        options_(arguments.sampling.options(session_.model().info().recommended_sampling, 0)),
        interactive_(input_is_terminal()) {}

  int run() {
    greet();
    std::string message;
    while (read_message(message)) {
      if (message.find_first_not_of(" \t\r\n") == std::string::npos) continue;
      if (message[0] == '/') {
        if (!command(message)) break;
      } else if (!answer(message)) {
        return 1;
      }
    }
    return 0;
  }

 private:
  // What is said to the person and not by the model goes to standard error: standard output holds
  // the answers alone.
  void say(const std::string& text) const {
    std::fputs(text.c_str(), stderr);
    std::fflush(stderr);
  }

  void greet() const {
    if (!interactive_) return;
    const gemma4::Model& model = session_.model();
    char line[256];
    std::snprintf(line, sizeof line,
                  "gemma4 %s: %.40s, %s kernels, %d threads, %u tokens of context\n",
                  gemma4::version(), harmless(model.info().name).c_str(),
                  gemma4::isa_name(model.isa()), model.threads(), session_.context_tokens());
    say(line);
    say("/help lists the commands, Ctrl-C stops an answer, Ctrl-D leaves.\n");
  }

  // One message, joined from lines that end in a backslash. False at the end of the input.
  bool read_message(std::string& message) {
    message.clear();
    bool asked_to_leave = false;
    while (true) {
      if (interactive_) say(message.empty() ? "> " : "... ");
      std::string line;
      switch (reader_.read(line)) {
        case LineReader::Result::end:
          if (interactive_) say("\n");
          return !message.empty();
        case LineReader::Result::interrupted:
          if (asked_to_leave || !interactive_) {
            if (interactive_) say("\n");
            return false;
          }
          say("\n(Ctrl-C again or Ctrl-D to leave)\n");
          asked_to_leave = true;
          message.clear();
          continue;
        case LineReader::Result::line:
          break;
      }
      asked_to_leave = false;
      if (!line.empty() && line.back() == '\r') line.pop_back();
      const bool more = !line.empty() && line.back() == '\\';
      if (more) line.back() = '\n';
      message += line;
      if (!more) return true;
    }
  }

  // Saves to or loads from a file; what was there before a failure stays.
  void keep(bool save, const std::string& path) {
    try {
      if (save) {
        const CancelOnInterrupt cancel(session_);
        session_.save(path);
      } else {
        const gemma4::Model model = session_.model();
        session_ = gemma4::Session::restore(model, path, session_options_);
      }
      say(save ? "(saved)\n"
               : "(" + std::to_string(session_.position()) + " tokens of a conversation)\n");
    } catch (const gemma4::Error& error) {
      if (!interactive_) throw;
      say(std::string(error.what()) + "\n");
    }
  }

  // False: leave.
  bool command(const std::string& line) {
    const std::string name = line.substr(0, line.find_last_not_of(" \t") + 1);
    for (const bool save : {true, false}) {
      const std::string_view verb = save ? "/save " : "/load ";
      if (!name.starts_with(verb)) continue;
      keep(save, name.substr(name.find_first_not_of(" \t", verb.size())));
      return true;
    }
    if (name == "/exit" || name == "/quit") return false;
    if (name == "/reset") {
      session_.rewind(0);
      say("(a new conversation)\n");
    } else if (name == "/stats") {
      say(describe(session_.statistics()) + "; context " + std::to_string(session_.position()) +
          " of " + std::to_string(session_.context_tokens()) + " tokens; " +
          std::to_string(peak_rss_bytes() >> 20) + " MiB at most\n");
    } else {
      if (name != "/help") say("unknown command " + shown(name) + "\n");
      say(kHelp);
    }
    return true;
  }

  // One turn. False when a script must stop: an error, or Ctrl-C without a person at the prompt.
  bool answer(const std::string& message) {
    std::uint32_t before = session_.position();
    const gemma4::Statistics counted = session_.statistics();
    AnswerPrinter printer;
    bool generating = false;
    try {
      const CancelOnInterrupt cancel(session_);
      gemma4::Chat chat;
      if (before == 0 && arguments_.system) chat.system(*arguments_.system);
      session_.append(chat.user(message).thinking(arguments_.thinking));
      before -=
          static_cast<std::uint32_t>(session_.statistics().dropped_tokens - counted.dropped_tokens);
      prefill(session_, session_.position() - before, cancel);
      generating = true;
      Answer result;
      for (const gemma4::Event& event : session_.generate(options_)) {
        result.add(event);
        printer.print(event);
        if (cancel.pressed()) break;
      }
      printer.finish();
      say(describe_shifts(counted, session_.statistics()));
      return after(result, cancel.pressed());
    } catch (const gemma4::Error& error) {
      printer.finish();
      // A message that was not read to its end is taken back; an answer that was begun stays.
      if (!generating) session_.rewind(before);
      const bool cancelled = error.code() == gemma4::ErrorCode::cancelled;
      if (!interactive_ || (!cancelled && error.code() != gemma4::ErrorCode::context_full)) throw;
      say(cancelled ? std::string("(cancelled, the message was taken back)\n")
                    : std::string(error.what()) + "; /reset starts anew\n");
      return true;
    }
  }

  bool after(const Answer& result, bool cancelled) const {
    if (cancelled) {
      say("(stopped)\n");
    } else if (result.reason == gemma4::FinishReason::context_full) {
      say("(the context is full; /reset starts anew)\n");
    } else if (result.reason == gemma4::FinishReason::length) {
      say("(cut off by --max-tokens)\n");
    }
    return interactive_ || !cancelled;
  }

  const ChatArguments& arguments_;
  gemma4::Session session_;
  gemma4::SessionOptions session_options_;
  gemma4::GenerateOptions options_;
  bool interactive_;
  LineReader reader_;
};

}  // namespace

int run_chat(const Arguments& words) {
  ChatArguments arguments;
  const OptionTable table = arguments.table();
  if (!table.parse(words)) {
    write_out(table.help());
    return 0;
  }
  gemma4::SessionOptions options = arguments.session.options(arguments.load);
  options.speculation = arguments.speculation.speculation();
  arguments.context.apply(options);
  return Conversation(arguments, gemma4::Session(arguments.load.load(), options), options).run();
}

}  // namespace cli
