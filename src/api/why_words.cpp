#include "api/why_words.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kaimen::api {

namespace {

using core::EventView;

std::string text_in(const http::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  const auto* text = value ? value->if_string() : nullptr;
  return text ? std::string(text->data(), text->size()) : std::string();
}

std::string app_words(const std::optional<uint32_t>& number, const core::AppTable& apps) {
  if (!number) return "";
  const auto app = apps.find(*number);
  return " in " + (app ? app->app_id : std::string("an app that is gone"));
}

std::string by_words(const EventView& event) {
  std::string words;
  if (!event.actor.empty()) words += " by " + event.actor;
  if (!event.ip.empty()) words += " from " + event.ip;
  return words;
}

std::string reason_words(Reason reason) {
  switch (reason) {
    case Reason::logged_out: return "the user logged out";
    case Reason::replaced: return "a newer login took its place: the limit of sessions of one user was reached";
    case Reason::revoked: return "it was ended by an administrator or by the user from another device";
    case Reason::disabled: return "the user was disabled";
    case Reason::deleted: return "the user, or the app, was deleted";
    case Reason::reused: return "a renew token was presented that had been replaced long before: a copy of it is in other hands";
    case Reason::expired: return "it ran out";
    case Reason::renew: return "the same device logged in again, which takes the place of its session quietly";
    default: return std::string(name_of(reason));
  }
}

std::string errcode_words(const http::json::object& detail) {
  const auto* errcode = detail.if_contains("errcode");
  if (!errcode || !errcode->is_int64()) return "";
  std::string words = ": errcode " + std::to_string(errcode->get_int64());
  if (const auto rid = text_in(detail, "rid"); !rid.empty()) words += " (rid " + rid + ", which WeChat's support asks for)";
  return words;
}

std::string login_failure_words(const EventView& event, const http::json::object& detail) {
  const std::string code = text_in(detail, "code");
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kMeanings{{
      {"code_invalid", "the code is wrong, older than five minutes, or another app's"},
      {"code_used", "the code was used before"},
      {"risk_blocked", "WeChat's risk control holds this user to be dangerous"},
      {"rate_limited", "a quota of the app is used up"},
      {"app_misconfigured", "the app's secret, appid or IP allow list is not right; `kaimen app check` tells more"},
      {"upstream_busy", "WeChat was busy; the code may be used again"},
      {"upstream_error", "WeChat did not answer, or not sensibly; the code may be spent"},
      {"forbidden", "the user may not come in"},
      {"unauthenticated", "there is no such username, or this is not its password"},
  }};
  const auto* meaning = std::ranges::find(kMeanings, code, &std::pair<std::string_view, std::string_view>::first);
  std::string words = detail.contains("errcode") ? "WeChat refused a login" : "a login was refused";
  words += errcode_words(detail);
  if (meaning != kMeanings.end()) words += ": " + std::string(meaning->second);
  if (event.reason != Reason::none) words += " (" + std::string(name_of(event.reason)) + ")";
  return words;
}

/// When the session_key of that fingerprint came; the zero time: not known.
Time came_at(const std::string& key, const std::vector<EventView>& around) {
  for (const auto& event : around) {
    if (text_in(detail_of(event), "session_key") == key) return event.at;
  }
  return {};
}

std::string decrypt_words(const EventView& event, const http::json::object& detail, const std::vector<EventView>& around) {
  const std::string part = text_in(detail, "part"), code = text_in(detail, "code");
  if (code == "decrypt_failed") return "the " + part + " data could not be read at all: not base64 of the right length; the client cut or changed it";
  std::string words = code == "signature_invalid" ? "the signature of the " + part + " fitted none of the kept session_keys" : "the " + part + " data fitted none of the kept session_keys";
  const auto* keys = detail.if_contains("keys");
  const auto* list = keys ? keys->if_array() : nullptr;
  if (!list || list->empty()) return words + ": there was none; the user has to log in with WeChat first";
  words += "; tried:";
  for (const auto& item : *list) {
    const auto* text = item.if_string();
    if (!text) continue;
    const std::string key(text->data(), text->size());
    const Time at = came_at(key, around);
    words += " " + key + (at == Time{} ? " (came before the record begins)" : " (came " + rfc3339(at) + ")") + (&item == &list->back() ? "" : ",");
  }
  Time newer{};
  for (const auto& other : around) {
    if (other.at > event.at && !text_in(detail_of(other), "session_key").empty() && (newer == Time{} || other.at < newer)) newer = other.at;
  }
  if (newer != Time{}) return words + "; the next one came " + rfc3339(newer) + ": the phone had asked WeChat for a new key before the server knew of it";
  return words + "; no newer one has come since: WeChat gave the phone a key that no login brought here. Call wx.login first, then ask for the data again";
}

std::string plain_words(const EventView& event) {
  static constexpr std::pair<std::string_view, std::string_view> kWords[] = {
      {"login", "logged in"},
      {"login_new_user", "logged in for the first time"},
      {"profile_saved", "the profile was changed"},
      {"phone_saved", "a phone number was bound"},
      {"user_disabled", "the user was disabled, and all sessions ended"},
      {"user_enabled", "the user was enabled again"},
      {"user_external_id", "the external id was set"},
      {"user_roles", "the roles were set"},
      {"user_imported", "the user was made by an import"},
      {"user_import_changed", "an import changed the user"},
      {"user_resolved", "the team's own backend said who this is"},
      {"support_view", "somebody looked on in the user's place"},
      {"renewal_lost", "a renewal came with the token before the last: the answer with the last one had been lost"},
      {"identity_moved", "the app belongs to another project now, so the identity became another user"},
      {"union_conflict", "the unionid names another user, and the two could not be merged"},
      {"users_merged", "another user was found to be the same and was merged into this one"},
      {"merged_into", "this user was found to be another one and was merged into that one"},
      {"app_added", "the app was added"},
      {"app_authorized", "the app's account authorised a third-party platform"},
      {"app_unauthorized", "the app's account took its authorisation of the third-party platform back: logins were refused from then on"},
      {"app_changed", "the app was changed"},
      {"app_removed", "the app was removed, and its sessions ended"},
      {"access_key_added", "an access key was made"},
      {"access_key_revoked", "an access key was revoked"},
      {"access_key_confirmed", "an access key that was off since a restore was confirmed"},
      {"store_restored", "the store was put back to an earlier state: all sessions ended, and access keys went off until confirmed"},
      {"ticket_keys_retired", "all ticket keys were retired: every ticket answers renew"},
      {"ticket_key_added", "a ticket key was made"},
      {"webhook_added", "a webhook was added"},
      {"webhook_changed", "a webhook was changed"},
      {"webhook_removed", "a webhook was removed"},
      {"entry_scanned", "came in by an entry code"},
      {"entry_code_added", "an entry code was made"},
      {"entry_code_changed", "an entry code was changed"},
      {"entry_code_removed", "an entry code was removed"},
      {"delivery_replayed", "a delivery was sent to its webhook again"},
  };
  const auto* found = std::ranges::find(kWords, event.kind, &std::pair<std::string_view, std::string_view>::first);
  if (found != std::end(kWords)) return std::string(found->second);
  std::string words = event.kind;
  std::ranges::replace(words, '_', ' ');
  return words;
}

std::string words(const EventView& event, const std::vector<EventView>& around) {
  const auto detail = detail_of(event);
  if (event.kind == "login_failed") return login_failure_words(event, detail);
  if (event.kind == "decrypt_failed") return decrypt_words(event, detail, around);
  if (event.kind == "renewal_refused") return "a renewal was refused (" + std::string(name_of(event.reason)) + "): " + reason_words(event.reason);
  if (event.kind == "session_ended") return "the session ended: " + reason_words(event.reason);
  if (event.kind == "sessions_ended") return "all of the user's sessions, or all but the current one, ended: " + reason_words(event.reason);
  std::string text = plain_words(event);
  if (const auto actor = text_in(detail, "actor"); !actor.empty()) text += " (" + actor + ")";
  if (const auto code = text_in(detail, "entry_code"); !code.empty()) text += " (" + code + ")";
  if (const auto other = text_in(detail, "other"); !other.empty()) text += " (" + other + ")";
  if (const auto into = text_in(detail, "into"); !into.empty()) text += " (" + into + ")";
  if (const auto why = text_in(detail, "why"); !why.empty()) text += ": both have what only one can have (" + why + ")";
  return text;
}

}  // namespace

