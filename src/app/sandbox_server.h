// The offline WeChat on a listener of its own: part of dev mode, and the command `kaimen sandbox`.
#pragma once

#include <memory>
#include <string>

#include "app/failure.h"
#include "app/node.h"
#include "http/server.h"
#include "sandbox/sandbox.h"

namespace kaimen::app {

class SandboxServer {
 public:
  /// Listens at `address`. Failure: it cannot. `machine` must outlive it.
  static OrFail<std::unique_ptr<SandboxServer>> start(Machine& machine, const std::string& address, bool devtools);
  ~SandboxServer();  ///< Lets requests under way finish.

  sandbox::Sandbox& sandbox() { return sandbox_; }
  /// "http://127.0.0.1:8082"; an any-address is shown as loopback.
  std::string url() const;

 private:
  SandboxServer(Machine& machine, const std::string& address, bool devtools);
  sandbox::Sandbox sandbox_;
  http::Server server_;
};

}  // namespace kaimen::app
