#include "base/huge_pages.hpp"

#if defined(__linux__)
#include <fcntl.h>
#include <unistd.h>
#endif

namespace gemma4 {

bool huge_pages_off(std::string_view setting) noexcept {
  return setting.find("[never]") != std::string_view::npos;
}

bool huge_pages_off() noexcept {
#if defined(__linux__)
  const int file = open(kHugePagesSetting, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char text[64];
  const ssize_t bytes = read(file, text, sizeof text);
  close(file);
  return bytes > 0 && huge_pages_off(std::string_view(text, static_cast<std::size_t>(bytes)));
#else
  return false;
#endif
}

}  // namespace gemma4
