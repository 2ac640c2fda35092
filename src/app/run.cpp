#include "app/run.h"

#include <exception>
#include <iostream>

#include "app/cli.h"
#include "app/process.h"

namespace kaimen::app {

namespace {

int run_command(int argc, char** argv) {
  CLI::App root("Kaimen (开门): login and session server for WeChat Mini Programs", "kaimen");
  root.require_subcommand(1);
  root.footer("Example:\n  kaimen serve --dev\n\nEvery command has --help with an example of its own.");
  root.set_version_flag("--version", "kaimen " KAIMEN_VERSION);

  int exit_status = kExitOk;
  add_serve_commands(root, exit_status);
  add_component_commands(root, exit_status);
  add_project_commands(root, exit_status);
  add_app_commands(root, exit_status);
  add_key_commands(root, exit_status);
  add_session_commands(root, exit_status);
  add_user_commands(root, exit_status);
  add_entry_commands(root, exit_status);
  add_import_commands(root, exit_status);
  add_master_key_commands(root, exit_status);
  add_golive_command(root, exit_status);
  add_why_command(root, exit_status);
  add_operate_commands(root, exit_status);
  try {
    root.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    return root.exit(asked);
  } catch (const CLI::ParseError& wrong) {
    std::string command = "kaimen", what = wrong.what();
    const CLI::App* at = &root;
    while (!at->get_subcommands().empty()) {
      at = at->get_subcommands().front();
      command += " " + at->get_name();
    }
    // Of a word that is no command the parser says that a command is missing.
    const auto left = at->remaining();
    const bool is_family = !at->get_subcommands([](const CLI::App*) { return true; }).empty();
    if (is_family && !left.empty()) what = "there is no command `" + command + " " + left.front() + "`";
    return complain(misconfigured(what, command + " --help shows how it is used"));
  }
  return exit_status;
}

}  // namespace

int run(int argc, char** argv) {
  forbid_core_dumps();
  try {
    return run_command(argc, argv);
  } catch (const std::exception& error) {  // out of memory and the like: nothing of ours throws
    std::cerr << "kaimen: error: " << error.what() << '\n';
    return kExitRuntime;
  }
}

}  // namespace kaimen::app
