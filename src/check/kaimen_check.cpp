// The C ABI over the check. What is decided here stands in judge(), fits() and Presented, which the server's /verify uses too; the order of
// questions is that of api/verify.cpp.
#include "check/kaimen_check.h"

#include <cerrno>
#include <cstring>

#include "check/boot_clock.h"
#include "check/presented.h"
#include "check/state_source.h"
#include "check/wanted.h"

using namespace kaimen::check;

static_assert(KAIMEN_RENEW == static_cast<int>(Reason::renew) && KAIMEN_LOGGED_OUT == static_cast<int>(Reason::logged_out));
static_assert(KAIMEN_GROWN == static_cast<int>(Unsure::grown) && KAIMEN_NO_FILE == static_cast<int>(Unsure::no_file));
static_assert(sizeof(kaimen_identity::text) >= kTicketFieldMax + 4);
static_assert(sizeof(kaimen_identity::app_id) == sizeof(StateName) && sizeof(kaimen_identity::project) == sizeof(StateName));

namespace {

StateSource& source_of(kaimen_check* check) { return *reinterpret_cast<StateSource*>(check); }

std::string_view text_of(const char* text) { return text ? std::string_view(text) : std::string_view(); }

// Without a table, so that the compiler does all sixteen at once.
constexpr char hex_digit(uint8_t value) { return static_cast<char>(value + '0' + (value > 9 ? 'a' - '0' - 10 : 0)); }
void hex(const std::array<uint8_t, 16>& bytes, char* out) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    out[2 * i] = hex_digit(bytes[i] >> 4);
    out[2 * i + 1] = hex_digit(bytes[i] & 15);
  }
  out[32] = '\0';
}

void clear(kaimen_identity* who) {
  std::memset(who, 0, offsetof(kaimen_identity, text));
  who->text[0] = '\0';
  who->openid = who->unionid = who->external_id = who->roles = who->text;
}

int refuse(kaimen_identity* who, int status, int reason, Unsure unsure) {
  clear(who);
  who->status = status;
  who->reason = reason;
  who->unsure = static_cast<int>(unsure);
  return status;
}

// The app's names are there already.
int identify(kaimen_identity* who, const Claims& claims) {
  who->status = 204;
  who->reason = who->unsure = 0;
  who->identified = 1;
  who->registered = claims.registered() ? 1 : 0;
  who->generation = claims.generation;
  who->issued_ms = claims.issued_ms;
  who->expires = claims.expires_ms() / 1000;
  hex(claims.user, who->user);
  hex(claims.session, who->session);
  const std::string_view env = env_name(claims.env());
  std::memcpy(who->env, env.data(), env.size());
  who->env[env.size()] = '\0';
  char* to = who->text;
  const auto keep = [&](std::string_view text, const char*& at) {
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    at = to;
    to += text.size();
    *to++ = '\0';
  };
  keep(claims.openid, who->openid);
  keep(claims.unionid, who->unionid);
  keep(claims.external_id, who->external_id);
  keep(claims.roles, who->roles);
  return who->status;
}

// `wanted` may be null.
int check_one(StateSource& source, const StateReader* reader, const Presented& presented, uint64_t boot_ms, const Wanted* wanted, kaimen_identity* who) {
  Opened opened;
  StateVerdict verdict = reader->check(presented.ticket, boot_ms, opened, who->app_id, who->project);
  // It grew under our eyes: once more in all of it. It does not do that often.
  for (int tries = 0; verdict.unsure == Unsure::grown && tries < 3 && source.reader(boot_ms, reader) == Unsure::no; ++tries) {
    verdict = reader->check(presented.ticket, boot_ms, opened, who->app_id, who->project);
  }
  if (verdict.unsure != Unsure::no) return refuse(who, 503, 0, verdict.unsure);
  if (verdict.reason != Reason::none) return refuse(who, 401, static_cast<int>(verdict.reason), Unsure::no);
  if (presented.by_skey && !verdict.wafer) return refuse(who, 401, KAIMEN_MALFORMED, Unsure::no);
  const std::string_view app_id(who->app_id, verdict.app_id_length), project(who->project, verdict.project_length);
  if (wanted && !fits(opened.claims, app_id, project, *wanted)) return refuse(who, 403, 0, Unsure::no);
  // The answer has no room to name who acts, and whoever is told "the user" would let them do what only the user may: /verify names them.
  if (!opened.claims.actor.empty()) return refuse(who, 403, 0, Unsure::no);
  return identify(who, opened.claims);
}

// The file as it was last seen; where it never was, it is looked for, as for a check. `check` may be null.
const StateReader* file_of(kaimen_check* check) {
  const StateReader* file = check ? source_of(check).last() : nullptr;
  if (check && !file) source_of(check).reader(boot_now_ms(), file);
  return file;
}

constexpr int32_t kAuthorized = 1, kBySkey = 2;  // kaimen_presented::seen

Presented presented_of(const kaimen_presented* presented) {
  Presented seen;
  seen.kind = presented->kind == 0 ? Presented::Kind::none : presented->kind == 1 ? Presented::Kind::one : Presented::Kind::conflict;
  seen.ticket = {presented->ticket ? presented->ticket : "", presented->ticket ? presented->size : 0};
  seen.authorized = (presented->seen & kAuthorized) != 0;
  seen.by_skey = (presented->seen & kBySkey) != 0;
  return seen;
}

