// The bytes of heads, looked at sixteen at a time: this runs over every byte of every request.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace kaimen::http {

namespace bytes {

inline constexpr std::array<bool, 256> kToken = [] {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[size_t(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[size_t(c)] = table[size_t(c - 'a' + 'A')] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<uint8_t>(c)] = true;
  return table;
}();

inline bool is_control(char c) {
  const auto byte = static_cast<uint8_t>(c);
  return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

#ifdef __SSE2__
inline constexpr size_t kWide = sizeof(__m128i);

inline __m128i load(const char* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }
inline __m128i all(char c) { return _mm_set1_epi8(c); }
// Both as unsigned: the smaller of a byte and the limit is the byte.
inline __m128i at_most(__m128i bytes, char limit) { return _mm_cmpeq_epi8(_mm_min_epu8(bytes, all(limit)), bytes); }
// A bit for each byte.
inline uint32_t bits(__m128i found) { return static_cast<uint32_t>(_mm_movemask_epi8(found)); }

inline uint32_t controls(const char* at) {
  const __m128i bytes = load(at);
  const __m128i low = _mm_andnot_si128(_mm_cmpeq_epi8(bytes, all('\t')), at_most(bytes, 0x1f));
  return bits(_mm_or_si128(low, _mm_cmpeq_epi8(bytes, all(0x7f))));
}

// Letters, digits and hyphens: nearly all names are made of these alone.
inline uint32_t usual(const char* at) {
  const __m128i bytes = load(at);
  const __m128i letter = at_most(_mm_sub_epi8(_mm_or_si128(bytes, all(0x20)), all('a')), 25);
  const __m128i digit = at_most(_mm_sub_epi8(bytes, all('0')), 9);
  return bits(_mm_or_si128(_mm_or_si128(letter, digit), _mm_cmpeq_epi8(bytes, all('-'))));
}
#endif

}  // namespace bytes

/// Where, from `at` on, the first control character other than HTAB stands; text.size() if there is none. Bytes beyond 0x7f are none.
inline size_t find_control(std::string_view text, size_t at) {
#ifdef __SSE2__
  for (; text.size() - at >= bytes::kWide; at += bytes::kWide) {
    if (const uint32_t found = bytes::controls(text.data() + at)) return at + static_cast<size_t>(std::countr_zero(found));
  }
  if (at != text.size() && text.size() >= bytes::kWide) {  // what is left, with bytes before it that are not asked for
    const size_t begin = text.size() - bytes::kWide;
    const uint32_t found = bytes::controls(text.data() + begin) >> (at - begin);
    return found ? at + static_cast<size_t>(std::countr_zero(found)) : text.size();
  }
#endif
  while (at != text.size() && !bytes::is_control(text[at])) ++at;
  return at;
}

/// How many characters of a token (RFC 9110, 5.6.2) `text` begins with.
inline size_t token_size(std::string_view text) {
  size_t at = 0;
#ifdef __SSE2__
  for (; text.size() - at >= bytes::kWide; at += bytes::kWide) {
    if (const uint32_t other = ~bytes::usual(text.data() + at) & 0xffff) {
      at += static_cast<size_t>(std::countr_zero(other));
      break;
    }
  }
#endif
  while (at != text.size() && bytes::kToken[static_cast<uint8_t>(text[at])]) ++at;
  return at;
}

/// No control character but HTAB.
inline bool is_field_text(std::string_view text) { return find_control(text, 0) == text.size(); }

}  // namespace kaimen::http
