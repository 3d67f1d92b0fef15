// Every command once: the keys of its JSON object, and values that the goldens know.
#include <doctest/doctest.h>
#include <simdjson.h>

#include <algorithm>
#include <filesystem>

#include "cli/process.hpp"
#include "io/temporary_folder.hpp"

using cli_test::Outcome;
using cli_test::run;
using cli_test::ScratchFile;
using cli_test::Words;
namespace dom = simdjson::dom;

namespace {

// Runs with --json; the one object it prints. `parser` owns the result.
dom::element json_of(dom::parser& parser, Words words) {
  words.push_back("--json");
  const Outcome outcome = run(words);
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  REQUIRE(std::count(outcome.out.begin(), outcome.out.end(), '\n') == 1);
  REQUIRE(outcome.out.back() == '\n');
  return parser.parse(outcome.out);
}

std::vector<std::int64_t> integers(dom::element array) {
  std::vector<std::int64_t> values;
  for (const dom::element item : array.get_array()) values.push_back(item);
  return values;
}

std::string text(dom::element element) { return std::string(std::string_view(element)); }

bool all_numbers(dom::element object, std::initializer_list<const char*> keys) {
  return std::all_of(keys.begin(), keys.end(), [&](const char* key) {
    INFO(key);
    const auto value = object[key];
    return value.error() == simdjson::SUCCESS && value.is_number();
  });
}

}  // namespace

TEST_CASE("a completion longer than its context is reported whole") {
  dom::parser parser;
  const Words words = {"generate",     "--prompt", "Once upon a time", "--ctx",       "64",
                       "--max-tokens", "200",      "--ignore-eos",     "--when-full", "shift"};
  const dom::element found = json_of(parser, words);
  CHECK(integers(found["tokens"]).size() == 200);
  CHECK(text(found["finish_reason"]) == "length");
  const dom::element statistics = found["statistics"];
  CHECK(std::int64_t(statistics["shifts"]) >= 3);
  CHECK(std::int64_t(statistics["dropped_tokens"]) >= 100);
  CHECK(std::int64_t(statistics["reprocessed_tokens"]) >= 60);
  CHECK(run({"generate", "--prompt", "x", "--keep-first", "3"}).exit_code == 2);
}

TEST_CASE("a saved session goes on where it was") {
  const gemma4::test::TemporaryFolder folder;
  const std::string file = folder.path("session");
  const Words sampling = {"--temperature", "1", "--seed", "5", "--ignore-eos", "--max-tokens"};
  const auto generated = [&](Words words, const char* tokens) {
    words.insert(words.begin(), "generate");
    words.insert(words.end(), sampling.begin(), sampling.end());
    words.push_back(tokens);
    dom::parser parser;
    return integers(json_of(parser, words)["tokens"]);
  };
  const auto whole = generated({"--prompt", "Once upon a time"}, "30");
  auto parts = generated({"--prompt", "Once upon a time", "--save", file}, "12");
  const auto rest = generated({"--restore", file, "--save", file}, "18");
  parts.insert(parts.end(), rest.begin(), rest.end());
  CHECK(parts == whole);
  CHECK(generated({"--restore", file, "--prompt", " and"}, "3").size() == 3);

  const Outcome wide = run({"generate", "--restore", file, "--kv", "f32"});
  CHECK(wide.exit_code == 1);
  CHECK(wide.err.find("kv:") != std::string::npos);
  CHECK(run({"generate", "--restore", folder.path("none")}).exit_code == 1);
  CHECK(run({"generate", "--save", file}).exit_code == 2);
}

TEST_CASE("help at every level, and the version") {
  const Outcome top = run({"--help"});
  CHECK(top.exit_code == 0);
  CHECK(top.err.empty());
  for (const char* command : {"chat", "generate", "tokenize", "logits", "perplexity", "render",
                              "inspect", "bench", "pack"}) {
    INFO(command);
    CHECK(top.out.find(std::string("\n  ") + command + " ") != std::string::npos);
    const Outcome help = run({command, "--help"});
    CHECK(help.exit_code == 0);
    CHECK(help.out.starts_with(std::string("Usage: gemma4 ") + command));
    CHECK(help.out.find("--model PATH") != std::string::npos);
    CHECK(help.err.empty());
  }
  CHECK(run({"--version"}).out.starts_with("gemma4 0."));
}

