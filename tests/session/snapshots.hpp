// Snapshots of sessions in memory, and in files as bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gemma4/gemma4.hpp"

namespace gemma4::testing {

using Bytes = std::vector<std::byte>;

inline Bytes saved(Session& session) {
  Bytes all;
  session.save([&](std::span<const std::byte> piece) {
    all.insert(all.end(), piece.begin(), piece.end());
    return true;
  });
  return all;
}

/// Reads `bytes` in pieces of an odd size.
inline Session restored(const Model& model, std::span<const std::byte> bytes,
                        const SessionOptions& options = {}) {
  return Session::restore(
      model,
      [&](std::span<std::byte> out) {
        const std::size_t count = std::min({out.size(), bytes.size(), std::size_t{999}});
        std::copy_n(bytes.begin(), count, out.begin());
        bytes = bytes.subspan(count);
        return count;
      },
      options);
}

inline Bytes contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  Bytes bytes(text.size());
  std::copy_n(reinterpret_cast<const std::byte*>(text.data()), text.size(), bytes.begin());
  return bytes;
}

}  // namespace gemma4::testing
