// Whatever an upstream answers: no crash, and no session without an openid and a session_key of their forms. The first byte chooses the
// HTTP status.
#include <cstdint>
#include <cstdlib>

#include "platform/wechat_answer.h"
#include "platform/wechat_open_data.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const int status = data[0] % 2 == 0 ? 200 : 100 + data[0];
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto exchange = kaimen::platform::read_code_exchange(status, body);
  if (exchange) {
    if (status != 200 || !kaimen::platform::is_wechat_subject(exchange.value().openid)) std::abort();
    if (exchange.value().session_key.size() != 24) std::abort();
  } else if (exchange.error().error.upstream && exchange.error().error.upstream->rid.size() > 64) {
    std::abort();
  }
  const auto token = kaimen::platform::read_access_token(status, body);
  if (token && (token.value().token.empty() || token.value().expires_in.count() < 1)) std::abort();
  const auto phone = kaimen::platform::read_phone_info(status, body, "wx0000000000000001");
  if (phone && phone.value().national.empty()) std::abort();
  const auto stands = kaimen::platform::read_session_check(status, body);
  if (stands && stands.value() && status != 200) std::abort();
  return 0;
}
