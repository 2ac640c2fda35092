// How command-line verbs change and read what the server keeps: as requests of the admin API, whether a server runs or not. To a running
// one they go over {data}/admin.sock, where the same user is an admin; otherwise the verb takes the lock and answers them in-process. One
// implementation of every act, in api and core.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "app/config.h"
#include "app/failure.h"
#include "http/json.h"

namespace kaimen::app {

class AdminClient {
 public:
  /// Failure: the data directory or the store cannot be opened; a server holds it but does not answer.
  static OrFail<std::unique_ptr<AdminClient>> connect(const Config& config);
  virtual ~AdminClient() = default;

  /// `target` is path and query, encoded. The answer's JSON; null where it has no body. Failure: the refusal, in words.
  OrFail<http::json::value> get(const std::string& target) { return ask("GET", target, std::nullopt); }
  OrFail<http::json::value> post(const std::string& target, const http::json::object& body) { return ask("POST", target, body); }
  /// The same, sent again while the server says 503 (its store is busy, or out of reach for a moment), for as long as `patience`. For what may be
  /// done twice.
  OrFail<http::json::value> post_patiently(const std::string& target, const http::json::object& body, std::chrono::seconds patience);
  OrFail<http::json::value> patch(const std::string& target, const http::json::object& body) { return ask("PATCH", target, body); }
  OrFail<http::json::value> remove(const std::string& target) { return ask("DELETE", target, std::nullopt); }
  /// What is no JSON: its bytes.
  OrFail<std::string> download(const std::string& target);
  /// All items of a list, page by page. `target` may have a query.
  OrFail<http::json::array> list(const std::string& target);

 protected:
  struct Answer {
    int status = 0;
    std::string body;
  };
  virtual OrFail<Answer> send(std::string method, std::string target, std::string body) = 0;

 private:
  static OrFail<http::json::value> read(const Answer& answer);
  OrFail<http::json::value> ask(std::string method, const std::string& target, const std::optional<http::json::object>& body);
};

/// "--yes", or the name typed on the terminal: that somebody means to end or delete what cannot be brought back. `what` says what that is.
OrFail<> confirm(bool yes, const std::string& what, const std::string& name);

/// A string member of a JSON object; empty where it is absent, null or of another kind.
std::string text_member(const http::json::value& object, std::string_view name);

}  // namespace kaimen::app
