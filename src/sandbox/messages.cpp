#include "sandbox/messages.h"

#include <algorithm>
#include <array>

namespace kaimen::sandbox {

namespace json = http::json;

namespace {

constexpr std::array<std::string_view, 3> kStates{"developer", "trial", "formal"};

/// {"thing1": {"value": "…"}, …}
bool is_message_data(const json::object& body) {
  const auto* value = body.if_contains("data");
  const auto* data = value ? value->if_object() : nullptr;
  return data && !data->empty() && std::ranges::all_of(*data, [](const auto& member) {
    const auto* field = member.value().if_object();
    const auto* text = field ? field->if_contains("value") : nullptr;
    return text && text->is_string() && !text->get_string().empty();
  });
}

}  // namespace

Granted<Answer> send_subscribe_message(World& world, const Question& question) {
  TRY(App* const app, app_of(world, question));
  TRY(const auto body, body_of(question));
  const auto user = app->by_openid.find(text_of(body, "touser"));
  if (user == app->by_openid.end()) return kBadOpenid;
  const std::string template_id = text_of(body, "template_id"), state = text_of(body, "miniprogram_state");
  if (template_id.empty()) return Refusal{40037, "invalid template_id"};
  if (!is_message_data(body) || (!state.empty() && std::ranges::find(kStates, state) == kStates.end())) return Refusal{47003, "argument invalid"};
  if (user->second->refused_templates.contains(template_id)) return Refusal{43101, "user refuse to accept the msg"};
  Answer answer;
  answer.json = {{"errcode", 0}, {"errmsg", "ok"}, {"msgid", ++app->messages}};
  return answer;
}

}  // namespace kaimen::sandbox
