#include "core/jwts.h"

#include <algorithm>

#include "base/background.h"
#include "crypto/hash.h"
#include "crypto/jwt.h"

namespace kaimen::core {

namespace {

constexpr size_t kKeptAShelf = 512;      // young ones; as many old ones
constexpr size_t kWaitingSignatures = 4096;
constexpr size_t kAudienceBytes = 128;

int64_t epoch_seconds(Time time) { return std::chrono::floor<Seconds>(time).time_since_epoch().count(); }

}  // namespace

Jwts::Jwts(const JwtKeys& keys, Random& random, const Clock& clock) : keys_(keys), random_(random), clock_(clock), thread_([this] { run(); }) {}

Jwts::~Jwts() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool Jwts::is_audience(std::string_view audience) {
  return !audience.empty() && audience.size() <= kAudienceBytes && std::all_of(audience.begin(), audience.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// Neither a ticket nor an audience holds a line break.
std::string Jwts::name_of(std::string_view ticket, std::string_view audience, std::string_view issuer) {
  std::string text;
  text.reserve(ticket.size() + audience.size() + issuer.size() + 2);
  text.append(ticket).append("\n").append(audience).append("\n").append(issuer);
  return crypto::sha256(text);
}

std::shared_ptr<const Jwt> Jwts::kept(std::string_view ticket, std::string_view audience, std::string_view issuer) const {
  return find(name_of(ticket, audience, issuer));
}

Jwts::Kept Jwts::find(const std::string& name) const {
  const Shelf& shelf = shelf_of(name);
  std::lock_guard lock(shelf.mutex);
  for (const auto* half : {&shelf.young, &shelf.old}) {
    const auto found = half->find(name);
    if (found != half->end() && clock_.now() < found->second->use_until) return found->second;
  }
  return nullptr;
}

void Jwts::keep(const std::string& name, Kept jwt) {
  Shelf& shelf = shelf_of(name);
  std::unordered_map<std::string, Kept> dropped;  // freed outside the lock
  std::lock_guard lock(shelf.mutex);
  if (shelf.young.size() >= kKeptAShelf) {
    dropped = std::exchange(shelf.old, std::exchange(shelf.young, {}));
  }
  shelf.young.insert_or_assign(name, std::move(jwt));
}

Task<Result<Jwt>> Jwts::make(std::string ticket, std::string audience, std::string issuer, JwtSubject subject) {
  if (!is_audience(audience)) co_return make_error(ErrorCode::invalid_request, "audience must be 1 to 128 printable ASCII characters without blanks");
  if (issuer.empty()) co_return make_error(ErrorCode::app_misconfigured, "a JWT names its issuer: set public.url");
  const std::string name = name_of(ticket, audience, issuer);
  if (const auto found = find(name)) co_return *found;
  std::function<Task<Result<Jwt>>()> work = [this, &audience, &issuer, &subject] {
    return signed_elsewhere([this, audience, issuer, subject] { return sign(audience, issuer, subject); });
  };
  auto shared = co_await in_flight_.run(name, work);
  if (!shared) co_return make_error(ErrorCode::internal, "the signature that this request waited for broke");
  if (shared->has_value()) keep(name, std::make_shared<const Jwt>(shared->value()));
  co_return *shared;
}

Result<Jwt> Jwts::sign(const std::string& audience, const std::string& issuer, const JwtSubject& subject) {
  const Time now = clock_.now();
  TRY(const auto key, keys_.signing_key(now));
  TRY(const auto token, random_.bytes<16>());
  Jwt jwt;
  jwt.expires_at = std::chrono::floor<Seconds>(std::min<Time>(now + kJwtLife, subject.ticket_end));
  jwt.use_until = now + (jwt.expires_at - now) / 2;
  crypto::JwtClaims claims;
  claims.add("iss", issuer).add("sub", subject.user.hex()).add("aud", audience);
  claims.add("exp", epoch_seconds(jwt.expires_at)).add("nbf", epoch_seconds(now)).add("iat", epoch_seconds(now));
  claims.add("jti", Id{token}.hex()).add("sid", subject.session.hex()).add("app_id", subject.app_id);
  if (!subject.openid.empty()) claims.add("openid", subject.openid);
  if (!subject.unionid.empty()) claims.add("unionid", subject.unionid);
  if (!subject.external_id.empty()) claims.add("external_id", subject.external_id);
  if (!subject.actor.empty()) claims.add("actor", subject.actor);
  claims.add("registered", subject.registered).add("roles", subject.roles);
  TRY(jwt.text, crypto::sign_jwt(key->key, key->id, claims));
  return jwt;
}

Task<Result<Jwt>> Jwts::signed_elsewhere(std::function<Result<Jwt>()> work) {
  std::function<void(std::function<void(Result<Jwt>)>)> start = [this, work = std::move(work)](std::function<void(Result<Jwt>)> done) mutable {
    {
      std::lock_guard lock(mutex_);
      if (!stopping_ && waiting_.size() < kWaitingSignatures) {
        waiting_.push_back({std::move(work), std::move(done)});
        wake_.notify_one();
        return;
      }
    }
    done(make_error(ErrorCode::unavailable, "too many signatures are waited for"));
  };
  Wait<Result<Jwt>> wait(std::move(start));
  Result<Jwt> result = co_await wait;
  co_return result;
}

void Jwts::run() {
  wake_without_haste();
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    const bool stopping = stopping_;
    lock.unlock();
    job.done(stopping ? Result<Jwt>(make_error(ErrorCode::unavailable, "the server stops")) : job.work());
    lock.lock();
  }
}

}  // namespace kaimen::core
