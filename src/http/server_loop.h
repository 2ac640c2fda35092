// One of the server's loops: its acceptors, its connections and the tick that ends those past their deadline.
#pragma once

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <memory>
#include <vector>

#include "http/connection.h"
#include "http/loop_thread.h"
#include "http/server_tls.h"

namespace kaimen::http {

class ServerLoop {
 public:
  ServerLoop(Handler& handler, const ServerLimits& limits, const Networks& trusted);
  ~ServerLoop();

  /// Before start(): serves what arrives at this listening descriptor, which it owns from then on. `tls` may be null.
  void add_acceptor(int descriptor, int listener, bool is_unix, ServerTls* tls);
  Result<> start(Random& random);

  /// Stops accepting and keeps no connection. On the loop's thread.
  void drain();
  /// Ends the thread, then every connection. Not on the loop's thread.
  void stop();
  /// Drained, and the last connection is gone. From any thread.
  bool is_drained() const { return drained_.load() && context_.open.get() == 0; }
  LoopThread& thread() { return thread_; }
  const ConnectionContext& context() const { return context_; }

 private:
  struct Acceptor {
    asio::posix::basic_stream_descriptor<Executor> descriptor;
    Timer pause;
    int listener;
    bool is_unix;
    ServerTls* tls;
    bool starved = false;
  };
  void wait(Acceptor& acceptor);
  /// Accepts what waits, `most` at once. False: nothing can be accepted now and the acceptor pauses.
  bool accept(Acceptor& acceptor, int most);
  void add(Acceptor& acceptor, int descriptor, const sockaddr_storage& address);
  void refuse_surplus(int descriptor);
  void tick();

  ConnectionContext context_;
  Millis tick_;
  std::atomic<bool> drained_{false};
  LoopThread thread_;  // after the context: connections that it still holds unlink themselves from there
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
};

}  // namespace kaimen::http
