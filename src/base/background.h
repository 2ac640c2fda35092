// For threads whose work may wait a moment: the store's, the log's, password hashing.
#pragma once

#include <pthread.h>

namespace kaimen {

/// The calling thread does not interrupt the one that serves requests when it wakes up on the same core; it runs as soon as that one waits.
/// Its share of the processor stays the same. No effect where the system has no such policy.
inline void wake_without_haste() {
#ifdef SCHED_BATCH
  const sched_param none{};
  pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
#endif
}

/// It runs only on what no other thread wants of the processor, and gives way at once: for long calculations. A thread that is merely nice is left
/// its slice, some 3 ms, before one that serves requests is let in.
inline void stand_back() {
#ifdef SCHED_IDLE
  const sched_param none{};
  pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
#endif
}

}  // namespace kaimen
