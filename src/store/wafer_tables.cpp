#include "store/wafer_tables.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "store/mysql_connection.h"

namespace kaimen::store {

namespace {

// What a column's own comparison takes for text, whatever is in it.
std::string quoted(std::string_view text) { return "CONVERT(x'" + to_hex(text) + "' USING utf8mb4)"; }

}  // namespace

WaferTables::WaferTables(std::unique_ptr<MysqlConnection> connection) : connection_(std::move(connection)) {}
WaferTables::~WaferTables() = default;

Result<std::unique_ptr<WaferTables>> WaferTables::open(const std::string& url) {
  TRY(const MysqlUrl parsed, parse_mysql_url(url));
  Result<std::unique_ptr<MysqlConnection>> connection = make_error(ErrorCode::unavailable, "the URL names no host");
  if (!parsed.socket.empty()) connection = MysqlConnection::open(parsed, nullptr, MysqlConnection::Use::reading);
  for (const auto& host : parsed.hosts) {
    connection = MysqlConnection::open(parsed, &host, MysqlConnection::Use::reading);
    if (connection) break;
  }
  TRY(auto opened, std::move(connection));
  std::unique_ptr<WaferTables> tables(new WaferTables(std::move(opened)));
  TRY(tables->look());
  return tables;
}

Result<std::vector<std::string>> WaferTables::columns_of(std::string_view table) {
  std::vector<std::string> names;
  TRY(connection_->run("SELECT LOWER(COLUMN_NAME) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME=" + quoted(table) + ";",
                       [&](size_t, std::span<const std::string_view> row) { names.emplace_back(row[0]); }));
  return names;
}

Result<> WaferTables::look() {
  TRY(const auto columns, columns_of("cSessionInfo"));
  const auto has = [&](std::string_view name) { return std::ranges::find(columns, name) != columns.end(); };
  if (!has("open_id") || !has("user_info") || !has("create_time")) {
    return make_error(ErrorCode::invalid_request, "there is no table cSessionInfo with open_id, user_info and create_time in this database");
  }
  first_version_ = has("id");
  TRY(const auto apps, columns_of("cAppinfo"));
  has_apps_ = std::ranges::find(apps, "appid") != apps.end();
  return ok();
}

Result<std::vector<std::string>> WaferTables::app_ids() {
  std::vector<std::string> ids;
  if (!has_apps_) return ids;
  TRY(connection_->run("SELECT appid FROM cAppinfo;", [&](size_t, std::span<const std::string_view> row) {
    if (!row[0].empty()) ids.emplace_back(row[0]);
  }));
  return ids;
}

Result<std::vector<WaferRow>> WaferTables::next(size_t limit) {
  const std::string key = first_version_ ? "id" : "open_id";
  std::string sql = "SELECT a." + key + ",a.open_id,a.user_info,UNIX_TIMESTAMP(a.create_time) FROM cSessionInfo a WHERE 1=1";
  // An id is a number, and so it stands in the answer.
  if (begun_) sql += " AND a." + key + ">" + (first_version_ ? after_ : quoted(after_));
  if (first_version_) {
    sql += " AND NOT EXISTS (SELECT 1 FROM cSessionInfo b WHERE b.open_id=a.open_id AND BINARY b.open_id=BINARY a.open_id AND b.id>a.id)";
  }
  sql += " ORDER BY a." + key + " LIMIT " + std::to_string(limit) + ";";
  std::vector<WaferRow> rows;
  TRY(connection_->run(sql, [&](size_t, std::span<const std::string_view> row) {
    after_ = std::string(row[0]);
    begun_ = true;
    WaferRow one;
    one.openid = std::string(row[1]);
    one.user_info = std::string(row[2]);
    int64_t seconds = 0;
    std::from_chars(row[3].data(), row[3].data() + row[3].size(), seconds);
    if (seconds > 0) one.created_at = from_epoch_ms(seconds * 1000);
    rows.push_back(std::move(one));
  }));
  return rows;
}

}  // namespace kaimen::store