http::json::object detail_of(const EventView& event) {
  if (event.detail.empty()) return {};
  auto parsed = http::parse_json(event.detail);
  auto* object = parsed ? parsed.value().if_object() : nullptr;
  return object ? std::move(*object) : http::json::object{};
}

std::vector<std::string> words_of(const std::vector<EventView>& events, const std::vector<EventView>& around, const core::AppTable& apps) {
  std::vector<std::string> lines;
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    lines.push_back(rfc3339(event->at) + " " + words(*event, around) + app_words(event->app, apps) + by_words(*event));
  }
  return lines;
}

std::string words_of(const core::Session& session, Time now, const core::AppTable& apps) {
  std::string text = "The session " + session.id.hex() + app_words(session.app, apps) + " began " + rfc3339(session.created_at);
  if (session.ended) return text + " and has ended: " + reason_words(*session.ended) + ".";
  const Time end = std::min(session.idle_expires_at, session.absolute_expires_at);
  if (now >= session.absolute_expires_at) return text + " and ran out " + rfc3339(end) + ": that is as long as a session may last in this app.";
  if (now >= end) return text + " and ran out " + rfc3339(end) + ": it had not been renewed for too long.";
  return text + " and is live until " + rfc3339(end) + ".";
}

std::string words_of(const core::User& user) {
  std::string text = "The user " + user.id.hex() + " of project " + user.project + " has been here since " + rfc3339(user.created_at);
  if (user.leaving) return text + " and waits to be deleted.";
  if (!user.disabled) return text + " and may come in.";
  text += " and is disabled";
  if (user.disabled_until) text += " until " + rfc3339(*user.disabled_until);
  return text + ".";
}

}  // namespace kaimen::api
