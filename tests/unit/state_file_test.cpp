// What readers of the state file are told, and when they are told nothing.
#include "tests/unit/state_file.h"

#include <fcntl.h>
#include <sys/file.h>

#include <fstream>

namespace kaimen::check {
namespace {

TEST_F(StateFileTest, AGoodTicketIsKnownWithAllItSays) {
  write();
  publish();
  ASSERT_EQ(status(ticket(5)), 204);
  EXPECT_EQ(who_.identified, 1);
  EXPECT_STREQ(who_.user, "55555555555555555555555555555555");
  EXPECT_STREQ(who_.session, "01000000000000000000000000000005");
  EXPECT_STREQ(who_.app_id, "wx7");
  EXPECT_STREQ(who_.project, "default");
  EXPECT_STREQ(who_.env, "trial");
  EXPECT_STREQ(who_.openid, "oOpenid");
  EXPECT_STREQ(who_.unionid, "uUnion");
  EXPECT_STREQ(who_.external_id, "\xe5\xa4\x96");
  EXPECT_STREQ(who_.roles, "staff,ops");
  EXPECT_EQ(who_.registered, 1);
  EXPECT_EQ(who_.expires, (kNow - 1000 + 7'200'000) / 1000);
}

TEST_F(StateFileTest, ReasonsAreThoseOfTheNode) {
  write();
  publish();
  EXPECT_EQ(reason("km1.nonsense"), "malformed");
  EXPECT_EQ(reason(ticket(1, key_of(9))), "malformed") << "unknown key";
  EXPECT_EQ(reason(ticket(1, key_of(1, 3))), "malformed") << "other bytes";
  EXPECT_EQ(reason(ticket(1, key_of(2, 9))), "renew") << "retired key";
  EXPECT_EQ(reason(ticket(1, key_of(3, 5))), "malformed") << "out of scope";
  revoke(1, 3, Reason::renew);
  EXPECT_EQ(reason(ticket(1)), "renew");
  revoke(2, kAllGenerations, Reason::logged_out);
  EXPECT_EQ(reason(ticket(2)), "logged_out");
  revoke(3, 2, Reason::replaced);
  EXPECT_EQ(reason(ticket(3)), "") << "an older generation";
  apps_[0].disabled = true;
  writer_->publish_apps(apps_);
  EXPECT_EQ(reason(ticket(4)), "disabled");
  apps_[0] = {7, "wx7", "default", false, kNow, 86400};
  writer_->publish_apps(apps_);
  EXPECT_EQ(reason(ticket(4)), "revoked");
  apps_[0] = {7, "wx7", "default", false, 0, 60};
  writer_->publish_apps(apps_);
  EXPECT_EQ(reason(ticket(4)), "malformed") << "a life above the cap";
  apps_.erase(apps_.begin());
  writer_->publish_apps(apps_);
  EXPECT_EQ(reason(ticket(4)), "deleted");
}

TEST_F(StateFileTest, BeforeTheFileIsThereNothingIsSaidAndThenItIsFound) {
  EXPECT_EQ(status(ticket(1)), 503);
  EXPECT_EQ(who_.unsure, KAIMEN_NO_FILE);
  write();
  EXPECT_EQ(status(ticket(1)), 503) << "nothing published yet";
  publish();
  for (const uint64_t start = boot_now_ms(); status(ticket(1)) != 204;) {
    ASSERT_LT(boot_now_ms() - start, 5000U);
    usleep(20'000);
    beat();
  }
}

TEST_F(StateFileTest, WithoutABeatNothingIsSaid) {
  write();
  publish();
  ASSERT_EQ(status(ticket(1)), 204);
  beat(1);
  usleep(3000);
  EXPECT_EQ(status(ticket(1)), 503);
  EXPECT_EQ(who_.unsure, KAIMEN_NOT_GOOD_NOW);
  beat(0);
  EXPECT_EQ(status(ticket(1)), 503);
  beat();
  EXPECT_EQ(status(ticket(1)), 204);
}

TEST_F(StateFileTest, ABeatFurtherAheadThanAWriterSaysIsNotBelieved) {
  write();
  publish();
  beat(2 * kGoodMs + 1000);
  EXPECT_EQ(status(ticket(1)), 503);
}

TEST_F(StateFileTest, ReadersSurviveTheWriter) {
  write();
  publish();
  ASSERT_EQ(status(ticket(1)), 204);
  revoke(1, kAllGenerations, Reason::revoked);
  write();  // another process
  EXPECT_EQ(reason(ticket(1)), "revoked") << "what the one before has said holds";
  publish();
  EXPECT_EQ(reason(ticket(1)), "revoked");
  revoke(2, kAllGenerations, Reason::logged_out);
  EXPECT_EQ(reason(ticket(2)), "logged_out") << "in the same file";
}

TEST_F(StateFileTest, TwoWritersAreOneTooMany) {
  write();
  std::string error;
  EXPECT_FALSE(StateWriter::open(path_, 1000, revocations_, error));
  EXPECT_NE(error.find("another process"), std::string::npos) << error;
}

// A lock wants no right to write: a reader that takes one on what it may read must not keep the node from starting.
TEST_F(StateFileTest, AReadersLockKeepsNobodyFromWriting) {
  write();
  writer_.reset();
  const int reader = open(path_.c_str(), O_RDONLY);
  ASSERT_EQ(flock(reader, LOCK_SH), 0);
  write();
  close(reader);
  struct stat lock{};
  ASSERT_EQ(stat((path_ + ".lock").c_str(), &lock), 0);
  EXPECT_EQ(lock.st_mode & 07777, 0600U) << "and readers may not open what is locked";
}

TEST_F(StateFileTest, TheLockIsTakenOnAFileOfOnesOwn) {
  const std::string lock = path_ + ".lock", elsewhere = directory_ + "/elsewhere";
  std::string error;
  ASSERT_EQ(symlink(elsewhere.c_str(), lock.c_str()), 0);
  EXPECT_FALSE(StateWriter::open(path_, 1000, revocations_, error));
  EXPECT_NE(access(elsewhere.c_str(), F_OK), 0) << "nothing is made where a link points to";
}

TEST_F(StateFileTest, TheLockIsTakenOnAFileOfOnesOwnUser) {
  const std::string lock = path_ + ".lock";
  std::string error;
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  std::ofstream{lock};
  ASSERT_EQ(chown(lock.c_str(), 12345, 0), 0);
  EXPECT_FALSE(StateWriter::open(path_, 1000, revocations_, error));
  EXPECT_NE(error.find("not a file of this user's"), std::string::npos) << error;
}

TEST_F(StateFileTest, AFileOfAnotherVersionIsRetiredAndReadersMoveOn) {
  write();
  publish();
  ASSERT_EQ(status(ticket(1)), 204);
  writer_.reset();
  const int fd = open(path_.c_str(), O_WRONLY);
  const uint64_t version = kStateVersion + 1;
  ASSERT_EQ(pwrite(fd, &version, sizeof version, offsetof(StateHeader, version)), static_cast<ssize_t>(sizeof version));
  close(fd);
  write();
  EXPECT_EQ(status(ticket(1)), 503);
  publish();
  for (const uint64_t start = boot_now_ms(); status(ticket(1)) != 204;) {
    ASSERT_LT(boot_now_ms() - start, 5000U);
    usleep(20'000);
    beat();
  }
}

TEST_F(StateFileTest, TooManyAppsOrKeysOrTooLongANameIsUnknown) {
  write();
  publish();
  const auto apps = apps_;
  for (uint32_t number = 100; number < 100 + kStateAppsMax; ++number) apps_.push_back({number, "wx", "default", false, 0, 60});
  writer_->publish_apps(apps_);
  EXPECT_EQ(status(ticket(1)), 503);
  writer_->publish_apps(apps);
  EXPECT_EQ(status(ticket(1)), 204);
  auto keys = keys_;
  keys[2].apps.assign(kStateScopesMax + 1, 8);
  writer_->publish_keys(keys);
  EXPECT_EQ(status(ticket(1)), 503);
  writer_->publish_keys(keys_);
  EXPECT_EQ(status(ticket(1)), 204);
  apps_ = apps;
  apps_[0].app_id.assign(kStateNameMax + 1, 'w');
  writer_->publish_apps(apps_);
  EXPECT_EQ(status(ticket(1)), 503);
}

TEST_F(StateFileTest, AWithheldKeyIsNotInTheFile) {
  write();
  keys_[0].withheld = keys_[0].unsettled = true;
  publish();
  const std::string one = ticket(1);
  EXPECT_EQ(status(one), 503);
  EXPECT_EQ(who_.unsure, KAIMEN_KEY_WITHHELD);
  keys_[0].unsettled = false;
  writer_->publish_keys(keys_);
  EXPECT_EQ(reason(one), "renew");
  std::ifstream file(path_, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const auto key = key_of(1).bytes, given = key_of(3, 5).bytes;
  EXPECT_EQ(bytes.find(std::string(key.begin(), key.end())), std::string::npos);
  EXPECT_NE(bytes.find(std::string(given.begin(), given.end())), std::string::npos) << "the search would find one";
}

TEST_F(StateFileTest, OneThatOthersMayWriteIsNotBelieved) {
  write();
  publish();
  struct stat status_of{};
  ASSERT_EQ(stat(path_.c_str(), &status_of), 0);
  EXPECT_EQ(status_of.st_mode & 07777, 0640U);
  ASSERT_EQ(chmod(path_.c_str(), 0666), 0);
  EXPECT_EQ(status(ticket(1)), 503);
  EXPECT_EQ(who_.unsure, KAIMEN_NO_FILE);
}

TEST_F(StateFileTest, OneThatSomebodyElseOwnsIsNotBelieved) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  write();
  publish();
  ASSERT_EQ(chown(path_.c_str(), 12345, 0), 0);
  EXPECT_EQ(status(ticket(1)), 503);
  kaimen_check_close(handle_);
  handle_ = nullptr;
  ASSERT_EQ(chown(directory_.c_str(), 12345, 0), 0);
  EXPECT_EQ(status(ticket(1)), 204) << "the owner of the directory may put there what he likes";
}

TEST_F(StateFileTest, AForeignFileIsNeitherReadNorOverwritten) {
  std::ofstream(path_) << std::string(3'000'000, 'x');
  EXPECT_EQ(status(ticket(1)), 503);
  std::string error;
  EXPECT_FALSE(StateWriter::open(path_, 1000, revocations_, error));
  EXPECT_NE(error.find("not a state file"), std::string::npos) << error;
}

TEST_F(StateFileTest, ACutFileIsNotMapped) {
  write();
  publish();
  ASSERT_EQ(truncate(path_.c_str(), 100'000), 0);
  EXPECT_EQ(status(ticket(1)), 503);
}

TEST_F(StateFileTest, AFileOfAnotherBootIsNotBelieved) {
  write();
  publish();
  const int fd = open(path_.c_str(), O_WRONLY);
  const uint64_t other = 1;
  ASSERT_EQ(pwrite(fd, &other, sizeof other, offsetof(StateHeader, boot)), static_cast<ssize_t>(sizeof other));
  close(fd);
  EXPECT_EQ(status(ticket(1)), 503);
  EXPECT_EQ(who_.unsure, KAIMEN_OTHER_BOOT);
}

TEST_F(StateFileTest, AWriterThatDiesInTheMiddleOfAChangeLeavesUnknown) {
  write();
  publish();
  ASSERT_EQ(status(ticket(1)), 204);
  const int fd = open(path_.c_str(), O_RDWR);
  uint64_t sequence = 0;
  ASSERT_EQ(pread(fd, &sequence, sizeof sequence, offsetof(StateHeader, sequence)), static_cast<ssize_t>(sizeof sequence));
  const uint64_t odd = sequence + 1;
  ASSERT_EQ(pwrite(fd, &odd, sizeof odd, offsetof(StateHeader, sequence)), static_cast<ssize_t>(sizeof odd));
  close(fd);
  EXPECT_EQ(status(ticket(1)), 503);
  EXPECT_EQ(who_.unsure, KAIMEN_CHANGING);
  write();
  publish();
  EXPECT_EQ(status(ticket(1)), 204) << "the next one mends it";
}

// What is half written must not be read as whole once the next writer has changed something else, while the beat of the dead one is still good.
TEST_F(StateFileTest, AfterAWriterThatDiedInTheMiddleNothingIsSaidUntilAllIsPublished) {
  write();
  publish();
  const std::string good = ticket(1);
  ASSERT_EQ(status(good), 204);
  writer_.reset();
  const int fd = open(path_.c_str(), O_RDWR);
  uint64_t sequence = 0;
  ASSERT_EQ(pread(fd, &sequence, sizeof sequence, offsetof(StateHeader, sequence)), static_cast<ssize_t>(sizeof sequence));
  const uint64_t odd = sequence + 1, no_keys = 0;
  ASSERT_EQ(pwrite(fd, &odd, sizeof odd, offsetof(StateHeader, sequence)), static_cast<ssize_t>(sizeof odd));
  ASSERT_EQ(pwrite(fd, &no_keys, sizeof no_keys, offsetof(StateHeader, keys)), static_cast<ssize_t>(sizeof no_keys));
  close(fd);
  std::atomic<bool> over{false};
  std::atomic<int> asked{0}, others{0};
  std::thread waiting([&] {
    kaimen_identity who;
    for (; !over; ++asked) others += kaimen_check_ticket(handle_, good.data(), good.size(), &who) != 503;
  });
  usleep(5000);
  write();
  writer_->refill(0);
  EXPECT_EQ(status(good), 503) << kaimen_reason_name(who_.reason);
  while (asked == 0) usleep(1000);
  over = true;
  waiting.join();
  EXPECT_EQ(others, 0) << "nor to those who waited for the change to end";
  writer_->publish_headers({});
  writer_->publish_apps(apps_);
  EXPECT_EQ(status(good), 503) << kaimen_reason_name(who_.reason);
  writer_->publish_keys(keys_);
  beat();
  EXPECT_EQ(status(good), 204);
}

}  // namespace
}  // namespace kaimen::check
