// What WeChat's answer to `kaimen app check` means, in words, and what to do about it.
#pragma once

#include <string>

#include "http/json.h"

namespace kaimen::app {

struct AppVerdict {
  bool good = false;
  std::string what;
  std::string hint;
};

/// Reads the answer of POST /admin/v1/apps/{id}/check.
AppVerdict read_app_check(const http::json::value& answer);

}  // namespace kaimen::app
