#include "platform/outbound.h"

namespace kaimen::platform {

namespace {

http::ClientOptions options(std::vector<std::string> allow_private) {
  http::ClientOptions options;
  options.only_public = true;
  options.allow_private = std::move(allow_private);
  options.exchanges_per_host = 64;
  return options;
}

/// The part of an absolute URL that BaseUrl takes, and the rest with its query; a fragment is left out. nullopt: not http or https, or with
/// a user name in it.
std::optional<std::pair<http::BaseUrl, std::string>> split_url(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == url.npos || url.starts_with("http+unix:")) return std::nullopt;
  const size_t end = std::min(url.find_first_of("/?#", scheme + 3), url.size());
  if (url.substr(0, end).find('@') != url.npos) return std::nullopt;
  auto base = http::BaseUrl::parse(url.substr(0, end));
  if (!base) return std::nullopt;
  std::string target(url.substr(end, url.find('#') == url.npos ? url.npos : url.find('#') - end));
  if (!target.starts_with('/')) target.insert(0, "/");
  for (const char c : target) {
    if (c <= ' ' || c >= 0x7f) return std::nullopt;
  }
  return std::pair(std::move(*base), std::move(target));
}

}  // namespace

Outbound::Outbound(std::vector<std::string> allow_private) : client_(options(std::move(allow_private))) {}

Task<Result<core::OutboundAnswer>> Outbound::send(core::OutboundRequest request) {
  auto split = split_url(request.url);
  if (!split) co_return make_error(ErrorCode::invalid_request, "not an http or https URL");
  http::ClientRequest question;
  question.url = std::move(split->first);
  question.target = std::move(split->second);
  question.method = std::move(request.method);
  question.headers = std::move(request.headers);
  question.body = std::move(request.body);
  question.deadline = request.deadline;
  question.max_body_bytes = request.max_body_bytes;
  auto sending = client_.send(std::move(question));
  auto answer = co_await std::move(sending);
  if (!answer) {
    const bool shut = answer.error().kind == http::ClientError::Kind::not_allowed;
    co_return make_error(shut ? ErrorCode::invalid_request : ErrorCode::upstream_error, answer.error().detail);
  }
  core::OutboundAnswer out;
  out.status = answer.value().status;
  if (const auto* type = answer.value().header("content-type")) out.content_type = *type;
  out.body = std::move(answer.value().body);
  co_return out;
}

}  // namespace kaimen::platform
