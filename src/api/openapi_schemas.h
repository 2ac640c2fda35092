// The components of the OpenAPI document. Paths are made from the route table (openapi.cpp); a test holds that every schema a route names
// is here.
#pragma once

namespace kaimen::api {

inline constexpr const char* kSchemas = R"json({
"Problem": {"type": "object", "required": ["type", "title", "status", "code", "request_id"], "properties": {
  "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "code": {"type": "string"}, "detail": {"type": "string"},
  "reason": {"type": "string"}, "request_id": {"type": "string"}, "retry_after": {"type": "integer"}, "until": {"type": "string", "format": "date-time"}, "message": {"type": "string"},
  "upstream": {"type": "object", "properties": {"errcode": {"type": "integer"}, "rid": {"type": "string"}}}}},
"Device": {"type": "object", "properties": {"id": {"type": "string", "maxLength": 128}, "model": {"type": "string", "maxLength": 128}, "system": {"type": "string", "maxLength": 128}, "platform": {"type": "string", "maxLength": 128}}},
"ProfileProof": {"type": "object", "properties": {"raw_data": {"type": "string"}, "signature": {"type": "string"}, "encrypted_data": {"type": "string"}, "iv": {"type": "string"}}},
"PhoneProof": {"type": "object", "properties": {"code": {"type": "string"}, "encrypted_data": {"type": "string"}, "iv": {"type": "string"}}},
"LoginRequest": {"type": "object", "required": ["app_id", "code"], "properties": {
  "app_id": {"type": "string"}, "code": {"type": "string", "minLength": 1, "maxLength": 512}, "attempt": {"type": "string", "maxLength": 64},
  "env_version": {"type": "string", "enum": ["release", "trial", "develop"]}, "profile": {"$ref": "#/components/schemas/ProfileProof"},
  "phone": {"$ref": "#/components/schemas/PhoneProof"}, "device": {"$ref": "#/components/schemas/Device"}, "cookie": {"type": "boolean"}}},
"Session": {"type": "object", "properties": {"id": {"type": "string"}, "created_at": {"type": "string", "format": "date-time"},
  "idle_expires_at": {"type": "string", "format": "date-time"}, "absolute_expires_at": {"type": "string", "format": "date-time"}}},
"DeviceSession": {"allOf": [{"$ref": "#/components/schemas/Session"}, {"type": "object", "properties": {"app_id": {"type": "string"}, "env": {"type": "string"},
  "current": {"type": "boolean"}, "device": {"$ref": "#/components/schemas/Device"}}}]},
"SessionList": {"type": "object", "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/DeviceSession"}}, "next_cursor": {"type": ["string", "null"]}}},
"User": {"type": "object", "properties": {"id": {"type": "string"}, "external_id": {"type": "string"}, "registered": {"type": "boolean"}, "nickname": {"type": "string"},
  "avatar_url": {"type": "string"}, "gender": {"type": "integer", "enum": [0, 1, 2]}, "language": {"type": "string"}, "country": {"type": "string"}, "province": {"type": "string"},
  "city": {"type": "string"}, "phone_number": {"type": "string"}, "roles": {"type": "array", "items": {"type": "string"}}, "attributes": {"type": "object"},
  "created_at": {"type": "string", "format": "date-time"}, "openid": {"type": "string"}}},
"Login": {"type": "object", "properties": {"token": {"type": "string"}, "token_type": {"type": "string"}, "expires_in": {"type": "integer"}, "renew_token": {"type": "string"},
  "session": {"$ref": "#/components/schemas/Session"}, "user": {"$ref": "#/components/schemas/User"}, "is_new_user": {"type": "boolean"}, "entry": {"type": ["object", "null"]},
  "warnings": {"type": "array", "items": {"type": "object", "properties": {"part": {"type": "string"}, "code": {"type": "string"}, "upstream": {"type": "object"}}}}}},
