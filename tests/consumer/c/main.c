/* Uses the library as a stranger would: consumer MODEL.gguf answers one question. */
#include <gemma4.h>
#include <stdio.h>
#include <string.h>

static int32_t print(void* user, const gemma4_event* event) {
  if (event->kind == GEMMA4_EVENT_TEXT) {
    strncat(user, event->text.data, event->text.bytes);
    fwrite(event->text.data, 1, event->text.bytes, stdout);
  }
  return 0;
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_session_options options = {.struct_size = sizeof options, .context_tokens = 256};
  gemma4_model* model = NULL;
  gemma4_session* session = NULL;
  char answer[4096] = "";
  if (gemma4_model_load(argv[1], GEMMA4_TEXT, NULL, &model, &error) ||
      gemma4_session_create(model, &options, &session, &error) ||
      gemma4_session_append_message(session, "user", GEMMA4_TEXT, "What is 34 + 17?", GEMMA4_TEXT,
                                    &error) ||
      gemma4_session_stream(session, NULL, print, answer, NULL, &error))
    fprintf(stderr, "%s\n", error.message);
  printf("\n");
  gemma4_session_destroy(session);
  gemma4_model_destroy(model);
  return strstr(answer, "51") == NULL;
}
