/* Tokenizers and conversations. */
#include "check.h"

static void test_tokenizer(void) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_model* model = load_tiny(0);
  gemma4_tokenizer *of_model = NULL, *of_file = NULL;
  CHECK_OK(gemma4_tokenizer_of(model, &of_model, &error));
  gemma4_model_destroy(model);
  CHECK_OK(gemma4_tokenizer_load(TINY, GEMMA4_TEXT, &of_file, &error));
  CHECK(gemma4_tokenizer_vocabulary_size(of_model) == 1536);
  CHECK(gemma4_tokenizer_bos(of_model) == 2);
  CHECK(gemma4_tokenizer_ends_generation(of_model, 2) == 0);
  CHECK(gemma4_tokenizer_ends_generation(of_model, 1) == 1);
  CHECK(gemma4_tokenizer_ends_generation(of_model, -5) == 0);

  static const char kText[] = "The capital of Japan is Tokyo, isn\xe2\x80\x99t it?";
  gemma4_token tokens[64], others[64];
  size_t count = 0, other_count = 0, bytes = 0;
  CHECK_OK(gemma4_tokenizer_encode(of_model, kText, GEMMA4_TEXT, GEMMA4_SPECIAL_USER_DEFINED, NULL,
                                   0, &count, &error));
  CHECK(count > 5 && count < 64);
  CHECK_OK(
      gemma4_tokenizer_encode(of_model, kText, sizeof kText - 1, 0, tokens, 64, &count, &error));
  CHECK_OK(gemma4_tokenizer_encode(of_file, kText, sizeof kText - 1, 0, others, 64, &other_count,
                                   &error));
  CHECK(count == other_count && memcmp(tokens, others, count * sizeof *tokens) == 0);
  char text[128] = "untouched";
  CHECK_OK(gemma4_tokenizer_decode(of_file, tokens, count, 0, text, 3, &bytes, &error));
  CHECK(bytes == sizeof kText - 1 && memcmp(text, "Theouched", 10) == 0);
  CHECK_OK(gemma4_tokenizer_decode(of_file, tokens, count, 0, text, sizeof text, &bytes, &error));
  CHECK(bytes == sizeof kText - 1 && memcmp(text, kText, bytes) == 0);
  /* special texts become what is asked for; a zero byte is a byte like others */
  CHECK_OK(
      gemma4_tokenizer_encode(of_file, "<bos>", 5, GEMMA4_SPECIAL_ALL, tokens, 64, &count, &error));
  CHECK(count == 1 && tokens[0] == 2);
  CHECK_OK(gemma4_tokenizer_encode(of_file, "<bos>", 5, GEMMA4_SPECIAL_NONE, tokens, 64, &count,
                                   &error));
  CHECK(count > 1);
  CHECK_OK(gemma4_tokenizer_encode(of_file, "a\0b", 3, 0, tokens, 64, &count, &error));
  CHECK_OK(gemma4_tokenizer_decode(of_file, tokens, count, 0, text, sizeof text, &bytes, &error));
  CHECK(bytes == 3 && memcmp(text, "a\0b", 3) == 0);
  tokens[0] = 1536;
  CHECK_FAILS(gemma4_tokenizer_decode(of_file, tokens, 1, 0, text, sizeof text, &bytes, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "1536");
  CHECK_FAILS(gemma4_tokenizer_encode(of_file, "a", 1, 7, tokens, 64, &count, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "special");
  gemma4_tokenizer_destroy(of_model);
  gemma4_tokenizer_destroy(of_file);
}

/* The tokens that a session makes of a conversation. */
static size_t rendered(gemma4_model* model, const gemma4_chat* chat, gemma4_token* tokens) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_session* session = NULL;
  gemma4_session_options options = {.struct_size = sizeof options, .context_tokens = 512};
  const gemma4_token* all = NULL;
  size_t count = 0;
  CHECK_OK(gemma4_session_create(model, &options, &session, &error));
  CHECK_OK(gemma4_session_append_chat(session, chat, &error));
  CHECK_OK(gemma4_session_tokens(session, &all, &count, &error));
  CHECK(count < 512);
  memcpy(tokens, all, count * sizeof *tokens);
  gemma4_session_destroy(session);
  return count;
}

