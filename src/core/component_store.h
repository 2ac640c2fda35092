// The store's port for WeChat's third-party platforms: the ticket of each, the links by which apps authorise it, and those apps'
// authorisations. As core/store.h: atomic acts, safe to retry.
#pragma once

#include "core/store.h"

namespace kaimen::core {

struct KeepTicket {
  std::string component;      ///< app_id.
  std::string ticket_sealed;  ///< Vault purpose "component_ticket", row = app_id.
  Time made_at{};             ///< As WeChat says.
};

/// A link to WeChat's page, by which one app authorises.
struct AuthorizationLink {
  std::string hash;       ///< SHA-256 of its pre_auth_code, 32 raw bytes: its name.
  std::string component;  ///< app_id.
  std::string project;    ///< Where the app comes to.
  std::string return_to;  ///< Where the browser goes afterwards; empty: nowhere.
  std::string app_id;     ///< Of the app that has authorised by it; empty: none yet.
  Time created_at{};
  Time expires_at{};      ///< When its pre_auth_code dies.
  std::string only_app;   ///< app_id of the only one that may authorise by it; empty: any.
};

/// An authorisation as WeChat has just confirmed it.
struct SaveAuthorization {
  std::string component, app_id;
  std::string refresh_sealed;        ///< Vault purpose "refresh_token", row = app_id; empty: none came along, and that of the same component stays.
  std::string token_sealed;          ///< Vault purpose "access_token", row = app_id; empty: none came along.
  Time token_expires_at{};
  std::string permissions;           ///< Ids of permission sets, comma-separated.
  std::optional<AppRow> new_app;     ///< To be added where there is none of this app_id, at the component's upstream. Unset: only what authorises
                                     ///< this component already.
  std::string link;                  ///< AuthorizationLink::hash of the link it was given by; empty: none.
  std::string once;                  ///< Of the push that told of it, 32 raw bytes; empty: it was no push.
  Time pushed_at{};                  ///< When that was made, as WeChat says.
  Time now{};
  Source source;
};
enum class AuthorizationEffect : uint8_t {
  applied,
  repeated,  ///< This push was applied before.
  outdated,  ///< A newer push has been applied.
  nobody,    ///< No such app authorises the component, and none was to be added.
};

struct EndAuthorization {
  std::string component, app_id;
  std::string once;
  Time pushed_at{};
  Time now{};
  Source source;
};

/// What came of a refresh, kept only while the refresher's lease is the last one given.
struct SaveAuthorizerToken {
  std::string app_id;
  uint64_t lease = 0;
  std::string token_sealed;
  Time expires_at{};
  std::string refresh_sealed;  ///< Takes the place of the one there is; empty: that stays.
  Time now{};
};

class ComponentStore {
 public:
  virtual ~ComponentStore() = default;

  /// False: there is one as new, or a newer one, and it stays.
  virtual Task<Result<bool>> keep_ticket(KeepTicket act) = 0;
  /// Sealed; empty: none has come.
  virtual Task<Result<std::string>> ticket(std::string component) = 0;

  virtual Task<Result<>> keep_link(AuthorizationLink link) = 0;
  /// Error: not_found.
  virtual Task<Result<AuthorizationLink>> find_link(std::string hash) = 0;

  /// Errors: conflict (the app is in another project than the link's, at another upstream than the component, or not a mini program of WeChat;
  /// another app has authorised by the link); not_found (there is no such component), forbidden (it is disabled, or its project is).
  virtual Task<Result<AuthorizationEffect>> save_authorization(SaveAuthorization act) = 0;
  /// Refresh token and access_token go. `nobody`: the app has not authorised this component.
  virtual Task<Result<AuthorizationEffect>> end_authorization(EndAuthorization act) = 0;
  /// The sealed refresh token; empty: none.
  virtual Task<Result<std::string>> refresh_token(std::string app_id) = 0;
  /// As Store::save_access_token, with the refresh token in the same act.
  virtual Task<Result<bool>> save_authorizer_token(SaveAuthorizerToken act) = 0;
};

}  // namespace kaimen::core
