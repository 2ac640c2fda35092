// Four characters at a time: one table for each place holds the character's six bits where they belong in the 24, so a group costs four
// loads and three ORs. What is no character has a high bit set, which is looked at once, at the end. Where the processor has AVX2, 32 at a time.
#include "check/base64url.h"

#include <array>
#include <cstring>
#include <utility>

#ifdef __x86_64__
#include <immintrin.h>
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

#ifdef __x86_64__
// What is of the alphabet, by the two halves of a character: bit `high` of allowed[low]; and what to add to a character for its six bits, by
// its upper half alone, where only '_' is at odds with its neighbours. (W. Mula, D. Lemire: Faster Base64 Encoding and Decoding, 2018.)
struct Halves {
  std::array<uint8_t, 16> allowed{}, bit{}, moved{};
  constexpr Halves() {
    for (size_t i = 0; i < kAlphabet.size(); ++i) {
      const auto c = static_cast<uint8_t>(kAlphabet[i]);
      allowed[c & 15] |= static_cast<uint8_t>(1 << (c >> 4));
      if (c != '_') moved[c >> 4] = static_cast<uint8_t>(i - c);
    }
    for (size_t high = 0; high < 8; ++high) bit[high] = static_cast<uint8_t>(1 << high);
  }
};
constexpr Halves kHalves;
constexpr char kUnderscoreMoved = static_cast<char>(63 - '_' - (15 - 'P'));  // beside 'P' to 'Z'

#define KAIMEN_WIDE __attribute__((target("avx2")))

KAIMEN_WIDE inline __m256i twice(const std::array<uint8_t, 16>& bytes) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes.data())));
}

// Decodes 32 characters at a time while there are so many: how many it decoded, and whether all of them were of the alphabet.
KAIMEN_WIDE std::pair<size_t, bool> decode_wide(const uint8_t* in, size_t size, uint8_t* out) noexcept {
  const __m256i allowed = twice(kHalves.allowed), bit = twice(kHalves.bit), moved = twice(kHalves.moved), half = _mm256_set1_epi8(15);
  const __m256i pack = twice({2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 255, 255, 255, 255});
  __m256i bad = _mm256_setzero_si256();
  size_t done = 0;
  for (; size - done >= 32; done += 32, out += 24) {
    const __m256i text = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + done));
    const __m256i low = _mm256_and_si256(text, half), high = _mm256_and_si256(_mm256_srli_epi16(text, 4), half);
    const __m256i found = _mm256_and_si256(_mm256_shuffle_epi8(allowed, low), _mm256_shuffle_epi8(bit, high));
    bad = _mm256_or_si256(bad, _mm256_cmpeq_epi8(found, _mm256_setzero_si256()));
    const __m256i underscore = _mm256_and_si256(_mm256_cmpeq_epi8(text, _mm256_set1_epi8('_')), _mm256_set1_epi8(kUnderscoreMoved));
    const __m256i sixes = _mm256_add_epi8(text, _mm256_add_epi8(_mm256_shuffle_epi8(moved, high), underscore));
    // Six and six bits to twelve, twelve and twelve to 24, and of each four bytes the three that hold them, in the order of the text.
    const __m256i twelves = _mm256_maddubs_epi16(sixes, _mm256_set1_epi32(0x01400140));
    const __m256i bytes = _mm256_shuffle_epi8(_mm256_madd_epi16(twelves, _mm256_set1_epi32(0x00011000)), pack);
    const __m128i first = _mm256_castsi256_si128(bytes), second = _mm256_extracti128_si256(bytes, 1);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), first);  // four bytes too many, and the next twelve over them
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out + 12), second);
    const int last = _mm_extract_epi32(second, 2);
    std::memcpy(out + 20, &last, sizeof last);
  }
  return {done, _mm256_movemask_epi8(bad) == 0};
}
#endif

}  // namespace

bool decode_base64url(std::string_view text, uint8_t* out) noexcept {
  const auto* in = reinterpret_cast<const uint8_t*>(text.data());
  const auto* const end = in + text.size();
  const size_t rest = text.size() % 4;
  if (rest == 1) return false;
#ifdef __x86_64__
  if (text.size() >= 32 && __builtin_cpu_supports("avx2")) {
    const auto [done, good] = decode_wide(in, text.size(), out);
    if (!good) return false;
    in += done;
    out += done / 4 * 3;
  }
#endif
  uint32_t seen = 0;
  for (; in != end - rest; in += 4, out += 3) {
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
