/* Every function that takes a handle, with one of every other kind in its place. abi_test looks
 * that no function is missing here. */
#include "check.h"

enum kind { CANCELLER, MODEL, INSPECTION, TOKENIZER, CHAT, SESSION, BATCH, DRAFT, KINDS };

/* One living handle of each kind, by what stands in messages. */
static const char* const kind_names[KINDS] = {
    "gemma4_canceller", "gemma4_model",   "gemma4_inspection", "gemma4_tokenizer",
    "gemma4_chat",      "gemma4_session", "gemma4_batch",      "gemma4_draft"};
static void* handles[KINDS];

/* Where results would go if one of the calls gave any. */
static struct {
  gemma4_model* model;
  gemma4_session* session;
  gemma4_tokenizer* tokenizer;
  gemma4_batch* batch;
  const float* logits;
  const gemma4_token* tokens;
  gemma4_token token;
  gemma4_text text;
  size_t count;
  uint32_t position;
  char letters[8];
  gemma4_model_info model_info;
  gemma4_assistant_info assistant_info;
  gemma4_layer_info layer_info;
  gemma4_tensor_info tensor_info;
  gemma4_sampling sampling;
  gemma4_memory_plan plan;
  gemma4_prefix_statistics prefixes;
  gemma4_statistics statistics;
  gemma4_event event;
} out = {
    .model_info = {.struct_size = sizeof(gemma4_model_info)},
    .assistant_info = {.struct_size = sizeof(gemma4_assistant_info)},
    .layer_info = {.struct_size = sizeof(gemma4_layer_info)},
    .tensor_info = {.struct_size = sizeof(gemma4_tensor_info)},
    .sampling = {.struct_size = sizeof(gemma4_sampling)},
    .plan = {.struct_size = sizeof(gemma4_memory_plan)},
    .prefixes = {.struct_size = sizeof(gemma4_prefix_statistics)},
    .statistics = {.struct_size = sizeof(gemma4_statistics)},
    .event = {.struct_size = sizeof(gemma4_event)},
};

static int called_back;

static int32_t on_event(void* user, const gemma4_event* event) {
  (void)user, (void)event;
  return ++called_back;
}

static int32_t on_tokens(void* user, uint32_t done, uint32_t total) {
  (void)user, (void)done, (void)total;
  return ++called_back;
}

static int32_t on_logits(void* user, uint32_t position, const float* logits, uint32_t count) {
  (void)user, (void)position, (void)logits, (void)count;
  return ++called_back;
}

static int32_t on_write(void* user, const void* data, size_t bytes) {
  (void)user, (void)data, (void)bytes;
  return ++called_back;
}

static size_t on_read(void* user, void* data, size_t bytes) {
  (void)user, (void)data, (void)bytes;
  ++called_back;
  return 0;
}

