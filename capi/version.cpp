
#include "gemma4.h"
#include "gemma4/gemma4.hpp"

#define G4_TEXT_OF(x) #x
#define G4_TEXT(x) G4_TEXT_OF(x)

#if defined(__clang__)
#define G4_COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define G4_COMPILER "gcc " __VERSION__
#else
#define G4_COMPILER "another compiler"
#endif

#if defined(__x86_64__) || defined(_M_X64)
#define G4_PROCESSOR "x86-64"
#elif defined(__aarch64__) || defined(_M_ARM64)
#define G4_PROCESSOR "arm64"
#else
#define G4_PROCESSOR "another processor"
#endif

const char* gemma4_version(void) { return gemma4::version(); }

uint32_t gemma4_abi_version(void) { return GEMMA4_ABI_VERSION; }

const char* gemma4_build_info(void) {
  return "gemma4 " G4_TEXT(GEMMA4_VERSION_MAJOR) "." G4_TEXT(GEMMA4_VERSION_MINOR) "." G4_TEXT(
      GEMMA4_VERSION_PATCH) ", ABI " G4_TEXT(GEMMA4_ABI_VERSION) ", " G4_COMPILER ", " G4_PROCESSOR
#if defined(GEMMA4_HAS_ONEDNN)
                                                                 ", oneDNN";
#else
                                                                 ", no oneDNN";
#endif
}

const char* gemma4_status_name(gemma4_status status) {
  return status == GEMMA4_OK ? "ok"
                             : gemma4::error_code_name(static_cast<gemma4::ErrorCode>(status));
}

const char* gemma4_isa_name(int32_t isa) { return gemma4::isa_name(static_cast<gemma4::Isa>(isa)); }

const char* gemma4_activations_name(int32_t activations) {
  return gemma4::activation_type_name(static_cast<gemma4::ActivationType>(activations));
}

const char* gemma4_finish_reason_name(int32_t finish_reason) {
  return gemma4::finish_reason_name(static_cast<gemma4::FinishReason>(finish_reason));
}