"Renewal": {"type": "object", "properties": {"renew_token": {"type": "string"}}},
"SessionAndUser": {"type": "object", "properties": {"session": {"$ref": "#/components/schemas/Session"}, "user": {"$ref": "#/components/schemas/User"}}},
"JwtRequest": {"type": "object", "required": ["audience"], "properties": {"audience": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"}}},
"Jwt": {"type": "object", "required": ["jwt", "expires_in"], "properties": {"jwt": {"type": "string"}, "expires_in": {"type": "integer"}}},
"Jwks": {"type": "object", "required": ["keys"], "properties": {"keys": {"type": "array", "items": {"type": "object", "required": ["kty", "crv", "x", "y", "kid", "alg", "use"],
  "properties": {"kty": {"const": "EC"}, "crv": {"const": "P-256"}, "x": {"type": "string"}, "y": {"type": "string"}, "kid": {"type": "string"}, "alg": {"const": "ES256"}, "use": {"const": "sig"}}}}}},
"Issuer": {"type": "object", "properties": {"issuer": {"type": "string"}, "jwks_uri": {"type": "string"}, "id_token_signing_alg_values_supported": {"type": "array", "items": {"type": "string"}},
  "subject_types_supported": {"type": "array", "items": {"type": "string"}}, "claims_supported": {"type": "array", "items": {"type": "string"}}}},
"ProfileChange": {"type": "object", "properties": {"nickname": {"type": "string", "maxLength": 64}, "avatar_url": {"type": "string", "maxLength": 1024},
  "gender": {"type": "integer", "enum": [0, 1, 2]}, "language": {"type": "string"}, "country": {"type": "string"}, "province": {"type": "string"}, "city": {"type": "string"}, "attributes": {"type": "object"}}},
"IntrospectionRequest": {"type": "object", "required": ["token"], "properties": {"token": {"type": "string"}}},
"Introspection": {"type": "object", "required": ["active"], "properties": {"active": {"type": "boolean"}, "sub": {"type": "string"}, "client_id": {"type": "string"}, "exp": {"type": "integer"},
  "iat": {"type": "integer"}, "sid": {"type": "string"}, "openid": {"type": "string"}, "unionid": {"type": "string"}, "external_id": {"type": "string"}, "registered": {"type": "boolean"},
  "env": {"type": "string"}, "token_type": {"type": "string"}, "roles": {"type": "array", "items": {"type": "string"}}}},
"ProjectList": {"type": "object", "properties": {"items": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}}, "next_cursor": {"type": ["string", "null"]}}},
"Settings": {"type": "object", "properties": {"ticket_seconds": {"type": "integer"}, "idle_seconds": {"type": "integer"}, "absolute_seconds": {"type": "integer"}, "max_per_user": {"type": "integer"},
  "expose_openid": {"type": "boolean"}, "default_nickname": {"type": "string"}}},
"NewApp": {"type": "object", "required": ["app_id", "secret"], "properties": {"project": {"type": "string"}, "app_id": {"type": "string"}, "platform": {"type": "string"},
  "secret": {"type": "string", "writeOnly": true}, "name": {"type": "string"}, "upstream": {"type": "string"}, "settings": {"$ref": "#/components/schemas/Settings"}}},
"AppChange": {"type": "object", "properties": {"name": {"type": "string"}, "upstream": {"type": "string"}, "disabled": {"type": "boolean"}, "revoke_sessions": {"type": "boolean"},
  "settings": {"$ref": "#/components/schemas/Settings"}}},
"NewSecret": {"type": "object", "required": ["secret"], "properties": {"secret": {"type": "string", "writeOnly": true}, "overlap_seconds": {"type": "integer", "minimum": 0, "maximum": 2592000}}},
"App": {"type": "object", "properties": {"app_id": {"type": "string"}, "project": {"type": "string"}, "platform": {"type": "string"}, "name": {"type": "string"}, "upstream": {"type": "string"},
  "settings": {"type": "object"}, "effective": {"$ref": "#/components/schemas/Settings"}, "disabled": {"type": "boolean"}, "old_secret_until": {"type": ["string", "null"]},
  "created_at": {"type": "string", "format": "date-time"}}},
"AppList": {"type": "object", "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/App"}}, "next_cursor": {"type": ["string", "null"]}}},
"AppCheck": {"type": "object", "properties": {"app_id": {"type": "string"}, "ok": {"type": "boolean"}, "code": {"type": "string"}, "upstream": {"type": "object"}}},
"NewKey": {"type": "object", "required": ["name", "scopes"], "properties": {"name": {"type": "string"}, "scopes": {"type": "array", "items": {"type": "string", "enum": ["verify", "read", "write", "wechat", "admin"]}}, "project": {"type": "string"}}},
"Key": {"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}, "scopes": {"type": "array", "items": {"type": "string"}}, "project": {"type": ["string", "null"]},
  "created_at": {"type": "string"}, "last_used_at": {"type": ["string", "null"]}, "revoked_at": {"type": ["string", "null"]}}},
"NewKeyAnswer": {"allOf": [{"$ref": "#/components/schemas/Key"}, {"type": "object", "properties": {"key": {"type": "string"}}}]},
"KeyList": {"type": "object", "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/Key"}}, "next_cursor": {"type": ["string", "null"]}}},
"AdminUser": {"allOf": [{"$ref": "#/components/schemas/User"}, {"type": "object", "properties": {"project": {"type": "string"}, "disabled": {"type": "boolean"},
  "disabled_until": {"type": "string", "format": "date-time"}, "disabled_message": {"type": "string"}}}]},
"Disabling": {"type": "object", "properties": {"until": {"type": "string", "format": "date-time"}, "message": {"type": "string", "maxLength": 512}}},
"Health": {"type": "object", "properties": {"status": {"type": "string"}, "version": {"type": "string"}}}
})json";

}  // namespace kaimen::api
