-- The check of each request below a <Location> that names it (kaimen.conf), inside Apache, against the state file of a node on this machine.
require "apache2"
local kaimen = require "kaimen_check"

local file = os.getenv("KAIMEN_STATE") or "/run/kaimen/check"
local wanted = {}  -- app_id = "wx…", registered = true, role = "…", optional = true
local check  -- one a thread: LuaScope thread

function check_ticket(r)
  check = check or kaimen.open(file)
  local headers = {}
  for name, value in pairs(r:headers_in_table()) do
    if kaimen.claims_identity(name) then
      r.headers_in[name] = nil
    else
      headers[#headers + 1] = { name, value }
    end
  end
  local status, who = check:request(headers, wanted)
  if status == 204 then
    for name, value in pairs(who.headers or {}) do r.headers_in[name] = value end
    return apache2.OK
  end
  if status == 401 then r.err_headers_out["WWW-Authenticate"] = 'Bearer error="invalid_token", error_description="' .. who.reason .. '"' end
  if status == 503 then r:err("kaimen: " .. who.unsure) end
  return status
end
