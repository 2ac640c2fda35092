#include "sandbox/push.h"

#include <algorithm>

#include "base/encoding.h"
#include "crypto/wechat_push.h"

namespace kaimen::sandbox {

namespace json = http::json;

namespace {

constexpr Millis kPushTime{5000};  // after which WeChat sends it again

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') out += "&lt;";
    else if (c == '&') out += "&amp;";
    else if (c == '>') out += "&gt;";
    else out.push_back(c);
  }
  return out;
}

void write_xml(std::string_view name, const json::value& value, std::string& out) {
  if (const auto* items = value.if_array()) {
    for (const auto& item : *items) write_xml(name, item, out);
    return;
  }
  out.append("<").append(name).append(">");
  if (const auto* object = value.if_object()) {
    for (const auto& [key, member] : *object) write_xml(key, member, out);
  } else if (const auto* text = value.if_string()) {
    out.append(escaped(*text));
  } else {
    out.append(http::to_text(value));
  }
  out.append("</").append(name).append(">");
}

std::string text_of(const json::object& message, bool xml) {
  if (!xml) return http::to_text(message);
  std::string out;
  write_xml("xml", message, out);
  return out;
}

/// The text of an XML element without parts of its own, with or without CDATA around it.
std::optional<std::string> xml_text(std::string_view body, const std::string& name) {
  constexpr std::string_view open = "<![CDATA[", close = "]]>";
  const std::string begin = "<" + name + ">", end = "</" + name + ">";
  const size_t from = body.find(begin), to = body.find(end);
  if (from == body.npos || to == body.npos || to < from + begin.size()) return std::nullopt;
  std::string_view text = body.substr(from + begin.size(), to - from - begin.size());
  if (text.starts_with(open) && text.ends_with(close)) text = text.substr(open.size(), text.size() - open.size() - close.size());
  return std::string(text);
}

struct Envelope {
  std::optional<std::string> encrypted, signature, timestamp, nonce;
};

/// Of the form that the push had; another is no envelope to WeChat.
Envelope envelope_of(std::string_view body, bool xml) {
  if (xml) return {xml_text(body, "Encrypt"), xml_text(body, "MsgSignature"), xml_text(body, "TimeStamp"), xml_text(body, "Nonce")};
  const auto parsed = http::parse_json(body);
  const auto* object = parsed ? parsed.value().if_object() : nullptr;
  const auto text = [object](std::string_view name) -> std::optional<std::string> {
    const auto* value = object ? object->if_contains(name) : nullptr;
    if (!value || value->is_null()) return std::nullopt;
    return value->is_string() ? std::string(value->get_string()) : http::to_text(*value);
  };
  return {text("Encrypt"), text("MsgSignature"), text("TimeStamp"), text("Nonce")};
}

/// How a push is written down, beside what it says.
struct Form {
  std::string url, token, key;
  bool xml = false, encrypted = true;
  std::string_view addressee = "ToUserName", to = "gh_sandbox";
};

Result<PushLetter> letter_of(const App& app, const json::object& message, const Form& form, Time now, Random& random) {
  if (form.url.empty()) return make_error(ErrorCode::not_found, "the app has no push_url: POST /sandbox/apps sets it");
  const auto url = http::BaseUrl::parse(form.url);
  if (!url) return make_error(ErrorCode::invalid_request, "url is no URL");
  PushLetter letter{*url, {}, text_of(message, form.xml), form.xml, app.appid, form.token, form.key};
  TRY(const auto noise, random.bytes<5>());
  const std::string nonce = to_hex({reinterpret_cast<const char*>(noise.data()), noise.size()});
  const std::string timestamp = std::to_string(epoch_ms(now) / 1000);
  letter.query = "timestamp=" + timestamp + "&nonce=" + nonce + "&signature=" + crypto::push_signature({form.token, timestamp, nonce});
  if (!form.encrypted) return letter;
  const auto key = crypto::push_key(form.key);
  if (!key) return make_error(ErrorCode::invalid_request, "secure mode needs an EncodingAESKey of 43 characters: push_key of the app, or key here");
  TRY(const std::string sealed, crypto::seal_push(*key, letter.body, app.appid, random));
  letter.query += "&encrypt_type=aes&msg_signature=" + crypto::push_signature({form.token, timestamp, nonce, sealed});
  letter.body = text_of({{form.addressee, form.to}, {"Encrypt", sealed}}, form.xml);
  return letter;
}

