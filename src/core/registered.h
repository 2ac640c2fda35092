// Whether a user counts as registered in an app: the user is, and has agreed to every document of the app in the version that counts.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "core/types.h"

namespace kaimen::core {

/// Names of the documents that the user has not agreed to in the app's version.
inline std::vector<std::string> missing_agreements(const App& app, const User& user) {
  std::vector<std::string> missing;
  for (const Agreement& wanted : app.settings.agreements) {
    const bool agreed = std::any_of(user.agreed.begin(), user.agreed.end(),
                                    [&wanted](const Agreement& one) { return one.name == wanted.name && one.version == wanted.version; });
    if (!agreed) missing.push_back(wanted.name);
  }
  return missing;
}

inline bool registered_in(const App& app, const User& user) { return user.registered && missing_agreements(app, user).empty(); }

}  // namespace kaimen::core
