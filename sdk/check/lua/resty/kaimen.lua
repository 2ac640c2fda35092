-- Checks Kaimen's tickets inside nginx with Lua (OpenResty, Debian's libnginx-mod-http-lua, APISIX, Kong) or any LuaJIT, over libkaimen_check by
-- FFI: no hop and no compiler.
--
--   local kaimen = require("resty.kaimen").open("/run/kaimen/check")     -- once a worker
--   kaimen:protect({ app_id = "wx…" })                                   -- in access_by_lua*: answers refusals itself
--
--   local status, who = kaimen:request(headers, wanted)                  -- { {name, value}, … }; 204, 401, 403, 503 as of /verify
--
-- Where nothing can be said (503) a function given as `unsure`, such as one that asks /verify, may say: open(path, unsure).
local ffi = require("ffi")

ffi.cdef([[
typedef struct kaimen_check kaimen_check;
typedef struct {
  int32_t status, reason, unsure, identified, registered;
  uint32_t generation;
  uint64_t issued_ms, expires;
  char user[40], session[40], app_id[72], project[72], env[16];
  const char *openid, *unionid, *external_id, *roles;
  char text[1040];
} kaimen_identity;
typedef struct { const char *ticket; size_t size; int32_t kind, seen; } kaimen_presented;
typedef struct { const char *app_id, *project, *role, *env; int32_t registered, optional; } kaimen_wanted;
int kaimen_check_open(const char *path, kaimen_check **check);
void kaimen_check_close(kaimen_check *check);
void kaimen_presented_header(kaimen_check *check, kaimen_presented *presented, const char *name, size_t name_size, const char *value, size_t value_size,
                             const char *cookie);
int kaimen_presents_more(kaimen_check *check);
int kaimen_check_request(kaimen_check *check, const kaimen_presented *presented, const kaimen_wanted *wanted, kaimen_identity *who);
int kaimen_claims_identity(const char *name, size_t size);
const char *kaimen_reason_name(int reason);
const char *kaimen_unsure_text(int unsure);
int kaimen_check_abi(void);
]])

local library = ffi.load(os.getenv("KAIMEN_CHECK_LIBRARY") or "libkaimen_check.so.1")
if library.kaimen_check_abi() ~= 1 then error("resty.kaimen: another version of libkaimen_check") end

local Kaimen = {}
Kaimen.__index = Kaimen
local text = ffi.string

local passed_on = {
  "X-Kaimen-User", "X-Kaimen-External-Id", "X-Kaimen-App", "X-Kaimen-Openid", "X-Kaimen-Unionid", "X-Kaimen-Session", "X-Kaimen-Roles", "X-Kaimen-Env",
  "X-Kaimen-Registered", "X-Kaimen-Expires",
}

function Kaimen.open(path, unsure)
  local handle = ffi.new("kaimen_check *[1]")
  local failed = library.kaimen_check_open(path, handle)
  if failed ~= 0 then error("resty.kaimen: errno " .. failed) end
  return setmetatable({
    check = ffi.gc(handle[0], library.kaimen_check_close), presented = ffi.new("kaimen_presented"), wanted = ffi.new("kaimen_wanted"),
    who = ffi.new("kaimen_identity"), unsure = unsure,
  }, Kaimen)
end

