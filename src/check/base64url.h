// Base64url without padding (RFC 4648, section 5) into memory that the caller has: the check's own, because it may not allocate and runs
// for every request. Strict: one spelling for each value, so that a ticket has one text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kaimen::check {

/// How many bytes a text of that many characters stands for.
constexpr size_t decoded_size(size_t characters) { return characters / 4 * 3 + characters % 4 * 3 / 4; }

/// Decodes `text` to `out`, which has room for decoded_size(text.size()) bytes. False: a character outside the alphabet, a length that no
/// value has, or spare bits that are not zero; `out` then holds anything. Not constant in time: a ticket's text is no secret from its holder.
bool decode_base64url(std::string_view text, uint8_t* out) noexcept;

/// Appends `size` bytes to `text`.
void append_base64url(const uint8_t* bytes, size_t size, std::string& text);

}  // namespace kaimen::check
