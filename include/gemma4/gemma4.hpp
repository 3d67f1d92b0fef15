// gemma4: Gemma 4 on ordinary CPUs. This header is all of the C++ API.
//
//   auto model = gemma4::Model::load("gemma-4-12b-it-qat-q4_0.gguf");
//   gemma4::Session session(model, {.context_tokens = 32768});
//   session.append(gemma4::Chat{}.system("Be brief.").user("Why is the sky blue?"));
//   for (const gemma4::Event& event : session.generate())
//     if (event.kind == gemma4::Event::Kind::text) std::cout << event.text;
//
// Errors are thrown as gemma4::Error. A Model may be used by many threads at once, a Session by one
// at a time.
#pragma once

#include "gemma4/allocator.hpp"
#include "gemma4/batch.hpp"
#include "gemma4/chat.hpp"
#include "gemma4/drafter.hpp"
#include "gemma4/error.hpp"
#include "gemma4/event.hpp"
#include "gemma4/executor.hpp"
#include "gemma4/log.hpp"
#include "gemma4/memory.hpp"
#include "gemma4/model.hpp"
#include "gemma4/prefix.hpp"
#include "gemma4/sampling.hpp"
#include "gemma4/session.hpp"
#include "gemma4/speculation.hpp"
#include "gemma4/statistics.hpp"
#include "gemma4/tokenizer.hpp"
#include "gemma4/version.hpp"
