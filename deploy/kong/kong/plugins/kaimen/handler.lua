-- Kong: a plugin of its own (KONG_PLUGINS=bundled,kaimen, with this folder and resty/kaimen.lua in KONG_LUA_PACKAGE_PATH).
local Kaimen = require("resty.kaimen")

local opened = {}

local plugin = { VERSION = "1.0.0", PRIORITY = 1000 }

function plugin:access(conf)
  opened[conf.state] = opened[conf.state] or Kaimen.open(conf.state)
  opened[conf.state]:protect(conf)
end

return plugin
