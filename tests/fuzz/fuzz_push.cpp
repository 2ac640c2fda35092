// A push's envelope is anybody's bytes until its signature has been looked at: both forms are read before that. What comes out stays within
// its limits, and what is not signed opens for nobody.
#include <cstdint>
#include <cstdlib>

#include "platform/push_fields.h"
#include "platform/wechat_push.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto fields = kaimen::platform::read_push_fields(text);
  if (fields) {
    size_t bytes = 0;
    for (const auto& [name, value] : *fields) bytes += value.size();
    if (fields->size() > 256 || bytes > 2 * size) std::abort();
  }
  kaimen::core::App app;
  app.app_id = "wx1";
  app.push_token = kaimen::Secret("token");
  app.push_key = kaimen::Secret("kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR");
  if (kaimen::platform::open_wechat_push(app, {"1795000000", "nonce", "0123456789012345678901234567890123456789", text})) std::abort();
  return 0;
}
