/* Thoughts and tool calls as they come out of a session: a model that makes them on every prompt.
 */
#include "check.h"

/* All events of an answer, drawn by polling or given to a callback. */
static gemma4_status poll(gemma4_session* session, answer* out, gemma4_error* error) {
  gemma4_event event = {.struct_size = sizeof event};
  gemma4_status status = gemma4_session_generate(session, NULL, error);
  memset(out, 0, sizeof *out);
  while (status == GEMMA4_OK && event.kind != GEMMA4_EVENT_END) {
    status = gemma4_session_next(session, &event, error);
    if (status == GEMMA4_OK) add_event(out, &event);
  }
  return status;
}

static int32_t take(void* user, const gemma4_event* event) {
  add_event(user, event);
  return 0;
}

static gemma4_status stream(gemma4_session* session, answer* out, gemma4_error* error) {
  memset(out, 0, sizeof *out);
  int32_t reason = GEMMA4_FINISH_NONE;
  const gemma4_status status = gemma4_session_stream(session, NULL, take, out, &reason, error);
  CHECK(reason == out->finish_reason);
  return status;
}

static void ask_the_time(gemma4_session* session, int thinking) {
  gemma4_error error = {.struct_size = sizeof error};
  const gemma4_chat_options options = {.struct_size = sizeof options, .thinking = thinking};
  gemma4_chat* chat = NULL;
  CHECK_OK(gemma4_chat_create(&chat, &error));
  CHECK_OK(gemma4_chat_set_options(chat, &options, &error));
  CHECK_OK(gemma4_chat_declare_tool(
      chat, "{\"name\": \"clock\", \"description\": \"Tells the time\"}", GEMMA4_TEXT, &error));
  CHECK_OK(gemma4_chat_add(chat, "user", 4, "How late is it?", GEMMA4_TEXT, &error));
  CHECK_OK(gemma4_session_append_chat(session, chat, &error));
  gemma4_chat_destroy(chat);
}

static void check_call(const answer* given) {
  CHECK(given->tool_calls == 1 && given->bytes == 0);
  CHECK(strcmp(given->tool, "clock") == 0);
  CHECK(strcmp(given->arguments, "{\"zone\":1,\"exact\":true}") == 0);
  CHECK(given->finish_reason == GEMMA4_FINISH_TOOL_CALLS);
}

void test_events(void) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_model* model = NULL;
  gemma4_session *session = NULL, *other = NULL;
  answer given;
  gemma4_session_options options = {.struct_size = sizeof options, .context_tokens = 512};
  CHECK_OK(gemma4_model_load(GEMMA4_SCRIPTED_MODEL, GEMMA4_TEXT, NULL, &model, &error));
  for (int32_t depth = GEMMA4_DEPTH_OFF; depth <= 3; depth += 4) {
    options.depth = depth; /* off and 3: drafts change no event */
    CHECK_OK(gemma4_session_create(model, &options, &session, &error));
    ask_the_time(session, 1);
    CHECK_OK(poll(session, &given, &error));
    CHECK(strcmp(given.thought, "I have no watch.") == 0);
    check_call(&given);
    CHECK_OK(gemma4_session_rewind(session, 0, &error));
    ask_the_time(session, 1);
    CHECK_OK(stream(session, &given, &error));
    CHECK(strcmp(given.thought, "I have no watch.") == 0);
    check_call(&given);
    gemma4_session_destroy(session);
  }

  /* without thinking, and on to the answer that the tool's response makes possible */
  CHECK_OK(gemma4_session_create(model, &options, &session, &error));
  ask_the_time(session, 0);
  CHECK_OK(poll(session, &given, &error));
  CHECK(given.thoughts == 0);
  check_call(&given);
  CHECK_OK(gemma4_session_fork(session, &other, &error)); /* waits for the response too */
  gemma4_chat* response = NULL;
  CHECK_OK(gemma4_chat_create(&response, &error));
  CHECK_OK(gemma4_chat_add_tool_response(response, "clock", 5, "23:45", 5, &error));
  for (int i = 0; i < 2; ++i) {
    gemma4_session* with = i == 0 ? session : other;
    CHECK_OK(gemma4_session_append_chat(with, response, &error));
    CHECK_OK(poll(with, &given, &error));
    CHECK(strcmp(given.text, "It is late.") == 0);
    CHECK(given.tool_calls == 0 && given.finish_reason == GEMMA4_FINISH_STOP);
    gemma4_session_destroy(with);
  }
  gemma4_chat_destroy(response);
  gemma4_model_destroy(model);
}
