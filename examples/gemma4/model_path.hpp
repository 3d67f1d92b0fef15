// Where the model is when the command line does not say.
#pragma once

#include <string>

namespace cli {

/// $GEMMA4_MODEL, else the tiny model installed beside the program. Throws std::runtime_error when
/// there is none.
std::string default_model_path();

}  // namespace cli
