// The platforms of this process, by the name that apps carry. Filled by the wiring before the first request; not changed after.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/platform.h"

namespace kaimen::platform {

class PlatformTable final : public core::Platforms {
 public:
  void add(std::string name, std::unique_ptr<core::Platform> platform) { platforms_[std::move(name)] = std::move(platform); }
  core::Platform* find(std::string_view name) const override {
    const auto found = platforms_.find(name);
    return found == platforms_.end() ? nullptr : found->second.get();
  }

 private:
  std::map<std::string, std::unique_ptr<core::Platform>, std::less<>> platforms_;
};

}  // namespace kaimen::platform
