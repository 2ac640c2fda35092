#include "api/routes.h"

#include <algorithm>
#include <array>

#include "api/account.h"
#include "api/admin.h"
#include "api/admin_entries.h"
#include "api/admin_journal.h"
#include "api/admin_stats.h"
#include "api/avatar.h"
#include "api/components.h"
#include "api/handoff.h"
#include "api/health.h"
#include "api/jwt.h"
#include "api/login.h"
#include "api/me.h"
#include "api/mina_auth.h"
#include "api/prefetch.h"
#include "api/proxy.h"
#include "api/push.h"
#include "api/passwords.h"
#include "api/session.h"
#include "api/verify.h"
#include "api/wafer.h"

namespace kaimen::api {

namespace {

using core::Scope;
using enum Served;

constexpr bool kSaves = true;
constexpr Refusal kWafer{wafer_refusal, "WaferRefusal"}, kMina{mina_refusal, "MinaAnswer"};

const Route kRoutes[] = {
    // Client API
    {"POST", "/v1/login", publicly, Open{login}, "A code of wx.login becomes a session", "LoginRequest", "Login"},
    {"POST", "/v1/password/register", publicly, Open{register_password}, "A new user with a name and a password", "PasswordRegistration", "Login", 201},
    {"POST", "/v1/password/login", publicly, Open{login_by_password}, "A name and its password become a session", "PasswordLogin", "Login"},
    {"GET", "/v1/session", publicly, Ticketed{show_session}, "The session and its user, as they stand", "", "SessionAndUser"},
    {"POST", "/v1/session/renew", publicly, Open{renew_session}, "A renew token becomes a new ticket and the next renew token", "Renewal", "Login"},
    {"DELETE", "/v1/session", publicly, Open{end_session}, "Log out; an expired ticket will do", "", "", 204},
    {"POST", "/v1/session/handoff", publicly, Ticketed{offer_handoff}, "An address that brings the login into a web-view, once", "HandoffRequest", "Handoff"},
    {"GET", "/v1/handoff", publicly, Open{take_handoff}, "Where that address leads: the web-view's own session, in cookies", "", "", 303},
    {"POST", "/v1/session/jwt", publicly, Ticketed{make_jwt}, "A JWT about the user, for one audience", "JwtRequest", "Jwt"},
    {"POST", "/v1/session/prefetch-token", publicly, Ticketed{make_prefetch_token}, "A token for wx.setBackgroundFetchToken", "", "PrefetchToken"},
    {"GET", "/v1/prefetch", publicly, Open{prefetch}, "WeChat's data pre-fetch: appid with token or code", "", "SessionAndUser"},
    {"GET", "/v1/me", publicly, Ticketed{show_me}, "The user", "", "User"},
    {"POST", "/v1/me", publicly, Ticketed{change_me, kSaves}, "Change the profile", "ProfileChange", "User"},
    {"PATCH", "/v1/me", publicly, Ticketed{change_me, kSaves}, "Change the profile (for clients that have PATCH)", "ProfileChange", "User"},
    {"POST", "/v1/me/avatar", publicly, Ticketed{upload_avatar, kSaves}, "Upload an avatar, as wx.uploadFile sends it; 202 while WeChat has to look at it first", "AvatarFile", "User", 200, Body::multipart},
    {"GET", "/avatars/{hash}", publicly, Open{show_avatar}, "An avatar: JPEG, PNG, WebP or GIF", "", ""},
    {"GET", "/entry-codes/{hash}", publicly, Open{show_entry_picture}, "The picture of an entry code", "", ""},
    {"DELETE", "/v1/me", publicly, Ticketed{delete_me}, "Leave: all sessions end; 202 where a grace begins", "", "", 204},
    {"GET", "/v1/me/export", publicly, Ticketed{export_me}, "Everything held of the user", "", "Export"},
    {"POST", "/v1/me/restore", publicly, Open{restore}, "A login by which a user whose deletion waits comes back", "Restore", "Login"},
    {"PUT", "/v1/me/password", publicly, Ticketed{change_password}, "Set or change the password; other sessions end", "PasswordChange", "", 204},
    {"POST", "/v1/me/identities", publicly, Ticketed{link_identity}, "Add another mini program's or platform's identity", "Link", "User"},
    {"GET", "/v1/me/registration", publicly, Ticketed{show_registration}, "What the app asks of the user", "", "Registration"},
    {"POST", "/v1/me/registration", publicly, Ticketed{register_me, kSaves}, "Give fields, agree, register", "RegistrationRequest", "Login"},
    {"POST", "/v1/me/wechat-profile", publicly, Ticketed{update_from_wechat, kSaves}, "Take over what WeChat signed or encrypted", "ProfileProof", "User"},
    {"POST", "/v1/me/phone", publicly, Ticketed{bind_phone, kSaves}, "Bind the phone number of the phone button", "PhoneProof", "User"},
    {"GET", "/v1/me/sessions", publicly, Ticketed{list_my_sessions}, "The user's live sessions", "", "SessionList"},
    {"DELETE", "/v1/me/sessions", publicly, Ticketed{end_my_other_sessions}, "End all sessions but this one (except=current)", "", "", 204},
    {"DELETE", "/v1/me/sessions/{id}", publicly, Ticketed{end_my_session}, "End one session", "", "", 204},

    // For whoever checks JWTs
    {"GET", "/.well-known/jwks.json", everywhere, Open{show_jwks}, "The keys that JWTs are checked with", "", "Jwks"},
    {"GET", "/.well-known/openid-configuration", everywhere, Open{show_issuer}, "Who issues the JWTs and where its keys are", "", "Issuer"},
    // WeChat
    {"GET", "/push/wechat/{app_id}", publicly, Open{check_push_url}, "WeChat's check of the push URL", "", ""},
    {"POST", "/push/wechat/{app_id}", publicly, Open{receive_push}, "A message push of WeChat, secure mode", "WechatPush", "", 200, Body::raw},
    {"GET", "/push/wechat/{app_id}/authorized", publicly, Open{take_authorization_callback}, "Where WeChat sends the administrator who has authorised a third-party platform", "", ""},

    // The clients of wafer (docs/wafer.md)
    {"GET", "/weapp/login", publicly, Open{wafer_login}, "wafer: the code in X-WX-Code becomes a session", "", "WaferLogin", 200, Body::raw, kWafer},
    {"POST", "/weapp/login", publicly, Open{wafer_login}, "The same", "", "WaferLogin", 200, Body::raw, kWafer},
    {"GET", "/weapp/user", publicly, Ticketed{wafer_user}, "wafer: who holds X-WX-Skey", "", "WaferUser", 200, Body::raw, kWafer},
    {"POST", "/weapp/user", publicly, Ticketed{wafer_user}, "The same", "", "WaferUser", 200, Body::raw, kWafer},
    {"GET", "/weapp/{app_id}/login", publicly, Open{wafer_login}, "The same of one app among several", "", "WaferLogin", 200, Body::raw, kWafer},
    {"POST", "/weapp/{app_id}/login", publicly, Open{wafer_login}, "The same", "", "WaferLogin", 200, Body::raw, kWafer},
    {"GET", "/weapp/{app_id}/user", publicly, Ticketed{wafer_user}, "The same of one app among several", "", "WaferUser", 200, Body::raw, kWafer},
    {"POST", "/weapp/{app_id}/user", publicly, Ticketed{wafer_user}, "The same", "", "WaferUser", 200, Body::raw, kWafer},
    {"POST", "/mina_auth/", privately, Open{mina_auth}, "wafer v1: what its backends ask the session server", "MinaRequest", "MinaAnswer", 200, Body::raw, kMina},
    {"POST", "/mina_auth/{app_id}", privately, Open{mina_auth}, "The same of one app among several", "MinaRequest", "MinaAnswer", 200, Body::raw, kMina},

    // Checks; GET /verify is answered before this table is asked (api.cpp) and stands here for the document.
    {"GET", "/verify", privately, Open{nullptr}, "Who is calling? Answers in headers", "", "", 204},
    {"POST", "/introspect", privately, Open{introspect}, "RFC 7662, from live state", "IntrospectionRequest", "Introspection", 200, Body::form},

    // Admin API
    {"GET", "/admin/v1/projects", privately, Keyed{Scope::read, list_projects}, "Projects, by name", "", "ProjectList"},
    {"POST", "/admin/v1/projects", privately, Keyed{Scope::admin, add_project}, "Add a project", "NewProject", "Project", 201},
    {"GET", "/admin/v1/projects/{name}", privately, Keyed{Scope::read, show_project}, "One project", "", "Project"},
    {"PUT", "/admin/v1/projects/{name}", privately, Keyed{Scope::admin, change_project}, "Change title or state", "ProjectChange", "Project"},
    {"PATCH", "/admin/v1/projects/{name}", privately, Keyed{Scope::admin, change_project}, "The same", "ProjectChange", "Project"},
    {"DELETE", "/admin/v1/projects/{name}", privately, Keyed{Scope::admin, remove_project}, "Remove it, once nothing is in it", "", "", 204},
    {"POST", "/admin/v1/apps", privately, Keyed{Scope::admin, add_app}, "Add a mini program", "NewApp", "App", 201},
    {"GET", "/admin/v1/apps", privately, Keyed{Scope::read, list_apps}, "Mini programs, by app_id", "", "AppList"},
    {"GET", "/admin/v1/apps/{app_id}", privately, Keyed{Scope::read, show_app}, "One mini program", "", "App"},
    {"PUT", "/admin/v1/apps/{app_id}", privately, Keyed{Scope::admin, change_app}, "Change name, settings, state or upstream", "AppChange", "App"},
    {"PATCH", "/admin/v1/apps/{app_id}", privately, Keyed{Scope::admin, change_app}, "The same", "AppChange", "App"},
    {"DELETE", "/admin/v1/apps/{app_id}", privately, Keyed{Scope::admin, remove_app}, "Remove it; its sessions end", "", "", 204},
    {"POST", "/admin/v1/apps/{app_id}/secret", privately, Keyed{Scope::admin, set_app_secret}, "Set a new AppSecret, the old one overlapping", "NewSecret", "App"},
    {"POST", "/admin/v1/apps/{app_id}/check", privately, Keyed{Scope::read, check_app}, "Ask WeChat whether appid and secret are right", "", "AppCheck"},
    {"POST", "/admin/v1/apps/{app_id}/authorization-links", privately, Keyed{Scope::admin, make_authorization_link}, "Of a third-party platform: links to WeChat's page where an administrator authorises it", "NewAuthorizationLink", "AuthorizationLink", 201},
    {"POST", "/admin/v1/apps/{app_id}/authorizations", privately, Keyed{Scope::admin, take_authorization}, "Of a third-party platform: the app that has authorised it, by auth_code or app_id", "NewAuthorization", "App"},
    {"GET", "/admin/v1/apps/{app_id}/access-token", privately, Keyed{Scope::wechat, show_access_token}, "An access_token that is good now, for backends that call WeChat themselves", "", "AccessToken"},
    {"POST", "/admin/v1/apps/{app_id}/access-token/rejected", privately, Keyed{Scope::wechat, reject_access_token}, "WeChat refused this one (40001, 40014, 42001): another", "RejectedToken", "AccessToken"},
    {"ANY", "/admin/v1/apps/{app_id}/wechat/{path}", privately, Keyed{Scope::wechat, call_wechat}, "A call of WeChat's API with the access_token put in; WeChat's answer as it is", "WechatCall", "WechatAnswer", 200, Body::raw, {}, true},
    {"POST", "/admin/v1/apps/{app_id}/invitations", privately, Keyed{Scope::write, invite}, "Make an invitation to register; it is shown once", "NewInvitation", "Invitation", 201},
    {"POST", "/admin/v1/apps/{app_id}/entry-codes", privately, Keyed{Scope::write, add_entry_code}, "Make an entry code, with its picture", "NewEntryCode", "EntryCode", 201},
    {"GET", "/admin/v1/apps/{app_id}/entry-codes", privately, Keyed{Scope::read, list_entry_codes}, "Its entry codes with their counts, newest first", "", "EntryCodeList"},
    {"GET", "/admin/v1/apps/{app_id}/entry-codes/{code}", privately, Keyed{Scope::read, show_entry_code}, "One entry code", "", "EntryCode"},
    {"GET", "/admin/v1/apps/{app_id}/entry-codes/{code}/image", privately, Keyed{Scope::read, show_own_entry_picture}, "Its picture", "", ""},
    {"PATCH", "/admin/v1/apps/{app_id}/entry-codes/{code}", privately, Keyed{Scope::write, change_entry_code}, "The same as PUT", "EntryCodeChange", "EntryCode"},
    {"PUT", "/admin/v1/apps/{app_id}/entry-codes/{code}", privately, Keyed{Scope::write, change_entry_code}, "Change payload, policy, uses, end or state", "EntryCodeChange", "EntryCode"},
    {"DELETE", "/admin/v1/apps/{app_id}/entry-codes/{code}", privately, Keyed{Scope::write, remove_entry_code}, "Remove it, its counts and its picture", "", "", 204},
    {"GET", "/admin/v1/apps/{app_id}/entry-codes/{code}/scans", privately, Keyed{Scope::read, list_entry_scans}, "Who has scanned it, newest first", "", "EntryScanList"},
    {"POST", "/admin/v1/apps/{app_id}/entry-codes/{code}/links", privately, Keyed{Scope::write, make_entry_link}, "A scheme or URL link that opens as a scan does", "NewEntryLink", "EntryLink", 201},
    {"POST", "/admin/v1/keys", privately, Keyed{Scope::admin, create_key}, "Make a key; it is shown once", "NewKey", "NewKeyAnswer", 201},
    {"GET", "/admin/v1/keys", privately, Keyed{Scope::admin, list_keys}, "Keys, without their text", "", "KeyList"},
    {"DELETE", "/admin/v1/keys/{id}", privately, Keyed{Scope::admin, revoke_key}, "Revoke a key", "", "", 204},
    {"POST", "/admin/v1/keys/{id}/confirm", on_machine, OnMachine{confirm_key}, "A key that is off since a restore works again", "", "", 204},
    {"POST", "/admin/v1/ticket-keys/retire", privately, Keyed{Scope::admin, retire_ticket_keys}, "After a leak: every ticket answers renew", "", "", 204},
    {"GET", "/admin/v1/master-key", privately, Keyed{Scope::admin, show_master_key}, "Which master keys values are under, and which the nodes hold", "", "MasterKey"},
    {"POST", "/admin/v1/master-key/reseal", privately, Keyed{Scope::admin, reseal_values}, "Seal some values anew under this node's master key", "Reseal", "ResealStep"},
    {"POST", "/admin/v1/backup", on_machine, OnMachine{back_up}, "Some of the SQLite store copied into a file beside it; `anew` begins", "Backup", "BackupStep"},
    {"GET", "/admin/v1/users", privately, Keyed{Scope::read, list_users}, "Users, all or found by ids, external_id, app_id and openid, unionid or phone", "", "AdminUserList"},
    {"POST", "/admin/v1/users/import", privately, Keyed{Scope::write, import_users}, "Take over your own user table, up to 200 users at a time; the same again changes nothing", "Import", "Imported"},
    {"GET", "/admin/v1/users/{id}", privately, Keyed{Scope::read, show_user}, "One user", "", "AdminUser"},
    {"DELETE", "/admin/v1/users/{id}", privately, Keyed{Scope::write, delete_user}, "Delete a user at once", "", "", 204},
    {"PUT", "/admin/v1/users/{id}/external-id", privately, Keyed{Scope::write, set_external_id}, "What your own systems call the user; null: nothing", "ExternalId", "AdminUser"},
    {"PUT", "/admin/v1/users/{id}/roles", privately, Keyed{Scope::write, set_roles}, "The user's roles, all of them", "Roles", "AdminUser"},
    {"POST", "/admin/v1/users/{id}/disable", privately, Keyed{Scope::write, disable_user}, "Disable a user and end all sessions", "Disabling", "AdminUser"},
    {"POST", "/admin/v1/users/{id}/enable", privately, Keyed{Scope::write, enable_user}, "Enable a user again", "", "AdminUser"},
    {"POST", "/admin/v1/users/{id}/merge", privately, Keyed{Scope::write, merge_users}, "Make another user part of this one", "Merge", "AdminUser"},
    {"GET", "/admin/v1/users/{id}/sessions", privately, Keyed{Scope::read, list_user_sessions}, "A user's live sessions", "", "AdminSessionList"},
    {"POST", "/admin/v1/users/{id}/sessions", privately, Keyed{Scope::write, open_support_view}, "Support view: a session in the user's place, where the app allows it; it ends with its time", "NewSupportView", "SupportView", 201},
    {"DELETE", "/admin/v1/users/{id}/sessions", privately, Keyed{Scope::write, end_user_sessions}, "End them, all or of one app", "", "", 204},
    {"DELETE", "/admin/v1/sessions/{id}", privately, Keyed{Scope::write, end_any_session}, "End one session", "", "", 204},

    {"POST", "/admin/v1/sessions/{id}/open-data", privately, Keyed{Scope::wechat, open_session_data}, "Open what WeChat encrypted for the client", "EncryptedData", "OpenData"},
    {"POST", "/admin/v1/sessions/{id}/check-session-key", privately, Keyed{Scope::wechat, check_session_key}, "Ask WeChat whether a kept session_key stands", "", "SessionKeyCheck"},
    {"POST", "/admin/v1/sessions/{id}/reset-session-key", privately, Keyed{Scope::wechat, reset_session_key}, "Have WeChat replace the session_key", "", "", 204},
    {"POST", "/admin/v1/sessions/{id}/encrypt-key", privately, Keyed{Scope::wechat, list_encrypt_keys}, "The keys of wx.getUserCryptoManager", "", "EncryptKeyList"},
    {"GET", "/admin/v1/audit", privately, Keyed{Scope::read, list_audit}, "What happened, newest first", "", "EventList"},
    {"GET", "/admin/v1/stats", privately, Keyed{Scope::read, show_stats}, "What was counted, by hour or by app", "", "Stats"},
    {"GET", "/admin/v1/why/{id}", privately, Keyed{Scope::read, explain}, "In words: what is on record of a request, a user or a session, or with app_id of an openid", "", "Why"},
    {"POST", "/admin/v1/webhooks", privately, Keyed{Scope::admin, add_webhook}, "Add a webhook; its secret is shown once", "NewWebhook", "NewWebhookAnswer", 201},
    {"GET", "/admin/v1/webhooks", privately, Keyed{Scope::admin, list_webhooks}, "Webhooks, without their secrets", "", "WebhookList"},
    {"GET", "/admin/v1/webhooks/{id}", privately, Keyed{Scope::admin, show_webhook}, "One webhook", "", "Webhook"},
    {"PUT", "/admin/v1/webhooks/{id}", privately, Keyed{Scope::admin, change_webhook}, "Change its url, kinds or state", "WebhookChange", "Webhook"},
    {"DELETE", "/admin/v1/webhooks/{id}", privately, Keyed{Scope::admin, remove_webhook}, "Remove it", "", "", 204},
    {"GET", "/admin/v1/webhooks/{id}/deliveries", privately, Keyed{Scope::admin, list_deliveries}, "What it is told, and what came of it", "", "DeliveryList"},
    {"POST", "/admin/v1/webhooks/{id}/deliveries/{delivery}/replay", privately, Keyed{Scope::admin, replay_delivery}, "Send one again", "", "", 204},

    // Operation
    {"GET", "/healthz", everywhere, Open{healthz}, "The process runs", "", "Health"},
    {"GET", "/readyz", privately, Open{readyz}, "It can check tickets", "", "Health"},
    {"GET", "/metrics", privately, Open{nullptr}, "Prometheus metrics", "", ""},
    {"GET", "/openapi.json", privately, Open{openapi}, "This document", "", ""},
};

constexpr std::string_view kAny = "ANY";
constexpr std::array<std::string_view, 5> kAnyMethods{"GET", "POST", "PUT", "PATCH", "DELETE"};

bool served_on(const Route& route, Surface surface) {
  if (route.served == on_machine) return surface == Surface::admin;
  return route.served == everywhere || (route.served == publicly) == (surface == Surface::public_);
}

// Compares segment by segment; {names} take one segment each, with `rest` the last one all that is left, decoded once.
bool fits(std::string_view pattern, std::string_view path, bool rest, std::vector<std::string>& values) {
  values.clear();
  while (!pattern.empty() && !path.empty()) {
    const size_t pattern_end = std::min(pattern.find('/', 1), pattern.size());
    const bool takes_all = rest && pattern_end == pattern.size();
    const size_t path_end = takes_all ? path.size() : std::min(path.find('/', 1), path.size());
    const std::string_view want = pattern.substr(0, pattern_end), have = path.substr(0, path_end);
    if (want.starts_with("/{")) {
      std::string decoded;
      if (have.size() < 2 || !http::url_decode(have.substr(1), decoded)) return false;
      values.push_back(std::move(decoded));
    } else if (want != have) {
      return false;
    }
    pattern.remove_prefix(pattern_end);
    path.remove_prefix(path_end);
  }
  return pattern.empty() && path.empty();
}

}  // namespace

std::span<const Route> routes() { return kRoutes; }

std::vector<std::string_view> methods_of(const Route& route) {
  if (route.method == kAny) return {kAnyMethods.begin(), kAnyMethods.end()};
  return {route.method};
}

Match match(std::string_view method, std::string_view path, Surface surface) {
  Match found;
  // HEAD is GET without the body (RFC 9110, 9.3.2); the server leaves the body out.
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  for (size_t i = 0; i < std::size(kRoutes); ++i) {
    const Route& route = kRoutes[i];
    if (!served_on(route, surface) || !fits(route.pattern, path, route.rest, found.path)) continue;
    const bool any = route.method == kAny && std::ranges::find(kAnyMethods, wanted) != kAnyMethods.end();
    if (any || route.method == wanted) {
      found.route = &route;
      found.index = i;
      return found;
    }
    for (const auto one : methods_of(route)) {
      if (!found.allowed.empty()) found.allowed += ", ";
      found.allowed += one == "GET" ? "GET, HEAD" : one;
    }
  }
  return found;
}

}  // namespace kaimen::api
