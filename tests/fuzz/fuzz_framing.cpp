// The way of a request's bytes through HeadScanner and ChunkDecoder. Whatever arrives: the scanner's verdict does not depend on how the
// bytes are cut; a head that it passed is read in the same way by Beast; chunks never decode to more than the limit.
#include <algorithm>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/chunk_decoder.h"
#include "http/framing.h"
#include "http/message.h"

namespace {

using namespace kaimen::http;

constexpr HeadLimits kLimits{1024, 4096, 20};
constexpr size_t kBodyLimit = 2048;

void require(bool holds) {
  if (!holds) std::abort();
}

std::string_view as_std(boost::beast::string_view text) { return {text.data(), text.size()}; }
bool same(boost::beast::string_view a, std::string_view b) { return as_std(a) == b; }

// Decodes in steps, as a connection does; returns "ok <body>", or "" for what is refused or not complete.
std::string decode(std::string_view bytes, size_t step) {
  std::string body, pending;
  ChunkDecoder parser(body, kBodyLimit, kLimits.header_bytes);
  for (size_t at = 0; at < bytes.size() && !parser.is_done();) {
    const auto part = bytes.substr(at, step);
    pending.append(part);
    at += part.size();
    ChunkDecoder::Code error;
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
  if (framing.chunked) require(decode(text.substr(head.size()), size) == decode(text.substr(head.size()), 1));

  Request request;
  whole.fill(head, request);
  boost::beast::http::request_parser<boost::beast::http::empty_body> beast;
  boost::beast::error_code error;
  beast.put(boost::asio::buffer(head.data(), head.size()), error);
  // Beast refuses a few heads more (its limit of 8 KiB, say); it must not read any of them differently.
  if (!beast.is_header_done()) return 0;
  require(beast.chunked() == framing.chunked);
  if (!framing.chunked) require(beast.content_length().value_or(0) == framing.content_length);
  // Beast obeys Proxy-Connection too, which no specification knows.
  if (request.count("proxy-connection") == 0) require(beast.keep_alive() == framing.keep_alive);
  require(same(beast.get().method_string(), request.method) && same(beast.get().target(), request.target));
  require(request.path.size() + request.query.size() + (request.path.size() < request.target.size()) == request.target.size());
  // Beast keeps headers of one name together, so only those of a name are in order.
  size_t fields = 0;
  for (const auto& field : beast.get()) {
    const auto fits = [&](const HeaderView& header) { return name_is(header.name, as_std(field.name_string())) && same(field.value(), header.value); };
    require(std::any_of(request.headers.begin(), request.headers.end(), fits));
    ++fields;
  }
  require(fields == request.headers.size());
  return 0;
}
