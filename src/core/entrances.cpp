#include "core/entrances.h"

#include "core/entries.h"
#include "core/login.h"
#include "core/registered.h"

namespace kaimen::core {

namespace {

IsRegistered registered_by(AppPtr app) {
  return [app = std::move(app)](const User& user) { return registered_in(*app, user); };
}

}  // namespace

void Entrances::put(const CameBy& by, AppPtr app, RecordLogin& act) {
  act.entry = by.place;
  if (is_entry_code(by.code)) act.entry_code = by.code;
  act.is_registered = registered_by(std::move(app));
}

Task<Result<std::optional<Entrance>>> Entrances::ask(AppPtr app, CameBy by, Id session, Time at) {
  AskEntrance query;
  query.session = session;
  if (is_entry_code(by.code)) query.code = std::move(by.code);
  query.app = app->number;
  query.is_registered = registered_by(app);
  query.now = at;
  auto found = co_await store_.entries().entrance_of(std::move(query));
  co_return found;
}

Task<void> Entrances::enter(CameBy by, std::optional<Entrance> entrance, LoginAnswer& answer) {
  if (by.code.empty()) co_return;
  // What came after the login was recorded, such as a phone number, may have said that the guest is somebody registered.
  const bool turned_away = entrance && entrance->refused == ErrorCode::registration_required;
  if (turned_away && registered_in(*answer.app, answer.user)) {
    auto again = co_await ask(answer.app, by, answer.session.id, answer.session.created_at);
    if (again.has_value()) entrance = std::move(again.value());
  }
  if (!entrance) entrance = Entrance{ErrorCode::not_found, {}};
  if (entrance->refused) answer.warnings.push_back({"entry", *entrance->refused, std::nullopt});
  else answer.entry = std::move(entrance->payload);
}

}  // namespace kaimen::core
