#include "store/sql_components.h"

#include "store/components.h"

namespace kaimen::store {

using core::AuthorizationEffect;

Task<Result<bool>> SqlComponents::keep_ticket(core::KeepTicket act) {
  return queue_.write<bool>([act = std::move(act)](ActContext& context) { return store::keep_ticket(context, act); });
}
Task<Result<std::string>> SqlComponents::ticket(std::string component) {
  return queue_.read<std::string>([component = std::move(component)](ActContext& context) { return store::component_ticket(context, component); });
}
Task<Result<>> SqlComponents::keep_link(core::AuthorizationLink link) {
  return queue_.write<void>([link = std::move(link)](ActContext& context) { return store::keep_link(context, link); });
}
Task<Result<core::AuthorizationLink>> SqlComponents::find_link(std::string hash) {
  return queue_.read<core::AuthorizationLink>([hash = std::move(hash)](ActContext& context) { return store::find_link(context, hash); });
}
Task<Result<AuthorizationEffect>> SqlComponents::save_authorization(core::SaveAuthorization act) {
  return queue_.write<AuthorizationEffect>([act = std::move(act)](ActContext& context) { return store::save_authorization(context, act); });
}
Task<Result<AuthorizationEffect>> SqlComponents::end_authorization(core::EndAuthorization act) {
  return queue_.write<AuthorizationEffect>([act = std::move(act)](ActContext& context) { return store::end_authorization(context, act); });
}
Task<Result<std::string>> SqlComponents::refresh_token(std::string app_id) {
  return queue_.read<std::string>([app_id = std::move(app_id)](ActContext& context) { return store::refresh_token(context, app_id); });
}
Task<Result<bool>> SqlComponents::save_authorizer_token(core::SaveAuthorizerToken act) {
  return queue_.write<bool>([act = std::move(act)](ActContext& context) { return store::save_authorizer_token(context, act); });
}

}  // namespace kaimen::store
