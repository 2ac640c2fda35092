// Which of the platform's paths a backend may call through us, and with which parameters. A path in any other form than the plain one is
// refused rather than put right: what we take a path for and what the platform takes it for can then not differ.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace kaimen::core {

using ProxyFamilies = std::set<std::string, std::less<>>;
ProxyFamilies default_proxy_families();

/// Of a path decoded once, without the slash in front: "cgi-bin/message/subscribe/send". Errors: invalid_request where it is not plain
/// (segments of letters, digits, '_' and '-'), forbidden where its family is not listed or it would bring a key.
Result<> check_proxy_path(std::string_view path, const ProxyFamilies& families);

/// Error: invalid_request where the caller names what we put in: access_token, appid, secret, in whatever spelling.
Result<> check_proxy_query(const std::vector<std::pair<std::string, std::string>>& query);

}  // namespace kaimen::core
