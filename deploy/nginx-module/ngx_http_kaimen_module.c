/* Checks Kaimen's tickets inside nginx, against the state file of a node on this machine (libkaimen_check, linked in).
 *
 *   kaimen_state /run/kaimen/check;      http, server, location
 *   kaimen on | off | optional;          optional: without a ticket the request passes, and nobody is identified
 *   kaimen_app, kaimen_project, kaimen_role, kaimen_env NAME; kaimen_registered on | off; kaimen_cookie NAME
 *
 * What the client claims in X-Kaimen-* and X-WX-OPENID (in any case, whatever stands for the hyphens, doubled) is taken out of the request wherever
 * kaimen_state is set, also where `kaimen off` is: before nginx's own `set` and `if`, and in subrequests too. A good ticket puts the same headers
 * in as /verify gives. 401 carries the reason; where nothing can be said the answer is 503. nginx runs no access checks in subrequests: they see
 * what the main request was found to be. */
#include "ngx_http_kaimen.h"

static ngx_int_t kaimen_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t which);
static ngx_int_t kaimen_add_variables(ngx_conf_t *cf);
static ngx_int_t kaimen_init(ngx_conf_t *cf);
static void *kaimen_create_main_conf(ngx_conf_t *cf);
static void *kaimen_create_loc_conf(ngx_conf_t *cf);
static char *kaimen_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child);
static char *kaimen_set_state(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

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

kaimen_name_t  kaimen_names[KAIMEN_VALUES] = {
    { ngx_string("kaimen_user"), ngx_string("X-Kaimen-User"), ngx_string("x-kaimen-user"), 0 },
    { ngx_string("kaimen_external_id"), ngx_string("X-Kaimen-External-Id"), ngx_string("x-kaimen-external-id"), 0 },
    { ngx_string("kaimen_app"), ngx_string("X-Kaimen-App"), ngx_string("x-kaimen-app"), 0 },
    { ngx_string("kaimen_project"), ngx_null_string, ngx_null_string, 0 },
    { ngx_string("kaimen_openid"), ngx_string("X-Kaimen-Openid"), ngx_string("x-kaimen-openid"), 0 },
    { ngx_string("kaimen_unionid"), ngx_string("X-Kaimen-Unionid"), ngx_string("x-kaimen-unionid"), 0 },
    { ngx_string("kaimen_session"), ngx_string("X-Kaimen-Session"), ngx_string("x-kaimen-session"), 0 },
    { ngx_string("kaimen_registered"), ngx_string("X-Kaimen-Registered"), ngx_string("x-kaimen-registered"), 0 },
    { ngx_string("kaimen_roles"), ngx_string("X-Kaimen-Roles"), ngx_string("x-kaimen-roles"), 0 },
    { ngx_string("kaimen_env"), ngx_string("X-Kaimen-Env"), ngx_string("x-kaimen-env"), 0 },
    { ngx_string("kaimen_expires"), ngx_string("X-Kaimen-Expires"), ngx_string("x-kaimen-expires"), 0 },
    { ngx_string("kaimen_reason"), ngx_null_string, ngx_null_string, 0 },
    { ngx_string("kaimen_status"), ngx_null_string, ngx_null_string, 0 }
};

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
        kaimen_names[i].hash = ngx_hash_key(kaimen_names[i].lowcase.data, kaimen_names[i].lowcase.len);
    }
    return NGX_OK;
}

static ngx_int_t
kaimen_init(ngx_conf_t *cf)
{
    ngx_uint_t                  i;
    ngx_http_handler_pt        *handler;
    ngx_http_core_main_conf_t  *core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    static const struct {
        ngx_uint_t           phase;
        ngx_http_handler_pt  run;
    } handlers[] = {
        /* Before nginx's own `set` and `if`: of a phase's handlers the last one registered runs first. */
        { NGX_HTTP_SERVER_REWRITE_PHASE, kaimen_rewrite },
        { NGX_HTTP_REWRITE_PHASE, kaimen_rewrite },
        { NGX_HTTP_ACCESS_PHASE, kaimen_access }
    };

    for (i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        handler = ngx_array_push(&core->phases[handlers[i].phase].handlers);
        if (handler == NULL) {
            return NGX_ERROR;
        }
        *handler = handlers[i].run;
    }
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
