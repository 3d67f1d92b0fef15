// Safetensors files for tests, honest or not.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace gemma4::test {

/// A file of a header and data, as they are given.
inline std::string safetensors_bytes(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  std::string out(sizeof length, '\0');
  std::memcpy(out.data(), &length, sizeof length);
  return out + header + data;
}

/// An honest file.
class SafetensorsWriter {
 public:
  SafetensorsWriter& add(const std::string& name, const std::string& type,
                         const std::vector<std::uint64_t>& shape, const std::string& data) {
    header_ +=
        (header_.empty() ? "{\"" : ",\"") + name + "\":{\"dtype\":\"" + type + "\",\"shape\":[";
    for (std::size_t i = 0; i < shape.size(); ++i)
      header_ += (i == 0 ? "" : ",") + std::to_string(shape[i]);
    header_ += "],\"data_offsets\":[" + std::to_string(data_.size()) + "," +
               std::to_string(data_.size() + data.size()) + "]}";
    data_ += data;
    return *this;
  }
  std::string bytes() const {
    std::string header = (header_.empty() ? "{" : header_) + "}";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    return safetensors_bytes(header, data_);
  }

 private:
  std::string header_, data_;
};

/// The bytes of numbers.
template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace gemma4::test
