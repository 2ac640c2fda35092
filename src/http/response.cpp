// Writing answers.
#include <algorithm>
#include <charconv>
#include <ctime>

#include "http/field_text.h"
#include "http/server.h"

namespace kaimen::http {

namespace {

// IMF-fixdate, made once a second on each thread.
std::string_view date_now() {
  thread_local char text[32];
  thread_local size_t length = 0;
  thread_local time_t made = -1;
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != made) {
    made = now.tv_sec;
    tm parts{};
    gmtime_r(&made, &parts);
    length = strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  }
  return {text, length};
}

void append_number(std::string& out, size_t number) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
  out.append(digits, end);
}

// A line break that slipped into a value must not begin another header.
void append_field(std::string& out, std::string_view text) {
  const size_t begin = out.size();
  out.append(text);
  if (is_field_text(text)) return;
  std::replace_if(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7f; }, ' ');
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  append_field(out, name);
  out += ": ";
  append_field(out, value);
  out += "\r\n";
}

}  // namespace

void write_response(std::string& out, const Response& response, const Request& request, bool keep_alive) {
  const bool bodiless = response.status == 204 || response.status == 304;
  out += "HTTP/1.1 ";
  append_number(out, static_cast<size_t>(response.status));
  out += ' ';
  out += reason_phrase(response.status);
  out += "\r\n";
  for (const auto& [name, value] : response.headers) append_header(out, name, value);
  if (!bodiless) {
    out += "Content-Length: ";
    append_number(out, response.body.size());
    out += "\r\n";
  }
  append_header(out, "Date", date_now());
  append_header(out, "X-Request-Id", request.request_id);
  if (!keep_alive) out += "Connection: close\r\n";
  else if (request.http_1_0) out += "Connection: keep-alive\r\n";
  out += "\r\n";
  if (!bodiless && request.method != "HEAD") out += response.body;
}

}  // namespace kaimen::http
