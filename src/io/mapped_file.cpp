#include "io/mapped_file.hpp"

#include <cstdint>
#include <limits>
#include <utility>

#include "base/error.hpp"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#if !defined(NOMINMAX)
#define NOMINMAX
#endif
#include <windows.h>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#endif

namespace gemma4 {
namespace {

[[noreturn]] void fail_file(const std::string& path, const std::string& what) {
  fail(ErrorCode::io, path + ": " + what);
}

/// A file's size as a length of memory.
std::size_t mappable_size(const std::string& path, std::uint64_t size_bytes) {
  if (size_bytes == 0) fail_file(path, "the file is empty");
  if (size_bytes > std::numeric_limits<std::size_t>::max()) {
    fail_file(path, "the file has " + std::to_string(size_bytes) +
                        " bytes, more than this process can address");
  }
  return static_cast<std::size_t>(size_bytes);
}

#if defined(_WIN32)

struct Handle {
  HANDLE value;
  ~Handle() {
    if (value != nullptr && value != INVALID_HANDLE_VALUE) CloseHandle(value);
  }
};

[[noreturn]] void fail_system(const std::string& path, const char* action) {
  fail_file(path, std::string("cannot ") + action + " (Windows error " +
                      std::to_string(GetLastError()) + ")");
}

std::wstring wide_path(const std::string& path) {
  const int bytes = static_cast<int>(path.size());
  const int length =
      MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path.data(), bytes, nullptr, 0);
  if (length <= 0) fail_file(path, "the path is not UTF-8");
  std::wstring wide(static_cast<std::size_t>(length), L'\0');
  MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path.data(), bytes, wide.data(), length);
  return wide;
}

#else

struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) close(value);
  }
};

[[noreturn]] void fail_system(const std::string& path, const char* action) {
  const int error = errno;  // before anything else can change it
  fail(error == ENOMEM ? ErrorCode::out_of_memory : ErrorCode::io,
       path + ": cannot " + action + " (" + std::generic_category().message(error) + ")");
}

#endif

}  // namespace

#if defined(_WIN32)

MappedFile::MappedFile(const std::string& path) : path_(path) {
  const std::wstring wide = wide_path(path);
  const DWORD attributes = GetFileAttributesW(wide.c_str());
  if (attributes == INVALID_FILE_ATTRIBUTES) fail_system(path, "open the file");
  if ((attributes & FILE_ATTRIBUTE_DIRECTORY) != 0) fail_file(path, "is a directory, not a file");
  const Handle file{CreateFileW(wide.c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING,
                                FILE_ATTRIBUTE_NORMAL, nullptr)};
  if (file.value == INVALID_HANDLE_VALUE) fail_system(path, "open the file");
  LARGE_INTEGER length;
  if (!GetFileSizeEx(file.value, &length)) fail_system(path, "read the file's size");
  const std::size_t size = mappable_size(path, static_cast<std::uint64_t>(length.QuadPart));
  const Handle mapping{CreateFileMappingW(file.value, nullptr, PAGE_READONLY, 0, 0, nullptr)};
  if (mapping.value == nullptr) fail_system(path, "map the file");
  const void* memory = MapViewOfFile(mapping.value, FILE_MAP_READ, 0, 0, size);
  if (memory == nullptr) fail_system(path, "map the file");
  data_ = static_cast<const std::byte*>(memory);
  size_ = size;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) UnmapViewOfFile(data_);
}

void MappedFile::drop(std::span<const std::byte>) const noexcept {}

#else

MappedFile::MappedFile(const std::string& path) : path_(path) {
  // Non-blocking, so that a named pipe is refused below instead of waited for; without effect on
  // files.
  const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.value < 0) fail_system(path, "open the file");
  struct stat status;
  if (fstat(file.value, &status) != 0) fail_system(path, "read the file's size");
  if (S_ISDIR(status.st_mode)) fail_file(path, "is a directory, not a file");
  if (!S_ISREG(status.st_mode)) fail_file(path, "is not a regular file");
  const std::size_t size = mappable_size(path, static_cast<std::uint64_t>(status.st_size));
  void* memory = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.value, 0);
  if (memory == MAP_FAILED) fail_system(path, "map the file");
  data_ = static_cast<const std::byte*>(memory);
  size_ = size;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::drop(std::span<const std::byte> range) const noexcept {
  const long page = sysconf(_SC_PAGESIZE);
  if (page <= 0 || range.empty()) return;
  const std::uintptr_t page_bytes = static_cast<std::uintptr_t>(page);
  const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(range.data());
  const std::uintptr_t first = (begin + page_bytes - 1) / page_bytes * page_bytes;
  const std::uintptr_t last = (begin + range.size()) / page_bytes * page_bytes;
  if (last <= first) return;
  madvise(const_cast<std::byte*>(range.data()) + (first - begin), last - first, MADV_DONTNEED);
}

#endif

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      path_(std::move(other.path_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(path_, other.path_);
  return *this;
}

}  // namespace gemma4
