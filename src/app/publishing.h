// Keeps the state file of check.state_file, if there is one, for as long as the node serves: what becomes known is in it at once
// (core/publication.h), and a beat a few times a second tells its readers that this node lives.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "app/config.h"
#include "core/publication.h"
#include "core/services.h"

namespace kaimen::app {

class Publishing {
 public:
  /// The services must be ready. nullptr: no file is wanted. Failure: it cannot be had.
  static OrFail<std::unique_ptr<Publishing>> start(const Config& config, core::Services& services);
  /// Readers of the file learn no more; they go on for three seconds, in which another node may take it over.
  ~Publishing();
  Publishing(const Publishing&) = delete;
  Publishing& operator=(const Publishing&) = delete;

  check::StateFill fill() const { return file_->fill(); }

 private:
  Publishing(std::unique_ptr<check::StateWriter> file, const Config& config, core::Services& services);
  void run();
  void tell(const check::StateFill& now);

  const std::unique_ptr<check::StateWriter> file_;
  core::Publication publication_;
  check::StateFill told_;  // as the log was last told
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace kaimen::app
