// WeChat's third-party platforms (components): an app of the platform "wechat_component" to which other apps' accounts give authority. Those
// apps have no secret here: they log in with the component's token, and their own tokens come by a refresh token that WeChat gave for them.
//
// What WeChat pushes and what an administrator's browser brings may come in any order, twice, or not at all; whatever comes is done once, and
// each of them alone is enough.
#pragma once

#include "core/access_tokens.h"
#include "core/apps.h"
#include "core/component_store.h"

namespace kaimen::core {

struct LinkRequest {
  std::string project;    ///< Where the app comes to; there is such a project.
  std::string callback;   ///< Where WeChat sends the browser back to; `link` is added to its query.
  std::string return_to;  ///< Where our own callback sends it on to; empty: nowhere.
  std::string app_id;     ///< The only one that may authorise by it; empty: any mini program.
};
struct MadeLink {
  std::string link;        ///< Its name: 64 lower-case hex characters. Whoever knows it may bring a code for it.
  std::string url;         ///< To be opened on a screen and scanned.
  std::string mobile_url;  ///< To be opened in WeChat.
  Seconds expires_in{0};
};

class Components {
 public:
  Components(Store& store, const crypto::Vault& vault, const Platforms& platforms, Random& random, Live& live, Apps& apps, AccessTokens& access_tokens)
      : store_(store), vault_(vault), platforms_(platforms), random_(random), live_(live), apps_(apps), access_tokens_(access_tokens) {}

  /// Whether the app is a third-party platform.
  bool is_component(const App& app) const { return platform_of(app) != nullptr; }

  // A component that is disabled asks WeChat nothing, for itself or for the apps that have authorised it: forbidden. What WeChat pushes about it is
  // kept all the same: its tickets, and who takes an authorisation back.

  /// The code of an app that has authorised a component becomes an identity. Where WeChat refuses the component's token, once more with another if
  /// there is one; a refused token has not spent the code.
  Task<CallResult<CodeExchange>> exchange_code(AppPtr app, Secret code, Deadline deadline, Trace* trace);

  /// A push about the component itself: does what it says. Errors: signature_invalid (whatever is wrong with it), those of the store and of
  /// WeChat: then it is to come again.
  Task<Result<>> receive(AppPtr component, Push push, Trace* trace);

  /// Errors: invalid_request, those of WeChat.
  Task<Result<MadeLink>> make_link(AppPtr component, LinkRequest request, Trace* trace);
  /// The link named so, whose callback has come. Error: not_found.
  Task<Result<AuthorizationLink>> find_link(const App& component, std::string link);
  /// What WeChat sent back with the browser. Of a link whose app is known already the code is not looked at. Errors: code_invalid (of a link too
  /// old as well), code_used, not_found (the link's app is gone), invalid_request (the project is), conflict (the app is in another project, the
  /// link is for another, or another has authorised by it; an app that authorises the component already is authorised anew where it is), those
  /// of WeChat.
  Task<Result<AppPtr>> take_code(AppPtr component, AuthorizationLink link, Secret code, Trace* trace);
  /// The same without a link, into a project.
  Task<Result<AppPtr>> take_code(AppPtr component, std::string project, Secret code, Trace* trace);
  /// An app that has authorised the component, whatever we have heard of it, comes into a project. Errors: app_misconfigured (it has not),
  /// conflict, those of WeChat.
  Task<Result<AppPtr>> adopt(AppPtr component, std::string project, std::string app_id, Trace* trace);

 private:
  ComponentPlatform* platform_of(const App& app) const;
  /// Never null. Errors: invalid_request (it is no component), forbidden (it is disabled).
  Result<ComponentPlatform*> serving(const App& component) const;
  Task<Result<AuthorizationGrant>> grant_of_code(AppPtr component, Secret code, Trace* trace);
  Task<Result<AuthorizationGrant>> grant_of_app(AppPtr component, std::string app_id, Trace* trace);
  Result<> expect_project(const std::string& project) const;
  /// What a code has brought, into a project, as save(). WeChat gives it once, and the refresh token of before is void: what cannot come to the
  /// project is kept where the app is. `only_app` empty: any. Error: conflict, then too.
  Task<Result<AppPtr>> place(AppPtr component, AuthorizationGrant grant, std::string project, std::string only_app, SaveAuthorization act, Trace* trace);
  /// `act` has what is known beside the grant; `project` empty: only an app that is there.
  Task<Result<AppPtr>> save(AppPtr component, AuthorizationGrant grant, std::string project, SaveAuthorization act, Trace* trace);
  Result<AppRow> row_for(const AuthorizationGrant& grant, std::string project) const;
  Task<Result<>> keep_ticket(AppPtr component, ComponentPush push, Trace* trace);
  Task<Result<>> authorize(AppPtr component, ComponentPush push, Trace* trace);
  Task<Result<>> unauthorize(AppPtr component, ComponentPush push, Trace* trace);
  /// Whether the push may put its app where the link says.
  bool is_good(const AuthorizationLink& link, const App& component, const ComponentPush& push) const;
  /// The app that has authorised by the link. Error: not_found.
  Result<AppPtr> app_of(const AuthorizationLink& link) const;
  /// The app of the link, which the push may just be putting there; nullptr: it does not come.
  Task<Result<AppPtr>> wait_for_push(std::string link);

  Store& store_;
  const crypto::Vault& vault_;
  const Platforms& platforms_;
  Random& random_;
  Live& live_;
  Apps& apps_;
  AccessTokens& access_tokens_;
};

}  // namespace kaimen::core
