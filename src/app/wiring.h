// `kaimen serve`: the place where everything is made and put together, top to bottom, in the order of dependencies; and taken apart again.
#pragma once

#include <optional>
#include <string>

#include "app/config.h"
#include "app/failure.h"

namespace kaimen::app {

/// What dev mode adds (app/dev.h).
struct DevPlan {
  std::string sandbox_listen;    ///< Empty: no sandbox; the upstream is as configured.
  bool devtools = false;
};

struct ServePlan {
  Config config;
  bool json = false;             ///< One JSON line on stdout when ready, instead of words.
  std::optional<DevPlan> dev;
};

/// Serves until SIGTERM or SIGINT, then drains. A second signal ends the process at once. Failure: what could not be started.
OrFail<> serve(ServePlan plan);

}  // namespace kaimen::app
