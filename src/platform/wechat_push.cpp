#include "platform/wechat_push.h"

#include <charconv>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "crypto/wechat_push.h"
#include "http/json.h"
#include "platform/push_fields.h"
#include "platform/wechat_answer.h"
#include "platform/wechat_open_data.h"

namespace kaimen::platform {

using core::PushMessage;
using Kind = PushMessage::Kind;

namespace {

std::string_view field(const PushFields& fields, std::string_view name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

/// What WeChat repeats when it hears no answer is the same in all of these.
std::string once_of(const core::App& app, const PushFields& fields) {
  std::string text = "push\n" + app.app_id;
  auto add = [&](std::string_view name) { text.append("\n").append(field(fields, name)); };
  if (!field(fields, "MsgId").empty()) {
    add("MsgId");
  } else {
    for (const auto* name : {"FromUserName", "CreateTime", "Event", "OpenID", "RevokeInfo", "trace_id"}) add(name);
  }
  return crypto::sha256(text);
}

// Comma-separated numbers of what the user takes back; of those that are nothing of ours there are many.
void read_revoked(std::string_view list, PushMessage& message) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    message.nickname |= item == "6" || item == "19";
    message.avatar |= item == "6" || item == "20";
    message.phone |= item == "8";
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

void read_verdict(const PushFields& fields, PushMessage& message) {
  message.trace_id = field(fields, "trace_id");
  const std::string_view errcode = field(fields, "errcode"), suggest = field(fields, "result.suggest");
  if (!errcode.empty() && errcode != "0") return;
  if (suggest == "pass") message.verdict = core::Verdict::pass;
  if (suggest == "review") message.verdict = core::Verdict::review;
  if (suggest == "risky") message.verdict = core::Verdict::risky;
}

PushMessage message_of(const core::App& app, const PushFields& fields) {
  PushMessage message;
  message.once = once_of(app, fields);
  const std::string_view event = field(fields, "MsgType") == "event" ? field(fields, "Event") : std::string_view();
  if (event == "user_info_modified") message.kind = Kind::profile_cleared;
  if (event == "user_authorization_revoke") message.kind = Kind::access_revoked;
  if (event == "user_authorization_cancellation") message.kind = Kind::account_closed;
  if (event == "wxa_media_check") message.kind = Kind::picture_checked;
  if (message.kind == Kind::picture_checked) {
    read_verdict(fields, message);
    return message;
  }
  // FromUserName is not the user in these, and without an OpenID they concern nobody (or only a plug-in's user).
  const std::string_view openid = field(fields, "OpenID");
  if (is_wechat_subject(openid)) message.openid = openid;
  if (message.kind == Kind::profile_cleared) message.nickname = message.avatar = true;
  if (message.kind == Kind::access_revoked) read_revoked(field(fields, "RevokeInfo"), message);
  return message;
}

/// The component that the app has authorised, under whose keys WeChat pushes then; nullptr: none.
const core::App* component_of(const core::App& app) { return app.authorization ? app.authorization->component.get() : nullptr; }

/// What is in the envelope of a push under the app's keys.
std::optional<PushFields> open_envelope(const core::App& app, const core::Push& push) {
  const auto key = crypto::push_key(app.push_key.reveal());
  if (app.push_token.empty() || !key) return std::nullopt;
  const auto envelope = read_push_fields(push.body);
  if (!envelope) return std::nullopt;
  const std::string_view encrypted = field(*envelope, "Encrypt");
  if (encrypted.empty()) return std::nullopt;
  const std::string signature = crypto::push_signature({app.push_token.reveal(), push.timestamp, push.nonce, encrypted});
  if (!Secret::equal(signature, push.signature)) return std::nullopt;
  const auto plain = crypto::open_push(*key, encrypted, app.app_id);
  return plain ? read_push_fields(*plain) : std::nullopt;
}

bool is_check_under(const core::App& keyed, const core::Push& push) {
  if (keyed.push_token.empty()) return false;
  return Secret::equal(crypto::push_signature({keyed.push_token.reveal(), push.timestamp, push.nonce}), push.signature);
}

/// Seconds since 1970; zero: not of that form.
Time made_at(std::string_view text) {
  constexpr size_t kDigits = 11;
  int64_t seconds = 0;
  const auto [stopped, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (problem != std::errc() || stopped != text.data() + text.size() || text.size() > kDigits || seconds < 0) return {};
  return from_epoch_ms(seconds * 1000);
}

}  // namespace

bool is_signed_push_check(const core::App& app, const core::Push& push) {
  const core::App* component = component_of(app);
  return is_check_under(app, push) || (component && is_check_under(*component, push));
}

std::optional<PushMessage> open_wechat_push(const core::App& app, const core::Push& push) {
  const core::App* component = component_of(app);
  auto fields = open_envelope(app, push);
  if (!fields && component) fields = open_envelope(*component, push);
  if (!fields) return std::nullopt;
  return message_of(app, *fields);
}

Result<core::PushReply> seal_wechat_push_reply(const core::App& app, const core::Push& push, std::string_view text, Time now, Random& random) {
  const core::App* component = component_of(app);
  const core::App& keyed = component && !open_envelope(app, push) ? *component : app;
  const auto key = crypto::push_key(keyed.push_key.reveal());
  if (!key) return make_error(ErrorCode::internal, "the app has no push keys");
  TRY(const std::string encrypted, crypto::seal_push(*key, text, keyed.app_id, random));
  TRY(const auto noise, random.bytes<8>());
  const std::string nonce = to_hex({reinterpret_cast<const char*>(noise.data()), noise.size()});
  const int64_t seconds = epoch_ms(now) / 1000;
  const std::string timestamp = std::to_string(seconds);
  const std::string signature = crypto::push_signature({keyed.push_token.reveal(), timestamp, nonce, encrypted});
  if (is_xml_push(push.body)) {
    return core::PushReply{"application/xml", "<xml><Encrypt><![CDATA[" + encrypted + "]]></Encrypt><MsgSignature><![CDATA[" + signature +
                                                  "]]></MsgSignature><TimeStamp>" + timestamp + "</TimeStamp><Nonce><![CDATA[" + nonce + "]]></Nonce></xml>"};
  }
  return core::PushReply{"application/json",
                         http::to_text(http::json::object{{"Encrypt", encrypted}, {"MsgSignature", signature}, {"TimeStamp", seconds}, {"Nonce", nonce}})};
}

std::optional<core::ComponentPush> open_wechat_component_push(const core::App& component, const core::Push& push) {
  using Told = core::ComponentPush::Kind;
  const auto fields = open_envelope(component, push);
  if (!fields) return std::nullopt;
  core::ComponentPush message;
  message.made_at = made_at(field(*fields, "CreateTime"));
  const std::string_view kind = field(*fields, "InfoType"), app_id = field(*fields, "AuthorizerAppid");
  // What cannot be put in order of time is nothing of ours.
  if (field(*fields, "AppId") != component.app_id || message.made_at == Time{}) return message;
  std::string once = "component-push\n" + component.app_id;
  for (const auto* name : {"InfoType", "CreateTime", "AuthorizerAppid", "AuthorizationCode"}) once.append("\n").append(field(*fields, name));
  message.once = crypto::sha256(once);
  message.ticket = Secret(field(*fields, "ComponentVerifyTicket"));
  message.auth_code = Secret(field(*fields, "AuthorizationCode"));
  message.pre_auth_code = Secret(field(*fields, "PreAuthCode"));
  if (kind == "component_verify_ticket" && is_sane_token(message.ticket.reveal())) message.kind = Told::ticket;
  if (!is_wechat_subject(app_id)) return message;
  message.app_id = app_id;
  const bool changed = kind == "authorized" || kind == "updateauthorized";
  if (changed && is_sane_token(message.auth_code.reveal())) message.kind = Told::authorized;
  if (kind == "unauthorized") message.kind = Told::unauthorized;
  return message;
}

}  // namespace kaimen::platform
