// kaimen restore: puts a backup in the place of the SQLite store, or, with --database, takes note that a database was put back by its own tools.
// Either way one act of the store ends whatever was given out until now (core::Store::note_restore). The file is prepared beside the store and put
// in place by one rename: whatever dies, the old store is there, or the new one.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

#include "app/admin_client.h"
#include "app/check_master_key.h"
#include "app/cli.h"
#include "app/data_directory.h"
#include "app/new_file.h"
#include "app/node.h"
#include "app/schema.h"
#include "app/store_url.h"
#include "core/live.h"
#include "core/ticket_keys.h"
#include "store/database.h"
#include "store/sqlite_snapshot.h"

namespace kaimen::app {

namespace {

constexpr int kCheckpointPages = 4000;
constexpr const char* kWhichMasterKey =
    "a backup needs the master key of its time: give it in master_key_file or master_key_other_file; `kaimen config` prints where it is read from";

struct RestoreFlags {
  CommonFlags common;
  std::string file;
  bool database = false, replace = false, yes = false;
};

bool is_there(const std::string& path) {
  struct stat status;
  return lstat(path.c_str(), &status) == 0;
}

// ---- the act ----

/// That all that tickets are sealed with opens under the master key that is configured.
OrFail<> expect_to_open(const Config& config, const std::string& name, core::Store& store, Machine& machine) {
  TRY(auto current, load_master_key(config));
  TRY(auto other, load_other_master_key(config));
  std::vector<Secret> others;
  if (other) others.push_back(std::move(*other));
  const auto vault = crypto::Vault::make(std::move(current), std::move(others), machine.random);
  if (!vault) return misconfigured("master key: " + vault.error().detail);
  core::Live live(machine.clock);
  core::TicketKeys keys(store, vault.value(), machine.random, live);
  const auto opened = run_here(keys.load());
  if (!opened) return fail("the master key that is configured does not open " + name + ": " + opened.error().detail, kWhichMasterKey);
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

/// Brings a store to this version and ends in it what was given out. `name` is what people call it. Nothing is changed where this version or the
/// master key does not fit.
OrFail<core::Restored> end_what_was(const Config& config, const std::string& name) {
  Machine machine;
  TRY(const Secret url, url_to_connect(config));
  TRY(const auto schema, read_schema(url.reveal(), machine.clock));
  if (schema.applied.empty()) return fail(name + " holds no store of Kaimen");
  if (const auto under = read_sealed_under(config, machine.clock)) {
    for (const Finding& finding : check_master_keys(config, *under)) {
      if (finding.state == Finding::State::fail) return fail("master key: " + finding.what, kWhichMasterKey);
    }
  }
  const auto store = store::open_store({url.reveal(), 1}, machine.clock);
  if (!store) return fail(name + ": " + store.error().detail);
  TRY(expect_to_open(config, name, *store.value(), machine));
  auto restored = run_here(store.value()->note_restore({{}, {}, "kaimen restore"}));
  if (!restored) return fail(name + ": " + restored.error().detail);
  return std::move(restored.value());
}

void tell(const core::Restored& restored) {
  std::cout << "All sessions end as of " << rfc3339(restored.at) << ": clients log in again by themselves\n";
  if (restored.keys > 0) {
    std::cout << restored.keys << (restored.keys == 1 ? " access key is off, as it may" : " access keys are off, as any of them may")
              << " have been revoked since the backup: look at `kaimen key list`, then\n"
              << "  kaimen key confirm ID      or, for all of them, kaimen key confirm --all\n";
  }
  std::cout << "What else was changed since the backup is undone: users disabled or deleted, roles, passwords, apps, webhooks\n";
}

// ---- a file ----

OrFail<> expect_a_backup(const std::string& file, const std::string& store) {
  struct stat given, present;
  if (stat(file.c_str(), &given) != 0) return fail("cannot read " + file + ": " + std::strerror(errno));
  if (!S_ISREG(given.st_mode)) return fail(file + " is not a file");
  const auto is = [&given, &present](const std::string& other) {
    return stat(other.c_str(), &present) == 0 && given.st_dev == present.st_dev && given.st_ino == present.st_ino;
  };
  if (is(store + ".part")) return fail(file + " is what an interrupted command has left", "take a file that `kaimen backup` has made");
  if (is(store)) return fail(file + " is the store itself", "a file that was put in its place by other means: kaimen restore --database");
  if (stat((file + "-wal").c_str(), &present) == 0 && present.st_size > 0) {
    return fail(file + " is not all: a part of it is in " + file + "-wal beside it", "take a file that `kaimen backup` has made");
  }
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

/// Gives the store a second name, which it keeps when another takes its place. What is in its write-ahead log is written back first; where it is
/// too damaged for that, the log goes along.
OrFail<std::string> put_aside(const std::string& store) {
  std::string aside = store + ".before-";
  for (const char c : rfc3339(SystemClock().now())) {
    if (c != '-' && c != ':') aside += c;
  }
  const std::string log = store + "-wal";
  bool is_sound = true;
  if (is_there(store)) {
    {
      const auto opened = store::Database::open(store, kCheckpointPages);
      const bool damaged = !opened && opened.error().code == ErrorCode::invalid_request;
      if (!opened && !damaged) return fail(opened.error().detail);
      is_sound = !damaged;
    }
    if (is_sound && is_there(log)) return fail("cannot write " + log + " back into " + store, "is the disk full, or has another program the store open?");
    if (link(store.c_str(), aside.c_str()) != 0) return fail("cannot put " + store + " aside as " + aside + ": " + std::strerror(errno));
  }
  // Beside another file it would be taken for that one's.
  if (is_there(log) && rename(log.c_str(), (aside + "-wal").c_str()) != 0) return fail("cannot put " + log + " aside: " + std::strerror(errno));
  unlink((store + "-shm").c_str());
  TRY(sync_directory_of(store));
  return aside;
}

OrFail<DataLock> lock_of(const Config& config) {
  TRY(prepare_data_directory(config.data_directory));
  TRY(auto lock, DataLock::try_lock(config.data_directory));
  if (!lock) return fail("a running kaimen has " + config.data_directory + " open", "stop the node first: systemctl stop kaimen");
  return std::move(*lock);
}

OrFail<> restore_file(const RestoreFlags& flags) {
  TRY(const auto config, config_of(flags.common));
  if (is_server_url(config.store_url)) {
    return misconfigured("the store is on a database server", "put it back by the server's own tools, with all nodes stopped; then: kaimen restore --database");
  }
  const std::string store = config.database_path();
  TRY(expect_a_backup(flags.file, store));
  TRY(const auto lock, lock_of(config));
  const bool replaces = is_there(store);
  if (replaces && !flags.replace) return fail("there is a store at " + store, "--replace puts the backup in its place, and keeps it under another name");

  TRY(auto file, NewFile::begin(store));
  TRY(file.fill_from(flags.file));
  if (const auto whole = store::check_integrity(file.part()); !whole) return fail(flags.file + " is damaged, or no database: " + whole.error().detail);
  Config there = config;
  there.store_url = "sqlite://" + file.part();
  TRY(const auto restored, end_what_was(there, flags.file));
  if (is_there(file.part() + "-wal")) return fail("cannot write " + file.part(), "is the disk full?");

  TRY(file.sync());
  TRY(const std::string aside, put_aside(store));
  auto placed = file.place(NewFile::Over::what_is_there);
  if (!placed) {
    if (is_there(aside + "-wal")) rename((aside + "-wal").c_str(), (store + "-wal").c_str());
    return placed;
  }
  std::cout << "restored " << store << " from " << flags.file << '\n';
  if (replaces) std::cout << "What was there is kept as " << aside << '\n';
  tell(restored);
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

// ---- a database that others have put back ----

OrFail<> restore_database(const RestoreFlags& flags) {
  TRY(const auto config, config_of(flags.common));
  const std::string name = shown_store(config);
  TRY(const auto lock, lock_of(config));
  if (!is_server_url(config.store_url)) {
    if (const auto whole = store::check_integrity(config.database_path()); !whole) return fail(name + " is damaged, or no database: " + whole.error().detail);
  }
  TRY(confirm(flags.yes, "every session in " + name + " ends, and every access key is off until it is confirmed", name));
  TRY(const auto restored, end_what_was(config, name));
  std::cout << name << " is taken as restored\n";
  tell(restored);
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

OrFail<> restore(const RestoreFlags& flags) {
  if (flags.database) return restore_database(flags);
  if (flags.file.empty()) return misconfigured("restore: which file?", "kaimen restore FILE, or --database for a database that was put back by its own tools");
  return restore_file(flags);
}

}  // namespace

void add_restore_command(CLI::App& root, int& exit_status) {
  const auto [command, flags] = add_verb(root, "restore", "Put a backup in the place of the store, and end all that was given out before",
                                         "kaimen restore /backup/kaimen-2026-11-30.db --replace", restore, exit_status);
  auto* file = command->add_option("FILE", flags->file, "What `kaimen backup` has made");
  auto* replace = command->add_flag("--replace", flags->replace, "Where there is a store: put it aside under another name");
  auto* database = command->add_flag("--database", flags->database, "Of a database that was put back by its own tools: end what was given out before");
  database->excludes(file);
  database->excludes(replace);
  command->add_flag("--yes", flags->yes, "With --database: do not ask")->needs(database);
}

}  // namespace kaimen::app
