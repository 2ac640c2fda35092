/* What the two halves of the module share: ngx_http_kaimen_module.c (directives, variables) and ngx_http_kaimen_request.c (what is done with a
 * request). */
#ifndef NGX_HTTP_KAIMEN_H
#define NGX_HTTP_KAIMEN_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "kaimen_check.h"

#define KAIMEN_OFF 0
#define KAIMEN_ON 1
#define KAIMEN_OPTIONAL 2

typedef struct {
    ngx_str_t      path;
    kaimen_check  *check;
} kaimen_file_t;

typedef struct {
    ngx_array_t  files;      /* kaimen_file_t *: one a path */
} kaimen_main_conf_t;

typedef struct {
    ngx_uint_t      mode;
    kaimen_file_t  *file;
    ngx_str_t       app, project, role, env, cookie;   /* each with a NUL behind it */
    ngx_flag_t      registered;
} kaimen_loc_conf_t;

enum {
    KAIMEN_V_USER, KAIMEN_V_EXTERNAL_ID, KAIMEN_V_APP, KAIMEN_V_PROJECT, KAIMEN_V_OPENID, KAIMEN_V_UNIONID, KAIMEN_V_SESSION, KAIMEN_V_REGISTERED,
    KAIMEN_V_ROLES, KAIMEN_V_ENV, KAIMEN_V_EXPIRES, KAIMEN_V_REASON, KAIMEN_V_STATUS, KAIMEN_VALUES
};

/* What was found of the main request; kept beside the request's pool, for internal redirects forget module contexts. */
typedef struct {
    ngx_str_t  values[KAIMEN_VALUES];
    ngx_int_t  status;
} kaimen_found_t;

/* A value's variable, and the header that it is passed on in. */
typedef struct {
    ngx_str_t   variable, header, lowcase;
    ngx_uint_t  hash;    /* of the lowcase; set when nginx starts */
} kaimen_name_t;

extern ngx_module_t   ngx_http_kaimen_module;
extern kaimen_name_t  kaimen_names[KAIMEN_VALUES];

/* The handlers of the phases, and the header filter that follows ours. */
ngx_int_t kaimen_rewrite(ngx_http_request_t *r);
ngx_int_t kaimen_access(ngx_http_request_t *r);
ngx_int_t kaimen_header_filter(ngx_http_request_t *r);
extern ngx_http_output_header_filter_pt  kaimen_next_header_filter;

/* What was found of the main request; NULL: nothing yet (and `make` is 0), or no memory. */
kaimen_found_t *kaimen_found(ngx_http_request_t *r, ngx_uint_t make);

#endif
