// Pictures are anybody's bytes. What is taken stays within its pixels, grows by no more than the note of how it is turned, and is clean: taken
// again it stays as it is.
#include <cstdint>
#include <cstdlib>

#include "core/picture.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto picture = kaimen::core::clean_picture(bytes);
  if (!picture) return 0;
  const auto& clean = picture.value();
  if (clean.width == 0 || clean.height == 0 || clean.width > kaimen::core::kPictureSide || clean.height > kaimen::core::kPictureSide) std::abort();
  if (clean.body.size() > size + 64) std::abort();
  const auto again = kaimen::core::clean_picture(clean.body);
  if (!again || again.value().body != clean.body || again.value().type != clean.type) std::abort();
  return 0;
}
