#include "model_path.hpp"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

namespace cli {
namespace {

// The running program's own file, links resolved; empty where the system does not tell.
std::filesystem::path program_file() {
  std::error_code error;
#ifdef __APPLE__
  char path[4096];
  std::uint32_t size = sizeof path;
  if (_NSGetExecutablePath(path, &size) != 0) return {};
  return std::filesystem::canonical(path, error);
#else
  return std::filesystem::canonical("/proc/self/exe", error);
#endif
}

}  // namespace

std::string default_model_path() {
  const char* chosen = std::getenv("GEMMA4_MODEL");
  if (chosen != nullptr && *chosen != '\0') return chosen;
  // The build tree is laid out like an installation, so one relative place serves both.
  const std::filesystem::path beside =
      program_file().parent_path() / GEMMA4_MODELS_FROM_PROGRAM / "gemma4-tiny-q4_0.gguf";
  std::error_code error;
  if (std::filesystem::exists(beside, error)) return beside.lexically_normal().string();
  throw std::runtime_error(
      "no model: give --model PATH or set GEMMA4_MODEL (the tiny model is not at " +
      beside.lexically_normal().string() + ")");
}

}  // namespace cli
