#include "app/dev.h"

#include "base/encoding.h"

namespace kaimen::app {

namespace {

Failure dev_failure(const std::string& what, const Error& error) {
  return fail(what + ": " + std::string(name_of(error.code)) + (error.detail.empty() ? "" : ": " + error.detail));
}

}  // namespace

OrFail<Secret> make_app_secret(Random& random) {
  auto bytes = random.bytes<16>();
  if (!bytes) return dev_failure("no randomness for the app's secret", bytes.error());
  return Secret(to_hex({reinterpret_cast<const char*>(bytes.value().data()), bytes.value().size()}));
}

OrFail<> ensure_dev_app(core::Services& services, Secret secret) {
  if (services.apps.find(kDevAppId)) {
    const auto changed = run_here(services.apps.set_secret(kDevAppId, std::move(secret), Seconds{0}));
    if (!changed) return dev_failure("dev mode's app", changed.error());
  } else {
    core::NewApp app;
    app.project = kDevProject;
    app.app_id = kDevAppId;
    app.name = "dev";
    app.secret = std::move(secret);
    app.settings = {{"passwords", "on"}};  // whoever tries Kaimen out finds that way in, too
    const auto added = run_here(services.apps.add(std::move(app)));
    if (!added) return dev_failure("dev mode's app", added.error());
  }
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<Secret> replace_dev_key(core::Services& services) {
  const auto keys = run_here(services.access_keys.list());
  if (!keys) return dev_failure("dev mode's admin key", keys.error());
  for (const auto& key : keys.value()) {
    if (key.name != kDevKeyName || key.revoked_at) continue;
    const auto revoked = run_here(services.access_keys.revoke(key.id, {{}, {}, "kaimen"}));
    if (!revoked) return dev_failure("dev mode's admin key", revoked.error());
  }
  core::NewAccessKey wanted;
  wanted.name = kDevKeyName;
  wanted.scopes = {"admin"};
  auto made = run_here(services.access_keys.create(std::move(wanted)));
  if (!made) return dev_failure("dev mode's admin key", made.error());
  return std::move(made.value().text);
}

}  // namespace kaimen::app
