#include "model/assistant.hpp"

#include <algorithm>
#include <utility>

#include "model/attention.hpp"

namespace gemma4 {
namespace {

/// The shapes that the assistant's own layers run with: positions are the model's.
ModelConfig with_context_of(const ModelConfig& shapes, const ModelConfig& model) {
  ModelConfig config = shapes;
  config.context_limit = model.context_limit;
  return config;
}

std::vector<std::uint32_t> rows_of(std::span<const Token> tokens,
                                   std::span<const std::uint32_t> row_tokens,
                                   std::uint32_t vocabulary) {
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < vocabulary; ++row) {
    const Token token = static_cast<Token>(row_tokens.empty() ? row : row_tokens[row]);
    if (std::find(tokens.begin(), tokens.end(), token) != tokens.end()) rows.push_back(row);
  }
  return rows;
}

}  // namespace

AssistantNetwork::AssistantNetwork(AssistantConfig shapes, Weights loaded, const Network& model,
                                   const AllocatorPtr& allocator)
    : config(std::move(shapes)),
      target(model),
      network(with_context_of(config.shapes, model.config), std::move(loaded), model.kernels,
              allocator),
      suppressed_rows(rows_of(model.config.sampling.suppress, network.weights.draft.row_tokens,
                              config.shapes.vocabulary)) {}

std::uint64_t AssistantNetwork::table_bytes(const AssistantConfig& config,
                                            const ModelConfig& model) {
  return Network::table_bytes(with_context_of(config.shapes, model));
}

Assistant::Arrays::Arrays(Carver& carver, const AssistantConfig& config,
                          const AssistantShape& shape)
    : input(take_activations(carver, 1, 2 * config.backbone,
                             activation_digits(config.shapes.activations),
                             carver.take<float>(2 * std::uint64_t{config.backbone}).data())),
      next_hidden(carver.take<float>(config.backbone)),
      search(carver, config, shape.threads, shape.choices) {}

/// One row, and no logits: the head's search keeps few of them.
WorkspaceShape Assistant::workspace_shape(const AssistantShape& shape) {
  return {.batch = 1,
          .context = shape.context,
          .threads = shape.threads,
          .logit_rows = 0,
          .split_rows = 1};
}

std::uint64_t Assistant::arrays_bytes(const AssistantConfig& config, const AssistantShape& shape) {
  Carver plan;
  const Arrays unused(plan, config, shape);
  return plan.used_bytes();
}

std::uint64_t Assistant::bytes(const AssistantConfig& config, const AssistantShape& shape) {
  return Workspace::bytes(config.shapes, workspace_shape(shape)) + arrays_bytes(config, shape);
}

Assistant::Assistant(const AssistantNetwork& network, WorkerPool& pool, const AssistantShape& shape,
                     const AllocatorPtr& allocator)
    : network_(network),
      pool_(pool),
      work_(network.network.config, workspace_shape(shape), allocator),
      blocks_(network.network, pool, work_),
      memory_(arrays_bytes(network.config, shape), allocator),
      arrays_([&] {
        Carver carver(memory_.data());
        return Arrays(carver, network.config, shape);
      }()) {}

/// The model's scaled embedding of the token and its hidden state, one behind the other.
void Assistant::take_input(Token token, std::span<const float> hidden) {
  const Network& target = network_.target;
  const Activations& input = arrays_.input;
  const std::span<float> embedding(input.values, hidden.size());
  std::copy(hidden.begin(), hidden.end(), input.values + hidden.size());
  read_row(target.weights.embedding, static_cast<std::uint32_t>(token), embedding);
  for (float& value : embedding) value *= target.config.embedding_scale;
  const Matrix& projection = network_.network.weights.draft.pre_projection;
  if (takes_int8(projection.format))
    target.kernels.quantize(input.values, input.columns, input, 0, 0);
  multiply(target.kernels, pool_, blocks_.cancel(), {{projection, work_.residual.data()}}, input,
           1);
}

void Assistant::attention_block(std::size_t layer, std::uint32_t position, const KvCache& cache) {
  const bool sliding = network_.network.config.layers[layer].sliding;
  blocks_.project_heads(layer, 1);
  const std::uint32_t heads = network_.network.config.query_heads;
  const std::size_t source = source_layer(network_.target.config, sliding);
  const Blocks::QueryForm form = {cache.row(source),
                                  network_.target.weights.layers[source].key_norm};
  blocks_.share_heads(layer, 1, [&](const Blocks::HeadShare& share, std::uint32_t) {
    blocks_.query_heads(layer, 0, 1, share.begin(heads), share.end(heads), form);
  });
  attend({network_.network, layer, source, cache, position, 1, Keys::before, 0, 1}, work_, pool_,
         blocks_.cancel());
  blocks_.finish_attention(layer, 1);
}

bool Assistant::step(Token token, std::span<const float> hidden, std::uint32_t position,
                     const KvCache& cache, const std::atomic<bool>* cancel, std::uint32_t choices) {
  const Network& own = network_.network;
  const DraftWeights& draft = own.weights.draft;
  blocks_.set_cancel(cancel);
  blocks_.set_position(0, position - kQueriesBefore);
  take_input(token, hidden);
  blocks_.begin(1);
  for (std::size_t layer = 0; layer < own.config.layers.size(); ++layer) {
    attention_block(layer, position, cache);
    blocks_.feed_forward(layer, 1);
    if (blocks_.cancelled()) return false;
  }
  const bool codes = takes_int8(own.weights.embedding.format) ||
                     takes_int8(draft.post_projection.format) ||
                     (draft.centroids.rows != 0 && takes_int8(draft.centroids.format));
  blocks_.norm_rows(0, 1, own.weights.output_norm, codes);
  multiply(own.kernels, pool_, cancel, {{draft.post_projection, arrays_.next_hidden.data()}},
           work_.normed, 1);
  return arrays_.search.run(own, network_.suppressed_rows, work_.normed, pool_, cancel, choices);
}

}  // namespace gemma4
