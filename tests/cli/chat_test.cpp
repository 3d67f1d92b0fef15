// The chat: from a pipe, and on a terminal with Ctrl-C at bad moments.
#include <doctest/doctest.h>

#include <algorithm>

#include "cli/process.hpp"
#include "io/temporary_folder.hpp"

using cli_test::Outcome;
using cli_test::run;
using cli_test::Terminal;
using cli_test::Words;

TEST_CASE("a line from a pipe is a turn") {
  const Outcome outcome =
      run({"chat", "--temperature", "0"},
          {.input = "What is 34 + 17?\n\n/reset\nWhat is the capital of Japan?"});
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out.starts_with("34 + 17 = 51.\n"));
  CHECK(outcome.out.find("Tokyo") != std::string::npos);
}

TEST_CASE("a backslash at the end joins lines into one turn") {
  const Outcome outcome =
      run({"chat", "--max-tokens", "1", "--ignore-eos"}, {.input = "one \\\ntwo \\\nthree\nfour"});
  const std::string note = "(cut off by --max-tokens)";
  const std::size_t first = outcome.err.find(note);
  const std::size_t second = outcome.err.find(note, first + 1);
  REQUIRE(second != std::string::npos);
  CHECK(outcome.err.find(note, second + 1) == std::string::npos);
}

TEST_CASE("commands of the chat") {
  const Outcome outcome =
      run({"chat"}, {.input = "/help\n/stats\n/nonsense\n/exit\nnever reached\n"});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.find("/reset") != std::string::npos);
  CHECK(outcome.err.find("tokens/s") != std::string::npos);
  CHECK(outcome.err.find("unknown command \"/nonsense\"") != std::string::npos);
}

TEST_CASE("a conversation that is saved can be loaded and goes on") {
  const gemma4::test::TemporaryFolder folder;
  const std::string file = folder.path("talk");
  const std::string first = "What is 34 + 17?\n", second = "What is the capital of Japan?\n";
  const auto talk = [](const std::string& input) {
    const Outcome outcome = run({"chat", "--temperature", "0"}, {.input = input});
    CAPTURE(outcome.err);
    CHECK(outcome.exit_code == 0);
    return outcome.out;
  };
  const std::string whole = talk(first + second);
  const std::string begun = talk(first + "/save " + file + "\n");
  CHECK(begun + talk("/load " + file + "\n" + second) == whole);
  CHECK(run({"chat"}, {.input = "/load " + folder.path("none") + "\n"}).exit_code == 1);
}

TEST_CASE("a script's chat stops at the first turn that fails") {
  const Outcome outcome =
      run({"chat", "--ctx", "8"}, {.input = "A message far too long for eight tokens\nanother\n"});
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.out.empty());
}

TEST_CASE("a chat longer than its context goes on when it may shift, and says so") {
  std::string turns;
  for (int i = 0; i < 8; ++i) turns += "What is 34 + 17?\n";
  const Outcome outcome =
      run({"chat", "--ctx", "96", "--temperature", "0", "--when-full", "shift"}, {.input = turns});
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  CHECK(std::count(outcome.out.begin(), outcome.out.end(), '\n') == 8);
  CHECK(outcome.err.find("(the context was full: ") != std::string::npos);
  CHECK(outcome.err.find(" tokens dropped, ") != std::string::npos);
  CHECK(run({"chat", "--ctx", "96", "--temperature", "0"}, {.input = turns}).exit_code == 1);
}

TEST_CASE("a person's chat: an answer, Ctrl-C, another answer, Ctrl-D") {
  if (!Terminal::available()) return;
  Terminal terminal({"chat", "--temperature", "0", "--ignore-eos"});
  REQUIRE(terminal.wait_for("> "));
  terminal.type("What is 34 + 17?\n");  // with --ignore-eos it never ends by itself
  REQUIRE(terminal.wait_for("= 51."));
  terminal.type("\x03");
  REQUIRE(terminal.wait_for("(stopped)"));
  REQUIRE(terminal.wait_for("> "));
  terminal.type("/reset\nWhat is 34 + 17?\n");
  REQUIRE(terminal.wait_for("= 51."));
  terminal.type("\x03");
  REQUIRE(terminal.wait_for("(stopped)"));
  REQUIRE(terminal.wait_for("> "));
  terminal.type("\x04");
  CHECK(terminal.finish() == 0);
}

TEST_CASE("Ctrl-C at the prompt asks once, then leaves") {
  if (!Terminal::available()) return;
  Terminal terminal({"chat"});
  REQUIRE(terminal.wait_for("> "));
  terminal.type("half a mess");
  terminal.type("\x03");
  REQUIRE(terminal.wait_for("Ctrl-C again"));
  REQUIRE(terminal.wait_for("> "));
  terminal.type("\x03");
  CHECK(terminal.finish() == 0);
}

TEST_CASE("a full context is said, and /reset mends it") {
  if (!Terminal::available()) return;
  Terminal terminal({"chat", "--ctx", "40", "--temperature", "0"});
  REQUIRE(terminal.wait_for("> "));
  terminal.type(
      "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
      "sixteen\n");
  REQUIRE(terminal.wait_for("/reset starts anew"));
  REQUIRE(terminal.wait_for("> "));
  terminal.type("/reset\nWhat is 34 + 17?\n");
  REQUIRE(terminal.wait_for("= 51."));
  REQUIRE(terminal.wait_for("> "));
  terminal.type("/exit\n");
  CHECK(terminal.finish() == 0);
}

TEST_CASE("Ctrl-C ends generate with what there is, and exit code 1") {
  if (!Terminal::available()) return;
  Terminal terminal({"generate", "--prompt", "A story", "--ignore-eos", "--max-tokens", "0",
                     "--ctx", "4000", "--isa", "scalar"});
  REQUIRE(terminal.wait_for("the"));
  terminal.type("\x03");
  CHECK(terminal.finish() == 1);
  CHECK(terminal.screen().find("gemma4: cancelled") != std::string::npos);
}

TEST_CASE("Ctrl-C is heard while a prompt is being typed") {
  if (!Terminal::available()) return;
  Terminal terminal({"generate", "--prompt-file", "-"});
  REQUIRE(terminal.wait_for("Ctrl-D ends it"));
  terminal.type("half a prompt");
  terminal.type("\x03");
  CHECK(terminal.wait_for("gemma4: cancelled"));
  CHECK(terminal.finish() == 1);
}

TEST_CASE("one JSON object also on a terminal with progress") {
  if (!Terminal::available()) return;
  const cli_test::ScratchFile file(
      cli_test::source_file("tests/golden/heldout.txt").substr(0, 900));
  for (const int columns : {10, 20, 80}) {
    // Slow enough for the progress line to appear, which it does after a quarter of a second.
    Terminal terminal(
        {"perplexity", "--json", "--isa", "scalar", "--threads", "1", "--file", file.path()},
        columns);
    CHECK(terminal.finish() == 0);
    // It shares the terminal with the object: it is wiped first, and never as wide as the terminal.
    const std::string& screen = terminal.screen();
    const std::size_t object = screen.find('{');
    REQUIRE(object != std::string::npos);
    CHECK(screen.find('{', object + 1) == std::string::npos);
    CHECK((object == 0 || screen[object - 1] == '\r'));
    int column = 0, widest = 0;
    for (std::size_t i = 0; i < object; ++i) {
      column = screen[i] == '\r' ? 0 : column + 1;
      widest = std::max(widest, column);
    }
    CHECK(widest < columns);
  }
}
