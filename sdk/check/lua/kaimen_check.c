/* Checks Kaimen's tickets from Lua 5.1 to 5.4 (Apache's mod_lua, lighttpd's mod_magnet, HAProxy, your own programs), over libkaimen_check.
 * For LuaJIT and OpenResty there is resty/kaimen.lua, which needs no compiler.
 *
 *   cc -shared -fPIC -O2 $(pkg-config --cflags lua5.4) kaimen_check.c -lkaimen_check -o kaimen_check.so
 *
 *   local kaimen = require("kaimen_check")
 *   local check = kaimen.open("/run/kaimen/check")
 *   local status, who = check:request({{"Authorization", "Bearer km1.…"}, …}, {app_id = "wx…", optional = true})
 *
 * status: 204, 401, 403, 503, as of /verify. who: at 204 with a ticket user, session, app_id, …, and `headers`, what a backend is to be told; at
 * 401 `reason`; at 503 `unsure`, a few words for the log. */
#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include <kaimen_check.h>

#define KAIMEN_TYPE "kaimen_check"

static kaimen_check **handle_of(lua_State *lua) { return luaL_checkudata(lua, 1, KAIMEN_TYPE); }

static int open_file(lua_State *lua) {
  const char *path = luaL_checkstring(lua, 1);
  kaimen_check **handle = lua_newuserdata(lua, sizeof *handle);
  *handle = NULL;
  luaL_getmetatable(lua, KAIMEN_TYPE);
  lua_setmetatable(lua, -2);
  const int failed = kaimen_check_open(path, handle);
  return failed ? luaL_error(lua, "kaimen_check: %s", strerror(failed)) : 1;
}

static int close_file(lua_State *lua) {
  kaimen_check **handle = handle_of(lua);
  kaimen_check_close(*handle);
  *handle = NULL;
  return 0;
}

/* A text of the table at `index`; NULL where there is none. Stays valid for as long as the table holds it. */
static const char *option(lua_State *lua, int index, const char *name) {
  lua_getfield(lua, index, name);
  const char *value = lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : NULL;
  if (!value && lua_toboolean(lua, -1)) luaL_error(lua, "kaimen_check: %s must be a text", name);
  lua_pop(lua, 1);
  return value;
}
/* Configuration often has its yes and no as texts, and in Lua every text is true. */
static int flag(lua_State *lua, int index, const char *name) {
  lua_getfield(lua, index, name);
  int value = lua_toboolean(lua, -1);
  if (lua_type(lua, -1) == LUA_TSTRING) {
    const char *text = lua_tostring(lua, -1);
    value = strcmp(text, "true") == 0;
    if (!value && *text && strcmp(text, "false") != 0) luaL_error(lua, "kaimen_check: %s must be true or false", name);
  } else if (value && lua_type(lua, -1) != LUA_TBOOLEAN) {
    luaL_error(lua, "kaimen_check: %s must be true or false", name);
  }
  lua_pop(lua, 1);
  return value;
}

static void set(lua_State *lua, const char *name, const char *value) {
  if (!value || !*value) return;
  lua_pushstring(lua, value);
  lua_setfield(lua, -2, name);
}

