// What is answered where an app is switched off, by itself or with its project.
#pragma once

#include "base/result.h"

namespace kaimen::core {

inline Error app_disabled() {
  Error refused = make_error(ErrorCode::forbidden, "the app is disabled");
  refused.reason = Reason::disabled;
  return refused;
}

}  // namespace kaimen::core
