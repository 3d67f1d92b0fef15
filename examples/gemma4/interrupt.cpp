#include "interrupt.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>

namespace cli {
namespace {

int signal_pipe[2] = {-1, -1};
std::atomic<int> unanswered{0};  // presses since the pipe was last emptied

extern "C" void on_interrupt(int) {
  if (++unanswered > 1) {  // nobody listens: do what the system would have done
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);
    return;
  }
  const int saved = errno;
  (void)!::write(signal_pipe[1], "!", 1);  // a full pipe has said enough
  errno = saved;
}

void make_pipe(int (&ends)[2]) {
  if (::pipe(ends) != 0)
    throw std::runtime_error(std::string("cannot create a pipe: ") + std::strerror(errno));
  for (const int end : ends) {
    ::fcntl(end, F_SETFL, O_NONBLOCK);
    ::fcntl(end, F_SETFD, FD_CLOEXEC);
  }
}

// Takes what lies in the pipe; true when there was something.
bool drain(int descriptor) {
  char bytes[64];
  bool any = false;
  unanswered = 0;
  while (::read(descriptor, bytes, sizeof bytes) > 0) any = true;
  return any;
}

}  // namespace

void catch_interrupts() {
  make_pipe(signal_pipe);
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
}

bool interrupted() {
  pollfd waiting{signal_pipe[0], POLLIN, 0};
  return ::poll(&waiting, 1, 0) > 0;
}

void clear_interrupts() { drain(signal_pipe[0]); }

int interrupt_descriptor() { return signal_pipe[0]; }

CancelOnInterrupt::CancelOnInterrupt(gemma4::Session& session) {
  make_pipe(stop_pipe_);
  watcher_ = std::thread([this, &session] { watch(session); });
}

CancelOnInterrupt::~CancelOnInterrupt() {
  (void)!::write(stop_pipe_[1], "!", 1);
  watcher_.join();
  ::close(stop_pipe_[0]);
  ::close(stop_pipe_[1]);
}

void CancelOnInterrupt::watch(gemma4::Session& session) {
  while (true) {
    pollfd waiting[2] = {{signal_pipe[0], POLLIN, 0}, {stop_pipe_[0], POLLIN, 0}};
    if (::poll(waiting, 2, -1) < 0 && errno != EINTR) return;
    if (waiting[1].revents != 0) return;
    if (waiting[0].revents == 0 || !drain(signal_pipe[0])) continue;
    if (pressed_.exchange(true)) {
      std::signal(SIGINT, SIG_DFL);
      std::raise(SIGINT);
    }
    session.cancel();
  }
}

}  // namespace cli
