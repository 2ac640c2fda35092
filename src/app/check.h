// `kaimen check`: one finding a dependency, each with what to do when it is not as it must be. It changes nothing.
#pragma once

#include <string>
#include <vector>

#include "app/config.h"

namespace kaimen::app {

struct Finding {
  enum class State : uint8_t { ok, warn, fail };
  State state = State::ok;
  std::string subject;  ///< "master key", "upstream wechat", …
  std::string what;
  std::string hint;     ///< Empty for ok.
};

/// Looks at master key, data directory, store, certificates, upstreams, clock and ports, in this order.
std::vector<Finding> check_everything(const Config& config);

std::string findings_as_text(const std::vector<Finding>& findings);
std::string findings_as_json(const std::vector<Finding>& findings);

}  // namespace kaimen::app
