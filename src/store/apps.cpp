// Apps and projects. A removed app leaves its number taken, so that no old ticket can ever name another app.
#include "store/apps.h"

#include <algorithm>

#include "core/wafer_hosts.h"
#include "store/acts.h"
#include "store/components.h"
#include "store/records.h"

namespace kaimen::store {

using core::AppRow;

namespace {

// A list, not a scan: what the batch has changed counts. No index stands behind it; who asks is rare.
static_assert(std::get<13>(Table<AppTableRow>::columns).name == "disabled");
constexpr Index<AppTableRow> kAppsByDisabled{{&kTable<AppTableRow>, {13}, 1, "removed_at IS NULL"}, [](const AppTableRow& row) { return !row.removed_at; }};

// A line "name=value" each; a line break or backslash inside is escaped.
std::string settings_text(const std::map<std::string, std::string>& settings) {
  std::string text;
  const auto append = [&text](const std::string& part) {
    for (const char c : part) {
      if (c == '\n') text += "\\n";
      else if (c == '\\') text += "\\\\";
      else text += c;
    }
  };
  for (const auto& [name, value] : settings) {
    append(name);
    text += '=';
    append(value);
    text += '\n';
  }
  return text;
}

std::map<std::string, std::string> settings_of(std::string_view text) {
  std::map<std::string, std::string> settings;
  std::string name, value;
  bool in_value = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '\n') {
      settings[name] = value;
      name.clear();
      value.clear();
      in_value = false;
      continue;
    }
    if (c == '=' && !in_value) {
      in_value = true;
      continue;
    }
    if (c == '\\' && i + 1 < text.size()) c = text[++i] == 'n' ? '\n' : text[i];
    (in_value ? value : name) += c;
  }
  return settings;
}

AppRow app_of(const AppTableRow& row) {
  AppRow app;
  app.version = static_cast<uint64_t>(row.version);
  app.app_id = row.app_id;
  app.number = row.number;
  app.project = row.project;
  app.platform = row.platform;
  app.name = row.name;
  app.secret_sealed = row.secret_sealed.raw;
  app.old_secret_sealed = row.old_secret_sealed.raw;
  app.old_secret_until = row.old_secret_until;
  app.push_sealed = row.push_sealed.raw;
  app.settings = settings_of(row.settings);
  app.upstream = row.upstream;
  app.disabled = row.disabled;
  app.revoked_before = row.revoked_before;
  app.created_at = row.created_at;
  return app;
}

void set_all(AppTableRow& row, const AppRow& app) {
  row.project = app.project;
  row.platform = app.platform;
  row.name = app.name;
  row.secret_sealed = Bytes{app.secret_sealed};
  row.old_secret_sealed = Bytes{app.old_secret_sealed};
  row.old_secret_until = app.old_secret_until;
  row.push_sealed = Bytes{app.push_sealed};
  row.settings = settings_text(app.settings);
  row.upstream = app.upstream;
  row.disabled = app.disabled;
  row.revoked_before = app.revoked_before;
}

Result<> save_project(Rows& rows, const std::string& name, Time now) {
  TRY(const ProjectRow* project, rows.find<ProjectRow>(name));
  if (!project) rows.insert(ProjectRow{name, now});
  return ok();
}

/// Makes what is kept of the app in a table beside say `sealed`; empty: there is none.
template <class Row, Bytes Row::*Sealed>
Result<> save_beside(Rows& rows, uint32_t number, const std::string& sealed) {
  TRY(const Row* row, rows.find<Row>(number));
  if (sealed.empty()) {
    if (row) rows.remove(*row);
  } else if (!row) {
    rows.insert(Row{number, 0, Bytes{sealed}});
  } else if ((row->*Sealed).raw != sealed) {
    rows.change(*row).*Sealed = Bytes{sealed};
  }
  return ok();
}
Result<> save_secrets(Rows& rows, uint32_t number, const AppRow& app) {
  TRY((save_beside<ResolveSecretRow, &ResolveSecretRow::secret_sealed>(rows, number, app.resolve_sealed)));
  return save_beside<AppSigningRow, &AppSigningRow::keys_sealed>(rows, number, app.signing_sealed);
}

/// Error: conflict where another project's app has one of the hosts that `app` would have and `before`, null for a new one, has not. Of two that
/// would have the same at once one sees the other, as both count the configuration up.
Result<> expect_free_hosts(Rows& rows, const AppRow& app, const AppTableRow* before) {
  std::vector<std::string> wanted = core::wafer_host_names(app.settings);
  const std::vector<std::string> had = before ? core::wafer_host_names(settings_of(before->settings)) : std::vector<std::string>();
  std::erase_if(wanted, [&had](const std::string& name) { return std::ranges::find(had, name) != had.end(); });
  if (wanted.empty()) return ok();
  rows.expect(kAppsByDisabled, true);
  for (const bool disabled : {false, true}) {
    TRY(const auto apps, rows.list(kAppsByDisabled, disabled));
    for (const AppTableRow* other : apps) {
      if (other->project == app.project) continue;
      for (const std::string& name : core::wafer_host_names(settings_of(other->settings))) {
        if (std::ranges::find(wanted, name) == wanted.end()) continue;
        return make_error(ErrorCode::conflict, "wafer_hosts: another project's app has " + name);
      }
    }
  }
  return ok();
}

/// Whether the row says what `app` asks for: then this act was there before.
bool says(const AppTableRow& row, const AppRow& app) {
  AppTableRow wished = row;
  set_all(wished, app);
  return key_text(detail::cells_of(wished)) == key_text(detail::cells_of(row));
}

