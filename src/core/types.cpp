#include "core/types.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "base/limits.h"
#include "check/wanted.h"
#include "core/wafer_hosts.h"

namespace kaimen::core {

// The check library stands alone and has its own list; the two are one.
static_assert(static_cast<int>(Reason::none) == static_cast<int>(check::Reason::none));
static_assert(static_cast<int>(Reason::missing) == static_cast<int>(check::Reason::missing));
static_assert(static_cast<int>(Reason::malformed) == static_cast<int>(check::Reason::malformed));
static_assert(static_cast<int>(Reason::revoked) == static_cast<int>(check::Reason::revoked));
static_assert(static_cast<int>(Reason::replaced) == static_cast<int>(check::Reason::replaced));
static_assert(static_cast<int>(Reason::disabled) == static_cast<int>(check::Reason::disabled));
static_assert(static_cast<int>(Reason::deleted) == static_cast<int>(check::Reason::deleted));
static_assert(static_cast<int>(Reason::reused) == static_cast<int>(check::Reason::reused));
static_assert(static_cast<int>(Reason::logged_out) == static_cast<int>(check::Reason::logged_out));
static_assert(static_cast<int>(Reason::expired) == static_cast<int>(check::Reason::expired));
static_assert(static_cast<int>(Reason::renew) == static_cast<int>(check::Reason::renew));

std::string_view name_of(Env env) { return check::env_name(env); }

std::optional<Env> parse_env(std::string_view text) { return check::env_named(text); }

namespace {

std::optional<int64_t> whole_number(std::string_view text, int64_t low, int64_t high) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high) return std::nullopt;
  return value;
}

// Comma-separated, blanks around each left out.
std::vector<std::string> items_of(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

bool all_of(std::string_view text, size_t longest, std::string_view marks) {
  return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), [marks](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || marks.find(c) != marks.npos;
  });
}
bool is_name(std::string_view text) { return all_of(text, 64, "_-."); }
/// "wxa/getuserriskrank"
bool is_call_path(std::string_view text) { return all_of(text, 128, "_-/") && !text.starts_with('/') && !text.ends_with('/'); }
bool is_host(std::string_view text) { return all_of(text, 253, "-.:"); }
/// Scheme and authority, no path: as a browser sends it in Origin.
bool is_origin(std::string_view text) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (text.starts_with(scheme)) return is_host(text.substr(scheme.size()));
  }
  return false;
}
bool is_url(std::string_view text) {
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\'; });
  return printable && text.size() <= limits::kUrlBytes && (text.starts_with("https://") || text.starts_with("http://"));
}

}  // namespace

