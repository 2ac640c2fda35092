// Mini programs as rows: added, changed and removed while the server runs; their secrets sealed in the store and write-only.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/random.h"
#include "core/live.h"
#include "core/read_order.h"
#include "core/store.h"
#include "crypto/vault.h"

namespace kaimen::core {

/// What WeChat's console has of message push; write-only.
struct PushKeys {
  Secret token;  ///< 3 to 32 letters and digits.
  Secret key;    ///< EncodingAESKey: 43 letters and digits.
};

struct SigningMaterial;  // core/signing_keys.h

/// What questions to an app's resolve_url are signed with; write-only.
inline constexpr size_t kResolveSecretBytesMin = 16;

/// Errors of these: invalid_request.
Result<> check_app_id(const std::string& app_id);
Result<> check_project_name(const std::string& name);

struct NewApp {
  std::string project = "default";
  std::string app_id;
  std::string platform = "wechat";
  Secret secret;
  std::string name;
  std::map<std::string, std::string> settings;
  std::string upstream = "wechat";
  std::optional<PushKeys> push;
  std::optional<Secret> resolve_secret;
  std::shared_ptr<const SigningMaterial> signing;  ///< Null: none.
  bool by_project = false;       ///< Whoever adds it speaks for its project only.
  Source source;
};

struct AppChange {
  std::optional<std::string> name, upstream;
  std::optional<bool> disabled;
  /// Merged over what is set; an empty value takes a setting back to its default.
  std::optional<std::map<std::string, std::string>> settings;
  bool revoke_sessions = false;  ///< Ends every session of the app that exists now.
  std::optional<PushKeys> push;  ///< Empty ones: pushes are refused from now on.
  std::optional<Secret> resolve_secret;  ///< At least kResolveSecretBytesMin; an empty one: resolve_url is asked no more.
  std::optional<std::shared_ptr<const SigningMaterial>> signing;  ///< Null: calls are not signed from now on.
  bool by_project = false;       ///< Whoever changes it speaks for its project only.
  Source source;
};

class Apps {
 public:
  /// `defaults`: settings an app does not set itself. `platforms` and `upstreams`: the names that exist.
  Apps(Store& store, const crypto::Vault& vault, Random& random, Live& live, AppSettings defaults, std::set<std::string> platforms,
       std::set<std::string> upstreams);

  /// Reads all apps into memory. Errors: those of the store; internal when a secret cannot be opened (another master key).
  Task<Result<>> load();

  /// nullptr: no such app.
  AppPtr find(const std::string& app_id) const { return live_.apps.get()->find(app_id); }
  std::vector<AppPtr> list() const;  ///< By app_id.

  /// Errors: invalid_request (form of app_id, empty secret, unknown platform, upstream or setting); conflict (exists; another project has one
  /// of its wafer_hosts, or, where `by_project`, would no longer be the one that wafer's clients reach without a host of theirs).
  Task<Result<AppPtr>> add(NewApp app);
  /// Errors: not_found, invalid_request, conflict (as of add).
  Task<Result<AppPtr>> change(std::string app_id, AppChange change);
  /// Replaces the secret; the old one is still tried until `overlap` is over, where WeChat refuses the new one. An app whose account has taken
  /// back its authorisation of a component goes by its own secret from then on. Errors: not_found, invalid_request, conflict (the authorisation
  /// stands: the secret would not be used).
  Task<Result<AppPtr>> set_secret(std::string app_id, Secret secret, Seconds overlap, Source source = {});
  /// Its sessions end at once (`deleted`). Error: not_found.
  Task<Result<>> remove(std::string app_id, Source source = {});

 private:
  Task<Result<AppPtr>> stored(std::string app_id, Task<Result<>> act);
  Task<Result<AppPtr>> edit(std::string app_id, std::function<Result<>(AppRow&)> change);
  /// Whether it may be reached by wafer's clients under any host.
  Result<> check_any_host(const std::string& project, const AppSettings& settings) const;
  Result<AppRow> row_of(const std::string& app_id);
  /// `components`: where the one it has authorised is.
  Result<AppPtr> open(const AppRow& row, bool project_disabled, const AppTable& components) const;
  Result<std::string> sealed(const PushKeys& push, const std::string& app_id) const;
  Result<std::string> sealed_resolve(const Secret& secret, uint32_t number) const;
  Result<std::string> sealed(const SigningMaterial* signing, uint32_t number) const;

  Store& store_;
  const crypto::Vault& vault_;
  Random& random_;
  Live& live_;
  const AppSettings defaults_;
  const std::set<std::string> platforms_, upstreams_;
  std::mutex mutex_;
  std::map<std::string, AppRow> rows_;  // what was read last, for changes
  ReadOrder order_;
};

}  // namespace kaimen::core
