#include "store/account_rows.h"

#include "store/held_inline.h"

namespace kaimen::store {

template class Held<PasswordRow>;
template class Held<PasswordFailuresRow>;
template class Held<RegistrationRow>;
template class Held<ConsentRow>;
template class Held<InvitationRow>;
template class Held<DeletionRow>;

}  // namespace kaimen::store
