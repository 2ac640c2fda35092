#include "api/admin_journal.h"

#include "api/admin.h"

#include "api/why_words.h"
#include "api/wire.h"
#include "base/limits.h"

namespace kaimen::api {

namespace {

http::json::value id_or_null(const std::optional<Id>& id) { return id ? http::json::value(id->hex()) : http::json::value(nullptr); }

http::json::object event_json(const core::EventView& event, const core::AppTable& apps) {
  const auto app = event.app ? apps.find(*event.app) : nullptr;
  return {{"id", event.id.hex()},
          {"at", rfc3339(event.at)},
          {"kind", event.kind},
          {"project", event.project},
          {"app_id", app ? http::json::value(app->app_id) : http::json::value(nullptr)},
          {"user_id", id_or_null(event.user)},
          {"session_id", id_or_null(event.session)},
          {"reason", name_of(event.reason)},
          {"actor", event.actor},
          {"ip", event.ip},
          {"request_id", event.request_id},
          {"detail", detail_of(event)}};
}

http::json::object webhook_json(const core::Webhook& webhook) {
  return {{"id", webhook.id.hex()},
          {"project", webhook.project},
          {"url", webhook.url},
          {"kinds", strings(webhook.kinds)},
          {"disabled", webhook.disabled},
          {"created_at", rfc3339(webhook.created_at)}};
}

constexpr std::string_view kAuditParameters[] = {"user_id", "session_id", "app_id", "kind", "request_id", "since", "limit", "cursor"};
constexpr std::string_view kStates[] = {"due", "delivered", "given_up"};

http::json::object delivery_json(const core::Delivery& delivery) {
  auto body = http::parse_json(delivery.body);
  return {{"id", delivery.id.hex()},
          {"user_id", delivery.user.hex()},
          {"kind", delivery.kind},
          {"state", kStates[static_cast<size_t>(delivery.state)]},
          {"due_at", rfc3339(delivery.due_at)},
          {"attempts", delivery.attempts},
          {"last_status", delivery.last_status},
          {"last_error", delivery.last_error},
          {"settled_at", time_or_null(delivery.settled_at)},
          {"body", body ? std::move(body.value()) : http::json::value(nullptr)}};
}

Result<std::optional<Id>> id_in_query(const Call& call, std::string_view name) {
  const auto* text = call.query.find(name);
  if (!text) return std::nullopt;
  const auto id = Id::parse(*text);
  if (!id) return make_error(ErrorCode::invalid_request, std::string(name) + " must be an id");
  return id;
}

Result<std::vector<std::string>> kinds_of(const http::json::array* list) {
  std::vector<std::string> kinds;
  if (!list) return kinds;
  for (const auto& item : *list) {
    if (!item.is_string()) return make_error(ErrorCode::invalid_request, "kinds must be texts");
    kinds.emplace_back(item.get_string());
  }
  return kinds;
}

Task<Result<core::Webhook>> webhook_in_path(Call& call, const core::Caller& caller) {
  CO_TRY(const Id id, id_in_path(call, 0));
  auto found = co_await call.services.webhooks.find(id);
  CO_TRY(auto webhook, std::move(found));
  if (out_of_reach(caller, webhook.project)) co_return make_error(ErrorCode::not_found, "there is no such webhook");
  co_return webhook;
}

/// Whose the openid is in the app that the query names.
Task<Result<Id>> user_by_openid(Call& call, const core::Caller& caller, std::string openid) {
  core::UserSearch search;
  search.project = caller.project;
  for (const auto& [name, value] : call.query.items) {
    if ((name != "app_id" && name != "appid") || search.app) co_return make_error(ErrorCode::invalid_request, "the one parameter here is app_id, once");
    CO_TRY(search.app, app_for(call, caller, value));
  }
  search.openid = std::move(openid);
  auto finding = co_await call.services.directory.find(std::move(search));
  CO_TRY(const auto page, std::move(finding));
  if (page.users.empty()) co_return make_error(ErrorCode::not_found, "nobody has this openid in this app");
  co_return page.users.front().user.id;
}

}  // namespace

Answer list_audit(Call& call, const core::Caller& caller) {
  for (const auto& [name, text] : call.query.items) {
    // A condition that is overlooked would answer everything.
    if (std::ranges::find(kAuditParameters, name) == std::end(kAuditParameters)) {
      co_return make_error(ErrorCode::invalid_request, "parameters: user_id, session_id, app_id, kind, request_id, since, limit, cursor");
    }
  }
  CO_TRY(const Page page, page_of(call));
  core::ListEvents query;
  query.limit = page.limit;
  query.project = caller.project;
  CO_TRY(query.before, page.after_id());
  CO_TRY(query.user, id_in_query(call, "user_id"));
  CO_TRY(query.session, id_in_query(call, "session_id"));
  if (const auto* kind = call.query.find("kind")) query.kind = *kind;
  if (const auto* request = call.query.find("request_id")) query.request_id = *request;
  if (const auto* since = call.query.find("since")) {
    query.since = parse_rfc3339(*since);
    if (!query.since) co_return make_error(ErrorCode::invalid_request, "since must be an RFC 3339 time");
  }
  if (const auto* app_id = call.query.find("app_id")) {
    CO_TRY(const auto app, app_for(call, caller, *app_id));
    query.app = app->number;
  }
  auto listed = co_await call.services.journal.list(std::move(query));
  CO_TRY(const auto found, std::move(listed));
  const auto apps = call.services.live.apps.get();
  http::json::array items;
  for (const auto& event : found.events) items.push_back(event_json(event, *apps));
  const std::string last = found.next ? std::string(found.next->raw()) : std::string();
  co_return json_response(200, page_json(std::move(items), last, found.next.has_value()), true);
}

Answer explain(Call& call, const core::Caller& caller) {
  const std::string asked = call.path[0];
  const auto apps = call.services.live.apps.get();
  std::vector<std::string> lines;
  std::string about;
  std::optional<Id> user;
  core::ListEvents query;
  query.limit = limits::kPageItems;
  query.project = caller.project;

  // With an app, it is an openid there: its user is who is asked about.
  if (!call.query.items.empty()) {
    auto named = co_await user_by_openid(call, caller, asked);
    CO_TRY(const Id id, std::move(named));
    about = "user";
    user = id;
    query.user = id;
    auto found = co_await call.services.store.find_user(id);
    if (found.has_value()) lines.push_back("The openid " + asked + ": " + words_of(found.value()));
  }
  // Else an id is a session's or a user's; whatever else, or an unknown id, may be a request's.
  if (const auto id = about.empty() ? Id::parse(asked) : std::nullopt) {
    auto session = co_await call.services.store.find_session(*id);
    if (session.has_value() && !out_of_reach(caller, session.value().user.project)) {
      about = "session";
      user = session.value().user.id;
      query.user = user;
      query.session = *id;
      lines.push_back(words_of(session.value().session, call.services.live.clock.now(), *apps));
    }
    if (about.empty()) {
      auto found = co_await call.services.store.find_user(*id);
      if (found.has_value() && !out_of_reach(caller, found.value().project)) {
        about = "user";
        lines.push_back(words_of(found.value()));
      }
      user = *id;
      query.user = *id;
    }
  }
  core::EventPage events;
  if (query.user) {
    auto listed = co_await call.services.journal.list(query);
    CO_TRY(events, std::move(listed));
    if (about.empty() && !events.events.empty()) {
      about = "user";
      lines.push_back("The user " + asked + " is gone.");
    }
  }
  if (about.empty()) {
    query.user.reset();
    query.request_id = asked;
    auto listed = co_await call.services.journal.list(query);
    CO_TRY(events, std::move(listed));
    if (events.events.empty()) co_return make_error(ErrorCode::not_found, "nothing is on record under this");
    about = "request";
    for (const auto& event : events.events) user = event.user ? event.user : user;
  }

  // When session_keys came is told by the user's logins.
  core::EventPage around;
  if (user) {
    core::ListEvents more;
    more.user = user;
    more.project = caller.project;
    more.limit = 1000;
    auto listed = co_await call.services.journal.list(std::move(more));
    CO_TRY(around, std::move(listed));
  }
  for (auto& line : words_of(events.events, around.events, *apps)) lines.push_back(std::move(line));
  http::json::array items;
  for (const auto& event : events.events) items.push_back(event_json(event, *apps));
  const http::json::object body{{"about", about}, {"id", asked}, {"lines", strings(lines)}, {"events", std::move(items)}};
  co_return json_response(200, body, true);
}

Answer add_webhook(Call& call, const core::Caller& caller) {
  http::Reader reader(call.body);
  core::NewWebhook webhook;
  webhook.project = reader.string({"project"}).value_or(caller.project.empty() ? "default" : caller.project);
  webhook.url = reader.require_string({"url"});
  webhook.disabled = reader.boolean({"disabled"}).value_or(false);
  const auto* kinds = reader.array({"kinds"});
  CO_TRY(call.finish(reader));
  CO_TRY(webhook.kinds, kinds_of(kinds));
  if (out_of_reach(caller, webhook.project)) co_return make_error(ErrorCode::forbidden, "this key is bound to another project");
  webhook.source = call.trace.source;
  auto added = co_await call.services.webhooks.add(std::move(webhook));
  CO_TRY(const auto made, std::move(added));
  http::json::object body = webhook_json(made.row);
  body["secret"] = made.secret.reveal();
  co_return json_response(201, body, true);
}

Answer list_webhooks(Call& call, const core::Caller& caller) {
  auto listed = co_await call.services.webhooks.list();
  CO_TRY(const auto webhooks, std::move(listed));
  http::json::array items;
  for (const auto& webhook : webhooks) {
    if (!out_of_reach(caller, webhook.project)) items.push_back(webhook_json(webhook));
  }
  const http::json::object body{{"items", std::move(items)}, {"next_cursor", nullptr}};
  co_return json_response(200, body, true);
}

Answer show_webhook(Call& call, const core::Caller& caller) {
  auto found = co_await webhook_in_path(call, caller);
  CO_TRY(const auto webhook, std::move(found));
  co_return json_response(200, webhook_json(webhook), true);
}

Answer change_webhook(Call& call, const core::Caller& caller) {
  auto found = co_await webhook_in_path(call, caller);
  CO_TRY(const auto webhook, std::move(found));
  http::Reader reader(call.body);
  core::ChangeWebhook change;
  change.id = webhook.id;
  change.url = reader.string({"url"});
  change.disabled = reader.boolean({"disabled"});
  const auto* kinds = reader.array({"kinds"});
  CO_TRY(call.finish(reader));
  if (kinds) {
    CO_TRY(change.kinds, kinds_of(kinds));
  }
  change.source = call.trace.source;
  auto changed = co_await call.services.webhooks.change(std::move(change));
  CO_TRY(const auto now, std::move(changed));
  co_return json_response(200, webhook_json(now), true);
}

Answer remove_webhook(Call& call, const core::Caller& caller) {
  auto found = co_await webhook_in_path(call, caller);
  CO_TRY(const auto webhook, std::move(found));
  auto removed = co_await call.services.webhooks.remove(webhook.id, call.trace.source);
  CO_TRY(std::move(removed));
  co_return no_content();
}

Answer list_deliveries(Call& call, const core::Caller& caller) {
  auto found = co_await webhook_in_path(call, caller);
  CO_TRY(const auto webhook, std::move(found));
  CO_TRY(const Page page, page_of(call));
  core::ListDeliveries query;
  query.webhook = webhook.id;
  query.limit = page.limit;
  CO_TRY(query.after, page.after_id());
  if (const auto* text = call.query.find("state")) {
    const auto* state = std::find(std::begin(kStates), std::end(kStates), *text);
    if (state == std::end(kStates)) co_return make_error(ErrorCode::invalid_request, "state must be due, delivered or given_up");
    query.state = static_cast<core::DeliveryState>(state - std::begin(kStates));
  }
  auto listed = co_await call.services.webhooks.deliveries(std::move(query));
  CO_TRY(const auto deliveries, std::move(listed));
  http::json::array items;
  for (const auto& delivery : deliveries.deliveries) items.push_back(delivery_json(delivery));
  const std::string last = deliveries.next ? std::string(deliveries.next->raw()) : std::string();
  co_return json_response(200, page_json(std::move(items), last, deliveries.next.has_value()), true);
}

Answer replay_delivery(Call& call, const core::Caller& caller) {
  auto found = co_await webhook_in_path(call, caller);
  CO_TRY(const auto webhook, std::move(found));
  CO_TRY(const Id delivery, id_in_path(call, 1));
  auto replayed = co_await call.services.webhooks.replay(webhook.id, delivery, call.trace.source);
  CO_TRY(std::move(replayed));
  co_return no_content();
}

}  // namespace kaimen::api
