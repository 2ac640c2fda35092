// kaimen backup: a copy of the SQLite store, made by whoever has it open: the running server, which copies it between the logins, or else this
// process. The server may write to its data directory only, so the copy is made there, and taken from there to where it is wanted.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "app/admin_client.h"
#include "app/cli.h"
#include "app/data_directory.h"
#include "app/new_file.h"
#include "app/node.h"
#include "app/store_url.h"
#include "store/open.h"
#include "store/sqlite_snapshot.h"

namespace kaimen::app {

namespace {

/// A step competes with the server's own work for the store.
constexpr std::chrono::seconds kPatience{40};

struct BackupFlags {
  CommonFlags common;
  std::string file;
};

Failure of_a_server(const Config& config) {
  const bool postgres = store::dialect_of(config.store_url) == store::Dialect::postgres;
  const std::string url = without_password(config.store_url);
  return misconfigured("the store is on a database server, whose own tools back it up while nodes run",
                       postgres ? "pg_dump -Fc -d '" + url + "' -f kaimen.dump" : "mariadb-dump --single-transaction, of the database in " + url);
}

/// One backup at a time has the place where the copy is made.
OrFail<FileDescriptor> only_one(const std::string& data_directory) {
  FileDescriptor directory(open(data_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return fail(data_directory + ": " + std::strerror(errno));
  if (flock(directory.get(), LOCK_EX | LOCK_NB) != 0) return fail("another backup of " + data_directory + " is under way");
  return directory;
}

OrFail<std::string> copy_here(const Config& config) {
  Machine machine;
  const auto engine = store::open_engine(config.store_url, machine.clock);
  if (!engine) return fail("store " + config.database_path() + ": " + engine.error().detail);
  for (bool anew = true;; anew = false) {
    const auto step = engine.value()->back_up(anew);
    if (!step) return fail(step.error().detail);
    if (step.value().done) return step.value().file;
  }
}

OrFail<std::string> copy_by_server(const Config& config) {
  TRY(const auto client, AdminClient::connect(config));
  for (http::json::object body{{"anew", true}};; body.clear()) {
    TRY(const auto step, client->post_patiently("/admin/v1/backup", body, kPatience));
    const auto* answer = step.if_object();
    const auto* done = answer ? answer->if_contains("done") : nullptr;
    // Where it is here: the server may see its directory under another name.
    if (done && done->is_bool() && done->get_bool()) return store::snapshot_path(config.database_path());
  }
}

/// A name of the store's own would be taken for a part of it.
OrFail<> expect_a_name(const std::string& file, const std::string& store) {
  const auto whole = std::filesystem::weakly_canonical(file), own = std::filesystem::weakly_canonical(store);
  for (const char* ending : {"-wal", "-shm", "-journal", ".part", ".snapshot"}) {
    if (whole == own.string() + ending) return misconfigured(file + " is a name of the store's own", "name another file, best on another disk");
  }
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

/// The copy lies in the data directory until the backup is whole; a second one on the same disk must not take the room that logins need.
OrFail<> expect_room(const std::string& file, const std::string& store, const std::string& copy) {
  constexpr uint64_t kSpare = 64U << 20;
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(copy, error);
  auto directory = std::filesystem::path(file).parent_path();
  if (directory.empty()) directory = ".";
  const uint64_t free = std::filesystem::space(directory, error).available;
  struct stat there, here;
  const bool beside = stat(directory.c_str(), &there) == 0 && stat(store.c_str(), &here) == 0 && there.st_dev == here.st_dev;
  if (error || free >= size + (beside ? kSpare : 0)) return BOOST_OUTCOME_V2_NAMESPACE::success();
  return fail(directory.string() + " has " + std::to_string(free >> 20) + " MB free; the backup needs " + std::to_string((size + (beside ? kSpare : 0)) >> 20) + " MB");
}

/// Removes a file when it goes.
struct Taken {
  explicit Taken(std::string file) : path(std::move(file)) {}
  Taken(const Taken&) = delete;
  Taken& operator=(const Taken&) = delete;
  ~Taken() { unlink(path.c_str()); }
  const std::string path;
};

OrFail<> back_up(const BackupFlags& flags) {
  TRY(const auto config, config_of(flags.common));
  if (is_server_url(config.store_url)) return of_a_server(config);
  const std::string store = config.database_path();
  struct stat status;
  if (stat(store.c_str(), &status) != 0) return fail("there is no store at " + store, "--data DIR or --config FILE tell where it is");
  TRY(expect_a_name(flags.file, store));
  if (lstat(flags.file.c_str(), &status) == 0) return fail(flags.file + " is there already", "a backup never replaces a file: name another one");
  TRY(prepare_data_directory(config.data_directory));
  TRY(const auto one, only_one(config.data_directory));
  TRY(auto file, NewFile::begin(flags.file));
  {
    TRY(const auto lock, DataLock::try_lock(config.data_directory));
    TRY(const std::string made, lock ? copy_here(config) : copy_by_server(config));
    const Taken copy(made);
    TRY(expect_room(flags.file, store, copy.path));
    TRY(file.fill_from(copy.path));
  }
  if (const auto whole = store::check_integrity(file.part()); !whole) return fail("the copy is damaged, so " + store + " may be: " + whole.error().detail);
  TRY(file.place(NewFile::Over::nothing));
  if (stat(flags.file.c_str(), &status) != 0) return fail(flags.file + ": " + std::strerror(errno));
  std::cout << "backed up " << store << " to " << flags.file << ": " << (status.st_size + (1 << 20) - 1) / (1 << 20) << " MB, checked\n"
            << "The master key is not in it: keep a copy of that elsewhere, without it the backup cannot be read\n";
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

}  // namespace

void add_backup_command(CLI::App& root, int& exit_status) {
  const auto [command, flags] =
      add_verb(root, "backup", "Copy the SQLite store into a file, also while the server runs", "kaimen backup /backup/kaimen-2026-11-30.db", back_up, exit_status);
  command->add_option("FILE", flags->file, "Where to write it; a file that is there is never replaced")->required();
}

}  // namespace kaimen::app
