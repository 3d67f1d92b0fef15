#include "io/new_file.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "io/temporary_folder.hpp"

using namespace gemma4;
using namespace gemma4::test;

namespace {

bool is_empty(const TemporaryFolder& folder) {
  return std::filesystem::is_empty(path_of(folder.path("")));
}

#if defined(__linux__)
/// Whether no descriptor of this process shows a file in the folder; removed ones show theirs too.
bool all_closed(const TemporaryFolder& folder) {
  const auto entries = std::filesystem::directory_iterator("/proc/self/fd");
  return std::none_of(begin(entries), end(entries), [&](const auto& entry) {
    std::error_code ignored;
    return std::filesystem::read_symlink(entry, ignored).string().starts_with(folder.path(""));
  });
}
#endif

}  // namespace

TEST_CASE("an abandoned file leaves nothing, small or large") {
  const TemporaryFolder folder;
  for (const std::size_t bytes : {std::size_t{1000}, std::size_t{40} << 20}) {
    const std::vector<std::byte> content(bytes, std::byte{7});
    {
      NewFile file(folder.path("new"));
      file.append(content);
      CHECK_FALSE(is_empty(folder));
    }
    CHECK(is_empty(folder));
#if defined(__linux__)
    // The system takes back what is large while the program goes on.
    for (int i = 0; i < 10000 && !all_closed(folder); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK(all_closed(folder));
#endif
  }
}

TEST_CASE("a file has its name only when it is whole") {
  const TemporaryFolder folder;
  const std::byte content[] = {std::byte{1}, std::byte{2}};
  NewFile file(folder.path("new"));
  file.append(content);
  CHECK_FALSE(std::filesystem::exists(path_of(folder.path("new"))));
  file.commit();
  CHECK(std::filesystem::file_size(path_of(folder.path("new"))) == 2);
}
