#include "core/directory.h"

#include <algorithm>
#include <set>

#include "core/login.h"
#include "core/revocation_life.h"

namespace kaimen::core {

namespace {

bool is_role(std::string_view text) {
  const auto may_stand = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':' || c == '-';
  };
  return !text.empty() && text.size() <= kRoleBytes && std::ranges::all_of(text, may_stand);
}

/// The names under which the project's apps know unionids.
std::vector<std::string> families_in(const AppTable& apps, const std::string& project) {
  std::set<std::string> names;
  for (const auto& [id, app] : apps.by_id) {
    if (!project.empty() && app->project != project) continue;
    names.insert(app->platform);
    names.insert(unionid_family(app->platform));
  }
  return {names.begin(), names.end()};
}

}  // namespace

bool is_subject(std::string_view text) {
  return text.size() <= limits::kSubjectBytes && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_phone(std::string_view text) {
  if (!text.starts_with('+') || text.size() < 6 || text.size() > 24) return false;
  return std::ranges::all_of(text.substr(1), [](char c) { return c >= '0' && c <= '9'; });
}

Result<std::vector<std::string>> checked_roles(std::vector<std::string> roles) {
  std::ranges::sort(roles);
  roles.erase(std::unique(roles.begin(), roles.end()), roles.end());
  size_t bytes = 0;
  for (const auto& role : roles) {
    if (!is_role(role)) return make_error(ErrorCode::invalid_request, "a role is 1 to 64 characters of a-z, 0-9, _ . : -");
    bytes += role.size() + (bytes == 0 ? 0 : 1);
  }
  if (roles.size() > kRoles || bytes > kRolesBytes) {
    return make_error(ErrorCode::invalid_request, "a user has at most 32 roles, of 640 characters together with a comma between two");
  }
  return roles;
}

static_assert(kRolesBytes == 640);

Task<Result<User>> Directory::set_external_id(Id user, std::string external_id, Trace* trace) {
  if (!is_subject(external_id)) {
    co_return make_error(ErrorCode::invalid_request, "external_id must be 1 to 128 printable ASCII characters without blanks, or null");
  }
  SetExternalId act;
  act.user = user;
  act.external_id = std::move(external_id);
  act.now = live_.clock.now();
  act.revocations_until = revocations_until(act.now);
  act.source = trace->source;
  Stopwatch watch(trace->store);
  auto set = co_await store_.set_external_id(std::move(act));
  CO_TRY(auto changed, std::move(set));
  live_.revoke(changed.revocations);
  co_return std::move(changed.user);
}

Task<Result<User>> Directory::set_roles(Id user, std::vector<std::string> roles, Trace* trace) {
  SetRoles act;
  act.user = user;
  CO_TRY(act.roles, checked_roles(std::move(roles)));
  act.now = live_.clock.now();
  act.revocations_until = revocations_until(act.now);
  act.source = trace->source;
  Stopwatch watch(trace->store);
  auto set = co_await store_.set_roles(std::move(act));
  CO_TRY(auto changed, std::move(set));
  live_.revoke(changed.revocations);
  co_return std::move(changed.user);
}

// Each is a question to the store.
constexpr size_t kAppsAtOnce = 200;

// An openid is one mini program's, and nobody knows whose by looking at it.
Task<Result<UserPage>> Directory::find_in_each_app(UserSearch search) {
  UserPage all;
  const auto apps = live_.apps.get();
  if (apps->by_id.size() > kAppsAtOnce) co_return make_error(ErrorCode::invalid_request, "there are many apps: name the one of the openid by app_id");
  for (const auto& [app_id, app] : apps->by_id) {
    if (!search.project.empty() && app->project != search.project) continue;
    UserSearch in_one = search;
    in_one.app = app;
    auto found = co_await find(std::move(in_one));
    CO_TRY(auto page, std::move(found));
    for (FoundUser& user : page.users) {
      const bool is_there = std::ranges::any_of(all.users, [&user](const FoundUser& one) { return one.user.id == user.user.id; });
      if (!is_there) all.users.push_back(std::move(user));
    }
  }
  co_return all;
}

Task<Result<UserPage>> Directory::find(UserSearch search) {
  if (!search.openid.empty() && !search.app) {
    auto found = co_await find_in_each_app(std::move(search));
    co_return found;
  }
  FindUsers query;
  query.project = std::move(search.project);
  query.ids = std::move(search.ids);
  query.external_id = std::move(search.external_id);
  query.after = search.after;
  query.limit = search.limit;
  if (search.app) query.identity = IdentityName{search.app->platform, search.app->app_id, std::move(search.openid)};
  if (search.unionid) {
    query.unionid = std::move(search.unionid);
    query.families = families_in(*live_.apps.get(), query.project);
  }
  if (search.phone) {
    if (!is_phone(*search.phone)) {
      co_return make_error(ErrorCode::invalid_request, "phone must be a number with its country code, such as +8613800000000");
    }
    query.phone_index = vault_.index("phone", *search.phone);
    query.older_phone_indexes = vault_.older_indexes("phone", *search.phone);
  }
  auto found = co_await store_.find_users(std::move(query));
  co_return found;
}

Task<Result<FoundUser>> Directory::find(Id user) {
  FindUsers query;
  query.ids.emplace(1, user);
  auto found = co_await store_.find_users(std::move(query));
  CO_TRY(auto page, std::move(found));
  if (page.users.empty()) co_return make_error(ErrorCode::not_found, "no such user");
  co_return std::move(page.users.front());
}

}  // namespace kaimen::core
