// session_keys of an identity, newest first.
#pragma once

#include "core/media_store.h"
#include "store/act.h"

namespace kaimen::store {

/// Whether the identity's newest key is the one with this index, or with one of the others.
bool is_newest_key(const IdentityRow& identity, const std::string& index, const std::vector<std::string>& older);
/// Puts the key in front of those the identity has; the oldest falls out.
void push_session_key(IdentityRow& identity, Bytes key, Bytes index);

Result<> keep_session_key(ActContext& context, const core::KeepSessionKey& act);

}  // namespace kaimen::store
