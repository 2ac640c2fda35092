/* What the module does with a request: claims out, the check, identity in; the reason of a refusal out. */
#include "ngx_http_kaimen.h"

ngx_http_output_header_filter_pt  kaimen_next_header_filter;

static void
kaimen_found_mark(void *data)
{
    /* Marks the pool's cleanup that holds what was found; there is nothing to clean. */
}

kaimen_found_t *
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

/* By its first letter most are seen to be none without a call. */
static ngx_inline ngx_uint_t
kaimen_is_claim(const ngx_table_elt_t *header)
{
    return (header->key.data[0] | 0x20) == 'x' && kaimen_claims_identity((const char *) header->key.data, header->key.len);
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
            any = kaimen_is_claim(&header[i]);
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
            if (kaimen_is_claim(&header[i])) {
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

/* In the first phases that know a location, so that neither `set` nor `if` reads a claim and no subrequest of theirs takes one along. Once for each
 * run through them: an internal redirect, after which the identity is given anew, forgets the module's context. */
ngx_int_t
kaimen_rewrite(ngx_http_request_t *r)
{
    kaimen_loc_conf_t  *conf = ngx_http_get_module_loc_conf(r, ngx_http_kaimen_module);

    if (conf->file == NULL || ngx_http_get_module_ctx(r, ngx_http_kaimen_module) != NULL) {
        return NGX_DECLINED;
    }
    ngx_http_set_ctx(r, &ngx_http_kaimen_module, ngx_http_kaimen_module);
    /* A subrequest has a copy of the main request's headers: what it was found to be, if it was looked at by now, else what the client sent. */
    if (r != r->main && kaimen_found(r, 0) != NULL) {
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
        header->hash = kaimen_names[i].hash;
    }
    return NGX_OK;
}

static ngx_int_t
kaimen_identify(ngx_http_request_t *r, kaimen_found_t *found, const kaimen_identity *who)
{
    u_char      *p;
    size_t       size;
    ngx_uint_t   i;
    u_char       expires[NGX_INT64_LEN + 1];
    const char  *texts[KAIMEN_V_REASON];

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

    size = 0;
    for (i = 0; i < KAIMEN_V_REASON; i++) {
        found->values[i].len = ngx_strlen(texts[i]);
        size += found->values[i].len;
    }
    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }
    for (i = 0; i < KAIMEN_V_REASON; i++) {
        found->values[i].data = p;
        p = ngx_cpymem(p, texts[i], found->values[i].len);
    }
    return kaimen_pass_on(r, found);
}

ngx_int_t
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
    if (found == NULL || kaimen_drop_claims(r) != NGX_OK) {   /* what a script has put there since */
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    ngx_memzero(found, sizeof(kaimen_found_t));

    ngx_memzero(&presented, sizeof(presented));
    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;
        for (i = 0; i < part->nelts; i++) {
            kaimen_presented_header(conf->file->check, &presented, (const char *) header[i].key.data, header[i].key.len, (const char *) header[i].value.data,
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
ngx_int_t
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