-- Whether a header of that name must not be passed on from a client.
function Kaimen.claims_identity(name) return library.kaimen_claims_identity(name, #name) == 1 end

local function known(value) return value ~= "" and value or nil end

-- Tables are written out whole: one that grows field by field is made anew again and again.
local function identity(who)
  local user, session, app_id, env = text(who.user), text(who.session), text(who.app_id), text(who.env)
  local openid, unionid, external_id, roles = text(who.openid), text(who.unionid), text(who.external_id), text(who.roles)
  local registered, expires = who.registered == 1, tonumber(who.expires)
  return {
    user = user, session = session, app_id = app_id, project = text(who.project), env = env, openid = openid, unionid = unionid, external_id = external_id,
    roles = roles, registered = registered, expires = expires,
    headers = {
      ["X-Kaimen-User"] = user, ["X-Kaimen-External-Id"] = known(external_id), ["X-Kaimen-App"] = app_id, ["X-Kaimen-Openid"] = known(openid),
      ["X-Kaimen-Unionid"] = known(unionid), ["X-Kaimen-Session"] = session, ["X-Kaimen-Roles"] = known(roles), ["X-Kaimen-Env"] = env,
      ["X-Kaimen-Registered"] = registered and "true" or "false", ["X-Kaimen-Expires"] = string.format("%d", expires),
    },
  }
end

-- Configuration often has its yes and no as texts, and in Lua every text is true.
local function flag(wanted, name)
  local value = wanted[name]
  if value == true or value == "true" then return 1 end
  if not value or value == "false" or value == "" then return 0 end
  error("resty.kaimen: " .. name .. " must be true or false", 3)
end

-- A header of /verify's answer, in whatever case a client of HTTP has written its name.
local function told(headers, name)
  for given, value in pairs(headers) do
    if type(given) == "string" and given:lower() == name then return type(value) == "table" and value[1] or value end
  end
  return nil
end

-- What `unsure` has found: a 204 that names nobody is somebody else's, unless nobody may come; a support view's (`actor`) is refused as inside.
local function elsewhere(optional, status, who)
  who = who or {}
  who.headers = who.headers or {}
  if status == 204 and ((who.actor or "") ~= "" or (told(who.headers, "x-kaimen-actor") or "") ~= "") then return 403, {} end
  if status == 401 and who.reason then return status, who end
  if status == 403 or (status == 204 and (optional or (who.headers["X-Kaimen-User"] or "") ~= "")) then return status, who end
  return 503, { unsure = who.unsure or "nobody else can say" }
end

-- wanted: app_id, project, role, env, registered, optional, cookie; nil: nothing but a good ticket.
function Kaimen:request(headers, wanted)
  local presented, asked, who = self.presented, self.wanted, self.who
  wanted = wanted or {}
  ffi.fill(presented, ffi.sizeof(presented))
  for _, header in ipairs(headers) do
    library.kaimen_presented_header(self.check, presented, header[1], #header[1], header[2], #header[2], wanted.cookie)
  end
  asked.app_id, asked.project, asked.role, asked.env = wanted.app_id, wanted.project, wanted.role, wanted.env
  asked.registered, asked.optional = flag(wanted, "registered"), flag(wanted, "optional")
  local status = library.kaimen_check_request(self.check, presented, asked, who)
  if status == 204 then return status, who.identified == 1 and identity(who) or { headers = {} } end
  if status == 401 then return status, { reason = text(library.kaimen_reason_name(who.reason)) } end
  if status == 503 then
    if self.unsure then return elsewhere(asked.optional == 1, self.unsure(headers, wanted)) end
    return status, { unsure = text(library.kaimen_unsure_text(who.unsure)) }
  end
  return status, {}
end

-- What a header is by its name. Kept, for the same few come with every request; but names are the client's, so only so many.
local kinds, kept = {}, 0
local tickets = { ["authorization"] = true, ["x-kaimen-ticket"] = true, ["cookie"] = true }
local function kind_of(name)
  local kind = kinds[name]
  if kind then return kind end
  kind = Kaimen.claims_identity(name) and "claim" or tickets[name:lower()] and "ticket" or "other"
  if kept == 1000 then kinds, kept = {}, 0 end
  kinds[name], kept = kind, kept + 1
  return kind
end

-- Those that may carry a ticket (`all`: whatever their names), and the names of those that claim an identity.
local function request_headers(all)
  local sent, truncated = ngx.req.get_headers(0, true)
  if truncated then return nil end
  local list, claims = {}, {}
  for name, value in pairs(sent) do
    local kind = kind_of(name)
    if kind == "claim" then
      claims[#claims + 1] = name
    elseif kind == "other" and not all then
      -- nothing
    elseif type(value) == "table" then
      for _, one in ipairs(value) do list[#list + 1] = { name, one } end
    else
      list[#list + 1] = { name, value }
    end
  end
  return list, claims
end

local refusals = {
  [401] = '{"type":"about:blank","title":"No valid ticket","status":401,"code":"unauthenticated","reason":"%s"}',
  [403] = '{"type":"about:blank","title":"Not allowed","status":403,"code":"forbidden"}',
  [503] = '{"type":"about:blank","title":"The service is not available at present","status":503,"code":"unavailable"}',
}

-- In access_by_lua*: drops what the client claims, checks, tells the backend who it is; ends the request itself where it is refused.
-- Returns who; {headers = {}} for nobody (optional).
function Kaimen:protect(wanted)
  local headers, claims = request_headers(self.unsure or library.kaimen_presents_more(self.check) == 1)
  if not headers then return ngx.exit(400) end
  for _, name in ipairs(claims) do ngx.req.clear_header(name) end
  local status, who = self:request(headers, wanted)
  if status == 204 then
    local set_header, given = ngx.req.set_header, who.headers
    for i = 1, #passed_on do
      local value = given[passed_on[i]]
      if value then set_header(passed_on[i], value) end
    end
    return who
  end
  if status == 401 then
    ngx.header["WWW-Authenticate"] = 'Bearer error="invalid_token", error_description="' .. who.reason .. '"'
    ngx.header["X-Kaimen-Reason"] = who.reason
  elseif status == 503 then
    ngx.log(ngx.ERR, "kaimen: ", who.unsure)
    ngx.header["Retry-After"] = "2"
  end
  ngx.header["Content-Type"] = "application/problem+json"
  ngx.header["Cache-Control"] = "no-store"
  ngx.status = status
  ngx.print(string.format(refusals[status], who.reason))
  return ngx.exit(ngx.HTTP_OK)
end

return Kaimen
