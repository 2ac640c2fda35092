#include "core/master_keys.h"

#include <algorithm>
#include <cstdio>

#include "base/encoding.h"

namespace kaimen::core {

namespace {

constexpr Millis kAtWork{15'000};  // a node that has beaten since may still be there
constexpr const char* kPurpose = "reseal_place";

bool lists(const std::string& names, const std::string& name, bool first) {
  if (first) return names.substr(0, names.find(',')) == name;
  return ("," + names + ",").find("," + name + ",") != std::string::npos;
}

Error refusal(std::string text) { return make_error(ErrorCode::invalid_request, std::move(text)); }

std::string described(const KeyHolder& node) { return "node " + node.node.hex() + " (" + node.version + ")"; }

}  // namespace

std::string master_key_name(uint32_t id) {
  char name[9];
  std::snprintf(name, sizeof name, "%08x", id);
  return name;
}

std::string MasterKeys::held() const {
  std::string names;
  for (const uint32_t id : vault_.key_ids()) names += (names.empty() ? "" : ",") + master_key_name(id);
  return names;
}

bool MasterKeys::holds(uint32_t id) const {
  const auto ids = vault_.key_ids();
  return std::ranges::find(ids, id) != ids.end();
}

Task<Result<MasterKeyState>> MasterKeys::state() {
  auto read = co_await store_.seals().master_keys(kAtWork);
  co_return read;
}

/// Of a database that nobody has said anything of: ticket keys are the first that is sealed in it.
Task<Result<MasterKeyState>> MasterKeys::first_state() {
  auto listed = co_await store_.list_ticket_keys();
  CO_TRY(const auto keys, std::move(listed));
  MasterKeyState state;
  state.settled = vault_.current_key_id();
  for (const TicketKeyRow& key : keys) {
    const auto id = crypto::Vault::key_id_of(key.key_sealed);
    if (id) state.settled = *id;
  }
  co_return state;
}

Task<Result<>> MasterKeys::enter() {
  for (int tries = 0; tries < 10; ++tries) {
    auto read = co_await state();
    CO_TRY(auto now, std::move(read));
    if (!now.settled) {
      auto first = co_await first_state();
      CO_TRY(auto made, std::move(first));
      auto said = co_await store_.seals().set_master_keys(now, made);
      CO_TRY(std::move(said));
      continue;
    }
    for (const auto& id : {now.settled, now.next}) {
      if (id && !holds(*id)) {
        co_return refusal("values in the database are under master key " + master_key_name(*id) + ", and this node holds " + held() +
                          ": give it in master_key_file, or, while the key is being replaced, in master_key_other_file");
      }
    }
    const uint32_t current = vault_.current_key_id();
    if (current == *now.settled || now.next == current) co_return ok();
    if (now.next) {
      co_return refusal("the master key is being replaced by " + master_key_name(*now.next) + " already: finish that first (kaimen master-key rotate)");
    }
    auto announced = co_await announce(std::move(now));
    co_return announced;
  }
  co_return make_error(ErrorCode::unavailable, "others keep changing the master key");
}

/// Says that values will be under the current key, too. A node that starts meanwhile beats before it reads this: one of the two sees the other.
Task<Result<>> MasterKeys::announce(MasterKeyState before) {
  MasterKeyState wanted = before;
  wanted.next = vault_.current_key_id();
  auto said = co_await store_.seals().set_master_keys(before, wanted);
  CO_TRY(const bool done, std::move(said));
  if (!done) co_return make_error(ErrorCode::unavailable, "another node is just replacing the master key: try again");
  auto read = co_await state();
  CO_TRY(const auto now, std::move(read));
  for (const KeyHolder& node : now.nodes) {
    if (lists(node.master_keys, master_key_name(vault_.current_key_id()), false)) continue;
    MasterKeyState back = wanted;
    back.next.reset();
    auto taken_back = co_await store_.seals().set_master_keys(wanted, back);
    CO_TRY(std::move(taken_back));
    co_return refusal(described(node) + " does not hold master key " + master_key_name(vault_.current_key_id()) +
                      ", and could not open what this one seals: give the new key to every node as master_key_other_file first "
                      "(one that did not stop in good order counts for 15 s more)");
  }
  co_return ok();
}

Result<> MasterKeys::expect_one_sealing_key(const MasterKeyState& state) const {
  const std::string current = master_key_name(vault_.current_key_id());
  for (const KeyHolder& node : state.nodes) {
    if (lists(node.master_keys, current, true)) continue;
    return make_error(ErrorCode::conflict, described(node) + " does not seal under master key " + current +
                                               " yet: give it that as master_key_file and the old one as master_key_other_file, and restart it (one that did "
                                               "not stop in good order counts for 15 s more)");
  }
  return ok();
}

std::string MasterKeys::signed_place(const std::string& place, bool changed) const {
  const std::string text = (changed ? "1" : "0") + ("." + place);
  return text + "." + to_hex(vault_.index(kPurpose, text));
}

Task<Result<ResealStep>> MasterKeys::step(std::string after) {
  std::string place;
  bool changed = false;
  if (!after.empty()) {
    const size_t end = after.rfind('.');
    const bool long_enough = end != after.npos && end >= 2;
    if (long_enough) {
      changed = after[0] == '1';
      place = after.substr(2, end - 2);
    }
    if (!long_enough || !Secret::equal(signed_place(place, changed), after)) co_return make_error(ErrorCode::invalid_request, "this is no place to go on from");
  }
  auto read = co_await state();
  CO_TRY(const auto now, std::move(read));
  CO_TRY(expect_one_sealing_key(now));

  ResealPage page;
  page.after = place;
  page.reseal = [this](std::string_view purpose, std::string_view row, std::string_view sealed) -> Result<std::optional<Resealed>> {
    if (crypto::Vault::key_id_of(sealed) == vault_.current_key_id()) return std::nullopt;
    TRY(const Secret plain, vault_.open(purpose, row, sealed));
    Resealed made;
    TRY(made.sealed, vault_.seal(purpose, row, plain));
    made.index = vault_.index(purpose, plain.reveal());
    return made;
  };
  auto sealed = co_await store_.seals().reseal(std::move(page));
  CO_TRY(auto done, std::move(sealed));
  changed = changed || done.resealed > 0;
  ResealStep step{{}, done.looked_at, done.resealed};
  if (!done.next.empty() || changed) {
    // Another walk, until one finds nothing: rows may have come behind this one.
    step.next = signed_place(done.next, !done.next.empty() && changed);
    co_return step;
  }
  MasterKeyState wanted = now;
  wanted.settled = vault_.current_key_id();
  wanted.next.reset();
  auto said = co_await store_.seals().set_master_keys(now, wanted);
  CO_TRY(const bool settled, std::move(said));
  if (!settled) co_return make_error(ErrorCode::conflict, "another has just begun to replace the master key");
  co_return step;
}

}  // namespace kaimen::core
