// Chunked bodies, read by Beast's parser without an allocation of its own. Heads are HeadScanner's, which has already found every header
// where it stands: to read them here a second time would cost a fifth of what a check costs.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>

namespace kaimen::http {

class ChunkDecoder final : public boost::beast::http::basic_parser<true> {
 public:
  using Code = boost::beast::error_code;

  /// Chunks are decoded to `body`, which may grow to `limit`; all that is not body (sizes, extensions, trailer) may take `overhead_limit`.
  ChunkDecoder(std::string& body, size_t limit, size_t overhead_limit) : body_(body), limit_(limit), overhead_limit_(overhead_limit) {
    header_limit(std::numeric_limits<uint32_t>::max());
    body_limit(boost::none);  // on_chunk_header_impl looks at ours
    // Beast begins with a head; it needs one that says what HeadScanner has found.
    constexpr std::string_view head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    Code ec;
    if (put({head.data(), head.size()}, ec) != head.size() || ec) std::abort();
    eager(true);
  }

  /// Decodes what it can of `bytes`, which begin where the last call ended; returns the bytes used. is_done() tells the end; `ec` is
  /// body_limit when the body is too large.
  size_t decode(std::string_view bytes, Code& ec) {
    // Every chunked body ends with "0 CRLF CRLF", so with less there is nothing to finish; and Beast 1.81 asserts that it gets that much
    // (a last chunk cut behind its first line would end a debug build).
    const size_t used = bytes.size() < 5 ? 0 : put({bytes.data(), bytes.size()}, ec);
    used_ += used;
    if (ec == boost::beast::http::error::need_more) ec = {};
    const size_t undecided = is_done() ? 0 : bytes.size() - used;  // a size line or a trailer that has not ended yet
    if (!ec && used_ + undecided - body_.size() > overhead_limit_) ec = boost::beast::http::error::header_limit;
    return used;
  }

 private:
  using View = boost::beast::string_view;

  void on_request_impl(boost::beast::http::verb, View, View, int, Code&) override {}
  void on_response_impl(int, View, int, Code&) override {}
  void on_field_impl(boost::beast::http::field, View, View, Code&) override {}  // a trailer: ignored
  void on_header_impl(Code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, Code&) override {}
  size_t on_body_impl(View text, Code&) override { return text.size(); }
  void on_chunk_header_impl(uint64_t size, View, Code& ec) override {
    if (size > limit_ - body_.size()) ec = boost::beast::http::error::body_limit;
  }
  size_t on_chunk_body_impl(uint64_t, View text, Code&) override {
    body_.append(text.data(), text.size());
    return text.size();
  }
  void on_finish_impl(Code&) override {}

  std::string& body_;
  const size_t limit_, overhead_limit_;
  size_t used_ = 0;
};

}  // namespace kaimen::http
