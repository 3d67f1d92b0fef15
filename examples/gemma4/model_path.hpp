// Where the model and its assistant are when the command line does not say.
#pragma once

#include <string>

namespace cli {

/// $GEMMA4_MODEL, else the tiny model installed beside the program. Throws std::runtime_error when
/// there is none.
std::string default_model_path();

/// The assistant beside a model (of a folder: beside the folder): the one GGUF file or Hugging Face
/// folder there that is named *assistant* or mtp-* and fits the model. Empty when there is none, or
/// more than one.
std::string assistant_beside(const std::string& model);

}  // namespace cli
