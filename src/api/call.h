// One request on its way through a route: what came in, what the handler may use. Which of Visitor and Caller a handler gets follows from
// its row in the route table, so a route that forgets to say who may call does not compile.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "api/api.h"
#include "api/presented.h"
#include "core/services.h"
#include "http/json.h"
#include "http/message.h"

namespace kaimen::api {

struct Call {
  const http::Request& http;
  core::Services& services;
  const ApiOptions& options;
  Surface surface;
  core::Trace trace;
  http::Parameters query;
  std::vector<std::string> path;     ///< The values of the pattern's {names}, decoded, in order.
  http::json::object body;           ///< The JSON body; empty where there was none.
  std::vector<std::string> ignored;  ///< Members of the body that nobody read.

  Presented presented() const { return presented_ticket(http, options.ticket_headers, core::Checker::of(services.live).apps().wafer); }
  /// Adds what `reader` was not asked for to `ignored`, and returns its first problem.
  Result<> finish(const http::Reader& reader) {
    for (auto& name : reader.unknown()) ignored.push_back(std::move(name));
    return reader.check();
  }
};

/// Who holds the ticket of a request.
struct Visitor {
  Id session, user;
  core::AppPtr app;
  std::string openid;
};

using Answer = Task<Result<http::Response>>;
using OpenHandler = Answer (*)(Call&);                                                ///< Anybody.
using VisitorHandler = Answer (*)(Call&, const Visitor&);                             ///< Whoever holds a good ticket.
using KeyHandler = Answer (*)(Call&, const core::Caller&);                            ///< Whoever holds a key with the scope.

struct Open {
  OpenHandler handler;
};
struct Ticketed {
  VisitorHandler handler;
  bool saves = false;  ///< Each may add to what is kept of the user, an event at least: counted in Services::saves.
};
struct Keyed {
  core::Scope scope;
  KeyHandler handler;
};
/// Only over the admin socket, by the user who runs the server: no key reaches it.
struct OnMachine {
  KeyHandler handler;
};
using Access = std::variant<Open, Ticketed, Keyed, OnMachine>;

/// JSON answers.
http::Response json_response(int status, const http::json::value& body, bool no_store = false);
inline http::Response no_content() {
  http::Response response;
  response.status = 204;
  return response;
}

/// An id in the path. Error: not_found.
Result<Id> id_in_path(const Call& call, size_t index);

}  // namespace kaimen::api
