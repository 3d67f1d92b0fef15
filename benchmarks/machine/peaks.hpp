// Loops that do nothing but arithmetic: what a core can do when no load stands in its way. Needs
// only the library's public headers: the program `gemma4` measures with them too.
#pragma once

#include <cstdint>

#include "gemma4/model.hpp"

namespace gemma4::bench {

struct Peak {
  const char* name;                         ///< the instructions it is made of
  double (*run)(std::uint64_t iterations);  ///< returns the multiply-adds done
};

/// The int8 loop that the quantised kernels of an instruction set could reach at best; nullptr
/// where none is written.
const Peak* int8_peak(Isa isa);

/// The same for the float32 arithmetic of attention.
const Peak* float_peak(Isa isa);

}  // namespace gemma4::bench
