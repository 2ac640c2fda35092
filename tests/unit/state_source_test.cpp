// How a state file is found again, in processes that fork and in those that live long.
#include "check/state_source.h"

#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "tests/unit/state_file.h"

namespace kaimen::check {
namespace {

struct Destroy {
  void operator()(StateSource* source) const { StateSource::destroy(source); }
};
using Source = std::unique_ptr<StateSource, Destroy>;

Unsure at(StateSource& source, uint64_t boot_ms) {
  const StateReader* reader = nullptr;
  return source.reader(boot_ms, reader);
}

// A worker that was forked while another thread of its parent was looking for the file has to find it all the same.
TEST_F(StateFileTest, AChildForkedInTheMiddleOfALookLooksForItself) {
  write();
  publish();
  const Source source(StateSource::make("check"));  // which the children find in their own directory, and the parent does not
  std::atomic<uint64_t> now{boot_now_ms()};
  std::atomic<bool> over{false};
  std::thread looking([&] {
    while (!over) at(*source, now += 1000);
  });
  int found = 0;
  constexpr int kForks = 50;
  for (int i = 0; i < kForks; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      const uint64_t later = now + 1000;
      writer_->beat(later + kGoodMs, 0);
      _exit(chdir(directory_.c_str()) == 0 && at(*source, later) == Unsure::no ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    found += WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  over = true;
  looking.join();
  EXPECT_EQ(found, kForks);
}

// Where the directory is made anew at each restart of the node, a worker sees one more file each time, for as long as it lives.
TEST_F(StateFileTest, TheHundredthFileIsFoundAsWell) {
  const Source source(StateSource::make(path_));
  uint64_t now = boot_now_ms();
  for (int restart = 0; restart < 100; ++restart, now += 2 * kGoodMs) {
    writer_.reset();
    unlink(path_.c_str());
    write();
    publish();
    writer_->beat(now + kGoodMs, 0);
    ASSERT_EQ(at(*source, now), Unsure::no) << restart;
  }
}

}  // namespace
}  // namespace kaimen::check
