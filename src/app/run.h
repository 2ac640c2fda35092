// The program behind main.
#pragma once

namespace kaimen::app {

/// Runs one command line; the exit status: 0, 1 (failed at run time) or 2 (usage or configuration).
int run(int argc, char** argv);

}  // namespace kaimen::app
