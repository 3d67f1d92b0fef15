// The n-th allocation fails, for every n: loading, answering, forking, saving and restoring give a
// status, and leave nothing behind. Replaces operator new, mmap by the linker's --wrap, and, with
// glibc and without sanitizers, malloc and pthread_create of the whole process: that of xxHash, of
// the C library's files, of exceptions and of threads.
#include <dlfcn.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "gemma4.h"

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define G4_CATCHES_MALLOC 1
extern "C" {  // NOLINTBEGIN(bugprone-reserved-identifier): glibc's own names
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* memory, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);
void __libc_free(void* memory);
}  // NOLINTEND(bugprone-reserved-identifier)
#else
#define G4_CATCHES_MALLOC 0
#endif

namespace {

std::atomic<std::int64_t> made{0}, alive{0}, by_malloc{0}, threads{0};
std::atomic<std::int64_t> first_failing{-1}, last_failing{-1};

bool fails() {
  const std::int64_t number = made++;
  return number >= first_failing && number <= last_failing;
}

void* allocate(std::size_t size, std::size_t alignment) noexcept {
  if (fails()) return nullptr;
  const std::size_t rounded =
      (std::max<std::size_t>(size, 1) + alignment - 1) / alignment * alignment;
#if G4_CATCHES_MALLOC
  void* memory = __libc_memalign(alignment, rounded);  // counted already
#else
  void* memory = std::aligned_alloc(alignment, rounded);
#endif
  if (memory != nullptr) ++alive;
  return memory;
}

void* allocate_or_throw(std::size_t size, std::size_t alignment) {
  void* memory = allocate(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void release(void* memory) noexcept {
  if (memory != nullptr) --alive;
#if G4_CATCHES_MALLOC
  __libc_free(memory);
#else
  std::free(memory);
#endif
}

constexpr std::size_t kUsual = alignof(std::max_align_t);
std::size_t number(std::align_val_t alignment) { return static_cast<std::size_t>(alignment); }

}  // namespace

void* operator new(std::size_t n) { return allocate_or_throw(n, kUsual); }
void* operator new[](std::size_t n) { return allocate_or_throw(n, kUsual); }
void* operator new(std::size_t n, std::align_val_t a) { return allocate_or_throw(n, number(a)); }
void* operator new[](std::size_t n, std::align_val_t a) { return allocate_or_throw(n, number(a)); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, kUsual); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, kUsual); }
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate(n, number(a));
}
void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate(n, number(a));
}
void operator delete(void* p) noexcept { release(p); }
void operator delete[](void* p) noexcept { release(p); }
void operator delete(void* p, std::size_t) noexcept { release(p); }
void operator delete[](void* p, std::size_t) noexcept { release(p); }
void operator delete(void* p, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { release(p); }

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
extern "C" {
void* __real_mmap(void* where, std::size_t bytes, int protection, int flags, int file,
                  off_t offset);
int __real_munmap(void* where, std::size_t bytes);

void* __wrap_mmap(void* where, std::size_t bytes, int protection, int flags, int file,
                  off_t offset) {
  if (fails()) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  void* memory = __real_mmap(where, bytes, protection, flags, file, offset);
  if (memory != MAP_FAILED) ++alive;
  return memory;
}

int __wrap_munmap(void* where, std::size_t bytes) {
  --alive;
  return __real_munmap(where, bytes);
}
}
// NOLINTEND(bugprone-reserved-identifier)

#if G4_CATCHES_MALLOC
namespace {

/// What the C library and xxHash ask for. The C library keeps some of it for later, so it does not
/// count as alive.
bool malloc_fails() {
  ++by_malloc;
  if (!fails()) return false;
  errno = ENOMEM;
  return true;
}

}  // namespace

extern "C" {
void* malloc(std::size_t bytes) { return malloc_fails() ? nullptr : __libc_malloc(bytes); }
void* calloc(std::size_t count, std::size_t bytes) {
  return malloc_fails() ? nullptr : __libc_calloc(count, bytes);
}
void* realloc(void* memory, std::size_t bytes) {
  return malloc_fails() ? nullptr : __libc_realloc(memory, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) {
  return malloc_fails() ? nullptr : __libc_memalign(alignment, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) { return memalign(alignment, bytes); }
int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) {
  void* given = memalign(alignment, bytes);
  if (given != nullptr) *memory = given;
  return given != nullptr ? 0 : ENOMEM;
}
void free(void* memory) { __libc_free(memory); }

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) {
  using Create = decltype(&pthread_create);
  static const Create real = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  ++threads;
  return fails() ? EAGAIN : real(thread, attributes, start, argument);
}
}
#endif

namespace {

/// A snapshot without allocations of its own.
struct Snapshot {
  std::array<unsigned char, 1 << 20> data;
  std::size_t bytes, at;
};
Snapshot snapshot;

std::int32_t keep(void*, const void* data, std::size_t bytes) {
  if (bytes > snapshot.data.size() - snapshot.bytes) return 1;
  std::memcpy(snapshot.data.data() + snapshot.bytes, data, bytes);
  snapshot.bytes += bytes;
  return 0;
}

std::size_t give_back(void*, void* data, std::size_t bytes) {
  const std::size_t given = std::min(bytes, snapshot.bytes - snapshot.at);
  std::memcpy(data, snapshot.data.data() + snapshot.at, given);
  snapshot.at += given;
  return given;
}

/// Forks, saves and restores, in memory and by a file; evaluates a token in each of a batch.
gemma4_status copy(const gemma4_model* model, gemma4_session* session,
                   const gemma4_session_options& options, const char* path, gemma4_error& error) {
  constexpr std::size_t kCopies = 3;
  std::array<gemma4_session*, kCopies> copies{};
  gemma4_batch* batch = nullptr;
  snapshot.bytes = snapshot.at = 0;
  gemma4_status status = gemma4_session_fork(session, copies.data(), &error);
  if (status == GEMMA4_OK) status = gemma4_session_save_to(session, keep, nullptr, &error);
  if (status == GEMMA4_OK) {
    status = gemma4_session_restore_from(model, give_back, nullptr, &options, nullptr,
                                         copies.data() + 1, &error);
  }
  if (status == GEMMA4_OK) status = gemma4_session_save(session, path, GEMMA4_TEXT, &error);
  if (status == GEMMA4_OK) {
    status = gemma4_session_restore(model, path, GEMMA4_TEXT, &options, nullptr, copies.data() + 2,
                                    &error);
  }
  unlink(path);
  if (status == GEMMA4_OK) status = gemma4_batch_create(model, nullptr, &batch, &error);
  const gemma4_token token = 300;
  for (gemma4_session* one : copies)
    if (status == GEMMA4_OK) status = gemma4_session_append_tokens(one, &token, 1, &error);
  if (status == GEMMA4_OK) status = gemma4_batch_evaluate(batch, copies.data(), kCopies, &error);
  gemma4_batch_destroy(batch);
  for (gemma4_session* one : copies) gemma4_session_destroy(one);
  return status;
}

/// Loads, plans, answers, copies; the first status that is not GEMMA4_OK.
gemma4_status use(const char* model_path, const char* assistant_path, const char* path,
                  gemma4_error& error) {
  gemma4_load_options load{};
  load.struct_size = sizeof load;
  load.threads = 2;
  load.assistant_path = assistant_path;
  load.assistant_path_bytes = GEMMA4_TEXT;
  gemma4_session_options options{};
  options.struct_size = sizeof options;
  options.context_tokens = 64;
  gemma4_generate_options generate{};
  generate.struct_size = sizeof generate;
  generate.max_tokens = 4;
  gemma4_memory_plan plan{};
  plan.struct_size = sizeof plan;
  gemma4_event event{};
  event.struct_size = sizeof event;

  gemma4_model* model = nullptr;
  gemma4_session* session = nullptr;
  gemma4_status status = gemma4_model_load(model_path, GEMMA4_TEXT, &load, &model, &error);
  if (status == GEMMA4_OK) status = gemma4_model_plan(model, &options, &plan, &error);
  if (status == GEMMA4_OK) status = gemma4_session_create(model, &options, &session, &error);
  if (status == GEMMA4_OK)
    status = gemma4_session_append_message(session, "user", 4, "Hello", 5, &error);
  if (status == GEMMA4_OK) status = gemma4_session_generate(session, &generate, &error);
  while (status == GEMMA4_OK && event.kind != GEMMA4_EVENT_END)
    status = gemma4_session_next(session, &event, &error);
  if (status == GEMMA4_OK) status = copy(model, session, options, path, error);
  gemma4_session_destroy(session);
  gemma4_model_destroy(model);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  gemma4_error error{};
  error.struct_size = sizeof error;
  std::array<char, 64> path{};  // for snapshots
  std::snprintf(path.data(), path.size(), "/tmp/gemma4-fault-%ld", static_cast<long>(getpid()));
  if (use(argv[1], argv[2], path.data(), error) != GEMMA4_OK) {
    std::fprintf(stderr, "without a failure: %s\n", error.message);
    return 1;
  }
  made = 0;
  if (use(argv[1], argv[2], path.data(), error) != GEMMA4_OK) return 1;
  const std::int64_t count = made;
#if G4_CATCHES_MALLOC
  if (by_malloc == 0 || threads == 0) return 3;  // they are not caught
#endif
  std::int64_t refused = 0, wrong = 0;
  // one that fails, and all from one on
  for (const bool all : {false, true}) {
    for (std::int64_t n = 0; n < count; ++n) {
      const std::int64_t before = alive;
      made = 0;
      last_failing = all ? INT64_MAX : n;
      first_failing = n;
      std::memset(error.message, 0, sizeof error.message);
      const gemma4_status status = use(argv[1], argv[2], path.data(), error);
      first_failing = last_failing = -1;
      // some need no more than a try for their memory; whoever needs it must say so
      const bool as_expected = status == GEMMA4_OK ? !all : status == GEMMA4_ERROR_OUT_OF_MEMORY;
      refused += status == GEMMA4_OK ? 0 : 1;
      if (as_expected && alive == before) continue;
      ++wrong;
      std::fprintf(stderr, "allocation %lld of %lld%s: status %s \"%s\", %lld allocations left\n",
                   static_cast<long long>(n), static_cast<long long>(count), all ? " and on" : "",
                   gemma4_status_name(status), error.message,
                   static_cast<long long>(alive - before));
    }
  }
  std::printf("%lld allocations (malloc caught: %d), %lld runs refused, %lld wrong\n",
              static_cast<long long>(count), G4_CATCHES_MALLOC, static_cast<long long>(refused),
              static_cast<long long>(wrong));
  return count > 0 && refused > 0 && wrong == 0 ? 0 : 1;
}
