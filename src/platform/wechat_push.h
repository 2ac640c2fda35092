// WeChat's message push: what is signed, what is encrypted, and what the events about users say. Secure mode only: the signature of the
// plain mode does not cover the body. Sources: "消息推送" and "用户信息安全: 授权信息变更事件" of WeChat's documents.
#pragma once

#include <optional>

#include "base/random.h"
#include "core/component_platform.h"

namespace kaimen::platform {

/// Whether the check of the URL is signed with the app's Token. Of an app that has authorised a component, here as below, those of the
/// component count beside its own, and the message is for the component then.
bool is_signed_push_check(const core::App& app, const core::Push& push);
/// nullopt: the app has no push keys, msg_signature does not fit, the envelope does not open, or it is for another app.
std::optional<core::PushMessage> open_wechat_push(const core::App& app, const core::Push& push);
/// The envelope {Encrypt, MsgSignature, TimeStamp, Nonce} around `text`, as JSON or XML and under the keys as the push was. Errors: unavailable
/// (no randomness), internal (the app has no push keys).
Result<core::PushReply> seal_wechat_push_reply(const core::App& app, const core::Push& push, std::string_view text, Time now, Random& random);

/// A push about the component itself: its ticket, and who has authorised it. nullopt: as above.
std::optional<core::ComponentPush> open_wechat_component_push(const core::App& component, const core::Push& push);

}  // namespace kaimen::platform
