// Third-party platforms. What WeChat says of an authorisation is a row beside the app's, so that a program that does not know of it reads the
// app as one whose secret is empty.
#include "store/components.h"

#include <algorithm>

#include "core/app_disabled.h"
#include "store/acts.h"
#include "store/apps.h"
#include "store/records.h"

namespace kaimen::store {

using core::AuthorizationEffect;

namespace {

constexpr Index<AuthorizationTableRow> kAuthorizationsOf{{&kTable<AuthorizationTableRow>, {2}, 1}};
static_assert(std::get<2>(Table<AuthorizationTableRow>::columns).name == "component");

Result<> write_authorization_event(ActContext& context, Time now, std::string_view kind, const AppTableRow& app, const std::string& component,
                                   const core::Source& source) {
  // app_ids are of plain characters (core/apps.cpp): nothing in them is to be escaped.
  const std::string detail = R"({"component":")" + component + "\"}";
  return write_event(context, now, {kind, app.number, std::nullopt, std::nullopt, Reason::none, source, app.project, detail});
}

/// Whether the push that `once` names is new; then it is marked, as part of the act.
Result<bool> take_once(Rows& rows, const std::string& once, Time now) {
  if (once.empty()) return true;
  TRY(const OnceMarkRow* mark, rows.find<OnceMarkRow>(Bytes{once}));
  if (mark) return false;
  rows.insert(OnceMarkRow{Bytes{once}, now});
  return true;
}

/// The token that came along with the authorisation; where none did, the one there is stays if it is the same component's. Either way what a
/// refresh on its way brings is older, and not to be kept.
Result<> put_access_token(ActContext& context, const core::SaveAuthorization& act, bool same_component) {
  if (!same_component || !act.token_sealed.empty()) {
    TRY(wipe_access_token(context, act.app_id));
  }
  TRY(const AccessTokenTableRow* before, context.rows.find<AccessTokenTableRow>(act.app_id));
  if (act.token_sealed.empty()) {
    if (before) context.rows.change(*before).lease += 1;
    return ok();
  }
  if (!before) {
    AccessTokenTableRow row;
    row.app_id = act.app_id;
    context.rows.insert(std::move(row));
    TRY(before, context.rows.find<AccessTokenTableRow>(act.app_id));
  }
  AccessTokenTableRow& row = context.rows.change(*before);
  row.token_sealed = Bytes{act.token_sealed};
  row.expires_at = act.token_expires_at;
  row.fetched_at = act.now;
  return ok();
}

/// Its removal, its being disabled and its project's count the configuration up, as what asks here does: one of the two sees the other.
Result<const AppTableRow*> serving_component(Rows& rows, const std::string& app_id) {
  TRY(const AppTableRow* component, live_app(rows, app_id));
  if (!component || component->platform != "wechat_component") return make_error(ErrorCode::not_found, "there is no such third-party platform");
  TRY(const ProjectDetailsRow* project, rows.find<ProjectDetailsRow>(component->project));
  if (component->disabled || (project && project->disabled)) return core::app_disabled();
  return component;
}

Result<> settle_link(Rows& rows, const core::SaveAuthorization& act) {
  if (act.link.empty()) return ok();
  TRY(const ComponentLinkRow* link, rows.find<ComponentLinkRow>(Bytes{act.link}));
  if (!link || link->app_id == act.app_id) return ok();
  if (!link->app_id.empty()) return make_error(ErrorCode::conflict, "another app has authorised by this link");
  rows.change(*link).app_id = act.app_id;
  return ok();
}

}  // namespace

Result<bool> keep_ticket(ActContext& context, const core::KeepTicket& act) {
  TRY(const ComponentTicketRow* before, context.rows.find<ComponentTicketRow>(act.component));
  if (!before) {
    context.rows.insert(ComponentTicketRow{act.component, 0, Bytes{act.ticket_sealed}, act.made_at});
    return true;
  }
  if (before->made_at >= act.made_at) return context.again && before->ticket_sealed.raw == act.ticket_sealed;
  ComponentTicketRow& row = context.rows.change(*before);
  row.ticket_sealed = Bytes{act.ticket_sealed};
  row.made_at = act.made_at;
  return true;
}

