// Beast's request parser, filling a Request with views into the connection's buffer, without an allocation. Heads reach it after
// HeadScanner; of bodies it sees only chunked ones (a body with a length is a view as it stands).
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <string>

#include "http/message.h"

namespace kaimen::http {

class RequestParser final : public boost::beast::http::basic_parser<true> {
 public:
  using Code = boost::beast::error_code;

  explicit RequestParser(Request& request) : request_(request) {
    header_limit(std::numeric_limits<uint32_t>::max());  // HeadScanner counts
    body_limit(boost::none);                             // the handler's limit, see decode_into
  }

  /// A complete head. False: Beast does not agree that it is one.
  bool parse_head(std::string_view head) {
    Code ec;
    const size_t used = put({head.data(), head.size()}, ec);
    if (ec || used != head.size() || !is_header_done()) return false;
    const size_t query = request_.target.find('?');
    request_.path = request_.target.substr(0, query);
    request_.query = query == std::string_view::npos ? std::string_view() : request_.target.substr(query + 1);
    return true;
  }

  /// Chunks are decoded to `body`, which may grow to `limit`; all that is not body (sizes, extensions, trailer) may take `overhead_limit`.
  void decode_into(std::string& body, size_t limit, size_t overhead_limit) {
    body_ = &body;
    limit_ = limit;
    overhead_limit_ = overhead_limit;
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
    if (!ec && used_ + undecided - body_->size() > overhead_limit_) ec = boost::beast::http::error::header_limit;
    return used;
  }

 private:
  using View = boost::beast::string_view;
  static std::string_view std_view(View text) { return {text.data(), text.size()}; }

  void on_request_impl(boost::beast::http::verb, View method, View target, int, Code&) override {
    request_.method = std_view(method);
    request_.target = std_view(target);
  }
  void on_response_impl(int, View, int, Code&) override {}
  void on_field_impl(boost::beast::http::field, View name, View value, Code&) override {
    if (!is_header_done()) request_.headers.push_back({std_view(name), std_view(value)});  // afterwards it is a trailer: ignored
  }
  void on_header_impl(Code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, Code&) override {}
  size_t on_body_impl(View text, Code&) override { return text.size(); }
  void on_chunk_header_impl(uint64_t size, View, Code& ec) override {
    if (size > limit_ - body_->size()) ec = boost::beast::http::error::body_limit;
  }
  size_t on_chunk_body_impl(uint64_t, View text, Code&) override {
    body_->append(text.data(), text.size());
    return text.size();
  }
  void on_finish_impl(Code&) override {}

  Request& request_;
  std::string* body_ = nullptr;
  size_t limit_ = 0, overhead_limit_ = 0, used_ = 0;
};

}  // namespace kaimen::http
