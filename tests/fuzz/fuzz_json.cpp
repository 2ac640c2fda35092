// parse_json over arbitrary bytes: what it accepts is UTF-8, within the depth, and means the same after a round trip.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/encoding.h"
#include "http/json.h"

namespace {

namespace json = kaimen::http::json;

// Equal, but for the last digits of doubles: Boost.JSON 1.81 does not round them correctly. Integers are exact.
bool same(const json::value& a, const json::value& b) {
  if (a.kind() != b.kind()) return false;
  if (a.is_double()) return std::abs(a.get_double() - b.get_double()) <= 1e-12 * std::abs(a.get_double());
  if (a.is_array()) {
    if (a.get_array().size() != b.get_array().size()) return false;
    for (size_t i = 0; i < a.get_array().size(); ++i) {
      if (!same(a.get_array()[i], b.get_array()[i])) return false;
    }
    return true;
  }
  if (a.is_object()) {
    if (a.get_object().size() != b.get_object().size()) return false;
    for (const auto& member : a.get_object()) {
      const auto* other = b.get_object().if_contains(member.key());
      if (!other || !same(member.value(), *other)) return false;
    }
    return true;
  }
  return a == b;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kaimen;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto first = http::parse_json(text);
  if (!first) return 0;
  if (!is_utf8(text)) std::abort();
  const auto again = http::parse_json(http::to_text(first.value()));
  if (!again || !same(first.value(), again.value())) std::abort();
  if (const auto* object = first.value().if_object()) {
    http::Reader reader(*object);
    for (const auto& member : *object) {
      reader.string({member.key()});
      reader.integer({member.key()});
    }
    if (!reader.unknown().empty()) std::abort();
  }
  return 0;
}
