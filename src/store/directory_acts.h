// The acts of core/directory_store.h over rows; the rules of acts.h hold.
#pragma once

#include "core/directory_store.h"
#include "store/act.h"

namespace kaimen::store {

// beside.cpp
Result<core::OpenedSession> hand_over(ActContext& context, const core::HandOver& act);

}  // namespace kaimen::store
