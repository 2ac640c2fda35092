#include "core/tickets.h"

#include <algorithm>

#include "base/encoding.h"
#include "core/registered.h"
#include "crypto/aead.h"

namespace kaimen::core {

namespace {

constexpr std::string_view kRenewPrefix = "kmr1.", kPrefetchPrefix = "kmp1.";
constexpr size_t kKeyId = 4, kSessionAndApp = 16 + 4, kBody = kSessionAndApp + 4;

void put_u32(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}
uint32_t get_u32(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}
std::string additional_data(std::string_view prefix, std::string_view key_id) { return std::string(prefix) + std::string(key_id); }

std::string joined(const std::vector<std::string>& roles) {
  std::string text;
  for (const auto& role : roles) text += (text.empty() ? "" : ",") + role;
  return text;
}

// A session made after all sessions of its app were ended must not fall under the margin that ends theirs.
Time issued_at(const App& app, const Session& session, Time now) {
  if (app.revoked_before == Time{} || session.created_at <= app.revoked_before) return now;
  return std::max(now, app.revoked_before + Millis{check::kRevokedBeforeMarginMs + 1});
}

}  // namespace

Result<Issued> Tickets::issue(const App& app, const Session& session, const User& user, Time now) {
  // A ticket never outlives its session.
  const auto session_end = std::min(session.idle_expires_at, session.absolute_expires_at);
  const auto left = std::chrono::floor<Seconds>(session_end - now);
  // One that cannot be renewed lasts as long as its session.
  const Seconds life = session.actor.empty() ? std::min(app.settings.ticket_seconds, left) : left;
  if (life <= Seconds{0}) return unauthenticated(Reason::expired);

  const std::string roles = joined(user.roles);
  check::Claims claims;
  claims.session = session.id.bytes;
  claims.user = session.user.bytes;
  claims.app = session.app;
  claims.issued_ms = static_cast<uint64_t>(epoch_ms(issued_at(app, session, now)));
  claims.life_s = static_cast<uint32_t>(life.count());
  claims.generation = session.generation;
  claims.flags = static_cast<uint16_t>(session.env) | (registered_in(app, user) ? check::kFlagRegistered : 0);
  if (!session.actor.empty()) claims.flags |= check::kFlagActor;
  claims.actor = session.actor;
  claims.openid = session.openid;
  claims.unionid = session.unionid;
  claims.external_id = user.external_id;
  claims.roles = roles;

  TRY(const auto key, keys_.sealing_key(now, session.app));
  TRY(const auto nonce, random_.bytes<12>());
  Issued issued;
  issued.token = check::seal_ticket(key, claims, nonce);
  if (issued.token.empty()) return make_error(ErrorCode::internal, "a ticket could not be sealed");
  issued.expires_in = life;

  std::string body(session.id.raw());
  put_u32(body, session.app);
  put_u32(body, session.renew_generation);
  TRY(issued.renew_token, seal(kRenewPrefix, body));
  return issued;
}

Result<std::string> Tickets::seal(std::string_view prefix, std::string_view body) {
  TRY(const auto key, keys_.renew_sealing_key());
  std::string bytes;
  put_u32(bytes, key.id);
  TRY(const auto sealed, crypto::aead_seal(key.bytes.reveal(), additional_data(prefix, bytes), body, random_));
  return std::string(prefix) + to_base64url(bytes + sealed);
}

std::optional<std::string> Tickets::open(std::string_view prefix, std::string_view text) const {
  if (!text.starts_with(prefix) || text.size() > 256) return std::nullopt;
  const auto bytes = from_base64url(text.substr(prefix.size()));
  if (!bytes || bytes->size() < kKeyId) return std::nullopt;
  const std::string_view key_id = std::string_view(*bytes).substr(0, kKeyId);
  const auto key = keys_.renew_key(get_u32(key_id));
  if (!key) return std::nullopt;
  return crypto::aead_open(key->bytes.reveal(), additional_data(prefix, key_id), std::string_view(*bytes).substr(kKeyId));
}

std::optional<OpenedRenewToken> Tickets::open_renew(std::string_view text) const {
  const auto body = open(kRenewPrefix, text);
  if (!body || body->size() != kBody) return std::nullopt;
  return OpenedRenewToken{*Id::from_raw(std::string_view(*body).substr(0, 16)), get_u32(std::string_view(*body).substr(16)), get_u32(std::string_view(*body).substr(20))};
}

Result<std::string> Tickets::prefetch_token(const Id& session, uint32_t app) {
  std::string body(session.raw());
  put_u32(body, app);
  return seal(kPrefetchPrefix, body);
}

std::optional<Tickets::Prefetch> Tickets::open_prefetch(std::string_view text) const {
  const auto body = open(kPrefetchPrefix, text);
  if (!body || body->size() != kSessionAndApp) return std::nullopt;
  return Prefetch{*Id::from_raw(std::string_view(*body).substr(0, 16)), get_u32(std::string_view(*body).substr(16))};
}

}  // namespace kaimen::core
