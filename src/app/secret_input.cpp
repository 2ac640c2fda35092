#include "app/secret_input.h"

#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <iostream>
#include <optional>

namespace kaimen::app {

namespace {

constexpr size_t kLongestSecret = 4096;

/// Turns the terminal's echo off while it lives.
class EchoOff {
 public:
  EchoOff() {
    if (tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~EchoOff() {
    if (changed_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

}  // namespace

OrFail<Secret> read_secret(const std::string& prompt) {
  const bool terminal = isatty(STDIN_FILENO) == 1;
  std::optional<EchoOff> echo_off;
  if (terminal) {
    std::cerr << prompt << ": " << std::flush;
    echo_off.emplace();
  }
  std::string line;
  line.reserve(kLongestSecret);  // so that growing leaves no copies behind
  char c = 0;
  while (line.size() < kLongestSecret && read(STDIN_FILENO, &c, 1) == 1 && c != '\n') line += c;
  if (terminal) std::cerr << '\n';
  if (line.ends_with('\r')) line.pop_back();
  Secret secret(line);
  explicit_bzero(line.data(), line.size());
  if (secret.empty()) return fail("no secret was given", "type it at the prompt, or give it on stdin: kaimen … < secret.txt");
  return secret;
}

}  // namespace kaimen::app