void keep(const Presented& seen, kaimen_presented* presented) {
  presented->kind = static_cast<int32_t>(seen.kind);
  presented->ticket = seen.ticket.data();
  presented->size = seen.ticket.size();
  presented->seen = (seen.authorized ? kAuthorized : 0) | (seen.by_skey ? kBySkey : 0);
}

}  // namespace

extern "C" {

int kaimen_check_open(const char* path, kaimen_check** check) {
  if (!path || !*path || !check) return EINVAL;
  StateSource* const source = StateSource::make(path);
  if (!source) return ENOMEM;
  const StateReader* reader = nullptr;
  source->reader(boot_now_ms(), reader);
  *check = reinterpret_cast<kaimen_check*>(source);
  return 0;
}

void kaimen_check_close(kaimen_check* check) { StateSource::destroy(reinterpret_cast<StateSource*>(check)); }

int kaimen_check_sure(kaimen_check* check) {
  const StateReader* reader = nullptr;
  return static_cast<int>(source_of(check).reader(boot_now_ms(), reader));
}

int kaimen_check_ticket(kaimen_check* check, const char* ticket, size_t size, kaimen_identity* who) {
  const uint64_t now = boot_now_ms();
  const StateReader* reader = nullptr;
  if (const Unsure unsure = source_of(check).reader(now, reader); unsure != Unsure::no) return refuse(who, 503, 0, unsure);
  Presented presented;
  presented.offer({ticket ? ticket : "", ticket ? size : 0});
  return check_one(source_of(check), reader, presented, now, nullptr, who);
}

void kaimen_presented_header(kaimen_check* check, kaimen_presented* presented, const char* name, size_t name_size, const char* value, size_t value_size,
                             const char* cookie) {
  const std::string_view header(name, name_size), text(value, value_size);
  if (Presented::may_be_one(header)) {
    Presented seen = presented_of(presented);
    if (!seen.offer_header(header, text, cookie && *cookie ? std::string_view(cookie) : kTicketCookie)) return keep(seen, presented);
  }
  const StateReader* const file = file_of(check);
  const Carries carries = file && file->carries_more() ? file->carries(header) : Carries::nothing;
  if (carries == Carries::nothing) return;
  Presented seen = presented_of(presented);
  if (carries == Carries::ticket) seen.offer(text);
  else seen.offer_skey(text);
  keep(seen, presented);
}

void kaimen_presented_ticket(kaimen_presented* presented, const char* value, size_t size) {
  Presented seen = presented_of(presented);
  seen.offer({value, size});
  keep(seen, presented);
}

int kaimen_check_request(kaimen_check* check, const kaimen_presented* presented, const kaimen_wanted* wanted, kaimen_identity* who) {
  const uint64_t now = boot_now_ms();
  const StateReader* reader = nullptr;
  if (const Unsure unsure = source_of(check).reader(now, reader); unsure != Unsure::no) return refuse(who, 503, 0, unsure);

  Wanted demanded;
  bool optional = false;
  if (wanted) {
    demanded = {text_of(wanted->app_id), text_of(wanted->project), text_of(wanted->role), env_named(text_of(wanted->env)), wanted->registered != 0};
    optional = wanted->optional != 0;
    if (!text_of(wanted->env).empty() && !demanded.env) return refuse(who, 403, 0, Unsure::no);
  }
  const bool named = !demanded.app_id.empty() || !demanded.project.empty() || reader->projects() <= 1;
  if (!named) return refuse(who, 403, 0, Unsure::no);
  const Presented seen = presented_of(presented);
  if (seen.kind == Presented::Kind::none && optional) {
    clear(who);
    return who->status = 204;
  }
  if (seen.kind == Presented::Kind::none) return refuse(who, 401, KAIMEN_MISSING, Unsure::no);
  if (seen.kind == Presented::Kind::conflict) return refuse(who, 401, KAIMEN_MALFORMED, Unsure::no);
  return check_one(source_of(check), reader, seen, now, &demanded, who);
}

int kaimen_claims_identity(const char* name, size_t size) { return claims_identity({name, size}) ? 1 : 0; }

const char* kaimen_reason_name(int reason) {
  static const char* const kNames[] = {"", "missing", "malformed", "revoked", "replaced", "disabled", "deleted", "reused", "logged_out", "expired", "renew"};
  return reason > 0 && reason <= KAIMEN_RENEW ? kNames[reason] : "";
}

const char* kaimen_unsure_text(int unsure) {
  static const char* const kTexts[] = {"",
                                       "there is no state file that may be believed",
                                       "the state file was written before this machine was booted",
                                       "the state file is not kept up: its node is silent, not ready, or cut off from its database",
                                       "the state file was retired",
                                       "the state file is too small for what it should hold",
                                       "the state file was left in the middle of a change",
                                       "the state file is damaged",
                                       "the ticket's key is not in this state file",
                                       "the state file has grown, and what was added cannot be mapped"};
  return unsure > 0 && unsure <= KAIMEN_GROWN ? kTexts[unsure] : "";
}

int kaimen_check_abi(void) { return KAIMEN_CHECK_ABI; }
const char* kaimen_check_version(void) { return KAIMEN_CHECK_VERSION; }

}  // extern "C"
