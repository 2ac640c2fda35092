// The platform's API for backends that know no token: the call goes out with the app's access_token put in, and what the platform answers
// comes back as it is. Once more with another token where the platform says that this one is no longer good; nothing was done then.
//
// Which calls: core/proxy_path.h. How many: the app's wechat_calls_per_minute, a number of its calls under way, and one budget of memory for
// the bodies of all.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/limits.h"
#include "core/access_tokens.h"
#include "core/fair_share.h"
#include "core/proxy_path.h"
#include "core/rates.h"

namespace kaimen::core {

/// Calls passed on, by app and path.
struct ProxyCount {
  std::string app_id, path;
  uint64_t answered = 0;  ///< Without an errcode.
  uint64_t refused = 0;   ///< With one.
  uint64_t failed = 0;    ///< Not answered.
};

class Proxy {
 public:
  Proxy(AccessTokens& tokens, const Platforms& platforms, const Clock& clock, ProxyFamilies families = default_proxy_families())
      : tokens_(tokens), platforms_(platforms), clock_(clock), families_(std::move(families)) {}

  /// `call.path` comes without the slash in front, decoded once. Errors: those of check_proxy_path and check_proxy_query; rate_limited;
  /// unavailable (too much under way); those of AccessTokens::get; upstream_error. `trace` must outlive the task.
  Task<Result<ProxyAnswer>> pass(AppPtr app, ProxyCall call, Trace* trace);

  /// At most kSeries, of one app kPathsPerApp and "other"; where there are too many apps, what came later is counted as app "other".
  std::vector<ProxyCount> counts() const;
  static constexpr size_t kSeries = 2000, kPathsPerApp = 30;

 private:
  enum class Outcome : uint8_t { answered, refused, failed };
  Task<Result<ProxyAnswer>> send(AppPtr app, std::shared_ptr<const ProxyCall> call, Trace* trace);
  void count(const std::string& app_id, const std::string& path, Outcome outcome);

  AccessTokens& tokens_;
  const Platforms& platforms_;
  const Clock& clock_;
  const ProxyFamilies families_;
  Rates rates_{20'000};
  FairShare<std::string> under_way_{limits::kProxyCallsPerApp};
  std::atomic<size_t> bytes_{0};  // what the calls under way may take
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, ProxyCount> counts_;
  std::map<std::string, size_t> paths_;  // in counts_, by app
};

}  // namespace kaimen::core
