// The program's commands. Each takes the arguments that follow its name and returns the exit code;
// it throws UsageError (exit code 2) and gemma4::Error, std::runtime_error (exit code 1).
#pragma once

#include <string>
#include <vector>

namespace cli {

using Arguments = std::vector<std::string>;

int run_chat(const Arguments& arguments);
int run_generate(const Arguments& arguments);
int run_tokenize(const Arguments& arguments);
int run_logits(const Arguments& arguments);
int run_perplexity(const Arguments& arguments);
int run_render(const Arguments& arguments);
int run_inspect(const Arguments& arguments);
int run_bench(const Arguments& arguments);
int run_pack(const Arguments& arguments);

}  // namespace cli
