#include "sandbox/signing.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "base/encoding.h"
#include "crypto/api_signing.h"

namespace kaimen::sandbox {

namespace json = http::json;

namespace {

constexpr std::array<std::string_view, 8> kPaths{
    "/wxa/business/getuserphonenumber", "/wxa/business/getuserencryptkey", "/wxa/business/checkencryptedmsg", "/wxa/getpluginopenpid",
    "/wxa/getwxacode",                  "/wxa/getwxacodeunlimit",          "/cgi-bin/wxaapp/createwxaqrcode", "/wxa/getuserriskrank"};
constexpr std::chrono::minutes kClockApart{5};

std::string header_of(const http::Request& request, std::string_view name) {
  const auto* value = request.header(name);
  return value ? std::string(*value) : std::string();
}

Result<std::string> make_number(Random& random) {
  TRY(const auto bytes, random.bytes<16>());
  return to_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

Result<json::object> make_signing(App& app, Random& random) {
  TRY(const auto key, random.bytes<32>());
  TRY(const auto own, crypto::make_rsa_pair());
  // WeChat's own, the same for all apps of this process: it takes long to make.
  static const auto made_once = crypto::make_rsa_pair();
  TRY(const auto platform, made_once);
  TRY(auto verifier, crypto::RsaVerifier::open(own.public_pem));
  TRY(auto signer, crypto::RsaSigner::open(platform.private_pem));
  TRY(auto symmetric_sn, make_number(random));
  TRY(auto private_sn, make_number(random));
  TRY(auto platform_sn, make_number(random));
  const Secret raw(std::string(key.begin(), key.end()));
  json::object keys{{"symmetric_key", to_base64(raw.reveal())},       {"symmetric_key_sn", symmetric_sn},
                    {"private_key", own.private_pem.reveal()},        {"private_key_sn", private_sn},
                    {"platform_key", platform.public_pem},            {"platform_key_sn", platform_sn}};
  app.signing = std::make_shared<const AppSigning>(AppSigning{raw, std::move(symmetric_sn), std::move(verifier), std::move(signer), std::move(platform_sn)});
  return keys;
}

Granted<std::optional<Signed>> open_signed(World& world, Question& question, std::string& plain) {
  const auto bearer = world.app_of_token(question.parameter("access_token"), question.now);
  const bool takes_part = std::ranges::find(kPaths, question.path) != kPaths.end();
  if (!bearer || !bearer.value()->signing || !takes_part || !question.request) return std::optional<Signed>();
  App& app = *bearer.value();
  const http::Request& request = *question.request;
  const std::string appid = header_of(request, "Wechatmp-Appid"), stamp = header_of(request, "Wechatmp-TimeStamp");
  const std::string signature = header_of(request, "Wechatmp-Signature");
  if (stamp.empty()) return Refusal{40231, "API_Missing_Wechatmp_Timestamp"};
  if (signature.empty()) return Refusal{40232, "API_Missing_Wechatmp_Signature"};
  if (appid.empty()) return Refusal{40233, "API_Missing_Wechatmp_Appid"};
  if (!world.find_app(appid)) return Refusal{40236, "API_Invalid_Wechatmp_Appid"};
  if (appid != app.appid) return Refusal{40237, "API_Invalid_Wechatmp_Appidmatch"};
  crypto::ApiMessage message{"http://" + header_of(request, "Host") + std::string(question.path), appid, 0};
  const auto [end, error] = std::from_chars(stamp.data(), stamp.data() + stamp.size(), message.timestamp);
  const bool read = error == std::errc{} && end == stamp.data() + stamp.size();
  if (!read || std::abs(message.timestamp - epoch_ms(question.now) / 1000) > std::chrono::seconds(kClockApart).count()) {
    return Refusal{40240, "API_Expired_Wechatmp_Timestamp"};
  }
  const auto decoded = from_base64(signature);
  const AppSigning& keys = *app.signing;
  if (!decoded || !keys.app_key.verify(crypto::api_signed_text(message, question.body), *decoded)) return Refusal{40234, "API_Invalid_Signature"};
  const Refusal bad_envelope{40235, "API_Invalid_Encrypt"};
  const auto sealed = body_of(question);
  if (!sealed) return bad_envelope;
  const crypto::ApiEnvelope envelope{text_of(sealed.value(), "iv"), text_of(sealed.value(), "data"), text_of(sealed.value(), "authtag")};
  const auto opened = crypto::open_api(keys.symmetric_key, keys.symmetric_sn, message, envelope);
  auto parsed = http::parse_json(opened.value_or(""));
  auto* members = opened && parsed ? parsed.value().if_object() : nullptr;
  const auto* at = members ? members->if_contains("_timestamp") : nullptr;
  const bool fits = at && at->is_int64() && at->as_int64() == message.timestamp && text_of(*members, "_appid") == appid && !text_of(*members, "_n").empty();
  if (!fits) return bad_envelope;
  for (const char* name : {"_n", "_appid", "_timestamp"}) members->erase(name);
  for (const auto& [name, value] : *members) {
    if (value.is_string()) question.query.items.emplace_back(name, value.get_string().c_str());
  }
  // This one's own signature is over the body that it would have without the envelope: none.
  plain = question.path == "/wxa/business/getuserencryptkey" ? std::string() : http::to_text(*members);
  question.body = plain;
  return std::optional(Signed{&app, message.url});
}

void sign_answer(http::Response& response, const Signed& how, Time now, Random& random) {
  const AppSigning& keys = *how.app->signing;
  const crypto::ApiMessage message{how.url, how.app->appid, epoch_ms(now) / 1000};
  auto parsed = http::parse_json(response.body);
  auto nonce = make_number(random);
  if (!parsed || !parsed.value().is_object() || !nonce) return;
  json::object plain{{"_n", nonce.value()}, {"_appid", message.app_id}, {"_timestamp", message.timestamp}};
  for (const auto& [name, value] : parsed.value().get_object()) plain[name] = value;
  const auto envelope = crypto::seal_api(keys.symmetric_key, keys.symmetric_sn, message, http::to_text(plain), random);
  if (!envelope) return;
  const json::object sealed{{"iv", envelope.value().iv}, {"data", envelope.value().data}, {"authtag", envelope.value().authtag}};
  std::string body = http::to_text(sealed);
  const auto signature = keys.platform_key.sign(crypto::api_signed_text(message, body));
  if (!signature) return;
  response.body = std::move(body);
  response.set("Wechatmp-Appid", message.app_id).set("Wechatmp-TimeStamp", std::to_string(message.timestamp));
  response.set("Wechatmp-Serial", keys.platform_sn).set("Wechatmp-Signature", to_base64(signature.value()));
}

}  // namespace kaimen::sandbox
