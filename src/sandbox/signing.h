// WeChat's side of API signing and encryption: for an app that has it, the calls that take part must come signed and encrypted, and are
// answered so.
#pragma once

#include <optional>

#include "http/message.h"
#include "sandbox/wechat_calls.h"

namespace kaimen::sandbox {

/// New keys for the app, as WeChat's console would make them: the members of `signing` in Kaimen's admin API. Error: unavailable, internal.
Result<http::json::object> make_signing(App& app, Random& random);

/// A question that came signed: how its answer must be signed.
struct Signed {
  App* app;
  std::string url;
};
/// Opens a question that is to be signed: its parameters take the place of the envelope's, kept in `plain`. nullopt: not one of these.
/// Refusals: 40231 … 40240.
Granted<std::optional<Signed>> open_signed(World& world, Question& question, std::string& plain);
/// The answer's body in its envelope, with the headers.
void sign_answer(http::Response& response, const Signed& how, Time now, Random& random);

}  // namespace kaimen::sandbox
