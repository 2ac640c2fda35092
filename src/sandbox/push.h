// Message pushes as WeChat sends them: signed, encrypted, as JSON or XML.
#pragma once

#include <string>

#include "http/client.h"
#include "http/json.h"
#include "sandbox/world.h"

namespace kaimen::sandbox {

/// A push that is ready to be sent.
struct PushLetter {
  http::BaseUrl url;
  std::string query;  ///< "timestamp=…&nonce=…&signature=…&encrypt_type=aes&msg_signature=…"
  std::string body;
  bool xml = false;
  std::string appid, token, key;  ///< What an encrypted answer is opened with.
};

/// POST /sandbox/push {appid, user?, event? | message?, fields?, format?, encrypted?, url?, token?, key?, component_appid?}: the event, to the
/// app's push_url unless `url` says another; with component_appid as that third-party platform gets it, under its keys. Errors: invalid_request and not_found in words, unavailable (no randomness).
Result<PushLetter> write_push(World& world, const http::json::object& order, Time now, Random& random);
/// `message` to the app's own push_url. Error: not_found when the app has none.
Result<PushLetter> write_push(const App& app, const http::json::object& message, Time now, Random& random);

/// About a third-party platform itself: XML, to its push_url.
Result<PushLetter> write_component_push(const App& component, const http::json::object& message, Time now, Random& random);

http::ClientRequest request_of(const PushLetter& letter);

/// What WeChat reads in the answer to a push: {encrypted, text}, of an envelope {encrypted, problem} where it cannot be opened.
http::json::object read_push_reply(const PushLetter& letter, std::string_view body);

}  // namespace kaimen::sandbox
