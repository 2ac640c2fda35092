#include "app/admin_client.h"

#include <unistd.h>

#include <chrono>
#include <iostream>
#include <thread>

#include "api/api.h"
#include "app/data_directory.h"
#include "app/master_key.h"
#include "app/node.h"

namespace kaimen::app {

namespace {

constexpr Millis kAnswerTime{10'000};
constexpr Millis kPause{500};
constexpr size_t kMaxAnswerBytes = 4 * 1024 * 1024;

/// To the server that holds the data directory.
class RemoteAdmin final : public AdminClient {
 public:
  explicit RemoteAdmin(std::string socket) : socket_(std::move(socket)) {}

 protected:
  OrFail<Answer> send(std::string method, std::string target, std::string body) override {
    http::ClientRequest request;
    request.url.unix_socket = socket_;
    request.url.host = "localhost";
    request.method = std::move(method);
    request.target = std::move(target);
    if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    request.body = std::move(body);
    request.deadline = deadline_in(kAnswerTime);
    request.max_body_bytes = kMaxAnswerBytes;
    auto answer = run_here(client_.send(std::move(request)));
    if (!answer) {
      return fail("the running server does not answer on " + socket_ + ": " + answer.error().detail,
                  "it may be starting or stopping: try again; only the user who runs it may use this socket");
    }
    return Answer{answer.value().status, std::move(answer.value().body)};
  }

 private:
  http::Client client_;
  const std::string socket_;
};

/// In this process, with the lock held as long as this lives.
class LocalAdmin final : public AdminClient {
 public:
  LocalAdmin(DataLock lock, std::unique_ptr<Machine> machine, std::unique_ptr<Node> node)
      : lock_(std::move(lock)), machine_(std::move(machine)), node_(std::move(node)), api_(node_->services(), options()) {}

 protected:
  OrFail<Answer> send(std::string method, std::string target, std::string body) override {
    http::Peer peer;
    peer.is_unix = true;
    peer.uid = getuid();
    http::Request request;
    request.method = method;
    request.target = target;
    request.path = std::string_view(target).substr(0, target.find('?'));
    if (request.path.size() < target.size()) request.query = std::string_view(target).substr(request.path.size() + 1);
    if (!body.empty()) request.headers.push_back({"Content-Type", "application/json"});
    request.body = body;
    request.peer = &peer;
    request.request_id = "command-line";
    http::Response response = run_here(api_.handle(request));
    return Answer{response.status, std::move(response.body)};
  }

 private:
  static api::ApiOptions options() {
    api::ApiOptions options;
    options.surfaces = {api::Surface::admin};
    options.version = KAIMEN_VERSION;
    options.log_requests = false;
    return options;
  }

  DataLock lock_;
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<Node> node_;
  api::Api api_;
};

/// What a problem+json answer says, for a person.
Failure refusal(int status, const http::json::value& body) {
  const std::string title = text_member(body, "title"), detail = text_member(body, "detail"), code = text_member(body, "code");
  if (title.empty()) return fail("the server answered " + std::to_string(status));
  std::string text = title + (detail.empty() ? "" : ": " + detail);
  if (const auto* object = body.if_object()) {
    if (const auto* upstream = object->if_contains("upstream"); upstream && upstream->is_object()) text += " (WeChat: " + http::to_text(*upstream) + ")";
  }
  return fail(std::move(text), code == "internal" || code == "unavailable" ? "the server's log has the request " + text_member(body, "request_id") : "");
}

}  // namespace

std::string text_member(const http::json::value& object, std::string_view name) {
  const auto* members = object.if_object();
  const auto* value = members ? members->if_contains(name) : nullptr;
  const auto* text = value ? value->if_string() : nullptr;
  return text ? std::string(*text) : std::string();
}

OrFail<std::unique_ptr<AdminClient>> AdminClient::connect(const Config& config) {
  TRY(prepare_data_directory(config.data_directory));
  TRY(auto lock, DataLock::try_lock(config.data_directory));
  if (!lock) return std::unique_ptr<AdminClient>(std::make_unique<RemoteAdmin>(admin_socket_path(config.data_directory)));

  auto machine = std::make_unique<Machine>();
  MasterKeyPair master_keys;
  TRY(master_keys.current, load_master_key(config));
  TRY(master_keys.other, load_other_master_key(config));
  TRY(auto node, Node::start(*machine, config, std::move(master_keys)));
  return std::unique_ptr<AdminClient>(std::make_unique<LocalAdmin>(std::move(*lock), std::move(machine), std::move(node)));
}

OrFail<http::json::value> AdminClient::ask(std::string method, const std::string& target, const std::optional<http::json::object>& body) {
  TRY(const auto answer, send(std::move(method), target, body ? http::to_text(*body) : std::string()));
  return read(answer);
}

OrFail<http::json::value> AdminClient::post_patiently(const std::string& target, const http::json::object& body, std::chrono::seconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    TRY(const auto answer, send("POST", target, http::to_text(body)));
    if (answer.status != 503 || std::chrono::steady_clock::now() >= until) return read(answer);
    std::this_thread::sleep_for(kPause);
  }
}

OrFail<std::string> AdminClient::download(const std::string& target) {
  TRY(auto answer, send("GET", target, {}));
  if (answer.status == 200) return std::move(answer.body);
  TRY(read(answer));
  return fail("the server answered " + std::to_string(answer.status));
}

OrFail<http::json::value> AdminClient::read(const Answer& answer) {
  http::json::value json;
  if (!answer.body.empty()) {
    auto parsed = http::parse_json(answer.body);
    if (!parsed) return fail("the server answered " + std::to_string(answer.status) + " with what is not JSON");
    json = std::move(parsed.value());
  }
  if (answer.status < 200 || answer.status > 299) return refusal(answer.status, json);
  return json;
}

OrFail<> confirm(bool yes, const std::string& what, const std::string& name) {
  if (yes) return BOOST_OUTCOME_V2_NAMESPACE::success();
  if (isatty(STDIN_FILENO) != 1) return misconfigured(what, "add --yes");
  std::cerr << what << ". Type " << name << " to go on: " << std::flush;
  std::string typed;
  std::getline(std::cin, typed);
  if (typed != name) return fail("nothing was done");
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<http::json::array> AdminClient::list(const std::string& target) {
  const char* more = target.find('?') == std::string::npos ? "?cursor=" : "&cursor=";
  http::json::array all;
  std::string cursor;
  do {
    TRY(const auto page, get(target + (cursor.empty() ? "" : more + http::url_encode(cursor))));
    const auto* object = page.if_object();
    const auto* items = object ? object->if_contains("items") : nullptr;
    if (!items || !items->is_array()) return fail("the server answered a list without items");
    for (const auto& item : items->get_array()) all.push_back(item);
    cursor = text_member(page, "next_cursor");
  } while (!cursor.empty());
  return all;
}

}  // namespace kaimen::app
