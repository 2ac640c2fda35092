// What a platform answers that does not have the call.
#include "core/platform.h"

namespace kaimen::core {

namespace {

CallFailure absent() {
  CallFailure failure;
  failure.error = make_error(ErrorCode::app_misconfigured, "the app's platform does not have this call");
  return failure;
}

}  // namespace

bool leaves_unspent(const CallFailure& failure) {
  return failure.code_unspent || failure.error.code == ErrorCode::rate_limited || failure.error.code == ErrorCode::app_misconfigured;
}

Task<CallResult<Secret>> Platform::reset_session_key(AppPtr, Secret, std::string, Secret, Deadline) { co_return absent(); }
Task<CallResult<std::vector<EncryptKey>>> Platform::encrypt_keys(AppPtr, Secret, std::string, Secret, Deadline) { co_return absent(); }
Task<CallResult<Verdict>> Platform::check_text(AppPtr, Secret, std::string, std::string, Deadline) { co_return absent(); }
Task<CallResult<std::string>> Platform::check_picture(AppPtr, Secret, std::string, std::string, Deadline) { co_return absent(); }
Task<CallResult<ProxyAnswer>> Platform::pass_on(AppPtr, Secret, std::shared_ptr<const ProxyCall>, Deadline) { co_return absent(); }
Task<CallResult<std::string>> Platform::draw_code(AppPtr, Secret, CodePicture, Deadline) { co_return absent(); }
Task<CallResult<std::string>> Platform::make_link(AppPtr, Secret, MakeLink, Deadline) { co_return absent(); }
bool Platform::is_push_check(const App&, const Push&) const { return false; }
std::optional<PushMessage> Platform::open_push(const App&, const Push&) const { return std::nullopt; }
Result<PushReply> Platform::seal_push_reply(const App&, const Push&, Time) const { return PushReply{}; }
std::optional<Watermark> Platform::read_watermark(std::string_view) const { return std::nullopt; }

}  // namespace kaimen::core