/* REFUSING(X): X(kind that belongs there, the call with `wrong` in its place). */
#define REFUSING(X)                                                                                \
  X(MODEL, gemma4_model_describe(wrong, &out.model_info, &error))                                  \
  X(MODEL, gemma4_model_describe_assistant(wrong, &out.assistant_info, &error))                    \
  X(MODEL, gemma4_model_describe_layer(wrong, 0, &out.layer_info, &error))                         \
  X(MODEL, gemma4_model_describe_assistant_layer(wrong, 0, &out.layer_info, &error))               \
  X(MODEL, gemma4_model_recommended_sampling(wrong, &out.sampling, &error))                        \
  X(MODEL, gemma4_model_plan(wrong, NULL, &out.plan, &error))                                      \
  X(MODEL, gemma4_model_prefix_statistics(wrong, &out.prefixes, &error))                           \
  X(MODEL, gemma4_tokenizer_of(wrong, &out.tokenizer, &error))                                     \
  X(MODEL, gemma4_session_create(wrong, NULL, &out.session, &error))                               \
  X(MODEL, gemma4_session_restore(wrong, TINY, GEMMA4_TEXT, NULL, NULL, &out.session, &error))     \
  X(MODEL, gemma4_session_restore_from(wrong, on_read, NULL, NULL, NULL, &out.session, &error))    \
  X(MODEL, gemma4_batch_create(wrong, NULL, &out.batch, &error))                                   \
  X(MODEL, gemma4_batch_plan(wrong, NULL, &out.plan, &error))                                      \
  X(INSPECTION, gemma4_inspection_plan(wrong, &out.plan, &error))                                  \
  X(INSPECTION, gemma4_inspection_describe(wrong, &out.model_info, &error))                        \
  X(INSPECTION, gemma4_inspection_describe_assistant(wrong, &out.assistant_info, &error))          \
  X(INSPECTION, gemma4_inspection_describe_layer(wrong, 0, &out.layer_info, &error))               \
  X(INSPECTION, gemma4_inspection_describe_assistant_layer(wrong, 0, &out.layer_info, &error))     \
  X(INSPECTION, gemma4_inspection_recommended_sampling(wrong, &out.sampling, &error))              \
  X(INSPECTION, gemma4_inspection_describe_tensor(wrong, 0, &out.tensor_info, &error))             \
  X(INSPECTION, gemma4_inspection_describe_embedding(wrong, &out.tensor_info, &error))             \
  X(INSPECTION, gemma4_inspection_note(wrong, 0, &out.text, &out.count, &error))                   \
  X(TOKENIZER, gemma4_tokenizer_encode(wrong, "a", 1, 0, NULL, 0, &out.count, &error))             \
  X(TOKENIZER,                                                                                     \
    gemma4_tokenizer_decode(wrong, &out.token, 1, 0, out.letters, 8, &out.count, &error))          \
  X(CHAT, gemma4_chat_add(wrong, "user", 4, "a", 1, &error))                                       \
  X(CHAT, gemma4_chat_add_tool_response(wrong, "a", 1, "a", 1, &error))                            \
  X(CHAT, gemma4_chat_add_json(wrong, "[]", 2, &error))                                            \
  X(CHAT, gemma4_chat_declare_tool(wrong, "{}", 2, &error))                                        \
  X(CHAT, gemma4_chat_set_options(wrong, NULL, &error))                                            \
  X(CHAT, gemma4_session_append_chat(handles[SESSION], wrong, &error))                             \
  X(SESSION, gemma4_session_append_chat(wrong, handles[CHAT], &error))                             \
  X(SESSION, gemma4_session_append_message(wrong, "user", 4, "a", 1, &error))                      \
  X(SESSION, gemma4_session_append_text(wrong, "a", 1, 0, &error))                                 \
  X(SESSION, gemma4_session_append_tokens(wrong, &out.token, 1, &error))                           \
  X(SESSION, gemma4_session_generate(wrong, NULL, &error))                                         \
  X(SESSION, gemma4_session_next(wrong, &out.event, &error))                                       \
  X(SESSION, gemma4_session_next_ready(wrong, &out.event, &error))                                 \
  X(SESSION, gemma4_session_stop(wrong, &error))                                                   \
  X(SESSION, gemma4_session_stream(wrong, NULL, on_event, NULL, NULL, &error))                     \
  X(SESSION, gemma4_session_prefill(wrong, on_tokens, NULL, &error))                               \
  X(SESSION, gemma4_session_prefill_tokens(wrong, &out.token, 1, on_logits, NULL, &error))         \
  X(SESSION, gemma4_session_logits(wrong, &out.logits, &out.count, &error))                        \
  X(SESSION, gemma4_session_decode_step(wrong, NULL, &out.token, &error))                          \
  X(SESSION, gemma4_session_rewind(wrong, 0, &error))                                              \
  X(SESSION, gemma4_session_earliest_rewind(wrong, &out.position, &error))                         \
  X(SESSION, gemma4_session_fork(wrong, &out.session, &error))                                     \
  X(SESSION, gemma4_session_save(wrong, "/nowhere/snapshot", GEMMA4_TEXT, &error))                 \
  X(SESSION, gemma4_session_save_to(wrong, on_write, NULL, &error))                                \
  X(SESSION, gemma4_session_tokens(wrong, &out.tokens, &out.count, &error))                        \
  X(SESSION, gemma4_session_statistics(wrong, &out.statistics, &error))                            \
  X(SESSION, gemma4_batch_evaluate(handles[BATCH], (gemma4_session**)&wrong, 1, &error))           \
  X(BATCH, gemma4_batch_evaluate(wrong, (gemma4_session**)&handles[SESSION], 1, &error))           \
  X(CANCELLER,                                                                                     \
    gemma4_session_restore(handles[MODEL], TINY, GEMMA4_TEXT, NULL, wrong, &out.session, &error))  \
  X(CANCELLER,                                                                                     \
    gemma4_session_restore_from(handles[MODEL], on_read, NULL, NULL, wrong, &out.session, &error)) \
  X(CANCELLER, load_with(wrong, &error))                                                           \
  X(CANCELLER, pack_with(wrong, &error))

/* ANSWERING(X): X(kind, a call that cannot fail and gives `value` for a wrong handle). */
#define ANSWERING(X)                                                   \
  X(TOKENIZER, gemma4_tokenizer_vocabulary_size(wrong) == 0)           \
  X(TOKENIZER, gemma4_tokenizer_bos(wrong) == -1)                      \
  X(TOKENIZER, gemma4_tokenizer_ends_generation(wrong, 1) == 0)        \
  X(SESSION, gemma4_session_context_tokens(wrong) == 0)                \
  X(DRAFT, gemma4_draft_add(wrong, 1, GEMMA4_UNKNOWN_CONFIDENCE) == 0) \
  X(DRAFT, gemma4_draft_ask_own(wrong, &out.token, NULL, 1) == 0)      \
  X(CANCELLER, (gemma4_canceller_cancel(wrong), 1))                    \
  X(SESSION, (gemma4_session_cancel(wrong), 1))                        \
  X(BATCH, (gemma4_batch_cancel(wrong), 1))                            \
  X(CANCELLER, (gemma4_canceller_destroy(wrong), 1))                   \
  X(MODEL, (gemma4_model_destroy(wrong), 1))                           \
  X(INSPECTION, (gemma4_inspection_destroy(wrong), 1))                 \
  X(TOKENIZER, (gemma4_tokenizer_destroy(wrong), 1))                   \
  X(CHAT, (gemma4_chat_destroy(wrong), 1))                             \
  X(SESSION, (gemma4_session_destroy(wrong), 1))                       \
  X(BATCH, (gemma4_batch_destroy(wrong), 1))

