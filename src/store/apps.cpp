// Apps and projects. A removed app leaves its number taken, so that no old ticket can ever name another app.
#include "store/acts.h"
#include "store/rows.h"

namespace kaimen::store {

using core::AppRow;

namespace {

Result<> save_project(Database& db, const std::string& name, Time now) {
  TRY(db.run("INSERT INTO projects (name, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING", name, now));
  return ok();
}

Result<> save_settings(Database& db, uint32_t number, const std::map<std::string, std::string>& settings) {
  TRY(db.run("DELETE FROM app_settings WHERE number = ?", number));
  for (const auto& [name, value] : settings) {
    TRY(db.run("INSERT INTO app_settings (number, name, value) VALUES (?, ?, ?)", number, name, value));
  }
  return ok();
}

/// The number of the app that has this app_id now.
Result<std::optional<uint32_t>> number_of(Database& db, const std::string& app_id) {
  Statement row(db, "SELECT number FROM apps WHERE app_id = ? AND removed_at IS NULL");
  TRY(const bool found, row.bind(app_id).step());
  if (!found) return std::nullopt;
  return row.number(0);
}

Error no_app() { return make_error(ErrorCode::not_found, "no such app"); }

}  // namespace

Result<std::vector<AppRow>> list_apps(ActContext& context) {
  std::map<uint32_t, std::map<std::string, std::string>> settings;
  Statement setting(context.db, "SELECT number, name, value FROM app_settings");
  for (;;) {
    TRY(const bool found, setting.step());
    if (!found) break;
    settings[setting.number(0)][setting.text(1)] = setting.text(2);
  }
  Statement row(context.db,
                "SELECT number, app_id, project, platform, name, secret_sealed, old_secret_sealed, old_secret_until, upstream, disabled, "
                "revoked_before, created_at, version FROM apps WHERE removed_at IS NULL ORDER BY app_id");
  std::vector<AppRow> apps;
  for (;;) {
    TRY(const bool found, row.step());
    if (!found) return apps;
    AppRow app;
    app.number = row.number(0);
    app.app_id = row.text(1);
    app.project = row.text(2);
    app.platform = row.text(3);
    app.name = row.text(4);
    app.secret_sealed = row.text(5);
    app.old_secret_sealed = row.text(6);
    app.old_secret_until = row.time(7);
    app.upstream = row.text(8);
    app.disabled = row.flag(9);
    app.revoked_before = row.time(10);
    app.created_at = row.time(11);
    app.version = static_cast<uint64_t>(row.integer(12));
    app.settings = std::move(settings[app.number]);
    apps.push_back(std::move(app));
  }
}

Result<> add_app(ActContext& context, const AppRow& app) {
  Database& db = context.db;
  {
    Statement taken(db, "SELECT 1 FROM apps WHERE number = ? OR (app_id = ? AND removed_at IS NULL)");
    TRY(const bool found, taken.bind(app.number).bind(app.app_id).step());
    if (found) return make_error(ErrorCode::conflict, "there is an app " + app.app_id + ", or its number is taken");
  }
  TRY(save_project(db, app.project, app.created_at));
  TRY(db.run("INSERT INTO apps (number, app_id, project, platform, name, secret_sealed, old_secret_sealed, old_secret_until, upstream, "
             "disabled, revoked_before, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
             app.number, app.app_id, app.project, app.platform, app.name, Blob{app.secret_sealed}, Blob{app.old_secret_sealed},
             app.old_secret_until, app.upstream, app.disabled, app.revoked_before, app.created_at));
  TRY(save_settings(db, app.number, app.settings));
  return write_event(context, app.created_at, {"app_added", app.number});
}

Result<> change_app(ActContext& context, const AppRow& app) {
  Database& db = context.db;
  TRY(const auto number, number_of(db, app.app_id));
  if (!number) return no_app();
  TRY(const auto changed,
      db.run("UPDATE apps SET version = version + 1, project = ?, platform = ?, name = ?, secret_sealed = ?, old_secret_sealed = ?, "
             "old_secret_until = ?, upstream = ?, disabled = ?, revoked_before = ? WHERE number = ? AND version = ?",
             app.project, app.platform, app.name, Blob{app.secret_sealed}, Blob{app.old_secret_sealed}, app.old_secret_until, app.upstream,
             app.disabled, app.revoked_before, *number, static_cast<int64_t>(app.version)));
  if (changed == 0) return make_error(ErrorCode::conflict, "the app was changed since it was read");
  TRY(save_project(db, app.project, app.created_at));
  TRY(save_settings(db, *number, app.settings));
  return write_event(context, context.clock.now(), {"app_changed", *number});
}

Result<> remove_app(ActContext& context, const std::string& app_id, Time now) {
  Database& db = context.db;
  TRY(const auto number, number_of(db, app_id));
  if (!number) return no_app();
  // x'': the secrets go now, the number stays.
  TRY(db.run("UPDATE apps SET removed_at = ?, secret_sealed = x'', old_secret_sealed = x'' WHERE number = ?", now, *number));
  TRY(db.run("DELETE FROM app_settings WHERE number = ?", *number));
  // The lease's number stays, too: a fetch on its way must not pass for that of a later app with this app_id.
  TRY(db.run("UPDATE access_tokens SET token_sealed = x'', lease = lease + 1, lease_until = 0 WHERE app_id = ?", app_id));
  return write_event(context, now, {"app_removed", *number});
}

Result<std::vector<std::string>> list_projects(ActContext& context) {
  Statement row(context.db, "SELECT name FROM projects ORDER BY name");
  std::vector<std::string> names;
  for (;;) {
    TRY(const bool found, row.step());
    if (!found) return names;
    names.push_back(row.text(0));
  }
}

}  // namespace kaimen::store