std::vector<std::string> wafer_host_names(const std::map<std::string, std::string>& settings) {
  const auto set = settings.find("wafer_hosts");
  if (set == settings.end()) return {};
  std::vector<std::string> names = items_of(set->second);
  for (std::string& name : names) {
    name.resize(std::min(name.rfind(':'), name.size()));
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return names;
}

std::vector<std::string> AppSettings::default_signing_paths() {
  return {"wxa/business/getuserphonenumber", "wxa/business/getuserencryptkey", "wxa/business/checkencryptedmsg", "wxa/getpluginopenpid",
          "wxa/getwxacode", "wxa/getwxacodeunlimit", "cgi-bin/wxaapp/createwxaqrcode", "wxa/getuserriskrank"};
}

Result<AppSettings> AppSettings::parse(const std::map<std::string, std::string>& values, const AppSettings& defaults) {
  constexpr int64_t day = 86400, kMostPerMinute = 10'000'000;
  AppSettings settings = defaults;
  std::string problems;
  auto problem = [&](const std::string& text) { problems += (problems.empty() ? "" : "; ") + text; };
  auto number = [&](const std::string& name, const std::string& text, int64_t low, int64_t high, auto set) {
    if (const auto value = whole_number(text, low, high)) {
      set(*value);
    } else {
      problem(name + " must be a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    }
  };
  // The position in `names` is the value.
  auto choice = [&](const std::string& name, const std::string& text, std::initializer_list<std::string_view> names, auto& value) {
    const bool on_off = names.size() == 2 && *(names.begin() + 1) == "on";
    const std::string_view given = on_off && text == "true" ? "on" : on_off && text == "false" ? "off" : std::string_view(text);
    const auto found = std::find(names.begin(), names.end(), given);
    if (found != names.end()) {
      value = static_cast<std::remove_reference_t<decltype(value)>>(found - names.begin());
      return;
    }
    std::string all;
    for (const auto one : names) all.append(all.empty() ? "" : ", ").append(one);
    problem(name + " must be one of " + all);
  };
  auto list = [&](const std::string& name, const std::string& text, std::vector<std::string>& value, bool (*fits)(std::string_view)) {
    value = items_of(text);
    for (const std::string& item : value) {
      if (!fits(item)) problem(name + " cannot hold " + item);
    }
  };
  for (const auto& [name, text] : values) {
    if (name == "ticket_seconds") {
      number(name, text, 60, day, [&](int64_t value) { settings.ticket_seconds = Seconds{value}; });
    } else if (name == "idle_seconds") {
      number(name, text, 300, 365 * day, [&](int64_t value) { settings.idle_seconds = Seconds{value}; });
    } else if (name == "absolute_seconds") {
      number(name, text, 300, 3650 * day, [&](int64_t value) { settings.absolute_seconds = Seconds{value}; });
    } else if (name == "max_per_user") {
      number(name, text, 0, 1000, [&](int64_t value) { settings.max_per_user = static_cast<int>(value); });
    } else if (name == "expose_openid") {
      if (text != "true" && text != "false") problem("expose_openid must be true or false");
      settings.expose_openid = text == "true";
    } else if (name == "default_nickname") {
      if (!is_plain_text(text, limits::kNicknameCodePoints)) problem("default_nickname must be at most 64 characters without control characters");
      settings.default_nickname = text;
    } else if (name == "phone_unique") {
      choice(name, text, {"off", "report", "refuse"}, settings.phone_unique);
    } else if (name == "phone_link") {
      choice(name, text, {"off", "attach"}, settings.phone_attach);
    } else if (name == "profile_check") {
      choice(name, text, {"off", "report", "enforce"}, settings.profile_check);
    } else if (name == "avatar_hosts") {
      list(name, text, settings.avatar_hosts, is_host);
    } else if (name == "passwords") {
      choice(name, text, {"off", "on"}, settings.passwords);
    } else if (name == "login_state") {
      choice(name, text, {"own", "wechat"}, settings.session_follows_key);
    } else if (name == "registration") {
      choice(name, text, {"open", "fields", "invited", "closed"}, settings.registration);
    } else if (name == "registration_fields") {
      list(name, text, settings.registration_fields, is_name);
    } else if (name == "agreements") {
      settings.agreements.clear();
      for (const std::string& item : items_of(text)) {
        const size_t equals = item.find('=');
        if (equals == item.npos || !is_name(item.substr(0, equals)) || !is_name(item.substr(equals + 1))) {
          problem("agreements must be like terms=2,privacy=2026-01");
          break;
        }
        settings.agreements.push_back({item.substr(0, equals), item.substr(equals + 1)});
      }
    } else if (name == "deletion_grace_days") {
      number(name, text, 0, 90, [&](int64_t value) { settings.deletion_grace_days = static_cast<int>(value); });
    } else if (name == "web_origins") {
      list(name, text, settings.web_origins, is_origin);
    } else if (name == "wafer") {
      choice(name, text, {"off", "v1", "v2"}, settings.wafer);
    } else if (name == "wafer_hosts") {
      list(name, text, settings.wafer_hosts, is_host);
    } else if (name == "prefetch_code") {
      choice(name, text, {"off", "on"}, settings.prefetch_code);
    } else if (name == "prefetch_logins_per_minute") {
      number(name, text, 0, kMostPerMinute, [&](int64_t value) { settings.prefetch_logins_per_minute = value; });
    } else if (name == "prefetch_url") {
      if (!text.empty() && !is_url(text)) problem("prefetch_url must be an http or https URL");
      settings.prefetch_url = text;
    } else if (name == "resolve_url") {
      if (!text.empty() && !is_url(text)) problem("resolve_url must be an http or https URL");
      settings.resolve_url = text;
    } else if (name == "push_reply") {
      choice(name, text, {"plain", "encrypted"}, settings.push_reply_encrypted);
    } else if (name == "support_view") {
      choice(name, text, {"off", "on"}, settings.support_view);
    } else if (name == "logins_per_minute") {
      number(name, text, 0, kMostPerMinute, [&](int64_t value) { settings.logins_per_minute = value; });
    } else if (name == "logins_per_address_per_minute") {
      number(name, text, 0, kMostPerMinute, [&](int64_t value) { settings.logins_per_address_per_minute = value; });
    } else if (name == "wechat_calls_per_minute") {
      number(name, text, 0, kMostPerMinute, [&](int64_t value) { settings.wechat_calls_per_minute = value; });
    } else if (name == "signing_paths") {
      list(name, text, settings.signing_paths, is_call_path);
    } else {
      problem("there is no setting " + name);
    }
  }
  if (!problems.empty()) return make_error(ErrorCode::invalid_request, "settings: " + problems);
  return settings;
}

std::map<std::string, std::string> AppSettings::values() const {
  auto joined = [](const std::vector<std::string>& items) {
    std::string text;
    for (const auto& item : items) text += (text.empty() ? "" : ",") + item;
    return text;
  };
  auto name_at = [](auto value, std::initializer_list<const char*> names) { return std::string(*(names.begin() + static_cast<int>(value))); };
  std::vector<std::string> agreed;
  for (const auto& agreement : agreements) agreed.push_back(agreement.name + "=" + agreement.version);
  return {{"ticket_seconds", std::to_string(ticket_seconds.count())},
          {"idle_seconds", std::to_string(idle_seconds.count())},
          {"absolute_seconds", std::to_string(absolute_seconds.count())},
          {"max_per_user", std::to_string(max_per_user)},
          {"expose_openid", expose_openid ? "true" : "false"},
          {"default_nickname", default_nickname},
          {"phone_unique", name_at(phone_unique, {"off", "report", "refuse"})},
          {"phone_link", name_at(phone_attach, {"off", "attach"})},
          {"profile_check", name_at(profile_check, {"off", "report", "enforce"})},
          {"avatar_hosts", joined(avatar_hosts)},
          {"passwords", name_at(passwords, {"off", "on"})},
          {"login_state", name_at(session_follows_key, {"own", "wechat"})},
          {"registration", name_at(registration, {"open", "fields", "invited", "closed"})},
          {"registration_fields", joined(registration_fields)},
          {"agreements", joined(agreed)},
          {"deletion_grace_days", std::to_string(deletion_grace_days)},
          {"web_origins", joined(web_origins)},
          {"wafer", name_at(wafer, {"off", "v1", "v2"})},
          {"wafer_hosts", joined(wafer_hosts)},
          {"prefetch_code", name_at(prefetch_code, {"off", "on"})},
          {"prefetch_logins_per_minute", std::to_string(prefetch_logins_per_minute)},
          {"prefetch_url", prefetch_url},
          {"resolve_url", resolve_url},
          {"push_reply", name_at(push_reply_encrypted, {"plain", "encrypted"})},
          {"support_view", name_at(support_view, {"off", "on"})},
          {"logins_per_minute", std::to_string(logins_per_minute)},
          {"logins_per_address_per_minute", std::to_string(logins_per_address_per_minute)},
          {"wechat_calls_per_minute", std::to_string(wechat_calls_per_minute)},
          {"signing_paths", joined(signing_paths)}};
}

}  // namespace kaimen::core
