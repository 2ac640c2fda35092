// One process has the store open: the lock says so, to other processes and to a second opening in this one.
#include "app/data_directory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/app/temporary_directory.h"

namespace kaimen::app {
namespace {

TEST(DataLockTest, IsHeldByOneAtATime) {
  const TemporaryDirectory directory;
  {
    const auto first = DataLock::try_lock(directory.path());
    ASSERT_TRUE(first && first.value());
    const auto second = DataLock::try_lock(directory.path());
    ASSERT_TRUE(second);
    EXPECT_FALSE(second.value());
  }
  const auto third = DataLock::try_lock(directory.path());
  ASSERT_TRUE(third);
  EXPECT_TRUE(third.value());
}

TEST(DataLockTest, EndsWithItsProcessHoweverThatEnds) {
  const TemporaryDirectory directory;
  const pid_t child = fork();
  if (child == 0) {
    const auto held = DataLock::try_lock(directory.path());
    _exit(held && held.value() ? 7 : 1);  // no destructor runs
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_EQ(WEXITSTATUS(status), 7);
  const auto after = DataLock::try_lock(directory.path());
  ASSERT_TRUE(after);
  EXPECT_TRUE(after.value());
}

TEST(DataDirectoryTest, IsMadeForItsOwnerAlone) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/a/b";
  ASSERT_TRUE(prepare_data_directory(path));
  struct stat status;
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
}

TEST(DataDirectoryTest, AFileInItsPlaceIsAnError) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/file";
  ASSERT_EQ(close(creat(path.c_str(), 0600)), 0);
  const auto prepared = prepare_data_directory(path);
  ASSERT_FALSE(prepared);
  EXPECT_NE(prepared.error().errors.front().find(path), std::string::npos);
}

TEST(DataDirectoryTest, OfAnotherUserIsLeftAlone) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  const TemporaryDirectory directory;
  ASSERT_EQ(chown(directory.path().c_str(), 12345, 12345), 0);
  const auto prepared = prepare_data_directory(directory.path());
  ASSERT_FALSE(prepared);
  EXPECT_NE(prepared.error().hint.find("sudo -u '#12345'"), std::string::npos) << prepared.error().hint;
}

TEST(ThrowAwayDirectoryTest, IsGoneAtTheEndWithAllThatIsInIt) {
  std::string path;
  {
    const auto made = ThrowAwayDirectory::make();
    ASSERT_TRUE(made);
    path = made.value().path();
    ASSERT_EQ(close(creat((path + "/kaimen.db").c_str(), 0600)), 0);
  }
  EXPECT_NE(access(path.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace kaimen::app
