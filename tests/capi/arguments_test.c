/* Null pointers, impossible lengths and numbers: a status, never a crash.
 */
#include "check.h"

#define REFUSED(call) CHECK((call) == GEMMA4_ERROR_INVALID_ARGUMENT)

static int32_t no_event(void* user, const gemma4_event* event) {
  (void)user, (void)event;
  return 0;
}

static int32_t no_write(void* user, const void* data, size_t bytes) {
  (void)user, (void)data, (void)bytes;
  return 0;
}

static size_t no_read(void* user, void* data, size_t bytes) {
  (void)user, (void)data, (void)bytes;
  return 0;
}

static int32_t no_logits(void* user, uint32_t position, const float* logits, uint32_t count) {
  (void)user, (void)position, (void)logits, (void)count;
  return 0;
}

/* Every function with null pointers in place of each argument that may not be one. */
static void test_null(gemma4_model* model, gemma4_session* session, gemma4_chat* chat,
                      gemma4_tokenizer* tokenizer) {
  gemma4_model* no_model = NULL;
  gemma4_session* no_session = NULL;
  gemma4_inspection* no_inspection = NULL;
  gemma4_tokenizer* no_tokenizer = NULL;
  size_t count = 0;
  const float* logits = NULL;
  const gemma4_token* tokens = NULL;
  gemma4_token token = 0;
  char text[4];
  gemma4_batch* batch = NULL;
  uint32_t position = 0;

  gemma4_canceller_cancel(NULL);
  gemma4_session_cancel(NULL);
  gemma4_canceller_destroy(NULL);
  gemma4_model_destroy(NULL);
  gemma4_inspection_destroy(NULL);
  gemma4_tokenizer_destroy(NULL);
  gemma4_chat_destroy(NULL);
  gemma4_session_destroy(NULL);
  gemma4_batch_cancel(NULL);
  gemma4_batch_destroy(NULL);
  REFUSED(gemma4_canceller_create(NULL, NULL));
  REFUSED(gemma4_model_load(NULL, 0, NULL, &no_model, NULL));
  REFUSED(gemma4_model_load(NULL, 5, NULL, &no_model, NULL));
  REFUSED(gemma4_model_load(NULL, GEMMA4_TEXT, NULL, &no_model, NULL));
  REFUSED(gemma4_model_load(TINY, GEMMA4_TEXT, NULL, NULL, NULL));
  REFUSED(gemma4_model_load("a\0b", 3, NULL, &no_model, NULL));
  REFUSED(gemma4_model_load(TINY, SIZE_MAX - 1, NULL, &no_model, NULL));
  REFUSED(gemma4_model_describe(NULL, NULL, NULL));
  REFUSED(gemma4_model_describe(model, NULL, NULL));
  REFUSED(gemma4_model_describe_assistant(NULL, NULL, NULL));
  REFUSED(gemma4_model_describe_layer(NULL, 0, NULL, NULL));
  REFUSED(gemma4_model_describe_layer(model, 0, NULL, NULL));
  REFUSED(gemma4_model_recommended_sampling(NULL, NULL, NULL));
  REFUSED(gemma4_model_recommended_sampling(model, NULL, NULL));
  REFUSED(gemma4_model_plan(NULL, NULL, NULL, NULL));
  REFUSED(gemma4_model_plan(model, NULL, NULL, NULL));
  REFUSED(gemma4_inspection_create(NULL, 0, NULL, 0, NULL, &no_inspection, NULL));
  REFUSED(gemma4_inspection_create(TINY, GEMMA4_TEXT, NULL, 0, NULL, NULL, NULL));
  REFUSED(gemma4_inspection_plan(NULL, NULL, NULL));
  REFUSED(gemma4_inspection_describe(NULL, NULL, NULL));
  REFUSED(gemma4_inspection_describe_assistant(NULL, NULL, NULL));
  REFUSED(gemma4_inspection_describe_layer(NULL, 0, NULL, NULL));
  REFUSED(gemma4_inspection_describe_tensor(NULL, 0, NULL, NULL));
  REFUSED(gemma4_inspection_describe_embedding(NULL, NULL, NULL));
  REFUSED(gemma4_inspection_note(NULL, 0, NULL, &count, NULL));
  REFUSED(gemma4_inspection_create_for(NULL, 0, NULL, NULL, &no_inspection, NULL));
  REFUSED(gemma4_inspection_create_for(TINY, GEMMA4_TEXT, NULL, NULL, NULL, NULL));
  REFUSED(gemma4_pack(NULL, 0, NULL, 0, NULL, NULL, NULL));
  REFUSED(gemma4_verify_packed(NULL, 0, NULL, NULL, NULL));
  REFUSED(gemma4_tokenizer_load(NULL, 0, &no_tokenizer, NULL));
  REFUSED(gemma4_tokenizer_load(TINY, GEMMA4_TEXT, NULL, NULL));
  REFUSED(gemma4_tokenizer_of(NULL, &no_tokenizer, NULL));
  REFUSED(gemma4_tokenizer_of(model, NULL, NULL));
  REFUSED(gemma4_tokenizer_encode(NULL, "a", 1, 0, NULL, 0, &count, NULL));
  REFUSED(gemma4_tokenizer_encode(tokenizer, NULL, 1, 0, NULL, 0, &count, NULL));
  REFUSED(gemma4_tokenizer_encode(tokenizer, "a", 1, 0, NULL, 5, &count, NULL));
  REFUSED(gemma4_tokenizer_encode(tokenizer, "a", 1, 0, NULL, 0, NULL, NULL));
  REFUSED(gemma4_tokenizer_decode(NULL, &token, 1, 0, text, 4, &count, NULL));
  REFUSED(gemma4_tokenizer_decode(tokenizer, NULL, 1, 0, text, 4, &count, NULL));
  REFUSED(gemma4_tokenizer_decode(tokenizer, &token, SIZE_MAX, 0, text, 4, &count, NULL));
  REFUSED(gemma4_tokenizer_decode(tokenizer, &token, 1, 0, NULL, 4, &count, NULL));
  CHECK(gemma4_tokenizer_vocabulary_size(NULL) == 0 && gemma4_tokenizer_bos(NULL) == -1);
  CHECK(gemma4_tokenizer_ends_generation(NULL, 1) == 0);
  REFUSED(gemma4_chat_create(NULL, NULL));
  REFUSED(gemma4_chat_add(NULL, "user", 4, "a", 1, NULL));
  REFUSED(gemma4_chat_add(chat, "user", 4, NULL, 1, NULL));
  REFUSED(gemma4_chat_add_tool_response(NULL, "a", 1, "a", 1, NULL));
  REFUSED(gemma4_chat_add_json(NULL, "[]", 2, NULL));
  REFUSED(gemma4_chat_add_json(chat, NULL, GEMMA4_TEXT, NULL));
  REFUSED(gemma4_chat_declare_tool(NULL, "{}", 2, NULL));
  REFUSED(gemma4_chat_set_options(NULL, NULL, NULL));
  REFUSED(gemma4_session_create(NULL, NULL, &no_session, NULL));
  REFUSED(gemma4_session_create(model, NULL, NULL, NULL));
  REFUSED(gemma4_session_append_chat(NULL, chat, NULL));
  REFUSED(gemma4_session_append_chat(session, NULL, NULL));
  REFUSED(gemma4_session_append_message(NULL, "user", 4, "a", 1, NULL));
  REFUSED(gemma4_session_append_message(session, NULL, 4, "a", 1, NULL));
  REFUSED(gemma4_session_append_text(NULL, "a", 1, 0, NULL));
  REFUSED(gemma4_session_append_text(session, "a", 1, -1, NULL));
  REFUSED(gemma4_session_append_tokens(NULL, &token, 1, NULL));
  REFUSED(gemma4_session_append_tokens(session, NULL, 1, NULL));
  REFUSED(gemma4_session_append_tokens(session, &token, SIZE_MAX, NULL));
  REFUSED(gemma4_session_generate(NULL, NULL, NULL));
  REFUSED(gemma4_session_next(NULL, NULL, NULL));
  REFUSED(gemma4_session_next(session, NULL, NULL));
  REFUSED(gemma4_session_stop(NULL, NULL));
  REFUSED(gemma4_session_stream(NULL, NULL, no_event, NULL, NULL, NULL));
  REFUSED(gemma4_session_stream(session, NULL, NULL, NULL, NULL, NULL));
  REFUSED(gemma4_session_prefill(NULL, NULL, NULL, NULL));
  REFUSED(gemma4_session_prefill_tokens(NULL, &token, 1, no_logits, NULL, NULL));
  REFUSED(gemma4_session_prefill_tokens(session, &token, 1, NULL, NULL, NULL));
  REFUSED(gemma4_session_prefill_tokens(session, NULL, 1, no_logits, NULL, NULL));
  REFUSED(gemma4_session_logits(NULL, &logits, NULL, NULL));
  REFUSED(gemma4_session_logits(session, NULL, NULL, NULL));
  REFUSED(gemma4_session_decode_step(NULL, NULL, &token, NULL));
  REFUSED(gemma4_session_decode_step(session, NULL, NULL, NULL));
  REFUSED(gemma4_session_rewind(NULL, 0, NULL));
  REFUSED(gemma4_session_earliest_rewind(NULL, &position, NULL));
  REFUSED(gemma4_session_earliest_rewind(session, NULL, NULL));
  REFUSED(gemma4_session_next_ready(NULL, NULL, NULL));
  REFUSED(gemma4_session_next_ready(session, NULL, NULL));
  REFUSED(gemma4_session_fork(NULL, &no_session, NULL));
  REFUSED(gemma4_session_fork(session, NULL, NULL));
  REFUSED(gemma4_session_save(NULL, "a", 1, NULL));
  REFUSED(gemma4_session_save(session, NULL, 1, NULL));
  REFUSED(gemma4_session_save(session, "", 0, NULL));
  REFUSED(gemma4_session_save(session, "a\0b", 3, NULL));
  REFUSED(gemma4_session_save_to(NULL, no_write, NULL, NULL));
  REFUSED(gemma4_session_save_to(session, NULL, NULL, NULL));
  REFUSED(gemma4_session_restore(NULL, "a", 1, NULL, NULL, &no_session, NULL));
  REFUSED(gemma4_session_restore(model, NULL, 1, NULL, NULL, &no_session, NULL));
  REFUSED(gemma4_session_restore(model, "a", 1, NULL, NULL, NULL, NULL));
  REFUSED(gemma4_session_restore_from(NULL, no_read, NULL, NULL, NULL, &no_session, NULL));
  REFUSED(gemma4_session_restore_from(model, NULL, NULL, NULL, NULL, &no_session, NULL));
  REFUSED(gemma4_session_restore_from(model, no_read, NULL, NULL, NULL, NULL, NULL));
  CHECK(gemma4_session_restore_from(model, no_read, NULL, NULL, NULL, &no_session, NULL) ==
        GEMMA4_ERROR_FORMAT);
  REFUSED(gemma4_model_prefix_statistics(NULL, NULL, NULL));
  REFUSED(gemma4_model_prefix_statistics(model, NULL, NULL));
  REFUSED(gemma4_batch_create(NULL, NULL, &batch, NULL));
  REFUSED(gemma4_batch_create(model, NULL, NULL, NULL));
  REFUSED(gemma4_batch_plan(NULL, NULL, NULL, NULL));
  REFUSED(gemma4_batch_plan(model, NULL, NULL, NULL));
  REFUSED(gemma4_batch_evaluate(NULL, &session, 1, NULL));
  CHECK(gemma4_batch_create(model, NULL, &batch, NULL) == GEMMA4_OK);
  REFUSED(gemma4_batch_evaluate(batch, NULL, 1, NULL));
  REFUSED(gemma4_batch_evaluate(batch, &session, SIZE_MAX, NULL));
  REFUSED(gemma4_batch_evaluate(batch, &no_session, 1, NULL));
  gemma4_batch_destroy(batch);
  REFUSED(gemma4_session_tokens(NULL, &tokens, &count, NULL));
  REFUSED(gemma4_session_tokens(session, NULL, &count, NULL));
  REFUSED(gemma4_session_tokens(session, &tokens, NULL, NULL));
  CHECK(gemma4_session_context_tokens(NULL) == 0);
  REFUSED(gemma4_session_statistics(NULL, NULL, NULL));
  REFUSED(gemma4_session_statistics(session, NULL, NULL));
  CHECK(gemma4_draft_add(NULL, 0, 0) == 0 && gemma4_draft_ask_own(NULL, &token, NULL, 1) == 0);
}

