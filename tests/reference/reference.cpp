#include "reference/reference.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gemma4::reference {
namespace {

// Every group of `size` columns divided by its root mean square.
Matrix rms_norm(Matrix x, Index size, double epsilon) {
  for (Index row = 0; row < x.rows(); ++row) {
    for (Index column = 0; column < x.cols(); column += size) {
      auto group = x.row(row).segment(column, size);
      group /= std::sqrt(group.squaredNorm() / static_cast<double>(size) + epsilon);
    }
  }
  return x;
}

// The same, times a weight per column of the group.
Matrix rms_norm(Matrix x, const Matrix& weight, double epsilon) {
  x = rms_norm(std::move(x), weight.cols(), epsilon);
  for (Index row = 0; row < x.rows(); ++row) {
    for (Index column = 0; column < x.cols(); column += weight.cols()) {
      x.row(row).segment(column, weight.cols()).array() *= weight.row(0).array();
    }
  }
  return x;
}

Matrix linear(const Matrix& x, const Matrix& weight) { return x * weight.transpose(); }

double gelu(double z) {
  return 0.5 * z * (1 + std::tanh(0.7978845608028654 * (z + 0.044715 * z * z * z)));
}

// The angle of pair `i` at position 1. Full layers rotate the first quarter of the pairs: the file
// says so by dividing the others' angles by 1e30, and without its list the rule is applied.
double frequency(const Checkpoint& model, const Layer& layer, Index i) {
  const double base = std::pow(
      layer.rope_base, -2.0 * static_cast<double>(i) / static_cast<double>(layer.head_size));
  if (!layer.full_attention) return base;
  if (model.has("rope_freqs")) return base / model["rope_freqs"](0, i);
  return i < layer.head_size / 8 ? base : 0.0;
}

// Rotates component i of every head with component i + head_size / 2, by an angle in proportion to
// the position.
Matrix rotate(Matrix x, const Checkpoint& model, const Layer& layer, Index first_position) {
  const Index half = layer.head_size / 2;
  for (Index i = 0; i < half; ++i) {
    const double step = frequency(model, layer, i);
    for (Index row = 0; row < x.rows(); ++row) {
      const double angle = static_cast<double>(first_position + row) * step;
      const double c = std::cos(angle), s = std::sin(angle);
      for (Index head = 0; head < x.cols(); head += layer.head_size) {
        const double a = x(row, head + i), b = x(row, head + half + i);
        x(row, head + i) = a * c - b * s;
        x(row, head + half + i) = a * s + b * c;
      }
    }
  }
  return x;
}

// A row per query, at positions first_position, first_position + 1 ...; a query sees the keys up to
// its own position, on sliding layers the last `window` of them. Several query heads share one head
// of keys and values.
Matrix attend(const Matrix& queries, const Matrix& keys, const Matrix& values, const Layer& layer,
              Index window, Index first_position) {
  const Index size = layer.head_size;
  const Index heads = queries.cols() / size, kv_heads = keys.cols() / size;
  Matrix out(queries.rows(), queries.cols());
  for (Index row = 0; row < queries.rows(); ++row) {
    const Index position = first_position + row;
    const Index begin = layer.full_attention ? 0 : std::max<Index>(0, position - window + 1);
    const Index count = std::min(position + 1, keys.rows()) - begin;
    for (Index head = 0; head < heads; ++head) {
      const Index kv = head / (heads / kv_heads) * size;
      const auto query = queries.row(row).segment(head * size, size);
      Eigen::VectorXd weight = keys.block(begin, kv, count, size) * query.transpose();
      weight = (weight.array() - weight.maxCoeff()).exp();
      weight /= weight.sum();
      out.row(row).segment(head * size, size) =
          weight.transpose() * values.block(begin, kv, count, size);
    }
  }
  return out;
}

std::string block(std::size_t layer) { return "blk." + std::to_string(layer) + "."; }

Matrix queries(const Matrix& h, const Checkpoint& model, std::size_t i, Index first_position) {
  const Matrix q = rms_norm(linear(h, model[block(i) + "attn_q"]), model[block(i) + "attn_q_norm"],
                            model.epsilon);
  return rotate(q, model, model.layers[i], first_position);
}

// The attention's output added to the stream, then the feed-forward block, then the layer's scalar.
Matrix finish_layer(Matrix x, const Matrix& attention, const Checkpoint& model, std::size_t i) {
  const std::string b = block(i);
  x += rms_norm(linear(attention, model[b + "attn_output"]), model[b + "post_attention_norm"],
                model.epsilon);
  const Matrix h = rms_norm(x, model[b + "ffn_norm"], model.epsilon);
  const Matrix gate = linear(h, model[b + "ffn_gate"]).unaryExpr(&gelu);
  const Matrix up = linear(h, model[b + "ffn_up"]);
  x += rms_norm(linear(gate.cwiseProduct(up), model[b + "ffn_down"]), model[b + "post_ffw_norm"],
                model.epsilon);
  return model.has(b + "layer_output_scale") ? Matrix(x * model[b + "layer_output_scale"](0, 0))
                                             : x;
}

// A centroid head looks at the tokens of the 32 clusters whose centroids match best, the first ones
// among equals; the others get -infinity.
Matrix near_tokens(const Matrix& logits, const Matrix& hidden, const Checkpoint& model) {
  const Matrix scores = linear(hidden, model["masked_embd_centroids"]);
  const Matrix& ordering = model.tensors.at("masked_embd_ordering");
  const Index cluster = ordering.cols() / scores.cols();
  Matrix out = Matrix::Constant(1, logits.cols(), -std::numeric_limits<double>::infinity());
  Matrix left = scores;
  for (Index taken = 0; taken < std::min<Index>(32, scores.cols()); ++taken) {
    Index best = 0;
    left.row(0).maxCoeff(&best);
    left(0, best) = -std::numeric_limits<double>::infinity();
    for (Index i = best * cluster; i < (best + 1) * cluster; ++i) {
      const Index token = static_cast<Index>(ordering(0, i));
      out(0, token) = logits(0, token);
    }
  }
  return out;
}

void append_rows(Matrix& all, const Matrix& rows) {
  all.conservativeResize(all.rows() + rows.rows(), rows.cols());
  all.bottomRows(rows.rows()) = rows;
}

}  // namespace

