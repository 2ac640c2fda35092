// Four characters at a time: one table for each place holds the character's six bits where they belong in the 24, so a group costs four
// loads and three ORs. What is no character has a high bit set, which is looked at once, at the end.
#include "check/base64url.h"

#include <array>

namespace kaimen::check {

namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr uint32_t kNone = 0xff000000;
using Place = std::array<uint32_t, 256>;

constexpr Place place(int shift) {
  Place values{};
  for (auto& value : values) value = kNone;
  for (size_t i = 0; i < kAlphabet.size(); ++i) values[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint32_t>(i) << shift;
  return values;
}
constexpr std::array<Place, 4> kPlaces = {place(18), place(12), place(6), place(0)};

}  // namespace

bool decode_base64url(std::string_view text, uint8_t* out) noexcept {
  const auto* in = reinterpret_cast<const uint8_t*>(text.data());
  const size_t rest = text.size() % 4;
  if (rest == 1) return false;
  uint32_t seen = 0;
  for (const auto* const end = in + (text.size() - rest); in != end; in += 4, out += 3) {
    const uint32_t group = kPlaces[0][in[0]] | kPlaces[1][in[1]] | kPlaces[2][in[2]] | kPlaces[3][in[3]];
    seen |= group;
    out[0] = static_cast<uint8_t>(group >> 16);
    out[1] = static_cast<uint8_t>(group >> 8);
    out[2] = static_cast<uint8_t>(group);
  }
  if (rest != 0) {
    const uint32_t group = kPlaces[0][in[0]] | kPlaces[1][in[1]] | (rest == 3 ? kPlaces[2][in[2]] : 0);
    const uint32_t spare = rest == 3 ? 0xff : 0xffff;
    seen |= group | ((group & spare) != 0 ? kNone : 0);
    out[0] = static_cast<uint8_t>(group >> 16);
    if (rest == 3) out[1] = static_cast<uint8_t>(group >> 8);
  }
  return (seen & kNone) == 0;
}

void append_base64url(const uint8_t* bytes, size_t size, std::string& text) {
  for (; size >= 3; bytes += 3, size -= 3) {
    const uint32_t group = static_cast<uint32_t>(bytes[0]) << 16 | static_cast<uint32_t>(bytes[1]) << 8 | bytes[2];
    const char characters[] = {kAlphabet[group >> 18], kAlphabet[group >> 12 & 63], kAlphabet[group >> 6 & 63], kAlphabet[group & 63]};
    text.append(characters, 4);
  }
  if (size != 0) {
    const uint32_t group = static_cast<uint32_t>(bytes[0]) << 16 | (size == 2 ? static_cast<uint32_t>(bytes[1]) << 8 : 0);
    const char characters[] = {kAlphabet[group >> 18], kAlphabet[group >> 12 & 63], kAlphabet[group >> 6 & 63]};
    text.append(characters, size + 1);
  }
}

}  // namespace kaimen::check
