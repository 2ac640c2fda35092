// Calls that a backend makes through us (core/proxy.h): its parameters and body with our access_token, and WeChat's answer as it is.
#include <array>

#include "base/limits.h"
#include "http/message.h"
#include "platform/wechat.h"

namespace kaimen::platform {

namespace {

// What says what the body is. All else is about the connection, or about whoever is behind it.
constexpr std::array kPassedBack{"Content-Type", "Content-Disposition", "Content-Language", "Num-Used"};

bool is_passed_back(std::string_view name) {
  for (const char* passed : kPassedBack) {
    if (http::name_is(name, passed)) return true;
  }
  return false;
}

}  // namespace

Task<core::CallResult<core::ProxyAnswer>> Wechat::pass_on(core::AppPtr app, Secret access_token, std::shared_ptr<const core::ProxyCall> call,
                                                          Deadline deadline) {
  http::ClientRequest request;
  request.method = call->method;
  request.target = target_of(call->path, {{"access_token", access_token.reveal()}});
  for (const auto& [name, value] : call->query) request.target += "&" + http::url_encode(name) + "=" + http::url_encode(value);
  request.headers = call->headers;
  request.body = call->body;
  request.deadline = deadline;
  request.max_body_bytes = call->most_answer_bytes;
  auto asking = exchange(app, std::move(request));
  auto came_back = co_await std::move(asking);
  if (!came_back) co_return std::move(came_back).error();
  http::ClientResponse& response = came_back.value();
  core::ProxyAnswer answer;
  answer.status = response.status;
  for (auto& [name, value] : response.headers) {
    if (is_passed_back(name)) answer.headers.emplace_back(std::move(name), std::move(value));
  }
  answer.fault = fault_in(response.body);
  answer.token_rejected = is_token_refusal(answer.fault.errcode);
  answer.body = std::move(response.body);
  co_return answer;
}

}  // namespace kaimen::platform