TEST_CASE("generate --json") {
  dom::parser parser;
  const dom::element object =
      json_of(parser, {"generate", "--chat", "--prompt", "What is 34 + 17?"});
  CHECK(text(object["text"]) == "34 + 17 = 51.");
  CHECK(text(object["finish_reason"]) == "stop");
  // Golden: the rendered prompt, and the greedy continuation with the token that ended it.
  CHECK(integers(object["prompt_tokens"]) ==
        std::vector<std::int64_t>{2,    16,   343, 25, 428, 321, 1535, 1433, 1434, 325, 1535, 1431,
                                  1437, 1445, 17,  25, 16,  339, 25,   14,   417,  25,  15});
  CHECK(integers(object["tokens"]) == std::vector<std::int64_t>{1433, 1434, 325, 1535, 1431, 1437,
                                                                320, 1535, 1435, 1431, 1428, 17});
  CHECK(
      all_numbers(object["statistics"],
                  {"prefill_tokens_per_second", "decode_tokens_per_second", "drafted", "accepted",
                   "target_steps", "tokens_per_target_step", "draft_seconds", "verify_seconds",
                   "plain_step_seconds", "speedup_over_plain", "load_seconds", "peak_rss_bytes"}));
  CHECK(std::uint64_t(object["statistics"]["peak_rss_bytes"]) > 1'000'000);
}

TEST_CASE("generate: drafts change the steps, not the tokens") {
  const std::vector<std::string> words = {
      "generate",     "--prompt", "1, 2, 3, 4, 5, 6, 7, 8, 9, 10. 1, 2, 3, 4, 5,",
      "--max-tokens", "100",      "--ignore-eos"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), words.begin(), words.end());
    return more;
  };
  dom::parser a, b, c;
  const dom::element off = json_of(a, with({"--draft", "off"}));
  const dom::element three = json_of(b, with({"--draft", "3", "--drafter", "ngram"}));
  const dom::element automatic = json_of(c, words);
  CHECK(integers(three["tokens"]) == integers(off["tokens"]));
  CHECK(integers(automatic["tokens"]) == integers(off["tokens"]));
  CHECK(std::uint64_t(off["statistics"]["drafted"]) == 0);
  CHECK(std::uint64_t(off["statistics"]["target_steps"]) == 99);
  CHECK(std::uint64_t(three["statistics"]["accepted"]) > 20);
  CHECK(std::uint64_t(three["statistics"]["target_steps"]) < 80);
  CHECK(integers(three["statistics"]["depths"]).size() == 8);
  CHECK(integers(three["statistics"]["depths"])[3] > 0);
  CHECK(integers(three["statistics"]["offered_at"]).size() == 7);
  CHECK(integers(three["statistics"]["accepted_at"])[0] > 0);
  const Outcome told = run(with({"--draft", "3", "--stats"}));
  CHECK(told.err.find("drafted tokens accepted") != std::string::npos);
  CHECK(told.err.find("steps by depth") != std::string::npos);
}

