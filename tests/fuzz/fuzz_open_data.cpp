// Decrypted open data is chosen by whoever chose the ciphertext: the readers take any bytes. What one kind accepts, no other may.
#include <cstdint>
#include <cstdlib>

#include "platform/wechat_open_data.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto phone = kaimen::platform::read_open_phone(text);
  const auto info = kaimen::platform::read_open_user_info(text);
  const auto raw = kaimen::platform::read_raw_user_info_text(text);
  if (int(phone.has_value()) + int(info.has_value()) + int(raw.has_value()) > 1) std::abort();
  if (phone && phone->phone.full != "+" + phone->phone.country_code + phone->phone.national) std::abort();
  if (info && !info->openid.empty() && !kaimen::platform::is_wechat_subject(info->openid)) std::abort();
  return 0;
}
