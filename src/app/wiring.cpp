#include "app/wiring.h"

#include <algorithm>
#include <iostream>
#include <thread>

#include "api/api.h"
#include "app/config_checks.h"
#include "app/courier.h"
#include "app/data_directory.h"
#include "app/dev.h"
#include "app/following.h"
#include "app/housekeeping.h"
#include "app/master_key.h"
#include "app/node.h"
#include "app/process.h"
#include "app/publishing.h"
#include "app/sandbox_server.h"
#include "base/log.h"
#include "http/json.h"
#include "http/server.h"
#include "playground/playground.h"

namespace kaimen::app {

namespace {

struct Logging {
  explicit Logging(const std::string& level_name) {
    log::Level level = log::Level::info;
    log::parse_level(level_name, level);  // load_config has refused what does not parse
    log::start(level);
  }
  ~Logging() { log::stop(); }
  Logging(const Logging&) = delete;
  Logging& operator=(const Logging&) = delete;
};

/// What the node listens at, and what each listener serves: two lists in step.
struct Listeners {
  std::vector<http::Listener> list;
  std::vector<api::Surface> surfaces;

  void add_tcp(std::string name, const std::string& address, const std::string& certificate, const std::string& key, api::Surface surface) {
    http::Listener listener;
    listener.name = std::move(name);
    listener.address = address;
    if (!certificate.empty()) listener.tls = http::TlsFiles{certificate, key};
    list.push_back(std::move(listener));
    surfaces.push_back(surface);
  }
  void add_unix(std::string name, std::string path, unsigned mode, api::Surface surface) {
    http::Listener listener;
    listener.name = std::move(name);
    listener.unix_socket = std::move(path);
    listener.unix_mode = mode;
    list.push_back(std::move(listener));
    surfaces.push_back(surface);
  }
};

Listeners listeners_of(const Config& config) {
  Listeners all;
  all.add_tcp("public", config.public_listen, config.public_tls_certificate, config.public_tls_key, api::Surface::public_);
  if (!config.private_listen.empty()) {
    all.add_tcp("private", config.private_listen, config.private_tls_certificate, config.private_tls_key, api::Surface::private_);
  }
  if (!config.private_unix_socket.empty()) all.add_unix("private_unix", config.private_unix_socket, 0660, api::Surface::private_);
  all.add_unix("admin", admin_socket_path(config.data_directory), 0600, api::Surface::admin);
  return all;
}

int threads_of(const Config& config) {
  return config.threads > 0 ? static_cast<int>(config.threads) : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

/// "http://127.0.0.1:8080" of a listener that runs; an any-address is shown as loopback, where it can be called.
std::string url_of(const http::Listener& listener, const std::string& bound) {
  if (!listener.unix_socket.empty()) return "http+unix://" + bound;
  std::string address = bound;
  if (const auto parsed = parse_listen(bound); parsed && parsed->is_any()) {
    address = (parsed->host == "::" ? "[::1]:" : "127.0.0.1:") + std::to_string(parsed->port);
  }
  return (listener.tls ? "https://" : "http://") + address;
}

void announce(const ServePlan& plan, const DevFacts& facts) {
  if (plan.json) {
    http::json::object line{{"public", facts.public_url}, {"private", facts.private_url}};
    if (plan.dev) line["admin_key"] = facts.admin_key;
    if (!facts.sandbox_url.empty()) {
      line["sandbox"] = facts.sandbox_url;
      line["app_id"] = kDevAppId;
    }
    std::cout << http::to_text(line) << std::endl;
  } else if (plan.dev) {
    std::cout << dev_greeting(facts) << std::flush;
  }
}

}  // namespace

OrFail<> serve(ServePlan plan) {
  Config& config = plan.config;

  // The process, before any thread.
  Signals signals;
  raise_file_limit();
  Logging logging(config.log_level);
  Machine machine;

  // The data directory is ours alone.
  TRY(prepare_data_directory(config.data_directory));
  TRY(const auto lock, DataLock::try_lock(config.data_directory));
  if (!lock) return fail("another kaimen runs on " + config.data_directory, "stop it, or give this one a directory of its own with --data DIR");

  // Dev mode's WeChat comes first: the node must know where it is.
  std::unique_ptr<SandboxServer> sandbox;
  Secret dev_app_secret;
  if (plan.dev && !plan.dev->sandbox_listen.empty()) {
    TRY(dev_app_secret, make_app_secret(machine.random));
    TRY(sandbox, SandboxServer::start(machine, plan.dev->sandbox_listen, plan.dev->devtools));
    sandbox->sandbox().add_app(kDevAppId, dev_app_secret);
    config.upstreams["wechat"] = {sandbox->url(), ""};
  }

  // Master key → vault → store → client → platforms → rules; everything is in memory before anything listens.
  MasterKeyPair master_keys;
  TRY(master_keys.current, plan.dev ? read_or_make_master_key(config.master_key_file, machine.random) : load_master_key(config));
  TRY(master_keys.other, load_other_master_key(config));
  TRY(const auto node, Node::start(machine, config, std::move(master_keys)));
  DevFacts facts;
  if (sandbox) {
    TRY(ensure_dev_app(node->services(), dev_app_secret));
  }
  if (plan.dev) {
    TRY(const auto key, replace_dev_key(node->services()));
    facts.admin_key = key.reveal();
  }

  // What other processes check tickets with, before anything is answered that they would have to know.
  TRY(const auto publishing, Publishing::start(config, node->services()));

  // The contract on its listeners.
  Listeners listeners = listeners_of(config);
  const http::Server* counted = nullptr;
  api::ApiOptions api_options;
  api_options.surfaces = listeners.surfaces;
  api_options.ticket_headers = config.session_ticket_headers;
  api_options.plaintext_from = config.private_plaintext_from;
  api_options.public_url = config.public_url;
  api_options.root_files = config.public_root_files;
  api_options.version = KAIMEN_VERSION;
  api_options.dev = plan.dev.has_value();
  if (plan.dev) api_options.own_url = [&counted, &listeners] { return url_of(listeners.list[0], counted->bound_address(0)); };
  api_options.server_counters = [&counted] { return counted->counters(); };
  if (publishing) api_options.check_file = [&publishing] { return publishing->fill(); };
  api::Api api(node->services(), std::move(api_options));

  http::ServerOptions server_options;
  server_options.listeners = listeners.list;
  server_options.threads = threads_of(config);
  server_options.trusted_proxies = config.trusted_proxies;
  // Dev mode's own pages stand in front of the contract; without the sandbox there is nobody to play with.
  std::optional<playground::Playground> playground;
  if (sandbox) {
    const auto private_listener = std::find(listeners.surfaces.begin(), listeners.surfaces.end(), api::Surface::private_);
    playground::PlaygroundOptions pages;
    pages.listener = static_cast<int>(private_listener - listeners.surfaces.begin());
    pages.app_id = kDevAppId;
    pages.sandbox_url = sandbox->url();
    pages.public_url = [&counted, &listeners] { return url_of(listeners.list[0], counted->bound_address(0)); };
    playground.emplace(api, node->services(), std::move(pages));
  }
  http::Handler& handler = playground ? static_cast<http::Handler&>(*playground) : api;
  http::Server server(std::move(server_options), handler, machine.random);
  counted = &server;
  if (const auto started = server.start(); !started) {
    return fail(started.error().detail, "choose another address with --public and --private (port 0 takes any free one), or stop what uses it");
  }
  std::optional<Following> following;  // ends last: it says that the node is gone
  if (auto& follower = node->services().follower) following.emplace(*follower, Millis{config.store_revocation_poll_ms});
  const Housekeeping housekeeping(node->services());
  const Courier courier(node->services().webhooks);

  // Ready.
  facts.public_url = url_of(listeners.list[0], server.bound_address(0));
  facts.private_url = url_of(listeners.list[1], server.bound_address(1));
  if (const auto bound = parse_listen(server.bound_address(0))) {
    facts.public_port = std::to_string(bound->port);
    facts.on_lan = !bound->is_loopback();
  }
  facts.upstream = config.upstreams["wechat"].base_url;
  facts.data_directory = config.data_directory;
  if (sandbox) facts.sandbox_url = sandbox->url();
  if (plan.dev) facts.devtools = plan.dev->devtools;
  log::Line("ready").field("version", KAIMEN_VERSION).field("public", facts.public_url).field("private", facts.private_url).emit(log::Level::info);
  announce(plan, facts);

  Signals::wait();
  Signals::exit_at_next();
  log::info("draining", "no new connections; requests under way are finished");
  if (!server.drain() && following) following->ends_late();
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

}  // namespace kaimen::app
