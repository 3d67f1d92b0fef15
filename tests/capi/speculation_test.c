/* Drafts change speed, never results: the assistant, a drafter of the caller's, one around the
 * session's own. */
#include "check.h"

static const char kQuestion[] = "Write a story about Anna and the market.";

static gemma4_status answer_with(gemma4_model* model, const gemma4_session_options* options,
                                 answer* out, gemma4_statistics* done, gemma4_error* error) {
  gemma4_session* session = NULL;
  const gemma4_generate_options generate = {.struct_size = sizeof generate, .max_tokens = 60};
  gemma4_status status = gemma4_session_create(model, options, &session, error);
  if (status == GEMMA4_OK) status = ask(session, kQuestion, &generate, out, error);
  if (status == GEMMA4_OK) status = gemma4_session_statistics(session, done, error);
  gemma4_session_destroy(session);
  return status;
}

typedef struct drafter {
  int proposals, verified, released, stop_at;
  uint64_t drafted, accepted, own;
  gemma4_token next;
} drafter;

/* Proposes the same token again and again: mostly wrong. */
static int32_t propose(void* user, const gemma4_draft_request* request, gemma4_draft* draft) {
  drafter* self = user;
  CHECK(request->struct_size == sizeof *request && request->token_count > 0);
  CHECK(request->most >= 1 && request->most <= GEMMA4_MOST_DRAFTS && request->temperature == 0);
  if (++self->proposals == self->stop_at) return 1;
  CHECK(gemma4_draft_ask_own(draft, &self->next, NULL, 1) == 0);
  for (uint32_t i = 0; i < request->most; ++i)
    if (!gemma4_draft_add(draft, request->tokens[request->token_count - 1], 0.5f)) break;
  return 0;
}

/* Passes on what the session's own drafter proposes, at most two tokens of it. */
static int32_t shorten(void* user, const gemma4_draft_request* request, gemma4_draft* draft) {
  drafter* self = user;
  (void)request;
  ++self->proposals;
  gemma4_token tokens[2];
  float confidences[2];
  const uint32_t count = gemma4_draft_ask_own(draft, tokens, confidences, 2);
  CHECK(count <= 2);
  self->own += count;
  for (uint32_t i = 0; i < count; ++i) gemma4_draft_add(draft, tokens[i], confidences[i]);
  return 0;
}

static void verified(void* user, const gemma4_token* draft, uint32_t count, uint32_t accepted,
                     int32_t rejected) {
  drafter* self = user;
  CHECK(draft != NULL && count > 0 && accepted <= count && (rejected == 0 || rejected == 1));
  ++self->verified;
  self->drafted += count;
  self->accepted += accepted;
}

static void rewound(void* user, uint32_t position) {
  (void)user;
  CHECK(position == 0);
}

static void released(void* user) { ++((drafter*)user)->released; }

