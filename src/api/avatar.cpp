#include "api/avatar.h"

#include "api/wire.h"
#include "http/multipart.h"

namespace kaimen::api {

namespace {

// The one file there is. Fields beside it are the client's own business.
Result<std::string_view> file_of(const Call& call) {
  const auto* type = call.http.header("content-type");
  const auto parts = type ? http::read_multipart(*type, call.http.body) : std::nullopt;
  if (!parts) return make_error(ErrorCode::invalid_request, "the body must be multipart/form-data, as wx.uploadFile sends it");
  std::optional<std::string_view> file;
  for (const auto& part : *parts) {
    if (!part.filename) continue;
    if (file) return make_error(ErrorCode::invalid_request, "one file, please");
    file = part.body;
  }
  if (!file) return make_error(ErrorCode::invalid_request, "there is no file in the body");
  if (file->size() > kAvatarBytes) return make_error(ErrorCode::payload_too_large, "the picture must be at most 1 MiB");
  return *file;
}

}  // namespace

Answer upload_avatar(Call& call, const Visitor& visitor) {
  CO_TRY(const auto file, file_of(call));
  const core::Subject subject{visitor.app, visitor.user, visitor.openid};
  std::string bytes(file);
  auto keeping = co_await call.services.avatars.keep(subject, std::move(bytes), call.options.public_url, &call.trace);
  CO_TRY(const auto kept, std::move(keeping));
  CO_TRY(const auto json, user_json(call, kept.user, *visitor.app, visitor.openid));
  co_return json_response(kept.shown ? 200 : 202, json, true);
}

Answer show_avatar(Call& call) {
  const auto* given = call.query.find("check");
  const std::string hash = call.path[0], key = given ? *given : std::string();
  auto found = co_await call.services.avatars.find(hash, key);
  CO_TRY(auto avatar, std::move(found));
  // What waits for its check is nobody's to keep.
  co_return picture_response(call, hash, std::move(avatar.type), std::move(avatar.body), !avatar.waiting);
}

http::Response picture_response(const Call& call, const std::string& hash, std::string type, std::string body, bool keep) {
  const std::string tag = '"' + hash + '"';
  http::Response response;
  response.set("Content-Type", std::move(type)).set("ETag", tag);
  response.set("Cache-Control", keep ? "public, max-age=31536000, immutable" : "no-store");
  response.set("X-Content-Type-Options", "nosniff").set("Content-Security-Policy", "default-src 'none'; sandbox");
  response.set("Cross-Origin-Resource-Policy", "cross-origin");
  const auto* known = call.http.header("if-none-match");
  if (known && known->find(tag) != known->npos) {
    response.status = 304;
  } else {
    response.body = std::move(body);
  }
  return response;
}

}  // namespace kaimen::api
