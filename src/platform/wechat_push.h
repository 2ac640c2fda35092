// WeChat's message push: what is signed, what is encrypted, and what the events about users say. Secure mode only: the signature of the
// plain mode does not cover the body. Sources: "消息推送" and "用户信息安全: 授权信息变更事件" of WeChat's documents.
#pragma once

#include <optional>

#include "base/random.h"
#include "core/platform.h"

namespace kaimen::platform {

/// Whether the check of the URL is signed with the app's Token.
bool is_signed_push_check(const core::App& app, const core::Push& push);
/// nullopt: the app has no push keys, msg_signature does not fit, the envelope does not open, or it is for another app.
std::optional<core::PushMessage> open_wechat_push(const core::App& app, const core::Push& push);
/// The envelope {Encrypt, MsgSignature, TimeStamp, Nonce} around `text`, as JSON or XML as the push was. Errors: unavailable (no randomness),
/// internal (the app has no push keys).
Result<core::PushReply> seal_wechat_push_reply(const core::App& app, const core::Push& push, std::string_view text, Time now, Random& random);

}  // namespace kaimen::platform