static void test_own_drafters(gemma4_model* model, const answer* plain) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_statistics done = {.struct_size = sizeof done};
  answer given;
  drafter self = {0};
  gemma4_drafter functions = {.struct_size = sizeof functions,
                              .user = &self,
                              .propose = propose,
                              .verified = verified,
                              .rewound = rewound,
                              .release = released};
  gemma4_session_options options = {.struct_size = sizeof options,
                                    .context_tokens = 256,
                                    .depth = 3,
                                    .drafter = GEMMA4_DRAFTER_CUSTOM,
                                    .drafter_functions = &functions};
  gemma4_memory_plan plan = {.struct_size = sizeof plan};
  CHECK_OK(gemma4_model_plan(model, &options, &plan, &error));
  CHECK(self.released == 0);
  CHECK_OK(answer_with(model, &options, &given, &done, &error));
  CHECK(same_answer(plain, &given));
  CHECK(self.proposals > 0 && self.verified > 0 && self.released == 1);
  /* of the last draft nothing is told before the next one is wanted */
  CHECK(done.drafted > 0 && done.drafted >= self.drafted && done.accepted >= self.accepted);
  CHECK(done.drafted - self.drafted <= 3 && done.offered_at[0] > 0 && done.offered_at[3] == 0);

  /* around the assistant */
  const drafter fresh = {0};
  self = fresh;
  functions.propose = shorten;
  options.drafter = GEMMA4_DRAFTER_MTP;
  CHECK_OK(answer_with(model, &options, &given, &done, &error));
  CHECK(same_answer(plain, &given));
  CHECK(self.own > 0 && self.released == 1 && done.accepted > 0 && done.depths[3] == 0);
  CHECK(done.target_steps < done.decode_tokens && done.tokens_per_target_step > 1);

  /* one that stops: the call is over, the session goes on */
  self = fresh;
  self.stop_at = 3;
  functions.propose = propose;
  options.drafter = GEMMA4_DRAFTER_CUSTOM;
  gemma4_session* session = NULL;
  CHECK_OK(gemma4_session_create(model, &options, &session, &error));
  CHECK_OK(gemma4_session_append_message(session, "user", 4, kQuestion, GEMMA4_TEXT, &error));
  gemma4_generate_options generate = {.struct_size = sizeof generate, .max_tokens = 60};
  CHECK_OK(gemma4_session_generate(session, &generate, &error));
  gemma4_event event = {.struct_size = sizeof event};
  memset(&given, 0, sizeof given);
  int stops = 0;
  while (event.kind != GEMMA4_EVENT_END) {
    const gemma4_status status = gemma4_session_next(session, &event, &error);
    if (status == GEMMA4_ERROR_CANCELLED && ++stops == 1) continue;
    CHECK(status == GEMMA4_OK);
    if (status != GEMMA4_OK) break;
    add_event(&given, &event);
  }
  CHECK(stops == 1 && same_answer(plain, &given));
  CHECK_OK(gemma4_session_rewind(session, 0, &error));
  gemma4_session_destroy(session);
  CHECK(self.released == 1);

  /* released too when there will be no session; not when the struct itself is refused */
  options.context_tokens = 1u << 30;
  CHECK_FAILS(gemma4_session_create(model, &options, &session, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "context_tokens");
  CHECK(self.released == 2);
  CHECK_FAILS(gemma4_session_create(NULL, &options, &session, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "model");
  CHECK_FAILS(gemma4_session_create(model, &options, NULL, &error), GEMMA4_ERROR_INVALID_ARGUMENT,
              "out");
  CHECK(self.released == 4);
  functions.propose = NULL;
  CHECK_FAILS(gemma4_session_create(model, &options, &session, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "propose");
  CHECK(self.released == 4);
  options.drafter_functions = NULL;
  options.context_tokens = 0;
  CHECK_FAILS(gemma4_session_create(model, &options, &session, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "drafter");
}

/* Sees how tokens will be chosen. */
static int32_t look(void* user, const gemma4_draft_request* request, gemma4_draft* draft) {
  (void)draft;
  const gemma4_sampling* seen = request->sampling;
  CHECK(seen != NULL && seen->struct_size == sizeof *seen);
  CHECK(seen->temperature == request->temperature && seen->temperature == 0.5f);
  CHECK(seen->seed == 7 && seen->top_k == 3 && seen->top_p == 0.75f && seen->min_p == 0.25f);
  CHECK(seen->repetition_penalty == 1.5f && seen->presence_penalty == 2 &&
        seen->frequency_penalty == 3 && seen->penalty_window == -1);
  CHECK(seen->logit_bias_count == 2 && seen->logit_bias[1].token == 11 &&
        seen->logit_bias[1].bias == -4);
  CHECK(seen->suppress_count == 1 && seen->suppress[0] == 12);
  ++*(int*)user;
  return 0;
}

static void test_request(gemma4_model* model) {
  gemma4_error error = {.struct_size = sizeof error};
  int looks = 0;
  const gemma4_drafter functions = {
      .struct_size = sizeof functions, .user = &looks, .propose = look};
  const gemma4_session_options options = {.struct_size = sizeof options,
                                          .context_tokens = 64,
                                          .depth = 2,
                                          .drafter = GEMMA4_DRAFTER_CUSTOM,
                                          .drafter_functions = &functions};
  const gemma4_logit_bias biases[] = {{10, 1}, {11, -4}};
  const gemma4_token suppressed[] = {12};
  const gemma4_sampling sampling = {.struct_size = sizeof sampling,
                                    .seed = 7,
                                    .temperature = 0.5f,
                                    .top_k = 3,
                                    .top_p = 0.75f,
                                    .min_p = 0.25f,
                                    .repetition_penalty = 1.5f,
                                    .presence_penalty = 2,
                                    .frequency_penalty = 3,
                                    .penalty_window = -1,
                                    .logit_bias = biases,
                                    .logit_bias_count = 2,
                                    .suppress = suppressed,
                                    .suppress_count = 1};
  gemma4_session* session = NULL;
  gemma4_token token = 0;
  CHECK_OK(gemma4_session_create(model, &options, &session, &error));
  CHECK_OK(gemma4_session_append_text(session, "Once upon", GEMMA4_TEXT, 0, &error));
  for (int i = 0; i < 3; ++i)
    CHECK_OK(gemma4_session_decode_step(session, &sampling, &token, &error));
  CHECK(looks > 0);
  gemma4_session_destroy(session);
}

void test_speculation(void) {
  gemma4_error error = {.struct_size = sizeof error};
  gemma4_model* model = load_tiny(1);
  gemma4_assistant_info assistant = {.struct_size = sizeof assistant};
  CHECK_OK(gemma4_model_describe_assistant(model, &assistant, &error));
  CHECK(assistant.layers > 0 && assistant.path.bytes > 0);
  gemma4_session_options options = {
      .struct_size = sizeof options, .context_tokens = 256, .depth = GEMMA4_DEPTH_OFF};
  gemma4_statistics done = {.struct_size = sizeof done};
  answer plain, given;
  CHECK_OK(answer_with(model, &options, &plain, &done, &error));
  CHECK(plain.bytes > 60 && done.drafted == 0 && done.target_steps == done.decode_tokens);
  for (int32_t depth = GEMMA4_DEPTH_AUTOMATIC; depth <= GEMMA4_MOST_DRAFTS; ++depth) {
    for (int32_t who = GEMMA4_DRAFTER_AUTOMATIC; who <= GEMMA4_DRAFTER_NONE; ++who) {
      options.depth = depth;
      options.drafter = who;
      CHECK_OK(answer_with(model, &options, &given, &done, &error));
      CHECK(same_answer(&plain, &given));
      if (who == GEMMA4_DRAFTER_NONE) CHECK(done.drafted == 0);
      if (depth >= 2 && who == GEMMA4_DRAFTER_MTP) CHECK(done.target_steps < done.decode_tokens);
    }
  }
  options.depth = 8;
  gemma4_session* session = NULL;
  CHECK_FAILS(gemma4_session_create(model, &options, &session, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "depth");
  gemma4_layer_info layer = {.struct_size = sizeof layer};
  CHECK_OK(gemma4_model_describe_assistant_layer(model, assistant.layers - 1, &layer, &error));
  CHECK(layer.full_attention == 1 && layer.kv_heads > 0);
  test_own_drafters(model, &plain);
  test_request(model);
  gemma4_model_destroy(model);

  model = load_tiny(0);
  options.depth = 3;
  options.drafter = GEMMA4_DRAFTER_MTP;
  CHECK_FAILS(gemma4_session_create(model, &options, &session, &error),
              GEMMA4_ERROR_INVALID_ARGUMENT, "assistant");
  gemma4_model_destroy(model);
}
