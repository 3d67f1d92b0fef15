/* What becomes of a full context. */
#include "check.h"

enum { kContext = 128, kSteps = 200 };

void test_context(void) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_model* model = load_tiny(0);
  gemma4_session* session = NULL;
  gemma4_token token = 0;
  gemma4_session_options options = {.struct_size = sizeof options, .context_tokens = kContext};

  options.context_policy = 2;
  CHECK_FAILS(gemma4_session_create(model, &options, &session, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "context_policy");

  for (int policy = GEMMA4_CONTEXT_ERROR; policy <= GEMMA4_CONTEXT_SHIFT; ++policy) {
    options.context_policy = policy;
    CHECK_OK(gemma4_session_create(model, &options, &session, &error));
    CHECK_OK(gemma4_session_append_text(session, "Once upon a time", GEMMA4_TEXT,
                                        GEMMA4_SPECIAL_ALL, &error));
    gemma4_status status = GEMMA4_OK;
    int steps = 0;
    for (; steps < kSteps && status == GEMMA4_OK; ++steps)
      status = gemma4_session_decode_step(session, NULL, &token, &error);
    gemma4_statistics done = {.struct_size = sizeof done};
    CHECK_OK(gemma4_session_statistics(session, &done, &error));
    if (policy == GEMMA4_CONTEXT_ERROR) {
      CHECK(status == GEMMA4_ERROR_CONTEXT_FULL && steps < kContext);
      CHECK(done.shifts == 0 && done.dropped_tokens == 0 && done.reprocessed_tokens == 0);
    } else {
      CHECK(status == GEMMA4_OK);
      CHECK(done.shifts > 0 && done.dropped_tokens > kSteps - kContext);
      CHECK(done.reprocessed_tokens > 0);
    }
    gemma4_session_destroy(session);
  }
  gemma4_model_destroy(model);
}
