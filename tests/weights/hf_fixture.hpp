// The tiny pair as Hugging Face folders, and copies of them with something changed.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "io/io_test_helpers.hpp"
#include "io/temporary_folder.hpp"

namespace gemma4::test {

inline std::string hf_target() { return GEMMA4_SOURCE_DIR "/models/tiny/w4a16/gemma4-tiny"; }
inline std::string hf_assistant() {
  return GEMMA4_SOURCE_DIR "/models/tiny/w4a16/gemma4-tiny-assistant";
}
inline std::string gguf_target() { return GEMMA4_SOURCE_DIR "/models/tiny/gemma4-tiny-q4_0.gguf"; }
inline std::string gguf_assistant() {
  return GEMMA4_SOURCE_DIR "/models/tiny/gemma4-tiny-assistant-q4_0.gguf";
}

/// `text` with its one `from` changed to `to`.
inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE_MESSAGE(at != text.npos, from);
  return text.replace(at, from.size(), to);
}

/// A copy of a folder's files.
class HfCopy {
 public:
  explicit HfCopy(const std::string& source) : source_(source) {
    for (const auto& file : std::filesystem::directory_iterator(source))
      folder_.write(file.path().filename().string(), read_file(file.path().string()));
  }
  std::string path() const { return folder_.path(""); }
  std::string original(const std::string& file) const { return read_file(source_ + "/" + file); }
  void write(const std::string& file, const std::string& bytes) const {
    folder_.write(file, bytes);
  }
  void remove(const std::string& file) const { std::filesystem::remove(folder_.path(file)); }
  void change(const std::string& file, std::string_view from, std::string_view to) const {
    write(file, replaced(original(file), from, to));
  }

 private:
  std::string source_;
  TemporaryFolder folder_;
};

}  // namespace gemma4::test
