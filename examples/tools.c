/* A tool that the model may call: tools_c MODEL.gguf QUESTION */
#include <gemma4.h>
#include <stdio.h>
#include <time.h>

static const char kClock[] =
    "{\"name\": \"clock\", \"description\": \"Tells the time of day, UTC\","
    " \"parameters\": {\"type\": \"object\", \"properties\": {}}}";

/* Answers one call and adds the response to what the session is to read next. */
static gemma4_status call_tool(const gemma4_event* call, gemma4_chat* responses,
                               gemma4_error* error) {
  char text[64] = "there is no such tool";
  const time_t now = time(NULL);
  if (call->tool_name.bytes == 5 && call->tool_name.data[0] == 'c')
    strftime(text, sizeof text, "%H:%M", gmtime(&now));
  printf("[%.*s: %s]\n", (int)call->tool_name.bytes, call->tool_name.data, text);
  return gemma4_chat_add_tool_response(responses, call->tool_name.data, call->tool_name.bytes, text,
                                       GEMMA4_TEXT, error);
}

/* One answer, or the calls that the model makes before it. */
static gemma4_status answer(gemma4_session* session, gemma4_chat* responses, int32_t* finished,
                            gemma4_error* error) {
  gemma4_event event = {.struct_size = sizeof event};
  gemma4_status status = gemma4_session_generate(session, NULL, error);
  while (!status && event.kind != GEMMA4_EVENT_END) {
    status = gemma4_session_next(session, &event, error);
    if (!status && event.kind == GEMMA4_EVENT_TEXT)
      printf("%.*s", (int)event.text.bytes, event.text.data);
    if (!status && event.kind == GEMMA4_EVENT_TOOL_CALL)
      status = call_tool(&event, responses, error);
  }
  *finished = event.finish_reason;
  return status;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_model* model = NULL;
  gemma4_session* session = NULL;
  gemma4_chat* chat = NULL;
  int32_t finished = GEMMA4_FINISH_TOOL_CALLS;
  gemma4_status status = gemma4_model_load(argv[1], GEMMA4_TEXT, NULL, &model, &error);
  if (!status) status = gemma4_session_create(model, NULL, &session, &error);
  if (!status) status = gemma4_chat_create(&chat, &error);
  if (!status) status = gemma4_chat_declare_tool(chat, kClock, GEMMA4_TEXT, &error);
  if (!status) status = gemma4_chat_add(chat, "user", 4, argv[2], GEMMA4_TEXT, &error);
  for (int i = 0; !status && i < 5 && finished == GEMMA4_FINISH_TOOL_CALLS; ++i) {
    status = gemma4_session_append_chat(session, chat, &error);
    gemma4_chat_destroy(chat); /* the session has read it; the next one is for responses */
    if (!status) status = gemma4_chat_create(&chat, &error);
    if (!status) status = answer(session, chat, &finished, &error);
  }
  printf("\n%s\n", status ? error.message : gemma4_finish_reason_name(finished));
  gemma4_chat_destroy(chat);
  gemma4_session_destroy(session);
  gemma4_model_destroy(model);
  return status != GEMMA4_OK;
}
