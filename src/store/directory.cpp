// Users as the team's own systems see them: what they are called there, what they may do, and how they are found.
#include <algorithm>
#include <tuple>

#include "store/accounts.h"
#include "store/directory_acts.h"
#include "store/phones.h"
#include "store/records.h"

namespace kaimen::store {

using core::ChangedUser;
using core::FindUsers;
using core::UserPage;

namespace {

static_assert(std::get<2>(Table<UserRow>::columns).name == "project" && std::get<8>(Table<UserRow>::columns).name == "external_id");
constexpr Scan kUsersAfter{&kTable<UserRow>, "id > ?", "id", true};
constexpr Scan kUsersInProjectAfter{&kTable<UserRow>, "project = ? AND id > ?", "id", true};
constexpr Scan kProjects{&kTable<ProjectRow>, "", "name"};
constexpr int kUserSlices = 10;  // at most, for one page: many who are deleted may stand between two who are not

/// Answers an act that finds what it wants done: long ago, or by its own first try.
Result<ChangedUser> unchanged(ActContext& context, const UserRow& user) {
  ChangedUser answer;
  answer.user = user_of(user);
  if (context.again) {
    TRY(answer.revocations, revocations_of(context.rows, user.id));
  }
  return answer;
}

std::string roles_detail(const std::vector<std::string>& roles) {
  std::string json = R"({"roles":[)";
  for (const auto& role : roles) json += (json.ends_with('[') ? "\"" : ",\"") + role + "\"";
  return json + "]}";
}

Result<std::vector<std::string>> projects_of(Rows& rows, const FindUsers& query) {
  if (!query.project.empty()) return std::vector{query.project};
  TRY(const auto found, rows.scan<ProjectRow>(kProjects));
  std::vector<std::string> names;
  for (const ProjectRow& row : found) names.push_back(row.name);
  return names;
}

void append(std::vector<const UserRow*>& users, const std::vector<const UserRow*>& more) {
  users.insert(users.end(), more.begin(), more.end());
}

Result<> add_by_unionid(Rows& rows, const FindUsers& query, const std::string& project, std::vector<const UserRow*>& users) {
  for (const auto& family : query.families) rows.expect<UnionidRow>(project, family, *query.unionid);
  for (const auto& family : query.families) {
    TRY(const UnionidRow* unionid, rows.find<UnionidRow>(project, family, *query.unionid));
    if (!unionid) continue;
    TRY(const UserRow* user, rows.find<UserRow>(unionid->user));
    if (user) users.push_back(user);
  }
  return ok();
}

/// Whom the condition names, in no particular order.
Result<std::vector<const UserRow*>> named(Rows& rows, const FindUsers& query) {
  std::vector<const UserRow*> users;
  if (query.ids) {
    for (const Id& id : *query.ids) rows.expect<UserRow>(id);
    for (const Id& id : *query.ids) {
      TRY(const UserRow* user, rows.find<UserRow>(id));
      if (user) users.push_back(user);
    }
    return users;
  }
  if (query.identity) {
    TRY(const IdentityRow* identity, rows.find<IdentityRow>(query.identity->provider, query.identity->app_id, query.identity->subject, ""));
    if (!identity) return users;
    TRY(const UserRow* user, rows.find<UserRow>(identity->user));
    if (user) users.push_back(user);
    return users;
  }
  TRY(const auto projects, projects_of(rows, query));
  for (const auto& project : projects) {
    if (query.external_id) {
      TRY(const auto found, rows.list(kUsersByExternalId, project, *query.external_id));
      append(users, found);
    } else if (query.phone_index) {
      TRY(const auto found, rows.list(kUsersByPhone, project, Bytes{*query.phone_index}));
      append(users, found);
      for (const std::string& older : query.older_phone_indexes) {
        TRY(const auto more, rows.list(kUsersByPhone, project, Bytes{older}));
        append(users, more);
      }
    } else if (query.unionid) {
      TRY(add_by_unionid(rows, query, project, users));
    }
  }
  return users;
}

bool fits(const UserRow& user, const FindUsers& query) {
  return user.state != UserState::deleted && (query.project.empty() || user.project == query.project);
}

struct Chosen {
  std::vector<const UserRow*> users;
  std::optional<Id> next;
};

Result<Chosen> page_of_named(Rows& rows, const FindUsers& query) {
  Chosen chosen;
  TRY(chosen.users, named(rows, query));
  auto& users = chosen.users;
  std::erase_if(users, [&query](const UserRow* user) { return !fits(*user, query) || (query.after && user->id <= *query.after); });
  std::ranges::sort(users, {}, [](const UserRow* user) { return user->id; });
  users.erase(std::unique(users.begin(), users.end()), users.end());
  if (users.size() > query.limit) {
    users.resize(query.limit);
    chosen.next = users.back()->id;
  }
  return chosen;
}

Result<Chosen> page_of_all(Rows& rows, const FindUsers& query) {
  Chosen chosen;
  Id after = query.after.value_or(Id{});
  const auto slice = static_cast<int64_t>(query.limit);
  for (int i = 0; i < kUserSlices; ++i) {
    TRY(const auto found, query.project.empty() ? rows.scan<UserRow>(kUsersAfter, after, slice)
                                                : rows.scan<UserRow>(kUsersInProjectAfter, query.project, after, slice));
    for (const UserRow& row : found) {
      after = row.id;
      const UserRow* user = rows.adopt(row);
      if (!user || !fits(*user, query)) continue;
      chosen.users.push_back(user);
      if (chosen.users.size() == query.limit) {
        chosen.next = after;
        return chosen;
      }
    }
    if (found.size() < query.limit) return chosen;
  }
  chosen.next = after;
  return chosen;
}

}  // namespace

Result<ChangedUser> set_external_id(ActContext& context, const core::SetExternalId& act) {
  Rows& rows = context.rows;
  rows.expect(kOpenSessionsOfUser, act.user);
  TRY(const UserRow* row, existing_user(rows, act.user));
  if (row->external_id.value_or("") == act.external_id) return unchanged(context, *row);
  if (!act.external_id.empty()) {
    TRY(const auto holders, rows.list(kUsersByExternalId, row->project, act.external_id));
    if (!holders.empty()) return make_error(ErrorCode::conflict, "another user of the project has this external id");
  }
  UserRow& user = rows.change(*row);
  user.external_id = act.external_id.empty() ? std::nullopt : std::optional(act.external_id);
  ChangedUser changed;
  TRY(outdate_tickets(context, act.user, act.now, act.revocations_until, changed.revocations));
  TRY(write_event(context, act.now, {"user_external_id", std::nullopt, act.user, std::nullopt, Reason::none, act.source, user.project}));
  changed.user = user_of(user);
  return changed;
}

Result<ChangedUser> set_roles(ActContext& context, const core::SetRoles& act) {
  Rows& rows = context.rows;
  rows.expect(kOpenSessionsOfUser, act.user);
  TRY(const UserRow* row, existing_user(rows, act.user));
  const std::string roles = join(act.roles);
  if (row->roles == roles) return unchanged(context, *row);
  UserRow& user = rows.change(*row);
  user.roles = roles;
  ChangedUser changed;
  TRY(outdate_tickets(context, act.user, act.now, act.revocations_until, changed.revocations));
  const std::string detail = roles_detail(act.roles);
  TRY(write_event(context, act.now, {"user_roles", std::nullopt, act.user, std::nullopt, Reason::none, act.source, user.project, detail}));
  changed.user = user_of(user);
  return changed;
}

Result<UserPage> find_users(ActContext& context, const FindUsers& query) {
  Rows& rows = context.rows;
  const bool all = !query.ids && !query.identity && !query.external_id && !query.unionid && !query.phone_index;
  Chosen chosen;
  if (all) {
    TRY(chosen, page_of_all(rows, query));
  } else {
    TRY(chosen, page_of_named(rows, query));
  }
  UserPage page;
  page.next = chosen.next;
  for (const UserRow* user : chosen.users) rows.expect(kIdentitiesOfUser, user->id);
  for (const UserRow* user : chosen.users) {
    core::FoundUser& found = page.users.emplace_back();
    found.user = user_of(*user);
    TRY(auto identities, rows.list(kIdentitiesOfUser, user->id));
    std::ranges::sort(identities, {}, [](const IdentityRow* row) {
      return std::tie(row->created_at, row->provider, row->app_id, row->subject);
    });
    for (const IdentityRow* row : identities) {
      found.identities.push_back({row->provider, row->app_id, row->subject, row->tenant, row->unionid, row->created_at});
    }
  }
  return page;
}

}  // namespace kaimen::store
