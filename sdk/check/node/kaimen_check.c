/* The part of kaimen_check.js that is C: libkaimen_check as a Node addon (Node-API, any Node from 18 on).
 *
 *   cc -shared -fPIC -O2 -I/usr/include/node kaimen_check.c -lkaimen_check -o kaimen_check.node
 *
 * open(path) → handle; request(handle, [name, value, …], [app_id, project, role, env], registered, optional) → [status, reason or unsure, …]. */
#define NAPI_VERSION 8
#include <node_api.h>
#include <stdlib.h>
#include <string.h>

#include <kaimen_check.h>

#define WANTED 4
#define TEXT_MAX 65536

static napi_value fail(napi_env env, const char *message) {
  napi_throw_type_error(env, NULL, message);
  return NULL;
}

static void close_handle(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  kaimen_check_close(data);
}

/* A text in memory of its own, with a NUL behind it; NULL: not a text, or too long. */
static char *text_of(napi_env env, napi_value value, size_t *size) {
  if (napi_get_value_string_utf8(env, value, NULL, 0, size) != napi_ok || *size > TEXT_MAX) return NULL;
  char *text = malloc(*size + 1);
  if (text && napi_get_value_string_utf8(env, value, text, *size + 1, size) != napi_ok) {
    free(text);
    return NULL;
  }
  return text;
}

static napi_value open_file(napi_env env, napi_callback_info info) {
  size_t count = 1, size = 0;
  napi_value argument, result;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  char *path = count == 1 ? text_of(env, argument, &size) : NULL;
  if (!path) return fail(env, "kaimen_check: a path is wanted");
  kaimen_check *check = NULL;
  const int failed = kaimen_check_open(path, &check);
  free(path);
  if (failed) return fail(env, "kaimen_check: cannot be opened");
  if (napi_create_external(env, check, close_handle, NULL, &result) != napi_ok) {
    kaimen_check_close(check);
    return NULL;
  }
  return result;
}

static void add(napi_env env, napi_value list, uint32_t at, const char *text) {
  napi_value value;
  if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) == napi_ok) napi_set_element(env, list, at, value);
}

static napi_value answer_of(napi_env env, const kaimen_identity *who) {
  napi_value list, number;
  if (napi_create_array(env, &list) != napi_ok) return NULL;
  napi_create_int32(env, who->status, &number);
  napi_set_element(env, list, 0, number);
  add(env, list, 1, who->status == 401 ? kaimen_reason_name(who->reason) : kaimen_unsure_text(who->unsure));
  if (!who->identified) return list;
  const char *texts[] = {who->user, who->session, who->app_id, who->openid, who->unionid, who->external_id, who->roles, who->env};
  for (uint32_t i = 0; i < 8; ++i) add(env, list, 2 + i, texts[i]);
  napi_get_boolean(env, who->registered != 0, &number);
  napi_set_element(env, list, 10, number);
  napi_create_double(env, (double)who->expires, &number);
  napi_set_element(env, list, 11, number);
  return list;
}

static napi_value request(napi_env env, napi_callback_info info) {
  size_t count = 5;
  napi_value arguments[5], result = NULL;
  void *check = NULL;
  bool registered = false, optional = false;
  uint32_t headers = 0;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (count != 5 || napi_get_value_external(env, arguments[0], &check) != napi_ok || napi_get_array_length(env, arguments[1], &headers) != napi_ok ||
      napi_get_value_bool(env, arguments[3], &registered) != napi_ok || napi_get_value_bool(env, arguments[4], &optional) != napi_ok) {
    return fail(env, "kaimen_check: request(handle, headers, wanted, registered, optional)");
  }
  kaimen_presented presented;
  kaimen_wanted wanted;
  kaimen_identity who;
  memset(&presented, 0, sizeof presented);
  char *options[WANTED] = {NULL, NULL, NULL, NULL};
  char **values = calloc(headers / 2 + 1, sizeof *values);
  size_t kept = 0;
  int good = values != NULL && headers % 2 == 0;
  for (uint32_t i = 0; good && i < headers; i += 2) {
    napi_value name_value, value_value;
    size_t name_size = 0, value_size = 0;
    /* A getter among them may throw, and then there is no value. */
    if (napi_get_element(env, arguments[1], i, &name_value) != napi_ok || napi_get_element(env, arguments[1], i + 1, &value_value) != napi_ok) {
      good = 0;
      break;
    }
    char *name = text_of(env, name_value, &name_size), *value = text_of(env, value_value, &value_size);
    good = name && value;
    if (good) kaimen_presented_header(check, &presented, name, name_size, value, value_size, NULL);
    free(name);
    values[kept++] = value; /* `presented` points into it */
  }
  for (uint32_t i = 0; good && i < WANTED; ++i) {
    napi_value element;
    size_t size = 0;
    good = napi_get_element(env, arguments[2], i, &element) == napi_ok && (options[i] = text_of(env, element, &size)) != NULL;
  }
  if (good) {
    memset(&wanted, 0, sizeof wanted);
    wanted.app_id = options[0], wanted.project = options[1], wanted.role = options[2], wanted.env = options[3];
    wanted.registered = registered, wanted.optional = optional;
    kaimen_check_request(check, &presented, &wanted, &who);
    result = answer_of(env, &who);
  }
  for (size_t i = 0; i < kept; ++i) free(values[i]);
  for (size_t i = 0; i < WANTED; ++i) free(options[i]);
  free(values);
  return good ? result : fail(env, "kaimen_check: headers and options are texts");
}

static napi_value init(napi_env env, napi_value exports) {
  napi_value function;
  if (kaimen_check_abi() != KAIMEN_CHECK_ABI) return fail(env, "kaimen_check: another version of libkaimen_check");
  napi_create_function(env, "open", NAPI_AUTO_LENGTH, open_file, NULL, &function);
  napi_set_named_property(env, exports, "open", function);
  napi_create_function(env, "request", NAPI_AUTO_LENGTH, request, NULL, &function);
  napi_set_named_property(env, exports, "request", function);
  return exports;
}

NAPI_MODULE(kaimen_check, init)