TEST_CASE("generate: the three forms of a prompt agree") {
  const std::string prompt = "A story\n\nOne sunny Monday, Anna went to the";
  const ScratchFile file(prompt);
  dom::parser a, b, c;
  const dom::element by_text = json_of(a, {"generate", "--prompt", prompt, "--max-tokens", "20"});
  const dom::element by_file =
      json_of(b, {"generate", "--prompt-file", file.path(), "--max-tokens", "20"});
  CHECK(integers(by_text["prompt_tokens"]) == integers(by_file["prompt_tokens"]));
  CHECK(integers(by_text["tokens"]) == integers(by_file["tokens"]));
  CHECK(integers(by_text["tokens"]).size() == 20);
  CHECK(text(by_text["finish_reason"]) == "length");

  std::string ids;
  for (const std::int64_t id : integers(by_text["prompt_tokens"]))
    ids += (ids.empty() ? "" : ",") + std::to_string(id);
  const dom::element by_tokens = json_of(c, {"generate", "--tokens", ids, "--max-tokens", "20"});
  CHECK(integers(by_tokens["prompt_tokens"]) == integers(by_text["prompt_tokens"]));
  CHECK(text(by_tokens["text"]) == text(by_text["text"]));

  const Outcome by_pipe =
      run({"generate", "--prompt-file", "-", "--max-tokens", "20"}, {.input = prompt});
  CHECK(by_pipe.exit_code == 0);
  CHECK(by_pipe.out == text(by_text["text"]) + "\n");
}

TEST_CASE("generate: a raw prompt's special tokens count, bos comes once") {
  dom::parser parser;
  const std::string prompt =
      "<|turn>user\nWhat is 34 + 17?<turn|>\n<|turn>model\n<|channel>thought\n<channel|>";
  CHECK(text(json_of(parser, {"generate", "--prompt", prompt, "--max-tokens", "11"})["text"]) ==
        "34 + 17 = 51.");
}

