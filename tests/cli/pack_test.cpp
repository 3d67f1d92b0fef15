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
