// What PostgreSQL and libpq say when something fails, told as errors of ours. No message holds a value, a URL or a password.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

struct pg_result;  // libpq's

namespace kaimen::store {

struct PostgresStatement;

/// libpq's or the server's words without line ends.
std::string one_line(std::string words);
/// A field (PG_DIAG_…) of an error or notice; empty if it has none.
std::string error_field(const pg_result& result, int code);

/// Why a pipeline failed.
struct PostgresFailure {
  std::string sqlstate;                          ///< Empty: the line or libpq failed, not the server.
  std::string message;                           ///< No values, no password.
  const PostgresStatement* statement = nullptr;  ///< Which one, if any.
  bool uncertain = false;                        ///< The COMMIT was sent, and nobody said what became of it.
  Error error() const;
};

/// `conflict`, `unavailable` or `internal` for an SQLSTATE; empty counts as a lost line.
ErrorCode code_of_sqlstate(std::string_view sqlstate);
/// Whether a connection that said this is of no more use: the server goes, or became one that only reads.
bool ends_connection(std::string_view sqlstate);

/// Whether `url` has the form libpq understands; connects nowhere. Error: invalid_request, which never repeats a part of the URL.
Result<> check_postgres_url(const std::string& url);

}  // namespace kaimen::store
