// gemma4 tokenize: text to token ids, and back.
#include "arguments.hpp"
#include "commands.hpp"
#include "json_writer.hpp"
#include "read_file.hpp"
#include "terminal.hpp"

namespace cli {

int run_tokenize(const Arguments& words) {
  std::optional<std::string> text, file;
  std::optional<std::vector<std::uint64_t>> ids;
  bool no_bos = false, parse_special = false, detokenize = false;
  ModelArguments model;
  OptionTable table("tokenize (--text S | --file F | --detokenize --tokens 1,2,3) [OPTIONS]",
                    "Prints the token ids of a text, separated by commas, or the text of token "
                    "ids. Reads the vocabulary "
                    "alone, so a file without weights will do.");
  table.section("Input:");
  table.text("--text", "S", "the text", text);
  table.text("--file", "F", "a file that holds the text; - reads standard input", file);
  table.flag("--no-bos", "do not put bos in front", no_bos);
  table.flag("--parse-special",
             "the texts of all special tokens (\"<bos>\", \"<|turn>\") become these tokens",
             parse_special);
  table.flag("--detokenize", "the other way: the text of --tokens, special tokens shown",
             detokenize);
  table.list("--tokens", "IDS", "with --detokenize: the token ids", ids, INT32_MAX);
  model.declare(table);
  if (!table.parse(words)) {
    write_out(table.help());
    return 0;
  }
  if (detokenize && (!ids || text || file))
    throw UsageError("--detokenize: expected --tokens and no text");
  if (!detokenize && ids) throw UsageError("--tokens: expected --detokenize beside it");
  if (!detokenize && text.has_value() == file.has_value())
    throw UsageError("expected either --text or --file");

  const gemma4::Tokenizer tokenizer = gemma4::load_tokenizer(model.path());
  std::vector<gemma4::Token> tokens;
  std::string content;
  if (detokenize) {
    tokens = to_tokens(*ids);
    content = tokenizer.decode(tokens, true);
  } else {
    content = text ? *text : read_file(*file);
    const auto special =
        parse_special ? gemma4::SpecialTokens::all : gemma4::SpecialTokens::user_defined;
    if (!no_bos) tokens.push_back(tokenizer.bos());
    const std::vector<gemma4::Token> encoded = tokenizer.encode(content, special);
    tokens.insert(tokens.end(), encoded.begin(), encoded.end());
  }
  if (model.json) {
    JsonWriter json;
    json.object().key("tokens").values(tokens).pair("text", content).end();
    write_out(json.text() + "\n");
  } else {
    write_out((detokenize ? content : join(tokens)) + "\n");
  }
  return 0;
}

}  // namespace cli
