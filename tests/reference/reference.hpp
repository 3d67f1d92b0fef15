// The forward pass of dense Gemma 4 models and of their assistant, written to be read: double
// precision, one function per formula, nothing clever. It is the oracle for everything faster.
// Matrices have one row per token.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "gemma4/tokenizer.hpp"
#include "reference/checkpoint.hpp"

namespace gemma4::reference {

struct Rows {
  Matrix logits;  // [tokens, vocabulary], soft-capped: what follows each token
  Matrix hidden;  // [tokens, hidden], after the final norm: what the assistant takes
};

struct Draft {
  Matrix logits;  // [1, vocabulary], raw; -infinity where a centroid head does not look
  Matrix state;   // [1, hidden of the target], for the next step in place of the hidden row
};

class Reference {
 public:
  explicit Reference(const std::string& target_path);
  Reference(const std::string& target_path, const std::string& assistant_path);

  // Evaluates tokens after those evaluated before.
  Rows forward(std::span<const Token> tokens);

  // Forgets all but the first `tokens` tokens.
  void rewind(Index tokens);
  Index position() const { return position_; }

  // One step of the assistant. `token` is the newest one, not evaluated yet; `state` the hidden row
  // of the token before it, or the state of the previous step. The cache stays as it is: drafted
  // tokens are never keys.
  Draft draft_step(Token token, const Matrix& state) const;

  // The cache: a row per token, the heads of a layer side by side; keys after norm and rotation.
  const Matrix& keys(std::size_t layer) const { return keys_[layer]; }
  const Matrix& values(std::size_t layer) const { return values_[layer]; }

 private:
  Matrix embed(std::span<const Token> tokens) const;
  Matrix attention_block(const Matrix& x, std::size_t layer);

  Checkpoint target_;
  std::vector<Checkpoint> assistant_;  // one or none
  std::vector<Matrix> keys_, values_;
  Index position_ = 0;
};

// The sum of -ln p(tokens[i + 1]) under the logits of row i.
double negative_log_likelihood(const Matrix& logits, std::span<const Token> tokens);

}  // namespace gemma4::reference
