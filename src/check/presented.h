// The ticket that a request's headers present: Authorization: Bearer, X-Kaimen-Ticket, a header that the configuration names, X-WX-Skey of
// wafer's clients, a cookie. More than one is allowed only if they are the same: where two parsers could differ on who is calling, nobody is.
#pragma once

#include <cstdint>
#include <string_view>

namespace kaimen::check {

inline constexpr std::string_view kTicketCookie = "kaimen";

struct Presented {
  enum class Kind : uint8_t { none, one, conflict } kind = Kind::none;
  std::string_view ticket{};  ///< View into the request.
  bool by_cookie = false;     ///< Only a cookie holds it: the browser sends that by itself, whoever's page asks (api/same_origin.h).
  bool by_skey = false;       ///< Only X-WX-Skey holds it, which is for the clients of wafer alone.
  bool authorized = false;    ///< An Authorization header was seen.

  /// A ticket from a header made for it.
  void offer(std::string_view ticket);
  /// The value of an Authorization header; a second one is a conflict, whatever it says.
  void offer_authorization(std::string_view value);
  /// The value of a Cookie header.
  void offer_cookies(std::string_view value, std::string_view cookie_name = kTicketCookie);
  /// The value of an X-WX-Skey header.
  void offer_skey(std::string_view value);
  /// Authorization, Cookie or X-Kaimen-Ticket, whichever the name says; other headers are nothing. False: it was one of those.
  bool offer_header(std::string_view name, std::string_view value, std::string_view cookie_name = kTicketCookie) {
    return !may_be_one(name) || offer_named(name, value, cookie_name);
  }
  /// By the size of its name and the first letter, which tell of nearly all headers that they are none of these, without a call.
  static constexpr bool may_be_one(std::string_view name) {
    const auto may_be = [name](std::string_view one) { return name.size() == one.size() && (name.front() | 0x20) == one.front(); };
    return may_be(kAuthorization) || may_be(kCookie) || may_be(kTicketHeader);
  }

 private:
  static constexpr std::string_view kAuthorization = "authorization", kCookie = "cookie", kTicketHeader = "x-kaimen-ticket";
  bool offer_named(std::string_view name, std::string_view value, std::string_view cookie_name);
};

/// Without blanks at either end.
std::string_view trimmed(std::string_view text);
/// Whether an Authorization header is a Bearer's.
bool is_bearer(std::string_view value);
/// Header names that differ in case only.
bool same_name(std::string_view name, std::string_view lower_case);

/// Calls found(value) for each pair of that name in a Cookie header (RFC 6265, section 4.2.1).
template <class Found>
void cookies_named(std::string_view header, std::string_view name, Found found) {
  while (!header.empty()) {
    const size_t end = header.find(';');
    const std::string_view pair = trimmed(header.substr(0, end));
    const size_t equals = pair.find('=');
    if (equals != pair.npos && pair.substr(0, equals) == name) {
      std::string_view value = pair.substr(equals + 1);
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
      found(value);
    }
    if (end == header.npos) break;
    header.remove_prefix(end + 1);
  }
}

/// Whether a header of this name claims an identity that only a check gives: X-Kaimen-* but the ticket, and those of WeChat's cloud; in any
/// case, and with whatever stands for a hyphen: many backends see no difference (HTTP_X_KAIMEN_USER).
bool claims_identity(std::string_view name);

}  // namespace kaimen::check
