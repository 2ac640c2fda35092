// One connection's HTTP: bytes in, requests to the handler, answers out. It owns the buffer that a Request views; how bytes travel
// (plain, TLS) is the business of StreamConnection. All on one loop's thread.
#pragma once

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/chunk_decoder.h"
#include "http/framing.h"
#include "http/networks.h"
#include "http/request_id.h"
#include "http/server.h"

namespace kaimen::http {

using TimePoint = std::chrono::steady_clock::time_point;

/// A count with one writer (its loop) and any readers: no locked instruction.
class Count {
 public:
  void add(int64_t by) { value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed); }
  uint64_t get() const { return static_cast<uint64_t>(value_.load(std::memory_order_relaxed)); }

 private:
  std::atomic<int64_t> value_{0};
};

class Connection;
using ConnectionHook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

/// What all connections of one loop share.
struct ConnectionContext {
  Handler& handler;
  const ServerLimits& limits;
  const Networks& trusted;
  RequestIds ids{};
  TimePoint now = std::chrono::steady_clock::now();  // as of the last tick: deadlines are coarse on purpose
  bool draining = false;
  Count open{}, accepted{}, requests{}, refused{}, working{};
  boost::intrusive::list<Connection, boost::intrusive::base_hook<ConnectionHook>, boost::intrusive::constant_time_size<false>> connections{};
};

class Connection : public boost::intrusive_ref_counter<Connection, boost::thread_unsafe_counter>, public ConnectionHook {
 public:
  Connection(ConnectionContext& context, Peer peer, int listener);
  virtual ~Connection();

  /// Begins to serve. The caller needs no reference afterwards: operations under way hold one.
  virtual void begin() = 0;
  /// Called every tick: acts when the deadline has passed.
  void sweep();
  /// The server stops: ends an idle connection, lets any other finish its request.
  void drain();
  /// Ends at once. A handler that works on a request goes on; its answer is dropped.
  void close();

 protected:
  enum class Sent : uint8_t { all, later, failed };

  // The transport. Each started operation reports once.
  virtual void start_read(char* data, size_t size) = 0;  ///< → on_read
  virtual Sent send(std::string_view bytes) = 0;         ///< later → on_sent
  virtual void cancel_read() = 0;                        ///< on_read then reports a failure
  virtual void finish() = 0;                             ///< ends politely; drops what the peer still sends, until the deadline
  virtual void abort() = 0;                              ///< closes at once; safe to call twice
  virtual bool has_unread() const = 0;
  virtual int64_t unsent() = 0;                          ///< bytes that the system holds because the peer has not taken them

  void serve();  ///< the transport is ready (after a TLS handshake)
  void on_read(bool failed, size_t size);
  void on_sent(bool failed);
  void set_deadline(Millis time);
  Peer peer_;
  int64_t handed_over_ = 0;  ///< how much of what is being sent the system has; the transport counts

 private:
  // What the connection waits for, and so which deadline holds.
  enum class Waiting : uint8_t { handshake, first_byte, head, body, next_request, handler, write, end };

  void go_on();
  void read();
  bool next_request();
  bool begin_request();
  bool begin_body();
  bool has_whole_body() const;
  void drop_body();
  bool complete_body();
  bool dispatch();
  void describe();
  void on_answer(const Response& response);
  void answer_refusal(int status, std::string_view why, bool keep_alive);
  void refuse(int status, std::string_view why);
  void consume();
  void forget_sent();
  void look_at_progress();
  void make_room();
  std::string_view buffered() const { return {buffer_.get() + begin_, end_ - begin_}; }
  std::string_view head() const { return {buffer_.get() + begin_, scanner_.size()}; }

  ConnectionContext& context_;
  const bool trusted_peer_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0, begin_ = 0, end_ = 0;  // the message under way begins at begin_
  HeadScanner scanner_;
  Framing framing_;
  std::optional<ChunkDecoder> chunks_;
  Request request_;
  std::string chunked_body_;
  size_t chunks_used_ = 0;  // bytes of chunks behind the head that were decoded
  std::string out_, sending_;
  std::vector<std::shared_ptr<const void>> held_, sending_held_;  // of the answers in those (Response::held)
  TimePoint deadline_{};
  Waiting waiting_ = Waiting::handshake;
  bool in_body_ = false;        // the head of the message under way is parsed
  bool views_stale_ = false;    // the buffer moved since
  bool working_ = false;        // a handler's task holds the request
  bool is_sending_ = false;
  int64_t taken_ = 0;           // by the peer, of what is being sent, when the deadline was set
  bool going_on_ = false;
  bool keep_alive_ = false;     // what the request that the handler works on asked for
  bool closing_ = false;        // no further request; ends when all is sent
  bool closed_ = false;
  bool timed_out_ = false;
};

}  // namespace kaimen::http
