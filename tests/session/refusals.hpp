// Errors as text, to be looked into.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <initializer_list>
#include <string>

#include "gemma4/error.hpp"

namespace gemma4::testing {

// "code: message" of the Error that `action` throws.
inline std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return std::string(error_code_name(error.code())) + ": " + error.what();
  }
  return "accepted";
}

inline bool mentions(const std::string& text, std::initializer_list<const char*> parts) {
  for (const char* part : parts) {
    if (text.find(part) == std::string::npos) return false;
  }
  return true;
}

#define CHECK_REFUSED(action, ...)                                       \
  do {                                                                   \
    const std::string found = gemma4::testing::refusal([&] { action; }); \
    CAPTURE(found);                                                      \
    CHECK(gemma4::testing::mentions(found, {__VA_ARGS__}));              \
  } while (false)

}  // namespace gemma4::testing
