-- The check, asked by HAProxy for each request of kaimen-check.cfg: its answer is set as variables of the transaction. HAProxy's own client
-- does not wait for it on the event loop. It fails closed: whatever is not a clear answer is 503.
local verify = os.getenv("KAIMEN_VERIFY") or "http://127.0.0.1:8081/verify"

-- What may carry a ticket; KAIMEN_TICKET_HEADERS: the names of session.ticket_headers.
local carriers = { "authorization", "x-kaimen-ticket", "cookie", "x-wx-skey" }
for name in (os.getenv("KAIMEN_TICKET_HEADERS") or ""):gmatch("[^,%s]+") do carriers[#carriers + 1] = name:lower() end

local names = { "user", "external-id", "app", "openid", "unionid", "session", "registered", "roles", "actor", "env", "expires" }

-- HAProxy counts a header's values from 0.
local function list(values)
  local all = {}
  for i = 0, #values do all[#all + 1] = values[i] end
  return all
end

core.register_action("kaimen", { "http-req" }, function(txn)
  local sent, headers = txn.http:req_get_headers(), {}
  for _, name in ipairs(carriers) do
    if sent[name] then headers[name] = list(sent[name]) end
  end
  local answer = core.httpclient():get({ url = verify, headers = headers, timeout = 2000 })
  local status = answer and answer.status or 0
  if status ~= 204 and status ~= 401 and status ~= 403 then status = 503 end
  local given = answer and answer.headers or {}
  -- A 204 that names nobody is somebody else's, unless nobody may come.
  if status == 204 and not given["x-kaimen-user"] and not verify:find("optional=true", 1, true) then status = 503 end
  txn:set_var("txn.kaimen_status", status)
  if status == 401 then
    local reason = given["x-kaimen-reason"]
    txn:set_var("txn.kaimen_reason", reason and reason[0] or "malformed")
  end
  if status ~= 204 then return end
  for _, name in ipairs(names) do
    local value = given["x-kaimen-" .. name]
    if value then txn.http:req_set_header("X-Kaimen-" .. name, value[0]) end
  end
end, 0)
