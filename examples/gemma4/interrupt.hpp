// Ctrl-C without danger: the signal handler writes a byte into a pipe, everything else happens in
// ordinary code.
#pragma once

#include <atomic>
#include <thread>

#include "gemma4/session.hpp"

namespace cli {

/// From here on Ctrl-C no longer ends the program by itself; pressed again before anybody asked, it
/// does. Call once, before threads start.
void catch_interrupts();

/// Whether Ctrl-C was pressed since the last clear_interrupts().
bool interrupted();
void clear_interrupts();

/// A descriptor that is readable while interrupted().
int interrupt_descriptor();

/// While it lives, Ctrl-C cancels what `session` computes; pressed twice, it ends the program.
class CancelOnInterrupt {
 public:
  explicit CancelOnInterrupt(gemma4::Session& session);
  ~CancelOnInterrupt();
  CancelOnInterrupt(const CancelOnInterrupt&) = delete;
  CancelOnInterrupt& operator=(const CancelOnInterrupt&) = delete;

  bool pressed() const { return pressed_.load(); }

 private:
  void watch(gemma4::Session& session);

  std::atomic<bool> pressed_{false};
  int stop_pipe_[2] = {-1, -1};
  std::thread watcher_;
};

}  // namespace cli
