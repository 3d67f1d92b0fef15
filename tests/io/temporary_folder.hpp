// A folder of a test's own, removed with everything in it at the end.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

namespace gemma4::test {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    static std::atomic<std::uint64_t> counter{0};
    std::uint64_t number =
        static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    do {  // create_directory says whether the name was free, so programs that run together do not
          // share one
      path_ = std::filesystem::temp_directory_path() /
              ("gemma4-test-" + std::to_string(number++) + "-" + std::to_string(counter++));
    } while (!std::filesystem::create_directory(path_));
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  /// The path of a file in the folder, written or not.
  std::string path(std::string_view name) const { return (path_ / name).string(); }

  /// Writes a file and gives its path.
  std::string write(std::string_view name, std::string_view bytes) const {
    std::ofstream(path_ / name, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path(name);
  }

 private:
  std::filesystem::path path_;
};

}  // namespace gemma4::test
