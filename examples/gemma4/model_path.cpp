#include "model_path.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "gemma4/gemma4.hpp"

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

// A file, or the folder of a Hugging Face checkpoint.
bool named_as_assistant(const std::filesystem::path& path) {
  std::string name = path.filename().string();
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  std::error_code ignored;
  return (name.ends_with(".gguf") || std::filesystem::exists(path / "config.json", ignored)) &&
         (name.starts_with("mtp-") || name.find("assistant") != std::string::npos);
}

// A folder may hold the assistants of several models.
bool fits(const std::string& model, const std::string& assistant) {
  try {
    gemma4::plan_memory(model, {}, assistant);
    return true;
  } catch (const gemma4::Error&) {
    return false;
  }
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

std::string assistant_beside(const std::string& model) {
  std::string found;
  std::error_code error;
  std::filesystem::path place = std::filesystem::absolute(model, error).lexically_normal();
  if (!place.has_filename()) place = place.parent_path();  // "folder/"
  const std::filesystem::path folder = place.parent_path();
  for (std::filesystem::directory_iterator file(folder, error), end; !error && file != end;
       file.increment(error)) {
    const std::string path = file->path().string();
    std::error_code ignored;
    if (!named_as_assistant(file->path()) || std::filesystem::equivalent(path, model, ignored) ||
        !fits(model, path)) {
      continue;
    }
    if (!found.empty()) return {};
    found = path;
  }
  return found;
}

}  // namespace cli
