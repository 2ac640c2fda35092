#include "http/framing.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "http/field_text.h"
#include "http/message.h"

namespace kaimen::http {

namespace {

constexpr std::array<bool, 256> kHost = [] {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[size_t(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[size_t(c)] = table[size_t(c - 'a' + 'A')] = true;
  for (const char c : std::string_view("-._~:[]%!$&'()*+,;=")) table[static_cast<uint8_t>(c)] = true;
  return table;
}();

bool is_token(std::string_view text) { return token_size(text) == text.size(); }

bool is_host(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return kHost[static_cast<uint8_t>(c)]; });
}

// Every byte is looked at, without an early exit: compilers turn this into wide comparisons.
bool is_printable_ascii(std::string_view text) {
  uint8_t bad = 0;
  for (const char c : text) bad |= static_cast<uint8_t>(static_cast<uint8_t>(c - 0x21) > 0x7e - 0x21);
  return bad == 0;
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Digits only: no sign, comma, blank or underscore, which other readers take for other numbers.
Refusal parse_length(std::string_view text, uint64_t& length) {
  if (text.empty()) return {400, "empty Content-Length"};
  for (const char c : text) {
    if (c < '0' || c > '9') return {400, "invalid Content-Length"};
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  return error == std::errc() ? Refusal{} : Refusal{400, "Content-Length beyond 64 bits"};
}

}  // namespace

void HeadScanner::reset() {
  auto fields = std::move(fields_);  // the next head finds their memory
  fields.clear();
  *this = HeadScanner(limits_);
  fields_ = std::move(fields);
}

bool HeadScanner::refuse(const Refusal& refusal) {
  refusal_ = refusal;
  return false;
}

bool HeadScanner::scan(std::string_view buffered) {
  if (buffered.empty()) return false;
  if (!is_token(buffered.substr(0, 1))) return refuse({400, "not an HTTP request"});
  for (;;) {
    // The first control character of a line is the CR of its end, or does not belong there.
    const size_t cr = find_control(buffered, searched_), end = cr + 2;
    searched_ = cr;
    if (lines_ == 0) {
      if (std::min(end, buffered.size()) > limits_.request_line_bytes + 2) return refuse({414, "the request line is too long"});
    } else if (std::min(end, buffered.size()) - headers_begin_ > limits_.header_bytes + 2) {
      return refuse({431, "the headers are too long"});
    }
    if (cr == buffered.size()) return false;
    if (buffered[cr] != '\r') return refuse({400, buffered[cr] == '\n' ? "a line ends without CR" : "a control character in the head"});
    if (end > buffered.size()) return false;
    if (buffered[cr + 1] != '\n') return refuse({400, "a CR without LF"});
    searched_ = end;
    const size_t begin = std::exchange(line_begin_, end);
    const auto line = buffered.substr(begin, cr - begin);
    if (lines_++ == 0) {
      headers_begin_ = end;
      if (const auto refusal = check_request_line(line)) return refuse(refusal);
    } else if (line.empty()) {
      if (const auto refusal = check_whole()) return refuse(refusal);
      framing_.keep_alive = framing_.http_1_0 ? keeps_ : !closes_;
      return true;
    } else {
      if (lines_ - 1 > limits_.header_count) return refuse({431, "too many headers"});
      if (const auto refusal = check_field(line, begin)) return refuse(refusal);
    }
  }
}

Refusal HeadScanner::check_request_line(std::string_view line) {
  const size_t method_end = line.find(' ');
  if (method_end == line.npos || method_end == 0 || !is_token(line.substr(0, method_end))) return {400, "invalid request line"};
  line.remove_prefix(method_end + 1);
  const size_t target_end = line.find(' ');
  if (target_end == line.npos || target_end == 0) return {400, "invalid request line"};
  const auto target = line.substr(0, target_end), version = line.substr(target_end + 1);
  method_size_ = static_cast<uint32_t>(method_end);
  target_size_ = static_cast<uint32_t>(target_end);
  if (!is_printable_ascii(target)) return {400, "invalid character in the request target"};
  if (target.front() != '/') return {400, "the request target must be a path"};
  if (version == "HTTP/1.1") return {};
  if (version == "HTTP/1.0") {
    framing_.http_1_0 = true;
    return {};
  }
  const bool is_version = version.size() == 8 && version.starts_with("HTTP/") && version[5] >= '0' && version[5] <= '9' && version[6] == '.' &&
                          version[7] >= '0' && version[7] <= '9';
  return is_version ? Refusal{505, "only HTTP/1.0 and HTTP/1.1 are spoken here"} : Refusal{400, "invalid request line"};
}

Refusal HeadScanner::check_field(std::string_view line, size_t at) {
  if (line.front() == ' ' || line.front() == '\t') return {400, "a header is folded"};
  const size_t colon = token_size(line);
  if (colon == line.size() || line[colon] != ':' || colon == 0) return {400, "invalid header name"};
  const auto name = line.substr(0, colon), value = without_blanks(line.substr(colon + 1));
  const auto value_at = static_cast<uint32_t>(at + static_cast<size_t>(value.data() - line.data()));
  fields_.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(name.size()), value_at, static_cast<uint32_t>(value.size())});
  switch (name.size()) {
    case 4:
      if (!name_is(name, "host")) break;
      if (++hosts_ > 1) return {400, "Host is given twice"};
      if (!is_host(value)) return {400, "invalid Host"};
      break;
    case 6:
      if (!name_is(name, "expect")) break;
      if (framing_.expects_continue || !name_is(value, "100-continue")) return {417, "unknown expectation"};
      framing_.expects_continue = true;
      break;
    case 10:
      if (name_is(name, "connection")) return check_connection(value);
      break;
    case 14:
      if (!name_is(name, "content-length")) break;
      if (++lengths_ > 1) return {400, "Content-Length is given twice"};
      return parse_length(value, framing_.content_length);
    case 17:
      if (!name_is(name, "transfer-encoding")) break;
      if (++encodings_ > 1) return {400, "Transfer-Encoding is given twice"};
      if (!name_is(value, "chunked")) return {400, "the only transfer encoding is chunked"};
      framing_.chunked = true;
      break;
    default: break;
  }
  return {};
}

// A list of tokens (RFC 9110, 7.6.1). Given twice, both count.
Refusal HeadScanner::check_connection(std::string_view value) {
  while (!value.empty()) {
    const size_t end = std::min(value.find(','), value.size());
    const auto option = without_blanks(value.substr(0, end));
    if (!is_token(option)) return {400, "invalid Connection"};
    closes_ |= name_is(option, "close");
    keeps_ |= name_is(option, "keep-alive");
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return {};
}

Refusal HeadScanner::check_whole() const {
  if (hosts_ == 0 && !framing_.http_1_0) return {400, "Host is missing"};
  if (encodings_ > 0 && lengths_ > 0) return {400, "both Transfer-Encoding and Content-Length"};
  if (encodings_ > 0 && framing_.http_1_0) return {400, "Transfer-Encoding in HTTP/1.0"};
  return {};
}

void HeadScanner::fill(std::string_view head, Request& request) const {
  request.method = head.substr(0, method_size_);
  request.target = head.substr(method_size_ + 1, target_size_);
  const size_t query = request.target.find('?');
  request.path = request.target.substr(0, query);
  request.query = query == request.target.npos ? std::string_view() : request.target.substr(query + 1);
  request.headers.resize(fields_.size());
  auto* header = request.headers.data();
  for (const auto& field : fields_) *header++ = {{head.data() + field.name, field.name_size}, {head.data() + field.value, field.value_size}};
}

}  // namespace kaimen::http
