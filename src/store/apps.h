// Apps by their app_id, for the acts that are about more than the app.
#pragma once

#include "store/rows.h"

namespace kaimen::store {

inline constexpr Index<AppTableRow> kAppByLiveId{{&kTable<AppTableRow>, {3}, 1}};

/// The app that has this app_id now; null: none.
Result<const AppTableRow*> live_app(Rows& rows, const std::string& app_id);

}  // namespace kaimen::store
