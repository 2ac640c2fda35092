-- The check of each request that kaimen.conf sends here, inside lighttpd, against the state file of a node on this machine. Without it nothing
-- waits: lighttpd has one thread for all requests, which may not ask somebody else over a socket.
local kaimen = require "kaimen_check"

local file = os.getenv("KAIMEN_STATE") or "/run/kaimen/check"
local wanted = {}  -- app_id = "wx…", registered = true, role = "…", optional = true

lighty.kaimen = lighty.kaimen or kaimen.open(file)

local r = lighty.r
local headers, claims = {}, {}
for name, value in pairs(r.req_header) do
  if kaimen.claims_identity(name) then
    claims[#claims + 1] = name
  else
    headers[#headers + 1] = { name, value }
  end
end
for _, name in ipairs(claims) do r.req_header[name] = nil end

local status, who = lighty.kaimen:request(headers, wanted)
if status == 204 then
  for name, value in pairs(who.headers or {}) do r.req_header[name] = value end
  return 0
end
r.resp_header["Content-Type"] = "application/problem+json"
r.resp_header["Cache-Control"] = "no-store"
if status == 401 then
  r.resp_header["WWW-Authenticate"] = 'Bearer error="invalid_token", error_description="' .. who.reason .. '"'
  r.resp_body.set('{"type":"about:blank","title":"No valid ticket","status":401,"code":"unauthenticated","reason":"' .. who.reason .. '"}')
elseif status == 403 then
  r.resp_body.set('{"type":"about:blank","title":"Not allowed","status":403,"code":"forbidden"}')
else
  print("kaimen: " .. (who.unsure or "?"))
  r.resp_header["Retry-After"] = "2"
  r.resp_body.set('{"type":"about:blank","title":"The service is not available at present","status":503,"code":"unavailable"}')
end
return status