static gemma4_status load_with(const void* wrong, gemma4_error* error) {
  const gemma4_load_options options = {.struct_size = sizeof options, .canceller = wrong};
  return gemma4_model_load(TINY, GEMMA4_TEXT, &options, &out.model, error);
}

static gemma4_status pack_with(const void* wrong, gemma4_error* error) {
  const gemma4_pack_options options = {.struct_size = sizeof options, .canceller = wrong};
  return gemma4_pack(TINY, GEMMA4_TEXT, "/nowhere/model.g4pack", GEMMA4_TEXT, &options, NULL,
                     error);
}

/* Each function with one wrong handle. */
static void refuse(void* wrong, enum kind found) {
  gemma4_error error = {.struct_size = sizeof error};
#define REFUSES(kind, call)                                                     \
  if (found != (kind)) {                                                        \
    CHECK_FAILS(call, GEMMA4_ERROR_INVALID_ARGUMENT, "another kind of handle"); \
    CHECK(strstr(error.message, kind_names[kind]) != NULL);                     \
  }
  REFUSING(REFUSES)
#define ANSWERS(kind, call) \
  if (found != (kind)) CHECK(call);
  ANSWERING(ANSWERS)
}

/* A drafter is the only one to see a draft. */
static int32_t propose(void* user, const gemma4_draft_request* request, gemma4_draft* draft) {
  (void)user, (void)request;
  handles[DRAFT] = draft;
  for (int kind = 0; kind < KINDS; ++kind) refuse(handles[kind], (enum kind)kind);
  return 1;
}

void test_handles(void) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_canceller* canceller = NULL;
  gemma4_inspection* inspection = NULL;
  gemma4_tokenizer* tokenizer = NULL;
  gemma4_chat* chat = NULL;
  gemma4_session *session = NULL, *drafting = NULL;
  gemma4_batch* batch = NULL;
  gemma4_model* model = load_tiny(0);
  const gemma4_drafter drafter = {.struct_size = sizeof drafter, .propose = propose};
  const gemma4_session_options options = {.struct_size = sizeof options,
                                          .depth = 1,
                                          .drafter = GEMMA4_DRAFTER_CUSTOM,
                                          .drafter_functions = &drafter};
  CHECK_OK(gemma4_canceller_create(&canceller, &error));
  CHECK_OK(gemma4_inspection_create(TINY, GEMMA4_TEXT, NULL, 0, NULL, &inspection, &error));
  CHECK_OK(gemma4_tokenizer_of(model, &tokenizer, &error));
  CHECK_OK(gemma4_chat_create(&chat, &error));
  CHECK_OK(gemma4_session_create(model, NULL, &session, &error));
  CHECK_OK(gemma4_batch_create(model, NULL, &batch, &error));
  CHECK_OK(gemma4_session_create(model, &options, &drafting, &error));
  handles[CANCELLER] = canceller;
  handles[MODEL] = model;
  handles[INSPECTION] = inspection;
  handles[TOKENIZER] = tokenizer;
  handles[CHAT] = chat;
  handles[SESSION] = session;
  handles[BATCH] = batch;

  gemma4_token token = 0;
  CHECK_OK(gemma4_session_append_text(drafting, "Once upon", GEMMA4_TEXT, 0, &error));
  CHECK_OK(gemma4_session_decode_step(drafting, NULL, &token, &error));
  CHECK_FAILS(gemma4_session_decode_step(drafting, NULL, &token, &error), GEMMA4_ERROR_CANCELLED,
              "drafter");
  CHECK(handles[DRAFT] != NULL && called_back == 0);
  CHECK(out.model == NULL && out.session == NULL && out.tokenizer == NULL && out.batch == NULL);

  /* all of them still live, and none was cancelled */
  answer given;
  CHECK_OK(ask(session, "What is 34 + 17?", NULL, &given, &error));
  CHECK(strstr(given.text, "51") != NULL);
  CHECK_OK(gemma4_batch_evaluate(batch, &session, 1, &error));
  CHECK(gemma4_tokenizer_bos(tokenizer) == 2);
  CHECK_OK(gemma4_chat_add(chat, "user", 4, "a", 1, &error));
  CHECK_OK(gemma4_inspection_plan(inspection, &out.plan, &error));
  const gemma4_load_options load = {.struct_size = sizeof load, .canceller = canceller};
  CHECK_OK(gemma4_model_load(TINY, GEMMA4_TEXT, &load, &out.model, &error));
  gemma4_model_destroy(out.model);
  gemma4_batch_destroy(batch);
  gemma4_session_destroy(drafting);
  gemma4_session_destroy(session);
  gemma4_chat_destroy(chat);
  gemma4_tokenizer_destroy(tokenizer);
  gemma4_inspection_destroy(inspection);
  gemma4_canceller_destroy(canceller);
  gemma4_model_destroy(model);
}
