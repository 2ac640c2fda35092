return {
  name = "kaimen",
  fields = {
    {
      config = {
        type = "record",
        fields = {
          { state = { type = "string", default = "/run/kaimen/check" } },
          { app_id = { type = "string" } },
          { project = { type = "string" } },
          { role = { type = "string" } },
          { env = { type = "string", one_of = { "release", "trial", "develop" } } },
          { registered = { type = "boolean", default = false } },
          { optional = { type = "boolean", default = false } },
        },
      },
    },
  },
}
