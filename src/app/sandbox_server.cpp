#include "app/sandbox_server.h"

#include "app/config_checks.h"

namespace kaimen::app {

namespace {

http::ServerOptions options_at(const std::string& address) {
  http::Listener listener;
  listener.name = "sandbox";
  listener.address = address;
  http::ServerOptions options;
  options.listeners.push_back(std::move(listener));
  return options;
}

}  // namespace

SandboxServer::SandboxServer(Machine& machine, const std::string& address, bool devtools)
    : sandbox_(machine.clock, machine.random, sandbox::SandboxOptions{.devtools = devtools}), server_(options_at(address), sandbox_.handler(), machine.random) {}

SandboxServer::~SandboxServer() {
  sandbox_.stop();
  server_.drain();
}

OrFail<std::unique_ptr<SandboxServer>> SandboxServer::start(Machine& machine, const std::string& address, bool devtools) {
  std::unique_ptr<SandboxServer> server(new SandboxServer(machine, address, devtools));
  if (const auto started = server->server_.start(); !started) {
    return fail("sandbox: " + started.error().detail, "choose another address for it (port 0 takes any free one), or stop what uses it");
  }
  return server;
}

std::string SandboxServer::url() const {
  const std::string bound = server_.bound_address(0);
  const auto address = parse_listen(bound);
  const bool any = address && address->is_any();
  return "http://" + (any ? (address->host == "::" ? "[::1]:" : "127.0.0.1:") + std::to_string(address->port) : bound);
}

}  // namespace kaimen::app
