#include "app/check.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "app/check_master_key.h"
#include "app/check_store.h"
#include "app/config_checks.h"
#include "app/data_directory.h"
#include "app/file_descriptor.h"
#include "app/master_key.h"
#include "app/store_url.h"
#include "app/table.h"
#include "base/clock.h"
#include "http/client.h"
#include "http/json.h"
#include "http/server_tls.h"

namespace kaimen::app {

namespace {

using State = Finding::State;

constexpr Millis kReachTime{5'000};
constexpr Seconds kMaxClockDifference{30};

class Checker {
 public:
  explicit Checker(const Config& config) : config_(config) {}

  std::vector<Finding> run() {
    ok("configuration", "every key is known and has a good value");
    master_key();
    const bool has_directory = data_directory();
    if (has_directory || is_server_url(config_.store_url)) store(has_directory);
    certificate("public", config_.public_tls_certificate, config_.public_tls_key);
    certificate("private", config_.private_tls_certificate, config_.private_tls_key);
    for (const auto& [name, upstream] : config_.upstreams) reach(name, upstream);
    clock();
    port("public listener", config_.public_listen);
    if (!config_.private_listen.empty()) port("private listener", config_.private_listen);
    return std::move(findings_);
  }

 private:
  void ok(std::string subject, std::string what) { findings_.push_back({State::ok, std::move(subject), std::move(what), ""}); }
  void warn(std::string subject, std::string what, std::string hint) { findings_.push_back({State::warn, std::move(subject), std::move(what), std::move(hint)}); }
  void fail(std::string subject, std::string what, std::string hint) { findings_.push_back({State::fail, std::move(subject), std::move(what), std::move(hint)}); }

  void master_key() {
    const auto key = load_master_key(config_);
    if (!key) return fail("master key", key.error().errors.front(), key.error().hint);
    const auto other = load_other_master_key(config_);
    if (!other) return fail("other master key", other.error().errors.front(), other.error().hint);
    ok("master key", config_.master_key_text ? "from KAIMEN_MASTER_KEY" : "from " + config_.master_key_file);
  }

  /// Of a SQLite file the lock is held, or the server that holds it is asked.
  void sealed_under() {
    std::optional<SealedUnder> state;
    if (server_runs_) {
      http::ClientRequest request = to_running_server("/admin/v1/master-key");
      const auto answer = run_here(client_.send(std::move(request)));
      if (answer && answer.value().status == 200) state = sealed_under_of(answer.value().body);
    } else {
      state = read_sealed_under(config_, machine_clock_);
    }
    if (!state) return;  // what keeps the store from being read is told already
    for (Finding& finding : check_master_keys(config_, *state)) findings_.push_back(std::move(finding));
  }
  http::ClientRequest to_running_server(std::string target) {
    http::ClientRequest request;
    request.url.unix_socket = admin_socket_path(config_.data_directory);
    request.url.host = "localhost";
    request.target = std::move(target);
    request.deadline = deadline_in(kReachTime);
    return request;
  }

  bool data_directory() {
    struct stat status;
    const std::string& path = config_.data_directory;
    if (stat(path.c_str(), &status) != 0) {
      const bool can_be_made = errno == ENOENT && access(std::filesystem::path(path).parent_path().c_str(), W_OK) == 0;
      if (can_be_made) {
        warn("data directory", path + " is not there yet", "`kaimen serve` and `kaimen migrate` make it");
        return false;
      }
      fail("data directory", path + ": " + std::strerror(errno), "make it, owned by the user who runs kaimen: install -d -m 0700 -o kaimen " + path);
      return false;
    }
    if (!S_ISDIR(status.st_mode) || access(path.c_str(), R_OK | W_OK | X_OK) != 0) {
      fail("data directory", path + " is not a directory that this user may write to", "run this as the user who runs kaimen");
      return false;
    }
    ok("data directory", path);
    return true;
  }

  void store(bool has_directory) {
    std::optional<DataLock> lock;
    if (has_directory) {
      auto tried = DataLock::try_lock(config_.data_directory);
      if (!tried) return fail("store", tried.error().errors.front(), tried.error().hint);
      if (!tried.value()) running_server();
      // A file is the running server's alone; a database can be looked at beside it.
      if (!tried.value() && !is_server_url(config_.store_url)) return sealed_under();
      lock = std::move(tried.value());
    }
    for (Finding& finding : check_store(config_, machine_clock_)) findings_.push_back(std::move(finding));
    sealed_under();
  }

  /// Somebody holds the lock: it must be a server that answers.
  void running_server() {
    const auto answer = run_here(client_.send(to_running_server("/readyz")));
    if (!answer) return fail("store", "in use by another process, which does not answer on the admin socket: " + answer.error().detail, "is the server starting or stopping?");
    if (answer.value().status != 200) return fail("store", "the running server is not ready (" + std::to_string(answer.value().status) + ")", "its log says why");
    server_runs_ = true;
    ok("store", "in use by the running server, which is ready");
  }

  void certificate(const std::string& listener, const std::string& certificate_file, const std::string& key_file) {
    if (certificate_file.empty()) return;
    http::ServerTls tls(http::TlsFiles{certificate_file, key_file});
    const auto loaded = tls.load();
    if (!loaded) return fail(listener + " certificate", loaded.error().detail, "a PEM file with the full chain, and its key, readable by the user who runs kaimen");
    ok(listener + " certificate", certificate_file);
  }

  void reach(const std::string& name, const UpstreamConfig& upstream) {
    http::ClientRequest request;
    request.url = http::BaseUrl::parse(upstream.base_url).value();
    request.proxy = upstream.proxy;
    request.deadline = deadline_in(kReachTime);
    const auto answer = run_here(client_.send(std::move(request)));
    const std::string subject = "upstream " + name;
    if (!answer) return fail(subject, upstream.base_url + ": " + answer.error().detail, "logins need it; look at name resolution, firewall, proxy and the system's CA certificates");
    ok(subject, upstream.base_url + " answers in " + std::to_string(answer.value().elapsed.count()) + " ms");
    if (const auto* date = answer.value().header("Date")) upstream_date_ = *date;
  }

  /// Against an upstream's Date header: what was sealed under a wrong clock is wrong for as long as it lives.
  void clock() {
    const std::string now = rfc3339(std::chrono::floor<Seconds>(machine_clock_.now()));
    tm parts{};
    if (upstream_date_.empty() || !strptime(upstream_date_.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts)) return ok("clock", now + " (no upstream to compare it with)");
    const Seconds difference = std::chrono::floor<Seconds>(machine_clock_.now().time_since_epoch()) - Seconds{timegm(&parts)};
    if (std::chrono::abs(difference) > kMaxClockDifference) {
      return warn("clock", now + ", " + std::to_string(difference.count()) + " s off the upstream's", "keep it by NTP: timedatectl set-ntp true");
    }
    ok("clock", now + ", as the upstream's");
  }

  void port(const std::string& subject, const std::string& address) {
    const auto parsed = parse_listen(address);
    if (parsed->port == 0) return ok(subject, address + " (any free port)");
    const bool v6 = parsed->host.find(':') != std::string::npos;
    const FileDescriptor probe(socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage storage{};
    if (v6) {
      auto* in6 = reinterpret_cast<sockaddr_in6*>(&storage);
      in6->sin6_family = AF_INET6;
      in6->sin6_port = htons(parsed->port);
      inet_pton(AF_INET6, parsed->host.c_str(), &in6->sin6_addr);
    } else {
      auto* in4 = reinterpret_cast<sockaddr_in*>(&storage);
      in4->sin_family = AF_INET;
      in4->sin_port = htons(parsed->port);
      inet_pton(AF_INET, parsed->host.c_str(), &in4->sin_addr);
    }
    const int reuse = 1;  // connections of an earlier run that linger are no obstacle
    setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    if (bind(probe.get(), reinterpret_cast<const sockaddr*>(&storage), v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in)) == 0) return ok(subject, address + " is free");
    if (errno == EADDRINUSE && server_runs_) return ok(subject, address + " is in use, and a server of this data directory runs");
    fail(subject, address + ": " + std::strerror(errno), errno == EADDRINUSE ? "stop what uses it, or listen elsewhere" : "is this an address of this machine, and may this user listen there?");
  }

  const Config& config_;
  const SystemClock machine_clock_;
  http::Client client_;
  std::vector<Finding> findings_;
  bool server_runs_ = false;
  std::string upstream_date_;
};

const char* name_of(State state) {
  switch (state) {
    case State::ok: return "ok";
    case State::warn: return "warn";
    case State::fail: return "fail";
  }
  return "fail";
}

}  // namespace

std::vector<Finding> check_everything(const Config& config) { return Checker(config).run(); }

std::string findings_as_text(const std::vector<Finding>& findings) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& finding : findings) rows.push_back({name_of(finding.state), finding.subject, finding.what + (finding.hint.empty() ? "" : " — " + finding.hint)});
  return table({"STATE", "WHAT", "FINDING"}, rows);
}

std::string findings_as_json(const std::vector<Finding>& findings) {
  http::json::array list;
  for (const auto& finding : findings) {
    list.push_back(http::json::object{{"state", name_of(finding.state)}, {"what", finding.subject}, {"finding", finding.what}, {"hint", finding.hint}});
  }
  return http::to_text(list) + "\n";
}

}  // namespace kaimen::app
