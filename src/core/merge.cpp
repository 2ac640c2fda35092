#include "core/merge.h"

#include "core/revocation_life.h"

namespace kaimen::core {

MovePhone phone_mover(const crypto::Vault& vault) {
  return [&vault](const Id& from, const Id& to, const std::string& sealed) -> Result<SealedPhone> {
    TRY(const auto phone, vault.open("phone", from.raw(), sealed));
    SealedPhone moved;
    TRY(moved.sealed, vault.seal("phone", to.raw(), phone));
    moved.index = vault.index("phone", phone.reveal());
    return moved;
  };
}

Task<Result<User>> Merging::merge(Id user, Id other, Trace* trace) {
  MergeUsers act;
  act.user = user;
  act.other = other;
  act.move_phone = phone_mover(vault_);
  act.now = live_.clock.now();
  act.revocations_until = revocations_until(act.now);
  act.source = trace->source;
  Stopwatch watch(trace->store);
  auto merged = co_await store_.merge_users(std::move(act));
  CO_TRY(auto changed, std::move(merged));
  live_.revoke(changed.revocations);
  co_return std::move(changed.user);
}

}  // namespace kaimen::core