void test_text(void) {
  test_tokenizer();
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_model* model = load_tiny(0);
  gemma4_chat *by_calls = NULL, *by_json = NULL;
  static const char kTool[] =
      "{\"type\":\"function\",\"function\":{\"name\":\"weather\",\"description\":\"Tells it\","
      "\"parameters\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}}";
  CHECK_OK(gemma4_chat_create(&by_calls, &error));
  CHECK_OK(gemma4_chat_add(by_calls, "system", GEMMA4_TEXT, "Be brief.", GEMMA4_TEXT, &error));
  CHECK_OK(gemma4_chat_add(by_calls, "user", 4, "Hello", 5, &error));
  CHECK_OK(gemma4_chat_declare_tool(by_calls, kTool, GEMMA4_TEXT, &error));

  CHECK_OK(gemma4_chat_create(&by_json, &error));
  CHECK_OK(gemma4_chat_declare_tool(by_json, kTool, GEMMA4_TEXT, &error));
  CHECK_OK(gemma4_chat_add_json(by_json,
                                "[{\"role\":\"system\",\"content\":\"Be brief.\"},"
                                "{\"role\":\"user\",\"content\":\"Hello\"}]",
                                GEMMA4_TEXT, &error));
  gemma4_token a[512], b[512];
  size_t count = rendered(model, by_calls, a);
  CHECK(count == rendered(model, by_json, b) && memcmp(a, b, count * sizeof *a) == 0);

  /* what fails adds nothing; options change the prompt */
  CHECK_FAILS(gemma4_chat_add_json(by_json, "[{\"role\":\"user\",\"content\":\"x\"},{]",
                                   GEMMA4_TEXT, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "");
  CHECK_FAILS(gemma4_chat_declare_tool(by_json, "[]", GEMMA4_TEXT, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "");
  CHECK(count == rendered(model, by_json, b) && memcmp(a, b, count * sizeof *a) == 0);
  gemma4_chat_options options = {.struct_size = sizeof options, .no_generation_prompt = 1};
  CHECK_OK(gemma4_chat_set_options(by_json, &options, &error));
  CHECK(rendered(model, by_json, b) < count);
  CHECK_OK(gemma4_chat_set_options(by_json, NULL, &error));
  CHECK(rendered(model, by_json, b) == count);
  options.thinking = 2;
  CHECK_FAILS(gemma4_chat_set_options(by_json, &options, &error), GEMMA4_ERROR_INVALID_ARGUMENT,
              "thinking");

  /* a role that no prompt has is refused where the prompt is made */
  CHECK_OK(gemma4_chat_add(by_calls, "robot", GEMMA4_TEXT, "Hello", GEMMA4_TEXT, &error));
  gemma4_session* session = NULL;
  CHECK_OK(gemma4_session_create(model, NULL, &session, &error));
  CHECK_FAILS(gemma4_session_append_chat(session, by_calls, &error), GEMMA4_ERROR_INVALID_ARGUMENT,
              "robot");
  /* a tool's response belongs behind its call */
  gemma4_chat* calling = NULL;
  CHECK_OK(gemma4_chat_create(&calling, &error));
  CHECK_OK(gemma4_chat_add_json(
      calling,
      "[{\"role\":\"user\",\"content\":\"Weather in Rome?\"},"
      "{\"role\":\"assistant\",\"tool_calls\":[{\"type\":\"function\",\"function\":"
      "{\"name\":\"weather\",\"arguments\":{\"city\":\"Rome\"}}}]}]",
      GEMMA4_TEXT, &error));
  const size_t without = rendered(model, calling, a);
  CHECK_OK(gemma4_chat_add_tool_response(calling, "weather", 7, "sunny", 5, &error));
  CHECK(rendered(model, calling, b) > without && memcmp(a, b, (without - 4) * sizeof *a) == 0);
  CHECK_OK(gemma4_chat_add_tool_response(by_json, "weather", 7, "sunny", 5, &error));
  CHECK_FAILS(gemma4_session_append_chat(session, by_json, &error), GEMMA4_ERROR_INVALID_ARGUMENT,
              "tool");
  gemma4_session_destroy(session);
  gemma4_chat_destroy(calling);
  gemma4_chat_destroy(by_calls);
  gemma4_chat_destroy(by_json);
  gemma4_model_destroy(model);
}
