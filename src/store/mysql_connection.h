// A thin layer over one libmariadb connection: texts out, rows in, errors as values. One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/mysql_url.h"

struct st_mysql;

namespace kaimen::store {

/// What an error number of the server or of the client library means for the act.
/// conflict: another was faster, or the server gave up in favour of another; unavailable: nothing else would work now; internal: a bug.
ErrorCode classify_mysql(unsigned number);

class MysqlConnection {
 public:
  enum class Use : uint8_t {
    acts,        ///< Nothing may take longer than a few seconds.
    migrations,  ///< May change large tables.
    reading,     ///< Another program's tables, perhaps on a server that only reads.
  };
  /// Connects to one server (`host` is null for the socket) and sets the session up. Error: unavailable, also for a server that only reads.
  static Result<std::unique_ptr<MysqlConnection>> open(const MysqlUrl& url, const MysqlUrl::Host* host, Use use);
  ~MysqlConnection() = default;

  /// The number of the statement within the text, from 0, and its values; those of NULL have no data.
  using OnRow = std::function<void(size_t, std::span<const std::string_view>)>;
  /// Sends statements, each ended by ';', in one go and reads all their answers. Yields, for each, how many rows it found (of an UPDATE:
  /// also those that it left as they were). None follows one that fails. Errors: as classify_mysql says.
  Result<std::vector<uint64_t>> run(std::string_view sql, const OnRow& on_row = {});

  /// The last error was that of a line that is no more.
  bool lost() const;
  /// The last error was the end of a wait: for a lock, or on a Galera node for what the others committed.
  bool waited_in_vain() const;
  /// The last error was the lack of a privilege.
  bool lacks_privilege() const;

 private:
  struct Close {
    void operator()(st_mysql* handle) const;
  };
  explicit MysqlConnection(std::unique_ptr<st_mysql, Close> handle) : handle_(std::move(handle)) {}
  Result<> set_up(Use use);
  Error fail();

  std::unique_ptr<st_mysql, Close> handle_;
  std::vector<std::string_view> values_;  // of one row
  unsigned failed_with_ = 0;
};

}  // namespace kaimen::store
