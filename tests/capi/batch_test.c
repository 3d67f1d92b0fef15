/* Sessions that share passes answer as they do alone. */
#include "check.h"

enum { kSessions = 4 };

static const char* const kQuestions[kSessions] = {"What is the capital of Japan?",
                                                  "What is 34 + 17?", "Name the planets.",
                                                  "What is the capital of France?"};

/* Different kinds of rows, contexts and depths. */
static gemma4_session_options options_for(int i) {
  const gemma4_session_options options = {.struct_size = sizeof options,
                                          .context_tokens = 256u + 64u * (unsigned)i,
                                          .kv = i == 1 ? GEMMA4_KV_Q8_0 : GEMMA4_KV_F16,
                                          .depth = i == 2   ? 3
                                                   : i == 3 ? GEMMA4_DEPTH_AUTOMATIC
                                                            : GEMMA4_DEPTH_OFF};
  return options;
}

static void test_answers(gemma4_model* model, gemma4_batch* batch) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_session *sessions[kSessions], *running[kSessions];
  answer alone[kSessions], together[kSessions];
  int number[kSessions];
  memset(together, 0, sizeof together);
  for (int i = 0; i < kSessions; ++i) {
    const gemma4_session_options options = options_for(i);
    CHECK_OK(gemma4_session_create(model, &options, &sessions[i], &error));
    CHECK_OK(ask(sessions[i], kQuestions[i], NULL, &alone[i], &error));
    CHECK_OK(gemma4_session_rewind(sessions[i], 0, &error));
    CHECK_OK(
        gemma4_session_append_message(sessions[i], "user", 4, kQuestions[i], GEMMA4_TEXT, &error));
    CHECK_OK(gemma4_session_generate(sessions[i], NULL, &error));
    running[i] = sessions[i];
    number[i] = i;
  }
  size_t count = kSessions, passes = 0;
  while (count > 0 && ++passes < 1000) {
    CHECK_OK(gemma4_batch_evaluate(batch, running, count, &error));
    size_t left = 0;
    for (size_t i = 0; i < count; ++i) {
      gemma4_event event = {.struct_size = sizeof event};
      do {
        CHECK_OK(gemma4_session_next_ready(running[i], &event, &error));
        add_event(&together[number[i]], &event);
      } while (event.kind != GEMMA4_EVENT_WAITING && event.kind != GEMMA4_EVENT_END);
      if (event.kind == GEMMA4_EVENT_END) {
        CHECK_OK(gemma4_session_next_ready(running[i], &event, &error));
        CHECK(event.kind == GEMMA4_EVENT_NONE);
        continue;
      }
      running[left] = running[i];
      number[left++] = number[i];
    }
    count = left;
  }
  CHECK(count == 0 && passes > 2);
  for (int i = 0; i < kSessions; ++i) {
    CHECK(same_answer(&alone[i], &together[i]));
    gemma4_session_destroy(sessions[i]);
  }
}

static void test_logits(gemma4_model* model, gemma4_batch* batch) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_session *sessions[2] = {NULL, NULL}, *fork = NULL;
  const gemma4_session_options options = options_for(0);
  static float kept[1536];
  for (int i = 0; i < 2; ++i) {
    CHECK_OK(gemma4_session_create(model, &options, &sessions[i], &error));
    CHECK_OK(gemma4_session_append_text(sessions[i], kQuestions[i], GEMMA4_TEXT,
                                        GEMMA4_SPECIAL_USER_DEFINED, &error));
  }
  CHECK_OK(gemma4_batch_evaluate(batch, sessions, 2, &error)); /* the prompts */
  for (int step = 0; step < 4; ++step) {
    const gemma4_token token = 400 + step;
    const float* logits = NULL;
    for (int i = 0; i < 2; ++i)
      CHECK_OK(gemma4_session_append_tokens(sessions[i], &token, 1, &error));
    CHECK_OK(gemma4_session_fork(sessions[0], &fork, &error));
    CHECK_OK(gemma4_batch_evaluate(batch, sessions, 2, &error));
    CHECK_OK(gemma4_session_logits(sessions[0], &logits, NULL, &error));
    memcpy(kept, logits, sizeof kept);
    CHECK_OK(gemma4_session_logits(fork, &logits, NULL, &error));
    CHECK(memcmp(kept, logits, sizeof kept) == 0);
    gemma4_session_destroy(fork);
  }
  gemma4_session_destroy(sessions[0]);
  gemma4_session_destroy(sessions[1]);
}

/* From within a session that computes. */
static int32_t evaluate_inside(void* user, uint32_t done, uint32_t total) {
  void** with = user;
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_session* sessions[] = {with[1]};
  (void)done, (void)total;
  CHECK_FAILS(gemma4_batch_evaluate(with[0], sessions, 1, &error), GEMMA4_ERROR_INVALID_ARGUMENT,
              "one call at a time");
  return 0;
}

