#include "http/message.h"

#include <boost/beast/http/status.hpp>

namespace kaimen::http {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

bool decode(std::string_view text, bool plus_is_blank, std::string& out) {
  out.clear();
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (text.size() - i < 3) return false;
      const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return false;
      out.push_back(static_cast<char>(high << 4 | low));
      i += 2;
    } else {
      out.push_back(plus_is_blank && text[i] == '+' ? ' ' : text[i]);
    }
  }
  return true;
}

}  // namespace

bool same_but_for_case(std::string_view a, std::string_view b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

const std::string_view* Request::header(std::string_view name) const {
  for (const auto& header : headers) {
    if (name_is(header.name, name)) return &header.value;
  }
  return nullptr;
}

size_t Request::count(std::string_view name) const {
  size_t found = 0;
  for (const auto& header : headers) found += name_is(header.name, name);
  return found;
}

const std::string* Parameters::find(std::string_view name) const {
  for (const auto& [key, value] : items) {
    if (key == name) return &value;
  }
  return nullptr;
}

bool Parameters::doubled(std::string_view name) const {
  size_t found = 0;
  for (const auto& item : items) found += item.first == name;
  return found > 1;
}

bool parse_parameters(std::string_view text, Parameters& out) {
  out.items.clear();
  while (!text.empty()) {
    const size_t end = text.find('&');
    const std::string_view item = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (item.empty()) continue;
    const size_t equals = item.find('=');
    auto& [name, value] = out.items.emplace_back();
    if (!decode(item.substr(0, equals), true, name)) return false;
    if (equals != item.npos && !decode(item.substr(equals + 1), true, value)) return false;
  }
  return true;
}

std::string url_encode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<uint8_t>(c);
      out.push_back('%');
      out.push_back(digits[byte >> 4]);
      out.push_back(digits[byte & 15]);
    }
  }
  return out;
}

bool url_decode(std::string_view text, std::string& out) { return decode(text, false, out); }

std::string_view reason_phrase(int status) {
  namespace beast = boost::beast::http;
  const auto phrase = beast::obsolete_reason(beast::int_to_status(static_cast<unsigned>(status)));
  return {phrase.data(), phrase.size()};
}

}  // namespace kaimen::http
