// A login brought into a web-view, which shares no storage with its mini program: the mini program gets an address that is good once and for a
// minute, the page that is opened with it gets a session of its own, and that one ends with the mini program's.
//
// The code in the address is sealed by the vault (session, app, end, where to), so every node can open it and nobody can change it; that it was
// used is a row, written in the act that opens the session.
#pragma once

#include <string>

#include "core/directory_store.h"
#include "core/login.h"

namespace kaimen::core {

inline constexpr Seconds kHandoffLife{60};

class Handoffs {
 public:
  Handoffs(DirectoryStore& store, const crypto::Vault& vault, Random& random, Live& live, Tickets& tickets)
      : store_(store), vault_(vault), random_(random), live_(live), tickets_(tickets) {}

  /// A code that hands `session` over to `to`. Error: invalid_request (`to` is not on one of the app's web_origins).
  Result<std::string> offer(const App& app, Id session, const std::string& to) const;

  struct Taken {
    LoginAnswer answer;
    std::string to;
  };
  /// Errors: code_invalid (not ours, or over), code_used, forbidden (the origin is allowed no more; a session that was itself handed over, or
  /// opened in the user's place), unauthenticated with the reason (what ended the session that hands over), unavailable.
  Task<Result<Taken>> take(std::string code, Trace* trace);

 private:
  DirectoryStore& store_;
  const crypto::Vault& vault_;
  Random& random_;
  Live& live_;
  Tickets& tickets_;
};

}  // namespace kaimen::core
