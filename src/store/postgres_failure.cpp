#include "store/postgres_failure.h"

#include <libpq-fe.h>

#include <memory>

namespace kaimen::store {

std::string one_line(std::string words) {
  while (!words.empty() && (words.back() == '\n' || words.back() == ' ')) words.pop_back();
  for (char& c : words) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return words;
}

std::string error_field(const pg_result& result, int code) {
  const char* value = PQresultErrorField(&result, code);
  return value ? value : "";
}

Error PostgresFailure::error() const {
  std::string detail = "PostgreSQL: " + (message.empty() ? "the connection is lost" : message);
  if (!sqlstate.empty()) detail += " (" + sqlstate + ")";
  return make_error(code_of_sqlstate(sqlstate), std::move(detail));
}

ErrorCode code_of_sqlstate(std::string_view sqlstate) {
  if (sqlstate.empty()) return ErrorCode::unavailable;
  // Serialization, deadlock, a unique key; of migrations that two nodes run at once: the table, column or index is there already.
  for (const std::string_view conflict : {"40001", "40P01", "23505", "23P01", "42P07", "42701", "42710"}) {
    if (sqlstate == conflict) return ErrorCode::conflict;
  }
  // A server that only reads, a lock or a transaction that took too long, an outcome nobody knows.
  for (const std::string_view passing : {"25006", "55P03", "25P03", "25P04", "40003"}) {
    if (sqlstate == passing) return ErrorCode::unavailable;
  }
  // Connection; resources; operator's hand, also statement_timeout; the machine below.
  for (const std::string_view passing : {"08", "53", "57", "58"}) {
    if (sqlstate.starts_with(passing)) return ErrorCode::unavailable;
  }
  return ErrorCode::internal;
}

bool ends_connection(std::string_view sqlstate) {
  if (sqlstate == "57014") return false;  // statement_timeout: the statement alone
  for (const std::string_view end : {"25006", "25P03", "25P04"}) {
    if (sqlstate == end) return true;
  }
  return sqlstate.starts_with("08") || sqlstate.starts_with("57P") || sqlstate.starts_with("58");
}

Result<> check_postgres_url(const std::string& url) {
  const auto wrong = [](const char* what) { return make_error(ErrorCode::invalid_request, what); };
  if (!url.starts_with("postgres://") && !url.starts_with("postgresql://")) {
    return wrong("the URL of a PostgreSQL store begins with postgres://");
  }
  // libpq's words would repeat the URL, and with it the password.
  std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(PQconninfoParse(url.c_str(), nullptr), &PQconninfoFree);
  if (!options) return wrong("this is not a URL as libpq understands it: postgres://user:password@host:port/database?parameter=value");
  for (const PQconninfoOption* option = options.get(); option->keyword; ++option) {
    const std::string_view name(option->keyword), value(option->val ? option->val : "");
    if (name == "port" && value.find_first_not_of("0123456789,") != std::string_view::npos) {
      return wrong("a port in the store's URL is not a number (in the password, write : as %3A, / as %2F, @ as %40)");
    }
    // What comes of a password with an @ or a / in it; such a "host" must not get into a message either.
    if ((name == "host" || name == "dbname") && value.find('@') != std::string_view::npos) {
      return wrong("the store's URL has more than one @ (in the password, write @ as %40, / as %2F, : as %3A)");
    }
  }
  return ok();
}

}  // namespace kaimen::store
