// SQLite behind the engine's interface: one file, one connection.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "store/database.h"
#include "store/engine.h"
#include "store/sqlite_snapshot.h"

namespace kaimen::store {

class SqliteEngine final : public Engine {
 public:
  /// `path` and `checkpoint_pages` as for Database::open, which made `database`; to open it again after trouble.
  SqliteEngine(std::unique_ptr<Database> database, std::string path, int checkpoint_pages, const Clock& clock);

  bool local() const override { return true; }
  Result<Time> time() override { return clock_.now(); }
  Result<> begin(bool writes) override;
  Result<> read(std::span<const Read> reads) override;
  Result<> scan(const Scan& scan, std::span<const Cell> values, const Sink& sink) override;
  Result<> commit(std::span<const Write> writes, bool& unknown) override;
  void roll_back() noexcept override;
  Result<> script(const std::string& sql) override;
  Result<core::BackupProgress> back_up(bool anew) override;

 private:
  Result<> reopen();
  Result<> write(const Write& write);
  Result<> rows_into(Statement& statement, const TableInfo& table, const Sink& sink);
  std::string_view sql_of(const Write& write);

  const std::string path_;
  const int checkpoint_pages_;
  const Clock& clock_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<SqliteSnapshot> snapshot_;  // of database_
  Time stepped_at_{};                         // the snapshot's last step
  bool healthy_ = true;
  // The connection keeps views of the texts.
  std::unordered_map<const void*, std::string> reads_;
  struct Shape {
    const TableInfo* table;
    Write::What what;
    uint64_t columns;
    bool operator==(const Shape&) const = default;
  };
  struct ShapeHash {
    size_t operator()(const Shape& shape) const {
      return std::hash<const void*>()(shape.table) ^ (shape.columns * 0x9e3779b97f4a7c15U) ^ static_cast<size_t>(shape.what);
    }
  };
  std::unordered_map<Shape, std::string, ShapeHash> writes_;
};

}  // namespace kaimen::store
