// A file that appears under its name whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>

namespace gemma4 {

/// The path of UTF-8 text, on every system.
std::filesystem::path path_of(const std::string& utf8);

/// Written under a name of its own in the same folder ("<path>.part0") and renamed by commit().
/// Without commit the destructor removes it and whatever had the name before stays. Functions throw
/// Error(io) naming the path.
class NewFile {
 public:
  explicit NewFile(const std::string& path);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  /// Claims the space now, where the system can: a full disk shows before the work, not after.
  void reserve(std::uint64_t size_bytes);
  void append(std::span<const std::byte> bytes);
  void replace_start(std::span<const std::byte> bytes);  ///< the last write: no append after it
  void commit();                                         ///< to the disk, then to its name

 private:
  [[noreturn]] void fail_action(const char* action, int error) const;
  void write(std::span<const std::byte> bytes);

  std::string path_;
  std::filesystem::path target_, part_;
  std::FILE* file_ = nullptr;
};

}  // namespace gemma4
