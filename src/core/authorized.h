// Whether an app that logs in through a third-party platform still may.
#pragma once

#include "core/types.h"

namespace kaimen::core {

/// Error: app_misconfigured (as WeChat's own 61003 is).
inline Result<> expect_authorized(const App& app) {
  if (!app.authorization || app.authorization->stands) return ok();
  return make_error(ErrorCode::app_misconfigured, "the account of " + app.app_id + " has taken back its authorisation of " + app.authorization->component_id);
}

}  // namespace kaimen::core
