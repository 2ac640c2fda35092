// Every table there is. The rows themselves stand by subject in *_rows.h.
#pragma once

#include <algorithm>
#include <array>
#include <type_traits>

#include "store/account_rows.h"
#include "store/app_rows.h"
#include "store/avatar_rows.h"
#include "store/component_rows.h"
#include "store/entry_rows.h"
#include "store/journal_rows.h"
#include "store/node_rows.h"
#include "store/session_rows.h"
#include "store/user_rows.h"

namespace kaimen::store {

/// Every table, in the order in which a batch writes them: guards first.
template <class... Row>
struct TableList {};
template <class... Row>
constexpr size_t count_of(TableList<Row...>) {
  return sizeof...(Row);
}
template <class Wanted, class... Row>
constexpr size_t place_of(TableList<Row...>) {
  constexpr std::array<bool, sizeof...(Row)> is{std::is_same_v<Wanted, Row>...};
  return static_cast<size_t>(std::find(is.begin(), is.end(), true) - is.begin());
}
using AllTables = TableList<UserRow, AppTableRow, AppSigningRow, AccessTokenTableRow, ComponentTicketRow, AuthorizationTableRow, ComponentLinkRow, MetaRow,
                            ProjectDetailsRow, PasswordFailuresRow, InvitationRow, EntryCodeRow,
                            EntryCountRow, IdentityRow, UnresolvedRow, UnionidRow, PasswordRow, CodeRow, SessionRow, RevocationRow, OnceMarkRow, RegistrationRow, ConsentRow,
                            DeletionRow, AvatarRow, AvatarCheckRow, EntryPictureRow, EntryScanRow, StatsTableRow, ProjectRow, ResolveSecretRow, TicketKeyTableRow,
                            AccessKeyTableRow, NodeRow, NodeProgramRow, WebhookRow, DeliveryRow, EventRow>;

}  // namespace kaimen::store
