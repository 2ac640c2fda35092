// Where a request ends, checked strictly before anything parses it (RFC 9112). A head that two readers could frame differently is
// refused with 400, so that no proxy in front of this server can disagree with it about where the next request begins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace kaimen::http {

struct Request;

struct HeadLimits {
  size_t request_line_bytes, header_bytes, header_count;
};

/// Status 0: nothing is wrong so far. Otherwise the status to answer with before the connection is closed.
struct Refusal {
  int status = 0;
  std::string_view why;
  explicit operator bool() const { return status != 0; }
};

/// What a sound head says about its message.
struct Framing {
  bool http_1_0 = false;
  bool chunked = false;
  bool expects_continue = false;
  bool keep_alive = true;  ///< As the version and Connection have it.
  uint64_t content_length = 0;
};

/// Finds the end of a head in bytes that arrive piece by piece and checks it line by line; each byte is looked at once. It refuses as
/// early as it can: a peer that sends bare LFs, a TLS hello or an endless line must not be waited for.
class HeadScanner {
 public:
  explicit HeadScanner(const HeadLimits& limits) : limits_(limits) {}
  /// `buffered` begins with the head and holds at least what it held at the last call. True when the head is complete and sound: size()
  /// is its length with the empty line. False: needs more bytes, or refusal() is set.
  bool scan(std::string_view buffered);
  size_t size() const { return line_begin_; }
  const Refusal& refusal() const { return refusal_; }
  const Framing& framing() const { return framing_; }
  /// Sets method, target, path, query and headers of `request` to views into `head`, the bytes that scan() passed, wherever they are now.
  void fill(std::string_view head, Request& request) const;
  void reset();

 private:
  bool refuse(const Refusal& refusal);
  Refusal check_request_line(std::string_view line);
  Refusal check_field(std::string_view line, size_t at);
  Refusal check_connection(std::string_view value);
  Refusal check_whole() const;

  // A header's place in the head: offsets, because the buffer moves while the rest arrives.
  struct Field {
    uint32_t name, name_size, value, value_size;
  };

  HeadLimits limits_;
  size_t line_begin_ = 0;  // of the line that is not complete yet
  size_t searched_ = 0;    // no end of the line before this
  size_t headers_begin_ = 0;
  size_t lines_ = 0;
  size_t hosts_ = 0, lengths_ = 0, encodings_ = 0;
  uint32_t method_size_ = 0, target_size_ = 0;
  bool closes_ = false, keeps_ = false;  // said by Connection
  std::vector<Field> fields_;
  Framing framing_;
  Refusal refusal_;
};

}  // namespace kaimen::http
