// Pictures that users send: what they are is told by their bytes, and what is not picture (place, camera, comments) is taken out. Nothing is
// decoded: a picture keeps the pixels it came with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kaimen::core {

inline constexpr uint32_t kPictureSide = 4096;  ///< Pixels, either way.

struct Picture {
  std::string_view type;  ///< "image/jpeg", "image/png", "image/webp", "image/gif".
  std::string body;       ///< Without what tells of the user.
  uint32_t width = 0, height = 0;
};

/// Error: invalid_request (no picture of these kinds, broken, or with too many pixels).
Result<Picture> clean_picture(std::string_view bytes);

}  // namespace kaimen::core
