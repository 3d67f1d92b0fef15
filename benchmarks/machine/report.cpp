#include "machine/report.hpp"

#include <unistd.h>

#include <fstream>

#include "base/cpu.hpp"
#include "base/error.hpp"

namespace gemma4::bench {
namespace {

/// The value of the first line "KEY : value" or "KEY: value" of a file under /proc.
std::string field(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(':');
    if (!line.starts_with(key) || colon == std::string::npos) continue;
    const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

std::string huge_pages() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string line;
  std::getline(file, line);
  const std::size_t open = line.find('['), close = line.find(']');
  if (open == std::string::npos || close == std::string::npos) return "unknown";
  return line.substr(open + 1, close - open - 1);
}

/// A count from sysconf, which may be -1 or 0 for unknown.
double known(long count) { return count > 0 ? static_cast<double>(count) : 0; }

}  // namespace

// Not from sysconf: inside a virtual machine it tells the cache of the host's whole processor.
std::uint64_t last_cache_bytes() {
  std::uint64_t bytes = 0;
  for (const char* index : {"2", "3", "4"}) {
    std::ifstream file(std::string("/sys/devices/system/cpu/cpu0/cache/index") + index + "/size");
    std::uint64_t number = 0;
    char unit = 0;
    if (file >> number >> unit) bytes = number << (unit == 'M' ? 20 : 10);
  }
  return bytes;
}

std::string describe_machine() {
  std::string cpu = field("/proc/cpuinfo", "model name");
  if (cpu.empty()) cpu = "unknown processor";
  const double memory = known(::sysconf(_SC_PHYS_PAGES)) * known(::sysconf(_SC_PAGESIZE));
  return format_text("%s, %d cores to use, %.0f MiB last cache, %.1f GiB memory, huge pages %s",
                     cpu.c_str(), available_cores(),
                     static_cast<double>(last_cache_bytes()) / (1 << 20), memory / (1 << 30),
                     huge_pages().c_str());
}

}  // namespace gemma4::bench
