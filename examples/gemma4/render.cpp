// gemma4 render: the exact prompt of a conversation.
#include "arguments.hpp"
#include "commands.hpp"
#include "json_writer.hpp"
#include "read_file.hpp"
#include "terminal.hpp"

namespace cli {

int run_render(const Arguments& words) {
  std::optional<std::string> system, prompt, messages;
  bool no_generation_prompt = false, thinking = false;
  LoadArguments load;
  SessionArguments session_arguments;
  OptionTable table("render (--messages FILE.json | --prompt S) [OPTIONS]",
                    "Prints the text that the model gets for a conversation, special tokens shown, "
                    "and its token ids.");
  table.section("Conversation:");
  table.text("--messages", "FILE",
             "messages as JSON: [{\"role\":\"user\",\"content\":\"...\"}, ...], or an object with "
             "\"messages\" "
             "and \"tools\"; - reads standard input",
             messages);
  table.text("--prompt", "S", "a message of the user, after those of --messages", prompt);
  table.text("--system", "S", "instructions before the conversation", system);
  table.flag("--thinking", "let the model think before it answers", thinking);
  table.flag("--no-generation-prompt", "do not open the model's turn at the end",
             no_generation_prompt);
  session_arguments.declare(table);
  load.declare(table);
  if (!table.parse(words)) {
    write_out(table.help());
    return 0;
  }
  if (!messages && !prompt && !system)
    throw UsageError("expected a conversation (--messages, --prompt), found nothing");

  gemma4::Chat chat;
  if (system) chat.system(*system);
  if (messages) {
    const gemma4::Chat read = gemma4::Chat::from_json(read_file(*messages));
    for (const gemma4::Message& message : read.messages()) chat.add(message);
    for (const std::string& tool : read.tools()) chat.declare_tool(tool);
  }
  if (prompt) chat.user(*prompt);
  chat.thinking(thinking).generation_prompt(!no_generation_prompt);

  gemma4::Session session(load.load(), session_arguments.options(load));
  session.append(chat);
  const std::vector<gemma4::Token> tokens(session.tokens().begin(), session.tokens().end());
  const std::string text = session.model().tokenizer().decode(tokens, true);
  if (load.json) {
    JsonWriter json;
    json.object().pair("text", text).key("tokens").values(tokens).end();
    write_out(json.text() + "\n");
  } else {
    write_out(text + "\n\n" + join(tokens) + "\n");
  }
  return 0;
}

}  // namespace cli
