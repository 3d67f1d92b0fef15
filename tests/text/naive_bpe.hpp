// Byte-pair encoding by its definition: over the whole text, without cuts, queue or cache.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "io/gguf.hpp"
#include "text/tokenizer.hpp"
#include "text/utf8.hpp"

namespace gemma4::test {

class NaiveBpe {
 public:
  NaiveBpe(const std::string& path, const Tokenizer::Impl& tokenizer) : tokenizer_(tokenizer) {
    const Checkpoint file = open_gguf(path);
    int rank = 0;
    for (const std::string_view merge : *file.metadata.text_array("tokenizer.ggml.merges")) {
      const std::size_t space = merge.find(' ', 1);
      ranks_.try_emplace(
          {std::string(merge.substr(0, space)), std::string(merge.substr(space + 1))}, rank++);
    }
  }

  /// As SpecialTokens::none, for texts without runs of more than 31 newlines.
  std::vector<Token> encode(std::string_view text) const {
    std::vector<std::string> symbols;
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t bytes = code_point_at(text, i).bytes;
      const std::string symbol(text.substr(i, bytes));
      symbols.push_back(symbol == " " ? "\xe2\x96\x81" : symbol);
      i += bytes;
    }
    while (merge_best(symbols)) {
    }
    std::vector<Token> tokens;
    for (const std::string& symbol : symbols) {
      if (const auto token = tokenizer_.find(symbol)) {
        tokens.push_back(*token);
        continue;
      }
      for (const char byte : symbol) {
        char name[8];
        std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned char>(byte));
        tokens.push_back(*tokenizer_.find(name));
      }
    }
    return tokens;
  }

 private:
  bool merge_best(std::vector<std::string>& symbols) const {
    std::size_t best = symbols.size();
    int best_rank = 0;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto found = ranks_.find({symbols[i], symbols[i + 1]});
      if (found == ranks_.end()) continue;
      if (best == symbols.size() || found->second < best_rank) {
        best = i;
        best_rank = found->second;
      }
    }
    if (best == symbols.size()) return false;
    symbols[best] += symbols[best + 1];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    return true;
  }

  const Tokenizer::Impl& tokenizer_;
  std::map<std::pair<std::string, std::string>, int> ranks_;
};

}  // namespace gemma4::test