TEST_CASE("generate: --stop, --ignore-eos, --max-tokens") {
  dom::parser parser;
  const Words base = {"generate", "--chat", "--prompt", "What is 34 + 17?"};
  const auto with = [&](std::initializer_list<const char*> more) {
    Words words = base;
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  dom::element object = json_of(parser, with({"--stop", "nothing", "--stop", " = "}));
  CHECK(text(object["text"]) == "34 + 17");
  CHECK(text(object["finish_reason"]) == "stop_text");
  object = json_of(parser, with({"--ignore-eos", "--max-tokens", "30"}));
  CHECK(integers(object["tokens"]).size() == 30);
  object = json_of(parser, with({"--max-tokens", "3"}));
  CHECK(text(object["finish_reason"]) == "length");
  CHECK(integers(object["tokens"]).size() == 3);
}

TEST_CASE("generate: the seed decides a drawn answer") {
  dom::parser a, b, c;
  const Words base = {"generate", "--prompt",      "A story", "--max-tokens",
                      "40",       "--temperature", "1.5",     "--seed"};
  const auto seeded = [&](const char* seed) {
    Words words = base;
    words.emplace_back(seed);
    return words;
  };
  CHECK(integers(json_of(a, seeded("1"))["tokens"]) == integers(json_of(b, seeded("1"))["tokens"]));
  CHECK(integers(json_of(a, seeded("1"))["tokens"]) != integers(json_of(c, seeded("2"))["tokens"]));
}

TEST_CASE("tokenize --json, both ways") {
  dom::parser parser;
  dom::element object = json_of(parser, {"tokenize", "--text", "Hello world"});
  CHECK(integers(object["tokens"]) == std::vector<std::int64_t>{2, 903, 402, 935});
  CHECK(text(object["text"]) == "Hello world");
  object = json_of(parser, {"tokenize", "--text", "<eos>x", "--no-bos", "--parse-special"});
  CHECK(integers(object["tokens"]) == std::vector<std::int64_t>{1, 1502});
  object = json_of(parser, {"tokenize", "--text", "<eos>x", "--no-bos"});
  CHECK(integers(object["tokens"]) == std::vector<std::int64_t>{1442, 1483, 430, 1444, 1502});
  object = json_of(parser, {"tokenize", "--detokenize", "--tokens", "2,903,402,935"});
  CHECK(text(object["text"]) == "<bos>Hello world");
  object = json_of(parser, {"tokenize", "--text", "", "--no-bos"});
  CHECK(integers(object["tokens"]).empty());
  CHECK(run({"tokenize", "--text", "Hello"}).out == "2,903\n");
  CHECK(run({"tokenize", "--file", "-", "--no-bos"}, {.input = "Hello"}).out == "903\n");
}

TEST_CASE("logits --json") {
  dom::parser parser;
  const dom::element object =
      json_of(parser, {"logits", "--tokens", "2,903,402", "--positions", "0,2", "--top", "4"});
  const dom::array positions = object["positions"];
  REQUIRE(positions.size() == 2);
  std::int64_t expected = 0;
  for (const dom::element position : positions) {
    CHECK(std::int64_t(position["position"]) == expected);
    expected += 2;
    const dom::array top = position["top"];
    REQUIRE(top.size() == 4);
    CHECK(double(top.at(0).at(1)) >= double(top.at(3).at(1)));
    CHECK(std::string_view(position["xxh64"]).size() == 16);
  }
  CHECK(dom::array(json_of(parser, {"logits", "--tokens", "2,903,402"})["positions"]).size() == 1);
}

TEST_CASE("perplexity --json is near the goldens, document by document") {
  dom::parser parser, golden_parser;
  const std::string golden_text = cli_test::source_file("tests/golden/perplexity.json");
  const dom::element golden = dom::element(golden_parser.parse(golden_text))["results"]["f32"];
  const std::string file = std::string(GEMMA4_SOURCE_DIR) + "/tests/golden/heldout.txt";
  const dom::element object =
      json_of(parser, {"perplexity", "--file", file, "--separator", "-----"});
  CHECK(std::uint64_t(object["tokens"]) == std::uint64_t(golden["tokens"]));
  CHECK(double(object["nll"]) == doctest::Approx(double(golden["nll"])).epsilon(0.001));
  CHECK(double(object["perplexity"]) ==
        doctest::Approx(double(golden["perplexity"])).epsilon(0.001));
  const dom::array documents = object["documents"], expected = golden["documents"];
  REQUIRE(documents.size() == expected.size());
  for (std::size_t i = 0; i < documents.size(); ++i) {
    CHECK(std::uint64_t(documents.at(i).at(0)) == std::uint64_t(expected.at(i).at(0)));
    CHECK(double(documents.at(i).at(1)) ==
          doctest::Approx(double(expected.at(i).at(1))).epsilon(0.02));
  }
}

TEST_CASE("perplexity reads a long text in windows that score every token once") {
  const ScratchFile file(
      "One sunny Monday, Anna went to the park. She saw a dog and a red kite. She was happy.\n");
  dom::parser a, b;
  const dom::element whole = json_of(a, {"perplexity", "--file", file.path()});
  const dom::element windows =
      json_of(b, {"perplexity", "--file", file.path(), "--ctx", "12", "--stride", "5"});
  CHECK(std::uint64_t(windows["tokens"]) == std::uint64_t(whole["tokens"]));
  CHECK(double(windows["nll"]) == doctest::Approx(double(whole["nll"])).epsilon(0.2));
}

TEST_CASE("inspect --json") {
  dom::parser parser;
  const dom::element object = json_of(parser, {"inspect", "--tensors", "--ctx", "1024"});
  CHECK(text(object["architecture"]) == "gemma4");
  CHECK(std::uint64_t(object["config"]["hidden_size"]) == 192);
  CHECK(dom::array(object["config"]["layers"]).size() == 6);
  CHECK(dom::array(object["tensor_list"]).size() == std::uint64_t(object["tensors"]));
  CHECK(all_numbers(object["memory"], {"weights_bytes", "assistant_bytes", "kv_bytes",
                                       "workspace_bytes", "total_bytes"}));
  const std::uint64_t kv = object["memory"]["kv_bytes"];
  const dom::element larger = json_of(parser, {"inspect", "--ctx", "2048", "--kv", "f32"});
  CHECK(std::uint64_t(larger["memory"]["kv_bytes"]) > kv);
  // heads of 32 and rows of 96 leave parts of q8_0 tiles empty
  const dom::element eight = json_of(parser, {"inspect", "--ctx", "1024", "--kv", "q8_0"});
  CHECK(std::uint64_t(eight["memory"]["kv_bytes"]) != kv);
}

TEST_CASE("--activations: inspect tells what it takes, an answer stays an answer") {
  dom::parser a, b, c;
  const dom::element plain = json_of(a, {"inspect"});
  CHECK(text(plain["activations"]) == "int8");
  CHECK(text(plain["assistant"]["activations"]) == "int8");
  const dom::element wide = json_of(b, {"inspect", "--activations", "int16"});
  CHECK(text(wide["activations"]) == "int16");
  CHECK(text(wide["assistant"]["activations"]) == "int16");
  CHECK(std::uint64_t(wide["memory"]["workspace_bytes"]) >
        std::uint64_t(plain["memory"]["workspace_bytes"]));
  CHECK(run({"inspect", "--activations", "int16"}).out.find("activations     int16\n") !=
        std::string::npos);
  const dom::element answer =
      json_of(c, {"generate", "--chat", "--prompt", "What is 34 + 17?", "--activations", "int16"});
  CHECK(text(answer["text"]) == "34 + 17 = 51.");
}

TEST_CASE("inspect shows the assistant, the one beside the model or the one that is named") {
  dom::parser parser;
  const auto memory = [](dom::element object, const char* part) {
    return std::uint64_t(object["memory"][part]);
  };
  dom::element object = json_of(parser, {"inspect"});
  const std::string path = text(object["assistant"]["path"]);
  CHECK(path.ends_with("gemma4-tiny-assistant-q4_0.gguf"));
  CHECK(dom::array(object["assistant"]["layers"]).size() == 4);
  CHECK(std::uint64_t(object["assistant"]["tensors"]) == 49);
  const std::uint64_t bytes = memory(object, "assistant_bytes");
  CHECK(bytes > 400000);
  const std::uint64_t workspace = memory(object, "workspace_bytes");
  object = json_of(parser, {"inspect", "--assistant", path});
  CHECK(memory(object, "assistant_bytes") == bytes);
  object = json_of(parser, {"inspect", "--assistant", "none"});
  CHECK(object["assistant"].error() == simdjson::NO_SUCH_FIELD);
  CHECK(memory(object, "assistant_bytes") == 0);
  CHECK(memory(object, "workspace_bytes") < workspace);
  CHECK(run({"inspect"}).out.find("assistant       ") != std::string::npos);
  CHECK(run({"inspect", "--assistant", "/nonexistent.gguf"}).exit_code == 1);
}

TEST_CASE("an assistant is taken along when it is the only one beside the model that fits") {
  const std::string tiny = GEMMA4_SOURCE_DIR "/models/tiny/";
  const gemma4::test::TemporaryFolder folder;
  const auto copy = [&](const char* from, const char* to) {
    std::filesystem::copy_file(tiny + from, folder.path(to));
  };
  const auto found = [&] {
    dom::parser parser;
    const dom::element object = json_of(parser, {"inspect", "--model", folder.path("model.gguf")});
    const auto assistant = object["assistant"];
    return assistant.error() ? "" : text(assistant["path"]);
  };
  copy("gemma4-tiny-q4_0.gguf", "model.gguf");
  CHECK(found() == "");
  copy("gemma4-tiny-assistant-q4_0.gguf", "drafter.gguf");  // named otherwise
  CHECK(found() == "");
  copy("gemma4-tiny-assistant-q4_0.gguf", "MTP-small.gguf");
  CHECK(found() == folder.path("MTP-small.gguf"));
  folder.write("other-assistant.gguf", "no GGUF file");
  copy("gemma4-tiny-q4_0.gguf", "assistant-too.gguf");  // a model
  CHECK(found() == folder.path("MTP-small.gguf"));
  copy("gemma4-tiny-assistant-q4_0.gguf", "my-assistant.gguf");
  CHECK(found() == "");  // which of the two?
}

TEST_CASE("render --json") {
  dom::parser parser;
  dom::element object = json_of(parser, {"render", "--prompt", "Hello!"});
  CHECK(text(object["text"]) ==
        "<bos><|turn>user\nHello!<turn|>\n<|turn>model\n<|channel>thought\n<channel|>");
  CHECK(integers(object["tokens"]) ==
        std::vector<std::int64_t>{2, 16, 343, 25, 903, 1415, 17, 25, 16, 339, 25, 14, 417, 25, 15});
  const ScratchFile file(
      R"([{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"}])");
  object = json_of(parser, {"render", "--messages", file.path(), "--no-generation-prompt",
                            "--system", "Be brief."});
  CHECK(
      text(object["text"]) ==
      "<bos><|turn>system\nBe brief.<turn|>\n<|turn>user\nHi<turn|>\n<|turn>model\nHello<turn|>\n");
  object = json_of(parser, {"render", "--prompt", "Hello!", "--thinking"});
  CHECK(text(object["text"]).find("<|think|>") != std::string::npos);
}

