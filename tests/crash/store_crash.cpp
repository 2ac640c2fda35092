// store_crash FILE: logs in and out on the store at FILE until it is killed, and tells on stdout what was acknowledged, a line each:
// "login SESSION USER", "logout SESSION", "unavailable".
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "base/random.h"
#include "store/open.h"
#include "tests/crash/unsynced_vfs.h"

namespace kaimen::crash {
namespace {

constexpr int kChains = 16;
constexpr int kUsers = 40;

void tell(const std::string& line) {
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::_Exit(3);
}

/// Called on the one loop, in the order in which the store answered.
void tell_unavailable() {
  tell("unavailable\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

core::RecordLogin login_act(Random& random, Time now) {
  const auto fresh = [&] { return Id::make(now, random).value(); };
  core::RecordLogin act;
  act.app = 7;
  act.app_id = "wx7";
  act.project = "default";
  act.provider = "wechat";
  const Id code = fresh();
  act.code_hash = std::string(code.raw()) + std::string(code.raw());
  act.owner = fresh();
  act.new_user = fresh();
  act.new_session = fresh();
  act.openid = "o" + std::to_string(code.bytes[15] % kUsers);
  act.session_key_sealed = std::string(53, 's');
  act.session_key_index = code.raw().substr(0, 8);
  act.max_per_user = 5;
  act.now = now;
  act.idle_expires_at = now + std::chrono::days(30);
  act.absolute_expires_at = now + std::chrono::days(180);
  act.revocations_until = now + std::chrono::hours(4);
  return act;
}

/// One caller after another: in, and every second one out again.
Task<void> chain(core::Store& store, const Clock& clock) {
  SystemRandom random;
  for (uint64_t turn = 0;; ++turn) {
    auto act = login_act(random, clock.now());
    core::ClaimCode claim{act.app, act.code_hash, act.owner, act.now};
    auto claiming = store.claim_code(std::move(claim));
    auto claimed = co_await std::move(claiming);
    auto recording = store.record_login(std::move(act));
    auto login = co_await std::move(recording);
    if (!claimed || !login) {
      tell_unavailable();
      continue;
    }
    const core::Session& session = login.value().session;
    tell("login " + session.id.hex() + " " + session.user.hex() + "\n");
    if (turn % 2 == 1) continue;
    core::EndSession end{session.id, session.user, Reason::logged_out, clock.now(), clock.now() + std::chrono::hours(4), {}};
    auto ending = store.end_session(std::move(end));
    auto ended = co_await std::move(ending);
    if (ended) {
      tell("logout " + session.id.hex() + "\n");
    } else {
      tell_unavailable();
    }
  }
}

int run(const char* file) {
  const SystemClock clock;
  store::SqliteOptions options;
  options.path = file;
  options.checkpoint_pages = 60;  // many checkpoints, so that kills meet them
  auto store = store::open_sqlite(std::move(options), clock);
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().detail.c_str());
    return 1;
  }
  LocalLoop loop;
  for (int i = 0; i < kChains; ++i) spawn(chain(*store.value(), clock));
  loop.run();
  return 0;
}

}  // namespace
}  // namespace kaimen::crash

int main(int argc, char** argv) {
  if (argc != 2 || !kaimen::crash::register_unsynced_vfs()) {
    std::fputs("usage: KAIMEN_CRASH_VFS=unsynced|nosync store_crash FILE\n", stderr);
    return 2;
  }
  return kaimen::crash::run(argv[1]);
}
