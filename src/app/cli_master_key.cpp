// kaimen master-key …: a new key, and every value sealed anew under it while the nodes serve.
#include <iostream>

#include "app/admin_client.h"
#include "app/cli.h"
#include "app/master_key.h"
#include "app/node.h"

namespace kaimen::app {

namespace {

/// A step competes with the nodes' own work for the store.
constexpr std::chrono::seconds kPatience{40};

struct MasterKeyFlags {
  CommonFlags common;
  std::string file;
  bool json = false;
};

OrFail<> generate(const MasterKeyFlags& flags) {
  Machine machine;
  TRY(const Secret text, generate_master_key(machine.random));
  if (flags.file.empty()) {
    std::cout << text.reveal() << std::flush;
    return BOOST_OUTCOME_V2_NAMESPACE::success();
  }
  TRY(write_master_key(flags.file, text));
  std::cout << "wrote " << flags.file << ", mode 0600: keep a copy elsewhere, without it the data cannot be read\n";
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

uint64_t number_member(const http::json::value& object, std::string_view name) {
  const auto* value = object.as_object().if_contains(name);
  return value && value->is_int64() && value->get_int64() > 0 ? static_cast<uint64_t>(value->get_int64()) : 0;
}

/// One step a request, each wholly done or not at all: whatever dies, the same command goes on.
OrFail<> rotate(const MasterKeyFlags& flags) {
  TRY(const auto config, config_of(flags.common));
  TRY(const auto client, AdminClient::connect(config));
  uint64_t resealed = 0;
  std::string cursor;
  do {
    http::json::object body;
    if (!cursor.empty()) body["cursor"] = cursor;
    TRY(const auto step, client->post_patiently("/admin/v1/master-key/reseal", body, kPatience));
    resealed += number_member(step, "resealed");
    cursor = text_member(step, "next_cursor");
  } while (!cursor.empty());
  TRY(const auto state, client->get("/admin/v1/master-key"));
  if (flags.json) {
    std::cout << http::to_text(state) << '\n';
    return BOOST_OUTCOME_V2_NAMESPACE::success();
  }
  std::cout << "sealed " << resealed << " rows anew: everything is under master key " << text_member(state, "settled") << '\n';
  if (!config.master_key_other_file.empty() || config.master_key_other_text) {
    std::cout << "master_key_other_file can go from every node's configuration; the old key still opens backups made before\n";
  }
  return BOOST_OUTCOME_V2_NAMESPACE::success();
}

}  // namespace

void add_master_key_commands(CLI::App& root, int& exit_status) {
  CLI::App& family = add_command(root, "master-key", "The key that seals every secret in the store: generate, rotate", "kaimen master-key generate /etc/kaimen/master.key");
  family.require_subcommand(1);
  const auto command = [&](const char* name, const char* what, const char* example, OrFail<> (*act)(const MasterKeyFlags&)) {
    const auto flags = std::make_shared<MasterKeyFlags>();
    CLI::App& added = add_command(family, name, what, example);
    added.callback([flags, act, &exit_status] { exit_status = exit_status_of(act(*flags)); });
    return std::pair<CLI::App*, MasterKeyFlags*>(&added, flags.get());
  };
  const auto [generate_key, generate_flags] = command("generate", "Make a key; an existing file is never overwritten", "kaimen master-key generate /etc/kaimen/master.key.new", generate);
  generate_key->add_option("FILE", generate_flags->file, "Where to write it (default: print it)");

  const auto [rotate_key, rotate_flags] = command("rotate", "Seal every value anew under master_key_file, what is under master_key_other_file included", "kaimen master-key rotate", rotate);
  add_common_flags(*rotate_key, rotate_flags->common);
  rotate_key->add_flag("--json", rotate_flags->json, "Print JSON");
}

}  // namespace kaimen::app
