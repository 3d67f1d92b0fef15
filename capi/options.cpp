#include "options.hpp"

#include "callbacks.hpp"
#include "handles.hpp"

namespace gemma4::capi {
namespace {

/// All of the options but the caller's drafter.
SessionOptions plain_options_of(const gemma4_session_options& known) {
  check_range(known.reserved, 0, "session options: reserved");
  SessionOptions options;
  options.context_tokens = known.context_tokens;
  if (known.kv != GEMMA4_KV_DEFAULT) options.kv = static_cast<KvType>(known.kv);
  options.prefill_chunk_tokens = known.prefill_chunk_tokens;
  options.memory_budget_bytes = known.memory_budget_bytes;
  switch (known.depth) {
    case GEMMA4_DEPTH_AUTOMATIC:
      options.speculation.depth = Speculation::kAutomaticDepth;
      break;
    case GEMMA4_DEPTH_OFF:
      options.speculation.depth = 0;
      break;
    default:
      if (known.depth < 0 || known.depth > GEMMA4_MOST_DRAFTS) {
        fail(ErrorCode::invalid_argument,
             format_text("session options: expected a depth of -1 ... %d, found %d",
                         GEMMA4_MOST_DRAFTS, known.depth));
      }
      options.speculation.depth = known.depth;
  }
  options.speculation.drafter = static_cast<DrafterKind>(known.drafter);
  check_range(known.context_policy, GEMMA4_CONTEXT_SHIFT, "session options: context_policy");
  options.context_policy = static_cast<ContextPolicy>(known.context_policy);
  options.keep_first_tokens = known.keep_first_tokens;
  return options;
}

WeightStorage storage_of(std::int32_t embedding, std::int32_t layers) {
  check_range(embedding, GEMMA4_STORED_Q6_K, "embedding_storage");
  check_range(layers, GEMMA4_STORED_Q6_K, "layer_storage");
  return {static_cast<StoredAs>(embedding), static_cast<StoredAs>(layers)};
}

/// The options of a load that change the memory.
LoadOptions memory_options_of(const gemma4_load_options& known) {
  LoadOptions result;
  result.assistant =
      path_of(known.assistant_path, known.assistant_path_bytes, "assistant_path", true);
  result.activations = static_cast<ActivationType>(known.activations);
  result.prefix_cache_bytes = known.prefix_cache_bytes;
  result.storage = storage_of(known.embedding_storage, known.layer_storage);
  result.assistant_storage =
      storage_of(known.assistant_embedding_storage, known.assistant_layer_storage);
  return result;
}

/// 1 is the neutral value, a struct of zeros has 0.
float or_one(float value) { return value == 0.0f ? 1.0f : value; }

}  // namespace

static_assert(GEMMA4_MOST_DRAFTS == kMostDrafts);

std::function<bool(const LoadProgress&)> progress_of(gemma4_progress on_progress, void* user) {
  if (on_progress == nullptr) return {};
  return [on_progress, user](const LoadProgress& progress) {
    return on_progress(user, progress.done_bytes, progress.total_bytes) == 0;
  };
}

LogSink log_of(gemma4_log log, void* user) {
  if (log == nullptr) return {};
  return [log, user](LogLevel level, std::string_view line) {
    const std::string ended(line);
    log(user, static_cast<std::int32_t>(level), ended.c_str(), ended.size());
  };
}

std::stop_token stop_token_of(const gemma4_canceller* canceller) {
  if (canceller == nullptr) return {};
  return handle_of(canceller, "canceller").source.get_token();
}

LoadOptions planned_load_options_of(const gemma4_load_options* options) {
  return memory_options_of(options_of(options, "gemma4_load_options"));
}

LoadOptions load_options_of(const gemma4_load_options* options) {
  const gemma4_load_options known = options_of(options, "gemma4_load_options");
  // first, so that any failure after it releases them
  HostParts host = host_parts_of(known.executor, known.allocator);
  LoadOptions result = memory_options_of(known);
  result.executor = std::move(host.executor);
  result.allocator = std::move(host.allocator);
  result.threads = known.threads;
  result.isa = static_cast<Isa>(known.isa);
  result.memory_budget_bytes = known.memory_budget_bytes;
  result.packed_path = path_of(known.packed_path, known.packed_path_bytes, "packed_path", true);
  result.on_progress = progress_of(known.on_progress, known.on_progress_user);
  result.stop = stop_token_of(known.canceller);
  result.prefill = static_cast<Prefill>(known.prefill);
  result.log = log_of(known.log, known.log_user);
  return result;
}

PackOptions pack_options_of(const gemma4_pack_options* options) {
  const gemma4_pack_options known = options_of(options, "gemma4_pack_options");
  check_range(known.reserved, 0, "pack options: reserved");
  PackOptions result;
  result.threads = known.threads;
  result.on_progress = progress_of(known.on_progress, known.on_progress_user);
  result.stop = stop_token_of(known.canceller);
  result.storage = storage_of(known.embedding_storage, known.layer_storage);
  result.log = log_of(known.log, known.log_user);
  return result;
}

SessionOptions planned_options_of(const gemma4_session_options* options) {
  const gemma4_session_options known = options_of(options, "gemma4_session_options");
  SessionOptions result = plain_options_of(known);
  if (known.drafter_functions != nullptr) {
    check_drafter(*known.drafter_functions);
    result.speculation.custom = std::make_shared<NoDrafter>();
  }
  return result;
}

SessionOptions session_options_of(const gemma4_session_options* options) {
  const gemma4_session_options known = options_of(options, "gemma4_session_options");
  std::shared_ptr<CallbackDrafter> drafter;
  if (known.drafter_functions != nullptr)
    drafter = drafter_of(check_drafter(*known.drafter_functions));
  SessionOptions result = plain_options_of(known);
  if (drafter == nullptr) return result;
  if (result.speculation.drafter == DrafterKind::custom) {
    result.speculation.custom = std::move(drafter);
  } else {
    result.speculation.wrap = [drafter](std::shared_ptr<Drafter> own) {
      drafter->stand_around(std::move(own));
      return drafter;
    };
  }
  return result;
}

void read_sampling(const gemma4_sampling* sampling, SamplingOptions& out) {
  const gemma4_sampling known = options_of(sampling, "gemma4_sampling");
  out.seed = known.seed;
  out.temperature = known.temperature;
  out.top_k = known.top_k;
  out.top_p = or_one(known.top_p);
  out.min_p = known.min_p;
  out.repetition_penalty = or_one(known.repetition_penalty);
  out.presence_penalty = known.presence_penalty;
  out.frequency_penalty = known.frequency_penalty;
  if (known.penalty_window < -1) {
    fail(ErrorCode::invalid_argument,
         format_text("penalty_window: expected -1 or more, found %d", known.penalty_window));
  }
  constexpr std::int32_t kAll = -1, kDefaultWindow = 64;
  const std::int32_t window = known.penalty_window == 0 ? kDefaultWindow : known.penalty_window;
  out.penalty_window = window == kAll ? 0 : static_cast<std::uint32_t>(window);
  out.logit_bias.clear();
  for (const gemma4_logit_bias& bias :
       array_of(known.logit_bias, known.logit_bias_count, "logit_bias"))
    out.logit_bias.push_back({bias.token, bias.bias});
  const auto suppress = array_of(known.suppress, known.suppress_count, "suppress");
  out.suppress.assign(suppress.begin(), suppress.end());
}

GenerateOptions generate_options_of(const gemma4_generate_options* options) {
  const gemma4_generate_options known = options_of(options, "gemma4_generate_options");
  GenerateOptions result;
  read_sampling(known.sampling, result);
  result.max_tokens = known.max_tokens;
  check_range(known.ignore_end_of_generation, 1, "ignore_end_of_generation");
  result.ignore_end_of_generation = known.ignore_end_of_generation != 0;
  for (const gemma4_text& stop : array_of(known.stop, known.stop_count, "stop"))
    result.stop.emplace_back(text_of(stop.data, stop.bytes, "stop"));
  return result;
}

}  // namespace gemma4::capi
