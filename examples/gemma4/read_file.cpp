#include "read_file.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "options.hpp"

namespace cli {

std::string read_file(const std::string& path) {
  const std::string name = path == "-" ? "standard input" : shown(path);
  const auto fail = [&](const std::string& why) {
    throw std::runtime_error("cannot read " + name + ": " + why);
  };

  std::unique_ptr<std::FILE, int (*)(std::FILE*)> opened(nullptr, &std::fclose);
  if (path != "-") opened.reset(std::fopen(path.c_str(), "rb"));
  std::FILE* file = path == "-" ? stdin : opened.get();
  if (file == nullptr) fail(std::strerror(errno));
  struct stat facts {};
  if (::fstat(::fileno(file), &facts) == 0 && S_ISDIR(facts.st_mode)) fail("it is a directory");

  std::string text;
  char block[1 << 16];
  while (const std::size_t count = std::fread(block, 1, sizeof block, file)) {
    if (text.size() + count > kMaxTextBytes) {
      fail("expected at most " + std::to_string(kMaxTextBytes) + " bytes, found more");
    }
    text.append(block, count);
  }
  if (std::ferror(file) != 0) fail(std::strerror(errno));
  return text;
}

}  // namespace cli
