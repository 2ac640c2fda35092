#include "app/check_store.h"

#include "app/schema.h"
#include "app/store_url.h"
#include "store/open.h"

namespace kaimen::app {

namespace {

using State = Finding::State;

constexpr Seconds kMaxClockDifference{30};
constexpr const char* kReach = "look at host, port, user, password and TLS of store.url";

Finding found(State state, std::string what, std::string hint = "") { return {state, "store", std::move(what), std::move(hint)}; }

Finding schema_of(const Config& config, const std::string& url, const Clock& clock) {
  const bool server = is_server_url(config.store_url);
  const std::string name = shown_store(config);
  const auto schema = read_schema(url, clock);
  if (!schema) {
    return found(State::fail, schema.error().errors.front(),
                 server ? kReach : "is it the right file, and owned by the user who runs kaimen?");
  }
  const SchemaState& state = schema.value();
  if (!state.barring.empty()) {
    return found(State::fail, "written by a newer version of Kaimen that this one cannot work beside (it has " + state.barring.front() + ")", "use that version");
  }
  if (!state.unknown.empty()) {
    return found(State::warn, name + " at " + state.unknown.back() + ", which a newer version wrote; this one may work beside it",
                 "when all nodes run well on the newer version, leave this one behind");
  }
  if (!state.exists) return found(State::warn, name + " is not there yet", "`kaimen serve` and `kaimen migrate` make it");
  if (server && state.applied.empty()) {
    return found(State::warn, name + " has no tables of Kaimen yet", "`kaimen serve` and `kaimen migrate` make them");
  }
  if (!state.missing.empty()) {
    return found(State::warn, "an earlier version's: lacks " + state.missing.front(),
                 "`kaimen serve` and `kaimen migrate` bring it to this version");
  }
  return found(State::ok, name + " at " + state.applied.back());
}

/// All nodes go by the database's time; the log, and whatever else runs on this machine, by the machine's.
Finding clock_of(store::Engine& engine, const Clock& clock) {
  const Time before = clock.now();
  const auto there = engine.time();
  if (!there) return found(State::fail, there.error().detail, kReach);
  const Time here = before + (clock.now() - before) / 2;
  const Seconds ahead = std::chrono::round<Seconds>(there.value() - here);
  if (std::chrono::abs(ahead) <= kMaxClockDifference) return found(State::ok, "the database's clock is this machine's");
  const std::string side = ahead > Seconds{0} ? " s ahead of" : " s behind";
  return found(State::warn, "the database's clock is " + std::to_string(std::chrono::abs(ahead).count()) + side + " this machine's",
               "keep both by NTP: timedatectl set-ntp true");
}

State state_of(const store::Probe& probe) {
  switch (probe.state) {
    case store::Probe::State::good: return State::ok;
    case store::Probe::State::doubtful: return State::warn;
    case store::Probe::State::bad: return State::fail;
  }
  return State::fail;
}

}  // namespace

std::vector<Finding> check_store(const Config& config, const Clock& clock) {
  const auto url = url_to_connect(config);
  if (!url) {
    return {found(State::fail, url.error().errors.front(),
                  "a file of mode 0600, owned by the user who runs kaimen, with the password alone")};
  }
  if (!is_server_url(config.store_url)) return {schema_of(config, url.value().reveal(), clock)};

  auto engine = store::open_engine(url.value().reveal(), clock);
  if (!engine) return {found(State::fail, engine.error().detail, kReach)};
  auto probes = engine.value()->probe();
  if (!probes) return {found(State::fail, probes.error().detail, kReach)};
  std::vector<Finding> findings;
  for (store::Probe& probe : probes.value()) {
    findings.push_back(found(state_of(probe), std::move(probe.what), std::move(probe.hint)));
  }
  if (findings.size() == 1 && findings.front().state == State::fail) return findings;  // it takes no connection: there is no more to see
  findings.push_back(clock_of(*engine.value(), clock));
  findings.push_back(schema_of(config, url.value().reveal(), clock));
  return findings;
}

}  // namespace kaimen::app