Error no_app() { return make_error(ErrorCode::not_found, "no such app"); }

}  // namespace

Result<const AppTableRow*> live_app(Rows& rows, const std::string& app_id) {
  TRY(const auto found, rows.list(kAppByLiveId, app_id));
  return found.empty() ? nullptr : found.front();
}

Result<std::vector<AppRow>> list_apps(ActContext& context) {
  static constexpr Scan kAll{&kTable<AppTableRow>, "removed_at IS NULL", "app_id"};
  TRY(const auto rows, context.rows.scan<AppTableRow>(kAll));
  std::vector<AppRow> apps;
  static constexpr Scan kResolving{&kTable<ResolveSecretRow>, "", ""};
  static constexpr Scan kSigning{&kTable<AppSigningRow>, "", ""};
  TRY(const auto resolving, context.rows.scan<ResolveSecretRow>(kResolving));
  TRY(const auto signing, context.rows.scan<AppSigningRow>(kSigning));
  std::map<uint32_t, AppRow*> by_number;
  std::map<std::string, AppRow*> by_id;
  apps.reserve(rows.size());
  for (const AppTableRow& row : rows) by_id[row.app_id] = by_number[row.number] = &apps.emplace_back(app_of(row));
  TRY(read_authorizations(context.rows, by_id));
  const auto app_numbered = [&](uint32_t number) {
    const auto found = by_number.find(number);
    return found == by_number.end() ? nullptr : found->second;
  };
  for (const ResolveSecretRow& row : resolving) {
    if (AppRow* app = app_numbered(row.number)) app->resolve_sealed = row.secret_sealed.raw;
  }
  for (const AppSigningRow& row : signing) {
    if (AppRow* app = app_numbered(row.number)) app->signing_sealed = row.keys_sealed.raw;
  }
  return apps;
}

Result<> add_app(ActContext& context, const AppRow& app) {
  Rows& rows = context.rows;
  rows.expect(kAppByLiveId, app.app_id);
  rows.expect<AuthorizationTableRow>(app.app_id);
  TRY(const AppTableRow* same_number, rows.find<AppTableRow>(app.number));
  TRY(const AppTableRow* same_id, live_app(rows, app.app_id));
  if (context.again && same_number && same_number == same_id) return ok();
  if (same_number || same_id) return make_error(ErrorCode::conflict, "there is an app " + app.app_id + ", or its number is taken");
  TRY(expect_free_hosts(rows, app, nullptr));
  TRY(forget_authorization(rows, app.app_id));
  AppTableRow row;
  row.number = app.number;
  row.app_id = app.app_id;
  row.live_app_id = app.app_id;
  row.created_at = app.created_at;
  set_all(row, app);
  rows.insert(std::move(row));
  TRY(save_secrets(rows, app.number, app));
  TRY(save_project(rows, app.project, app.created_at));
  TRY(count_configuration(rows));
  return write_event(context, app.created_at, {"app_added", app.number, std::nullopt, std::nullopt, Reason::none, app.source, app.project});
}

Result<> change_app(ActContext& context, const AppRow& app) {
  Rows& rows = context.rows;
  TRY(const AppTableRow* row, live_app(rows, app.app_id));
  if (!row) return no_app();
  if (static_cast<uint64_t>(row->version) != app.version) {
    if (context.again && says(*row, app)) return ok();
    return make_error(ErrorCode::conflict, "the app was changed since it was read");
  }
  TRY(expect_free_hosts(rows, app, row));
  TRY(save_secrets(rows, row->number, app));
  TRY(save_project(rows, app.project, app.created_at));
  TRY(count_configuration(rows));
  if (app.leaves_component) {
    TRY(leave_component(rows, app.app_id));
  }
  if (row->upstream != app.upstream) {
    TRY(expect_free_upstream(rows, app.app_id));
  }
  if (app.leaves_component || row->upstream != app.upstream) {
    TRY(wipe_access_token(context, app.app_id));
  }
  set_all(rows.change(*row), app);
  return write_event(context, context.clock.now(), {"app_changed", row->number, std::nullopt, std::nullopt, Reason::none, app.source, app.project});
}

Result<> remove_app(ActContext& context, const std::string& app_id, Time now, const core::Source& source) {
  Rows& rows = context.rows;
  TRY(const AppTableRow* row, live_app(rows, app_id));
  if (!row) return context.again ? Result<>(ok()) : no_app();
  TRY(forget_component(rows, app_id));
  TRY(wipe_access_token(context, app_id));
  TRY(save_secrets(rows, row->number, {}));
  TRY(count_configuration(rows));
  // The secrets go now, the number stays.
  AppTableRow& app = rows.change(*row);
  app.live_app_id.reset();
  app.removed_at = now;
  app.secret_sealed = Bytes{};
  app.old_secret_sealed = Bytes{};
  app.push_sealed = Bytes{};
  app.settings.clear();
  return write_event(context, now, {"app_removed", app.number, std::nullopt, std::nullopt, Reason::none, source, app.project});
}

Result<uint32_t> end_all_sessions(ActContext& context, Time now) {
  static constexpr Scan kLive{&kTable<AppTableRow>, "removed_at IS NULL", "app_id"};
  Rows& rows = context.rows;
  TRY(const auto apps, rows.scan<AppTableRow>(kLive));
  TRY(count_configuration(rows));
  for (const AppTableRow& app : apps) {
    if (const AppTableRow* row = rows.adopt(app)) rows.change(*row).revoked_before = now;
  }
  return static_cast<uint32_t>(apps.size());
}

}  // namespace kaimen::store
