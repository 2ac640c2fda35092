// Where the database servers of the tests are, and empty databases on them. The servers are started by ctest (tests/servers/CMakeLists.txt);
// KAIMEN_TEST_POSTGRES and KAIMEN_TEST_MYSQL name others instead, whose user may create databases.
#pragma once

#include <string>
#include <vector>

namespace kaimen::servers {

enum class Engine { postgres, mysql };

/// The server's URL. Throws std::runtime_error when there is none: a test that lacks its server must fail, not pass unseen.
std::string server_url(Engine engine);

/// A new, empty database while this lives. (Not in a static object: the client libraries are gone when those are destroyed.)
class Database {
 public:
  /// Throws std::runtime_error with the server's words.
  explicit Database(Engine engine);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  const std::string& url() const { return url_; }

 private:
  const Engine engine_;
  std::string name_, url_;
};

using Rows = std::vector<std::vector<std::string>>;

/// Runs SQL on a connection of its own; the rows of its answer as text, NULL as "NULL".
Rows execute(Engine engine, const std::string& url, const std::string& sql);

}  // namespace kaimen::servers
