// What a third-party platform (component, 第三方平台) is asked of WeChat: the part of the platform port that only it has.
#pragma once

#include "core/platform.h"

namespace kaimen::core {

/// What WeChat says of an app that has authorised a component.
struct AuthorizationGrant {
  std::string app_id;
  FetchedToken token;       ///< Empty where none came along.
  Secret refresh_token;     ///< Empty where none came along.
  std::string permissions;  ///< Ids of permission sets, comma-separated.
  std::string name;         ///< The account's; empty where none came along.
};
struct RefreshedToken {
  FetchedToken token;
  Secret refresh_token;     ///< The one to use from now on; empty: the same.
};
struct PreAuthCode {
  Secret code;
  Seconds expires_in{0};
};

/// An opened push about the component itself.
struct ComponentPush {
  enum class Kind : uint8_t {
    other,         ///< Nothing of ours.
    ticket,        ///< `ticket` is the newest component_verify_ticket.
    authorized,    ///< `app_id` has authorised the component, or changed what it may: by `auth_code`, begun with `pre_auth_code`.
    unauthorized,  ///< `app_id` has taken it back.
  } kind = Kind::other;
  std::string once;  ///< As PushMessage::once.
  Time made_at{};
  Secret ticket;
  std::string app_id;
  Secret auth_code, pre_auth_code;  ///< The latter empty where WeChat does not say.
};

/// Where an administrator is sent to authorise.
struct AuthorizationPage {
  Secret pre_auth_code;
  std::string redirect_uri;
  std::string app_id;  ///< The only one that may; empty: any mini program.
  bool mobile = false; ///< Opened in WeChat on a phone; else scanned from a screen.
};

class ComponentPlatform {
 public:
  virtual ~ComponentPlatform() = default;

  /// WeChat: POST /cgi-bin/component/api_component_token.
  virtual Task<CallResult<FetchedToken>> fetch_component_token(AppPtr component, Secret ticket, Deadline deadline) = 0;
  /// POST api_create_preauthcode.
  virtual Task<CallResult<PreAuthCode>> make_pre_auth_code(AppPtr component, Secret token, Deadline deadline) = 0;
  /// POST api_query_auth. code_invalid, code_used: it is not, or no longer, good.
  virtual Task<CallResult<AuthorizationGrant>> grant_of_code(AppPtr component, Secret token, Secret auth_code, Deadline deadline) = 0;
  /// POST api_get_authorizer_info: the grant as it stands, without a token.
  virtual Task<CallResult<AuthorizationGrant>> grant_of_app(AppPtr component, Secret token, std::string app_id, Deadline deadline) = 0;
  /// POST api_authorizer_token. code_invalid: the refresh token is no longer good.
  virtual Task<CallResult<RefreshedToken>> refresh_authorizer_token(AppPtr component, Secret token, std::string app_id, Secret refresh_token,
                                                                    Deadline deadline) = 0;
  /// GET /sns/component/jscode2session. As Platform::exchange_code, with the component's token in the secret's place.
  virtual Task<CallResult<CodeExchange>> exchange_code_for(AppPtr component, Secret token, AppPtr app, Secret code, Deadline deadline) = 0;
  /// As Platform::open_push.
  virtual std::optional<ComponentPush> open_component_push(const App& component, const Push& push) const = 0;
  virtual std::string authorization_url(const App& component, const AuthorizationPage& page) const = 0;
};

}  // namespace kaimen::core
