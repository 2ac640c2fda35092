// Another program's database, read and never written: cAuth, where the session servers of Tencent's wafer kept their users. Two shapes of
// the table cSessionInfo: the first version's (an id for each row, user_info as base64 of JSON) and wafer2's (the open_id as key, JSON).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace kaimen::store {

class MysqlConnection;

struct WaferRow {
  std::string openid;
  std::string user_info;       ///< As it stands there.
  std::optional<Time> created_at;  ///< create_time, as the server converts it; none: it has none, or zero.
};

class WaferTables {
 public:
  /// `url`: mysql://user:password@host/cAuth; the first host that answers. Errors: invalid_request (the URL, or no table cSessionInfo of
  /// either shape), unavailable.
  static Result<std::unique_ptr<WaferTables>> open(const std::string& url);
  ~WaferTables();

  bool first_version() const { return first_version_; }
  /// The appids of cAppinfo; empty where there is no such table.
  Result<std::vector<std::string>> app_ids();
  /// The next rows, at most `limit`; empty: that was all. Of several rows of one user, which the first version may have, the newest.
  Result<std::vector<WaferRow>> next(size_t limit);

 private:
  explicit WaferTables(std::unique_ptr<MysqlConnection> connection);
  Result<> look();
  Result<std::vector<std::string>> columns_of(std::string_view table);

  std::unique_ptr<MysqlConnection> connection_;
  bool first_version_ = false;
  bool has_apps_ = false;
  std::string after_;  // the id, or the open_id, of the last row
  bool begun_ = false;
};

}  // namespace kaimen::store
