#include "core/account_name.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include "base/encoding.h"

namespace kaimen::core {

namespace {

constexpr size_t kTypedBytes = 1024;
constexpr int32_t kNameCodePoints = 64;
constexpr int32_t kLeastPassword = 8, kMostPassword = 128;

// What a line of text can hold: neither control characters nor line breaks, and no characters that are none.
bool allowed(UChar32 c) {
  const int8_t type = u_charType(c);
  return type != U_CONTROL_CHAR && type != U_LINE_SEPARATOR && type != U_PARAGRAPH_SEPARATOR && type != U_SURROGATE && type != U_UNASSIGNED &&
         type != U_FORMAT_CHAR && type != U_PRIVATE_USE_CHAR;
}

icu::UnicodeString trimmed(const icu::UnicodeString& text) {
  int32_t begin = 0, end = text.length();
  while (begin < end && u_isUWhiteSpace(text.char32At(begin))) begin = text.moveIndex32(begin, 1);
  while (begin < end && u_isUWhiteSpace(text.char32At(end - 1))) end = text.moveIndex32(end, -1);
  return icu::UnicodeString(text, begin, end - begin);
}

}  // namespace

std::optional<std::string> canonical_name(std::string_view typed) {
  if (typed.size() > kTypedBytes || !is_utf8(typed)) return std::nullopt;
  UErrorCode failed = U_ZERO_ERROR;
  const icu::Normalizer2* folding = icu::Normalizer2::getNFKCCasefoldInstance(failed);
  if (U_FAILURE(failed)) return std::nullopt;
  const auto before = icu::UnicodeString::fromUTF8(icu::StringPiece(typed.data(), static_cast<int32_t>(typed.size())));
  for (int32_t at = 0; at < before.length(); at = before.moveIndex32(at, 1)) {
    if (u_charType(before.char32At(at)) == U_CONTROL_CHAR) return std::nullopt;  // folding would leave some of them out
  }
  const icu::UnicodeString name = trimmed(folding->normalize(before, failed));
  if (U_FAILURE(failed) || name.isEmpty() || name.countChar32() > kNameCodePoints) return std::nullopt;
  for (int32_t at = 0; at < name.length(); at = name.moveIndex32(at, 1)) {
    if (!allowed(name.char32At(at))) return std::nullopt;
  }
  std::string text;
  name.toUTF8String(text);
  return text;
}

std::optional<Secret> canonical_password(const Secret& typed) {
  const std::string& plain = typed.reveal();
  if (plain.size() > kTypedBytes || !is_utf8(plain)) return std::nullopt;
  UErrorCode failed = U_ZERO_ERROR;
  const icu::Normalizer2* composing = icu::Normalizer2::getNFCInstance(failed);
  if (U_FAILURE(failed)) return std::nullopt;
  const auto before = icu::UnicodeString::fromUTF8(icu::StringPiece(plain.data(), static_cast<int32_t>(plain.size())));
  const icu::UnicodeString composed = composing->normalize(before, failed);
  const int32_t length = composed.countChar32();
  if (U_FAILURE(failed) || length < kLeastPassword || length > kMostPassword) return std::nullopt;
  std::string text;
  composed.toUTF8String(text);
  return Secret(std::move(text));
}

}  // namespace kaimen::core