TEST_CASE("bench --json") {
  dom::parser parser;
  const dom::element object = json_of(parser, {"bench", "--prompt-tokens", "32", "--generate", "8",
                                               "--batch", "1,2", "--depth", "8"});
  CHECK(double(object["bandwidth_gb_s"]) > 0);
  CHECK(all_numbers(object["decode"], {"ms", "min", "max", "gb_s", "share"}));
  CHECK(all_numbers(object["prefill"],
                    {"tokens", "tokens_per_second", "gmac_s", "ms", "min", "max"}));
  CHECK(object["prefill"]["share"].error() == simdjson::SUCCESS);  // null where none is known
  CHECK(double(object["decode"]["min"]) <= double(object["decode"]["ms"]));
  CHECK(double(object["decode"]["ms"]) <= double(object["decode"]["max"]));
  CHECK(dom::array(object["verification"]).size() == 2);
  for (const dom::element pass : dom::array(object["verification"]))
    CHECK(all_numbers(pass, {"n", "ms", "min", "max", "ratio"}));
  CHECK(double(dom::array(object["verification"]).at(0)["ratio"]) == 1);
  CHECK(all_numbers(object["draft_step"], {"ms", "min", "max", "ratio"}));
  // four prompts, each with off, some depths and auto
  std::vector<std::string> prompts;
  for (const dom::element result : dom::array(object["speculation"])) {
    CHECK(!bool(result["replayed"]));
    CHECK(all_numbers(result, {"tokens_per_second", "min", "max", "speedup", "speedup_min",
                               "speedup_max", "drafted", "accepted"}));
    const std::string draft = result["draft"].is_string() ? text(result["draft"]) : "";
    if (draft == "off") {
      prompts.push_back(text(result["prompt"]));
      CHECK(double(result["speedup"]) == 1);
      CHECK(result["acceptance"].is_null());
    } else if (draft.empty()) {
      CHECK(double(result["acceptance"]) >= 0);
      CHECK(std::uint64_t(result["draft"]) >= 1);
    } else {
      CHECK(draft == "auto");
    }
  }
  CHECK(prompts == std::vector<std::string>{"prose", "code", "extraction", "arithmetic"});
}

