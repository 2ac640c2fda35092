/* Checks Kaimen's tickets inside nginx, against the state file of a node on this machine (libkaimen_check, linked in).
 *
 *   kaimen_state /run/kaimen/check;      http, server, location
 *   kaimen on | off | optional;          optional: without a ticket the request passes, and nobody is identified
 *   kaimen_app, kaimen_project, kaimen_role, kaimen_env NAME; kaimen_registered on | off; kaimen_cookie NAME
 *
 * What the client claims in X-Kaimen-* and X-WX-OPENID (in any case, with underscores, doubled) is taken out of the request wherever
 * kaimen_state is set, also where `kaimen off` is: that is done before the access phase, which other modules may end with `satisfy any`. A good
 * ticket puts the same headers in as /verify gives. 401 carries the reason; where nothing can be said the answer is 503. nginx runs no access
 * checks in subrequests: they see what the main request was found to be. */
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

static ngx_int_t kaimen_preaccess(ngx_http_request_t *r);
static ngx_int_t kaimen_access(ngx_http_request_t *r);
static ngx_int_t kaimen_header_filter(ngx_http_request_t *r);
static ngx_int_t kaimen_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t which);
static ngx_int_t kaimen_add_variables(ngx_conf_t *cf);
static ngx_int_t kaimen_init(ngx_conf_t *cf);
static void *kaimen_create_main_conf(ngx_conf_t *cf);
static void *kaimen_create_loc_conf(ngx_conf_t *cf);
static char *kaimen_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child);
static char *kaimen_set_state(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

static ngx_http_output_header_filter_pt  kaimen_next_header_filter;

static ngx_conf_enum_t  kaimen_modes[] = {
    { ngx_string("off"), KAIMEN_OFF },
    { ngx_string("on"), KAIMEN_ON },
    { ngx_string("optional"), KAIMEN_OPTIONAL },
    { ngx_null_string, 0 }
};

static ngx_conf_enum_t  kaimen_envs[] = {
    { ngx_string("release"), 0 },
    { ngx_string("trial"), 1 },
    { ngx_string("develop"), 2 },
    { ngx_null_string, 0 }
};

static char *
kaimen_set_env(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t        *value = cf->args->elts;
    ngx_conf_enum_t  *e;

    for (e = kaimen_envs; e->name.len != 0; e++) {
        if (e->name.len == value[1].len && ngx_strcmp(e->name.data, value[1].data) == 0) {
            return ngx_conf_set_str_slot(cf, cmd, conf);
        }
    }
    return "must be release, trial or develop";
}

#define KAIMEN_ANYWHERE (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF)
#define KAIMEN_TEXT(name, field, set) \
    { ngx_string(name), KAIMEN_ANYWHERE|NGX_CONF_TAKE1, set, NGX_HTTP_LOC_CONF_OFFSET, offsetof(kaimen_loc_conf_t, field), NULL }

static ngx_command_t  kaimen_commands[] = {
    { ngx_string("kaimen"), KAIMEN_ANYWHERE|NGX_CONF_TAKE1, ngx_conf_set_enum_slot, NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(kaimen_loc_conf_t, mode), kaimen_modes },
    { ngx_string("kaimen_state"), KAIMEN_ANYWHERE|NGX_CONF_TAKE1, kaimen_set_state, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },
    KAIMEN_TEXT("kaimen_app", app, ngx_conf_set_str_slot),
    KAIMEN_TEXT("kaimen_project", project, ngx_conf_set_str_slot),
    KAIMEN_TEXT("kaimen_role", role, ngx_conf_set_str_slot),
    KAIMEN_TEXT("kaimen_env", env, kaimen_set_env),
    KAIMEN_TEXT("kaimen_cookie", cookie, ngx_conf_set_str_slot),
    { ngx_string("kaimen_registered"), KAIMEN_ANYWHERE|NGX_CONF_FLAG, ngx_conf_set_flag_slot, NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(kaimen_loc_conf_t, registered), NULL },
    ngx_null_command
};

static ngx_http_module_t  kaimen_module_ctx = {
    kaimen_add_variables, kaimen_init, kaimen_create_main_conf, NULL, NULL, NULL, kaimen_create_loc_conf, kaimen_merge_loc_conf
};

ngx_module_t  ngx_http_kaimen_module = {
    NGX_MODULE_V1, &kaimen_module_ctx, kaimen_commands, NGX_HTTP_MODULE, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NGX_MODULE_V1_PADDING
};

/* A value's variable, and the header that it is passed on in. */
static struct {
    ngx_str_t  variable, header, lowcase;
} kaimen_names[KAIMEN_VALUES] = {
    { ngx_string("kaimen_user"), ngx_string("X-Kaimen-User"), ngx_string("x-kaimen-user") },
    { ngx_string("kaimen_external_id"), ngx_string("X-Kaimen-External-Id"), ngx_string("x-kaimen-external-id") },
    { ngx_string("kaimen_app"), ngx_string("X-Kaimen-App"), ngx_string("x-kaimen-app") },
    { ngx_string("kaimen_project"), ngx_null_string, ngx_null_string },
    { ngx_string("kaimen_openid"), ngx_string("X-Kaimen-Openid"), ngx_string("x-kaimen-openid") },
    { ngx_string("kaimen_unionid"), ngx_string("X-Kaimen-Unionid"), ngx_string("x-kaimen-unionid") },
    { ngx_string("kaimen_session"), ngx_string("X-Kaimen-Session"), ngx_string("x-kaimen-session") },
    { ngx_string("kaimen_registered"), ngx_string("X-Kaimen-Registered"), ngx_string("x-kaimen-registered") },
    { ngx_string("kaimen_roles"), ngx_string("X-Kaimen-Roles"), ngx_string("x-kaimen-roles") },
    { ngx_string("kaimen_env"), ngx_string("X-Kaimen-Env"), ngx_string("x-kaimen-env") },
    { ngx_string("kaimen_expires"), ngx_string("X-Kaimen-Expires"), ngx_string("x-kaimen-expires") },
    { ngx_string("kaimen_reason"), ngx_null_string, ngx_null_string },
    { ngx_string("kaimen_status"), ngx_null_string, ngx_null_string }
};

static void
kaimen_found_mark(void *data)
{
    /* Marks the pool's cleanup that holds what was found; there is nothing to clean. */
}

static kaimen_found_t *
kaimen_found(ngx_http_request_t *r, ngx_uint_t make)
{
    ngx_pool_cleanup_t  *cleanup;

    r = r->main;
    for (cleanup = r->pool->cleanup; cleanup; cleanup = cleanup->next) {
        if (cleanup->handler == kaimen_found_mark) {
            return cleanup->data;
        }
    }
    if (!make) {
        return NULL;
    }
    cleanup = ngx_pool_cleanup_add(r->pool, sizeof(kaimen_found_t));
    if (cleanup == NULL) {
        return NULL;
    }
    ngx_memzero(cleanup->data, sizeof(kaimen_found_t));
    cleanup->handler = kaimen_found_mark;
    return cleanup->data;
}

static ngx_int_t
kaimen_keep(ngx_http_request_t *r, kaimen_found_t *found, ngx_uint_t which, const char *text)
{
    ngx_str_t  *value = &found->values[which];

    value->len = ngx_strlen(text);
    if (value->len == 0) {
        ngx_str_null(value);
        return NGX_OK;
    }
    value->data = ngx_pnalloc(r->pool, value->len);
    if (value->data == NULL) {
        return NGX_ERROR;
    }
    ngx_memcpy(value->data, text, value->len);
    return NGX_OK;
}

/* Takes what claims an identity out of the request. The list is made anew where there is any, so that pointers of others to headers that stay
 * go on pointing to them. */
static ngx_int_t
kaimen_drop_claims(ngx_http_request_t *r)
{
    ngx_uint_t        i, any = 0;
    ngx_list_t        kept;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header, *copy;

    for (part = &r->headers_in.headers.part; part && !any; part = part->next) {
        header = part->elts;
        for (i = 0; i < part->nelts && !any; i++) {
            any = kaimen_claims_identity((const char *) header[i].key.data, header[i].key.len);
        }
    }
    if (!any) {
        return NGX_OK;
    }
    if (ngx_list_init(&kept, r->pool, 32, sizeof(ngx_table_elt_t)) != NGX_OK) {
        return NGX_ERROR;
    }
    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;
        for (i = 0; i < part->nelts; i++) {
            if (kaimen_claims_identity((const char *) header[i].key.data, header[i].key.len)) {
                continue;
            }
            copy = ngx_list_push(&kept);
            if (copy == NULL) {
                return NGX_ERROR;
            }
            *copy = header[i];
        }
    }
    r->headers_in.headers = kept;
    if (kept.last == &kept.part) {
        r->headers_in.headers.last = &r->headers_in.headers.part;
    }
    return NGX_OK;
}

