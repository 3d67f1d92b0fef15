// The program's own parts: JSON, options, the progress line.
#include <doctest/doctest.h>
#include <simdjson.h>

#include <cmath>
#include <limits>

#include "json_writer.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "terminal.hpp"

using cli::JsonWriter;
using cli::OptionTable;
using cli::UsageError;

namespace {

std::string error_of(const OptionTable& table, const std::vector<std::string>& words) {
  try {
    table.parse(words);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("JSON strings survive any bytes") {
  std::string every;
  for (int byte = 0; byte < 128; ++byte) every += static_cast<char>(byte);
  every += "é€😀";
  JsonWriter json;
  json.object().pair("text", every).end();
  simdjson::dom::parser parser;
  CHECK(std::string_view(parser.parse(json.text())["text"]) == every);
}

TEST_CASE("JSON strings replace what is not UTF-8") {
  const std::string bad[] = {"\xff", "\xc0\x80",    "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                             "\x80", "\xf0\x9f\x98"};
  for (const std::string& bytes : bad) {
    JsonWriter json;
    json.value("a" + bytes + "b");
    simdjson::dom::parser parser;
    const std::string text(std::string_view(parser.parse("[" + json.text() + "]").at(0)));
    CHECK(text.starts_with("a\xef\xbf\xbd"));
    CHECK(text.ends_with("b"));
  }
}

TEST_CASE("JSON numbers read back to the same value") {
  JsonWriter json;
  json.array().value(0.1).value(0.1f).value(-0.0).value(1e300).value(5e-324);
  json.value(std::numeric_limits<std::uint64_t>::max())
      .value(INFINITY)
      .value(NAN)
      .value(true)
      .end();
  CHECK(json.text() == "[0.1,0.1,-0,1e+300,5e-324,18446744073709551615,null,null,true]");
}

TEST_CASE("JSON structure") {
  JsonWriter json;
  json.object().key("a").array().value(1).array().end().object().end().end().pair("b", "x").end();
  CHECK(json.text() == R"({"a":[1,[],{}],"b":"x"})");
}

TEST_CASE("options say what is expected and what was found") {
  std::uint32_t threads = 0;
  std::optional<float> temperature;
  std::optional<std::string> prompt;
  std::optional<std::vector<std::uint64_t>> tokens;
  std::vector<double> shares;
  std::uint64_t budget = 0;
  bool json = false;
  OptionTable table("test", "about");
  table.integer("--threads", "N", "threads", 1, 64, threads);
  table.real("--temperature", "X", "temperature", 0, 10, temperature);
  table.text("--prompt", "S", "prompt", prompt);
  table.list("--tokens", "IDS", "tokens", tokens);
  table.reals("--shares", "X", "shares", 0, 1, shares);
  table.bytes("--budget", "budget", budget);
  table.flag("--json", "json", json);

  CHECK(table.parse({"--threads", "3", "--prompt=--json", "--json", "--tokens", "1, 2,3",
                     "--budget", "2M", "--shares", "0.25, 1"}));
  CHECK(threads == 3);
  CHECK(prompt == "--json");
  CHECK(json);
  CHECK(tokens == std::vector<std::uint64_t>{1, 2, 3});
  CHECK(budget == 2u << 20);
  CHECK(shares == std::vector<double>{0.25, 1});
  CHECK(!temperature);
  CHECK_FALSE(table.parse({"--nonsense", "--help"}));

  CHECK(error_of(table, {"--thread", "3"}) ==
        "unknown option \"--thread\"; did you mean --threads?");
  CHECK(error_of(table, {"--frobnicate"}) == "unknown option \"--frobnicate\"");
  CHECK(error_of(table, {"--threads"}) == "--threads: expected a value (N), found nothing");
  CHECK(error_of(table, {"--prompt", "--json"}) ==
        "--prompt: expected a value (S), found the option --json");
  CHECK(error_of(table, {"--threads", "0"}) ==
        "--threads: expected an integer from 1 to 64, found \"0\"");
  CHECK(error_of(table, {"--threads", "3x"}) ==
        "--threads: expected an integer from 1 to 64, found \"3x\"");
  CHECK(error_of(table, {"--threads", "-3"}) ==
        "--threads: expected an integer from 1 to 64, found \"-3\"");
  CHECK(error_of(table, {"--temperature", "nan"}) ==
        "--temperature: expected a number from 0 to 10, found \"nan\"");
  CHECK(error_of(table, {"--temperature", ""}) ==
        "--temperature: expected a number from 0 to 10, found nothing");
  CHECK(error_of(table, {"--tokens", "1,,3"}).starts_with("--tokens, item 2: expected an integer"));
  CHECK(error_of(table, {"--tokens", "99999999999999999999"})
            .starts_with("--tokens, item 1: expected an integer"));
  CHECK(error_of(table, {"--shares", "0.5,1.5"}) ==
        "--shares, item 2: expected a number from 0 to 1, found \"1.5\"");
  CHECK(error_of(table, {"--budget", "99999999T"})
            .starts_with("--budget: expected a number of bytes"));
  CHECK(error_of(table, {"--budget", "G"}).starts_with("--budget: expected a number of bytes"));
  CHECK(error_of(table, {"--json=1"}) == "--json takes no value, found \"1\"");
  CHECK(error_of(table, {"word"}).starts_with("unexpected argument \"word\""));
}

TEST_CASE("text in messages stays on one line and short") {
  CHECK(cli::shown("a\nb\x1b[2J") == "\"a\\x0ab\\x1b[2J\"");
  CHECK(cli::shown(std::string(500, 'x')).size() < 70);
}

TEST_CASE("the progress line is narrower than any terminal") {
  for (int columns = 1; columns < 200; ++columns) {
    for (const std::uint64_t done : {0u, 1u, 50u, 99u, 100u, 1000u}) {
      CHECK(static_cast<int>(cli::progress_line("loading", done, 100, columns).size()) < columns);
    }
  }
  CHECK(cli::progress_line("loading", 50, 100, 20) == "loading [##..]  50%");
  CHECK(cli::progress_line("reading prompt", 50, 100, 22) == "reading prompt  50%");
  CHECK(cli::progress_line("loading", 50, 100, 30) == "loading [#######.......]  50%");
  CHECK(cli::progress_line("loading", 999, 1000, 80).ends_with(" 99%"));
  CHECK(cli::progress_line("loading", 1000, 1000, 80).ends_with("100%"));
  CHECK(cli::progress_line("loading", 1, 2, 10) == " 50%");
}

TEST_CASE("an answer cannot drive the terminal") {
  CHECK(cli::harmless("a\tb\né😀") == "a\tb\né😀");
  CHECK(cli::harmless("\x1b]0;x\x07") == "\xef\xbf\xbd]0;x\xef\xbf\xbd");
  CHECK(cli::harmless("\xc2\x9b"
                      "31m") ==
        "\xef\xbf\xbd"
        "31m");  // the one-character form of ESC [
}
