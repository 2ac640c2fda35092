// kaimen migrate: brings the store to this version; with --to, copies a SQLite store into a database on a server; with --take-back, undoes
// that the file is marked as moved.
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "app/cli.h"
#include "app/copy_progress.h"
#include "app/data_directory.h"
#include "app/node.h"
#include "app/schema.h"
#include "app/store_url.h"
#include "store/marks.h"
#include "store/open.h"

namespace kaimen::app {

namespace {

constexpr Millis kMostSkew{30'000};  // tickets that seem to come from the future are refused

struct MigrateFlags {
  CommonFlags common;
  std::optional<std::string> to, password_file;
  bool take_back = false;
};

OrFail<> bring_to_version(const MigrateFlags& flags) {
  TRY(const auto config, config_of(flags.common));
  TRY(prepare_data_directory(config.data_directory));
  TRY(const auto lock, DataLock::try_lock(config.data_directory));
  if (!lock) {
    return fail("a running kaimen has " + config.data_directory + " open",
                "a server brings its store to its version when it starts; stop it to migrate by hand");
  }
  TRY(const Secret url, url_to_connect(config));
  const std::string name = shown_store(config);
  TRY(const auto before, read_schema(url.reveal(), SystemClock()));
  if (before.exists && before.missing.empty() && before.barring.empty()) {
    std::cout << "nothing to do: " << name << " is at " << before.applied.back()
              << (before.unknown.empty() ? "" : ", which a newer version wrote; this one may work beside it") << '\n';
    return BOOST_OUTCOME_V2_NAMESPACE::success();
  }
  Machine machine;
  if (const auto opened = store::open_store({url.reveal(), 1}, machine.clock); !opened) {
    return fail("store " + name + ": " + opened.error().detail,
                before.unknown.empty() ? "" : "use the newer kaimen, or a backup that was made before it ran");
  }
  if (!before.exists) std::cout << "made " << name << '\n';
  for (const auto& migration : before.missing) std::cout << "applied " << migration << '\n';
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

/// A SQLite store that nobody else has open as long as this lives.
struct OwnFile {
  DataLock lock;
  std::unique_ptr<store::Engine> engine;
};

OrFail<OwnFile> open_file(const Config& config, const Clock& clock) {
  const std::string file = config.database_path();
  if (file.empty()) {
    return misconfigured("store.url names a server, not a SQLite file",
                         "name the file: KAIMEN_STORE_URL=sqlite:///var/lib/kaimen/kaimen.db kaimen migrate …");
  }
  if (access(file.c_str(), F_OK) != 0) return fail("there is no store at " + file, "--data DIR or --config FILE tell where it is");
  TRY(prepare_data_directory(config.data_directory));
  TRY(auto lock, DataLock::try_lock(config.data_directory));
  if (!lock) return fail("a running kaimen has " + config.data_directory + " open", "stop the node first: systemctl stop kaimen");
  auto engine = store::open_engine(config.store_url, clock);
  if (!engine) return fail("store " + file + ": " + engine.error().detail);
  return OwnFile{std::move(*lock), std::move(engine.value())};
}

/// The configuration of the nodes that will run on the new database.
OrFail<Config> config_there(const Config& config, const MigrateFlags& flags) {
  Config there = config;
  there.store_url = *flags.to;
  there.store_password_file = flags.password_file.value_or("");
  if (!is_server_url(there.store_url)) return misconfigured("--to: must be postgres://USER@HOST/DATABASE or mysql://USER@HOST/DATABASE");
  if (const auto problem = problem_of_server_url(there.store_url)) return misconfigured("--to: " + *problem);
  if (flags.password_file && has_password(there.store_url)) return misconfigured("--password-file: the URL has a password already");
  return there;
}

/// Tickets bear the time of whoever made them, and all nodes go by the database's from now on.
OrFail<> expect_one_time(store::Engine& there, const std::string& name, const Clock& clock) {
  const auto time = there.time();
  if (!time) return fail("store " + name + ": " + time.error().detail);
  const Millis ahead = std::chrono::duration_cast<Millis>(time.value() - clock.now());
  if (ahead <= kMostSkew && -ahead <= kMostSkew) return BOOST_OUTCOME_V2_NAMESPACE::success();
  const std::string apart = std::to_string(std::abs(ahead.count()) / 1000) + " s " + (ahead < Millis{0} ? "behind" : "ahead of");
  return fail("the clock of " + name + " is " + apart + " this machine's",
              "set both by NTP first: the times in the store would be wrong there");
}

void tell_what_to_set(const Config& config, const Config& there) {
  const bool needs_password = there.store_url.find('@') != std::string::npos;
  std::cout << "\nSet this, then start the node:\n\n";
  if (!config.master_key_text) std::cout << "  master_key_file = \"" << config.master_key_file << "\"   # the same master key as before\n";
  std::cout << "  [store]\n  url = \"" << without_password(there.store_url) << "\"\n";
  if (!there.store_password_file.empty()) std::cout << "  password_file = \"" << there.store_password_file << "\"\n";
  else if (needs_password) std::cout << "  # its password: store.password_file, or the whole URL in KAIMEN_STORE_URL\n";
  std::cout << "\nThe file " << config.database_path() << " is marked as moved, and no node starts on it.\n";
}

OrFail<> move_to(const MigrateFlags& flags) {
  TRY(const auto config, config_of(flags.common));
  TRY(const Config there, config_there(config, flags));
  const std::string here_name = config.database_path(), there_name = shown_store(there);
  const auto dialect = *store::dialect_of(there.store_url);
  const auto failed = [](const std::string& name, const Error& error) { return fail("store " + name + ": " + error.detail); };

  Machine machine;
  TRY(const OwnFile here, open_file(config, machine.clock));
  if (const auto done = store::migrate(*here.engine, store::Dialect::sqlite, machine.random); !done) {
    return failed(here_name, done.error());
  }
  const auto marks = store::read_marks(*here.engine);
  if (!marks) return failed(here_name, marks.error());
  if (marks.value().moved) {
    return fail(here_name + " was moved to another database at " + rfc3339(*marks.value().moved),
                "what was written there since is not in the file; `kaimen migrate --take-back` takes the mark away");
  }

  TRY(const Secret url, url_to_connect(there));
  const auto engine = store::open_engine(url.reveal(), machine.clock);
  if (!engine) return failed(there_name, engine.error());
  TRY(expect_one_time(*engine.value(), there_name, machine.clock));
  if (const auto done = store::migrate(*engine.value(), dialect, machine.random); !done) {
    return failed(there_name, done.error());
  }

  CopyProgressView view;
  const auto copied = store::copy_store({*here.engine, store::Dialect::sqlite}, {*engine.value(), dialect}, machine.clock.now(),
                                        [&view](const store::CopyProgress& at) { view.show(at); });
  view.end();
  if (!copied) {
    return fail("copying to " + there_name + ": " + copied.error().detail,
                copied.error().code == ErrorCode::unavailable
                    ? "the same command goes on where it stopped"
                    : "the store here is as it was; give the copy an empty database, or run it again when that is mended");
  }
  if (const auto done = store::set_mark(*here.engine, store::Mark::moved, machine.clock.now()); !done) {
    return failed(here_name, done.error());
  }

  uint64_t rows = 0;
  for (const store::CopiedTable& table : copied.value()) rows += table.rows;
  std::cout << "copied " << here_name << " to " << there_name << ": " << rows << " rows, each compared\n";
  tell_what_to_set(config, there);
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> take_back(const MigrateFlags& flags) {
  TRY(const auto config, config_of(flags.common));
  Machine machine;
  TRY(const OwnFile here, open_file(config, machine.clock));
  const auto removed = store::remove_mark(*here.engine, store::Mark::moved);
  if (!removed) return fail("store " + config.database_path() + ": " + removed.error().detail);
  const std::string& file = config.database_path();
  std::cout << (removed.value() ? "nodes may run on " + file + " again: what was written elsewhere since it was moved is not in it\n"
                                : "nothing to do: " + file + " is not marked as moved\n");
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> migrate(const MigrateFlags& flags) {
  if (flags.to) return move_to(flags);
  return flags.take_back ? take_back(flags) : bring_to_version(flags);
}

}  // namespace

void add_migrate_command(CLI::App& root, int& exit_status) {
  const auto flags = std::make_shared<MigrateFlags>();
  CLI::App& command = add_command(
      root, "migrate", "Bring the store to this version, or move it to a database server",
      "kaimen migrate\n  kaimen migrate --to postgres://kaimen@db.internal/kaimen --password-file /etc/kaimen/store.password");
  add_common_flags(command, flags->common);
  auto* to = command.add_option("--to", flags->to, "Copy the SQLite store into this empty database and compare; nobody is logged out");
  auto* password = command.add_option("--password-file", flags->password_file, "The password of --to, which is then seen by nobody");
  to->type_name("URL");
  password->type_name("FILE")->needs(to);
  command.add_flag("--take-back", flags->take_back, "Let nodes run again on a SQLite store that was moved")->excludes(to);
  command.callback([flags, &exit_status] { exit_status = exit_status_of(migrate(*flags)); });
}

}  // namespace kaimen::app
