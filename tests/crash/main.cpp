// The whole application over the VFS that forgets what was not synced: for end-to-end crash tests.
#include <stdlib.h>

#include <cstdio>

#include "app/run.h"
#include "tests/crash/unsynced_vfs.h"

int main(int argc, char** argv) {
  if (!kaimen::crash::register_unsynced_vfs()) {
    std::fputs("kaimen_crash: error: KAIMEN_CRASH_VFS must be unsynced or nosync\n", stderr);
    return 2;
  }
  // The application takes KAIMEN_… for its configuration and refuses what it does not know.
  ::unsetenv("KAIMEN_CRASH_VFS");
  ::unsetenv("KAIMEN_CRASH_FAULT");
  return kaimen::app::run(argc, argv);
}
