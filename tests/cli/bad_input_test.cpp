// Wrong use and bad files: the promised exit code, one message on standard error, nothing on
// standard output.
#include <doctest/doctest.h>

#include <algorithm>

#include "cli/process.hpp"

using cli_test::Outcome;
using cli_test::run;
using cli_test::ScratchFile;
using cli_test::Setup;
using cli_test::Words;

namespace {

void check_fails(int exit_code, const Words& words, const std::string& message,
                 const Setup& setup = {}) {
  std::string line = "gemma4";
  for (const std::string& word : words) line += " " + word.substr(0, 60);
  INFO(line);
  const Outcome outcome = run(words, setup);
  INFO(outcome.err);
  CHECK(outcome.exit_code == exit_code);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.starts_with("gemma4"));
  CHECK(outcome.err.find(message) != std::string::npos);
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == (exit_code == 2 ? 2 : 1));
}

void check_usage(const Words& words, const std::string& message) { check_fails(2, words, message); }
void check_error(const Words& words, const std::string& message, const Setup& setup = {}) {
  check_fails(1, words, message, setup);
}

}  // namespace

TEST_CASE("wrong usage") {
  check_usage({}, "expected a command, found nothing");
  check_usage({"genrate"}, "expected a command, found \"genrate\"");
  check_usage({"generate"},
              "expected exactly one of --prompt, --prompt-file and --tokens, found 0");
  check_usage({"generate", "--prompt", "a", "--tokens", "2"}, "found 2");
  check_usage({"generate", "--prompt", "a", "--frobnicate"}, "unknown option \"--frobnicate\"");
  check_usage({"generate", "--prompt", "a", "--temprature", "1"}, "did you mean --temperature?");
  check_usage({"generate", "--prompt"}, "--prompt: expected a value");
  check_usage({"generate", "--prompt", ""}, "--prompt: expected a text, found nothing");
  check_usage({"generate", "--prompt", "a", "--threads", "many"},
              "--threads: expected an integer from 1 to 1024, found \"many\"");
  check_usage({"generate", "--prompt", "a", "--threads", "0"}, "found \"0\"");
  check_usage({"generate", "--prompt", "a", "--temperature", "-1"},
              "--temperature: expected a number from 0 to 100");
  check_usage({"generate", "--prompt", "a", "--kv", "q2"},
              "--kv: expected f16|f32|q8_0, found \"q2\"");
  check_usage({"generate", "--prompt", "a", "--isa", "mmx"},
              "--isa: expected auto|scalar|avx2|avxvnni|avx512|neon, found \"mmx\"");
  check_usage({"generate", "--prompt", "a", "--draft", "8"},
              "--draft: expected auto|off|N with N from 1 to 7, found \"8\"");
  check_usage({"chat", "--draft", "0"}, "found \"0\"");
  check_usage({"generate", "--prompt", "a", "--draft", "3x"}, "found \"3x\"");
  check_usage({"generate", "--prompt", "a", "--drafter", "me"},
              "--drafter: expected mtp|ngram|none, found \"me\"");
  check_usage({"generate", "--prompt", "a", "--activations", "int4"},
              "--activations: expected auto|int8|int16, found \"int4\"");
  check_usage({"generate", "--prompt", "a", "--stop", ""},
              "--stop: expected a text, found nothing");
  check_usage({"generate", "--tokens", "1,x"}, "--tokens, item 2: expected an integer");
  check_usage({"generate", "--tokens", ""}, "--tokens, item 1: expected an integer");
  check_usage({"generate", "--prompt", "a", "--system", "b"},
              "--system: expected --chat beside it");
  check_usage({"tokenize"}, "expected either --text or --file");
  check_usage({"tokenize", "--text", "a", "--tokens", "1"},
              "--tokens: expected --detokenize beside it");
  check_usage({"logits"}, "--tokens: expected a list of token ids");
  check_usage({"logits", "--tokens", "2", "--positions", "1"},
              "--positions: expected numbers from 0 to 0, found 1");
  check_usage({"perplexity"}, "--file: expected a file");
  check_usage({"render"}, "expected a conversation");
  check_usage({"bench", "--sessions", "0"}, "--sessions: expected numbers from 1");
  check_usage({"bench", "--batch", "0"}, "--batch: expected numbers from 1");
  check_usage({"inspect", "file.gguf"}, "unexpected argument \"file.gguf\"");
  CHECK(
      run({"generate", "--prompt", "a", "--max-tokens", "1", "--draft", "off", "--drafter", "none"})
          .exit_code == 0);
}

