// An upload's body, read under a boundary of its own choosing: the first line is the content type. Parts are views into the body, in order,
// and none overlaps another.
#include <cstdint>
#include <cstdlib>

#include "http/multipart.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t line = text.find('\n');
  const std::string_view type = text.substr(0, line), body = line == text.npos ? std::string_view() : text.substr(line + 1);
  const auto parts = kaimen::http::read_multipart(type, body);
  if (!parts) return 0;
  const char* at = body.data();
  for (const auto& part : *parts) {
    if (part.name.data() < at || part.body.data() < part.name.data() + part.name.size()) std::abort();
    at = part.body.data() + part.body.size();
  }
  if (at > body.data() + body.size() || parts->size() > 16) std::abort();
  return 0;
}
