// Standard output whose failures are noticed, and what is known about the terminal.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace cli {

/// Standard output cannot be written. An empty what(): the reader went away, nothing needs to be
/// said.
class OutputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Makes the standard descriptors safe to use: a closed one must not become somebody's file, and a
/// reader that went away is an error of the write, not a signal. Call once, first.
void prepare_standard_streams();

/// Writes to standard output / hands it to the system. Throw OutputError.
void write_out(std::string_view text);
void flush_out();

bool input_is_terminal();
bool output_is_terminal();
bool error_is_terminal();

/// Columns of the terminal behind standard error now; 80 where it does not say.
int error_columns();

/// Whether standard output shows colours and dimming (a terminal, not TERM=dumb, NO_COLOR unset).
bool output_has_styles();

/// What a model says, for a terminal: control characters other than newline and tab become U+FFFD,
/// so that an answer cannot drive the terminal.
std::string harmless(std::string_view text);

}  // namespace cli
