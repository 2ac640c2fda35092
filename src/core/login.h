// The way in: a code of wx.login becomes a session. Read run() and lead() from top to bottom; the steps are those of docs/architecture.md,
// "A login, step by step".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/coalesce.h"
#include "core/components.h"
#include "core/entrances.h"
#include "core/fair_share.h"
#include "core/journal.h"
#include "core/live.h"
#include "core/login_rates.h"
#include "core/platform.h"
#include "core/profile.h"
#include "core/resolving.h"
#include "core/store.h"
#include "core/tickets.h"
#include "core/trace.h"
#include "crypto/vault.h"

namespace kaimen::core {

struct LoginRequest {
  AppPtr app;
  Secret code;                        ///< 1–512 printable ASCII characters.
  std::string attempt;                ///< The client's own name of this attempt: it may fetch the same answer for 10 minutes. May be empty.
  Env env = Env::release;
  Device device;
  CameBy came_by;
  std::optional<Id> old_session;      ///< Of the client's own old ticket, opened by the caller.
  std::optional<ProfileProof> profile;
  std::optional<PhoneProof> phone;
  bool restore = false;               ///< A user whose deletion waits is taken back.
  /// Whether the client keeps a renew token. One that does not has a session that ends with its ticket, and logs in anew each time, many
  /// times at once where many of its requests were refused at once: such logins do not replace each other.
  bool renews = true;
  bool from_client = true;            ///< False: a server brings the codes of many, and its address is not the client's.
  /// The platform's data pre-fetch brings it. It has a rate of its own, and the user's sessions stay: it replaces only what the pre-fetch before
  /// it had made.
  bool prefetched = false;
};

/// An optional part of a login that failed without undoing it.
struct Warning {
  std::string part;  ///< "profile", "phone", "resolve", "entry".
  ErrorCode code;
  std::optional<UpstreamFault> upstream;
};

struct LoginAnswer {
  AppPtr app;
  Issued tokens;
  Session session;
  User user;
  bool is_new_user = false;
  std::string entry;                  ///< The payload of the code that was scanned, a JSON text; empty: none.
  std::vector<Warning> warnings;
};

/// Of the platforms among which a unionid is one person: those of WeChat share theirs.
std::string unionid_family(const std::string& platform);
/// Whether its logins bring a session_key.
bool has_session_keys(const std::string& platform);

class Login {
 public:
  Login(Store& store, const Platforms& platforms, const crypto::Vault& vault, Random& random, Live& live, Tickets& tickets, Profiles& profiles,
        Resolving& resolving, Journal& journal, LoginRates& rates, Components& components)
      : store_(store), platforms_(platforms), vault_(vault), random_(random), live_(live), tickets_(tickets), profiles_(profiles), resolving_(resolving),
        journal_(journal), rates_(rates), components_(components), entrances_(store) {}

  /// Logins of one app that wait for the platform at once, on a node; a good deal less than all that may (Client's exchanges_per_host), so that
  /// one app's storm leaves room for the others.
  static constexpr size_t kExchangesPerApp = 1024;

  /// Callers with the same code share one run. Errors: invalid_request, code_invalid, code_used, risk_blocked, rate_limited,
  /// app_misconfigured, upstream_busy, upstream_error, forbidden (disabled), unavailable. `trace` must outlive the task.
  Task<Result<LoginAnswer>> run(LoginRequest request, Trace* trace);
  /// Spends a code for something else than a login: who brings it. Counted and noted as a login is. Errors: those of run() that are about the code.
  Task<Result<CodeExchange>> spend(AppPtr app, Secret code, Trace* trace);

 private:
  /// Before anything is asked or written. Errors: invalid_request, forbidden (disabled).
  Result<> admit(const App& app, const Secret& code);
  Task<void> note_failure(AppPtr app, CallFailure failure, Trace* trace);
  Task<Result<LoginAnswer>> lead(LoginRequest request, Trace* trace);
  Task<Result<CodeClaim>> claim(uint32_t app, std::string code_hash, Id owner);
  Task<CallResult<CodeExchange>> exchange(AppPtr app, Secret code, Trace* trace);
  Task<Result<LoginAnswer>> answer_again(const LoginRequest& request, LoginRecord record, Trace* trace);
  Task<Result<LoginRecord>> record(const LoginRequest& request, std::string code_hash, Id owner, CodeExchange identity, Trace* trace);
  Task<Result<LoginAnswer>> finish(const LoginRequest& request, LoginRecord record, Trace* trace);
  Task<void> optional_parts(const LoginRequest& request, LoginAnswer& answer, Trace* trace);
  Task<void> resolve(LoginAnswer& answer, Trace* trace);
  Task<Result<>> bind_phone(const LoginRequest& request, LoginAnswer& answer, Trace* trace);

  Store& store_;
  const Platforms& platforms_;
  const crypto::Vault& vault_;
  Random& random_;
  Live& live_;
  Tickets& tickets_;
  Profiles& profiles_;
  Resolving& resolving_;
  Journal& journal_;
  LoginRates& rates_;
  Components& components_;
  Entrances entrances_;
  FairShare<uint32_t> exchanging_{kExchangesPerApp};  // by the app's number
  Coalescer<Result<LoginAnswer>> in_flight_;
};

}  // namespace kaimen::core
