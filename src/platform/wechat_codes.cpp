// WeChat's codes to scan and links into the mini program.
#include <algorithm>

#include "base/limits.h"
#include "platform/wechat.h"

namespace kaimen::platform {

using core::AppPtr;
using core::CallResult;

Task<CallResult<std::string>> Wechat::draw_code(AppPtr app, Secret access_token, core::CodePicture picture, Deadline deadline) {
  http::json::object question{{"scene", picture.scene},
                              {"check_path", picture.check_page},
                              {"env_version", core::name_of(picture.env)},
                              {"width", picture.width}};
  // An empty page is not the same as none.
  if (!picture.page.empty()) question["page"] = picture.page;
  std::string body = http::to_text(question);
  auto asking = ask(app, target_of("/wxa/getwxacodeunlimit", {{"access_token", access_token.reveal()}}), std::move(body),
                    std::min(deadline, deadline_in(limits::kUpstreamTotal)));
  auto answer = co_await std::move(asking);
  if (!answer) co_return std::move(answer).error();
  co_return read_drawn_code(answer.value().status, std::move(answer.value().body));
}

Task<CallResult<std::string>> Wechat::make_link(AppPtr app, Secret access_token, core::MakeLink link, Deadline deadline) {
  const bool scheme = link.kind == core::LinkKind::scheme;
  http::json::object where{{"path", link.page}, {"query", link.query}, {"env_version", core::name_of(link.env)}};
  http::json::object question;
  if (scheme) question["jump_wxa"] = std::move(where);
  else question = std::move(where);
  question["is_expire"] = true;
  question["expire_type"] = 0;  // at a time
  question["expire_time"] = epoch_ms(link.expires_at) / 1000;
  std::string body = http::to_text(question);
  const std::string_view path = scheme ? "/wxa/generatescheme" : "/wxa/generate_urllink";
  auto asking = ask(app, target_of(path, {{"access_token", access_token.reveal()}}), std::move(body),
                    std::min(deadline, deadline_in(limits::kUpstreamTotal)));
  auto answer = co_await std::move(asking);
  if (!answer) co_return std::move(answer).error();
  co_return read_link(answer.value().status, answer.value().body, scheme ? "openlink" : "url_link");
}

}  // namespace kaimen::platform
