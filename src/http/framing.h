// Where a request ends, checked strictly before anything parses it (RFC 9112). A head that two readers could frame differently is
// refused with 400, so that no proxy in front of this server can disagree with it about where the next request begins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kaimen::http {

struct HeadLimits {
  size_t request_line_bytes, header_bytes, header_count;
};

/// Status 0: nothing is wrong so far. Otherwise the status to answer with before the connection is closed.
struct Refusal {
  int status = 0;
  std::string_view why;
  explicit operator bool() const { return status != 0; }
};

/// Finds the end of a head in bytes that arrive piece by piece; each byte is looked at once. Refuses as early as it can: a peer that
/// sends bare LFs, a TLS hello or an endless line must not be waited for.
class HeadScanner {
 public:
  explicit HeadScanner(const HeadLimits& limits) : limits_(limits) {}
  /// `buffered` begins with the head and holds at least what it held at the last call. True when the head is complete: size() is its
  /// length with the empty line. False: needs more bytes, or refusal() is set.
  bool scan(std::string_view buffered);
  size_t size() const { return line_begin_; }
  const Refusal& refusal() const { return refusal_; }
  void reset();

 private:
  bool refuse(int status, std::string_view why);
  HeadLimits limits_;
  size_t line_begin_ = 0;  // of the line that is not complete yet
  size_t searched_ = 0;    // no LF before this
  size_t headers_begin_ = 0;
  size_t lines_ = 0;
  Refusal refusal_;
};

/// What a sound head says about its message.
struct Framing {
  bool http_1_0 = false;
  bool chunked = false;
  uint64_t content_length = 0;
  bool expects_continue = false;
};

/// Checks a whole head (with its final empty line). `framing` is set when nothing is refused.
Refusal check_head(std::string_view head, Framing& framing);

/// No control character but HTAB.
bool is_field_text(std::string_view text);

}  // namespace kaimen::http