Reference::Reference(const std::string& target_path)
    : target_(target_path), keys_(target_.layers.size()), values_(target_.layers.size()) {}

Reference::Reference(const std::string& target_path, const std::string& assistant_path)
    : Reference(target_path) {
  assistant_.emplace_back(assistant_path);
}

Rows Reference::forward(std::span<const Token> tokens) {
  Matrix x = embed(tokens);
  for (std::size_t i = 0; i < target_.layers.size(); ++i) {
    const Matrix attention = attention_block(x, i);
    x = finish_layer(x, attention, target_, i);
  }
  position_ += x.rows();
  const Matrix hidden = rms_norm(x, target_["output_norm"], target_.epsilon);
  Matrix logits = linear(hidden, target_[target_.has("output") ? "output" : "token_embd"]);
  if (target_.softcap != 0) logits = target_.softcap * (logits / target_.softcap).array().tanh();
  return {logits, hidden};
}

Matrix Reference::embed(std::span<const Token> tokens) const {
  const Matrix& table = target_["token_embd"];
  Matrix x(static_cast<Index>(tokens.size()), target_.hidden_size);
  for (Index row = 0; row < x.rows(); ++row)
    x.row(row) = table.row(tokens[static_cast<std::size_t>(row)]);
  return x * std::sqrt(static_cast<double>(target_.hidden_size));
}

Matrix Reference::attention_block(const Matrix& x, std::size_t i) {
  const std::string b = block(i);
  const Layer& layer = target_.layers[i];
  const Matrix h = rms_norm(x, target_[b + "attn_norm"], target_.epsilon);
  const Matrix k = linear(h, target_[b + "attn_k"]);
  // Where the layer has no projection for V, the raw one of K serves: neither its norm's weight nor
  // rotated.
  const Matrix v = target_.has(b + "attn_v") ? linear(h, target_[b + "attn_v"]) : k;
  append_rows(keys_[i], rotate(rms_norm(k, target_[b + "attn_k_norm"], target_.epsilon), target_,
                               layer, position_));
  append_rows(values_[i], rms_norm(v, layer.head_size, target_.epsilon));
  return attend(queries(h, target_, i, position_), keys_[i], values_[i], layer, target_.window,
                position_);
}

void Reference::rewind(Index tokens) {
  for (Matrix& keys : keys_) keys.conservativeResize(tokens, keys.cols());
  for (Matrix& values : values_) values.conservativeResize(tokens, values.cols());
  position_ = tokens;
}

Draft Reference::draft_step(Token token, const Matrix& state) const {
  const Checkpoint& assistant = assistant_.front();
  Matrix input(1, 2 * target_.hidden_size);
  input << embed(std::span(&token, 1)), state;
  Matrix x = linear(input, assistant["nextn.pre_projection"]);
  for (std::size_t i = 0; i < assistant.layers.size(); ++i) {
    // Keys and values are those of the target's last layer of the same kind.
    const Layer& layer = assistant.layers[i];
    std::size_t source = target_.layers.size() - 1;
    while (target_.layers[source].full_attention != layer.full_attention) --source;
    const Matrix h = rms_norm(x, assistant[block(i) + "attn_norm"], assistant.epsilon);
    const Matrix attention = attend(queries(h, assistant, i, position_), keys_[source],
                                    values_[source], layer, assistant.window, position_);
    x = finish_layer(x, attention, assistant, i);
  }
  const Matrix hidden = rms_norm(x, assistant["output_norm"], assistant.epsilon);
  Matrix logits = linear(hidden, assistant["token_embd"]);
  if (assistant.has("masked_embd_centroids")) logits = near_tokens(logits, hidden, assistant);
  return {logits, linear(hidden, assistant["nextn.post_projection"])};
}

double negative_log_likelihood(const Matrix& logits, std::span<const Token> tokens) {
  double sum = 0;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    const auto row = logits.row(static_cast<Index>(i)).array();
    const double highest = row.maxCoeff();
    sum += highest + std::log((row - highest).exp().sum()) - row(tokens[i + 1]);
  }
  return sum;
}

}  // namespace gemma4::reference
