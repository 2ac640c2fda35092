#include "core/import.h"

#include <algorithm>

#include "core/directory.h"
#include "core/login.h"
#include "core/profile.h"
#include "core/revocation_life.h"

namespace kaimen::core {

namespace {

Error unfit(const char* what) { return make_error(ErrorCode::invalid_request, what); }

ProfileChange imported_profile(const ImportLine& line) {
  ProfileChange change;
  change.nickname = line.nickname;
  change.avatar_url = line.avatar_url;
  change.attributes = line.attributes;
  return change;
}

Result<> check_line(const ImportLine& line) {
  if (!line.unreadable.empty()) return make_error(ErrorCode::invalid_request, line.unreadable);
  if (!is_subject(line.external_id)) return unfit("external_id must be 1 to 128 printable ASCII characters without blanks");
  if (!is_subject(line.openid)) return unfit("openid must be 1 to 128 printable ASCII characters without blanks");
  if (!is_subject(line.unionid)) return unfit("unionid must be 1 to 128 printable ASCII characters without blanks");
  if (line.external_id.empty() && line.openid.empty() && line.unionid.empty()) return unfit("one of external_id, openid and unionid is needed");
  if (!line.openid.empty() && line.app_id.empty()) return unfit("openid needs the app_id that it belongs to");
  if (line.phone && !is_phone(*line.phone)) return unfit("phone must be a number with its country code, such as +8613800000000");
  return check_change(imported_profile(line));
}

/// Whether the number must be the user's alone: the app's word, or where the line names none, that of the strictest of the project.
bool wants_unique(const AppTable& apps, const std::string& project, const App* app) {
  if (app) return app->settings.phone_unique == PhoneUnique::refuse;
  return std::ranges::any_of(apps.by_id, [&](const auto& entry) {
    return entry.second->project == project && entry.second->settings.phone_unique == PhoneUnique::refuse;
  });
}

}  // namespace

Result<ImportUser> Importing::checked(ImportLine line, const std::string& project, const AppTable& apps) {
  TRY(check_line(line));
  const AppPtr app = line.app_id.empty() ? nullptr : apps.find(line.app_id);
  if (!line.app_id.empty() && (!app || app->project != project)) return unfit("app_id is no app of this project");
  ImportUser user;
  TRY(user.new_user, Id::make(live_.clock.now(), random_));
  if (!line.openid.empty()) {
    user.identity = IdentityName{app->platform, app->app_id, std::move(line.openid)};
    user.app = app->number;
  }
  user.external_id = std::move(line.external_id);
  user.unionid = std::move(line.unionid);
  user.family = app ? unionid_family(app->platform) : "wechat";
  if (line.phone) {
    user.phone_index = vault_.index("phone", *line.phone);
    user.older_phone_indexes = vault_.older_indexes("phone", *line.phone);
    user.phone_unique = wants_unique(apps, project, app.get());
    user.seal_phone = [this, phone = Secret(*line.phone)](const Id& id) { return vault_.seal("phone", id.raw(), phone); };
  }
  user.nickname = std::move(line.nickname);
  user.avatar_url = std::move(line.avatar_url);
  user.attributes = std::move(line.attributes);
  if (line.roles) {
    TRY(user.roles, checked_roles(std::move(*line.roles)));
  }
  user.registered = line.registered;
  user.created_at = line.created_at;
  return user;
}

Task<Result<std::vector<ImportOutcome>>> Importing::run(std::string project, std::vector<ImportLine> lines, ImportTerms terms, Trace* trace) {
  std::vector<ImportOutcome> outcomes(lines.size());
  std::vector<size_t> places;  // of those that go to the store
  ImportUsers act;
  const auto apps = live_.apps.get();
  for (size_t i = 0; i < lines.size(); ++i) {
    auto user = checked(std::move(lines[i]), project, *apps);
    if (user.has_error() && user.error().code != ErrorCode::invalid_request) co_return user.error();
    if (user.has_error()) {
      outcomes[i].code = user.error().code;
      outcomes[i].detail = user.error().detail;
      continue;
    }
    places.push_back(i);
    act.users.push_back(std::move(user.value()));
  }
  if (places.empty()) co_return outcomes;
  act.project = std::move(project);
  act.dry_run = terms.dry_run;
  act.tells_webhooks = terms.tells_webhooks;
  act.now = live_.clock.now();
  act.revocations_until = revocations_until(act.now);
  act.source = trace->source;
  Stopwatch watch(trace->store);
  auto importing = co_await store_.import_users(std::move(act));
  CO_TRY(auto imported, std::move(importing));
  live_.revoke(imported.revocations);
  for (size_t i = 0; i < places.size(); ++i) {
    outcomes[places[i]].kind = imported.users[i].kind;
    outcomes[places[i]].user = imported.users[i].user;
    outcomes[places[i]].detail = std::move(imported.users[i].refusal);
  }
  co_return outcomes;
}

}  // namespace kaimen::core
