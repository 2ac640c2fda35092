// Four characters at a time: one table for each place holds the character's six bits where they belong in the 24, so a group costs four
// loads and three ORs. What is no character has a high bit set, which is looked at once, at the end. Where the processor can look sixteen bytes
// up at once, sixteen characters take little more than one group does: half of what is not cryptography in a check goes here.
#include "check/base64url.h"

#include <array>

#if defined(__x86_64__)
#include <tmmintrin.h>
#endif

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

#if defined(__x86_64__)
constexpr size_t kWideMin = 24;  // sixteen bytes are written for the twelve of sixteen characters, and there must be room

// Decodes sixteen characters at a time while there are kWideMin; `in` and `out` go on behind them. False: one was none.
__attribute__((target("ssse3"))) bool decode_wide(const uint8_t*& in, const uint8_t* end, uint8_t*& out) noexcept {
  // A character is one if no bit is in both of what its halves stand for: bit 0 "high 2, and low not d (-)", 1 "high 3, and low above 9",
  // 2 "high 4 or 6, and low 0", 3 "high 5, and low b to e", 4 "no character has this high half", 5 "high 7, and low above a".
  const __m128i low_half = _mm_setr_epi8(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x3b, 0x3b, 0x3a, 0x3b, 0x33);
  const __m128i high_half = _mm_setr_epi8(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x20, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
  // From a character to its six bits, by its high half; '_' is 33 further than the letters beside it.
  const __m128i distance = _mm_setr_epi8(0, 0, 62 - '-', 52 - '0', 0 - 'A', 0 - 'A', 26 - 'a', 26 - 'a', 0, 0, 0, 0, 0, 0, 0, 0);
  const __m128i nibble = _mm_set1_epi8(0x0f);
  const __m128i order = _mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
  __m128i wrong = _mm_setzero_si128();
  for (; end - in >= static_cast<ptrdiff_t>(kWideMin); in += 16, out += 12) {
    const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in));
    const __m128i high = _mm_and_si128(_mm_srli_epi32(text, 4), nibble);
    wrong = _mm_or_si128(wrong, _mm_and_si128(_mm_shuffle_epi8(low_half, _mm_and_si128(text, nibble)), _mm_shuffle_epi8(high_half, high)));
    const __m128i underscore = _mm_and_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('_')), _mm_set1_epi8(33));
    const __m128i six = _mm_add_epi8(text, _mm_add_epi8(_mm_shuffle_epi8(distance, high), underscore));
    const __m128i twelve = _mm_maddubs_epi16(six, _mm_set1_epi32(0x01400140));
    const __m128i twenty_four = _mm_madd_epi16(twelve, _mm_set1_epi32(0x00011000));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_shuffle_epi8(twenty_four, order));
  }
  return _mm_movemask_epi8(_mm_cmpeq_epi8(wrong, _mm_setzero_si128())) == 0xffff;
}
#endif

}  // namespace

bool decode_base64url(std::string_view text, uint8_t* out) noexcept {
  const auto* in = reinterpret_cast<const uint8_t*>(text.data());
  const size_t rest = text.size() % 4;
  if (rest == 1) return false;
  const auto* const end = in + (text.size() - rest);
#if defined(__x86_64__)
  if (text.size() >= kWideMin && __builtin_cpu_supports("ssse3") && !decode_wide(in, end, out)) return false;
#endif
  uint32_t seen = 0;
  for (; in != end; in += 4, out += 3) {
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
