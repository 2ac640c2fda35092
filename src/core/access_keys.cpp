#include "core/access_keys.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/log.h"
#include "crypto/hash.h"

namespace kaimen::core {

namespace {
constexpr std::string_view kPrefix = "kmk_";
constexpr size_t kSecretBytes = 24;
constexpr Scope kScopes[] = {Scope::verify, Scope::read, Scope::write, Scope::wechat, Scope::admin};
}  // namespace

std::string_view name_of(Scope scope) {
  switch (scope) {
    case Scope::verify: return "verify";
    case Scope::read: return "read";
    case Scope::write: return "write";
    case Scope::wechat: return "wechat";
    case Scope::admin: return "admin";
  }
  return "";
}

std::optional<Scope> parse_scope(std::string_view text) {
  for (const Scope scope : kScopes) {
    if (text == name_of(scope)) return scope;
  }
  return std::nullopt;
}

Task<Result<>> AccessKeys::load() {
  const auto reading = order_.begin();
  auto listed = co_await store_.list_access_keys();
  CO_TRY(auto rows, std::move(listed));
  auto table = std::make_shared<Table>();
  for (const auto& row : rows) {
    if (row.revoked_at) continue;
    auto caller = std::make_shared<Caller>();
    caller->key = row.id;
    caller->name = row.name;
    caller->project = row.project;
    for (const auto& text : row.scopes) {
      if (const auto scope = parse_scope(text)) caller->scopes.insert(*scope);
    }
    table->emplace(row.id, Entry{row.hash, std::move(caller), row.unconfirmed_since.has_value()});
  }
  order_.publish(reading, [&] { callers_.set(std::move(table)); });
  co_return ok();
}

std::shared_ptr<const Caller> AccessKeys::find(std::string_view key_text) {
  if (!key_text.starts_with(kPrefix) || key_text.size() > 128) return nullptr;
  const auto bytes = from_base64url(key_text.substr(kPrefix.size()));
  if (!bytes || bytes->size() != 16 + kSecretBytes) return nullptr;
  const auto id = Id::from_raw(std::string_view(*bytes).substr(0, 16));
  const auto table = callers_.get();
  const auto found = table->find(*id);
  if (found == table->end() || !Secret::equal(crypto::sha256(key_text), found->second.hash)) return nullptr;
  const Entry& entry = found->second;
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    first = (entry.unconfirmed ? refused_ : used_).insert(*id).second;
  }
  if (!entry.unconfirmed) return entry.caller;
  if (first) {
    log::Line("access_key_unconfirmed")
        .field("key", id->hex())
        .field("name", entry.caller->name)
        .field("message", "this key is off since the store was restored, as it may have been revoked since the backup: `kaimen key confirm`, on the machine "
                          "itself, puts it on again")
        .emit(log::Level::warn);
  }
  return nullptr;
}

Task<Result<MadeAccessKey>> AccessKeys::create(NewAccessKey key) {
  if (key.name.empty() || !is_plain_text(key.name, 64)) {
    co_return make_error(ErrorCode::invalid_request, "name must be 1 to 64 characters without control characters");
  }
  if (key.scopes.empty()) co_return make_error(ErrorCode::invalid_request, "scopes must name at least one of verify, read, write, wechat, admin");
  for (const auto& scope : key.scopes) {
    if (!parse_scope(scope)) co_return make_error(ErrorCode::invalid_request, "scopes: verify, read, write, wechat, admin");
  }
  if (!key.project.empty() && !live_.apps.get()->project(key.project)) {
    co_return make_error(ErrorCode::invalid_request, "there is no project of that name");
  }
  const Time now = live_.clock.now();
  MadeAccessKey made;
  CO_TRY(made.row.id, Id::make(now, random_));
  CO_TRY(auto secret, random_.bytes<kSecretBytes>());
  made.text = Secret(std::string(kPrefix) + to_base64url(std::string(made.row.id.raw()) + std::string(reinterpret_cast<const char*>(secret.data()), secret.size())));
  made.row.name = std::move(key.name);
  made.row.hash = crypto::sha256(made.text.reveal());
  made.row.scopes = std::move(key.scopes);
  made.row.project = std::move(key.project);
  made.row.created_at = now;
  made.row.source = std::move(key.source);
  auto added = co_await store_.add_access_key(made.row);
  CO_TRY(std::move(added));
  auto loaded = co_await load();
  CO_TRY(std::move(loaded));
  co_return made;
}

Task<Result<std::vector<AccessKeyRow>>> AccessKeys::list() {
  auto listed = co_await store_.list_access_keys();
  co_return listed;
}

Task<Result<>> AccessKeys::revoke(Id id, Source source) {
  auto revoked = co_await store_.revoke_access_key(id, live_.clock.now(), std::move(source));
  CO_TRY(std::move(revoked));
  auto loaded = co_await load();
  co_return loaded;
}

Task<Result<>> AccessKeys::confirm(Id id, Source source) {
  auto confirmed = co_await store_.confirm_access_key(id, live_.clock.now(), std::move(source));
  CO_TRY(std::move(confirmed));
  auto loaded = co_await load();
  co_return loaded;
}

Task<Result<>> AccessKeys::flush() {
  std::vector<Id> used;
  {
    std::lock_guard lock(mutex_);
    used.assign(used_.begin(), used_.end());
    used_.clear();
    refused_.clear();
  }
  if (used.empty()) co_return ok();
  auto touched = co_await store_.touch_access_keys(std::move(used), live_.clock.now());
  co_return touched;
}

}  // namespace kaimen::core
