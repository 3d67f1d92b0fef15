// gemma4: the library's functions from the command line. Uses nothing but its public headers.
#include <cstdio>
#include <new>

#include "commands.hpp"
#include "gemma4/gemma4.hpp"
#include "interrupt.hpp"
#include "options.hpp"
#include "terminal.hpp"

namespace cli {
namespace {

struct Command {
  const char* name;
  const char* summary;
  int (*run)(const Arguments& arguments);
};

constexpr Command kCommands[] = {
    {"chat", "talk with the model", run_chat},
    {"generate", "one completion of a prompt", run_generate},
    {"tokenize", "text to token ids, and back", run_tokenize},
    {"logits", "what the model expects after given tokens", run_logits},
    {"perplexity", "how well the model predicts a text", run_perplexity},
    {"render", "the exact prompt text of a conversation", run_render},
    {"inspect", "what a model file is, and the memory it takes", run_inspect},
    {"bench", "speed of prefill and decoding, beside the memory's own", run_bench},
    {"pack", "a model file that loads in a moment", run_pack},
};

std::string help() {
  std::string text =
      "Usage: gemma4 COMMAND [OPTIONS]\n\nRuns Gemma 4 models on this computer's "
      "processor.\n\nCommands:\n";
  for (const Command& command : kCommands) {
    const std::string name = command.name;
    text += "  " + name + std::string(12 - name.size(), ' ') + command.summary + '\n';
  }
  return text +
         "\ngemma4 COMMAND --help explains a command. Without --model the tiny model that comes "
         "with the program is used.\n"
         "Exit codes: 0 done, 1 failed (the reason is on standard error), 2 wrong usage.\n";
}

// `program` becomes "gemma4 COMMAND" once the command is known, for messages.
int run(const Arguments& arguments, std::string& program) {
  if (arguments.empty()) throw UsageError("expected a command, found nothing");
  const std::string& name = arguments[0];
  if (name == "--help" || name == "-h") {
    write_out(help());
    return 0;
  }
  if (name == "--version") {
    write_out(std::string("gemma4 ") + gemma4::version() + "\n");
    return 0;
  }
  for (const Command& command : kCommands) {
    if (name != command.name) continue;
    program += " " + name;
    return command.run(Arguments(arguments.begin() + 1, arguments.end()));
  }
  throw UsageError("expected a command, found " + shown(name));
}

int fail(const std::string& message) {
  std::fprintf(stderr, "gemma4: %s\n", message.c_str());
  return 1;
}

// Everything that goes wrong ends here, as one message and an exit code.
int guarded(const Arguments& arguments) {
  std::string program = "gemma4";
  try {
    catch_interrupts();
    const int code = run(arguments, program);
    flush_out();
    return code;
  } catch (const UsageError& error) {
    std::fprintf(stderr, "%s: %s\nTry %s --help.\n", program.c_str(), error.what(),
                 program.c_str());
    return 2;
  } catch (const OutputError& error) {
    return *error.what() == '\0' ? 1 : fail(error.what());
  } catch (const gemma4::Error& error) {
    return fail(error.code() == gemma4::ErrorCode::cancelled ? "cancelled" : error.what());
  } catch (const std::bad_alloc&) {
    return fail("out of memory");
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}

}  // namespace
}  // namespace cli

int main(int argc, char** argv) {
  cli::prepare_standard_streams();
  return cli::guarded(cli::Arguments(argv + (argc > 0 ? 1 : 0), argv + argc));
}
