// A file mapped read-only into memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace gemma4 {

class MappedFile {
 public:
  /// Throws Error(io) for a file that is missing, a directory, empty, unreadable or cannot be
  /// mapped; the message says which. The path is UTF-8. Nobody may shorten the file while it is
  /// mapped.
  explicit MappedFile(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

  /// Says that the pages of this range were used and need not stay resident. `range` lies inside
  /// bytes(); pages that it covers only in part are kept. Without effect where the system has no
  /// such call.
  void drop(std::span<const std::byte> range) const noexcept;

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::string path_;
};

}  // namespace gemma4
