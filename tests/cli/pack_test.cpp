// gemma4 pack: from the model to a file that answers the same.
#include <doctest/doctest.h>
#include <simdjson.h>

#include <filesystem>

#include "cli/process.hpp"
#include "io/temporary_folder.hpp"

using cli_test::Outcome;
using cli_test::run;
using gemma4::test::TemporaryFolder;
namespace dom = simdjson::dom;

TEST_CASE("pack, use, verify") {
  const TemporaryFolder folder;
  const std::string path = folder.path("tiny.g4pack");
  dom::parser parser;
  const Outcome packed = run({"pack", "--out", path, "--json"});
  INFO(packed.err);
  REQUIRE(packed.exit_code == 0);
  const dom::element object = parser.parse(packed.out);
  CHECK(std::string_view(object["path"]) == path);
  CHECK(std::uint64_t(object["bytes"]) == std::filesystem::file_size(path));
  CHECK(double(object["seconds"]) > 0);

  const cli_test::Words question = {"generate", "--chat", "--prompt", "What is 34 + 17?"};
  cli_test::Words with_packed = question;
  with_packed.insert(with_packed.end(), {"--model", path});
  CHECK(run(with_packed).out == run(question).out);

  const Outcome verified = run({"pack", "--verify", path});
  CHECK(verified.exit_code == 0);
  CHECK(verified.out.find("unchanged") != std::string::npos);
}

TEST_CASE("a Hugging Face folder is inspected, packed and used as any model") {
  const TemporaryFolder folder;
  const std::string model = GEMMA4_SOURCE_DIR "/models/tiny/w4a16/gemma4-tiny";
  const auto json = [](dom::parser& parser, cli_test::Words words) {
    words.push_back("--json");
    const Outcome outcome = run(words);
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    return dom::element(parser.parse(outcome.out));
  };
  dom::parser parser, of_packed;
  const dom::element found = json(parser, {"inspect", "--model", model});
  CHECK(std::string_view(found["name"]) == "gemma4-tiny");
  CHECK(std::string_view(found["activations"]) == "int16");
  CHECK(std::string_view(found["embedding"]["type"]) == "BF16");
  CHECK(std::uint64_t(found["embedding"]["bytes"]) == 1536 * 192 * 2);
  REQUIRE(found["notes"].get_array().size() == 2);  // one of the assistant in the folder beside it
  CHECK(std::string_view(found["notes"].at(0)).starts_with("head, which is the embedding"));
  CHECK(std::string_view(found["notes"].at(1)).starts_with("assistant: head"));

  const std::string path = folder.path("tiny.g4pack");
  json(of_packed, {"pack", "--model", model, "--out", path});
  const dom::element packed = json(of_packed, {"inspect", "--model", path});
  CHECK(std::string_view(packed["activations"]) == "int16");
  CHECK(std::uint64_t(packed["memory"]["weights_bytes"]) ==
        std::uint64_t(found["memory"]["weights_bytes"]));
  const auto logits = [](const std::string& from) {
    return run({"logits", "--model", from, "--tokens", "2,280,17,30", "--json"}).out;
  };
  CHECK(logits(path).find("xxh64") != std::string::npos);
  CHECK(logits(path) == logits(model));
  CHECK(logits(path) != run({"logits", "--model", model, "--tokens", "2,280,17,30", "--json",
                             "--activations", "int8"})
                            .out);
}

TEST_CASE("pack fails with one message") {
  const TemporaryFolder folder;
  const Outcome missing = run({"pack", "--out", folder.path("no/such/folder")});
  CHECK(missing.exit_code == 1);
  CHECK(missing.err.find("no/such/folder: cannot create the file") != std::string::npos);
  const Outcome foreign = run({"pack", "--verify", folder.write("x.g4pack", "hello")});
  CHECK(foreign.exit_code == 1);
  CHECK(foreign.err.find("not a GGUF file") != std::string::npos);
  CHECK(run({"pack", "--verify", "a", "--out", "b"}).exit_code == 2);
  CHECK(run({"pack", "--help"}).out.starts_with("Usage: gemma4 pack"));
}