Form form_of(const App& app) { return {app.push_url, app.push_token.reveal(), app.push_key.reveal()}; }

}  // namespace

Result<PushLetter> write_push(const App& app, const json::object& message, Time now, Random& random) {
  return letter_of(app, message, form_of(app), now, random);
}

Result<PushLetter> write_push(World& world, const json::object& order, Time now, Random& random) {
  http::Reader reader(order);
  const std::string appid = reader.require_string({"appid", "app_id"});
  const auto user = reader.string({"user"}), event = reader.string({"event"}), format = reader.string({"format"});
  const auto url = reader.string({"url"}), token = reader.string({"token"}), key = reader.string({"key"});
  const auto encrypted = reader.boolean({"encrypted"});
  const auto component = reader.string({"component_appid"});
  const auto* whole = reader.object({"message"});
  const auto* fields = reader.object({"fields"});
  TRY(reader.check());
  if (const auto unknown = reader.unknown(); !unknown.empty()) return make_error(ErrorCode::invalid_request, "unknown field \"" + unknown.front() + "\"");
  App* app = world.find_app(appid);
  if (!app) return make_error(ErrorCode::not_found, "no app \"" + appid + "\": POST /sandbox/apps makes one");
  if (event.has_value() == (whole != nullptr)) return make_error(ErrorCode::invalid_request, "say event (and fields), or message");
  if (format && *format != "json" && *format != "xml") return make_error(ErrorCode::invalid_request, "format must be \"json\" or \"xml\"");

  json::object message;
  if (whole) {
    message = *whole;
  } else {
    message["ToUserName"] = "gh_sandbox";
    message["FromUserName"] = "sandbox";
    message["CreateTime"] = epoch_ms(now) / 1000;
    message["MsgType"] = "event";
    message["Event"] = *event;
    message["AppID"] = appid;
  }
  if (user) {
    const User* person = user->empty() || user->size() > 128 ? nullptr : world.user_of(*app, *user);
    if (!person) return make_error(ErrorCode::invalid_request, "user must have 1 to 128 bytes");
    message["OpenID"] = person->openid;
  }
  if (fields) {
    for (const auto& [name, value] : *fields) message[name] = value;
  }
  const App* sealed_for = component ? world.find_app(*component) : app;
  if (!sealed_for) return make_error(ErrorCode::not_found, "no app \"" + *component + "\": POST /sandbox/apps makes one");
  Form form = form_of(*sealed_for);
  form.url = url.value_or(form.url);
  form.token = token.value_or(form.token);
  form.key = key.value_or(form.key);
  form.xml = format.value_or("json") == "xml";
  form.encrypted = encrypted.value_or(true);
  return letter_of(*sealed_for, message, form, now, random);
}

Result<PushLetter> write_component_push(const App& component, const json::object& message, Time now, Random& random) {
  Form form = form_of(component);
  form.xml = true;
  form.addressee = "AppId";
  form.to = component.appid;
  return letter_of(component, message, form, now, random);
}

json::object read_push_reply(const PushLetter& letter, std::string_view body) {
  const Envelope envelope = envelope_of(body, letter.xml);
  if (!envelope.encrypted) return {{"encrypted", false}, {"text", body}};
  const auto failed = [](std::string_view problem) { return json::object{{"encrypted", true}, {"problem", problem}}; };
  if (!envelope.signature || !envelope.timestamp || !envelope.nonce) return failed("MsgSignature, TimeStamp or Nonce is missing");
  const std::string signature = crypto::push_signature({letter.token, *envelope.timestamp, *envelope.nonce, *envelope.encrypted});
  if (signature != *envelope.signature) return failed("MsgSignature does not fit");
  const auto key = crypto::push_key(letter.key);
  const auto text = key ? crypto::open_push(*key, *envelope.encrypted, letter.appid) : std::nullopt;
  if (!text) return failed("Encrypt does not open with this app's key");
  return {{"encrypted", true}, {"text", *text}};
}

http::ClientRequest request_of(const PushLetter& letter) {
  http::ClientRequest request;
  request.url = letter.url;
  request.method = "POST";
  request.target = "?" + letter.query;
  request.headers.emplace_back("Content-Type", letter.xml ? "text/xml" : "application/json");
  request.body = letter.body;
  request.deadline = deadline_in(kPushTime);
  return request;
}

}  // namespace kaimen::sandbox
