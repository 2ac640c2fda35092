#include "platform/wechat_signing.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/encoding.h"
#include "core/signing_keys.h"
#include "crypto/api_signing.h"
#include "http/json.h"
#include "http/message.h"
#include "platform/wechat_answer.h"

namespace kaimen::platform {

namespace json = http::json;

namespace {

constexpr std::string_view kToken = "access_token";
constexpr std::chrono::minutes kClockApart{5};

core::CallFailure refused(std::string_view what) {
  core::CallFailure failure;
  failure.error = make_error(ErrorCode::upstream_error, "WeChat's signed answer: " + std::string(what));
  return failure;
}

std::string url_of(const http::ClientRequest& request, std::string_view path) {
  const auto& base = request.url;
  std::string url = std::string(base.tls ? "https://" : "http://") + (base.host.find(':') == base.host.npos ? base.host : "[" + base.host + "]");
  if (base.port != (base.tls ? 443 : 80)) url += ":" + std::to_string(base.port);
  return url + base.prefix + std::string(path);
}

int64_t seconds_of(Time time) { return epoch_ms(time) / 1000; }

std::string text_at(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  const auto* text = value ? value->if_string() : nullptr;
  return text ? std::string(text->data(), text->size()) : std::string();
}

std::string header_of(const http::ClientResponse& answer, std::string_view name) {
  const auto* value = answer.header(name);
  return value ? *value : std::string();
}

std::optional<json::object> object_in(std::string_view text) {
  auto parsed = http::parse_json(text);
  auto* object = parsed ? parsed.value().if_object() : nullptr;
  if (!object) return std::nullopt;
  return std::move(*object);
}

bool is_picture(std::string_view body) { return body.starts_with("\xff\xd8") || body.starts_with("\x89PNG") || body.starts_with("GIF8"); }

/// The signature under our number of WeChat's key: the newer one, or the older one while it is being replaced.
std::string signature_for(const http::ClientResponse& answer, const std::string& platform_sn) {
  if (header_of(answer, "Wechatmp-Serial") == platform_sn) return header_of(answer, "Wechatmp-Signature");
  if (header_of(answer, "Wechatmp-Serial-Deprecated") == platform_sn) return header_of(answer, "Wechatmp-Signature-Deprecated");
  return {};
}

}  // namespace

bool is_to_be_signed(const core::App& app, std::string_view target) {
  if (!app.signing) return false;
  const std::string_view path = target.substr(0, target.find('?'));
  return path.starts_with('/') && std::ranges::find(app.settings.signing_paths, path.substr(1)) != app.settings.signing_paths.end();
}

Result<SignedCall> sign_request(http::ClientRequest& request, const core::App& app, Time now, Random& random) {
  const core::SigningKeys& keys = *app.signing;
  const size_t mark = std::min(request.target.find('?'), request.target.size());
  const std::string path = request.target.substr(0, mark);
  http::Parameters query;
  if (mark < request.target.size() && !http::parse_parameters(std::string_view(request.target).substr(mark + 1), query)) {
    return make_error(ErrorCode::internal, "a query of our own that is not well encoded");
  }
  crypto::ApiMessage message{url_of(request, path), app.app_id, seconds_of(now)};
  TRY(const auto nonce, random.bytes<16>());
  json::object plain{{"_n", to_base64url({reinterpret_cast<const char*>(nonce.data()), nonce.size()})}, {"_appid", app.app_id}, {"_timestamp", message.timestamp}};
  std::string token;
  for (const auto& [name, value] : query.items) {
    if (name == kToken) token = value;
    else if (name.starts_with('_')) return make_error(ErrorCode::invalid_request, "names with _ in front are those of the signing");
    else plain[name] = value;
  }
  if (!request.body.empty()) {
    const auto body = object_in(request.body);
    if (!body) return make_error(ErrorCode::invalid_request, "a call that is to be signed takes a JSON object");
    for (const auto& member : *body) {
      if (member.key().starts_with('_')) return make_error(ErrorCode::invalid_request, "names with _ in front are those of the signing");
      plain[member.key()] = member.value();
    }
  }
  TRY(const auto envelope, crypto::seal_api(keys.symmetric_key, keys.symmetric_sn, message, http::to_text(plain), random));
  const json::object sealed{{"iv", envelope.iv}, {"data", envelope.data}, {"authtag", envelope.authtag}};
  request.body = http::to_text(sealed);
  TRY(const std::string signature, keys.private_key.sign(crypto::api_signed_text(message, request.body)));
  request.method = "POST";
  request.target = path + "?" + std::string(kToken) + "=" + http::url_encode(token);
  std::erase_if(request.headers, [](const auto& header) { return http::name_is(header.first, "Content-Type"); });
  request.headers.emplace_back("Content-Type", "application/json");
  request.headers.emplace_back("Wechatmp-Appid", app.app_id);
  request.headers.emplace_back("Wechatmp-TimeStamp", std::to_string(message.timestamp));
  request.headers.emplace_back("Wechatmp-Signature", to_base64(signature));
  return SignedCall{message.url};
}

core::CallResult<void> open_signed_answer(http::ClientResponse& answer, const SignedCall& call, const core::App& app, Time now) {
  const core::SigningKeys& keys = *app.signing;
  if (!answer.header("Wechatmp-Signature")) {
    // Nothing can be made of an errcode that somebody else wrote but a failure; and WeChat has no envelope for pictures.
    if (fault_in(answer.body).errcode != 0 || is_picture(answer.body)) return ok();
    return refused("no signature");
  }
  const std::string stamp = header_of(answer, "Wechatmp-TimeStamp");
  crypto::ApiMessage message{call.url, app.app_id, 0};
  const auto [end, error] = std::from_chars(stamp.data(), stamp.data() + stamp.size(), message.timestamp);
  if (error != std::errc{} || end != stamp.data() + stamp.size()) return refused("no timestamp");
  if (std::abs(message.timestamp - seconds_of(now)) > std::chrono::seconds(kClockApart).count()) return refused("its timestamp is not near now");
  if (header_of(answer, "Wechatmp-Appid") != app.app_id) return refused("it is for another appid");
  const std::string encoded = signature_for(answer, keys.platform_sn);
  if (encoded.empty()) return refused("signed by a platform key of another number");
  const auto signature = from_base64(encoded);
  if (!signature || !keys.platform_key.verify(crypto::api_signed_text(message, answer.body), *signature)) return refused("the signature does not match");
  const auto sealed = object_in(answer.body);
  if (!sealed) return refused("no JSON object");
  const auto opened = crypto::open_api(keys.symmetric_key, keys.symmetric_sn, message, {text_at(*sealed, "iv"), text_at(*sealed, "data"), text_at(*sealed, "authtag")});
  if (!opened) return refused("it does not open");
  auto plain = object_in(*opened);
  if (!plain) return refused("what it holds is no JSON object");
  const auto* at = plain->if_contains("_timestamp");
  const auto* stamped = at ? at->if_int64() : nullptr;
  if (text_at(*plain, "_appid") != app.app_id || !stamped || *stamped != message.timestamp) return refused("what it holds is for another call");
  for (const char* name : {"_n", "_appid", "_timestamp"}) plain->stable_erase(name);  // the members keep their order
  answer.body = http::to_text(*plain);
  return ok();
}

}  // namespace kaimen::platform
