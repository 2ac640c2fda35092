// The picture of a code to scan. WeChat's own are round and only WeChat reads them; these are QR codes (ISO 18004), which everything reads.
#pragma once

#include <string>

namespace kaimen::sandbox {

/// A PNG of `width` × `width` pixels, black and white: a QR code that says `text`. Empty: the text is too long for that width.
std::string draw_code(const std::string& text, unsigned width);

}  // namespace kaimen::sandbox
