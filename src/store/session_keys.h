// session_keys of an identity, newest first.
#pragma once

#include "core/media_store.h"
#include "store/act.h"

namespace kaimen::store {

/// Puts the key in front of those the identity has; the oldest falls out.
void push_session_key(IdentityRow& identity, Bytes key, Bytes index);

Result<> keep_session_key(ActContext& context, const core::KeepSessionKey& act);

}  // namespace kaimen::store
