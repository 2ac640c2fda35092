#include "core/open_data.h"

#include "base/encoding.h"
#include "base/limits.h"
#include "core/journal.h"
#include "core/media_store.h"
#include "crypto/cbc.h"
#include "crypto/hash.h"

namespace kaimen::core {

namespace {
constexpr size_t kBlock = 16;
}

Task<Result<std::vector<Secret>>> OpenData::keys(AppPtr app, std::string openid) {
  auto read = co_await store_.session_keys(app->platform, app->app_id, openid);
  CO_TRY(auto sealed, std::move(read));
  const std::string row = app->app_id + '\0' + openid;
  std::vector<Secret> opened;
  for (const auto& key : sealed) {
    CO_TRY(auto secret, vault_.open("session_key", row, key));
    opened.push_back(std::move(secret));
  }
  co_return opened;
}

Task<Result<std::vector<std::string>>> OpenData::key_fingerprints(AppPtr app, std::string openid) {
  auto read = co_await keys(app, openid);
  CO_TRY(const auto session_keys, std::move(read));
  std::vector<std::string> names;
  for (const auto& key : session_keys) names.push_back(key_fingerprint(vault_.index("session_key", key.reveal())));
  co_return names;
}

bool OpenData::fresh(const App& app, const Watermark& watermark) const {
  const Time now = clock_.now();
  return watermark.app_id == app.app_id && watermark.at >= now - limits::kWatermarkWindow && watermark.at <= now + limits::kWatermarkWindow;
}

Task<Result<>> OpenData::decrypt(AppPtr app, std::string openid, EncryptedData encrypted, std::function<bool(std::string_view)> accept) {
  if (encrypted.data.size() > limits::kOpenDataBytes) co_return make_error(ErrorCode::decrypt_failed, "encrypted_data is too long");
  const auto data = from_base64(encrypted.data);
  const auto iv = from_base64(encrypted.iv);
  if (!data || data->empty() || data->size() % kBlock != 0) {
    co_return make_error(ErrorCode::decrypt_failed, "encrypted_data is not base64 of whole 16-byte blocks");
  }
  if (!iv || iv->size() != kBlock) co_return make_error(ErrorCode::decrypt_failed, "iv is not base64 of 16 bytes");

  auto read = co_await keys(app, openid);
  CO_TRY(auto session_keys, std::move(read));
  // Every key is tried, whatever the first ones gave, so that time tells nothing of which one fitted.
  bool accepted = false;
  for (const auto& session_key : session_keys) {
    const auto key = from_base64(session_key.reveal());
    if (!key) continue;
    const Secret key_bytes(*key);
    const auto plaintext = crypto::aes_cbc_decrypt(key_bytes.reveal(), *iv, *data);
    if (plaintext && !accepted) accepted = accept(*plaintext);
  }
  if (!accepted) co_return make_error(ErrorCode::stale_session_key, "no kept session_key opens this; call wx.login, then ask for the data again");
  co_return ok();
}

Task<Result<OpenUserInfo>> OpenData::user_info(AppPtr app, std::string openid, EncryptedData encrypted) {
  const Platform* platform = platforms_.find(app->platform);
  if (!platform) co_return make_error(ErrorCode::internal, "the app's platform is gone");
  std::optional<OpenUserInfo> found;
  std::function<bool(std::string_view)> accept = [&](std::string_view plaintext) {
    auto info = platform->read_user_info(plaintext);
    // getUserProfile's data names nobody; getUserInfo's must name this user.
    if (!info || !fresh(*app, info->watermark) || (!info->openid.empty() && info->openid != openid)) return false;
    found = std::move(info);
    return true;
  };
  auto decrypted = co_await decrypt(app, openid, encrypted, accept);
  CO_TRY(std::move(decrypted));
  co_return std::move(*found);
}

Task<Result<OpenPhone>> OpenData::phone(AppPtr app, std::string openid, EncryptedData encrypted) {
  const Platform* platform = platforms_.find(app->platform);
  if (!platform) co_return make_error(ErrorCode::internal, "the app's platform is gone");
  std::optional<OpenPhone> found;
  std::function<bool(std::string_view)> accept = [&](std::string_view plaintext) {
    auto phone = platform->read_phone(plaintext);
    if (!phone || !fresh(*app, phone->watermark)) return false;
    found = std::move(phone);
    return true;
  };
  auto decrypted = co_await decrypt(app, openid, encrypted, accept);
  CO_TRY(std::move(decrypted));
  co_return std::move(*found);
}

Task<Result<OpenUserInfo>> OpenData::signed_user_info(AppPtr app, std::string openid, std::string raw_data, std::string signature) {
  const Platform* platform = platforms_.find(app->platform);
  if (!platform) co_return make_error(ErrorCode::internal, "the app's platform is gone");
  auto read = co_await keys(app, openid);
  CO_TRY(auto session_keys, std::move(read));
  bool verified = false;
  for (const auto& session_key : session_keys) {
    const Secret signed_text(raw_data + session_key.reveal());
    if (Secret::equal(to_hex(crypto::sha1(signed_text.reveal())), signature)) verified = true;
  }
  if (!verified) co_return make_error(ErrorCode::signature_invalid, "signature is not sha1(raw_data + session_key) under any kept session_key");
  auto info = platform->read_raw_user_info(raw_data);
  if (!info) co_return make_error(ErrorCode::invalid_request, "raw_data is not the JSON of a WeChat profile");
  co_return std::move(*info);
}

Task<Result<std::optional<bool>>> OpenData::key_stands(AppPtr app, std::string openid, Trace* trace) {
  Platform* platform = platforms_.find(app->platform);
  if (!platform) co_return make_error(ErrorCode::internal, "the app's platform is gone");
  auto read = co_await keys(app, openid);
  CO_TRY(const auto session_keys, std::move(read));
  if (session_keys.empty()) co_return std::nullopt;
  trace->upstream_path = "/wxa/checksession";
  for (const auto& session_key : session_keys) {
    std::function<Task<CallResult<bool>>(Secret)> ask = [platform, app, openid, session_key](Secret token) {
      return platform->check_session_key(app, std::move(token), openid, session_key, deadline_in(limits::kUpstreamTotal));
    };
    auto asked = co_await tokens_.call(app, ask, trace);
    CO_TRY(const bool stands, std::move(asked));
    if (stands) co_return true;
  }
  co_return false;
}

template <class T>
Task<Result<T>> OpenData::with_standing_key(AppPtr app, std::string openid, std::function<Task<CallResult<T>>(Secret, Secret)> ask, Trace* trace) {
  auto read = co_await keys(app, openid);
  CO_TRY(const auto session_keys, std::move(read));
  for (const auto& session_key : session_keys) {
    std::function<Task<CallResult<T>>(Secret)> with_token = [&ask, session_key](Secret token) { return ask(std::move(token), session_key); };
    auto asked = co_await tokens_.template call<T>(app, with_token, trace);
    if (asked.has_value() || asked.error().code != ErrorCode::stale_session_key) co_return asked;
  }
  co_return make_error(ErrorCode::stale_session_key, "no kept session_key stands at WeChat; the user has to call wx.login");
}

Task<Result<>> OpenData::reset_key(AppPtr app, std::string openid, Trace* trace) {
  Platform* platform = platforms_.find(app->platform);
  if (!platform) co_return make_error(ErrorCode::internal, "the app's platform is gone");
  trace->upstream_path = "/wxa/resetusersessionkey";
  std::function<Task<CallResult<Secret>>(Secret, Secret)> ask = [platform, app, openid](Secret token, Secret session_key) {
    return platform->reset_session_key(app, std::move(token), openid, std::move(session_key), deadline_in(limits::kUpstreamTotal));
  };
  auto asked = co_await with_standing_key<Secret>(app, openid, ask, trace);
  CO_TRY(const auto session_key, std::move(asked));
  KeepSessionKey act;
  act.provider = app->platform;
  act.app_id = app->app_id;
  act.openid = openid;
  CO_TRY(act.key_sealed, vault_.seal("session_key", app->app_id + '\0' + openid, session_key));
  act.key_index = vault_.index("session_key", session_key.reveal());
  act.older_key_indexes = vault_.older_indexes("session_key", session_key.reveal());
  act.now = clock_.now();
  act.source = trace->source;
  auto kept = co_await store_.media().keep_session_key(std::move(act));
  co_return kept;
}

Task<Result<std::vector<EncryptKey>>> OpenData::encrypt_keys(AppPtr app, std::string openid, Trace* trace) {
  Platform* platform = platforms_.find(app->platform);
  if (!platform) co_return make_error(ErrorCode::internal, "the app's platform is gone");
  trace->upstream_path = "/wxa/business/getuserencryptkey";
  std::function<Task<CallResult<std::vector<EncryptKey>>>(Secret, Secret)> ask = [platform, app, openid](Secret token, Secret session_key) {
    return platform->encrypt_keys(app, std::move(token), openid, std::move(session_key), deadline_in(limits::kUpstreamTotal));
  };
  auto asked = co_await with_standing_key<std::vector<EncryptKey>>(app, openid, ask, trace);
  co_return asked;
}

Task<Result<std::string>> OpenData::plaintext(AppPtr app, std::string openid, EncryptedData encrypted) {
  const Platform* platform = platforms_.find(app->platform);
  if (!platform) co_return make_error(ErrorCode::internal, "the app's platform is gone");
  std::string found;
  std::function<bool(std::string_view)> accept = [&](std::string_view plaintext) {
    const auto watermark = platform->read_watermark(plaintext);
    if (!watermark || !fresh(*app, *watermark)) return false;
    found = plaintext;
    return true;
  };
  auto decrypted = co_await decrypt(app, openid, encrypted, accept);
  CO_TRY(std::move(decrypted));
  co_return found;
}

}  // namespace kaimen::core
