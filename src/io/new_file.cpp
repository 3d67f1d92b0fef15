#include "io/new_file.hpp"

#include <bit>
#include <cerrno>
#include <system_error>

#include "base/error.hpp"

#if defined(_WIN32)
#include <io.h>
#else
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#endif

namespace gemma4 {
namespace {

/// Leftovers of killed processes keep their names; nobody has so many.
constexpr int kMostParts = 100;

/// A new file that nobody else has; fails with EEXIST when the name is taken.
std::FILE* create(const std::filesystem::path& path) {
#if defined(_WIN32)
  return _wfopen(path.c_str(), L"wbx");
#else
  return std::fopen(path.c_str(), "wbxe");
#endif
}

bool flush_to_disk(std::FILE* file) {
#if defined(_WIN32)
  return _commit(_fileno(file)) == 0;
#else
  return fsync(fileno(file)) == 0;
#endif
}

/// Makes the new name itself survive a power failure. Not every file system can: then it is as good
/// as a rename is there.
void flush_folder([[maybe_unused]] const std::filesystem::path& folder) {
#if !defined(_WIN32)
  const int descriptor = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  fsync(descriptor);
  close(descriptor);
#endif
}

/// Freeing an unfinished file's pages and blocks takes a tenth of a second for each gigabyte: too
/// long for who has cancelled the writing.
constexpr std::uint64_t kClosedElsewhere = 32u << 20;

#if !defined(_WIN32)
/// Closes the last descriptor of a file without a name while the caller goes on. The thread runs
/// the system's close() and nothing of this library, which may be unloaded meanwhile; it takes no
/// signals and ends by itself. Without a thread the caller waits.
void close_elsewhere(int descriptor) {
  pthread_attr_t attributes;
  pthread_t thread;
  bool begun = false;
  if (pthread_attr_init(&attributes) == 0) {
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    // An int and a pointer travel in the same registers on every system this is built for.
    const auto run = reinterpret_cast<void* (*)(void*)>(reinterpret_cast<void (*)()>(&close));
    const auto argument = std::bit_cast<void*>(std::intptr_t{descriptor});
    begun = pthread_create(&thread, &attributes, run, argument) == 0;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_attr_destroy(&attributes);
  }
  if (!begun) close(descriptor);
}
#endif

}  // namespace

std::filesystem::path path_of(const std::string& utf8) {
  return std::filesystem::path(std::u8string(utf8.begin(), utf8.end()));
}

void NewFile::fail_action(const char* action, int error) const {
  fail(error == ENOMEM ? ErrorCode::out_of_memory : ErrorCode::io,
       path_ + ": cannot " + action + " (" + std::generic_category().message(error) + ")");
}

NewFile::NewFile(const std::string& path) : path_(path), target_(path_of(path)) {
  // A rename would replace a device as readily as a file.
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(target_, ignored);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    fail(ErrorCode::io, path_ + ": expected a file or a free name, found something else");
  for (int i = 0; file_ == nullptr; ++i) {
    part_ = target_;
    part_ += ".part" + std::to_string(i);
    file_ = create(part_);
    const int error = errno;
    if (file_ == nullptr && (error != EEXIST || i == kMostParts))
      fail_action("create the file", error);
  }
  // Pieces are large: a buffer between would only hide errors until later.
  std::setvbuf(file_, nullptr, _IONBF, 0);
}

NewFile::~NewFile() {
  if (file_ == nullptr) return;
  std::error_code ignored;
#if !defined(_WIN32)
  const bool large = std::filesystem::file_size(part_, ignored) >= kClosedElsewhere;
  std::filesystem::remove(part_, ignored);
  const int last = large ? fcntl(fileno(file_), F_DUPFD_CLOEXEC, 0) : -1;
  std::fclose(file_);
  if (last >= 0) close_elsewhere(last);
#else
  std::fclose(file_);
  std::filesystem::remove(part_, ignored);
#endif
}

void NewFile::reserve([[maybe_unused]] std::uint64_t size_bytes) {
#if defined(__linux__)
  if (fallocate(fileno(file_), 0, 0, static_cast<off_t>(size_bytes)) == 0) return;
  if (errno != EOPNOTSUPP && errno != ENOSYS) fail_action("reserve the space", errno);
#endif
}

void NewFile::write(std::span<const std::byte> bytes) {
  errno = 0;
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size())
    fail_action("write", errno);
}

void NewFile::append(std::span<const std::byte> bytes) {
  write(bytes);
#if defined(__linux__)
  // Starts the disk now, so that commit() does not wait for all of it.
  if (bytes.size() >= (1u << 20)) sync_file_range(fileno(file_), 0, 0, SYNC_FILE_RANGE_WRITE);
#endif
}

void NewFile::replace_start(std::span<const std::byte> bytes) {
  std::rewind(file_);
  write(bytes);
}

void NewFile::commit() {
  if (!flush_to_disk(file_)) fail_action("write to the disk", errno);
  std::FILE* closing = file_;
  file_ = nullptr;
  std::error_code error;
  if (std::fclose(closing) != 0)
    error = std::error_code(errno, std::generic_category());
  else
    std::filesystem::rename(part_, target_, error);
  if (error) {
    std::error_code ignored;
    std::filesystem::remove(part_, ignored);
    fail(ErrorCode::io, path_ + ": cannot give the file its name (" + error.message() + ")");
  }
  flush_folder(target_.parent_path());
}

}  // namespace gemma4