TEST_CASE("a drafter that the model has not is refused") {
  const cli_test::Outcome outcome =
      run({"generate", "--prompt", "a", "--drafter", "mtp", "--assistant", "none"});
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.err.find("expected a model with an assistant") != std::string::npos);
}

TEST_CASE("bad model files") {
  const ScratchFile empty(""), text("This is no model.\n");
  const std::string model = cli_test::source_file("models/tiny/gemma4-tiny-q4_0.gguf");
  const ScratchFile half(std::string_view(model).substr(0, model.size() / 2));
  const ScratchFile header(std::string_view(model).substr(0, 20));
  for (const Words& command : {Words{"generate", "--prompt", "a"}, Words{"inspect"},
                               Words{"tokenize", "--text", "a"}, Words{"chat"}}) {
    const auto with = [&](const std::string& path) {
      Words words = command;
      words.insert(words.end(), {"--model", path});
      return words;
    };
    check_error(with("/nonexistent/model.gguf"), "/nonexistent/model.gguf");
    check_error(with("/"), "directory");
    check_error(with(empty.path()), empty.path());
    check_error(with(text.path()), text.path());
    check_error(with(header.path()), header.path());
    check_error(with(half.path()), half.path());
  }
  check_error({"generate", "--prompt", "a"}, "/nonexistent",
              {.environment = {"GEMMA4_MODEL=/nonexistent"}});
}

TEST_CASE("bad text files") {
  const ScratchFile empty(""), broken(R"([{"role":"user")"),
      unknown_role(R"([{"role":"king","content":"x"}])");
  check_error({"generate", "--prompt-file", "/nonexistent.txt"},
              "cannot read \"/nonexistent.txt\": No such file");
  check_error({"generate", "--prompt-file", "/"}, "cannot read \"/\": ");
  check_error({"generate", "--prompt-file", empty.path()}, "is empty");
  check_error({"generate", "--prompt-file", "-"}, "is empty");
  check_error({"perplexity", "--file", empty.path()}, "holds no text");
  check_error({"render", "--messages", broken.path()}, "");
  check_error({"render", "--messages", unknown_role.path()}, "king");
}

TEST_CASE("tokens and contexts that do not fit") {
  check_error({"generate", "--prompt", "A prompt that is longer than eight tokens", "--ctx", "8"},
              "8");
  check_error(
      {"generate", "--chat", "--prompt", "A prompt that is longer than eight tokens", "--ctx", "8"},
      "8");
  check_error({"logits", "--tokens", "2,1,1,1,1", "--ctx", "4"}, "4");
  check_error({"generate", "--tokens", "2,1536"}, "1536");
  check_error({"tokenize", "--detokenize", "--tokens", "1536"}, "1536");
  check_error({"generate", "--prompt", "a", "--memory-budget", "1000"}, "1000");
  check_error({"generate", "--prompt", "a", "--ctx", "1000000000"}, "1000000000");
}

TEST_CASE("text that is not UTF-8 is input like any other") {
  const Outcome outcome = run({"tokenize", "--text", "a\xff\xc3", "--no-bos", "--json"});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out.find("\"a\xef\xbf\xbd\xef\xbf\xbd\"") != std::string::npos);
  CHECK(run({"generate", "--prompt", "\xff\xfe", "--max-tokens", "2"}).exit_code == 0);
}

TEST_CASE("an output that cannot be written is an error") {
  const Words words = {"generate", "--prompt", "a", "--max-tokens", "2"};
  const Outcome full = run(words, {.output_file = "/dev/full"});
  CHECK(full.exit_code == 1);
  CHECK(full.err == "gemma4: cannot write to standard output: No space left on device\n");
  const Outcome closed = run(words, {.close_output = true});
  CHECK(closed.exit_code == 1);
  CHECK(closed.err == "gemma4: cannot write to standard output: Bad file descriptor\n");
  CHECK(run({"--help"}, {.output_file = "/dev/full"}).exit_code == 1);
  CHECK(run({"inspect", "--json"}, {.output_file = "/dev/full"}).exit_code == 1);
}
