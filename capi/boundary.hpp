// What every function of the C interface does at its edges: exceptions become statuses, arguments
// are checked, structs of other versions are understood.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/error.hpp"
#include "gemma4.h"

namespace gemma4::capi {

/// The status of the exception being handled; writes it and its message to `error` unless null.
gemma4_status status_of_exception(gemma4_error* error) noexcept;

/// Runs the body of a function.
template <class Work>
gemma4_status guarded(gemma4_error* error, const Work& work) noexcept {
  try {
    work();
    return GEMMA4_OK;
  } catch (...) {
    return status_of_exception(error);
  }
}

/// Throws Error(invalid_argument) for a null pointer.
void check_pointer(const void* pointer, const char* name);

/// A text of the caller's. Throws Error(invalid_argument) for a null pointer with a length.
std::string_view text_of(const char* data, std::size_t bytes, const char* name);

/// A path of the caller's; empty for a null pointer when `optional`. Throws Error(invalid_argument)
/// for one with a zero byte.
std::string path_of(const char* data, std::size_t bytes, const char* name, bool optional = false);

/// An array of the caller's. Throws Error(invalid_argument) for a null pointer with a length.
template <class T>
std::span<const T> array_of(const T* data, std::size_t count, const char* name) {
  if (count != 0) check_pointer(data, name);
  constexpr std::size_t kItemBytes = sizeof(T);  // NOLINT(bugprone-sizeof-expression): of handles
  if (count > PTRDIFF_MAX / kItemBytes)
    fail(ErrorCode::invalid_argument,
         format_text("%s: expected a number of items, found %zu", name, count));
  return {data, count};
}

/// Throws Error(invalid_argument) unless a flag or a reserved field has a value of 0 ... most.
void check_range(std::int32_t value, std::int32_t most, const char* name);

/// Copies a struct of `size` bytes to `known` whose caller may know another version of it. Throws
/// Error(invalid_argument) for an impossible struct_size and for unknown fields in use.
void read_struct(const void* from, const char* name, void* known, std::size_t size);

/// Copies `size` bytes of `known` to the caller's struct, whose struct_size stays. Throws as above.
void write_struct(const void* known, std::size_t size, void* to, const char* name);

/// The caller's options; all zero for a null pointer.
template <class T>
T options_of(const T* from, const char* name) {
  static_assert(std::is_trivially_copyable_v<T> && offsetof(T, struct_size) == 0);
  T known{};
  if (from != nullptr) read_struct(from, name, &known, sizeof known);
  return known;
}

/// Gives a result to the caller.
template <class T>
void give(const T& known, T* to, const char* name) {
  static_assert(std::is_trivially_copyable_v<T> && offsetof(T, struct_size) == 0);
  write_struct(&known, sizeof known, to, name);
}

/// A view for the caller; never a null pointer.
inline gemma4_text view_of(std::string_view text) {
  return {text.data() != nullptr ? text.data() : "", text.size()};
}

}  // namespace gemma4::capi