Result<std::string> component_ticket(ActContext& context, const std::string& component) {
  TRY(const ComponentTicketRow* row, context.rows.find<ComponentTicketRow>(component));
  return row ? row->ticket_sealed.raw : std::string();
}

Result<> keep_link(ActContext& context, const core::AuthorizationLink& link) {
  TRY(const ComponentLinkRow* before, context.rows.find<ComponentLinkRow>(Bytes{link.hash}));
  if (before && context.again) return ok();
  if (before) return make_error(ErrorCode::conflict, "WeChat has given this pre_auth_code before");
  context.rows.insert(ComponentLinkRow{Bytes{link.hash}, 0, link.component, link.project, link.return_to, link.app_id, link.created_at, link.expires_at,
                               link.only_app});
  return ok();
}

Result<core::AuthorizationLink> find_link(ActContext& context, const std::string& hash) {
  TRY(const ComponentLinkRow* row, context.rows.find<ComponentLinkRow>(Bytes{hash}));
  if (!row) return make_error(ErrorCode::not_found, "there is no such link");
  return core::AuthorizationLink{row->hash.raw, row->component, row->project, row->return_to, row->app_id, row->created_at, row->expires_at, row->only_app};
}

Result<AuthorizationEffect> save_authorization(ActContext& context, const core::SaveAuthorization& act) {
  Rows& rows = context.rows;
  rows.expect<OnceMarkRow>(Bytes{act.once});
  rows.expect(kAppByLiveId, act.app_id);
  rows.expect(kAppByLiveId, act.component);
  rows.expect<AuthorizationTableRow>(act.app_id);
  rows.expect<AccessTokenTableRow>(act.app_id);
  TRY(const AppTableRow* app, live_app(rows, act.app_id));
  // Where an older program has removed the app, its authorisation is still there; add_app takes that away.
  const AuthorizationTableRow* before = nullptr;
  if (app) {
    TRY(before, rows.find<AuthorizationTableRow>(act.app_id));
  }
  const bool same_component = before && before->component == act.component;
  if (!act.new_app && !same_component) return AuthorizationEffect::nobody;
  TRY(const bool is_new, take_once(rows, act.once, act.now));
  if (!is_new) return AuthorizationEffect::repeated;
  if (before && !act.once.empty() && before->pushed_at > act.pushed_at) return AuthorizationEffect::outdated;
  if (app && app->platform != "wechat") return make_error(ErrorCode::conflict, "the app is no mini program of WeChat");
  if (app && act.new_app && app->project != act.new_app->project) return make_error(ErrorCode::conflict, "the app is in another project");
  TRY(const AppTableRow* component, serving_component(rows, act.component));
  if (app && app->upstream != component->upstream) return make_error(ErrorCode::conflict, "the app is at another upstream than the third-party platform");
  TRY(settle_link(rows, act));
  if (!app) {
    core::AppRow row = *act.new_app;
    row.upstream = component->upstream;
    row.source = act.source;
    TRY(add_app(context, row));
    TRY(app, live_app(rows, act.app_id));
  }
  TRY(put_access_token(context, act, same_component));
  if (before) {
    AuthorizationTableRow& row = rows.change(*before);
    row.component = act.component;
    if (!same_component || !act.refresh_sealed.empty()) row.refresh_sealed = Bytes{act.refresh_sealed};
    row.permissions = act.permissions;
    row.stands = true;
    row.pushed_at = std::max(row.pushed_at, act.pushed_at);
    row.authorized_at = act.now;
  } else {
    rows.insert(AuthorizationTableRow{act.app_id, 0, act.component, Bytes{act.refresh_sealed}, act.permissions, true, act.pushed_at, act.now});
  }
  TRY(count_configuration(rows));
  TRY(write_authorization_event(context, act.now, "app_authorized", *app, act.component, act.source));
  return AuthorizationEffect::applied;
}

