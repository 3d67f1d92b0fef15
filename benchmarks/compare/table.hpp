// The results as text and as JSON.
#pragma once

#include <string>

#include "schedule.hpp"

namespace gemma4::bench {

std::string as_text(const CompareOptions& options, const Results& results);
std::string as_json(const CompareOptions& options, const Results& results);

}  // namespace gemma4::bench
