// Reading a picture's bytes, and the kinds there are.
#pragma once

#include <optional>
#include <string_view>

#include "core/picture.h"

namespace kaimen::core {

/// Bytes from the front; whoever asks for more than there is gets nothing, and `good` is false from then on.
struct ByteReader {
  std::string_view rest;
  bool good = true;

  std::string_view take(size_t count) {
    if (count > rest.size()) {
      good = false;
      rest = {};
      return {};
    }
    const auto taken = rest.substr(0, count);
    rest.remove_prefix(count);
    return taken;
  }
  uint32_t number(size_t bytes, bool little) {
    const auto taken = take(bytes);
    uint32_t value = 0;
    for (size_t i = 0; i < taken.size(); ++i) value = value << 8 | static_cast<uint8_t>(taken[little ? taken.size() - 1 - i : i]);
    return value;
  }
  uint32_t big(size_t bytes) { return number(bytes, false); }
  uint32_t little(size_t bytes) { return number(bytes, true); }
};

// nullopt: broken. `bytes` begins as its kind begins.
std::optional<Picture> clean_jpeg(std::string_view bytes);
std::optional<Picture> clean_png(std::string_view bytes);
std::optional<Picture> clean_gif(std::string_view bytes);
std::optional<Picture> clean_webp(std::string_view bytes);

}  // namespace kaimen::core
