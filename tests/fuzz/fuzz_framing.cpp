// The way of a request's bytes through HeadScanner and the parser. Whatever arrives: the scanner's verdict does not depend on how the
// bytes are cut; a head that it passed is framed in the same way by Beast; chunks never decode to more
// than the limit.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/framing.h"
#include "http/request_parser.h"

namespace {

using namespace kaimen::http;

constexpr HeadLimits kLimits{1024, 4096, 20};
constexpr size_t kBodyLimit = 2048;

void require(bool holds) {
  if (!holds) std::abort();
}

// Decodes in steps, as a connection does; returns "ok <body>", or "" for what is refused or not complete.
std::string decode(RequestParser& parser, std::string_view bytes, size_t step) {
  std::string body, pending;
  parser.decode_into(body, kBodyLimit, kLimits.header_bytes);
  for (size_t at = 0; at < bytes.size() && !parser.is_done();) {
    const auto part = bytes.substr(at, step);
    pending.append(part);
    at += part.size();
    RequestParser::Code error;
    const size_t used = parser.decode(pending, error);
    require(used <= pending.size() && body.size() <= kBodyLimit);
    if (error) return "";
    pending.erase(0, used);
  }
  return parser.is_done() ? "ok " + body : "";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  HeadScanner whole(kLimits), bytewise(kLimits);
  const bool complete = whole.scan(text);
  bool complete_bytewise = false;
  for (size_t end = 1; end <= size && !complete_bytewise && !bytewise.refusal(); ++end) complete_bytewise = bytewise.scan(text.substr(0, end));
  require(complete == complete_bytewise);
  require(whole.refusal().status == bytewise.refusal().status);
  if (!complete) return 0;
  require(whole.size() == bytewise.size());

  const auto head = text.substr(0, whole.size());
  const Framing framing = whole.framing();
  Request request, same_request;
  RequestParser parser(request), same_parser(same_request);
  // Beast refuses a few heads more (a malformed Connection list, say); it must not frame any differently.
  if (!parser.parse_head(head)) return 0;
  require(same_parser.parse_head(head));
  require(request.headers.size() <= kLimits.header_count);
  require(parser.chunked() == framing.chunked);
  if (!framing.chunked) require(parser.content_length().value_or(0) == framing.content_length);
  if (framing.chunked) require(decode(parser, text.substr(head.size()), size) == decode(same_parser, text.substr(head.size()), 1));
  return 0;
}
