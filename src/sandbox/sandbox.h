// The offline WeChat: WeChat's own paths with its shapes, errcodes and rules (docs/sandbox.md), and a control side under /sandbox/ that
// plays the phone (wx.login, the phone button, getUserInfo) and the bad days (faults). For development and tests only: whoever reaches it
// may log in as anybody, so it listens on loopback unless told otherwise, and nothing in production wires it.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "base/secret.h"
#include "http/server.h"

namespace kaimen::sandbox {

struct SandboxOptions {
  bool devtools = false;      ///< Codes that were not made here log in as the user "devtools" instead of failing with 40029.
  Seconds key_interval{300};  ///< A login replaces a session_key that is at least this old, as WeChat's does at its own times.
};

class Sandbox {
 public:
  /// `clock` and `random` must outlive it. All state is in memory.
  Sandbox(const Clock& clock, Random& random, SandboxOptions options);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  /// As POST /sandbox/apps with an appid and a secret.
  void add_app(std::string appid, Secret secret);

  /// For an http::Server of its own; serves until stop().
  http::Handler& handler();

  /// Ends what waits in faults (delay_ms, hang). Call it before the server that uses handler() drains or goes.
  void stop();

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace kaimen::sandbox
