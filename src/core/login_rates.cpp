#include "core/login_rates.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace kaimen::core {

namespace {

/// "2001:db8:1" as its parts; empty: none.
std::vector<std::string_view> groups_of(std::string_view text) {
  std::vector<std::string_view> groups;
  while (!text.empty()) {
    const size_t colon = std::min(text.find(':'), text.size());
    groups.push_back(text.substr(0, colon));
    text.remove_prefix(std::min(colon + 1, text.size()));
  }
  return groups;
}

bool is_own(const std::string& address) { return address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127."); }

}  // namespace

std::string counted_address(const std::string& address) {
  constexpr std::string_view mapped = "::ffff:";
  constexpr size_t kGroups = 8, kCounted = 4;
  if (address.find(':') == address.npos) return address;
  if (address.starts_with(mapped) && address.find('.') != address.npos) return address.substr(mapped.size());
  const size_t gap = std::min(address.find("::"), address.size());
  std::vector<std::string_view> groups = groups_of(std::string_view(address).substr(0, gap));
  if (gap < address.size()) {
    const auto behind = groups_of(std::string_view(address).substr(gap + 2));
    if (groups.size() + behind.size() < kGroups) groups.insert(groups.end(), kGroups - groups.size() - behind.size(), "0");
    groups.insert(groups.end(), behind.begin(), behind.end());
  }
  std::string counted;
  for (size_t i = 0; i < std::min(groups.size(), kCounted); ++i) counted.append(groups[i]).append(":");
  return counted;
}

Result<> LoginRates::admit(const App& app, const std::string& address, Time now) {
  const bool chosen = app.setting_values.contains("logins_per_address_per_minute");
  const int64_t per_address = address.empty() || (!chosen && is_own(address)) ? 0 : app.settings.logins_per_address_per_minute;
  // The address first: what it is refused for does not use up the app's.
  if (per_address > 0) {
    const std::string key = std::to_string(app.number) + ' ' + counted_address(address);
    if (const auto wait = addresses_.count(key, per_address, now)) return rate_limited("too many logins a minute from this address", *wait);
  }
  if (const auto wait = apps_.count(std::to_string(app.number), app.settings.logins_per_minute, now)) {
    return rate_limited("too many logins a minute in this app", *wait);
  }
  return ok();
}

Result<> LoginRates::admit_prefetched(const App& app, Time now) {
  if (const auto wait = prefetched_.count(std::to_string(app.number), app.settings.prefetch_logins_per_minute, now)) {
    return rate_limited("too many logins a minute by pre-fetch in this app", *wait);
  }
  return ok();
}

}  // namespace kaimen::core
