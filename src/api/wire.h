// Wire types: how the nouns of the rules look in JSON (docs/api.md).
#pragma once

#include "api/call.h"

namespace kaimen::api {

/// Whether an avatar_url is one that this server gave out.
bool is_own_avatar(const Call& call, std::string_view url);
/// Where the user's avatar is, here or elsewhere; empty: none.
std::string avatar_url(const Call& call, const core::User& user);
/// User. With `app` set to expose it, and an openid, that is in it. Error: internal (a phone number that cannot be opened).
Result<http::json::object> user_json(const Call& call, const core::User& user, const core::App& app, std::string_view openid);
http::json::object session_json(const core::Session& session);
/// Session with device, app and environment, for "my devices".
http::json::object device_session_json(const core::Session& session, std::string_view app_id, const Id& current);
/// Login, as answered by login and renewal. With `cookies`, the tokens also go into HttpOnly cookies.
Result<http::Response> login_response(const Call& call, const core::LoginAnswer& answer, bool cookies);
/// The cookies of cookie mode: `kaimen` holds the ticket, `kaimen_renew` goes to /v1/session alone.
void set_session_cookies(const Call& call, const core::LoginAnswer& answer, http::Response& response);
void clear_session_cookies(const Call& call, http::Response& response);

http::json::array strings(const std::vector<std::string>& values);
http::json::value time_or_null(const std::optional<Time>& time);

http::json::object app_json(const core::App& app);
http::json::object access_key_json(const core::AccessKeyRow& row);

/// {items, next_cursor} of the page that the query's limit and cursor ask for; items are sorted by their key. Error: invalid_request.
struct Page {
  size_t limit = 50;
  std::string after;  ///< Key of the last item of the page before; empty: from the start.
  /// The same where keys are ids. Error: invalid_request.
  Result<std::optional<Id>> after_id() const;
};
Result<Page> page_of(const Call& call);
/// Whether `wanted` stands somewhere in `text`; of A to Z, capitals and small letters are the same.
bool holds_words(std::string_view text, std::string_view wanted);
http::json::object page_json(http::json::array items, const std::string& last_key, bool more);

/// "profile" and "phone" of a login, and the bodies of their routes.
core::ProfileProof read_profile_proof(http::Reader& reader);
core::PhoneProof read_phone_proof(http::Reader& reader);

}  // namespace kaimen::api
