// Content checks: of texts at once, of pictures in a push that follows.
#pragma once

#include <optional>
#include <string>

#include "sandbox/wechat_calls.h"

namespace kaimen::sandbox {

/// POST /wxa/msg_sec_check.
Granted<Answer> check_text(World& world, const Question& question);
/// POST /wxa/media_check_async; media_verdict() follows.
Granted<Answer> check_media(World& world, const Question& question, Random& random);
/// What WeChat pushes about a picture, as it found it at its URL; nullopt: it could not be fetched.
http::json::object media_verdict(const MediaCheck& check, const App& app, const std::optional<std::string>& picture, Time now);

}  // namespace kaimen::sandbox
