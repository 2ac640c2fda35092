#include "sandbox/call_log.h"

#include <algorithm>

#include "base/encoding.h"

namespace kaimen::sandbox {

namespace json = http::json;

namespace {

constexpr std::string_view kMasked[] = {"secret", "access_token", "component_access_token", "component_appsecret", "component_verify_ticket", "authorization_code",
                                         "authorizer_refresh_token", "signature", "session_key"};

bool is_masked(std::string_view name) { return std::find(std::begin(kMasked), std::end(kMasked), name) != std::end(kMasked); }

// JSON holds UTF-8 only: other bytes are shown as "hex:…".
json::string shown(std::string_view name, std::string_view value) {
  if (is_masked(name)) return json::string("***");
  std::string text(value.substr(0, CallLog::kValueBytes));
  if (!is_utf8(text)) text = "hex:" + to_hex(text);
  return json::string(text);
}

json::object shown_query(const http::Parameters& query) {
  json::object object;
  for (const auto& [name, value] : query.items) {
    const std::string key = is_utf8(name) ? name : "hex:" + to_hex(name);
    json::string text = shown(name, value);
    auto* earlier = object.if_contains(key);
    if (!earlier) {
      object[key] = std::move(text);
    } else if (auto* list = earlier->if_array()) {
      list->emplace_back(std::move(text));
    } else {
      *earlier = json::array{*earlier, std::move(text)};
    }
  }
  return object;
}

std::optional<json::object> shown_body(std::string_view body) {
  auto parsed = http::parse_json(body);
  auto* object = parsed ? parsed.value().if_object() : nullptr;
  if (!object) return std::nullopt;
  for (auto& member : *object) {
    if (is_masked(member.key())) {
      member.value() = "***";
    } else if (const auto* text = member.value().if_string()) {
      member.value() = shown(member.key(), *text);
    } else if (member.value().is_structured()) {
      member.value() = shown(member.key(), http::to_text(member.value()));
    }
  }
  return std::move(*object);
}

}  // namespace

void CallLog::add(const Question& question, const App* app, std::optional<int64_t> errcode, const std::optional<Fault>& fault) {
  json::object call;
  call["at"] = rfc3339(question.now);
  call["method"] = question.method;
  call["path"] = question.path.substr(0, kValueBytes);
  call["query"] = shown_query(question.query);
  std::string appid = question.parameter("appid");
  if (!question.body.empty()) {
    auto body = shown_body(question.body);
    if (body && appid.empty()) {
      const auto* named = body->if_contains("appid");
      if (named && named->is_string()) appid = named->as_string().c_str();
    }
    call["body"] = body ? json::value(std::move(*body)) : json::value(nullptr);
  }
  if (app) appid = app->appid;
  call["appid"] = shown("appid", appid);
  call["errcode"] = errcode ? json::value(*errcode) : json::value(nullptr);
  if (fault) call["fault"] = name_of(fault->kind);
  calls_.push_back(std::move(call));
  if (calls_.size() > kCalls) calls_.pop_front();
}

json::array CallLog::items() const {
  json::array list;
  list.reserve(calls_.size());
  for (const auto& call : calls_) list.emplace_back(call);
  return list;
}

}  // namespace kaimen::sandbox
