// Two users found to be one: what is the other's becomes the survivor's, within the act that found it out.
#pragma once

#include <string_view>
#include <vector>

#include "core/store.h"
#include "store/records.h"

namespace kaimen::store {

struct MergeTerms {
  const core::MovePhone& move_phone;
  Time now{}, revocations_until{};
  const core::Source& source;
};

struct Merged {
  /// Why they must stay two: "projects", "passwords", "external_ids", "states" (one is disabled, the deletion of the other waits). Empty: they
  /// are one.
  std::string_view refused;
};

/// Says beforehand that merge_into() will be called for these.
void expect_merge(Rows& rows, const Id& survivor, const Id& other);

/// Sessions (whose tickets answer `renew`: they name the other), identities, unionids, password, registration, consents, phone and profile go
/// over, of two values the one set last. Of rights (roles, external id) the survivor keeps its own, and takes the other's where it has none.
/// Disabled and waiting for deletion stay so. The other becomes `deleted`, with nothing left of it. When refused, nothing was changed
/// (but that a disablement is lifted whose time has passed).
/// Error: internal (a phone number that cannot be sealed anew).
Result<Merged> merge_into(ActContext& context, const UserRow& survivor, const UserRow& other, const MergeTerms& terms,
                          std::vector<core::Revocation>& made);

/// The act of the same name. Errors: not_found; conflict, naming why they stay two.
Result<core::ChangedUser> merge_users(ActContext& context, const core::MergeUsers& act);

}  // namespace kaimen::store
