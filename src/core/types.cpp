#include "core/types.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "base/limits.h"

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

std::string_view name_of(Env env) {
  switch (env) {
    case Env::release: return "release";
    case Env::trial: return "trial";
    case Env::develop: return "develop";
  }
  return "release";
}

std::optional<Env> parse_env(std::string_view text) {
  for (const Env env : {Env::release, Env::trial, Env::develop}) {
    if (text == name_of(env)) return env;
  }
  return std::nullopt;
}

namespace {

std::optional<int64_t> whole_number(std::string_view text, int64_t low, int64_t high) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high) return std::nullopt;
  return value;
}

}  // namespace

Result<AppSettings> AppSettings::parse(const std::map<std::string, std::string>& values, const AppSettings& defaults) {
  constexpr int64_t day = 86400;
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
    } else {
      problem("there is no setting " + name);
    }
  }
  if (!problems.empty()) return make_error(ErrorCode::invalid_request, "settings: " + problems);
  return settings;
}

}  // namespace kaimen::core
