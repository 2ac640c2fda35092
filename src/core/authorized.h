// Whether an app that logs in through a third-party platform still may.
#pragma once

#include "core/app_disabled.h"
#include "core/types.h"

namespace kaimen::core {

/// Errors: app_misconfigured (as WeChat's own 61003 is); forbidden while the third-party platform is disabled, as of an app that is.
inline Result<> expect_authorized(const App& app) {
  if (!app.authorization) return ok();
  const std::string& component = app.authorization->component_id;
  if (!app.authorization->stands) {
    return make_error(ErrorCode::app_misconfigured, "the account of " + app.app_id + " has taken back its authorisation of " + component);
  }
  if (!app.authorization->component->disabled) return ok();
  Error refused = app_disabled();
  refused.detail = "the third-party platform " + component + ", through which the app goes, is disabled";
  return refused;
}

}  // namespace kaimen::core
