/* The smallest test frame for C: CHECK counts what is wrong and goes on. */
#ifndef GEMMA4_TESTS_CHECK_H
#define GEMMA4_TESTS_CHECK_H

#include <stdio.h>
#include <string.h>

#include "gemma4.h"

extern int checks_made, checks_failed;

#define CHECK(truth)                                                      \
  do {                                                                    \
    ++checks_made;                                                        \
    if (!(truth)) {                                                       \
      ++checks_failed;                                                    \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #truth); \
    }                                                                     \
  } while (0)

/* A call that must succeed, given an error object called `error`. */
#define CHECK_OK(call)                                                              \
  do {                                                                              \
    ++checks_made;                                                                  \
    if ((call) != GEMMA4_OK) {                                                      \
      ++checks_failed;                                                              \
      fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, error.message); \
    }                                                                               \
  } while (0)

/* A call that must fail with a status and a message that holds a text. */
#define CHECK_FAILS(call, expected, text)                                                        \
  do {                                                                                           \
    ++checks_made;                                                                               \
    error.message[0] = '\0';                                                                     \
    const gemma4_status found_ = (call);                                                         \
    if (found_ != (expected) || error.status != (expected) ||                                    \
        strstr(error.message, (text)) == NULL || strlen(error.message) != error.message_bytes) { \
      ++checks_failed;                                                                           \
      fprintf(stderr, "%s:%d: %s: expected %s with \"%s\", found %s with \"%s\"\n", __FILE__,    \
              __LINE__, #call, gemma4_status_name(expected), (text), gemma4_status_name(found_), \
              error.message);                                                                    \
    }                                                                                            \
  } while (0)

#define TINY GEMMA4_SOURCE_DIR "/models/tiny/gemma4-tiny-q4_0.gguf"
#define TINY_ASSISTANT GEMMA4_SOURCE_DIR "/models/tiny/gemma4-tiny-assistant-q4_0.gguf"

/* An answer, put together. */
typedef struct answer {
  char text[4096];
  size_t bytes;
  int32_t finish_reason;
  int thoughts, tool_calls;
  char thought[256], tool[64], arguments[256];
} answer;

gemma4_model* load_tiny(int with_assistant);
void add_event(answer* to, const gemma4_event* event);
/* Asks one question of an empty session and polls for the answer. */
gemma4_status ask(gemma4_session* session, const char* question,
                  const gemma4_generate_options* options, answer* out, gemma4_error* error);
int same_answer(const answer* a, const answer* b);

void test_files(void);
void test_model(void);
void test_text(void);
void test_session(void);
void test_speculation(void);
void test_snapshot(void);
void test_batch(void);
void test_context(void);
void test_cancel(void);
void test_events(void);
void test_arguments(void);
void test_garbage(void);
void test_handles(void);
void test_host_parts(void);
void test_versions(void);

#endif
