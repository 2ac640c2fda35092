// One stream of requests from the load generator: its connections, when a request is due, and what came back.
//
// Closed loop (rate 0): each connection sends its next request when the last one is answered; that measures throughput. Open loop: requests
// are due at fixed times whatever the server does, wait for a free connection if there is none, and count from the time they were due, so a
// server that stalls pays for every request it kept waiting.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "histogram.h"
#include "sockets.h"

namespace kaimen::bench {

/// Sixteen of these in a request are replaced by a number that no other request of the run has.
inline constexpr char kMark = '@';
inline constexpr size_t kMarkSize = 16;

struct StreamOptions {
  std::string name, to, request_file;
  size_t connections = 64;
  double rate = 0;          ///< Requests a second; 0: closed loop.
  int expect = 0;           ///< Any other status is an error; 0: all are welcome.
  uint64_t first_number = 0;

  /// "name=check,to=127.0.0.1:1,request=FILE,connections=64,rate=1000,expect=204,number=0"
  static StreamOptions parse(const std::string& text);
};

class Stream {
 public:
  struct Connection {
    Stream* stream = nullptr;
    int descriptor = -1;
    uint64_t since = 0;  ///< When the request under way was due (open) or sent (closed); 0: idle.
    std::string in;
  };

  Stream(StreamOptions options, int epoll);

  /// Begins; requests due or answered from `begin` to `end` count.
  void start(uint64_t now, uint64_t begin, uint64_t end);
  /// Sends what is due. Returns whether requests of the measured time are still out.
  void tick(uint64_t now);
  void readable(Connection& connection, uint64_t now);
  bool outstanding() const { return measured_out_ > 0 || !due_.empty(); }
  bool is_open() const { return options_.rate > 0; }
  std::string report(double seconds) const;

 private:
  void send(Connection& connection, uint64_t since);
  void answered(Connection& connection, uint64_t now);
  void reconnect(Connection& connection);
  bool counts(uint64_t time) const { return time >= begin_ && time < end_; }

  const StreamOptions options_;
  const Address address_;
  const int epoll_;
  std::vector<std::string> requests_;
  std::vector<size_t> marks_;  // where in each request the number goes; npos: none
  std::vector<Connection> connections_;
  std::vector<Connection*> idle_;
  std::deque<uint64_t> due_;
  Histogram latencies_;
  std::map<int, uint64_t> statuses_;
  uint64_t begin_ = 0, end_ = 0, next_due_ = 0, due_count_ = 0, started_ = 0;
  uint64_t number_, next_request_ = 0, good_ = 0, errors_ = 0, measured_out_ = 0;
};

}  // namespace kaimen::bench
