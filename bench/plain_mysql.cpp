// Many rows a statement and many statements a text: a login's rows take two ways over the network, however many logins there are.
#include <mysql.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "acts.h"
#include "base/encoding.h"
#include "plain_engine.h"
#include "store/mysql_url.h"

namespace kaimen::bench {

namespace {

const std::string kSealedKey(60, 'k'), kKeyIndex(32, 'i');  // the sizes of what the vault makes of a session_key
constexpr int64_t kDay = 86'400'000;

std::string bytes(std::string_view raw) {
  std::string hex = "x'";
  for (const char c : raw) hex.append(kHexPairs[static_cast<uint8_t>(c)].data(), 2);
  return hex + "'";
}
std::string quoted(std::string_view plain) { return "'" + std::string(plain) + "'"; }

class PlainMysql final : public PlainEngine {
 public:
  explicit PlainMysql(const std::string& text) : line_(mysql_init(nullptr)) {
    const auto url = store::parse_mysql_url(text).value();
    const auto& host = url.hosts.front();
    if (!mysql_real_connect(line_, host.name.c_str(), url.user.c_str(), url.password.reveal().c_str(), url.database.c_str(), host.port,
                            nullptr, CLIENT_MULTI_STATEMENTS)) fail();
    run("SET NAMES utf8mb4 COLLATE utf8mb4_bin;SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;");
  }
  ~PlainMysql() override { mysql_close(line_); }

  void claim(std::span<const PlainLogin> logins, int64_t now) override {
    std::string sql = "START TRANSACTION;"
                      "INSERT INTO codes (app,code_hash,state,owner,error,session_id,attempt,is_new_user,recorded_at) VALUES ";
    rows(sql, logins, [&](const PlainLogin& login) {
      return number(kApp) + "," + bytes(login.code_hash) + ",1," + bytes(login.owner.raw()) + ",0," + bytes(Id{}.raw()) + ",'',0," +
             number(now);
    });
    run(sql + "COMMIT;");
  }

  void login(std::span<const PlainLogin> logins, int64_t now) override {
    std::string sql = "START TRANSACTION;SELECT user_id,unionid,index1 FROM identities WHERE provider='wechat' AND tenant='' AND app_id=" +
                      quoted(kAppId) + " AND subject IN (";
    for (size_t i = 0; i < logins.size(); ++i) sql += (i == 0 ? "" : ",") + quoted(logins[i].openid);
    run(sql + ");");

    sql = "INSERT INTO users (id,version,project,state,disabled_message,registered,nickname,avatar_url,gender,language,country,province,"
          "city,roles,agreed,attributes,profile_at,phone_at,created_at) VALUES ";
    rows(sql, logins, [&](const PlainLogin& login) {
      return bytes(login.user.raw()) + ",1,'default',0,'',1,'','',0,'','','','','','','{}',0,0," + number(now);
    });
    sql += "INSERT INTO identities (provider,app_id,subject,tenant,user_id,unionid,key1,index1,created_at) VALUES ";
    rows(sql, logins, [&](const PlainLogin& login) {
      return "'wechat'," + quoted(kAppId) + "," + quoted(login.openid) + ",''," + bytes(login.user.raw()) + ",''," + bytes(kSealedKey) +
             "," + bytes(kKeyIndex) + "," + number(now);
    });
    codes(sql, logins, now);
    sql += "INSERT INTO sessions (id,user_id,app,openid,unionid,env,generation,renew_generation,generation_issued_at,created_at,"
           "idle_expires_at,absolute_expires_at,device_id,device_model,device_system,device_platform,actor,entry,ended,purge_day) VALUES ";
    rows(sql, logins, [&](const PlainLogin& login) {
      return bytes(login.session.raw()) + "," + bytes(login.user.raw()) + "," + number(kApp) + "," + quoted(login.openid) + ",'',0,0,0," +
             number(now) + "," + number(now) + "," + number(now + 30 * kDay) + "," + number(now + 180 * kDay) + ",'','','','','','',0," +
             number(now / kDay + 60);
    });
    sql += "INSERT INTO events (id,at,kind,app,user_id,session_id,reason,project,actor,ip,detail,request_id) VALUES ";
    rows(sql, logins, [&](const PlainLogin& login) {
      return bytes(login.event.raw()) + "," + number(now) + ",'login_new_user'," + number(kApp) + "," + bytes(login.user.raw()) + "," +
             bytes(login.session.raw()) + ",0,'default','','','','0123456789abcdef0123456789abcdef'";
    });
    run(sql + "COMMIT;");
  }

 private:
  static std::string number(int64_t value) { return std::to_string(value); }

  template <class Row>
  static void rows(std::string& sql, std::span<const PlainLogin> logins, const Row& row) {
    for (size_t i = 0; i < logins.size(); ++i) ((sql += i == 0 ? "(" : ",(") += row(logins[i])) += ')';
    sql += ';';
  }
  static void codes(std::string& sql, std::span<const PlainLogin> logins, int64_t now) {
    const std::string set = " SET t.state=0,t.is_new_user=1,t.recorded_at=" + number(now) + ",t.session_id=";
    const std::string where = "t.app=" + number(kApp) + " AND t.code_hash=";
    if (logins.size() == 1) {
      sql += "UPDATE codes t" + set + bytes(logins[0].session.raw()) + " WHERE " + where + bytes(logins[0].code_hash) + " AND t.owner=" +
             bytes(logins[0].owner.raw()) + ";";
      return;
    }
    sql += "UPDATE (";
    for (size_t i = 0; i < logins.size(); ++i) {
      sql += i == 0 ? "SELECT " : " UNION ALL SELECT ";
      sql += bytes(logins[i].code_hash) + (i == 0 ? " AS h," : ",") + bytes(logins[i].owner.raw()) + (i == 0 ? " AS o," : ",") +
             bytes(logins[i].session.raw()) + (i == 0 ? " AS s" : "");
    }
    sql += ") v STRAIGHT_JOIN codes t ON " + where + "v.h AND t.owner=v.o" + set + "v.s;";
  }

  void run(const std::string& sql) {
    if (mysql_real_query(line_, sql.data(), sql.size()) != 0) fail();
    for (;;) {
      if (MYSQL_RES* const result = mysql_store_result(line_)) mysql_free_result(result);
      const int next = mysql_next_result(line_);
      if (next > 0) fail();
      if (next < 0) return;
    }
  }
  [[noreturn]] void fail() const {
    std::fprintf(stderr, "error: %s\n", mysql_error(line_));
    std::exit(1);
  }

  MYSQL* line_;
};

}  // namespace

std::unique_ptr<PlainEngine> open_plain_mysql(const std::string& url) { return std::make_unique<PlainMysql>(url); }

}  // namespace kaimen::bench
