// Hex and base64 (RFC 4648), strict: one spelling for each value, so that no two texts mean the same secret or ticket.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kaimen {

/// The two hex digits of each byte, for those who write many of them.
inline constexpr auto kHexPairs = [] {
  std::array<std::array<char, 2>, 256> pairs{};
  for (size_t byte = 0; byte < pairs.size(); ++byte) pairs[byte] = {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
  return pairs;
}();

/// Lower-case hex.
std::string to_hex(std::string_view bytes);
/// Lower-case hex of even length only.
std::optional<std::string> from_hex(std::string_view hex);

/// Standard alphabet, padded.
std::string to_base64(std::string_view bytes);
/// Standard alphabet, padding required, spare bits must be zero, no white space.
std::optional<std::string> from_base64(std::string_view text);
/// The same, but accepts non-zero spare bits in the last character (WeChat's 43-character EncodingAESKey has them).
std::optional<std::string> from_base64_lenient(std::string_view text);

/// URL-safe alphabet, no padding.
std::string to_base64url(std::string_view bytes);
/// URL-safe alphabet, no padding, spare bits must be zero.
std::optional<std::string> from_base64url(std::string_view text);

/// Whether `text` is well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF).
bool is_utf8(std::string_view text);
/// Number of code points; the text must be valid UTF-8.
size_t utf8_length(std::string_view text);
/// Whether `text` is UTF-8 of at most that many code points without control characters (C0, DEL, C1): what may stand in a log, a table or a
/// terminal without doing anything there.
bool is_plain_text(std::string_view text, size_t most_code_points);

}  // namespace kaimen
