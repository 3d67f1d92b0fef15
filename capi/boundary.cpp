#include "boundary.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <stdexcept>

namespace gemma4::capi {
namespace {

/// No struct comes near it; a larger one is memory that nobody prepared.
constexpr std::uint64_t kMostStructBytes = 65536;

std::uint64_t struct_size_of(const void* data, const char* name) {
  check_pointer(data, name);
  std::uint64_t size = 0;
  std::memcpy(&size, data, sizeof size);
  if (size < sizeof size || size > kMostStructBytes) {
    fail(ErrorCode::invalid_argument,
         format_text("%s: expected struct_size to be sizeof(%s), found %llu", name, name,
                     static_cast<unsigned long long>(size)));
  }
  return size;
}

/// The longest beginning of `text` of at most `most` bytes that does not end inside a character.
std::size_t cut_utf8(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text.size();
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  return most;
}

gemma4_status report(gemma4_error* error, ErrorCode code, std::string_view message) noexcept {
  const gemma4_status status = static_cast<gemma4_status>(code);
  if (error == nullptr) return status;
  constexpr std::size_t kHead = offsetof(gemma4_error, message);
  const std::uint64_t size = error->struct_size;
  if (size <= kHead || size > kMostStructBytes) return status;  // there is no room to say so
  const std::size_t bytes =
      cut_utf8(message, std::min<std::size_t>(sizeof error->message, size - kHead) - 1);
  error->status = status;
  error->message_bytes = static_cast<std::uint32_t>(bytes);
  std::memcpy(error->message, message.data(), bytes);
  error->message[bytes] = '\0';
  return status;
}

}  // namespace

gemma4_status status_of_exception(gemma4_error* error) noexcept {
  try {
    throw;
  } catch (const Error& e) {
    return report(error, e.code(), e.what());
  } catch (const std::bad_alloc&) {
    return report(error, ErrorCode::out_of_memory, "the system gave no memory");
  } catch (const std::length_error&) {
    return report(error, ErrorCode::out_of_memory, "more memory was needed than there can be");
  } catch (const std::exception& e) {
    return report(error, ErrorCode::internal, e.what());
  } catch (...) {
    return report(error, ErrorCode::internal, "an exception of an unknown kind");
  }
}

void check_pointer(const void* pointer, const char* name) {
  if (pointer == nullptr) {
    fail(ErrorCode::invalid_argument,
         format_text("%s: expected a pointer, found a null pointer", name));
  }
}

std::string_view text_of(const char* data, std::size_t bytes, const char* name) {
  if (bytes == 0) return {};
  check_pointer(data, name);
  if (bytes == GEMMA4_TEXT) return data;
  if (bytes > PTRDIFF_MAX) {
    fail(ErrorCode::invalid_argument,
         format_text("%s: expected a number of bytes or GEMMA4_TEXT, found %zu", name, bytes));
  }
  return {data, bytes};
}

std::string path_of(const char* data, std::size_t bytes, const char* name, bool optional) {
  if (data == nullptr && optional) return {};
  const std::string_view path = text_of(data, bytes, name);
  if (path.empty() || path.find('\0') != std::string_view::npos) {
    fail(ErrorCode::invalid_argument,
         format_text("%s: expected a path, found %s", name, in_quotes(path).c_str()));
  }
  return std::string(path);
}

void check_range(std::int32_t value, std::int32_t most, const char* name) {
  if (value < 0 || value > most) {
    fail(ErrorCode::invalid_argument,
         format_text("%s: expected 0 ... %d, found %d", name, most, value));
  }
}

void read_struct(const void* from, const char* name, void* known, std::size_t size) {
  const std::uint64_t given = struct_size_of(from, name);
  const auto* bytes = static_cast<const unsigned char*>(from);
  if (given > size &&
      std::any_of(bytes + size, bytes + given, [](unsigned char byte) { return byte != 0; })) {
    fail(ErrorCode::unsupported,
         format_text("%s: expected the fields of the first %zu bytes only, found one in use that "
                     "this version (%s) does not know",
                     name, size, gemma4_version()));
  }
  std::memcpy(known, from, std::min<std::uint64_t>(given, size));
}

void write_struct(const void* known, std::size_t size, void* to, const char* name) {
  const std::uint64_t given = struct_size_of(to, name);
  const std::size_t common = std::min<std::uint64_t>(given, size);
  constexpr std::size_t kHead = sizeof(std::uint64_t);
  std::memcpy(static_cast<char*>(to) + kHead, static_cast<const char*>(known) + kHead,
              common - kHead);
  std::memset(static_cast<char*>(to) + common, 0, given - common);
}

}  // namespace gemma4::capi
