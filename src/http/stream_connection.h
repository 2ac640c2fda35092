// How a connection's bytes travel: over a plain socket, or through TLS.
#pragma once

#include <sys/ioctl.h>

#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include "http/connection.h"
#include "http/loop_thread.h"

namespace kaimen::http {

using TlsStream = asio::ssl::stream<Socket>;

template <class Stream>
class StreamConnection final : public Connection {
 public:
  static constexpr bool kTls = std::is_same_v<Stream, TlsStream>;
  using Self = boost::intrusive_ptr<StreamConnection>;

  StreamConnection(ConnectionContext& context, Peer peer, int listener, Socket socket)
    requires(!kTls)
      : Connection(context, std::move(peer), listener), stream_(std::move(socket)) {}
  StreamConnection(ConnectionContext& context, Peer peer, int listener, Socket socket, std::shared_ptr<asio::ssl::context> tls)
    requires(kTls)
      : Connection(context, std::move(peer), listener), tls_(std::move(tls)), stream_(std::move(socket), *tls_) {}

  void begin() override {
    if constexpr (kTls) {
      stream_.async_handshake(asio::ssl::stream_base::server, [self = Self(this)](boost::system::error_code error) {
        if (error) self->close();
        else self->serve();
      });
    } else {
      serve();
    }
  }

 private:
  static constexpr size_t kLingerBytes = 256 * 1024;
  static constexpr size_t kWriteBytes = 64 * 1024;  // at once

  Socket& socket() {
    if constexpr (kTls) return stream_.next_layer();
    else return stream_;
  }

  void start_read(char* data, size_t size) override {
    stream_.async_read_some(asio::buffer(data, size),
                            [self = Self(this)](boost::system::error_code error, size_t got) { self->on_read(bool(error), got); });
  }

  Sent send(std::string_view bytes) override {
    handed_over_ = 0;
    if constexpr (!kTls) {
      // Most answers fit into the socket's buffer: no operation to queue, no completion to wait for.
      boost::system::error_code error;
      const size_t sent = stream_.write_some(asio::buffer(bytes.data(), bytes.size()), error);
      if (error && error != asio::error::would_block) return Sent::failed;
      bytes.remove_prefix(sent);
      if (bytes.empty()) return Sent::all;
      handed_over_ = static_cast<int64_t>(sent);
    }
    const auto go_on = [this, before = handed_over_](boost::system::error_code error, size_t sent) -> size_t {
      handed_over_ = before + static_cast<int64_t>(sent);
      return error ? 0 : kWriteBytes;
    };
    asio::async_write(stream_, asio::buffer(bytes.data(), bytes.size()), go_on,
                      [self = Self(this)](boost::system::error_code error, size_t) { self->on_sent(bool(error)); });
    return Sent::later;
  }

  void cancel_read() override {
    boost::system::error_code ignored;
    socket().cancel(ignored);
  }

  void abort() override {
    boost::system::error_code ignored;
    socket().close(ignored);
  }

  bool has_unread() const override {
    boost::system::error_code error;
    const auto& lowest = stream_.lowest_layer();
    return lowest.available(error) > 0 && !error;
  }

  // The socket takes far more than a slow reader does in a while, and asks for the next bytes only when much of it is gone: what it has taken
  // says nothing of the reader.
  int64_t unsent() override {
    int bytes = 0;
    return ::ioctl(socket().native_handle(), TIOCOUTQ, &bytes) == 0 ? bytes : 0;
  }

  // Closing with unread bytes would reset the connection, and the peer could lose the answer: tell it the end, then read until it ends too.
  void finish() override {
    if constexpr (kTls) {
      stream_.async_shutdown([self = Self(this)](boost::system::error_code) { self->linger(); });
    } else {
      linger();
    }
  }

  void linger() {
    boost::system::error_code error;
    socket().shutdown(Socket::shutdown_send, error);
    if (error) return close();
    drop_input(0);
  }

  void drop_input(size_t dropped) {
    socket().async_read_some(asio::buffer(dropped_), [self = Self(this), dropped](boost::system::error_code error, size_t got) {
      if (error || dropped + got > kLingerBytes) self->close();
      else self->drop_input(dropped + got);
    });
  }

  std::shared_ptr<asio::ssl::context> tls_;  // null without TLS; must outlive the stream
  Stream stream_;
  char dropped_[512];
};

}  // namespace kaimen::http
