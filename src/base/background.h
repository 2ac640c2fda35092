// For threads whose work may wait a moment: the store's, the log's, password hashing.
#pragma once

#include <pthread.h>
#include <sys/resource.h>

namespace kaimen {

/// The calling thread does not interrupt the one that serves requests when it wakes up on the same core; it runs as soon as that one waits.
/// Its share of the processor stays the same. No effect where the system has no such policy.
inline void wake_without_haste() {
#ifdef SCHED_BATCH
  const sched_param none{};
  pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
#endif
}

/// Besides, its share of the processor is small while others want it: for long calculations.
inline void stand_back() {
  wake_without_haste();
  setpriority(PRIO_PROCESS, 0, 10);  // on Linux of this thread alone
}

}  // namespace kaimen