/* An error object that has no room, or not much. */
static void test_error_objects(void) {
  gemma4_model* model = NULL;
  char path[3000];
  for (size_t i = 0; i + 1 < sizeof path; i += 2) memcpy(path + i, "\xc3\xa9", 2); /* e acute */
  gemma4_error error = {.struct_size = sizeof error};
  CHECK(gemma4_model_load(path, sizeof path, NULL, &model, &error) == GEMMA4_ERROR_IO);
  CHECK(error.message_bytes < sizeof error.message && error.message_bytes > 900);
  CHECK(strlen(error.message) == error.message_bytes);
  CHECK((unsigned char)error.message[error.message_bytes - 1] == 0xa9); /* not half of it */

  gemma4_error small = {.struct_size = offsetof(gemma4_error, message) + 10};
  memset(small.message, '#', sizeof small.message);
  CHECK(gemma4_model_load("/nowhere", 8, NULL, &model, &small) == GEMMA4_ERROR_IO);
  CHECK(small.message_bytes == 9 && small.message[9] == '\0' && small.message[10] == '#');
  for (uint64_t size = 0; size <= offsetof(gemma4_error, message); size += 8) {
    gemma4_error none = {.struct_size = size, .message = "untouched"};
    CHECK(gemma4_model_load("/nowhere", 8, NULL, &model, &none) == GEMMA4_ERROR_IO);
    CHECK(strcmp(none.message, "untouched") == 0 && none.status == 0);
  }
}

void test_arguments(void) {
  gemma4_model* model = load_tiny(0);
  gemma4_session* session = NULL;
  gemma4_chat* chat = NULL;
  gemma4_tokenizer* tokenizer = NULL;
  gemma4_error error = {.struct_size = sizeof error};
  CHECK_OK(gemma4_session_create(model, NULL, &session, &error));
  CHECK_OK(gemma4_chat_create(&chat, &error));
  CHECK_OK(gemma4_tokenizer_of(model, &tokenizer, &error));
  test_null(model, session, chat, tokenizer);
  test_error_objects();
  answer given; /* after all this */
  CHECK_OK(ask(session, "What is 34 + 17?", NULL, &given, &error));
  CHECK(strstr(given.text, "51") != NULL);
  gemma4_tokenizer_destroy(tokenizer);
  gemma4_chat_destroy(chat);
  gemma4_session_destroy(session);
  gemma4_model_destroy(model);
}
