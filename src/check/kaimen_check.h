/* libkaimen_check: checks Kaimen's tickets inside any process, against the state file that a Kaimen node of this machine publishes
 * (check.state_file in kaimen.toml). No hop, no lock, no allocation: well below a microsecond a check.
 *
 * It fails closed: where it cannot be sure (no file, a node that is silent for more than 3 s, a grace that is over, a file that is damaged or
 * too small) the answer is 503, never "good". Ask a node's /verify then, or answer 503 yourself.
 *
 * Who can read the state file can also make tickets: its keys are symmetric. Whom you do not trust with that gets /verify, or JWTs.
 *
 * Any function may be called by any thread. Texts are UTF-8; sizes are bytes, without a NUL. Link with -lkaimen_check. */
#ifndef KAIMEN_CHECK_H
#define KAIMEN_CHECK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KAIMEN_CHECK_ABI 1

#if defined(KAIMEN_CHECK_API)
#elif defined(__GNUC__)
#define KAIMEN_CHECK_API __attribute__((visibility("default")))
#else
#define KAIMEN_CHECK_API
#endif

/* Why a ticket is refused: what /verify says in X-Kaimen-Reason. */
enum kaimen_reason {
  KAIMEN_NONE = 0,
  KAIMEN_MISSING = 1,
  KAIMEN_MALFORMED = 2,
  KAIMEN_REVOKED = 3,
  KAIMEN_REPLACED = 4,
  KAIMEN_DISABLED = 5,
  KAIMEN_DELETED = 6,
  KAIMEN_REUSED = 7,
  KAIMEN_LOGGED_OUT = 8,
  KAIMEN_EXPIRED = 9,
  KAIMEN_RENEW = 10
};

/* Why nothing can be said of any ticket. */
enum kaimen_unsure {
  KAIMEN_SURE = 0,
  KAIMEN_NO_FILE = 1,      /* none under this name, or none that may be believed: its owner, its mode, its form */
  KAIMEN_OTHER_BOOT = 2,   /* written before this machine was booted */
  KAIMEN_NOT_GOOD_NOW = 3, /* its node is silent, not ready, or cut off for longer than its grace */
  KAIMEN_RETIRED = 4,      /* replaced by a file of another shape, which is not there yet */
  KAIMEN_OVERFLOW = 5,     /* more revocations, keys or apps than it holds */
  KAIMEN_CHANGING = 6,     /* its node stopped in the middle of a change */
  KAIMEN_DAMAGED = 7,
  KAIMEN_KEY_WITHHELD = 8, /* of this ticket only: its key is not for this file's readers, and the app has no key of its own that seals yet */
  KAIMEN_GROWN = 9         /* it has grown, and this process cannot map what was added */
};

/* The answer to one check. */
typedef struct kaimen_identity {
  int32_t status;     /* 204, 401, 403, 503: what /verify would answer */
  int32_t reason;     /* enum kaimen_reason, at 401 */
  int32_t unsure;     /* enum kaimen_unsure, at 503 */
  int32_t identified; /* 1: at 204, the ticket was good and what follows is set; 0: nobody (optional and no ticket) */
  int32_t registered; /* 0, 1 */
  uint32_t generation;
  uint64_t issued_ms; /* epoch milliseconds */
  uint64_t expires;   /* epoch seconds */
  char user[40];      /* 32 hex digits */
  char session[40];
  char app_id[72];
  char project[72];
  char env[16];       /* release, trial, develop */
  /* "" where not known. They point into `text` below: do not copy this struct by value and use the copy's. */
  const char *openid, *unionid, *external_id;
  const char *roles;  /* comma-separated */
  char text[1040];
} kaimen_identity;

/* A state file, looked for under `path`. It need not be there yet: until it is, and whenever nothing can be said, it is looked for again, at
 * most once a second, by whoever checks. 0, or EINVAL, ENOMEM. Descriptors are not kept open, so it may be opened before privileges are given
 * up; the file must belong to root, to this process's user or to the owner of its directory, and be writable by nobody else. */
typedef struct kaimen_check kaimen_check;
KAIMEN_CHECK_API int kaimen_check_open(const char *path, kaimen_check **check);
/* No other thread may be checking with it any more. NULL is nothing. */
KAIMEN_CHECK_API void kaimen_check_close(kaimen_check *check);

/* KAIMEN_SURE if tickets can be judged now. */
KAIMEN_CHECK_API int kaimen_check_sure(kaimen_check *check);

/* Checks one ticket. Returns who->status: 204, 401, 503. */
KAIMEN_CHECK_API int kaimen_check_ticket(kaimen_check *check, const char *ticket, size_t size, kaimen_identity *who);

/* What a request presents. Zero it, give it every header, then ask kaimen_check_request. Keeps pointers to the values. */
typedef struct kaimen_presented {
  const char *ticket;
  size_t size;
  int32_t kind;       /* 0: no ticket, 1: one, 2: several that differ */
  int32_t seen;       /* its own */
} kaimen_presented;
/* Whatever the header is: those that carry no ticket are nothing. Authorization, X-Kaimen-Ticket and the cookie always may; what else does is the
 * node's configuration, which is in the state file: the headers of session.ticket_headers, and X-WX-Skey where there is an app for wafer's clients.
 * `cookie`: the ticket cookie's name; NULL: "kaimen". `check` may be NULL. */
KAIMEN_CHECK_API void kaimen_presented_header(kaimen_check *check, kaimen_presented *presented, const char *name, size_t name_size, const char *value,
                                              size_t value_size, const char *cookie);
/* A ticket that came in another way. */
KAIMEN_CHECK_API void kaimen_presented_ticket(kaimen_presented *presented, const char *value, size_t size);

/* What is demanded beside a good ticket: the options of /verify. NULL or "": any. An environment that does not exist is 403 for all. */
typedef struct kaimen_wanted {
  const char *app_id, *project, *role, *env;
  int32_t registered; /* 1: registered users only */
  int32_t optional;   /* 1: without a ticket 204, and nobody is identified */
} kaimen_wanted;
/* The answer of /verify to a request that presents this. `wanted` may be NULL. Returns who->status. */
KAIMEN_CHECK_API int kaimen_check_request(kaimen_check *check, const kaimen_presented *presented, const kaimen_wanted *wanted, kaimen_identity *who);

/* 1: a header of this name claims an identity, and must not be passed on from a client: X-Kaimen-* but the ticket, X-WX-OPENID and its like, in
 * any case, also with underscores, dots or whatever else for the hyphens. */
KAIMEN_CHECK_API int kaimen_claims_identity(const char *name, size_t size);

/* "missing", "malformed" …; "" for what is none of them. */
KAIMEN_CHECK_API const char *kaimen_reason_name(int reason);
/* For logs: a few words. */
KAIMEN_CHECK_API const char *kaimen_unsure_text(int unsure);

/* KAIMEN_CHECK_ABI of the library that runs, and its version as text. */
KAIMEN_CHECK_API int kaimen_check_abi(void);
KAIMEN_CHECK_API const char *kaimen_check_version(void);

#ifdef __cplusplus
}
#endif

#endif
