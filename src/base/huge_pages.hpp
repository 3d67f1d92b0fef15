// Whether large memory can have large pages.
#pragma once

#include <string_view>

namespace gemma4 {

/// Where Linux says who gets huge pages: "always [madvise] never".
constexpr const char* kHugePagesSetting = "/sys/kernel/mm/transparent_hugepage/enabled";

/// Whether that setting keeps them from a program that asks.
bool huge_pages_off(std::string_view setting) noexcept;

/// The same of this system; false where it is unknown.
bool huge_pages_off() noexcept;

}  // namespace gemma4