static void test_refusals(gemma4_model* model, gemma4_batch* batch) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_session *session = NULL, *empty = NULL, *large = NULL, *foreign = NULL;
  gemma4_model* other = load_tiny(0);
  const gemma4_session_options options = options_for(0);
  const gemma4_session_options too_large = {.struct_size = sizeof too_large,
                                            .context_tokens = 4096};
  const gemma4_token token = 300;
  CHECK_OK(gemma4_session_create(model, &options, &session, &error));
  CHECK_OK(gemma4_session_create(model, &options, &empty, &error));
  CHECK_OK(gemma4_session_create(model, &too_large, &large, &error));
  CHECK_OK(gemma4_session_create(other, &options, &foreign, &error));
  CHECK_OK(gemma4_session_append_tokens(session, &token, 1, &error));
  CHECK_OK(gemma4_session_append_tokens(large, &token, 1, &error));
  CHECK_OK(gemma4_session_append_tokens(foreign, &token, 1, &error));
  gemma4_session* const bad[][2] = {
      {session, session}, {session, empty}, {session, large}, {session, foreign}, {session, NULL}};
  const char* const text[] = {"0 and 1 to be the same", "", "", "", "null pointer"};
  for (int i = 0; i < 5; ++i) {
    CHECK_FAILS(gemma4_batch_evaluate(batch, bad[i], 2, &error), GEMMA4_ERROR_INVALID_ARGUMENT,
                text[i]);
  }
  void* confused[] = {session, model};
  CHECK_FAILS(gemma4_batch_evaluate(batch, (gemma4_session* const*)confused, 2, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "another kind of handle");
  CHECK_OK(gemma4_batch_evaluate(batch, NULL, 0, &error));
  void* with[] = {batch, session};
  CHECK_OK(gemma4_session_append_tokens(session, &token, 1, &error));
  CHECK_OK(gemma4_session_prefill(session, evaluate_inside, with, &error));
  CHECK_OK(gemma4_batch_evaluate(batch, &session, 1, &error)); /* nothing was left taken */
  gemma4_batch_cancel(batch);                                  /* nothing runs */
  CHECK_OK(gemma4_batch_evaluate(batch, &session, 1, &error));
  gemma4_session_destroy(session);
  gemma4_session_destroy(empty);
  gemma4_session_destroy(large);
  gemma4_session_destroy(foreign);
  gemma4_model_destroy(other);
}

/* Cancels the pass that it drafts for, the first time. */
static int32_t cancel_pass(void* user, const gemma4_draft_request* request, gemma4_draft* draft) {
  gemma4_batch** batch = user;
  (void)request, (void)draft;
  gemma4_batch_cancel(*batch);
  *batch = NULL;
  return 0;
}

static void test_cancelled(gemma4_model* model, gemma4_batch* batch) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_session *session = NULL, *fork = NULL;
  gemma4_batch* to_cancel = batch;
  const gemma4_drafter drafter = {
      .struct_size = sizeof drafter, .user = &to_cancel, .propose = cancel_pass};
  gemma4_session_options options = options_for(2);
  options.drafter = GEMMA4_DRAFTER_CUSTOM;
  options.drafter_functions = &drafter;
  gemma4_event event = {.struct_size = sizeof event};
  static float kept[1536];
  const float* logits = NULL;
  CHECK_OK(gemma4_session_create(model, &options, &session, &error));
  CHECK_OK(gemma4_session_append_text(session, kQuestions[0], GEMMA4_TEXT,
                                      GEMMA4_SPECIAL_USER_DEFINED, &error));
  CHECK_OK(gemma4_session_generate(session, NULL, &error));
  CHECK_OK(gemma4_batch_evaluate(batch, &session, 1, &error)); /* the prompt */
  do {
    CHECK_OK(gemma4_session_next_ready(session, &event, &error));
  } while (event.kind == GEMMA4_EVENT_TEXT);
  CHECK(event.kind == GEMMA4_EVENT_WAITING);
  CHECK_FAILS(gemma4_batch_evaluate(batch, &session, 1, &error), GEMMA4_ERROR_CANCELLED, "batch");
  CHECK(to_cancel == NULL);
  CHECK_OK(gemma4_batch_evaluate(batch, &session, 1, &error)); /* the next one goes on */
  CHECK_OK(gemma4_session_stop(session, &error));
  CHECK_OK(gemma4_session_fork(session, &fork, &error));
  CHECK_OK(gemma4_session_logits(session, &logits, NULL, &error));
  memcpy(kept, logits, sizeof kept);
  CHECK_OK(gemma4_session_logits(fork, &logits, NULL, &error));
  CHECK(memcmp(kept, logits, sizeof kept) == 0);
  gemma4_session_destroy(fork);
  gemma4_session_destroy(session);
}

void test_batch(void) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_model* model = load_tiny(1);
  gemma4_batch* batch = NULL;
  gemma4_batch_options options = {.struct_size = sizeof options, .rows = 8, .context_tokens = 512};
  gemma4_memory_plan plan = {.struct_size = sizeof plan};
  CHECK_OK(gemma4_batch_plan(model, &options, &plan, &error));
  CHECK(plan.workspace_bytes > 0 && plan.total_bytes == plan.workspace_bytes);
  CHECK_OK(gemma4_batch_create(model, &options, &batch, &error));
  test_answers(model, batch);
  test_logits(model, batch);
  test_refusals(model, batch);
  test_cancelled(model, batch);
  gemma4_model_destroy(model); /* the batch keeps it */
  gemma4_batch_destroy(batch);
  options.rows = 7;
  batch = (gemma4_batch*)&options;
  model = load_tiny(0);
  CHECK_FAILS(gemma4_batch_create(model, &options, &batch, &error), GEMMA4_ERROR_INVALID_ARGUMENT,
              "7");
  CHECK(batch == NULL);
  gemma4_model_destroy(model);
}
