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
void kaimen_presented_header(kaimen_check *check, kaimen_presented *presented, const unsigned char *name, size_t name_size, const unsigned char *value,
                             size_t value_size, const char *cookie);
int kaimen_check_request(kaimen_check *check, const kaimen_presented *presented, const kaimen_wanted *wanted, kaimen_identity *who);
int kaimen_claims_identity(const unsigned char *name, size_t size);
const char *kaimen_reason_name(int reason);
const char *kaimen_unsure_text(int unsure);
int kaimen_check_abi(void);
]])

local library = ffi.load(os.getenv("KAIMEN_CHECK_LIBRARY") or "libkaimen_check.so.1")
if library.kaimen_check_abi() ~= 1 then error("resty.kaimen: another version of libkaimen_check") end

local Kaimen = {}
Kaimen.__index = Kaimen
local text = ffi.string

-- Of nginx: the request's headers as they lie in its memory, and adding one without looking for another of its name.
local base, add_header, elements, truncated
if ngx and ngx.config.subsystem == "http" then
  base, add_header = require("resty.core.base"), require("ngx.req").add_header
  elements, truncated = ffi.typeof("ngx_http_lua_ffi_table_elt_t[?]"), ffi.new("int[1]")
end

-- What the backend is told, and which field of an identity says it; beside these, tell()'s last two.
local passed_on = {
  { "X-Kaimen-User", "user" }, { "X-Kaimen-External-Id", "external_id" }, { "X-Kaimen-App", "app_id" }, { "X-Kaimen-Openid", "openid" },
  { "X-Kaimen-Unionid", "unionid" }, { "X-Kaimen-Session", "session" }, { "X-Kaimen-Roles", "roles" }, { "X-Kaimen-Env", "env" },
}
local names = { "X-Kaimen-Registered", "X-Kaimen-Expires" }
for _, pair in ipairs(passed_on) do names[#names + 1] = pair[1] end

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

-- Calls put(name, value) for each header of an identity.
local function tell(who, put)
  for i = 1, #passed_on do
    local value = who[passed_on[i][2]]
    if value ~= "" then put(passed_on[i][1], value) end
  end
  put("X-Kaimen-Registered", who.registered and "true" or "false")
  put("X-Kaimen-Expires", string.format("%d", who.expires))
end

-- `headers` of an identity: made when somebody asks for them.
local with_headers = {
  __index = function(who, key)
    if key ~= "headers" then return nil end
    local headers = {}
    tell(who, function(name, value) headers[name] = value end)
    who.headers = headers
    return headers
  end,
}

-- Written out whole: a table that grows field by field is made anew again and again.
local function identity(who)
  return setmetatable({
    user = text(who.user), session = text(who.session), app_id = text(who.app_id), project = text(who.project), env = text(who.env),
    openid = text(who.openid), unionid = text(who.unionid), external_id = text(who.external_id), roles = text(who.roles),
    registered = who.registered == 1, expires = tonumber(who.expires),
  }, with_headers)
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

-- The headers of nginx's request, until this is called again: to make a text of each for Lua would cost more than the check.
local sent, room = nil, 0
local function sent_headers()
  local request = base and base.get_request()
  if not request then error("resty.kaimen: there is no request of nginx here", 3) end
  local count = ffi.C.ngx_http_lua_ffi_req_get_headers_count(request, 0, truncated)
  if count < 0 then error("resty.kaimen: this phase has no request", 3) end
  if count > room then sent, room = ffi.new(elements, count), count end
  ffi.C.ngx_http_lua_ffi_req_get_headers(request, sent, count, 1)
  return count
end

-- The same as request() takes them.
local function listed_headers()
  local list = {}
  for i = 0, sent_headers() - 1 do
    list[i + 1] = { text(sent[i].key.data, sent[i].key.len), text(sent[i].value.data, sent[i].value.len) }
  end
  return list
end

-- What is said of what was offered. `headers`, for `unsure`: nil where they are those of nginx's request.
local function answer(self, wanted, headers)
  local asked, who = self.wanted, self.who
  asked.app_id, asked.project, asked.role, asked.env = wanted.app_id, wanted.project, wanted.role, wanted.env
  asked.registered, asked.optional = flag(wanted, "registered"), flag(wanted, "optional")
  local status = library.kaimen_check_request(self.check, self.presented, asked, who)
  if status == 204 then return status, who.identified == 1 and identity(who) or { headers = {} } end
  if status == 401 then return status, { reason = text(library.kaimen_reason_name(who.reason)) } end
  if status == 503 then
    if self.unsure then return elsewhere(asked.optional == 1, self.unsure(headers or listed_headers(), wanted)) end
    return status, { unsure = text(library.kaimen_unsure_text(who.unsure)) }
  end
  return status, {}
end

-- wanted: app_id, project, role, env, registered, optional, cookie; nil: nothing but a good ticket.
function Kaimen:request(headers, wanted)
  local presented = self.presented
  wanted = wanted or {}
  ffi.fill(presented, ffi.sizeof(presented))
  for _, header in ipairs(headers) do
    library.kaimen_presented_header(self.check, presented, header[1], #header[1], header[2], #header[2], wanted.cookie)
  end
  return answer(self, wanted, headers)
end

local refusals = {
  [401] = '{"type":"about:blank","title":"No valid ticket","status":401,"code":"unauthenticated","reason":"%s"}',
  [403] = '{"type":"about:blank","title":"Not allowed","status":403,"code":"forbidden"}',
  [503] = '{"type":"about:blank","title":"The service is not available at present","status":503,"code":"unavailable"}',
}

-- Offers what the client sent but its claims, which are taken out of the request.
local function offer(self, cookie)
  local check, presented, claims = self.check, self.presented, nil
  ffi.fill(presented, ffi.sizeof(presented))
  for i = 0, sent_headers() - 1 do
    local name, value = sent[i].key, sent[i].value
    if library.kaimen_claims_identity(name.data, name.len) == 1 then
      claims = claims or {}
      claims[#claims + 1] = text(name.data, name.len)
    else
      library.kaimen_presented_header(check, presented, name.data, name.len, value.data, value.len, cookie)
    end
  end
  for _, name in ipairs(claims or {}) do ngx.req.clear_header(name) end
end

-- In access_by_lua*: drops what the client claims, checks, tells the backend who it is; ends the request itself where it is refused.
-- Returns who; {headers = {}} for nobody (optional).
function Kaimen:protect(wanted)
  wanted = wanted or {}
  offer(self, wanted.cookie)
  local status, who = answer(self, wanted)
  if status == 204 then
    local given = rawget(who, "headers")  -- nobody's, or those of `unsure`
    if not given then tell(who, add_header) end
    for _, name in ipairs(given and names or {}) do
      if (given[name] or "") ~= "" then add_header(name, given[name]) end
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