static ngx_int_t
kaimen_preaccess(ngx_http_request_t *r)
{
    kaimen_loc_conf_t  *conf = ngx_http_get_module_loc_conf(r, ngx_http_kaimen_module);

    /* A subrequest shares the main request's headers, which are what they should be. */
    if (conf->file == NULL || r != r->main) {
        return NGX_DECLINED;
    }
    return kaimen_drop_claims(r) == NGX_OK ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
}

static ngx_int_t
kaimen_challenge(ngx_http_request_t *r, ngx_str_t *reason)
{
    ngx_table_elt_t  *header;
    u_char           *end;
    static const char before[] = "Bearer error=\"invalid_token\", error_description=\"";

    if (r->headers_out.www_authenticate) {
        r->headers_out.www_authenticate->hash = 0;   /* of a location before an internal redirect */
    }
    header = ngx_list_push(&r->headers_out.headers);
    if (header == NULL) {
        return NGX_ERROR;
    }
    ngx_memzero(header, sizeof(ngx_table_elt_t));
    header->hash = 1;
    ngx_str_set(&header->key, "WWW-Authenticate");
    header->value.data = ngx_pnalloc(r->pool, sizeof(before) + reason->len);
    if (header->value.data == NULL) {
        header->hash = 0;
        return NGX_ERROR;
    }
    end = ngx_cpymem(header->value.data, before, sizeof(before) - 1);
    end = ngx_cpymem(end, reason->data, reason->len);
    *end++ = '"';
    header->value.len = end - header->value.data;
    r->headers_out.www_authenticate = header;   /* `satisfy any` takes it back where another module lets the request pass */
    return NGX_OK;
}

