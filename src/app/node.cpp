#include "app/node.h"

#include <set>

#include "app/store_url.h"
#include "base/limits.h"
#include "platform/outbound.h"
#include "platform/resolver.h"
#include "platform/wechat.h"
#include "platform/wechat_component.h"
#include "platform/wechat_oauth.h"

namespace kaimen::app {

namespace {

std::map<std::string, platform::Upstream> upstreams_of(const Config& config) {
  std::map<std::string, platform::Upstream> upstreams;
  for (const auto& [name, upstream] : config.upstreams) {
    // load_config has refused what does not parse.
    upstreams.emplace(name, platform::Upstream{http::BaseUrl::parse(upstream.base_url).value(), upstream.proxy});
  }
  return upstreams;
}

std::set<std::string> names_of(const std::map<std::string, UpstreamConfig>& upstreams) {
  std::set<std::string> names;
  for (const auto& [name, upstream] : upstreams) names.insert(name);
  return names;
}

http::ClientOptions client_options() {
  http::ClientOptions options;
  options.exchanges_per_host = limits::kExchangesPerLoop;
  return options;
}

}  // namespace

Node::Node(Machine& machine, crypto::Vault vault) : clock_(machine.clock, machine_steady_clock()), vault_(std::move(vault)), client_(client_options()) {}

OrFail<> Node::open(Machine& machine, const Config& config) {
  // Whoever has the store to himself goes by the wall clock; else all nodes go by the database's time.
  const Clock& clock = is_server_url(config.store_url) ? static_cast<const Clock&>(clock_) : machine.clock;
  TRY(const Secret url, url_to_connect(config));
  store::StoreOptions store_options{url.reveal(), static_cast<int>(config.store_connections)};
  store_options.events_kept = std::chrono::days(config.audit_keep_days);
  auto store = store::open_store(std::move(store_options), clock);
  if (!store) return fail("store " + shown_store(config) + ": " + store.error().detail, "`kaimen check` looks at every dependency");
  store_ = std::move(store.value());
  platforms_.add("wechat", std::make_unique<platform::Wechat>(client_, upstreams_of(config), clock, machine.random));
  platforms_.add("wechat_oauth", std::make_unique<platform::WechatOauth>(client_, upstreams_of(config), clock, machine.random));
  platforms_.add("wechat_component", std::make_unique<platform::WechatComponent>(client_, upstreams_of(config), clock, machine.random));
  core::FollowOptions follow;
  follow.clock = &clock_;
  follow.grace = Seconds{config.store_revocation_grace_seconds};
  follow.version = KAIMEN_VERSION;
  follow.newest_migration = std::string(store::migrations(*store::dialect_of(url.reveal())).back().name);
  outbound_ = std::make_unique<platform::Outbound>(config.outbound_allow_private);
  resolver_ = std::make_unique<platform::Resolver>(*outbound_);
  services_ = std::make_unique<core::Services>(*store_, platforms_, *outbound_, *resolver_, vault_, machine.random, clock, config.session_defaults(),
                                               std::set<std::string>{"wechat", "wechat_oauth", "wechat_component"}, names_of(config.upstreams), std::move(follow),
                                               core::ProxyFamilies(config.wechat_path_families.begin(), config.wechat_path_families.end()));
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<std::unique_ptr<Node>> Node::start(Machine& machine, const Config& config, MasterKeyPair keys) {
  std::vector<Secret> others;
  if (keys.other) others.push_back(std::move(*keys.other));
  auto vault = crypto::Vault::make(std::move(keys.current), std::move(others), machine.random);
  if (!vault) return misconfigured("master key: " + vault.error().detail);
  std::unique_ptr<Node> node(new Node(machine, std::move(vault.value())));
  TRY(node->open(machine, config));
  const auto started = run_here(node->services_->start());
  if (!started) {
    const bool other_key = started.error().code == ErrorCode::internal;
    return fail("cannot read the store: " + started.error().detail,
                other_key ? "is this the master key that the data was written under? `kaimen config` prints where it is read from" : "");
  }
  return node;
}

}  // namespace kaimen::app
