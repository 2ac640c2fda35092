// A PNG that stands for a mini-program code: each scene gives another picture, and nothing can scan it.
#pragma once

#include <string>
#include <string_view>

namespace kaimen::sandbox {

/// A valid PNG of `width` × `width` pixels, black and white, that follows from `seed`.
std::string draw_code(std::string_view seed, unsigned width);

}  // namespace kaimen::sandbox
