/* Callers that were compiled with another version of the header: structs that end earlier or later.
 */
#include <stddef.h>

#include "check.h"

typedef struct later_options {
  gemma4_session_options known;
  uint64_t unknown;
} later_options;

typedef struct later_plan {
  gemma4_memory_plan known;
  uint64_t unknown, behind;
} later_plan;

void test_versions(void) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_model* model = load_tiny(0);
  gemma4_memory_plan plan = {.struct_size = sizeof plan}, same = {.struct_size = sizeof same};

  /* an older caller's options end early: the rest counts as zero, whatever lies there */
  gemma4_session_options older = {.struct_size = offsetof(gemma4_session_options, kv),
                                  .context_tokens = 100,
                                  .kv = 99,
                                  .depth = 99};
  gemma4_session_options exact = {.struct_size = sizeof exact, .context_tokens = 100};
  CHECK_OK(gemma4_model_plan(model, &older, &plan, &error));
  CHECK_OK(gemma4_model_plan(model, &exact, &same, &error));
  CHECK(memcmp(&plan, &same, sizeof plan) == 0);

  /* a later caller's are accepted as long as what is unknown is zero */
  later_options later = {.known = {.struct_size = sizeof later, .context_tokens = 100}};
  CHECK_OK(gemma4_model_plan(model, &later.known, &plan, &error));
  CHECK(memcmp(&plan, &same, sizeof plan) == 0);
  later.unknown = 1;
  CHECK_FAILS(gemma4_model_plan(model, &later.known, &plan, &error), GEMMA4_ERROR_UNSUPPORTED,
              "does not know");

  /* results: nothing is written behind the caller's size, unknown fields become zero */
  gemma4_memory_plan shorter = {.struct_size = offsetof(gemma4_memory_plan, kv_bytes),
                                .kv_bytes = 123};
  CHECK_OK(gemma4_model_plan(model, &exact, &shorter, &error));
  CHECK(shorter.weights_bytes == same.weights_bytes && shorter.kv_bytes == 123);
  later_plan longer = {
      .known = {.struct_size = offsetof(later_plan, behind)}, .unknown = 77, .behind = 88};
  CHECK_OK(gemma4_model_plan(model, &exact, &longer.known, &error));
  CHECK(longer.known.total_bytes == same.total_bytes);
  CHECK(longer.unknown == 0 && longer.behind == 88);

  /* sizes that cannot be */
  const uint64_t impossible[] = {0, 7, 65537, UINT64_MAX};
  for (size_t i = 0; i < sizeof impossible / sizeof *impossible; ++i) {
    exact.struct_size = impossible[i];
    CHECK_FAILS(gemma4_model_plan(model, &exact, &plan, &error), GEMMA4_ERROR_INVALID_ARGUMENT,
                "struct_size");
    exact.struct_size = sizeof exact;
    plan.struct_size = impossible[i];
    CHECK_FAILS(gemma4_model_plan(model, &exact, &plan, &error), GEMMA4_ERROR_INVALID_ARGUMENT,
                "struct_size");
    plan.struct_size = sizeof plan;
  }
  exact.reserved = 1;
  CHECK_FAILS(gemma4_model_plan(model, &exact, &plan, &error), GEMMA4_ERROR_INVALID_ARGUMENT,
              "reserved");
  gemma4_model_destroy(model);

  /* values that no version had */
  gemma4_load_options load = {.struct_size = sizeof load, .embedding_storage = 4};
  CHECK_FAILS(gemma4_model_load(TINY, GEMMA4_TEXT, &load, &model, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "embedding_storage");
  gemma4_pack_options pack = {.struct_size = sizeof pack, .layer_storage = -1};
  CHECK_FAILS(gemma4_pack(TINY, GEMMA4_TEXT, "/nowhere", GEMMA4_TEXT, &pack, NULL, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "layer_storage");
}