static void push_identity(lua_State *lua, const kaimen_identity *who) {
  char expires[24];
  lua_newtable(lua);
  if (who->status == 401) set(lua, "reason", kaimen_reason_name(who->reason));
  if (who->status == 503) set(lua, "unsure", kaimen_unsure_text(who->unsure));
  if (!who->identified) return;
  lua_pushinteger(lua, (lua_Integer)who->expires);
  lua_tolstring(lua, -1, NULL);
  strncpy(expires, lua_tostring(lua, -1), sizeof expires - 1);
  expires[sizeof expires - 1] = '\0';
  lua_pop(lua, 1);
  const struct {
    const char *field, *header, *value;
  } all[] = {{"user", "X-Kaimen-User", who->user},
             {"session", "X-Kaimen-Session", who->session},
             {"app_id", "X-Kaimen-App", who->app_id},
             {"project", NULL, who->project},
             {"openid", "X-Kaimen-Openid", who->openid},
             {"unionid", "X-Kaimen-Unionid", who->unionid},
             {"external_id", "X-Kaimen-External-Id", who->external_id},
             {"roles", "X-Kaimen-Roles", who->roles},
             {"env", "X-Kaimen-Env", who->env},
             {"expires", "X-Kaimen-Expires", expires},
             {"registered", "X-Kaimen-Registered", who->registered ? "true" : "false"}};
  const size_t count = sizeof all / sizeof all[0];
  for (size_t i = 0; i < count; ++i) set(lua, all[i].field, all[i].value);
  lua_pushboolean(lua, who->registered);
  lua_setfield(lua, -2, "registered");
  lua_newtable(lua);
  for (size_t i = 0; i < count; ++i) {
    if (all[i].header) set(lua, all[i].header, all[i].value);
  }
  lua_setfield(lua, -2, "headers");
}

static int request(lua_State *lua) {
  kaimen_check **handle = handle_of(lua);
  luaL_checktype(lua, 2, LUA_TTABLE);
  luaL_argcheck(lua, *handle != NULL, 1, "closed");
  kaimen_wanted wanted;
  memset(&wanted, 0, sizeof wanted);
  const char *cookie = NULL;
  if (!lua_isnoneornil(lua, 3)) {
    luaL_checktype(lua, 3, LUA_TTABLE);
    wanted.app_id = option(lua, 3, "app_id");
    wanted.project = option(lua, 3, "project");
    wanted.role = option(lua, 3, "role");
    wanted.env = option(lua, 3, "env");
    wanted.registered = flag(lua, 3, "registered");
    wanted.optional = flag(lua, 3, "optional");
    cookie = option(lua, 3, "cookie");
  }
  kaimen_presented presented;
  memset(&presented, 0, sizeof presented);
  for (int i = 1;; ++i) {
    lua_rawgeti(lua, 2, i);
    if (lua_isnil(lua, -1)) break;
    luaL_checktype(lua, -1, LUA_TTABLE);
    lua_rawgeti(lua, -1, 1);
    lua_rawgeti(lua, -2, 2);
    size_t name_size = 0, value_size = 0;
    const char *name = lua_type(lua, -2) == LUA_TSTRING ? lua_tolstring(lua, -2, &name_size) : NULL;
    const char *value = lua_type(lua, -1) == LUA_TSTRING ? lua_tolstring(lua, -1, &value_size) : NULL;
    if (!name || !value) return luaL_error(lua, "kaimen_check: a header is {name, value}");
    kaimen_presented_header(*handle, &presented, name, name_size, value, value_size, cookie);
    lua_pop(lua, 3);
  }
  kaimen_identity who;
  lua_pushinteger(lua, kaimen_check_request(*handle, &presented, &wanted, &who));
  push_identity(lua, &who);
  return 2;
}

static int claims_identity(lua_State *lua) {
  size_t size = 0;
  const char *name = luaL_checklstring(lua, 1, &size);
  lua_pushboolean(lua, kaimen_claims_identity(name, size));
  return 1;
}

__attribute__((visibility("default"))) int luaopen_kaimen_check(lua_State *lua) {
  if (kaimen_check_abi() != KAIMEN_CHECK_ABI) return luaL_error(lua, "kaimen_check: another version of libkaimen_check");
  luaL_newmetatable(lua, KAIMEN_TYPE);
  lua_pushcfunction(lua, close_file);
  lua_setfield(lua, -2, "__gc");
  lua_newtable(lua);
  lua_pushcfunction(lua, request);
  lua_setfield(lua, -2, "request");
  lua_setfield(lua, -2, "__index");
  lua_newtable(lua);
  lua_pushcfunction(lua, open_file);
  lua_setfield(lua, -2, "open");
  lua_pushcfunction(lua, claims_identity);
  lua_setfield(lua, -2, "claims_identity");
  return 1;
}
