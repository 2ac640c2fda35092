#include "app/check_master_key.h"

#include <algorithm>
#include <charconv>

#include "app/admin_client.h"
#include "app/master_key.h"
#include "app/schema.h"
#include "app/store_url.h"
#include "core/master_keys.h"
#include "store/marks.h"
#include "store/open.h"

namespace kaimen::app {

namespace {

std::optional<uint32_t> parse_name(const std::string& name) {
  uint32_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id, 16);
  return error == std::errc{} && end == name.data() + name.size() && name.size() == 8 ? std::optional(id) : std::nullopt;
}

/// The ids of the keys that are configured; the first seals. Empty: they cannot be read.
std::vector<uint32_t> configured(const Config& config) {
  auto current = load_master_key(config);
  auto other = load_other_master_key(config);
  if (!current || !other) return {};
  std::vector<Secret> others;
  if (other.value()) others.push_back(std::move(*other.value()));
  SystemRandom random;
  const auto vault = crypto::Vault::make(std::move(current.value()), std::move(others), random);
  return vault ? vault.value().key_ids() : std::vector<uint32_t>{};
}

}  // namespace

std::optional<SealedUnder> sealed_under_of(std::string_view answer) {
  const auto parsed = http::parse_json(answer);
  if (!parsed) return std::nullopt;
  return SealedUnder{parse_name(text_member(parsed.value(), "settled")), parse_name(text_member(parsed.value(), "next"))};
}

std::optional<SealedUnder> read_sealed_under(const Config& config, const Clock& clock) {
  const auto url = url_to_connect(config);
  if (!url) return std::nullopt;
  const auto schema = read_schema(url.value().reveal(), clock);
  if (!schema || schema.value().applied.empty()) return std::nullopt;
  const auto engine = store::open_engine(url.value().reveal(), clock);
  if (!engine) return std::nullopt;
  const auto marks = store::read_master_key_marks(*engine.value());
  if (!marks) return std::nullopt;
  return SealedUnder{marks.value().settled, marks.value().next};
}

std::vector<Finding> check_master_keys(const Config& config, const SealedUnder& state) {
  using State = Finding::State;
  const auto ids = configured(config);
  if (ids.empty() || !state.settled) return {};
  const std::string subject = "master key", settled = core::master_key_name(*state.settled);
  for (const auto& id : {state.settled, state.next}) {
    if (!id || std::ranges::find(ids, *id) != ids.end()) continue;
    return {{State::fail, subject, "values in the store are under master key " + core::master_key_name(*id) + ", which is not configured",
             "give it in master_key_file, or, while the key is being replaced, in master_key_other_file"}};
  }
  if (state.next) {
    return {{State::warn, subject, "being replaced: values are under " + settled + " and " + core::master_key_name(*state.next), "`kaimen master-key rotate` goes on until all are under the new one"}};
  }
  if (ids.front() != *state.settled) return {{State::warn, subject, "values are under " + settled + "; the node that starts next seals under " + core::master_key_name(ids.front()), "then run `kaimen master-key rotate`"}};
  if (ids.size() > 1) return {{State::warn, subject, "everything is under " + settled, "master_key_other_file can go, if no other node waits for it"}};
  return {{State::ok, subject, "everything is under " + settled, ""}};
}

}  // namespace kaimen::app
