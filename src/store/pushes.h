// What WeChat's pushes do to users, each once.
#pragma once

#include "core/media_store.h"
#include "store/act.h"

namespace kaimen::store {

Result<core::PushEffect> withdraw_profile(ActContext& context, const core::WithdrawProfile& act);
Result<core::ClosedIdentity> close_identity(ActContext& context, const core::CloseIdentity& act);
Result<> report_name(ActContext& context, const core::ReportName& act);

}  // namespace kaimen::store
