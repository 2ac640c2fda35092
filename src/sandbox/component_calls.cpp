#include "sandbox/component_calls.h"

#include <algorithm>

#include "sandbox/persona.h"

namespace kaimen::sandbox {

namespace json = http::json;

namespace {

using Reply = Granted<Answer>;

constexpr std::string_view kCalls = "/cgi-bin/component/", kLogin = "/sns/component/jscode2session";
constexpr Refusal kMissingAppid{41002, "appid missing"};
constexpr Refusal kNotAuthorized{61003, "component is not authorized by this account"};
constexpr Refusal kBadComponent{61011, "invalid component"};

int64_t seconds_to(Time end, Time now) { return std::chrono::duration_cast<Seconds>(end - now).count(); }

Granted<std::string> made(std::string_view kind, Random& random) {
  auto text = make_access_token(random);
  if (!text) return kBusy;
  return std::string(kind) + "@@@" + text.value().substr(0, 86);
}

Granted<Component*> component_named(World& world, const std::string& appid) {
  if (appid.empty()) return kMissingAppid;
  const auto found = world.components.find(appid);
  if (found == world.components.end()) return kBadComponent;
  return &found->second;
}

/// The component whose token it is.
Granted<void> expect_token(const Component& component, const std::string& token, Time now) {
  if (token.empty()) return Refusal{41001, "access_token missing"};
  for (const auto* held : {&component.token, &component.older_token}) {
    if (held->text != token) continue;
    if (now >= held->dies) return Refusal{42001, "access_token expired"};
    return ok();
  }
  return Refusal{40001, "invalid credential, access_token is invalid or not latest"};
}

json::object info_of(const std::string& appid, const Component::Grant& grant) {
  json::array functions;
  for (const int64_t id : grant.permissions) functions.push_back(json::object{{"funcscope_category", json::object{{"id", id}}}});
  return {{"authorizer_appid", appid}, {"authorizer_refresh_token", grant.refresh_token}, {"func_info", std::move(functions)}};
}

Reply component_token(World& world, const json::object& body, const Question& question, Random& random) {
  TRY(Component* const component, component_named(world, text_of(body, "component_appid")));
  const App* app = world.find_app(text_of(body, "component_appid"));
  if (text_of(body, "component_appsecret").empty()) return Refusal{41004, "appsecret missing"};
  if (!app || app->secret != Secret(text_of(body, "component_appsecret"))) return Refusal{40125, "invalid appsecret"};
  const auto ticket = component->tickets.find(text_of(body, "component_verify_ticket"));
  if (ticket == component->tickets.end()) return Refusal{61006, "component ticket is invalid"};
  if (question.now >= ticket->second) return Refusal{61005, "component ticket is expired"};
  auto text = make_access_token(random);
  if (!text) return kBusy;
  component->older_token = std::move(component->token);
  component->older_token.dies = std::min(component->older_token.dies, question.now + kTokenOverlap);
  component->token = Token{std::move(text).value(), question.now + app->token_life};
  Answer answer;
  answer.json = {{"component_access_token", component->token.text}, {"expires_in", seconds_to(component->token.dies, question.now)}};
  return answer;
}

Reply pre_auth_code(Component& component, const Question& question, Random& random) {
  TRY(auto text, made("preauthcode", random));
  component.pre_auth_codes[text] = question.now + kPreAuthLife;
  Answer answer;
  answer.json = {{"pre_auth_code", text}, {"expires_in", kPreAuthLife.count()}};
  return answer;
}

Granted<Token> token_for(World& world, const std::string& appid, Time now) {
  App* app = world.find_app(appid);
  if (!app) return kNotAuthorized;
  return world.authorizer_token(*app, now);
}

Reply query_auth(World& world, Component& component, const json::object& body, Time now) {
  const auto code = component.auth_codes.find(text_of(body, "authorization_code"));
  if (code == component.auth_codes.end()) return Refusal{61009, "code is invalid"};
  if (code->second.used || now >= code->second.dies) return Refusal{61010, "code is expired"};
  const auto grant = component.grants.find(code->second.appid);
  if (grant == component.grants.end()) return kNotAuthorized;
  TRY(const Token token, token_for(world, grant->first, now));
  code->second.used = true;
  json::object info = info_of(grant->first, grant->second);
  info["authorizer_access_token"] = token.text;
  info["expires_in"] = seconds_to(token.dies, now);
  Answer answer;
  answer.json["authorization_info"] = std::move(info);
  return answer;
}

Reply authorizer_token(World& world, Component& component, const json::object& body, Time now, Random& random) {
  const auto grant = component.grants.find(text_of(body, "authorizer_appid"));
  if (grant == component.grants.end()) return kNotAuthorized;
  if (text_of(body, "authorizer_refresh_token") != grant->second.refresh_token) return Refusal{61023, "refresh_token is invalid"};
  TRY(const Token token, token_for(world, grant->first, now));
  if (grant->second.renews) {
    TRY(grant->second.refresh_token, made("refreshtoken", random));
  }
  Answer answer;
  answer.json = {{"authorizer_access_token", token.text}, {"expires_in", seconds_to(token.dies, now)}, {"authorizer_refresh_token", grant->second.refresh_token}};
  return answer;
}

Reply authorizer_info(Component& component, const json::object& body) {
  const auto grant = component.grants.find(text_of(body, "authorizer_appid"));
  if (grant == component.grants.end()) return kNotAuthorized;
  Answer answer;
  answer.json["authorizer_info"] = json::object{{"nick_name", "sandbox " + grant->first}, {"user_name", "gh_sandbox"}, {"MiniProgramInfo", json::object{}}};
  answer.json["authorization_info"] = info_of(grant->first, grant->second);
  return answer;
}

Reply component_login(World& world, const Question& question) {
  if (question.parameter("appid").empty()) return kMissingAppid;
  App* app = world.find_app(question.parameter("appid"));
  if (!app) return Refusal{40013, "invalid appid"};
  if (question.parameter("js_code").empty()) return Refusal{41008, "missing code"};
  if (question.parameter("grant_type") != "authorization_code") return Refusal{40002, "invalid grant_type"};
  TRY(const Component* const component, component_named(world, question.parameter("component_appid")));
  TRY(expect_token(*component, question.parameter("component_access_token"), question.now));
  if (!component->grants.contains(app->appid)) return kNotAuthorized;
  TRY(const User* const user, world.spend_login_code(*app, question.parameter("js_code"), question.now));
  return session_of(*app, *user);
}

// ---- the control side ----

struct Parties {
  App* component_app;
  Component* component;
  App* app;
};
Result<Parties> parties_of(World& world, const std::string& component_appid, const std::string& appid) {
  Parties parties{world.find_app(component_appid), nullptr, world.find_app(appid)};
  const auto found = world.components.find(component_appid);
  if (!parties.component_app || found == world.components.end()) {
    return make_error(ErrorCode::not_found, "no component \"" + component_appid + "\": POST /sandbox/apps, then /sandbox/component-ticket make one");
  }
  if (!parties.app) return make_error(ErrorCode::not_found, "no app \"" + appid + "\": POST /sandbox/apps makes one");
  parties.component = &found->second;
  return parties;
}

Result<std::string> granted(Granted<std::string> text) {
  if (!text) return make_error(ErrorCode::unavailable, "no randomness");
  return std::move(text).value();
}

Result<> all_known(const http::Reader& reader) {
  TRY(reader.check());
  if (const auto unknown = reader.unknown(); !unknown.empty()) return make_error(ErrorCode::invalid_request, "unknown field \"" + unknown.front() + "\"");
  return ok();
}

json::object told(const App& component, std::string_view kind, Time now) {
  return {{"AppId", component.appid}, {"CreateTime", epoch_ms(now) / 1000}, {"InfoType", kind}};
}

Result<> send(ComponentOrder& order, const App& component, const json::object& message, Time now, Random& random) {
  if (component.push_url.empty()) return ok();
  TRY(order.letter, write_component_push(component, message, now, random));
  return ok();
}

Result<ComponentOrder> order_ticket(World& world, const json::object& body, Time now, Random& random) {
  http::Reader reader(body);
  const std::string appid = reader.require_string({"component_appid", "appid"});
  TRY(all_known(reader));
  const App* app = world.find_app(appid);
  if (!app) return make_error(ErrorCode::not_found, "no app \"" + appid + "\": POST /sandbox/apps makes one");
  TRY(const std::string ticket, granted(made("ticket", random)));
  Component& component = world.components[appid];
  std::erase_if(component.tickets, [now](const auto& one) { return one.second + kTicketLife < now; });
  component.tickets[ticket] = now + kTicketLife;
  ComponentOrder order;
  order.answer["ticket"] = ticket;
  json::object message = told(*app, "component_verify_ticket", now);
  message["ComponentVerifyTicket"] = ticket;
  TRY(send(order, *app, message, now, random));
  return order;
}

Result<ComponentOrder> order_authorize(World& world, const json::object& body, Time now, Random& random) {
  http::Reader reader(body);
  const std::string component_appid = reader.require_string({"component_appid"}), appid = reader.require_string({"appid", "app_id"});
  const auto pre_auth_code = reader.string({"pre_auth_code"});
  const auto* permissions = reader.array({"permissions"});
  const auto push = reader.boolean({"push"}), renews = reader.boolean({"renews"});
  TRY(all_known(reader));
  TRY(const auto parties, parties_of(world, component_appid, appid));
  Component& component = *parties.component;
  if (pre_auth_code) {
    const auto known = component.pre_auth_codes.find(*pre_auth_code);
    if (known == component.pre_auth_codes.end() || now >= known->second) return make_error(ErrorCode::invalid_request, "the pre_auth_code is unknown or expired");
  }
  const auto before = component.grants.find(appid);
  const bool again = before != component.grants.end();
  Component::Grant grant{"", {}, now, renews.value_or(false)};
  TRY(grant.refresh_token, granted(made("refreshtoken", random)));
  // A change of what it may leaves the refresh token as it is.
  if (again) grant.refresh_token = before->second.refresh_token;
  grant.permissions = {1, 17, 18, 19};
  if (permissions) {
    grant.permissions.clear();
    for (const auto& id : *permissions) grant.permissions.push_back(id.is_int64() ? id.get_int64() : 0);
  }
  component.grants[appid] = std::move(grant);
  TRY(const std::string code, granted(made("queryauthcode", random)));
  std::erase_if(component.auth_codes, [now](const auto& one) { return one.second.dies + kAuthCodeLife < now; });
  component.auth_codes[code] = {appid, now + kAuthCodeLife, false};
  ComponentOrder order;
  order.answer = {{"auth_code", code}, {"expires_in", kAuthCodeLife.count()}};
  json::object message = told(*parties.component_app, again ? "updateauthorized" : "authorized", now);
  message["AuthorizerAppid"] = appid;
  message["AuthorizationCode"] = code;
  message["AuthorizationCodeExpiredTime"] = epoch_ms(now + kAuthCodeLife) / 1000;
  message["PreAuthCode"] = pre_auth_code.value_or("");
  if (push.value_or(true)) {
    TRY(send(order, *parties.component_app, message, now, random));
  }
  return order;
}

Result<ComponentOrder> order_unauthorize(World& world, const json::object& body, Time now, Random& random) {
  http::Reader reader(body);
  const std::string component_appid = reader.require_string({"component_appid"}), appid = reader.require_string({"appid", "app_id"});
  const auto push = reader.boolean({"push"});
  TRY(all_known(reader));
  TRY(const auto parties, parties_of(world, component_appid, appid));
  parties.component->grants.erase(appid);
  world.drop_authorizer_tokens(*parties.app);
  ComponentOrder order;
  json::object message = told(*parties.component_app, "unauthorized", now);
  message["AuthorizerAppid"] = appid;
  if (push.value_or(true)) {
    TRY(send(order, *parties.component_app, message, now, random));
  }
  return order;
}

}  // namespace

bool is_component_path(std::string_view path) { return path == kLogin || path.starts_with(kCalls); }

Reply ask_component(World& world, const Question& question, Random& random) {
  if (question.path == kLogin) return question.method == "GET" ? component_login(world, question) : Reply(Refusal{43001, "require GET method"});
  if (question.method != "POST") return Refusal{43002, "require POST method"};
  const std::string_view call = question.path.substr(kCalls.size());
  TRY(const auto body, body_of(question));
  if (call == "api_component_token") return component_token(world, body, question, random);
  TRY(Component* const component, component_named(world, text_of(body, "component_appid")));
  // The older name of the parameter is as good as the newer one.
  const std::string& older = question.parameter("component_access_token");
  TRY(expect_token(*component, older.empty() ? question.parameter("access_token") : older, question.now));
  if (call == "api_create_preauthcode") return pre_auth_code(*component, question, random);
  if (call == "api_query_auth") return query_auth(world, *component, body, question.now);
  if (call == "api_authorizer_token") return authorizer_token(world, *component, body, question.now, random);
  if (call == "api_get_authorizer_info") return authorizer_info(*component, body);
  return Refusal{40066, "invalid url"};
}

bool is_component_order(std::string_view path) {
  return path == "/sandbox/component-ticket" || path == "/sandbox/authorize" || path == "/sandbox/unauthorize";
}

Result<ComponentOrder> order_component(World& world, std::string_view path, const json::object& order, Time now, Random& random) {
  if (path == "/sandbox/component-ticket") return order_ticket(world, order, now, random);
  if (path == "/sandbox/authorize") return order_authorize(world, order, now, random);
  return order_unauthorize(world, order, now, random);
}

}  // namespace kaimen::sandbox
