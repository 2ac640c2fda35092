// What webhooks are told, written in the same transaction as what it tells of.
#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "store/journal.h"

namespace kaimen::store {

namespace {

constexpr Index<WebhookRow> kWebhooksOfProject{{&kTable<WebhookRow>, {1}, 1}};

// The one table of what is told of which event. Ends of sessions are told one by one (records.cpp, end_one).
constexpr std::array<std::pair<std::string_view, std::string_view>, 20> kTold{{
    {"login_new_user", "user.created"},
    {"user_registered", "user.registered"},
    {"profile_saved", "user.updated"},
    {"profile_withdrawn", "user.updated"},
    {"phone_saved", "user.updated"},
    {"phone_attached", "user.updated"},
    {"avatar_saved", "user.updated"},
    {"avatar_rejected", "user.updated"},
    {"identity_linked", "user.updated"},
    {"identity_closed", "user.updated"},
    {"registration_changed", "user.updated"},
    {"user_external_id", "user.updated"},
    {"user_roles", "user.updated"},
    {"user_disabled", "user.updated"},
    {"user_enabled", "user.updated"},
    {"user_leaving", "user.updated"},
    {"user_restored", "user.updated"},
    {"users_merged", "user.merged"},
    {"entry_scanned", "entry.scanned"},
    {"user_deleted", "user.deleted"},
}};

Result<std::string> body_of(Rows& rows, Time now, const Told& told, const Id& id) {
  std::string data = "{";
  append_text(data, "user_id", told.user.hex());
  if (told.session) append_text(data, "session_id", told.session->hex());
  if (told.app) {
    TRY(const AppTableRow* app, rows.find<AppTableRow>(*told.app));
    if (app) append_text(data, "app_id", app->app_id);
  }
  if (told.reason != Reason::none) append_text(data, "reason", name_of(told.reason));
  if (!told.detail.empty()) data.append(",\"detail\":").append(told.detail);
  std::string body = "{";
  append_text(body, "id", id.hex());
  append_text(body, "kind", told.kind);
  append_text(body, "created_at", rfc3339(now));
  append_text(body, "project", told.project);
  return body.append(",\"data\":").append(data).append("}}");
}

bool wants(const WebhookRow& webhook, std::string_view kind) {
  if (webhook.disabled) return false;
  const auto kinds = split(webhook.kinds);
  return kinds.empty() || std::ranges::find(kinds, kind) != kinds.end();
}

}  // namespace

void append_text(std::string& json, std::string_view name, std::string_view text) {
  json.append(json.ends_with('{') ? "\"" : ",\"").append(name).append("\":\"");
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (c == '"' || c == '\\') json.push_back('\\');
    if (byte >= 0x20) {
      json.push_back(c);
      continue;
    }
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
    json += escaped;
  }
  json.push_back('"');
}

std::string_view told_kind(std::string_view event_kind) {
  const auto found = std::ranges::find(kTold, event_kind, &std::pair<std::string_view, std::string_view>::first);
  return found == kTold.end() ? std::string_view() : found->second;
}

Result<> tell(ActContext& context, Time now, const Told& told) {
  Rows& rows = context.rows;
  TRY(const auto webhooks, rows.list(kWebhooksOfProject, told.project));
  const bool wanted = std::ranges::any_of(webhooks, [&](const WebhookRow* webhook) { return wants(*webhook, told.kind); });
  if (!wanted) return ok();
  TRY(const UserRow* user, rows.find<UserRow>(told.user));
  TRY(const Id id, Id::make(now, context.random));
  TRY(const std::string body, body_of(rows, now, told, id));
  // Acts on one user follow each other by the count of its row, and within a batch by the order they ran in. The count takes the upper bits.
  const int64_t place = (user ? user->version : 0) * (int64_t{1} << 24) + static_cast<int64_t>(context.serial++ & 0xffffff);
  for (const WebhookRow* webhook : webhooks) {
    if (!wants(*webhook, told.kind)) continue;
    DeliveryRow row;
    row.webhook = webhook->id;
    row.id = id;
    row.user = told.user;
    row.place = place;
    row.kind = told.kind;
    row.body = body;
    row.due_at = now;
    rows.insert(std::move(row));
  }
  return ok();
}

}  // namespace kaimen::store