TEST_CASE("bench --sessions: steps of several sessions, one first") {
  dom::parser parser;
  const dom::element object =
      json_of(parser, {"bench", "--prompt-tokens", "8", "--generate", "2", "--batch", "1",
                       "--depth", "70", "--sessions", "4,2", "--no-speculation"});
  std::vector<std::int64_t> counts;
  for (const dom::element pass : object["sessions"].get_array()) {
    counts.push_back(pass["n"]);
    CHECK(all_numbers(pass, {"ms", "min", "max", "ratio"}));
  }
  CHECK(counts == std::vector<std::int64_t>{1, 4, 2});
}

TEST_CASE("bench --replay-acceptance: drafts are as right as asked for, tokens the same") {
  dom::parser parser;
  const dom::element object =
      json_of(parser, {"bench", "--prompt-tokens", "8", "--generate", "48", "--batch", "1",
                       "--replay-acceptance", "1,0,0.5", "--repeats", "20"});
  const dom::array results = object["speculation"];
  // off, 1, 2, 3, 4 and 7 if the last token is accepted once in fifty drafts or oftener, auto
  const std::uint64_t depths[] = {0, 1, 2, 3, 4, 7};
  const std::pair<double, std::size_t> groups[] = {{1, 5}, {0, 1}, {0.5, 4}};
  std::size_t group = 0, place = 0;
  REQUIRE(results.size() == 7 + 3 + 6);
  for (std::size_t i = 0; i < results.size(); ++i) {
    CAPTURE(i);
    const dom::element result = results.at(i);
    const std::uint64_t drafted = result["drafted"], accepted = result["accepted"];
    const auto [wanted, deepest] = groups[group];
    CHECK(bool(result["replayed"]));
    CHECK(double(result["acceptance"]) == wanted);
    CHECK(double(result["tokens_per_second"]) > 0);
    std::uint64_t in_passes = 0, depth = 0, plain = 0;
    for (const dom::element count : dom::array(result["passes"])) {
      in_passes += depth * std::uint64_t(count);
      if (depth++ == 0) plain = count;
    }
    CHECK(in_passes == drafted);
    if (place == 0) {
      CHECK(text(result["draft"]) == "off");
      CHECK(drafted == 0);
      CHECK(plain == 20 * 48);
    } else if (place > deepest) {
      CHECK(text(result["draft"]) == "auto");
    } else {
      CHECK(std::uint64_t(result["draft"]) == depths[place]);
      CHECK(drafted > 0);
    }
    if (wanted == 1) CHECK(accepted == drafted);
    if (wanted == 0) CHECK(accepted == 0);
    if (wanted == 0.5 && place == 1) {
      const double share = static_cast<double>(accepted) / static_cast<double>(drafted);
      CHECK(share > 0.3);
      CHECK(share < 0.7);
    }
    if (place++ <= deepest) continue;
    ++group;
    place = 0;
  }
}

