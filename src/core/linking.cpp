#include "core/linking.h"

#include "core/revocation_life.h"

namespace kaimen::core {

Task<Result<ChangedUser>> Linking::link(Id user, AppPtr app, Secret code, Trace* trace) {
  CO_TRY(user_rates_.admit(user, live_.clock.now()));
  auto spent = co_await login_.spend(app, std::move(code), trace);
  CO_TRY(auto identity, std::move(spent));
  LinkIdentity act;
  act.user = user;
  act.app = app->number;
  act.app_id = app->app_id;
  act.provider = app->platform;
  act.family = unionid_family(app->platform);
  if (!identity.session_key.empty()) {
    const std::string row = app->app_id + '\0' + identity.openid;
    CO_TRY(act.session_key_sealed, vault_.seal("session_key", row, identity.session_key));
    act.session_key_index = vault_.index("session_key", identity.session_key.reveal());
    act.older_key_indexes = vault_.older_indexes("session_key", identity.session_key.reveal());
  }
  act.openid = std::move(identity.openid);
  act.unionid = std::move(identity.unionid);
  act.now = live_.clock.now();
  act.revocations_until = revocations_until(act.now);
  act.source = trace->source;
  Stopwatch watch(trace->store);
  auto linked = co_await store_.accounts().link_identity(std::move(act));
  CO_TRY(auto changed, std::move(linked));
  live_.revoke(changed.revocations);
  co_return changed;
}

}  // namespace kaimen::core
