-- APISIX: a plugin of its own, to be put under apisix/plugins/ (extra_lua_path) and named in `plugins` of config.yaml; on a route:
--   plugins: { kaimen: { state: "/run/kaimen/check", app_id: "wx…" } }
local core = require("apisix.core")
local Kaimen = require("resty.kaimen")

local schema = {
  type = "object",
  properties = {
    state = { type = "string", default = "/run/kaimen/check" },
    app_id = { type = "string" },
    project = { type = "string" },
    role = { type = "string" },
    env = { type = "string", enum = { "release", "trial", "develop" } },
    registered = { type = "boolean", default = false },
    optional = { type = "boolean", default = false },
  },
}

local opened = {}

local plugin = { version = 1.0, priority = 2599, name = "kaimen", schema = schema }

function plugin.check_schema(conf) return core.schema.check(schema, conf) end

function plugin.rewrite(conf)
  opened[conf.state] = opened[conf.state] or Kaimen.open(conf.state)
  opened[conf.state]:protect(conf)
end

return plugin
