// The side of WeChat that a third-party platform meets: /cgi-bin/component/*, its logins, and what an account's administrator does.
#pragma once

#include <optional>

#include "sandbox/push.h"
#include "sandbox/wechat_calls.h"

namespace kaimen::sandbox {

/// Whether ask_component answers it.
bool is_component_path(std::string_view path);
Granted<Answer> ask_component(World& world, const Question& question, Random& random);

/// What was ordered on the control side, and the push that follows; nullopt: the order says that none is sent, or where to is not known.
struct ComponentOrder {
  http::json::object answer;
  std::optional<PushLetter> letter;
};
/// POST /sandbox/component-ticket {component_appid} → {ticket}; /sandbox/authorize {component_appid, appid, pre_auth_code?, permissions?,
/// renews?, push?} → {auth_code, expires_in}; /sandbox/unauthorize {component_appid, appid, push?}. Errors: invalid_request and not_found in
/// words, unavailable (no randomness).
bool is_component_order(std::string_view path);
Result<ComponentOrder> order_component(World& world, std::string_view path, const http::json::object& order, Time now, Random& random);

}  // namespace kaimen::sandbox