TEST_CASE("bench: what has no meaning is refused or left out") {
  const Words quick = {"bench", "--prompt-tokens", "8", "--generate", "2", "--batch", "1"};
  const auto with = [&](const Words& more) {
    Words words = quick;
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  for (const Words& wrong :
       {Words{"--replay-acceptance", "1.5"}, Words{"--replay-acceptance", "0.5,"},
        Words{"--replay-acceptance", "x"}, Words{"--replay-acceptance", "1", "--no-speculation"},
        Words{"--replay-acceptance", "1", "--drafter", "none"}, Words{"--batch", "0"},
        Words{"--generate", "1"}}) {
    CAPTURE(wrong[1]);
    const Outcome outcome = run(with(wrong));
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.err.find(wrong[0] + (wrong[1] == "0.5," ? ", item 2: " : "")) !=
          std::string::npos);
  }
  const Outcome nobody = run(with({"--replay-acceptance", "1", "--assistant", "none"}));
  CHECK(nobody.exit_code == 1);
  CHECK(nobody.err.find("expected a model with an assistant") != std::string::npos);

  dom::parser parser;
  dom::element object = json_of(parser, with({"--assistant", "none"}));
  CHECK(object["draft_step"].error() == simdjson::NO_SUCH_FIELD);
  CHECK(dom::array(object["speculation"]).size() == 0);
  object = json_of(parser, with({"--no-speculation"}));
  CHECK(all_numbers(object["draft_step"], {"ms", "ratio"}));
  CHECK(dom::array(object["speculation"]).size() == 0);
  const Outcome told = run(with({"--replay-acceptance", "0.8"}));
  CHECK(told.out.find("\nverify  1 ") != std::string::npos);
  CHECK(told.out.find("replayed drafts, each right with probability 0.80") != std::string::npos);
}
