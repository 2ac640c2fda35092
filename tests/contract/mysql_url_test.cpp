// URLs of the MySQL protocol: what they say, and which are refused. Without a server.
#include <gtest/gtest.h>

#include "store/mysql_engine.h"
#include "store/mysql_url.h"

namespace kaimen::store {

namespace {

TEST(MysqlUrls, AreParsed) {
  const auto url = parse_mysql_url("mysql://u%40x:p%2Fw%3a@db-1:3307,[::1]:3308,10.0.0.1/kai%6den?tls=verify&tls_ca=/a%20b").value();
  EXPECT_EQ(url.user, "u@x");
  EXPECT_EQ(url.password.reveal(), "p/w:");
  ASSERT_EQ(url.hosts.size(), 3U);
  EXPECT_EQ(url.hosts[0].name, "db-1");
  EXPECT_EQ(url.hosts[0].port, 3307);
  EXPECT_EQ(url.hosts[1].name, "::1");
  EXPECT_EQ(url.hosts[1].port, 3308);
  EXPECT_EQ(url.hosts[2].port, 3306);
  EXPECT_EQ(url.database, "kaimen");
  EXPECT_EQ(url.tls, MysqlUrl::Tls::verify);
  EXPECT_EQ(url.tls_ca, "/a b");
  const auto socket = parse_mysql_url("mariadb://kaimen@/db?socket=/run/mysqld/mysqld.sock").value();
  EXPECT_EQ(socket.socket, "/run/mysqld/mysqld.sock");
  EXPECT_TRUE(socket.hosts.empty());
}

TEST(MysqlUrls, AskForTlsBeyondThisMachineUnlessToldNotTo) {
  EXPECT_EQ(parse_mysql_url("mysql://u@127.0.0.1,localhost,[::1]/d").value().tls, MysqlUrl::Tls::off);
  EXPECT_EQ(parse_mysql_url("mysql://u@127.0.0.1,db/d").value().tls, MysqlUrl::Tls::required);
  EXPECT_EQ(parse_mysql_url("mysql://u@db/d?tls=off").value().tls, MysqlUrl::Tls::off);
}

TEST(MysqlUrls, WrongOnesAreRefusedWithoutRepeatingThem) {
  for (const char* url : {"", "mysql://", "postgres://canary@h/d", "mysql://canary/d", "mysql://canary@h", "mysql://canary@h/",
                          "mysql://:canary@h/d", "mysql://canary@/d", "mysql://u:canary@h:0/d", "mysql://u:canary@h:65536/d",
                          "mysql://u:canary@h:/d",
                          "mysql://u:canary@h,/d",
                          "mysql://u:canary@h,,i/d", "mysql://u:canary@h;x/d", "mysql://u:canary@h=x/d", "mysql://u:canary@[::1/d",
                          "mysql://u:canary@[x]/d",
                          "mysql://u:canary%@h/d", "mysql://u:canary%0@h/d", "mysql://u:canary%00@h/d", "mysql://u:canary%zz@h/d",
                          "mysql://u:canary@h/d?tls=yes", "mysql://u:canary@h/d?canary=1", "mysql://u:canary@h/d?socket=/s",
                          "mysql://u:canary@/d?socket=s",
                          "mysql://u:canary@/d?socket=/s&tls=verify", "mysql://u:canary@h/d?tls_ca=/f", "mysql://u:canary@h/d/e"}) {
    const auto checked = check_mysql_url(url);
    ASSERT_FALSE(checked) << url;
    EXPECT_EQ(checked.error().code, ErrorCode::invalid_request);
    EXPECT_EQ(checked.error().detail.find("canary"), std::string::npos) << checked.error().detail;
    EXPECT_FALSE(open_mysql(url));
  }
}

}  // namespace

}  // namespace kaimen::store