Result<AuthorizationEffect> end_authorization(ActContext& context, const core::EndAuthorization& act) {
  Rows& rows = context.rows;
  rows.expect<OnceMarkRow>(Bytes{act.once});
  rows.expect(kAppByLiveId, act.app_id);
  rows.expect<AccessTokenTableRow>(act.app_id);
  TRY(const AuthorizationTableRow* before, rows.find<AuthorizationTableRow>(act.app_id));
  TRY(const AppTableRow* app, live_app(rows, act.app_id));
  if (!before || !app || before->component != act.component) return AuthorizationEffect::nobody;
  TRY(const bool is_new, take_once(rows, act.once, act.now));
  if (!is_new) return AuthorizationEffect::repeated;
  if (before->pushed_at > act.pushed_at) return AuthorizationEffect::outdated;
  AuthorizationTableRow& row = rows.change(*before);
  row.stands = false;
  row.refresh_sealed = Bytes{};
  row.pushed_at = act.pushed_at;
  TRY(wipe_access_token(context, act.app_id));
  TRY(count_configuration(rows));
  TRY(write_authorization_event(context, act.now, "app_unauthorized", *app, act.component, act.source));
  return AuthorizationEffect::applied;
}

Result<std::string> refresh_token(ActContext& context, const std::string& app_id) {
  TRY(const AuthorizationTableRow* row, context.rows.find<AuthorizationTableRow>(app_id));
  return row ? row->refresh_sealed.raw : std::string();
}

Result<bool> save_authorizer_token(ActContext& context, const core::SaveAuthorizerToken& act) {
  context.rows.expect<AuthorizationTableRow>(act.app_id);
  TRY(const bool kept, save_access_token(context, act.app_id, act.lease, act.token_sealed, act.expires_at, act.now));
  if (!kept || act.refresh_sealed.empty()) return kept;
  TRY(const AuthorizationTableRow* row, context.rows.find<AuthorizationTableRow>(act.app_id));
  if (row && row->stands) context.rows.change(*row).refresh_sealed = Bytes{act.refresh_sealed};
  return true;
}

Result<> leave_component(Rows& rows, const std::string& app_id) {
  TRY(const AuthorizationTableRow* authorization, rows.find<AuthorizationTableRow>(app_id));
  if (authorization && authorization->stands) return make_error(ErrorCode::conflict, "the app has authorised its third-party platform again");
  return forget_authorization(rows, app_id);
}

Result<> expect_free_upstream(Rows& rows, const std::string& app_id) {
  rows.expect<AuthorizationTableRow>(app_id);
  TRY(const auto authorized, rows.list(kAuthorizationsOf, app_id));
  if (!authorized.empty()) return make_error(ErrorCode::conflict, "apps have authorised this third-party platform, and are where it is");
  TRY(const AuthorizationTableRow* authorization, rows.find<AuthorizationTableRow>(app_id));
  if (authorization) return make_error(ErrorCode::conflict, "the app is where the third-party platform " + authorization->component + " is");
  return ok();
}

Result<> forget_authorization(Rows& rows, const std::string& app_id) {
  TRY(const AuthorizationTableRow* authorization, rows.find<AuthorizationTableRow>(app_id));
  if (authorization) rows.remove(*authorization);
  return ok();
}

Result<> forget_component(Rows& rows, const std::string& app_id) {
  rows.expect<ComponentTicketRow>(app_id);
  rows.expect<AuthorizationTableRow>(app_id);
  TRY(const auto authorized, rows.list(kAuthorizationsOf, app_id));
  if (!authorized.empty()) return make_error(ErrorCode::conflict, "apps have authorised this third-party platform: remove them first");
  TRY(const ComponentTicketRow* ticket, rows.find<ComponentTicketRow>(app_id));
  if (ticket) rows.remove(*ticket);
  return forget_authorization(rows, app_id);
}

Result<> read_authorizations(Rows& rows, const std::map<std::string, core::AppRow*>& apps) {
  static constexpr Scan kAll{&kTable<AuthorizationTableRow>, "", ""};
  TRY(const auto found, rows.scan<AuthorizationTableRow>(kAll));
  for (const AuthorizationTableRow& row : found) {
    const auto app = apps.find(row.app_id);
    if (app != apps.end()) app->second->authorization = core::AuthorizationRow{row.component, row.permissions, row.stands, row.authorized_at};
  }
  return ok();
}

}  // namespace kaimen::store
