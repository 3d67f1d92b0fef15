// Writes a model that says what is written here, whatever it is asked: scripted_model OUT.gguf
//
// Its layers add nothing, so that the logits depend on the last token alone, and its head has for
// each token the embedding of the one it follows. Thinking on, it thinks, calls the tool "clock"
// and waits; thinking off, it calls at once; given the response, it answers.
#include <algorithm>
#include <cstdio>
#include <map>
#include <stdexcept>

#include "weights/synthetic_model.hpp"

namespace gemma4::test {
namespace {

using Script = std::vector<std::string>;

// The first of each is what the prompt ends in.
const Script kThinking = {"<0x0A>", "<|channel>", "thought\n", "I have no watch.", "<channel|>"};
const Script kCalling = {"<channel|>",  "<|tool_call>", "call:clock{zone:1,",
                         "exact:true}", "<tool_call|>", "<|tool_response>"};
const Script kAnswering = {"<tool_response|>", "It is ", "late.", "<turn|>"};

std::size_t id_of(const std::vector<std::string>& pieces, const std::string& text) {
  const auto found = std::find(pieces.begin(), pieces.end(), text);
  if (found == pieces.end()) throw std::runtime_error("no token: " + text);
  return static_cast<std::size_t>(found - pieces.begin());
}

/// Makes the head choose each script's tokens one after another; rows of no script are zero.
std::string head_of(const std::string& embedding, const std::vector<std::string>& pieces) {
  const std::size_t row_bytes = SyntheticModel::kHidden * sizeof(float);
  std::string head(embedding.size(), '\0');
  for (const Script& script : {kThinking, kCalling, kAnswering}) {
    for (std::size_t i = 1; i < script.size(); ++i)
      head.replace(id_of(pieces, script[i]) * row_bytes, row_bytes, embedding,
                   id_of(pieces, script[i - 1]) * row_bytes, row_bytes);
  }
  return head;
}

std::string scripted_model() {
  SyntheticModel model;
  model.untied = true;
  model.embedding = TensorType::f32;
  for (const Script& script : {kThinking, kCalling, kAnswering})
    std::copy_if(script.begin(), script.end(), std::back_inserter(model.words),
                 [](const std::string& text) { return text.front() != '<'; });
  const std::vector<std::string> pieces = model.pieces();
  std::string embedding;
  model.change = [&](WrittenTensor& tensor) {
    if (tensor.name == "token_embd.weight") embedding = tensor.data;
    if (tensor.name == "output.weight") tensor.data = head_of(embedding, pieces);
    if (tensor.name.find(".post_") != std::string::npos)  // what a layer adds passes through these
      tensor.data.assign(tensor.data.size(), '\0');
  };
  return model.bytes();
}

}  // namespace
}  // namespace gemma4::test

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string bytes = gemma4::test::scripted_model();
  std::FILE* file = std::fopen(argv[1], "wb");
  if (file == nullptr) return 1;
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  return std::fclose(file) == 0 && written ? 0 : 1;
}