static ngx_int_t
kaimen_pass_on(ngx_http_request_t *r, kaimen_found_t *found)
{
    ngx_uint_t        i;
    ngx_table_elt_t  *header;

    for (i = 0; i < KAIMEN_VALUES; i++) {
        if (kaimen_names[i].header.len == 0 || found->values[i].len == 0) {
            continue;
        }
        header = ngx_list_push(&r->headers_in.headers);
        if (header == NULL) {
            return NGX_ERROR;
        }
        ngx_memzero(header, sizeof(ngx_table_elt_t));
        header->key = kaimen_names[i].header;
        header->value = found->values[i];
        header->lowcase_key = kaimen_names[i].lowcase.data;
        header->hash = ngx_hash_key(kaimen_names[i].lowcase.data, kaimen_names[i].lowcase.len);
    }
    return NGX_OK;
}

static ngx_int_t
kaimen_identify(ngx_http_request_t *r, kaimen_found_t *found, const kaimen_identity *who)
{
    ngx_uint_t  i;
    u_char      expires[NGX_INT64_LEN + 1];
    const char *texts[KAIMEN_V_REASON];

    *ngx_sprintf(expires, "%uL", who->expires) = '\0';
    texts[KAIMEN_V_USER] = who->user;
    texts[KAIMEN_V_EXTERNAL_ID] = who->external_id;
    texts[KAIMEN_V_APP] = who->app_id;
    texts[KAIMEN_V_PROJECT] = who->project;
    texts[KAIMEN_V_OPENID] = who->openid;
    texts[KAIMEN_V_UNIONID] = who->unionid;
    texts[KAIMEN_V_SESSION] = who->session;
    texts[KAIMEN_V_REGISTERED] = who->registered ? "true" : "false";
    texts[KAIMEN_V_ROLES] = who->roles;
    texts[KAIMEN_V_ENV] = who->env;
    texts[KAIMEN_V_EXPIRES] = (const char *) expires;
    for (i = 0; i < KAIMEN_V_REASON; i++) {
        if (kaimen_keep(r, found, i, texts[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }
    return kaimen_pass_on(r, found);
}

static ngx_int_t
kaimen_access(ngx_http_request_t *r)
{
    ngx_uint_t          i;
    ngx_list_part_t    *part;
    ngx_table_elt_t    *header;
    kaimen_wanted       wanted;
    kaimen_found_t     *found;
    kaimen_identity     who;
    kaimen_presented    presented;
    kaimen_loc_conf_t  *conf = ngx_http_get_module_loc_conf(r, ngx_http_kaimen_module);

    if (conf->mode == KAIMEN_OFF) {
        return NGX_DECLINED;
    }
    found = kaimen_found(r, 1);
    if (found == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    ngx_memzero(found, sizeof(kaimen_found_t));

    ngx_memzero(&presented, sizeof(presented));
    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;
        for (i = 0; i < part->nelts; i++) {
            kaimen_presented_header(&presented, (const char *) header[i].key.data, header[i].key.len, (const char *) header[i].value.data,
                                    header[i].value.len, (const char *) conf->cookie.data);
        }
    }
    ngx_memzero(&wanted, sizeof(wanted));
    wanted.app_id = (const char *) conf->app.data;
    wanted.project = (const char *) conf->project.data;
    wanted.role = (const char *) conf->role.data;
    wanted.env = (const char *) conf->env.data;
    wanted.registered = conf->registered;
    wanted.optional = conf->mode == KAIMEN_OPTIONAL;

    found->status = kaimen_check_request(conf->file->check, &presented, &wanted, &who);
    switch (found->status) {
    case 204:
        if (who.identified && kaimen_identify(r, found, &who) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
        return NGX_OK;
    case 401:
        if (kaimen_keep(r, found, KAIMEN_V_REASON, kaimen_reason_name(who.reason)) != NGX_OK || kaimen_challenge(r, &found->values[KAIMEN_V_REASON]) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
        return NGX_HTTP_UNAUTHORIZED;
    case 403:
        return NGX_HTTP_FORBIDDEN;
    default:
        found->status = 503;
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "kaimen: %s (%V)", kaimen_unsure_text(who.unsure), &conf->file->path);
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }
}

/* X-Kaimen-Reason at a 401 of ours, whichever location writes its body. */
static ngx_int_t
kaimen_header_filter(ngx_http_request_t *r)
{
    kaimen_found_t   *found;
    ngx_table_elt_t  *header;

    if (r == r->main && r->headers_out.status == NGX_HTTP_UNAUTHORIZED) {
        found = kaimen_found(r, 0);
        if (found && found->status == 401) {
            header = ngx_list_push(&r->headers_out.headers);
            if (header == NULL) {
                return NGX_ERROR;
            }
            ngx_memzero(header, sizeof(ngx_table_elt_t));
            header->hash = 1;
            ngx_str_set(&header->key, "X-Kaimen-Reason");
            header->value = found->values[KAIMEN_V_REASON];
        }
    }
    return kaimen_next_header_filter(r);
}

static ngx_int_t
kaimen_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t which)
{
    kaimen_found_t  *found = kaimen_found(r, 0);
    ngx_str_t        value = ngx_null_string;

    if (found && which == KAIMEN_V_STATUS && found->status != 0) {
        value.data = ngx_pnalloc(r->pool, 3);
        if (value.data == NULL) {
            return NGX_ERROR;
        }
        value.len = ngx_sprintf(value.data, "%03i", found->status) - value.data;
    } else if (found) {
        value = found->values[which];
    }
    v->len = value.len;
    v->data = value.data;
    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;
    return NGX_OK;
}

static ngx_int_t
kaimen_add_variables(ngx_conf_t *cf)
{
    ngx_uint_t            i;
    ngx_http_variable_t  *variable;

    for (i = 0; i < KAIMEN_VALUES; i++) {
        variable = ngx_http_add_variable(cf, &kaimen_names[i].variable, NGX_HTTP_VAR_NOCACHEABLE);
        if (variable == NULL) {
            return NGX_ERROR;
        }
        variable->get_handler = kaimen_variable;
        variable->data = i;
    }
    return NGX_OK;
}

static ngx_int_t
kaimen_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *handler;
    ngx_http_core_main_conf_t  *core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    handler = ngx_array_push(&core->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
    if (handler == NULL) {
        return NGX_ERROR;
    }
    *handler = kaimen_preaccess;
    handler = ngx_array_push(&core->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (handler == NULL) {
        return NGX_ERROR;
    }
    *handler = kaimen_access;
    kaimen_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = kaimen_header_filter;
    return NGX_OK;
}

static void *
kaimen_create_main_conf(ngx_conf_t *cf)
{
    kaimen_main_conf_t  *conf = ngx_pcalloc(cf->pool, sizeof(kaimen_main_conf_t));

    if (conf == NULL || ngx_array_init(&conf->files, cf->pool, 2, sizeof(kaimen_file_t *)) != NGX_OK) {
        return NULL;
    }
    return conf;
}

static void
kaimen_close(void *data)
{
    kaimen_check_close(data);
}

/* The file need not be there yet; nginx starts without it, and answers 503 until it is. */
static char *
kaimen_set_state(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t            path, *value = cf->args->elts;
    ngx_uint_t           i;
    kaimen_file_t      **files, **slot;
    kaimen_loc_conf_t   *own = conf;
    kaimen_main_conf_t  *all = ngx_http_conf_get_module_main_conf(cf, ngx_http_kaimen_module);
    ngx_pool_cleanup_t  *cleanup;

    if (own->file != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }
    path = value[1];
    if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }
    files = all->files.elts;
    for (i = 0; i < all->files.nelts; i++) {
        if (files[i]->path.len == path.len && ngx_strncmp(files[i]->path.data, path.data, path.len) == 0) {
            own->file = files[i];
            return NGX_CONF_OK;
        }
    }
    cleanup = ngx_pool_cleanup_add(cf->pool, 0);
    slot = ngx_array_push(&all->files);
    if (cleanup == NULL || slot == NULL) {
        return NGX_CONF_ERROR;
    }
    *slot = ngx_pcalloc(cf->pool, sizeof(kaimen_file_t));
    if (*slot == NULL || kaimen_check_open((const char *) path.data, &(*slot)->check) != 0) {
        return NGX_CONF_ERROR;
    }
    (*slot)->path = path;
    cleanup->handler = kaimen_close;
    cleanup->data = (*slot)->check;
    own->file = *slot;
    return NGX_CONF_OK;
}

static void *
kaimen_create_loc_conf(ngx_conf_t *cf)
{
    kaimen_loc_conf_t  *conf = ngx_pcalloc(cf->pool, sizeof(kaimen_loc_conf_t));

    if (conf == NULL) {
        return NULL;
    }
    conf->mode = NGX_CONF_UNSET_UINT;
    conf->file = NGX_CONF_UNSET_PTR;
    conf->registered = NGX_CONF_UNSET;
    return conf;
}

static char *
kaimen_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    kaimen_loc_conf_t  *before = parent, *conf = child;

    ngx_conf_merge_uint_value(conf->mode, before->mode, KAIMEN_OFF);
    ngx_conf_merge_ptr_value(conf->file, before->file, NULL);
    ngx_conf_merge_value(conf->registered, before->registered, 0);
    ngx_conf_merge_str_value(conf->app, before->app, "");
    ngx_conf_merge_str_value(conf->project, before->project, "");
    ngx_conf_merge_str_value(conf->role, before->role, "");
    ngx_conf_merge_str_value(conf->env, before->env, "");
    ngx_conf_merge_str_value(conf->cookie, before->cookie, "kaimen");
    if (conf->mode != KAIMEN_OFF && conf->file == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"kaimen\" is on and no \"kaimen_state\" is set");
        return NGX_CONF_ERROR;
    }
    return NGX_CONF_OK;
}
