// The control side: what a phone does (wx.login, the phone button, getUserInfo), and which apps there are. JSON in, JSON out; a field that
// is not known is refused in words, so that a misspelt one does not go unnoticed.
#pragma once

#include <string_view>

#include "http/json.h"
#include "sandbox/world.h"

namespace kaimen::sandbox {

struct ControlAnswer {
  int status = 200;
  http::json::object json;
};

/// {"error": words}.
ControlAnswer refuse_control(int status, std::string_view words);

/// POST /sandbox/apps, /subscribe, /signing, /login, /user-info, /phone, /open-data. 404 for other paths.
ControlAnswer control(World& world, std::string_view path, std::string_view body, Time now, Random& random);

}  // namespace kaimen::sandbox
