/* Runs the tests of the C interface, which are C programs' use of it. */
#include <stdlib.h>

#include "check.h"

int checks_made, checks_failed;

gemma4_model* load_tiny(int with_assistant) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_load_options options = {.struct_size = sizeof options, .threads = 2};
  /* GEMMA4_TEST_ISA=1, scalar, for tools that do not know every instruction (docs/abi.md) */
  const char* isa = getenv("GEMMA4_TEST_ISA");
  if (isa != NULL) options.isa = atoi(isa);
  if (with_assistant) {
    options.assistant_path = TINY_ASSISTANT;
    options.assistant_path_bytes = GEMMA4_TEXT;
  }
  gemma4_model* model = NULL;
  CHECK_OK(gemma4_model_load(TINY, GEMMA4_TEXT, &options, &model, &error));
  return model;
}

void add_event(answer* to, const gemma4_event* event) {
  switch (event->kind) {
    case GEMMA4_EVENT_TEXT:
      if (event->text.bytes < sizeof to->text - to->bytes) {
        memcpy(to->text + to->bytes, event->text.data, event->text.bytes);
        to->bytes += event->text.bytes;
        to->text[to->bytes] = '\0';
      }
      break;
    case GEMMA4_EVENT_THINKING:
      ++to->thoughts;
      if (strlen(to->thought) + event->text.bytes < sizeof to->thought)
        strncat(to->thought, event->text.data, event->text.bytes);
      break;
    case GEMMA4_EVENT_TOOL_CALL:
      ++to->tool_calls;
      snprintf(to->tool, sizeof to->tool, "%.*s", (int)event->tool_name.bytes,
               event->tool_name.data);
      snprintf(to->arguments, sizeof to->arguments, "%.*s", (int)event->text.bytes,
               event->text.data);
      break;
    case GEMMA4_EVENT_END:
      to->finish_reason = event->finish_reason;
      break;
  }
}

gemma4_status ask(gemma4_session* session, const char* question,
                  const gemma4_generate_options* options, answer* out, gemma4_error* error) {
  memset(out, 0, sizeof *out);
  gemma4_event event = {.struct_size = sizeof event};
  gemma4_status status =
      gemma4_session_append_message(session, "user", GEMMA4_TEXT, question, GEMMA4_TEXT, error);
  if (status == GEMMA4_OK) status = gemma4_session_generate(session, options, error);
  while (status == GEMMA4_OK && event.kind != GEMMA4_EVENT_END) {
    status = gemma4_session_next(session, &event, error);
    if (status == GEMMA4_OK) add_event(out, &event);
  }
  return status;
}

int same_answer(const answer* a, const answer* b) {
  return a->bytes == b->bytes && memcmp(a->text, b->text, a->bytes) == 0 &&
         a->finish_reason == b->finish_reason;
}

int main(void) {
  test_files();
  test_model();
  test_text();
  test_session();
  test_speculation();
  test_snapshot();
  test_batch();
  test_context();
  test_cancel();
  test_events();
  test_arguments();
  test_garbage();
  test_handles();
  test_host_parts();
  test_versions();
  printf("%d checks, %d failed\n", checks_made, checks_failed);
  return checks_failed != 0;
}
