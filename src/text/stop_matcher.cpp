#include "text/stop_matcher.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "text/utf8.hpp"

namespace gemma4 {

void StopMatcher::start(std::span<const std::string> stops) {
  stops_.clear();
  for (std::size_t i = 0; i < stops.size(); ++i) {
    if (stops[i].empty()) continue;
    // Whole characters only, or a match could cut one in two.
    if (!is_valid_utf8(stops[i])) {
      fail(ErrorCode::invalid_argument,
           "stop[" + std::to_string(i) + "]: not UTF-8: " + in_quotes(stops[i]));
    }
    Stop stop;
    stop.text = stops[i];
    stop.fallback.assign(stop.text.size() + 1, 0);
    for (std::uint32_t n = 1, prefix = 0; n < stop.text.size(); ++n) {
      while (prefix > 0 && stop.text[n] != stop.text[prefix]) prefix = stop.fallback[prefix];
      if (stop.text[n] == stop.text[prefix]) ++prefix;
      stop.fallback[n + 1] = prefix;
    }
    stops_.push_back(std::move(stop));
  }
}

bool StopMatcher::feed(std::string_view text, std::string& out) {
  out += held();
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::size_t found_bytes = 0;
    for (Stop& stop : stops_) {
      while (stop.matched > 0 && stop.text[stop.matched] != text[i]) {
        stop.matched = stop.fallback[stop.matched];
      }
      if (stop.text[stop.matched] == text[i]) ++stop.matched;
      if (stop.matched == stop.text.size()) found_bytes = std::max(found_bytes, stop.text.size());
    }
    if (found_bytes > 0) {
      out += text.substr(0, i + 1);
      out.resize(out.size() - found_bytes);
      for (Stop& stop : stops_) stop.matched = 0;
      return true;
    }
  }
  out += text;
  out.resize(out.size() - held().size());
  return false;
}

void StopMatcher::release(std::string& out) {
  out += held();
  for (Stop& stop : stops_) stop.matched = 0;
}

// What is held back is the beginning of the stop text that has come furthest.
std::string_view StopMatcher::held() const {
  std::string_view longest;
  for (const Stop& stop : stops_) {
    if (stop.matched > longest.size())
      longest = std::string_view(stop.text).substr(0, stop.matched);
  }
  return longest;
}

}  // namespace gemma4
