// gemma4 perplexity: how well the model predicts a text.
#include <cmath>
#include <cstdio>

#include "arguments.hpp"
#include "commands.hpp"
#include "json_writer.hpp"
#include "progress.hpp"
#include "read_file.hpp"
#include "terminal.hpp"

namespace cli {
namespace {

struct Score {
  std::uint64_t tokens = 0;  // predicted ones
  double nll = 0;            // negative log-likelihood, natural logarithm
};

// -log of the probability that softmax(logits) gives to `token`.
double surprise(std::span<const float> logits, gemma4::Token token) {
  float largest = -INFINITY;
  for (const float logit : logits) largest = std::fmax(largest, logit);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  return std::log(sum) + largest - static_cast<double>(logits[static_cast<std::size_t>(token)]);
}

// The documents of a text: the newlines around a separating line belong to it.
std::vector<std::string> split(const std::string& text,
                               const std::optional<std::string>& separator) {
  if (!separator) return {text};
  const std::string line = "\n" + *separator + "\n";
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find(line, begin)) != std::string::npos;
       begin = end + line.size()) {
    parts.push_back(text.substr(begin, end - begin));
  }
  parts.push_back(text.substr(begin));
  return parts;
}

// Scores tokens[1...]: windows of the session's whole context, each `stride` further on; a window
// scores what no earlier one has.
Score score(gemma4::Session& session, std::span<const gemma4::Token> tokens, std::size_t stride,
            const std::function<void()>& on_token) {
  Score total;
  std::size_t scored = 1;  // tokens[0] is bos: given, not predicted
  for (std::size_t begin = 0; scored < tokens.size(); begin += stride) {
    const std::size_t end = std::min<std::size_t>(tokens.size(), begin + session.context_tokens());
    session.rewind(0);
    session.prefill_tokens(tokens.subspan(begin, end - begin),
                           [&](std::uint32_t position, std::span<const float> logits) {
                             const std::size_t next = begin + position + 1;
                             if (next < scored || next >= end) return;
                             total.nll += surprise(logits, tokens[next]);
                             ++total.tokens;
                             on_token();
                           });
    scored = end;
  }
  return total;
}

struct PerplexityArguments {
  std::optional<std::string> file, separator;
  std::optional<std::uint32_t> stride;
  LoadArguments load;
  SessionArguments session;

  OptionTable table() {
    OptionTable table(
        "perplexity --file F [OPTIONS]",
        "Measures how surprised the model is by a text: the mean of -log p over all its tokens but "
        "the "
        "first, each given all before it; bos is put in front once, and the texts of special "
        "tokens become "
        "these tokens. A text longer than the context is read in overlapping windows.");
    table.section("Input:");
    table.text("--file", "F", "the text; - reads standard input", file);
    table.text("--separator", "S", "a line that reads S separates documents, each scored by itself",
               separator);
    table.integer("--stride", "N",
                  "how far each window lies behind the one before; default: half of --ctx", 1,
                  1u << 30, stride);
    session.declare(table);
    load.declare(table);
    return table;
  }
};

// The step between windows, checked against the session's real context.
std::uint32_t checked_stride(const PerplexityArguments& arguments, std::uint32_t context) {
  if (context < 2) throw UsageError("--ctx: expected at least 2, found " + std::to_string(context));
  const std::uint32_t stride = arguments.stride.value_or(context / 2);
  if (stride < context) return stride;
  throw UsageError("--stride: expected less than the context of " + std::to_string(context) +
                   " tokens, found " + std::to_string(stride));
}

std::vector<Score> score_documents(const PerplexityArguments& arguments, gemma4::Session& session,
                                   const std::string& text) {
  const std::uint32_t stride = checked_stride(arguments, session.context_tokens());
  const gemma4::Tokenizer& tokenizer = session.model().tokenizer();
  std::vector<std::vector<gemma4::Token>> documents;
  std::uint64_t expected = 0;
  for (const std::string& part : split(text, arguments.separator)) {
    documents.push_back(tokenizer.encode(part, gemma4::SpecialTokens::all));
    expected += documents.back().size();
    documents.back().insert(documents.back().begin(), tokenizer.bos());
  }
  if (expected == 0)
    throw std::runtime_error("the file " + shown(*arguments.file) + " holds no text");

  const CancelOnInterrupt cancel(session);
  Progress progress("reading");
  std::vector<Score> scores;
  scores.reserve(documents.size());
  std::uint64_t done = 0;
  for (const std::vector<gemma4::Token>& document : documents) {
    scores.push_back(score(session, document, stride, [&] { progress.update(++done, expected); }));
  }
  return scores;
}

void print(const std::vector<Score>& scores, bool as_json) {
  Score total;
  for (const Score& one : scores) {
    total.tokens += one.tokens;
    total.nll += one.nll;
  }
  const double mean = total.nll / static_cast<double>(total.tokens);
  if (as_json) {
    JsonWriter json;
    json.object()
        .pair("tokens", total.tokens)
        .pair("nll", total.nll)
        .pair("perplexity", std::exp(mean));
    json.key("documents").array();
    for (const Score& one : scores) json.array().value(one.tokens).value(one.nll).end();
    json.end().end();
    write_out(json.text() + "\n");
  } else {
    char line[128];
    std::snprintf(line, sizeof line, "perplexity %.6f  (%llu tokens, %.4f nats a token)\n",
                  std::exp(mean), static_cast<unsigned long long>(total.tokens), mean);
    write_out(line);
  }
}

}  // namespace

int run_perplexity(const Arguments& words) {
  PerplexityArguments arguments;
  const OptionTable table = arguments.table();
  if (!table.parse(words)) {
    write_out(table.help());
    return 0;
  }
  if (!arguments.file) throw UsageError("--file: expected a file, found nothing");
  const std::string text = read_file(*arguments.file);
  gemma4::Session session(arguments.load.load(), arguments.session.options(arguments.load));
  print(score_documents(arguments, session, text), arguments.load.json);
  return 0;
}

}  // namespace cli
