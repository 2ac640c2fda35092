#include "app/publishing.h"

#include "base/log.h"

namespace kaimen::app {

namespace {
constexpr std::chrono::milliseconds kBeatEvery{250};
}

OrFail<std::unique_ptr<Publishing>> Publishing::start(const Config& config, core::Services& services) {
  if (config.check_state_file.empty()) return std::unique_ptr<Publishing>();
  std::string error;
  auto file = check::StateWriter::open(config.check_state_file, static_cast<size_t>(config.check_revocations), services.live.revocations, error);
  if (!file) {
    return fail("check.state_file: " + error, "its directory must exist, belong to the user who runs kaimen, and have room; each node writes a file of its own");
  }
  if (!config.check_apps.empty()) {
    services.ticket_keys.own_keys(config.check_apps);
    if (const auto made = run_here(services.ticket_keys.maintain()); !made) return fail("cannot make keys for check.apps: " + made.error().detail);
    const auto apps = services.live.apps.get();
    for (const auto& app_id : config.check_apps) {
      if (!apps->find(app_id)) log::Line("check_app_unknown").field("app_id", app_id).field("message", "check.apps names an app that does not exist").emit(log::Level::warn);
    }
  }
  return std::unique_ptr<Publishing>(new Publishing(std::move(file), config, services));
}

Publishing::Publishing(std::unique_ptr<check::StateWriter> file, const Config& config, core::Services& services)
    : file_(std::move(file)), publication_(services.live, *file_, config.check_apps, config.session_ticket_headers), thread_([this] { run(); }) {}

Publishing::~Publishing() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Publishing::run() {
  std::unique_lock lock(mutex_);
  do {
    publication_.beat();
    tell(file_->fill());
  } while (!wake_.wait_for(lock, kBeatEvery, [this] { return stopping_; }));
}

// What has changed since the log was last told.
void Publishing::tell(const check::StateFill& now) {
  const auto line = [&](std::string_view event, log::Level level, std::string_view message) {
    log::Line(event).field("revocations", static_cast<uint64_t>(now.held)).field("room", static_cast<uint64_t>(now.room)).field("why", now.failure)
        .field("missing", now.missing).field("message", message).emit(level);
  };
  if (now.grown != told_.grown) line("check_file_grew", log::Level::info, "the state file has more room; start with as much (check.revocations), if that is usual");
  if (!now.failure.empty() && now.failure != told_.failure) {
    line("check_file_cannot_grow", log::Level::error, "the state file is nearly full and cannot grow; when it is full its readers answer 503");
  }
  if (now.missing != told_.missing) {
    if (now.overflows) line("check_file_overflows", log::Level::error, "the state file lacks what its readers would have to know; they answer 503");
    else line("check_file_whole", log::Level::info, "the state file holds everything again");
  }
  told_ = now;
}

}  // namespace kaimen::app
