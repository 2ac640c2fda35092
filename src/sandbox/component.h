// What WeChat knows of a third-party platform (component): its tickets and tokens, and who has authorised it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"

namespace kaimen::sandbox {

inline constexpr auto kTicketLife = std::chrono::hours(12);
inline constexpr auto kPreAuthLife = std::chrono::seconds(1800);
inline constexpr auto kAuthCodeLife = std::chrono::seconds(600);

struct Token {
  std::string text;  ///< Empty: none.
  Time dies{};
};

struct Component {
  struct AuthCode {
    std::string appid;
    Time dies{};
    bool used = false;
  };
  struct Grant {
    std::string refresh_token;
    std::vector<int64_t> permissions;
    Time since{};
    bool renews = false;  ///< A refresh brings another refresh token, and the one before is dead.
  };
  std::map<std::string, Time> tickets;           ///< When each dies.
  Token token, older_token;
  std::map<std::string, Time> pre_auth_codes;    ///< When each dies.
  std::map<std::string, AuthCode> auth_codes;
  std::map<std::string, Grant> grants;           ///< By appid.
};

}  // namespace kaimen::sandbox
