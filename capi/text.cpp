// Tokenizers and conversations.
#include <algorithm>

#include "handles.hpp"

using gemma4::capi::array_of;
using gemma4::capi::check_pointer;
using gemma4::capi::check_range;
using gemma4::capi::created;
using gemma4::capi::destroy;
using gemma4::capi::guarded;
using gemma4::capi::handle_of;
using gemma4::capi::is_handle;
using gemma4::capi::path_of;
using gemma4::capi::text_of;

namespace {

/// Copies what fits into the caller's array and tells how much there is.
template <class Items, class T>
void give_array(const Items& items, T* to, std::size_t capacity, std::size_t* count,
                const char* name) {
  check_pointer(count, "count");
  if (capacity != 0) check_pointer(to, name);
  *count = items.size();
  std::copy_n(items.data(), std::min(capacity, items.size()), to);
}

}  // namespace

gemma4_status gemma4_tokenizer_load(const char* path, size_t path_bytes, gemma4_tokenizer** out,
                                    gemma4_error* error) {
  return created(out, error, [&] {
    return new gemma4_tokenizer(gemma4::load_tokenizer(path_of(path, path_bytes, "path")));
  });
}

gemma4_status gemma4_tokenizer_of(const gemma4_model* model, gemma4_tokenizer** out,
                                  gemma4_error* error) {
  return created(out, error,
                 [&] { return new gemma4_tokenizer(handle_of(model, "model").model.tokenizer()); });
}

void gemma4_tokenizer_destroy(gemma4_tokenizer* tokenizer) { destroy(tokenizer); }

gemma4_status gemma4_tokenizer_encode(const gemma4_tokenizer* tokenizer, const char* text,
                                      size_t text_bytes, int32_t special, gemma4_token* tokens,
                                      size_t capacity, size_t* count, gemma4_error* error) {
  return guarded(error, [&] {
    const gemma4::Tokenizer& known = handle_of(tokenizer, "tokenizer").tokenizer;
    check_range(special, GEMMA4_SPECIAL_NONE, "special");
    give_array(known.encode(text_of(text, text_bytes, "text"),
                            static_cast<gemma4::SpecialTokens>(special)),
               tokens, capacity, count, "tokens");
  });
}

gemma4_status gemma4_tokenizer_decode(const gemma4_tokenizer* tokenizer, const gemma4_token* tokens,
                                      size_t count, int32_t special, char* text, size_t capacity,
                                      size_t* bytes, gemma4_error* error) {
  return guarded(error, [&] {
    const gemma4::Tokenizer& known = handle_of(tokenizer, "tokenizer").tokenizer;
    check_range(special, 1, "special");
    give_array(known.decode(array_of(tokens, count, "tokens"), special != 0), text, capacity, bytes,
               "text");
  });
}

int32_t gemma4_tokenizer_vocabulary_size(const gemma4_tokenizer* tokenizer) {
  return is_handle(tokenizer) ? tokenizer->tokenizer.vocabulary_size() : 0;
}

gemma4_token gemma4_tokenizer_bos(const gemma4_tokenizer* tokenizer) {
  return is_handle(tokenizer) ? tokenizer->tokenizer.bos() : -1;
}

int32_t gemma4_tokenizer_ends_generation(const gemma4_tokenizer* tokenizer, gemma4_token token) {
  return is_handle(tokenizer) && tokenizer->tokenizer.is_end_of_generation(token) ? 1 : 0;
}

gemma4_status gemma4_chat_create(gemma4_chat** out, gemma4_error* error) {
  return created(out, error, [] { return new gemma4_chat; });
}

void gemma4_chat_destroy(gemma4_chat* chat) { destroy(chat); }

gemma4_status gemma4_chat_add(gemma4_chat* chat, const char* role, size_t role_bytes,
                              const char* content, size_t content_bytes, gemma4_error* error) {
  return guarded(error, [&] {
    gemma4::Message message;
    message.role = text_of(role, role_bytes, "role");
    message.content = text_of(content, content_bytes, "content");
    handle_of(chat, "chat").chat.add(std::move(message));
  });
}

gemma4_status gemma4_chat_add_tool_response(gemma4_chat* chat, const char* name, size_t name_bytes,
                                            const char* response, size_t response_bytes,
                                            gemma4_error* error) {
  return guarded(error, [&] {
    handle_of(chat, "chat")
        .chat.tool(text_of(name, name_bytes, "name"),
                   text_of(response, response_bytes, "response"));
  });
}

gemma4_status gemma4_chat_add_json(gemma4_chat* chat, const char* json, size_t json_bytes,
                                   gemma4_error* error) {
  return guarded(error, [&] {
    gemma4::Chat& known = handle_of(chat, "chat").chat;
    const gemma4::Chat added = gemma4::Chat::from_json(text_of(json, json_bytes, "json"));
    gemma4::Chat all = known;
    for (const gemma4::Message& message : added.messages()) all.add(message);
    for (const std::string& tool : added.tools()) all.declare_tool(tool);
    known = std::move(all);
  });
}

gemma4_status gemma4_chat_declare_tool(gemma4_chat* chat, const char* json, size_t json_bytes,
                                       gemma4_error* error) {
  return guarded(
      error, [&] { handle_of(chat, "chat").chat.declare_tool(text_of(json, json_bytes, "json")); });
}

gemma4_status gemma4_chat_set_options(gemma4_chat* chat, const gemma4_chat_options* options,
                                      gemma4_error* error) {
  return guarded(error, [&] {
    const gemma4_chat_options known = gemma4::capi::options_of(options, "gemma4_chat_options");
    check_range(known.thinking, 1, "thinking");
    check_range(known.preserve_thinking, 1, "preserve_thinking");
    check_range(known.no_generation_prompt, 1, "no_generation_prompt");
    check_range(known.reserved, 0, "chat options: reserved");
    handle_of(chat, "chat")
        .chat.thinking(known.thinking != 0)
        .preserve_thinking(known.preserve_thinking != 0)
        .generation_prompt(known.no_generation_prompt == 0);
  });
}
