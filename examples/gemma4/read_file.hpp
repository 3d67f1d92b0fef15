// Whole text files, with a limit and clear errors.
#pragma once

#include <cstdint>
#include <string>

namespace cli {

constexpr std::uint64_t kMaxTextBytes = 256u << 20;

/// The bytes of a file, or of standard input for "-". Throws std::runtime_error naming the file and
/// what is wrong: missing, a directory, unreadable, more than kMaxTextBytes.
std::string read_file(const std::string& path);

}  // namespace cli
