// What the documents say is what the program does.
#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "cli/process.hpp"

using cli_test::run;
using cli_test::source_file;

TEST_CASE("the README shows the chat examples as they are") {
  const std::string readme = source_file("README.md");
  const auto shown = [&](const std::string& opening) {
    const std::size_t begin = readme.find(opening) + opening.size();
    return readme.substr(begin, readme.find("```", begin) - begin);
  };
  CHECK(shown("```c\n") == source_file("examples/chat.c"));
  CHECK(shown("```cpp\n") == source_file("examples/chat.cpp"));
}

TEST_CASE("the same small chat in each language") {
  for (const char* path :
       {"examples/chat.c", "examples/chat.cpp", "bindings/rust/gemma4/examples/chat.rs",
        "bindings/go/examples/chat/main.go", "bindings/csharp/examples/Chat.cs"}) {
    CAPTURE(std::string(path));
    const std::string source = source_file(path);
    CHECK(std::count(source.begin(), source.end(), '\n') <= 60);
    for (const char* part : {" MODEL.gguf [ASSISTANT.gguf]", "loading: ", "4096", "user"})
      CHECK(source.find(part) != std::string::npos);
  }
}

TEST_CASE("every option of every command stands in docs/command-line.md") {
  const std::string manual = source_file("docs/command-line.md");
  for (const char* command : {"chat", "generate", "tokenize", "logits", "perplexity", "render",
                              "inspect", "bench", "pack"}) {
    CHECK(manual.find(std::string("## gemma4 ") + command) != std::string::npos);
    std::istringstream help(run({command, "--help"}).out);
    for (std::string line; std::getline(help, line);) {
      if (!line.starts_with("  --")) continue;
      const std::string option = line.substr(2, line.find(' ', 2) - 2);
      INFO(command << " " << option);
      CHECK(manual.find("`" + option) != std::string::npos);
    }
  }
}
