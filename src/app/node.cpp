#include "app/node.h"

#include <set>

#include "platform/wechat.h"

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

}  // namespace

Node::Node(Machine& machine, const Config& config, crypto::Vault vault, std::unique_ptr<store::SqliteStore> store)
    : vault_(std::move(vault)), store_(std::move(store)) {
  platforms_.add("wechat", std::make_unique<platform::Wechat>(client_, upstreams_of(config), machine.clock));
  services_ = std::make_unique<core::Services>(*store_, platforms_, vault_, machine.random, machine.clock, config.session_defaults(),
                                               std::set<std::string>{"wechat"}, names_of(config.upstreams));
}

OrFail<std::unique_ptr<Node>> Node::start(Machine& machine, const Config& config, Secret master_key) {
  auto vault = crypto::Vault::make(std::move(master_key), {}, machine.random);
  if (!vault) return misconfigured("master key: " + vault.error().detail);
  auto store = store::SqliteStore::open(store::SqliteOptions{config.database_path()}, machine.clock);
  if (!store) return fail("store " + config.store_url + ": " + store.error().detail, "`kaimen check` looks at every dependency");

  std::unique_ptr<Node> node(new Node(machine, config, std::move(vault.value()), std::move(store.value())));
  const auto started = run_here(node->services_->start());
  if (!started) {
    const bool other_key = started.error().code == ErrorCode::internal;
    return fail("cannot read the store: " + started.error().detail,
                other_key ? "is this the master key that the data was written under? `kaimen config` prints where it is read from" : "");
  }
  return node;
}

}  // namespace kaimen::app
